//! Messages about a spec: data first, renderers beside it.

mod code;
mod label;
mod page;
mod render_json;
mod render_text;
mod sink;

pub use code::Code;
pub use label::Label;
pub use page::Page;
pub use render_json::to_json;
pub use render_text::{TextStyle, to_text};
pub use sink::Diagnostics;

use std::fmt;

use crate::source::Span;

/// How much a diagnostic weighs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Severity {
    /// The spec does not compile.
    Error,
    /// The spec compiles and probably does not mean what it says.
    Warning,
    /// Nothing is wrong.
    Info,
}

impl Severity {
    /// The word that renderers print.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Error => "error",
            Self::Warning => "warning",
            Self::Info => "info",
        }
    }
}

impl fmt::Display for Severity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// One message about one place of a spec.
///
/// Public data; [`to_text`] and [`to_json`] are functions over it. Made by the compiler only.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Diagnostic {
    /// How much it weighs.
    pub severity: Severity,
    /// Its stable code, which has a page of its own.
    pub code: Code,
    /// What is wrong: one line, lower case, user text in backticks.
    pub message: String,
    /// The place that is wrong, with a word about it.
    pub primary: Label,
    /// Other places that explain this one.
    pub labels: Vec<Label>,
    /// What to type instead.
    pub help: Option<String>,
    /// The dotted path of the place in the spec, such as `workflow.steps[2].ref`; empty for the root.
    pub path: String,
}

impl Diagnostic {
    /// Starts a diagnostic of the code's own severity.
    pub(crate) fn new(code: Code, span: Span, message: impl Into<String>) -> Self {
        Self {
            severity: code.severity(),
            code,
            message: message.into(),
            primary: Label::new(span, ""),
            labels: Vec::new(),
            help: None,
            path: String::new(),
        }
    }

    /// Says a word about the primary place.
    #[must_use]
    pub(crate) fn primary(mut self, text: impl Into<String>) -> Self {
        self.primary.message = text.into();
        self
    }

    /// Points at another place.
    #[must_use]
    pub(crate) fn label(mut self, span: Span, text: impl Into<String>) -> Self {
        self.labels.push(Label::new(span, text));
        self
    }

    /// Says what to type.
    #[must_use]
    pub(crate) fn help(mut self, text: impl Into<String>) -> Self {
        self.help = Some(text.into());
        self
    }
}

/// Puts user text into backticks: on one line, without control characters, cut to a readable length.
pub(crate) fn tick(text: &str) -> String {
    const LONGEST: usize = 60;
    let mut out = String::from("`");
    for (index, c) in text.chars().enumerate() {
        if index == LONGEST {
            out.push('…');
            break;
        }
        match c {
            '\n' => out.push_str("\\n"),
            '\t' => out.push_str("\\t"),
            '\r' => out.push_str("\\r"),
            '`' => out.push('\''),
            c if c.is_control() => out.extend(c.escape_unicode()),
            c => out.push(c),
        }
    }
    out.push('`');
    out
}

/// Lists names in backticks: `` `a`, `b` or `c` ``.
pub(crate) fn tick_list<'a>(names: impl IntoIterator<Item = &'a str>) -> String {
    let names: Vec<String> = names.into_iter().map(tick).collect();
    match names.split_last() {
        None => String::new(),
        Some((last, [])) => last.clone(),
        Some((last, others)) => format!("{} or {last}", others.join(", ")),
    }
}
