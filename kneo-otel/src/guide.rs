//! The tables of `docs/guide/telemetry.md` are made of the names that the code has; `UPDATE_EXPECT=1` writes them.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use crate::attribute::{CONTENTS, Described, OTHERS, SPANS};
use crate::metrics;

const GUIDE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/guide/telemetry.md");

fn spans(described: &[Described]) -> String {
    let mut table = "| Attribute | On | What |\n| --- | --- | --- |\n".to_owned();
    for Described { name, on, what } in described {
        writeln!(table, "| `{name}` | {on} | {what} |").unwrap();
    }
    table
}

fn metrics() -> String {
    let mut table = "| Metric | Unit | What | By |\n| --- | --- | --- | --- |\n".to_owned();
    for metric in metrics::ALL {
        let by: Vec<String> = metric.by.iter().map(|name| format!("`{name}`")).collect();
        writeln!(table, "| `{}` | `{}` | {} | {} |", metric.name, metric.unit, metric.what, by.join(", ")).unwrap();
    }
    table
}

/// Puts a table between its marks.
fn with_table(guide: &str, mark: &str, table: &str) -> String {
    let (begin, end) = (format!("<!-- {mark} -->\n"), format!("<!-- end of {mark} -->"));
    let (before, rest) = guide.split_once(&begin).expect("the mark is there");
    let (_, after) = rest.split_once(&end).expect("and its end");
    format!("{before}{begin}{table}{end}{after}")
}

#[test]
fn the_guide_lists_what_there_is() {
    let guide = std::fs::read_to_string(GUIDE).unwrap();
    let written = with_table(&guide, "attributes", &spans(SPANS));
    let written = with_table(&written, "contents", &spans(CONTENTS));
    let written = with_table(&written, "metrics", &metrics());
    if std::env::var_os("UPDATE_EXPECT").is_some() {
        return std::fs::write(GUIDE, written).unwrap();
    }
    assert!(guide == written, "the tables differ; UPDATE_EXPECT=1 writes them\n{written}");
}

#[test]
fn names_are_unlike_and_those_of_metrics_are_described() {
    let described: Vec<&str> = [SPANS, OTHERS, CONTENTS].into_iter().flatten().map(|it| it.name).collect();
    let unlike: BTreeSet<&str> = described.iter().copied().collect();
    assert_eq!(unlike.len(), described.len());
    for metric in metrics::ALL {
        assert!(metric.by.iter().all(|name| unlike.contains(name)), "{}", metric.name);
    }
}

/// The crate of conventions is of version 1.42.0, which has the names of 1.41.0 and calls them moved.
#[test]
#[expect(deprecated, reason = "names of 1.41.0 have moved to conventions of their own since")]
fn names_that_are_not_our_own_are_those_of_the_conventions() {
    use opentelemetry_semantic_conventions::{attribute as of, metric};

    let theirs = [
        of::GEN_AI_OPERATION_NAME,
        of::GEN_AI_WORKFLOW_NAME,
        of::GEN_AI_AGENT_NAME,
        of::GEN_AI_PROVIDER_NAME,
        of::GEN_AI_REQUEST_MODEL,
        of::GEN_AI_REQUEST_TEMPERATURE,
        of::GEN_AI_OUTPUT_TYPE,
        of::GEN_AI_RESPONSE_FINISH_REASONS,
        of::GEN_AI_USAGE_INPUT_TOKENS,
        of::GEN_AI_USAGE_OUTPUT_TOKENS,
        of::GEN_AI_TOOL_NAME,
        of::GEN_AI_TOOL_TYPE,
        of::GEN_AI_TOOL_CALL_ID,
        of::GEN_AI_TOOL_CALL_ARGUMENTS,
        of::GEN_AI_TOOL_CALL_RESULT,
        of::GEN_AI_OUTPUT_MESSAGES,
        of::GEN_AI_TOKEN_TYPE,
        of::ERROR_TYPE,
        of::ERROR_MESSAGE,
        metric::GEN_AI_CLIENT_OPERATION_DURATION,
        metric::GEN_AI_CLIENT_TOKEN_USAGE,
    ];
    let attributes = [SPANS, OTHERS, CONTENTS].into_iter().flatten().map(|it| it.name);
    let names = attributes.chain(metrics::ALL.iter().map(|metric| metric.name));
    let used: BTreeSet<&str> = names.filter(|name| !name.starts_with("kneo.")).collect();
    assert_eq!(used, theirs.into_iter().collect());
}
