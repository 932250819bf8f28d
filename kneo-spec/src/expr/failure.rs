//! What the parser says about text that is no expression, in the language's words.

use cel::ParseError;

use super::parse::{INTEGERS, MAX_DEPTH};
use super::piece::Piece;
use crate::diagnostic::{Code, Diagnostic, tick};

/// The parser's message and its place: a line and a column in characters, both from 1.
pub(super) struct Failure {
    message: String,
    position: Option<(usize, usize)>,
}

impl Failure {
    pub(super) fn of(error: &ParseError) -> Self {
        let number = |n: isize| usize::try_from(n).ok().filter(|n| *n > 0);
        Self { message: error.msg.clone(), position: number(error.pos.0).zip(number(error.pos.1)) }
    }

    pub(super) fn unparsed() -> Self {
        Self { message: String::new(), position: None }
    }

    pub(super) fn diagnostic(&self, piece: &Piece<'_>) -> Diagnostic {
        let cel = piece.cel();
        let offset = self.position.and_then(|(line, column)| offset_of(cel, line, column));
        let message = self.message.strip_prefix("Syntax error: ").unwrap_or(&self.message);
        let word = message.strip_prefix("reserved identifier: ").or_else(|| quoted(message));
        let range = match (offset, word) {
            (Some(_), Some("<EOF>")) => {
                let end = cel.trim_end();
                let last = end.chars().next_back().map_or(0, char::len_utf8);
                end.len() - last..end.len()
            }
            (Some(at), Some(word)) if cel.get(at..).is_some_and(|rest| rest.starts_with(word)) => {
                at..at + word.trim_end().len()
            }
            (Some(at), _) => at..at,
            (None, _) => {
                let (code, text, help) = explain("", None, "");
                return Diagnostic::new(code, piece.whole_span(), text).help(help);
            }
        };
        let (code, text, help) = explain(message, word.map(str::trim), cel.get(range.start..).unwrap_or_default());
        piece.diagnostic(code, range, text).help(help)
    }
}

/// Says in the language's words what the parser said in its own, and what to do.
fn explain(message: &str, word: Option<&str>, rest: &str) -> (Code, String, &'static str) {
    if message.contains("Recursion limit") {
        let text = format!("the expression nests deeper than {MAX_DEPTH} levels");
        return (Code::ExprTooDeep, text, "compute parts of it in `set` steps and read those");
    }
    if message.starts_with("unsupported syntax") {
        let is_optional = rest.starts_with(".?") || rest.starts_with("[?") || rest.starts_with('?');
        let help = match is_optional {
            true => "guard the read with `has()` or `default()`",
            false => "write the key in brackets: `x[\"…\"]`",
        };
        return (Code::ExprUnsupported, "this syntax of CEL is not part of the language".to_owned(), help);
    }
    if message.starts_with("invalid int") {
        return (Code::ExprUnsupported, INTEGERS.to_owned(), "carry longer numbers as text");
    }
    if message.starts_with("invalid double") {
        return (Code::ExprUnsupported, "the number is too large for a double".to_owned(), "write a smaller number");
    }
    let (text, help) = syntax(message, word, rest);
    (Code::ExprSyntax, text, help)
}

fn syntax(message: &str, word: Option<&str>, rest: &str) -> (String, &'static str) {
    const ESCAPE: &str = "the string has an escape that does not exist";
    const BACKSLASH: &str = "write a backslash as `\\\\`, or the string as `r'…'`";
    if let Some(name) = message.strip_prefix("reserved identifier: ") {
        return (format!("{} is a reserved word", tick(name)), "read it as a key: `x[\"…\"]`");
    }
    if message.starts_with("invalid string") {
        return (ESCAPE.to_owned(), BACKSLASH);
    }
    let Some(word) = word else {
        return ("this is not an expression".to_owned(), "write an expression of CEL, such as `input.n > 3`");
    };
    if message.starts_with("token recognition") && word.starts_with(['\'', '"']) {
        // A string without an end reaches to the end of its line; what stops before it is an escape.
        let stops = rest.strip_prefix(word).is_some_and(|after| !after.is_empty() && !after.starts_with('\n'));
        return match stops && word.contains('\\') {
            true => (ESCAPE.to_owned(), BACKSLASH),
            false => ("the string is not closed".to_owned(), "close it with the quote that it begins with"),
        };
    }
    let no_operator = || format!("{} is not an operator", tick(word));
    match word {
        "<EOF>" => {
            ("the expression ends too early".to_owned(), "an operand or a closing bracket is missing at its end")
        }
        "=" => (no_operator(), "to compare, write `==`"),
        "&" | "and" => (no_operator(), "write `&&`"),
        "|" => (no_operator(), "write `||`, or call a function: `f(x)`"),
        "or" => (no_operator(), "write `||`"),
        "not" => (no_operator(), "write `!`: `!(x in list)`"),
        "is" => (no_operator(), "write `==`"),
        "" => ("this white space is none of CEL".to_owned(), "write plain spaces between words"),
        _ if message.starts_with("missing") => (format!("{} is missing here", tick(word)), "write it here"),
        _ => (format!("{} is not expected here", tick(word)), "check the operators, commas and brackets before it"),
    }
}

/// The first text between single quotes, which may hold single quotes itself.
fn quoted(message: &str) -> Option<&str> {
    let (_, rest) = message.split_once('\'')?;
    let end = ["' expecting", "' at '"].iter().find_map(|mark| rest.find(mark)).or_else(|| rest.rfind('\''))?;
    rest.get(..end)
}

fn offset_of(cel: &str, line: usize, column: usize) -> Option<usize> {
    let start: usize = cel.split_inclusive('\n').take(line - 1).map(str::len).sum();
    let rest = cel.get(start..)?;
    Some(rest.char_indices().nth(column - 1).map_or(cel.len(), |(at, _)| start + at))
}
