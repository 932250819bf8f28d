//! Code as words and signs.

use super::is_word;

#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Token<'a> {
    Word(&'a str),
    PathSeparator,
    Other(char),
}

/// The tokens of some code with their lines, from 1; white space is left out.
pub(super) fn tokens(code: &str) -> Vec<(usize, Token<'_>)> {
    let mut tokens = Vec::new();
    for (line, mut rest) in (1..).zip(code.lines()) {
        while let Some(c) = rest.chars().next() {
            let (token, len) = if is_word(c) {
                let len = rest.find(|c| !is_word(c)).unwrap_or(rest.len());
                (Token::Word(rest.get(..len).unwrap_or_default()), len)
            } else if rest.starts_with("::") {
                (Token::PathSeparator, 2)
            } else {
                (Token::Other(c), c.len_utf8())
            };
            if !matches!(token, Token::Other(c) if c.is_whitespace()) {
                tokens.push((line, token));
            }
            rest = rest.get(len..).unwrap_or_default();
        }
    }
    tokens
}
