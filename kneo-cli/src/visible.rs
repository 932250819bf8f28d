//! Text that others wrote, on its way to a person: models, tools, servers, specs and whoever started a run write what
//! they like, and a terminal does what it reads.
//!
//! Whatever is written for people passes [`guarded`] on its way out, so that nothing moves the cursor, names the window
//! or turns the direction of a line. What others wrote passes [`line`], [`lines`] or [`whole`] before that, where it
//! becomes a part of a text: so it has no colour, and begins no line that looks like the program's own.

use std::borrow::Cow;

/// Stands before the lines of a text that are not its first.
const GOES_ON: &str = "  │ ";

/// Text in one line.
pub(crate) fn line(text: &str) -> Cow<'_, str> {
    escaped(text, |c| acts(c) || c == '\n' || c == '\t')
}

/// Text in lines, of which all but the first are seen to belong to it.
pub(crate) fn lines(text: &str) -> String {
    let mut lines = text.trim_end().split('\n').map(|part| escaped(part.strip_suffix('\r').unwrap_or(part), acts));
    let mut shown = lines.next().unwrap_or_default().into_owned();
    for part in lines {
        shown.push('\n');
        shown.push_str(format!("{GOES_ON}{part}").trim_end());
    }
    shown
}

/// Text in its own lines, for a place where nothing but it stands.
pub(crate) fn whole(text: &str) -> Cow<'_, str> {
    escaped(text, acts)
}

/// Whether a character does more than to be seen where it stands; line feeds and tabs may do what they do.
fn acts(c: char) -> bool {
    match c {
        '\n' | '\t' => false,
        // They turn the direction of what follows, or are lines to some terminals.
        '\u{200e}' | '\u{200f}' | '\u{061c}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}' => true,
        c => c.is_control(),
    }
}

fn escaped(text: &str, acts: impl Fn(char) -> bool) -> Cow<'_, str> {
    if !text.contains(&acts) {
        return Cow::Borrowed(text);
    }
    let mut shown = String::with_capacity(text.len());
    for c in text.chars() {
        match acts(c) {
            true => shown.extend(c.escape_default()),
            false => shown.push(c),
        }
    }
    Cow::Owned(shown)
}

/// JSON with the same meaning, in which nothing acts.
pub(crate) fn in_json(json: &str) -> Cow<'_, str> {
    if !json.contains(acts) {
        return Cow::Borrowed(json);
    }
    let mut spelt = String::with_capacity(json.len());
    for c in json.chars() {
        match acts(c) {
            // It stands in a string: nothing else of JSON is such a character, and none is beyond 16 bits.
            true => spelt.push_str(&format!("\\u{:04x}", u32::from(c))),
            false => spelt.push(c),
        }
    }
    Cow::Owned(spelt)
}

/// Text in lines, each of which is seen to belong to it.
pub(crate) fn block(text: &str) -> String {
    let line = |line: &str| format!("{GOES_ON}{}", escaped(line, acts)).trim_end().to_owned();
    text.lines().map(line).collect::<Vec<_>>().join("\n")
}

/// Text for people as a whole, in which nothing acts but the colours of this program.
pub(crate) fn guarded(text: &str) -> Cow<'_, str> {
    if !text.contains(acts) {
        return Cow::Borrowed(text);
    }
    let mut shown = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find(acts) {
        let (before, from) = rest.split_at(at);
        shown.push_str(before);
        let style = style(from);
        let end = style.map_or_else(|| from.chars().next().map_or(0, char::len_utf8), str::len);
        let (acting, after) = from.split_at(end);
        match style {
            Some(style) => shown.push_str(style),
            None => shown.push_str(&escaped(acting, acts)),
        }
        rest = after;
    }
    shown.push_str(rest);
    Cow::Owned(shown)
}

/// The style at the beginning of a text, if it is one that this program uses.
fn style(text: &str) -> Option<&str> {
    let numbers = text.strip_prefix("\u{1b}[")?.split('m').next()?;
    let known = numbers.split(';').all(|number| {
        matches!(number.parse::<u8>(), Ok(0..=4 | 22..=24 | 31..=36 | 39 | 91..=96))
            && number.bytes().all(|byte| byte.is_ascii_digit())
    });
    known.then(|| text.get(..numbers.len() + 3)).flatten().filter(|style| style.ends_with('m'))
}

#[cfg(test)]
mod tests {
    use owo_colors::OwoColorize as _;

    use super::*;

    const EVIL: &str = "a\u{1b}[2Jb\u{1b}]0;t\u{7}c\rd\u{9b}1me\u{7f}f\u{202e}g\u{2066}h\u{2028}i\0j";
    const SHOWN: &str = r"a\u{1b}[2Jb\u{1b}]0;t\u{7}c\rd\u{9b}1me\u{7f}f\u{202e}g\u{2066}h\u{2028}i\u{0}j";

    #[test]
    fn what_acts_is_seen_instead() {
        assert_eq!(line(EVIL), SHOWN);
        assert_eq!(lines(EVIL), SHOWN);
        assert_eq!(whole(EVIL), SHOWN);
        assert_eq!(guarded(EVIL), SHOWN);
    }

    #[test]
    fn text_of_any_script_stays_as_it_is() {
        for text in ["", "Grüße, שלום, 漢字, 👩‍🚀 🏴󠁧󠁢󠁥󠁮󠁧󠁿", "a\\b `c` \"d\""] {
            assert_eq!((line(text), whole(text), guarded(text)), (text.into(), text.into(), text.into()));
            assert_eq!(lines(text), text);
        }
    }

    #[test]
    fn json_means_what_it_meant() {
        let json = serde_json::to_string(&[EVIL, "\u{61c} \\u{9b}"]).unwrap();
        let spelt = in_json(&json);
        assert!(!spelt.contains(acts) && spelt.contains(r"\u202e") && spelt.contains(r"\u009b"), "{spelt}");
        assert_eq!(serde_json::from_str::<Vec<String>>(&spelt).unwrap(), [EVIL, "\u{61c} \\u{9b}"]);
    }

    #[test]
    fn lines_are_one_or_marked_or_whole() {
        let text = "first\r\n  \tsecond\n\nkneo: third\n";
        assert_eq!(line(text), r"first\r\n  \tsecond\n\nkneo: third\n");
        assert_eq!(lines(text), "first\n  │   \tsecond\n  │\n  │ kneo: third");
        assert_eq!(whole("first\n\tsecond\n"), "first\n\tsecond\n");
        assert_eq!(block(text), "  │ first\n  │   \tsecond\n  │\n  │ kneo: third");
    }

    #[test]
    fn only_the_programs_own_styles_act() {
        let own = format!("{} {} {}", "a".red().bold(), "b".dimmed(), "c".cyan());
        assert_eq!(guarded(&own), own);
        assert_eq!(guarded("\u{1b}[1;31mx\u{1b}[0m"), "\u{1b}[1;31mx\u{1b}[0m");
        for other in ["\u{1b}[8m", "\u{1b}[m", "\u{1b}[40m", "\u{1b}[+1m", "\u{1b}[1;8m", "\u{1b}[1", "\u{1b}[31Jm"] {
            assert_eq!(guarded(other), other.replace('\u{1b}', r"\u{1b}"), "{other:?}");
        }
        // What others wrote has none.
        assert_eq!(line(&own), own.replace('\u{1b}', r"\u{1b}"));
    }
}
