//! Plans: the golden one, what is refused, and the digest.

use kneo_core::plan::{
    Approval, CompiledPlan, DecodePlanError, JoinRule, NodeKind, OnError, OnMax, Origin, Origins, Plan, PlanError,
    Requirement, ToolBackingDef,
};
use kneo_core::{Digest, FailureKind, Value};
use serde_json::{Value as Json, json};

use super::samples::{name, node};

/// A plan of version 1, written by hand, that uses every part of the format.
const GOLDEN: &str = include_str!("../golden/plan-v1.json");
/// Its RFC 8785 form and the SHA-256 of that, both made by another program.
const CANONICAL: &[u8] = include_bytes!("../golden/plan-v1.canonical.json");
const DIGEST: &str = include_str!("../golden/plan-v1.sha256");

fn golden() -> Json {
    serde_json::from_str(GOLDEN).unwrap()
}

fn digest() -> Digest {
    DIGEST.trim().parse().unwrap()
}

fn decoded() -> CompiledPlan {
    CompiledPlan::decode(digest(), CANONICAL.into()).unwrap()
}

/// The plan of some JSON under the digest of that JSON, as a store would give it.
fn decode(json: &Json) -> Result<CompiledPlan, DecodePlanError> {
    let bytes = json.to_string().into_bytes();
    CompiledPlan::decode(Digest::of(&bytes), bytes.into())
}

fn changed(at: &str, value: Json) -> Json {
    let mut plan = golden();
    *plan.pointer_mut(at).unwrap_or_else(|| panic!("the golden plan has no `{at}`")) = value;
    plan
}

#[test]
fn the_golden_plan_decodes_to_what_it_says() {
    let compiled = decoded();
    let plan = compiled.plan();
    assert_eq!(compiled.digest(), digest());
    let ids: Vec<&str> = plan.nodes.iter().map(|node| node.id.as_str()).collect();
    assert_eq!(ids, ["collect", "fan", "left", "right", "ask", "tally", "nested", "give_up", "first", "second"]);
    let collect = plan.node(node(0)).unwrap();
    assert_eq!(collect.policy.on_error, OnError::Fallback(node(7)));
    assert_eq!(collect.policy.retry.max_attempts.get(), 3);
    assert_eq!(collect.policy.retry.on, [FailureKind::Timeout, FailureKind::Provider]);
    assert!(matches!(&plan.nodes[1].kind, NodeKind::Fork(fork) if fork.branches[1].start == node(3)));
    let at_least = |fork: &kneo_core::plan::Fork| matches!(fork.join, JoinRule::AtLeast(least) if least.get() == 1);
    assert!(matches!(&plan.nodes[1].kind, NodeKind::Fork(fork) if at_least(fork) && fork.from == Some(node(0))));
    assert!(plan.edges[7].ends && !plan.edges[6].ends);
    let [files, web] = plan.servers.as_slice() else { panic!("{:?}", plan.servers) };
    assert!(files.tools.has("read") && !files.tools.has("list") && !files.tools.has("write"));
    assert!(web.tools.has("write") && web.tools.approval == Approval::Never);
    let bound = plan.edges[2].max_visits.as_ref().unwrap();
    assert!(matches!(&bound.on_max, OnMax::To { mark: Some(mark), .. } if &**mark == "gave up"));
    assert!(matches!(plan.tools[1].approval, Approval::When(_)));
    assert!(matches!(&plan.tools[1].backing, ToolBackingDef::Command(command) if command.argv.len() == 2));
    assert_eq!(plan.schema(plan.input.unwrap()), Some(&Value::from_json_text(r#"{"type":"object"}"#).unwrap()));
    assert_eq!(plan.limits.deadline_ms, Some(86_400_000));
    assert_eq!(plan.describe(&"4#2/t1/c0".parse().unwrap()), "ask#2/turn 1/call 0");
    assert_eq!(plan.describe(&"2#1/s1".parse().unwrap()), "left#1/server web");
}

#[test]
fn the_golden_plan_needs_what_it_names_each_once() {
    let needs = decoded().plan().requirements();
    let expected = [
        Requirement::Provider(name("dummy")),
        Requirement::Provider(name("openai")),
        Requirement::Tool(name("web_search")),
        Requirement::Function(name("collect_files")),
        Requirement::Command,
        Requirement::Mcp,
        Requirement::Secret(name("client_key")),
        Requirement::Secret(name("files_token")),
        Requirement::Secret(name("web_token")),
    ];
    assert_eq!(needs, expected);
}

#[test]
fn version_1_is_still_written_as_it_was() {
    let plan: Plan = serde_json::from_str(GOLDEN).unwrap();
    let compiled = CompiledPlan::new(plan).unwrap();
    assert_eq!(String::from_utf8_lossy(compiled.bytes()), String::from_utf8_lossy(CANONICAL));
    assert_eq!(compiled.digest(), digest());
    assert_eq!(compiled, decoded());
}

/// JSON text in which the keys of every map begin elsewhere.
fn reordered(json: &Json, by: usize) -> String {
    let join = |parts: Vec<String>| parts.join(", ");
    match json {
        Json::Array(items) => format!("[ {} ]", join(items.iter().map(|item| reordered(item, by)).collect())),
        Json::Object(entries) => {
            let write = |(key, value): (&String, &Json)| format!("{} : {}", json!(key), reordered(value, by));
            let mut entries: Vec<String> = entries.iter().map(write).collect();
            if !entries.is_empty() {
                let by = by % entries.len();
                entries.rotate_left(by);
            }
            if by % 2 == 1 {
                entries.reverse();
            }
            format!("{{\n{}\n}}", join(entries))
        }
        Json::Null | Json::Bool(_) | Json::Number(_) | Json::String(_) => json.to_string(),
    }
}

#[test]
fn neither_layout_nor_the_order_of_keys_changes_the_digest() {
    for by in 0..12 {
        let text = reordered(&golden(), by);
        let plan: Plan = serde_json::from_str(&text).unwrap();
        assert_eq!(CompiledPlan::new(plan).unwrap().digest(), digest(), "{by}");
    }
}

#[test]
fn any_other_change_does() {
    for (at, value) in [
        ("/name", json!("reporT")),
        ("/nodes/0/out", json!([])),
        ("/nodes/0/policy/retry/max_attempts", json!(4)),
        ("/edges/3/when", json!({"output_contains": "yes "})),
        ("/agents/0/model/extra/a/b", json!(false)),
        ("/limits/max_steps", json!(201)),
        ("/humans/0/options", json!(["no", "yes"])),
    ] {
        let plan: Plan = serde_json::from_value(changed(at, value)).unwrap();
        assert_ne!(CompiledPlan::new(plan).unwrap().digest(), digest(), "{at}");
    }
}

#[test]
fn origins_are_no_part_of_a_plan() {
    let origin = Origin::new("flow.yaml".into(), 3, 5);
    let placed = decoded().with_origins(Origins::new(vec![Some(origin.clone()), None]));
    assert_eq!(placed.origins().node(node(0)), Some(&origin));
    assert_eq!((placed.origins().node(node(1)), placed.origins().node(node(9))), (None, None));
    assert_eq!((placed.digest(), placed.bytes()), (digest(), decoded().bytes()));
    assert_eq!(placed, decoded());
}

#[test]
fn bytes_under_another_digest_are_not_even_read() {
    let other = Digest::of(b"other");
    for bytes in [CANONICAL, b"\xff", b""] {
        let error = CompiledPlan::decode(other, bytes.into()).unwrap_err();
        assert_eq!(error, DecodePlanError::Digest { expected: other });
    }
}

#[test]
fn every_damaged_byte_is_noticed() {
    let mut bytes = CANONICAL.to_vec();
    for at in 0..bytes.len() {
        bytes[at] ^= 0x04;
        let error = CompiledPlan::decode(digest(), bytes.clone().into()).unwrap_err();
        assert_eq!(error, DecodePlanError::Digest { expected: digest() });
        bytes[at] ^= 0x04;
    }
}

#[test]
fn a_newer_version_is_refused_before_its_fields_are_read() {
    let mut plan = changed("/plan_version", json!(2));
    plan["from_the_future"] = json!(true);
    assert_eq!(decode(&plan), Err(DecodePlanError::TooNew { version: 2 }));
    let text = DecodePlanError::TooNew { version: 2 }.to_string();
    assert_eq!(text, "the plan has format version 2; this build reads up to 1: upgrade it");
}

#[test]
fn unknown_fields_and_words_are_refused() {
    for at in ["", "/scopes/0", "/nodes/0", "/nodes/0/policy", "/edges/2", "/edges/2/max_visits", "/agents/0"] {
        let mut plan = golden();
        plan.pointer_mut(at).unwrap()["zz"] = json!(1);
        assert!(matches!(decode(&plan), Err(DecodePlanError::Syntax(_))), "`{at}`: {:?}", decode(&plan));
    }
    for (at, word) in [
        ("/scopes/0/kind", json!("circular")),
        ("/nodes/0/kind", json!({"teleport": 0})),
        ("/nodes/0/policy/retry/on/0", json!("bad_luck")),
        ("/nodes/0/policy/retry/max_attempts", json!(0)),
        ("/nodes/0/when", json!({"magic": []})),
        ("/agents/0/strategy", json!("genius")),
        ("/tools/0/effect", json!("chaos")),
        ("/humans/0/request", json!("mind_reading")),
        ("/name", json!(" ")),
    ] {
        let plan = changed(at, word);
        assert!(matches!(decode(&plan), Err(DecodePlanError::Syntax(_))), "`{at}`: {:?}", decode(&plan));
    }
    for bytes in [&b"{}"[..], b"[]", b"\"plan\"", b"{\"plan_version\":1}", b"\xff"] {
        let error = CompiledPlan::decode(Digest::of(bytes), bytes.into()).unwrap_err();
        assert!(matches!(error, DecodePlanError::Syntax(_)), "{error}");
    }
}

#[test]
fn an_index_that_leads_nowhere_is_refused() {
    for (at, kind) in [
        ("/root", "scope"),
        ("/scopes/0/start", "node"),
        ("/scopes/0/max_steps/on_max/to/node", "node"),
        ("/nodes/0/out/0", "edge"),
        ("/nodes/0/policy/on_error/fallback", "node"),
        ("/nodes/0/kind/function", "function"),
        ("/nodes/1/kind/fork/branches/1/start", "node"),
        ("/nodes/2/kind/agent", "agent"),
        ("/nodes/4/kind/human", "human"),
        ("/nodes/6/kind/workflow", "scope"),
        ("/edges/0/from", "node"),
        ("/edges/0/to", "node"),
        ("/edges/2/max_visits/on_max/to/node", "node"),
        ("/nodes/0/output", "schema"),
        ("/nodes/1/kind/fork/from", "node"),
        ("/agents/0/tools/1", "tool"),
        ("/agents/0/servers/0", "server"),
        ("/agents/0/output", "schema"),
        ("/tools/2/backing/mcp/server", "server"),
        ("/tools/3/backing/workflow", "scope"),
        ("/tools/0/parameters", "schema"),
        ("/input", "schema"),
        ("/outputs/0/schema", "schema"),
    ] {
        // The first index beyond each list, and the last there is.
        let beyond = [
            ("scope", 2),
            ("node", 10),
            ("edge", 8),
            ("function", 2),
            ("agent", 2),
            ("human", 2),
            ("tool", 4),
            ("server", 2),
        ];
        let first = beyond.iter().find(|(of, _)| *of == kind).map_or(3, |(_, index)| *index);
        for index in [first, u32::MAX] {
            let plan = changed(at, json!(index));
            let expected = PlanError::Dangling { kind, index };
            assert_eq!(decode(&plan), Err(DecodePlanError::Plan(expected.clone())), "{at}");
            let plan: Plan = serde_json::from_value(plan).unwrap();
            assert_eq!(CompiledPlan::new(plan), Err(expected), "{at}");
        }
    }
}

#[test]
fn a_scope_owns_the_nodes_that_it_counts() {
    for (at, value, scope) in [
        ("/scopes/0/len", json!(9), 0),
        ("/scopes/0/len", json!(u32::MAX), 0),
        ("/scopes/1/first", json!(7), 1),
        ("/scopes/1/first", json!(u32::MAX), 1),
        ("/nodes/3/scope", json!(1), 0),
    ] {
        let plan = changed(at, value);
        assert_eq!(decode(&plan), Err(DecodePlanError::Plan(PlanError::Scope { scope })), "{at}");
    }
}

#[test]
fn a_number_without_a_canonical_form_is_refused() {
    let golden: Plan = serde_json::from_str(GOLDEN).unwrap();
    for number in [f64::INFINITY, f64::NEG_INFINITY, f64::NAN] {
        let mut factor = golden.clone();
        factor.nodes[0].policy.retry.factor = number;
        let mut temperature = golden.clone();
        temperature.agents[1].model.temperature = Some(number);
        for plan in [factor, temperature] {
            assert!(matches!(CompiledPlan::new(plan), Err(PlanError::Canonical(_))), "{number}");
        }
    }
}

#[test]
fn a_constant_that_would_not_read_back_is_refused() {
    let golden: Plan = serde_json::from_str(GOLDEN).unwrap();
    for (number, fits) in [(1e16, false), (-1e300, false), (9_007_199_254_740_992.0, false), (1e15, true), (0.5, true)]
    {
        let mut plan = golden.clone();
        let deep = Value::map([("multipleOf", Value::list([Value::float(number).unwrap()]).unwrap())]).unwrap();
        plan.agents[1].model.extra = Some(deep);
        match CompiledPlan::new(plan) {
            Ok(compiled) => {
                assert!(fits, "{number}");
                assert!(CompiledPlan::decode(compiled.digest(), compiled.bytes().clone()).is_ok(), "{number}");
            }
            Err(error) => assert!(!fits && matches!(error, PlanError::Canonical(_)), "{number}: {error}"),
        }
    }
}
