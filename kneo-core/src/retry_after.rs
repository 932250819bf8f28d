//! How long a server asks to wait.

use std::time::Duration;

use jiff::Timestamp;
use jiff::fmt::rfc2822::DateTimeParser;

/// The longest wait that is believed; beyond it the header is garbage.
const LONGEST: Duration = Duration::from_secs(366 * 24 * 60 * 60);

/// The wait that an answer over HTTP asks for: `retry-after-ms` in milliseconds, else `retry-after` in seconds or as a
/// date. `header` gives the value of a header by its name in lower case.
///
/// A date counts from the server's own `date`, so that no clock here must be right; without one it is not used. What is
/// neither is not used.
#[must_use]
pub fn retry_after<'a>(header: impl Fn(&'static str) -> Option<&'a str>) -> Option<Duration> {
    let milliseconds = || duration(header("retry-after-ms")?, 1e-3);
    let seconds = || duration(header("retry-after")?, 1.0);
    let until = || {
        let (then, now) = (date(header("retry-after")?)?, date(header("date")?)?);
        Some(then.duration_since(now).try_into().unwrap_or(Duration::ZERO))
    };
    milliseconds().or_else(seconds).or_else(until).filter(|wait| *wait <= LONGEST)
}

/// A number of some unit.
fn duration(text: &str, unit: f64) -> Option<Duration> {
    Duration::try_from_secs_f64(text.trim().parse::<f64>().ok()? * unit).ok()
}

/// A date as HTTP writes it (<https://www.rfc-editor.org/rfc/rfc9110#section-5.6.7>), without the two obsolete forms.
fn date(text: &str) -> Option<Timestamp> {
    const PARSER: DateTimeParser = DateTimeParser::new().relaxed_weekday(true);
    PARSER.parse_timestamp(text.trim()).ok()
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::retry_after;

    #[test]
    fn seconds_milliseconds_and_dates_are_read_and_garbage_is_not() {
        const NOW: (&str, &str) = ("date", "Sun, 06 Nov 1994 08:49:37 GMT");
        type Headers = &'static [(&'static str, &'static str)];
        let cases: &[(Headers, Option<u64>)] = &[
            (&[], None),
            (&[("retry-after", "7")], Some(7_000)),
            (&[("retry-after", " 0 ")], Some(0)),
            (&[("retry-after", "1.5")], Some(1_500)),
            (&[("retry-after", "36000")], Some(36_000_000)),
            (&[("retry-after-ms", "250"), ("retry-after", "7")], Some(250)),
            (&[("retry-after-ms", "soon"), ("retry-after", "7")], Some(7_000)),
            (&[NOW, ("retry-after", "Sun, 06 Nov 1994 08:50:37 GMT")], Some(60_000)),
            (&[NOW, ("retry-after", "Sun, 06 Nov 1994 08:49:00 GMT")], Some(0)),
            (&[("retry-after", "Sun, 06 Nov 1994 08:50:37 GMT")], None),
            (&[NOW, ("retry-after", "Sun, 99 Nov 1994 08:50:37 GMT")], None),
            (&[("retry-after", "-3")], None),
            (&[("retry-after", "soon")], None),
            (&[("retry-after", "")], None),
            (&[("retry-after", "NaN")], None),
            (&[("retry-after", "inf")], None),
            (&[("retry-after", "1e300")], None),
            (&[("retry-after", "99999999999999999999")], None),
            (&[NOW, ("retry-after", "Sun, 06 Nov 9994 08:50:37 GMT")], None),
        ];
        for (headers, expected) in cases {
            let header = |wanted| headers.iter().find(|(name, _)| *name == wanted).map(|(_, value)| *value);
            assert_eq!(retry_after(header), expected.map(Duration::from_millis), "{headers:?}");
        }
    }
}
