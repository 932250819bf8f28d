//! Blanks out comments, literals and tests; every line stays where it is.

use super::{Comment, is_word};

pub(super) struct Blanked {
    pub(super) code: String,
    pub(super) comments: Vec<Comment>,
}

/// Blanks out comments and literals.
pub(super) fn blank(text: &str) -> Blanked {
    let mut scanner = Scanner { rest: text, code: String::with_capacity(text.len()), comments: Vec::new(), line: 1 };
    while !scanner.rest.is_empty() {
        scanner.step();
    }
    Blanked { code: scanner.code, comments: scanner.comments }
}

struct Scanner<'a> {
    rest: &'a str,
    code: String,
    comments: Vec<Comment>,
    line: usize,
}

impl<'a> Scanner<'a> {
    fn step(&mut self) {
        let rest = self.rest;
        if rest.starts_with("//") {
            self.comment(rest.find('\n').unwrap_or(rest.len()));
        } else if rest.starts_with("/*") {
            self.comment(block_comment_len(rest));
        } else if let Some(len) = literal_len(rest, self.code.ends_with(is_word)) {
            self.erase(len);
        } else {
            let kept = self.take(rest.chars().next().map_or(1, char::len_utf8));
            self.code.push_str(kept);
        }
    }

    fn comment(&mut self, len: usize) {
        let line = self.line;
        let text = self.erase(len).to_owned();
        self.comments.push(Comment { line, text });
    }

    fn erase(&mut self, len: usize) -> &'a str {
        let erased = self.take(len);
        self.code.push_str(&spaces(erased));
        erased
    }

    fn take(&mut self, len: usize) -> &'a str {
        let (taken, rest) = self.rest.split_at_checked(len).unwrap_or((self.rest, ""));
        self.rest = rest;
        self.line += taken.matches('\n').count();
        taken
    }
}

fn spaces(text: &str) -> String {
    text.chars().map(|c| if c == '\n' { '\n' } else { ' ' }).collect()
}

/// The length of the block comment at the beginning; they nest.
fn block_comment_len(text: &str) -> usize {
    let mut depth = 0usize;
    let mut at = 0;
    while let Some(rest) = text.get(at..).filter(|rest| !rest.is_empty()) {
        if rest.starts_with("/*") {
            (depth, at) = (depth + 1, at + 2);
        } else if rest.starts_with("*/") {
            (depth, at) = (depth - 1, at + 2);
            if depth == 0 {
                return at;
            }
        } else {
            at += rest.chars().next().map_or(1, char::len_utf8);
        }
    }
    text.len()
}

/// The length of the text or character literal at the beginning, with its prefix.
fn literal_len(text: &str, in_word: bool) -> Option<usize> {
    let prefixes: &[&str] = if in_word { &[""] } else { &["", "b", "c", "r", "br", "cr"] };
    prefixes.iter().find_map(|prefix| {
        let rest = text.strip_prefix(prefix)?;
        let len = if prefix.ends_with('r') {
            raw_len(rest)?
        } else if rest.starts_with('"') {
            quoted_len(rest, '"')
        } else {
            char_len(rest)?
        };
        Some(prefix.len() + len)
    })
}

/// `#"…"#` with any number of hashes.
fn raw_len(text: &str) -> Option<usize> {
    let hashes = text.bytes().take_while(|byte| *byte == b'#').count();
    let inside = text.get(hashes..)?.strip_prefix('"')?;
    let close = format!("\"{}", "#".repeat(hashes));
    let len = inside.find(&close).map_or(inside.len(), |at| at + close.len());
    Some(hashes + 1 + len)
}

fn quoted_len(text: &str, quote: char) -> usize {
    let mut escaped = false;
    for (at, c) in text.char_indices().skip(1) {
        if escaped {
            escaped = false;
        } else if c == '\\' {
            escaped = true;
        } else if c == quote {
            return at + 1;
        }
    }
    text.len()
}

/// A character literal; `None` for a lifetime.
fn char_len(text: &str) -> Option<usize> {
    let inside = text.strip_prefix('\'')?;
    let mut chars = inside.chars();
    match chars.next()? {
        '\\' => Some(quoted_len(text, '\'')),
        c if chars.next() == Some('\'') => Some(c.len_utf8() + 2),
        _ => None,
    }
}

/// Blanks out every item under `#[cfg(test)]`, attributes included, and counts the lines on which they stand. The text
/// is code without comments and literals.
pub(super) fn without_tests(code: &str) -> (String, usize) {
    let lines = |test: &str| test.matches('\n').count() + 1;
    let mut out = String::with_capacity(code.len());
    let mut test_lines = 0;
    let mut rest = code;
    while let Some(at) = rest.find('#') {
        let (before, from) = rest.split_at(at);
        out.push_str(before);
        let taken = match attribute(from) {
            Some((_, Attribute::InnerTest)) => {
                out.push_str(&spaces(from));
                return (out, test_lines + lines(from.trim_end()));
            }
            Some((len, Attribute::Test)) => {
                let item = item_len(from, len);
                let test = from.get(..item).unwrap_or(from);
                out.push_str(&spaces(test));
                test_lines += lines(test);
                item
            }
            Some((_, Attribute::Other)) | None => {
                out.push('#');
                1
            }
        };
        rest = from.get(taken..).unwrap_or_default();
    }
    out.push_str(rest);
    (out, test_lines)
}

enum Attribute {
    /// `#![cfg(test)]`: the whole file.
    InnerTest,
    /// `#[cfg(test)]` or `#[cfg(all(test, …))]`: the item that follows.
    Test,
    Other,
}

/// The attribute at the beginning, and its length.
fn attribute(text: &str) -> Option<(usize, Attribute)> {
    let after_hash = text.strip_prefix('#')?;
    let inner = after_hash.starts_with('!');
    let open = text.find('[').filter(|at| *at == if inner { 2 } else { 1 })?;
    let len = open + bracket_len(text.get(open..)?)?;
    let content: String = text.get(open + 1..len - 1)?.split_whitespace().collect();
    let test = content == "cfg(test)" || content.starts_with("cfg(all(test,");
    let kind = match (test, inner) {
        (true, true) => Attribute::InnerTest,
        (true, false) => Attribute::Test,
        (false, _) => Attribute::Other,
    };
    Some((len, kind))
}

/// The length of the item whose attributes begin the text, the first of them `from` bytes long.
fn item_len(text: &str, from: usize) -> usize {
    let mut at = from;
    while let Some(rest) = text.get(at..) {
        let trimmed = rest.trim_start();
        let Some((len, _)) = attribute(trimmed) else { break };
        at += rest.len() - trimmed.len() + len;
    }
    while let Some(c) = text.get(at..).and_then(|rest| rest.chars().next()) {
        match c {
            ';' => return at + 1,
            '{' => return text.get(at..).and_then(bracket_len).map_or(text.len(), |len| at + len),
            '(' | '[' => at += text.get(at..).and_then(bracket_len).unwrap_or(1),
            _ => at += c.len_utf8(),
        }
    }
    text.len()
}

/// The length of the bracketed text at the beginning; `None` if it does not end.
fn bracket_len(text: &str) -> Option<usize> {
    let mut depth = 0usize;
    for (at, c) in text.char_indices() {
        match c {
            '(' | '[' | '{' => depth += 1,
            ')' | ']' | '}' => {
                depth = depth.checked_sub(1)?;
                if depth == 0 {
                    return Some(at + 1);
                }
            }
            _ => {}
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn code(text: &str) -> String {
        blank(text).code.split_whitespace().collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn comments_and_literals_go_and_lines_stay() {
        let text =
            "a /* x /* y */ z */ b // tokio\n\"std::fs // \\\" {\" c\nr#\"a\"b\"# d 'e' '\\'' f<'g> b'{' h r#type";
        let blanked = blank(text);
        assert_eq!(code(text), "a b c d f<'g> h r#type");
        assert_eq!(blanked.code.lines().count(), text.lines().count());
        let comments: Vec<_> = blanked.comments.iter().map(|comment| (comment.line, &*comment.text)).collect();
        assert_eq!(comments, [(1, "/* x /* y */ z */"), (1, "// tokio")]);
    }

    #[test]
    fn what_never_ends_ends_with_the_file() {
        assert_eq!(code("a /* b"), "a");
        assert_eq!(code("a \"b"), "a");
        assert_eq!(code("a r##\"b\"#"), "a");
        assert_eq!(without_tests("a #[cfg(test)] mod b {").0.trim_end(), "a");
    }
}
