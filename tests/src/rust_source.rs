//! Rust sources as the rules read them: code without comments, literals and tests.
//!
//! This is a scanner, not a parser: it knows comments, literals, attributes and brackets, and nothing else. That is
//! enough to say which paths a file names and how long it is, and it reads a file that does not compile.

mod blank;
mod modules;
mod paths;
mod token;

pub use modules::ModDeclaration;
pub use paths::{Named, named_paths};

use std::collections::BTreeSet;

use blank::Blanked;

/// One source file.
#[derive(Debug)]
pub struct RustSource {
    code: String,
    library_code: String,
    test_lines: usize,
    comments: Vec<Comment>,
}

/// A comment, and the line on which it begins, from 1.
#[derive(Debug, PartialEq, Eq)]
pub struct Comment {
    /// The line.
    pub line: usize,
    /// The comment with its slashes.
    pub text: String,
}

impl RustSource {
    /// Scans a file.
    #[must_use]
    pub fn new(text: &str) -> RustSource {
        let Blanked { code, comments } = blank::blank(text);
        let (library_code, test_lines) = blank::without_tests(&code);
        RustSource { code, library_code, test_lines, comments }
    }

    /// The code: comments and the insides of literals are blank, lines stay where they are.
    #[must_use]
    pub fn code(&self) -> &str {
        &self.code
    }

    /// The code without items that only tests have.
    #[must_use]
    pub fn library_code(&self) -> &str {
        &self.library_code
    }

    /// The comments.
    #[must_use]
    pub fn comments(&self) -> &[Comment] {
        &self.comments
    }

    /// The number of lines without those that only tests have.
    #[must_use]
    pub fn library_lines(&self) -> usize {
        self.code.lines().count().saturating_sub(self.test_lines)
    }

    /// Every `mod name;`, in order.
    #[must_use]
    pub fn modules(&self) -> Vec<ModDeclaration> {
        modules::declared(&self.code, &self.library_code)
    }

    /// The words of which any may be a module, because a macro of the file declares modules; empty without one.
    #[must_use]
    pub fn possible_modules(&self) -> BTreeSet<String> {
        modules::perhaps(&self.code)
    }

    /// The lines, from 1, on which a text stands that is not part of a longer word.
    #[must_use]
    pub fn lines_with(code: &str, word: &str) -> Vec<usize> {
        (1..).zip(code.lines()).filter(|(_, line)| has_word(line, word)).map(|(at, _)| at).collect()
    }
}

fn has_word(line: &str, word: &str) -> bool {
    line.match_indices(word).any(|(at, _)| {
        let before = line.get(..at).and_then(|text| text.chars().next_back());
        let after = line.get(at + word.len()..).and_then(|text| text.chars().next());
        let inside = |edge: Option<char>, next: Option<char>| edge.is_some_and(is_word) && next.is_some_and(is_word);
        !inside(word.chars().next(), before) && !inside(word.chars().next_back(), after)
    })
}

fn is_word(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tests_are_not_library_code() {
        let source = RustSource::new(
            "fn kept() {}\n\n#[cfg(test)]\nmod tests {\n    // Why.\n\n    fn gone() { let _ = \"}\"; }\n}\n\nfn kept_too() {}\n",
        );
        assert!(source.library_code().contains("kept_too") && !source.library_code().contains("gone"));
        assert_eq!(source.library_lines(), 4, "two functions and the empty lines around the tests");
    }

    #[test]
    fn one_test_item_ends_where_it_ends() {
        let text = "#[cfg(test)]\n#[path = \"x\"]\nuse a::b;\nfn kept() {}\n#[cfg(test)]\nfn gone(a: [u8; 2]) {}\nfn also() {}";
        let source = RustSource::new(text);
        let library = source.library_code();
        assert!(library.contains("kept") && library.contains("also"));
        assert!(!library.contains("gone") && !library.contains("a::b"));
        assert_eq!(RustSource::new("#![cfg(test)]\nfn gone() {}").library_lines(), 0);
    }

    #[test]
    fn a_condition_that_tests_lack_is_library_code() {
        let source = RustSource::new("#[cfg(not(test))]\nfn kept() {}\n#[cfg(all(test, unix))]\nfn gone() {}");
        assert!(source.library_code().contains("kept") && !source.library_code().contains("gone"));
    }

    #[test]
    fn words_are_whole() {
        assert_eq!(RustSource::lines_with("a todo!()\nmy_todo!()\n todo!", "todo!"), [1, 3]);
        assert_eq!(RustSource::lines_with("TODOs\nTODO: x", "TODO"), [2]);
    }
}
