//! What the guide says there is, is what there is.

use std::collections::{BTreeMap, BTreeSet};

use kneo_otel::{ContentPolicy, Prices};
use opentelemetry_sdk::trace::SpanData;

use super::scene;
use super::support::{Watch, attribute, histories};

const GUIDE: &str = include_str!("../../../docs/guide/telemetry.md");

/// The attributes of a table, with the spans that have them.
fn table(mark: &str) -> BTreeMap<&'static str, BTreeSet<&'static str>> {
    let (_, rest) = GUIDE.split_once(&format!("<!-- {mark} -->\n")).unwrap();
    let (rows, _) = rest.split_once(&format!("<!-- end of {mark} -->")).unwrap();
    let cells = rows.lines().skip(2).map(|row| row.split('|').map(str::trim).collect::<Vec<_>>());
    cells.map(|cells| (cells[1].trim_matches('`'), cells[2].split(", ").collect())).collect()
}

/// The kinds of spans, in the guide's words; a step may be of two.
fn kinds(span: &SpanData) -> Vec<&'static str> {
    let step = attribute(span, "kneo.step.kind");
    let mut kinds = match &*span.name {
        _ if attribute(span, "kneo.run.claims").is_some() => vec!["run"],
        _ if step.as_deref() == Some("agent") => vec!["step", "agent"],
        _ if step.as_deref() == Some("workflow") => vec!["step", "workflow"],
        _ if step.is_some() => vec!["step"],
        name if name.starts_with("branch ") => vec!["branch"],
        "turn" => vec!["turn"],
        name if name.starts_with("chat") => vec!["model"],
        name if name.starts_with("execute_tool") => vec!["tool"],
        name if name.starts_with("function ") => vec!["function"],
        name if name.starts_with("discover_tools ") => vec!["discovery"],
        name if name.starts_with("human_task ") => vec!["wait"],
        name => panic!("{name} is a span of no kind"),
    };
    kinds.push("all");
    if kinds[0] != "run" {
        kinds.push("all but run");
    }
    kinds
}

#[tokio::test(start_paused = true)]
async fn each_attribute_is_on_the_spans_that_the_guide_names_and_on_no_other() {
    let prices = Prices::new("EUR").model("clerk", "large", 2.0, 10.0).provider("expert", 1.0, 1.0);
    let mut spans = Vec::new();
    // In the second, the answers of the expert have no price.
    for prices in [prices, Prices::new("EUR").model("clerk", "large", 2.0, 10.0)] {
        let watch = Watch::with(|it| it.content(ContentPolicy::new()).prices(prices));
        scene::play(scene::office(), &watch.observer).await;
        for history in histories() {
            history.tell(&watch.observer, &history.records, false);
        }
        spans.extend(watch.spans());
    }
    let mut described = table("attributes");
    described.extend(table("contents"));
    let mut seen: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for span in &spans {
        let kinds = kinds(span);
        for attribute in &span.attributes {
            let name = attribute.key.as_str();
            let on = described.get(name).unwrap_or_else(|| panic!("the guide does not name {name}"));
            let fits: Vec<&str> = kinds.iter().copied().filter(|kind| on.contains(kind)).collect();
            assert!(!fits.is_empty(), "{name} on {}, and not on {on:?}", span.name);
            seen.entry(name).or_default().extend(fits);
        }
    }
    for (name, on) in described {
        let seen = seen.get(name).cloned().unwrap_or_default();
        let missing: Vec<&&str> = on.difference(&seen).collect();
        assert!(missing.is_empty(), "{name} is never on {missing:?}");
    }
}
