//! The one module that knows how CEL is parsed.

use std::sync::mpsc;
use std::thread;

use cel::common::ast::SourceInfo;
use cel::{Env, IdedExpr};

use super::failure::Failure;
use super::holes::end_of_string;
use super::piece::Piece;
use crate::diagnostic::{Code, Diagnostic, Diagnostics};
use crate::syntax::quote;

/// The longest expression, in bytes.
pub(super) const MAX_BYTES: usize = 2 << 10;

/// How deep brackets and conditionals may nest.
pub(super) const MAX_DEPTH: u16 = 32;

/// What the parser may need for [`MAX_DEPTH`] levels, unoptimised: up to 180 KiB each.
const STACK_BYTES: usize = 16 << 20;

/// What is wrong with an integer that JSON readers would change.
pub(super) const INTEGERS: &str = "integers lie within plus and minus 2^53 − 1";

/// A parsed expression.
pub(super) struct Parsed {
    pub(super) root: IdedExpr,
    pub(super) info: SourceInfo,
}

/// Parses the expressions of one compilation.
pub(crate) struct Parser {
    /// How many parts all expressions together may have.
    most: usize,
    /// How many of them may still come; `None` after there were more, which was reported.
    left: Option<usize>,
    deep: Option<Deep>,
}

impl Parser {
    /// A parser of so many parts at most: see [`parts`].
    pub(crate) fn new(parts: usize) -> Self {
        Self { most: parts, left: Some(parts), deep: None }
    }

    /// Whether another expression may come.
    pub(super) fn is_open(&self) -> bool {
        self.left.is_some()
    }

    /// Takes an expression into account; `None` when there were too many before.
    pub(super) fn count(&mut self, piece: &Piece<'_>, sink: &mut Diagnostics) -> Option<()> {
        self.left = self.left?.checked_sub(parts(piece.cel()));
        if self.left.is_none() {
            let message = format!("the expressions of this spec have more than {} parts", self.most);
            let diagnostic = Diagnostic::new(Code::ExprTooMuch, piece.whole_span(), message);
            sink.push(diagnostic.help("compute what several of them share in `set` steps, and read that"));
        }
        self.left.map(drop)
    }

    /// Parses one expression, and reports the first error only: those after it are mostly its echoes.
    pub(super) fn parse(&mut self, piece: &Piece<'_>) -> Result<Parsed, Box<Diagnostic>> {
        let cel = piece.cel();
        if cel.len() > MAX_BYTES {
            let message = format!("the expression has {} bytes, and at most {MAX_BYTES} are read", cel.len());
            let diagnostic = Diagnostic::new(Code::ExprTooLong, piece.whole_span(), message);
            return Err(Box::new(diagnostic.help("compute parts of it in `set` steps and read those")));
        }
        if cel.trim().is_empty() {
            let (message, help) = match piece.is_hole {
                true => {
                    ("the hole is empty", "write an expression between the braces, or a literal `{{` as `{{ '{{' }}`")
                }
                false => ("the expression is empty", "write an expression, such as `input.ok`"),
            };
            return Err(Box::new(Diagnostic::new(Code::ExprSyntax, piece.whole_span(), message).help(help)));
        }
        if let Some(diagnostic) = wrapped(piece) {
            return Err(Box::new(diagnostic));
        }
        let result = if is_shallow(cel) { run(cel) } else { self.run_deep(cel) };
        result.map_err(|failure| Box::new(failure.diagnostic(piece)))
    }

    fn run_deep(&mut self, cel: &str) -> Result<Parsed, Failure> {
        if self.deep.is_none() {
            self.deep = Deep::start();
        }
        let parsed = self.deep.as_ref().and_then(|deep| deep.run(cel));
        parsed.unwrap_or_else(|| {
            self.deep = None;
            Err(Failure::unparsed())
        })
    }
}

/// A thread for deep expressions.
///
/// The parser recurses with frames so large that a dozen brackets overflow a worker's stack, which ends the process; so
/// it gets a stack that holds the deepest text it accepts. It ends with the compilation.
struct Deep {
    texts: Option<mpsc::Sender<String>>,
    results: mpsc::Receiver<Result<Parsed, Failure>>,
    thread: Option<thread::JoinHandle<()>>,
}

impl Deep {
    fn start() -> Option<Self> {
        let (texts, next) = mpsc::channel::<String>();
        let (result, results) = mpsc::channel();
        let work = move || {
            for cel in next {
                if result.send(run(&cel)).is_err() {
                    return;
                }
            }
        };
        let thread = thread::Builder::new().stack_size(STACK_BYTES).spawn(work).ok()?;
        Some(Self { texts: Some(texts), results, thread: Some(thread) })
    }

    /// `None` when the thread is gone.
    fn run(&self, cel: &str) -> Option<Result<Parsed, Failure>> {
        self.texts.as_ref()?.send(cel.to_owned()).ok()?;
        self.results.recv().ok()
    }
}

impl Drop for Deep {
    fn drop(&mut self) {
        // Without a sender the thread ends.
        self.texts = None;
        if let Some(thread) = self.thread.take() {
            // What it has to say it said as a result.
            drop(thread.join());
        }
    }
}

/// What a regular expression costs, in parts.
const PATTERN: usize = 500;

/// Counts what the time goes by: names, numbers, texts, signs, and two for the expression itself, as if they were the
/// braces of its hole; each regular expression counts for many.
fn parts(cel: &str) -> usize {
    let bytes = cel.as_bytes();
    let mut count = 2 + PATTERN * cel.matches("matches").count();
    let mut at = 0;
    let mut in_word = false;
    while let Some(byte) = bytes.get(at) {
        let is_word = byte.is_ascii_alphanumeric() || matches!(byte, b'_' | 0x80..);
        let goes_on = byte.is_ascii_whitespace() || (is_word && in_word);
        count += usize::from(!goes_on);
        in_word = is_word;
        at = match byte {
            b'\'' | b'"' => end_of_string(bytes, at).unwrap_or(bytes.len()),
            _ => at + 1,
        };
    }
    count
}

/// Whether the parser's recursion is sure to fit any stack.
fn is_shallow(cel: &str) -> bool {
    let brackets = cel.bytes().filter(|byte| matches!(byte, b'(' | b'[' | b'{' | b'?')).count();
    cel.len() <= 256 && brackets <= 4
}

fn run(cel: &str) -> Result<Parsed, Failure> {
    let env = Env::default().with_optional_support(false);
    match env.parser().max_recursion_depth(MAX_DEPTH).parse_with_source_info(cel) {
        Ok((root, info)) => Ok(Parsed { root, info }),
        Err(errors) => {
            Err(errors.errors.iter().min_by_key(|error| error.pos).map_or_else(Failure::unparsed, Failure::of))
        }
    }
}

/// A bare expression that its author put into a hole.
fn wrapped(piece: &Piece<'_>) -> Option<Diagnostic> {
    let inner = piece.cel().trim().strip_prefix("{{").filter(|_| !piece.is_hole)?;
    let bare = inner.strip_suffix("}}").unwrap_or(inner).trim();
    let help = match is_plain(bare) {
        true => format!("write it bare: `{bare}`"),
        false => format!("write it without the braces: `{}`", quote(bare)),
    };
    let diagnostic = Diagnostic::new(Code::ExprSyntax, piece.whole_span(), "an expression is written without `{{ }}`");
    Some(diagnostic.help(help))
}

/// Whether YAML reads an expression as text without quotes, wherever it stands.
fn is_plain(text: &str) -> bool {
    let begins = text.starts_with(|c: char| c.is_alphanumeric() || matches!(c, '_' | '('));
    begins
        && !text.ends_with(':')
        && !text.contains([',', '[', ']', '{', '}', '\n'])
        && !text.contains(": ")
        && !text.contains(" #")
}

#[cfg(test)]
mod tests {
    use super::{PATTERN, parts};

    #[test]
    fn parts_are_what_a_reader_would_count() {
        for (cel, words) in [
            ("", 0),
            ("prev", 1),
            ("steps.plan.output", 5),
            ("steps['my step'].output", 6),
            (" size( input.text ) / 10 ", 8),
            ("'it\\'s {{ a }}' + größe", 3),
            ("'open", 1),
            ("prev.matches('a+')", 6 + PATTERN),
        ] {
            assert_eq!(parts(cel), words + 2, "{cel}");
        }
    }
}
