//! The paths that code names, with `use` groups spread out and imported names followed.

use std::collections::BTreeMap;

use super::token::{Token, tokens};

/// A path that code names, such as `std::env::var`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Named {
    /// The line, from 1.
    pub line: usize,
    /// The path from its crate, as far as the file's own imports tell.
    pub path: String,
}

impl Named {
    /// Whether the path is this one or lies below it; a glob import of what is above it counts.
    #[must_use]
    pub fn is_within(&self, forbidden: &str) -> bool {
        let below = |path: &str, above: &str| {
            path.strip_prefix(above).is_some_and(|rest| rest.is_empty() || rest.starts_with("::"))
        };
        match self.path.strip_suffix("::*") {
            Some(module) => below(module, forbidden) || below(forbidden, module),
            None => below(&self.path, forbidden),
        }
    }
}

/// Every path in some code, in order.
#[must_use]
pub fn named_paths(code: &str) -> Vec<Named> {
    let tokens = tokens(code);
    let mut reader = Reader { tokens: &tokens, named: Vec::new(), imports: BTreeMap::new() };
    while !reader.tokens.is_empty() {
        reader.step();
    }
    let Reader { named, imports, .. } = reader;
    named.into_iter().map(|found| follow(found, &imports)).collect()
}

/// Replaces a path's first segment by what it was imported as.
fn follow(named: Named, imports: &BTreeMap<String, String>) -> Named {
    let (first, rest) = named.path.split_once("::").map_or((&*named.path, None), |(first, rest)| (first, Some(rest)));
    match (imports.get(first), rest) {
        (Some(whole), Some(rest)) => Named { path: format!("{whole}::{rest}"), line: named.line },
        (Some(whole), None) => Named { path: whole.clone(), line: named.line },
        (None, _) => named,
    }
}

struct Reader<'a> {
    tokens: &'a [(usize, Token<'a>)],
    named: Vec<Named>,
    imports: BTreeMap<String, String>,
}

impl<'a> Reader<'a> {
    fn step(&mut self) {
        match self.peek() {
            Some(Token::Word("use")) => {
                self.skip();
                self.tree("", true);
            }
            // `::std::env` is `std::env`.
            Some(Token::PathSeparator) => self.skip(),
            Some(Token::Word(_)) => self.tree("", false),
            Some(Token::Other(_)) | None => self.skip(),
        }
    }

    /// Reads a path; in an import also its groups, globs and renames.
    fn tree(&mut self, above: &str, import: bool) {
        let mut path = above.to_owned();
        let line = self.tokens.first().map_or(0, |(line, _)| *line);
        loop {
            match self.peek() {
                Some(Token::PathSeparator) => self.skip(),
                Some(Token::Word(word)) => {
                    self.skip();
                    if word != "self" || path.is_empty() {
                        let separator = if path.is_empty() { "" } else { "::" };
                        path = format!("{path}{separator}{word}");
                    }
                    if self.peek() != Some(Token::PathSeparator) {
                        break;
                    }
                }
                Some(Token::Other('{')) if import => return self.group(&path),
                Some(Token::Other('*')) if import => {
                    self.skip();
                    self.named.push(Named { line, path: format!("{path}::*") });
                    return;
                }
                // `path::<T>` and what is no path.
                Some(Token::Other(_)) | None => break,
            }
        }
        if path.is_empty() {
            return self.skip();
        }
        if import {
            let last = path.rsplit("::").next().unwrap_or_default();
            let name = self.rename().unwrap_or(last).to_owned();
            self.imports.insert(name, path.clone());
        }
        self.named.push(Named { line, path });
    }

    fn group(&mut self, above: &str) {
        self.skip();
        loop {
            match self.peek() {
                Some(Token::Other('}')) => return self.skip(),
                Some(Token::Other(';')) | None => return,
                Some(Token::Other(',')) => self.skip(),
                Some(Token::Word(_) | Token::PathSeparator | Token::Other(_)) => self.tree(above, true),
            }
        }
    }

    fn rename(&mut self) -> Option<&'a str> {
        match self.tokens {
            [(_, Token::Word("as")), (_, Token::Word(name)), rest @ ..] => {
                self.tokens = rest;
                Some(name)
            }
            _ => None,
        }
    }

    fn peek(&self) -> Option<Token<'a>> {
        self.tokens.first().map(|(_, token)| *token)
    }

    fn skip(&mut self) {
        self.tokens = self.tokens.get(1..).unwrap_or_default();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines_within(code: &str, forbidden: &str) -> Vec<usize> {
        named_paths(code).iter().filter(|named| named.is_within(forbidden)).map(|named| named.line).collect()
    }

    #[test]
    fn a_path_is_found_however_it_is_named() {
        for code in [
            "let x = std::env::var(name);",
            "let x = ::std::env::var(name);",
            "use std::env;",
            "use std::{fs, env::{self, args}};",
            "use std::{\n    io::{self, Read},\n    env as surroundings,\n};",
            "use std::*;",
            "use std::env::*;",
            "fn f() { use std as s; s::env::args(); }",
            "let x: Vec<std::env::Args> = y;",
        ] {
            assert!(!lines_within(code, "std::env").is_empty(), "{code}");
        }
    }

    #[test]
    fn other_paths_are_not() {
        for code in ["use std::environment;", "let env = std::fs::read(x);", "mod env; use env::var;", "std::en::v()"] {
            assert_eq!(lines_within(code, "std::env"), [0; 0], "{code}");
        }
        assert_eq!(
            lines_within("use std::time::{Duration, Instant};\nuse std::time::*;", "std::time::Instant"),
            [1, 2]
        );
        assert_eq!(lines_within("use std::time;\nfn f() { time::Instant::now(); }", "std::time::Instant"), [2]);
        assert_eq!(lines_within("use tokio_util::sync;\nuse tokio::sync;", "tokio"), [2]);
    }

    #[test]
    fn whatever_stands_there_the_reader_ends() {
        for code in ["use", "use {", "use a::{b", "a::", "use a::{,{}};", "::", "use ;", "a::<b>::c", "use a::{};b::c"]
        {
            let _ = named_paths(code);
        }
    }
}
