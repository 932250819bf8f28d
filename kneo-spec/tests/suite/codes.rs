//! Every code has a page whose wrong spec shows it, whose right spec does not, and a golden report.

use kneo_spec::diagnostic::{Code, Severity, TextStyle, to_text};
use kneo_spec::{CompileOptions, Limits};

use super::golden::{check, corpus, run};

/// Options and text that show a code whose page cannot hold a spec large enough, or `None` for a
/// code that no spec shows.
fn shown_by(code: Code) -> Option<(CompileOptions, String)> {
    let limits = Limits::default();
    Some(match code {
        Code::Internal => return None,
        Code::YamlTooLarge => {
            (CompileOptions::default().with_limits(limits.with_bytes(20)), code.page().wrong.to_owned())
        }
        Code::YamlTooManyNodes => {
            (CompileOptions::default().with_limits(limits.with_nodes(1)), code.page().wrong.to_owned())
        }
        Code::ExprTooMuch => {
            (CompileOptions::default().with_limits(limits.with_expressions(12)), code.page().wrong.to_owned())
        }
        Code::SchemaTooMuch => {
            (CompileOptions::default().with_limits(limits.with_patterns(1)), code.page().wrong.to_owned())
        }
        _ => (CompileOptions::default(), code.page().wrong.to_owned()),
    })
}

#[test]
fn every_code_has_a_page_and_a_golden() {
    let folder = corpus().join("diagnostics/codes");
    for code in Code::ALL.iter().copied() {
        let page = code.page();
        for (part, text) in [("rule", page.rule), ("wrong", page.wrong), ("right", page.right), ("why", page.why)] {
            assert!(!text.trim().is_empty(), "the page of {code} has no {part}");
        }
        let Some((options, wrong)) = shown_by(code) else {
            assert!(folder.join(format!("{code}.txt")).exists(), "{code} has no golden");
            continue;
        };
        let name = format!("{code}.yaml");
        let (sources, compilation) = run(&name, &wrong, &options);
        let found = compilation.diagnostics.iter().any(|d| d.code == code);
        let text = to_text(&compilation.diagnostics, &sources, TextStyle::Plain);
        assert!(found, "the wrong spec of {code} does not show it:\n{text}");
        check(&folder.join(format!("{code}.txt")), &text);

        let (sources, compilation) = run(&name, page.right, &CompileOptions::default());
        let text = to_text(&compilation.diagnostics, &sources, TextStyle::Plain);
        assert!(compilation.plan.is_some(), "the right spec of {code} does not compile:\n{text}");
        assert!(compilation.diagnostics.iter().all(|d| d.code != code), "the right spec of {code} shows it:\n{text}");
    }
}

#[test]
fn every_golden_belongs_to_a_code() {
    let folder = corpus().join("diagnostics/codes");
    for entry in std::fs::read_dir(folder).unwrap() {
        let name = entry.unwrap().path().file_stem().unwrap().to_string_lossy().into_owned();
        assert!(Code::find(&name).is_some(), "{name} is no code");
    }
}

#[test]
fn codes_are_well_formed_and_found() {
    for code in Code::ALL.iter().copied() {
        let text = code.as_str();
        let letter = match code.severity() {
            Severity::Error => "E_",
            _ => "W_",
        };
        assert!(text.starts_with(letter), "{text}");
        assert_eq!(Code::find(&text.to_lowercase()), Some(code));
        assert!(code.rule().ends_with('.'), "{text}: a rule is a sentence");
        assert!(code.page().to_string().contains(code.rule()));
    }
    assert_eq!(Code::nearest("E_UNKNWON_FIELD"), Some(Code::UnknownField));
    assert_eq!(Code::nearest("E_NOTHING_LIKE_IT"), None);
}

/// Messages keep the house rules of wording.
#[test]
fn messages_are_worded_by_the_rules() {
    for code in Code::ALL.iter().copied() {
        let Some((options, wrong)) = shown_by(code) else { continue };
        let (_, compilation) = run("a.yaml", &wrong, &options);
        for diagnostic in &compilation.diagnostics {
            for text in [Some(&diagnostic.message), diagnostic.help.as_ref()].into_iter().flatten() {
                assert!(!text.ends_with('.'), "{code}: ends in a full stop: {text}");
                assert!(!text.contains('\n'), "{code}: has a line break: {text}");
                let first = text.chars().next().unwrap();
                let name = text.starts_with("YAML") || text.starts_with("Kneo");
                assert!(!first.is_uppercase() || name, "{code}: begins in upper case: {text}");
            }
            assert!(diagnostic.help.is_some(), "{code}: no help: {}", diagnostic.message);
        }
    }
}
