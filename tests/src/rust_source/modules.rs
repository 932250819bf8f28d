//! The modules that a file declares.

use std::collections::BTreeSet;

use super::token::{Token, tokens};

/// A `mod name;`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ModDeclaration {
    /// The module's name, after those of the inline modules around it.
    pub path: Vec<String>,
    /// Whether only tests have it.
    pub test_only: bool,
}

/// Every `mod name;` of some code; those that the code without tests lacks are for tests only.
pub(super) fn declared(code: &str, library_code: &str) -> Vec<ModDeclaration> {
    let library = paths(library_code);
    let all = paths(code).into_iter();
    all.map(|path| ModDeclaration { test_only: !library.contains(&path), path }).collect()
}

/// The words of some code, if a macro of it declares modules by name: any of them may be a module.
pub(super) fn perhaps(code: &str) -> BTreeSet<String> {
    let tokens = tokens(code);
    let makes = |pair: &[(usize, Token<'_>)]| matches!(pair, [(_, Token::Word("mod")), (_, Token::Other('$'))]);
    if !tokens.windows(2).any(makes) {
        return BTreeSet::new();
    }
    let words = tokens.iter().filter_map(|(_, token)| match token {
        Token::Word(word) => Some((*word).to_owned()),
        Token::PathSeparator | Token::Other(_) => None,
    });
    words.collect()
}

fn paths(code: &str) -> Vec<Vec<String>> {
    let mut found = Vec::new();
    // The open braces: with a name for an inline module.
    let mut around: Vec<Option<String>> = Vec::new();
    let mut left: &[(usize, Token<'_>)] = &tokens(code);
    loop {
        let names = || around.iter().flatten().cloned();
        left = match left {
            [] => return found,
            [(_, Token::Word("mod")), (_, Token::Word(name)), (_, Token::Other(';')), rest @ ..] => {
                found.push(names().chain([(*name).to_owned()]).collect());
                rest
            }
            [(_, Token::Word("mod")), (_, Token::Word(name)), (_, Token::Other('{')), rest @ ..] => {
                around.push(Some((*name).to_owned()));
                rest
            }
            [(_, Token::Other('{')), rest @ ..] => {
                around.push(None);
                rest
            }
            [(_, Token::Other('}')), rest @ ..] => {
                around.pop();
                rest
            }
            [_, rest @ ..] => rest,
        };
    }
}

#[cfg(test)]
mod tests {
    use super::super::RustSource;

    #[test]
    fn modules_are_found_with_their_condition_and_what_is_around_them() {
        let source = RustSource::new(
            "pub mod a;\npub(crate) mod b;\nmod c { fn f() {} }\n// mod d;\n#[cfg(test)]\nmod e;\nmod f { mod g; mod h {} }\nmod i;",
        );
        let found = source.modules();
        let found: Vec<_> = found.iter().map(|module| (module.path.join("::"), module.test_only)).collect();
        let expected = [("a", false), ("b", false), ("e", true), ("f::g", false), ("i", false)];
        assert_eq!(found, expected.map(|(path, test)| (path.to_owned(), test)));
    }
    #[test]
    fn a_macro_may_declare_modules_by_their_names() {
        let source = RustSource::new("macro_rules! all { ($($name:ident),*) => { $(pub mod $name;)* } }\nall!(a, b);");
        let words = source.possible_modules();
        assert!(source.modules().is_empty() && words.contains("a") && words.contains("b"));
        assert!(RustSource::new("macro_rules! m { ($x:ident) => { mod x; } }").possible_modules().is_empty());
    }
}
