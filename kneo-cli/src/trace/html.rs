//! Traces as pages: a timeline that needs nothing else.
//!
//! A row for each place, indented by what it is in, with its times on a common line. The page loads nothing and says so
//! to the browser; without its script everything is there but the zoom and the filter. All text is escaped.

use std::fmt::Write as _;
use std::time::Duration;

use kneo::{Timestamp, Usage};

use super::axis::{Axis, Piece};
use super::{Phase, PhaseKind, Span, State, Trace, length};

const STYLE: &str = include_str!("html/style.css");
const SCRIPT: &str = include_str!("html/script.js");

/// With more spans than this, those in which all went well begin closed.
const MANY: usize = 400;

/// A trace as a page.
pub(crate) fn html(trace: &Trace) -> String {
    let mut page = Page { trace, axis: Axis::of(trace), told: told(&trace.spans), out: String::new() };
    page.head();
    page.summary();
    page.chart();
    page.line(format_args!("<script>{SCRIPT}</script>\n</body>\n</html>"));
    page.out
}

struct Page<'a> {
    trace: &'a Trace,
    axis: Axis,
    /// Which spans have something in them that did not just go well.
    told: Vec<bool>,
    out: String,
}

impl Page<'_> {
    fn line(&mut self, text: std::fmt::Arguments<'_>) {
        // Writing to a `String` cannot fail.
        let _ = writeln!(self.out, "{text}");
    }

    fn head(&mut self) {
        let workflow = escape(&self.trace.workflow);
        self.line(format_args!(
            "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\"/>\n\
             <meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'; \
             script-src 'unsafe-inline'\"/>\n\
             <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\"/>\n\
             <title>{workflow}: trace</title>\n<style>\n{STYLE}</style>\n</head>\n<body>"
        ));
    }

    fn summary(&mut self) {
        let trace = self.trace;
        let attempts = trace.spans.iter().flat_map(|span| &span.phases);
        let failed = attempts.clone().filter(|phase| matches!(phase.state, State::Failed | State::Lost)).count();
        let waited: Duration =
            attempts.filter(|phase| phase.kind == PhaseKind::Wait).map(|phase| phase.took(trace.until)).sum();
        let mut facts = vec![
            ("started", time(trace.started)),
            (if trace.ended.is_some() { "took" } else { "so far" }, length(trace.took())),
        ];
        if !waited.is_zero() {
            facts.push(("waits for people", length(waited)));
        }
        if !trace.usage.is_zero() {
            facts.push(("tokens", format!("{} in, {} out", grouped(trace.usage.input), grouped(trace.usage.output))));
        }
        if failed > 0 {
            facts.push(("failed or lost", failed.to_string()));
        }
        facts.push(("events", grouped(trace.events)));
        let facts: String =
            facts.iter().map(|(what, value)| format!("<div><dt>{what}</dt><dd>{}</dd></div>", escape(value))).collect();
        self.line(format_args!(
            "<header>\n<h1><bdi>{}</bdi> <span class=\"status s-{}\">{}</span></h1>\n<p class=\"run\">{}</p>\n\
             <dl>{facts}</dl>\n</header>",
            escape(&trace.workflow),
            trace.status.as_str(),
            trace.status.as_str(),
            trace.run
        ));
        self.line(format_args!("{LEGEND}"));
    }

    fn chart(&mut self) {
        let class = if self.trace.usage.is_zero() { "chart free" } else { "chart" };
        self.line(format_args!("<main class=\"{class}\">\n<div class=\"wide\">"));
        self.axis_row();
        self.line(format_args!("<div class=\"rows\">"));
        self.grid();
        // The spans that are open in the page, by depth.
        let mut open: Vec<usize> = Vec::new();
        let spans = self.trace.spans.iter().enumerate();
        for (at, span) in spans {
            while open.last().is_some_and(|depth| *depth >= span.depth) {
                open.pop();
                self.line(format_args!("</details>"));
            }
            let has_inner = self.trace.spans.get(at.saturating_add(1)).is_some_and(|next| next.depth > span.depth);
            if has_inner {
                let opened = self.trace.spans.len() <= MANY || span.depth < 2 || self.told.get(at) == Some(&true);
                self.line(format_args!("<details{}><summary>", if opened { " open=\"\"" } else { "" }));
                self.row(span);
                self.line(format_args!("</summary>"));
                self.values(span);
                open.push(span.depth);
            } else {
                self.row(span);
                self.values(span);
            }
        }
        for _ in open {
            self.line(format_args!("</details>"));
        }
        self.line(format_args!("</div>\n</div>\n</main>"));
    }

    fn axis_row(&mut self) {
        let mut marks = String::new();
        let mut day = self.trace.started;
        for piece in self.axis.pieces.clone() {
            let Piece { from, left, width, short, .. } = piece;
            if short {
                let took = length(piece.to.since(from));
                // Writing to a `String` cannot fail.
                let _ = write!(
                    marks,
                    "<span class=\"gap\" style=\"left:{left:.3}%;width:{width:.3}%\" title=\"{took} in which nothing \
                     works, drawn short\">{took}</span>"
                );
                continue;
            }
            let _ = write!(marks, "<span class=\"tick at\" style=\"left:{left:.3}%\">{}</span>", clock(from, day));
            day = from;
            for (offset, place) in ticks(&piece) {
                let _ = write!(marks, "<span class=\"tick\" style=\"left:{place:.3}%\">+{}</span>", length(offset));
            }
        }
        self.line(format_args!(
            "<div class=\"row axis\"><div class=\"name\">place</div><div class=\"took\">took</div>\
             <div class=\"tokens\">tokens</div><div class=\"track\">{marks}</div></div>"
        ));
    }

    /// Lines behind all rows: where pauses are drawn short, and at each tick.
    fn grid(&mut self) {
        let mut marks = String::new();
        for piece in self.axis.pieces.clone() {
            let Piece { left, width, short, .. } = piece;
            if short {
                // Writing to a `String` cannot fail.
                let _ = write!(marks, "<i class=\"gap\" style=\"left:{left:.3}%;width:{width:.3}%\"></i>");
                continue;
            }
            let places = std::iter::once(left).chain(ticks(&piece).into_iter().map(|(_, place)| place));
            for place in places {
                let _ = write!(marks, "<i style=\"left:{place:.3}%\"></i>");
            }
        }
        self.line(format_args!("<div class=\"grid\" aria-hidden=\"true\"><div class=\"track\">{marks}</div></div>"));
    }

    fn row(&mut self, span: &Span) {
        let until = self.trace.until;
        let took = length(span.took(until));
        let says = says(span);
        let say = match says.is_empty() {
            true => String::new(),
            false => {
                let room = if span.values.is_empty() { "say" } else { "say short" };
                format!("<span class=\"{room}\"><bdi>{}</bdi></span>", escape(&says.join(" · ")))
            }
        };
        let tokens = match span.usage.is_zero() {
            true => String::new(),
            false => format!("{} + {}", grouped(span.usage.input), grouped(span.usage.output)),
        };
        let (state, kind) = (span.state.as_str(), span.kind.as_str());
        let depth = span.depth;
        let hint = hint(span, until);
        self.line(format_args!(
            "<div class=\"row k-{kind} s-{state}\" style=\"--depth:{depth}\"><div class=\"name\" title=\"{}\">\
             <span class=\"mark\" aria-label=\"{state}\">{}</span><span class=\"label\"><bdi>{}</bdi></span>\
             <span class=\"kind\">{kind}</span>{say}</div><div class=\"took\">{took}</div>\
             <div class=\"tokens\" title=\"tokens in and out\">{tokens}</div><div class=\"track\">{}</div></div>",
            escape(&hint),
            span.state.mark(),
            escape(&span.name),
            self.bars(span)
        ));
    }

    fn bars(&self, span: &Span) -> String {
        let until = self.trace.until;
        let mut bars = String::new();
        let (left, right) = (self.axis.place(span.start), self.axis.place(span.end.unwrap_or(until)));
        if span.start == span.end.unwrap_or(until) && span.phases.is_empty() {
            return format!("<i class=\"point\" style=\"left:{left:.3}%\" title=\"{}\"></i>", escape(&span.name));
        }
        // Writing to a `String` cannot fail.
        let _ = write!(bars, "<i class=\"reach\" style=\"left:{left:.3}%;width:{:.3}%\"></i>", (right - left).max(0.0));
        let attempts = span.phases.iter().filter(|phase| matches!(phase.kind, PhaseKind::Attempt(_))).count();
        for phase in &span.phases {
            let (left, right) = (self.axis.place(phase.start), self.axis.place(phase.end.unwrap_or(until)));
            let words = match phase.kind {
                PhaseKind::Attempt(number) if attempts > 1 => number.to_string(),
                PhaseKind::Attempt(_) | PhaseKind::Pause | PhaseKind::Held => String::new(),
                PhaseKind::Wait => phase.text.clone(),
            };
            let _ = write!(
                bars,
                "<b class=\"bar p-{} s-{}\" style=\"left:{left:.3}%;width:{:.3}%\" title=\"{}\"><bdi>{}</bdi></b>",
                phase.kind.as_str(),
                phase.state.as_str(),
                (right - left).max(0.0),
                escape(&phase_hint(phase, self.trace)),
                escape(&words)
            );
        }
        bars
    }

    fn values(&mut self, span: &Span) {
        if span.values.is_empty() {
            return;
        }
        let depth = span.depth;
        self.line(format_args!("<details class=\"values\" style=\"--depth:{depth}\"><summary>values</summary><div>"));
        for (what, value) in &span.values {
            self.line(format_args!("<h3>{what}</h3><pre dir=\"auto\">{}</pre>", escape(value)));
        }
        self.line(format_args!("</div></details>"));
    }
}

const LEGEND: &str = "<div class=\"legend\"><span><b class=\"bar p-attempt k-turn\"></b>model</span>\
<span><b class=\"bar p-attempt k-tool\"></b>tool</span><span><b class=\"bar p-attempt k-function\"></b>function</span>\
<span><b class=\"bar p-wait\"></b>waits for a person</span><span><b class=\"bar p-pause\"></b>pauses before the next \
attempt</span><span><b class=\"bar p-attempt s-failed\"></b>failed</span><span><b class=\"bar p-held\"></b>a worker has \
the run</span><span><i class=\"gap\"></i>a pause, drawn short</span><span class=\"controls\"><label>zoom <input id=\"zoom\" \
type=\"range\" min=\"0\" max=\"100\" value=\"0\"/></label><label><input id=\"told\" type=\"checkbox\"/> only what failed or \
waited</label><button type=\"button\" id=\"open\">open all</button><button type=\"button\" id=\"close\">close \
all</button></span></div>";

/// Which spans did not just go well, or have such spans in them.
fn told(spans: &[Span]) -> Vec<bool> {
    let mut told = vec![false; spans.len()];
    let mut below: Option<usize> = None;
    for (at, span) in spans.iter().enumerate().rev() {
        let own = !matches!(span.state, State::Completed | State::Skipped);
        let inner = below.is_some_and(|depth| depth > span.depth);
        if let Some(told) = told.get_mut(at) {
            *told = own || inner;
        }
        if own || inner {
            below = Some(span.depth);
        } else if below.is_some_and(|depth| depth > span.depth) {
            below = None;
        }
    }
    told
}

/// What is said below the name: waits, failures and notes.
fn says(span: &Span) -> Vec<String> {
    let phases = span.phases.iter().filter(|phase| match phase.kind {
        PhaseKind::Wait => true,
        PhaseKind::Attempt(_) => !phase.text.is_empty(),
        PhaseKind::Pause => false,
        PhaseKind::Held => phase.state == State::Lost,
    });
    let phases = phases.map(|phase| match phase.kind {
        PhaseKind::Held => "its worker was lost".to_owned(),
        PhaseKind::Attempt(_) | PhaseKind::Wait | PhaseKind::Pause => phase.text.clone(),
    });
    phases.chain(span.notes.iter().map(|note| note.text.clone())).collect()
}

/// Everything that a span says, for who rests the mouse on it.
fn hint(span: &Span, until: Timestamp) -> String {
    let mut lines = vec![format!("{} {}: {}", span.kind.as_str(), span.name, span.state.as_str())];
    let end = span.end.map_or_else(|| "not over".to_owned(), time);
    lines.push(format!("{} – {end} ({})", time(span.start), length(span.took(until))));
    if !span.usage.is_zero() {
        lines.push(used(span.usage));
    }
    lines.extend(says(span));
    lines.join("\n")
}

fn phase_hint(phase: &Phase, trace: &Trace) -> String {
    let what = match phase.kind {
        PhaseKind::Attempt(number) => format!("attempt {number}: {}", phase.state.as_str()),
        PhaseKind::Wait => "waits for a person".to_owned(),
        PhaseKind::Pause => "pauses".to_owned(),
        PhaseKind::Held => "a worker has the run".to_owned(),
    };
    let end = phase.end.map_or_else(|| "not over".to_owned(), time);
    let mut lines = vec![what, format!("{} – {end} ({})", time(phase.start), length(phase.took(trace.until)))];
    if !phase.usage.is_zero() {
        lines.push(used(phase.usage));
    }
    if !phase.text.is_empty() {
        lines.push(phase.text.clone());
    }
    lines.join("\n")
}

fn used(usage: Usage) -> String {
    format!("{} tokens in, {} out", grouped(usage.input), grouped(usage.output))
}

/// The marks of a piece behind its first: how long after its beginning, and where.
fn ticks(piece: &Piece) -> Vec<(Duration, f64)> {
    let whole = piece.to.since(piece.from);
    // A label takes about a twelfth of the width.
    let most = (piece.width / 8.0).floor();
    if most < 1.0 || whole.is_zero() {
        return Vec::new();
    }
    let Some(step) = STEPS
        .iter()
        .map(|micros| Duration::from_micros(*micros))
        .find(|step| whole.as_secs_f64() / step.as_secs_f64() <= most)
    else {
        return Vec::new();
    };
    let offsets = std::iter::successors(Some(step), |offset| offset.checked_add(step));
    let places = offsets
        .take_while(|offset| *offset < whole)
        .map(|offset| (offset, piece.left + piece.width * offset.as_secs_f64() / whole.as_secs_f64()));
    // The last one would run out of the piece.
    places.filter(|(_, place)| *place < piece.left + piece.width - 3.0).collect()
}

/// Steps between marks, in microseconds.
const STEPS: [u64; 34] = [
    10,
    20,
    50,
    100,
    200,
    500,
    1_000,
    2_000,
    5_000,
    10_000,
    20_000,
    50_000,
    100_000,
    200_000,
    500_000,
    1_000_000,
    2_000_000,
    5_000_000,
    10_000_000,
    20_000_000,
    30_000_000,
    60_000_000,
    120_000_000,
    300_000_000,
    600_000_000,
    1_200_000_000,
    1_800_000_000,
    3_600_000_000,
    7_200_000_000,
    21_600_000_000,
    43_200_000_000,
    86_400_000_000,
    604_800_000_000,
    2_592_000_000_000,
];

/// A time to the millisecond.
fn time(at: Timestamp) -> String {
    let text = at.to_string();
    match (text.get(..10), text.get(11..23)) {
        (Some(day), Some(time)) => format!("{day} {time} UTC"),
        _ => text,
    }
}

/// A time on the axis: with its day where that is another than that of the time before.
fn clock(at: Timestamp, before: Timestamp) -> String {
    let (text, before) = (at.to_string(), before.to_string());
    let (day, time) = (text.get(..10).unwrap_or_default(), text.get(11..19).unwrap_or_default());
    if before.get(..10) == Some(day) { time.to_owned() } else { format!("{day} {time}") }
}

/// A number with its thousands apart.
fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && digits.len().saturating_sub(at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// Text between tags and in attributes; characters that are not seen are shown.
fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            '\n' | '\t' => out.push(c),
            // Among them those that turn the direction of what follows.
            '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{200e}' | '\u{200f}' => {
                out.extend(c.escape_default())
            }
            c if c.is_control() => out.extend(c.escape_default()),
            c => out.push(c),
        }
    }
    out
}
