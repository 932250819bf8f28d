//! `kneo explain`: every code that can be met has an answer.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use kneo::provider::openai;
use kneo::spec::diagnostic::Code;
use kneo::{FailureKind, mcp};

use super::support::*;

#[test]
fn every_code_of_the_compiler_has_a_page() {
    let project = Project::new();
    for code in Code::ALL {
        let answer = project.kneo(&["explain", code.as_str()]);
        assert_eq!((answer.code, answer.stderr.as_str()), (0, ""), "{code}");
        assert!(answer.stdout.starts_with(code.as_str()) && answer.stdout.contains("Right:"), "{code}: {answer:?}");
    }
}

#[test]
fn every_other_code_that_the_library_gives_is_explained() {
    let project = Project::new();
    let mut codes: BTreeSet<String> = FailureKind::ALL.iter().map(|kind| kind.as_str().to_owned()).collect();
    for library in ["core", "runtime", "store", "spec", "tools", "providers", "mcp", "otel", "process"] {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("../kneo-{library}/src"));
        for file in sources(&root) {
            codes.extend(given(&std::fs::read_to_string(file).unwrap()));
        }
    }
    // What a store tells the runtime, which never shows it to anybody.
    for hidden in ["behind", "lease_lost", "rolled_back", "started", "task_exists", "run_exists"] {
        assert!(codes.remove(hidden), "`{hidden}` is gone");
    }
    // Where a library lists what it gives, the list counts as well.
    for (prefix, listed) in [
        ("mcp_", mcp::ErrorCode::ALL.iter().map(|known| known.code).collect::<BTreeSet<_>>()),
        ("provider_", openai::ErrorCode::ALL.iter().map(|known| known.code).collect()),
    ] {
        assert!(listed.len() > 20 && listed.iter().all(|code| code.starts_with(prefix)), "{listed:?}");
        codes.extend(listed.into_iter().map(str::to_owned));
    }
    // What is put together where it is given.
    for what in ["tool", "function"] {
        codes.extend(["failed", "input_invalid", "output_invalid"].map(|problem| format!("{what}_{problem}")));
    }
    codes.extend(["tool", "function", "provider"].map(|kind| format!("{kind}_panicked")));
    for known in ["already_decided", "tool_exit", "telemetry_unfinished", "mcp_timeout", "provider_cancelled"] {
        assert!(codes.contains(known), "{known} is not among {codes:?}");
    }
    let unknown: Vec<&String> = codes.iter().filter(|code| project.kneo(&["explain", code]).code != 0).collect();
    assert!(unknown.is_empty(), "not explained: {unknown:?}");
}

/// The codes that a source gives: what `fn code` answers, and what failures and call errors are made with.
fn given(source: &str) -> BTreeSet<String> {
    let code = source.split("#[cfg(test)]").next().unwrap_or_default();
    let mut found = BTreeSet::new();
    for part in code.split("fn code(").skip(1) {
        let body = part.split("\n    }\n").next().unwrap_or_default();
        found.extend(body.split('"').skip(1).step_by(2).filter_map(word));
    }
    for start in [
        "CODE: &str = \"",
        "with_code(\"",
        "CallError::fatal(\"",
        "CallError::retryable(\"",
        "timed_out(\"",
        "refused(\"",
    ] {
        found.extend(code.split(start).skip(1).filter_map(word));
    }
    found
}

/// The text up to the closing quote, if it is a code.
fn word(rest: &str) -> Option<String> {
    let word = rest.split('"').next()?;
    let fits = !word.is_empty() && word.bytes().all(|b| b.is_ascii_lowercase() || b == b'_');
    fits.then(|| word.to_owned())
}

fn sources(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() && path.file_name().is_some_and(|name| name != "tests" && name != "testkit") {
            found.extend(sources(&path));
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
    found
}

#[test]
fn an_answer_is_for_people_or_for_programs() {
    let project = Project::new();
    let text = ["e_step_ref", "already_decided", "tool_exit", "timeout", "usage", "models_invalid"].map(|code| {
        let json = project.kneo(&["explain", code, "--json"]).stdout;
        format!("{}\n{json}", project.kneo(&["explain", code]).stdout)
    });
    snapshot(&project, "explain", &text.join("\n"));
}

#[test]
fn a_mistyped_code_is_helped() {
    let project = Project::new();
    let text = ["E_STEP_REFF", "alredy_decided", "NOPE", "entirely_something_else"].map(|code| {
        let answer = project.kneo(&["explain", code]);
        assert_eq!(answer.code, 1);
        answer.stderr
    });
    snapshot(&project, "explain_unknown", &text.join("\n"));
}

#[test]
fn all_codes_are_listed_with_what_they_mean() {
    let project = Project::new();
    let answer = project.kneo(&["explain"]);
    assert_eq!((answer.code, answer.stderr.as_str()), (0, ""));
    let listed: Vec<&str> = answer.stdout.lines().skip(1).map(|line| line.split(' ').next().unwrap()).collect();
    assert!(listed.contains(&"E_STEP_REF") && listed.contains(&"already_decided"), "{listed:?}");
    for code in Code::ALL {
        assert!(listed.contains(&code.as_str()), "{code}");
    }
    let (code, object) = project.json(&["explain"]);
    let codes: Vec<&str> =
        object["codes"].as_array().unwrap().iter().map(|code| code["code"].as_str().unwrap()).collect();
    assert_eq!((code, codes), (0, listed));
}

#[test]
fn the_format_of_scripted_models_is_shown_and_right() {
    let spec = "version: v1\nagent: {name: writer, model: {provider: scripted}, strategy: {type: simple}}\n";
    let shown = Project::new().kneo(&["explain", "models_invalid"]).stdout;
    let (from, to) = (shown.find("\n{\n").unwrap(), shown.find("\n}\n").unwrap());
    let project = Project::with(spec).file("models.json", &shown[from..to + 3]);
    let run = ["run", "flow.yaml", "--models", "models.json", "--input", "something urgent", "--quiet"];
    let answer = project.kneo(&run);
    assert_eq!((answer.code, answer.stdout.as_str()), (0, "At once.\n"), "{answer:?}");
}

const CODES: &str = "\
# Codes

Every code that diagnostics, errors and failures carry. Codes are never renamed and never given to another rule. `kneo explain CODE` says the same at a terminal, and `kneo explain` lists them all. Made from what the program says.

";

const OF_SPECS: &str = "\
## Of the compiler

An error keeps a spec from compiling, a warning does not. The page behind a code has a spec that breaks the rule, the spec put right, and why the rule exists.

| Code | | Rule |
| --- | --- | --- |
";

const OF_OTHERS: &str = "
## Of runs, hosts and the program

What errors of the host API and failures of runs carry; `kind` and `code` of a failure are both here. The last column is the exit code of a command that fails with it.

| Code | What it means | What to do | Exit |
| --- | --- | --- | --- |
";

/// The page of the reference says what the program says; `UPDATE_EXPECT=1` writes it.
#[test]
fn the_reference_lists_every_code() {
    let project = Project::new();
    let cell = |text: &serde_json::Value| text.as_str().unwrap().replace('|', "\\|");
    let (mut specs, mut others) = (String::new(), String::new());
    for listed in project.json(&["explain"]).1["codes"].as_array().unwrap() {
        let code = listed["code"].as_str().unwrap();
        let (_, told) = project.json(&["explain", code]);
        if told["rule"].is_string() {
            let page = format!("../../kneo-spec/pages/{code}.md");
            specs += &format!("| [`{code}`]({page}) | {} | {} |\n", cell(&told["severity"]), cell(&told["rule"]));
        } else {
            let (meaning, help) = (cell(&told["meaning"]), cell(&told["help"]));
            others += &format!("| `{code}` | {meaning} | {help} | {} |\n", told["exit_code"]);
        }
    }
    let page = [CODES, OF_SPECS, &specs, OF_OTHERS, &others].concat();
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/reference/codes.md");
    if std::env::var_os("UPDATE_EXPECT").is_some() {
        std::fs::write(path, page).unwrap();
        return;
    }
    let expected = std::fs::read_to_string(path).unwrap_or_default();
    assert!(expected == page, "docs/reference/codes.md differs; UPDATE_EXPECT=1 writes it");
}
