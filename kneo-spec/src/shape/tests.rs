//! What holds for every table.

use super::*;
use std::collections::HashSet;

/// Every shape that can be reached from the root, once.
fn all() -> Vec<&'static Shape> {
    fn visit(kind: &FieldKind, found: &mut Vec<&'static Shape>) {
        match kind {
            FieldKind::Shape(shape) if !found.iter().any(|s| std::ptr::eq(*s, *shape)) => {
                found.push(shape);
                for field in shape.fields {
                    visit(&field.kind, found);
                }
            }
            FieldKind::List(item) | FieldKind::Map(item) => visit(item, found),
            FieldKind::Either(kinds) => kinds.iter().for_each(|kind| visit(kind, found)),
            _ => {}
        }
    }
    let mut found = Vec::new();
    visit(&FieldKind::Shape(&root::ROOT), &mut found);
    found
}

#[test]
fn tables_are_whole() {
    let shapes = all();
    assert!(shapes.len() > 15, "{}", shapes.len());
    for shape in shapes {
        let mut seen = HashSet::new();
        assert!(!shape.doc.is_empty(), "{}", shape.name);
        for field in shape.fields {
            let place = format!("{} {}", shape.name, field.name);
            assert!(seen.insert(field.name), "{place} twice");
            assert!(field.doc.len() > 5, "{place} has no doc");
            assert!(!field.doc.ends_with('.'), "{place}: a doc is a phrase");
        }
    }
}

/// What this version refuses is refused in a golden, field by field and word by word.
#[test]
fn what_is_not_supported_yet_is_seen_to_be_refused() {
    fn words(kind: &FieldKind) -> Vec<&'static Word> {
        match kind {
            FieldKind::Words(words) => words.iter().collect(),
            FieldKind::List(item) | FieldKind::Map(item) => words(item),
            FieldKind::Either(kinds) => kinds.iter().flat_map(words).collect(),
            _ => Vec::new(),
        }
    }
    let report = concat!(env!("CARGO_MANIFEST_DIR"), "/../tests/spec/diagnostics/v1_not_yet.txt");
    let report = std::fs::read_to_string(report).unwrap();
    for shape in all() {
        for field in shape.fields {
            let refused = if field.support == Support::NotYet && field.only.is_empty() {
                vec![format!("`{}` of {} is not supported yet", field.name, shape.name)]
            } else {
                let not_yet = words(&field.kind).into_iter().filter(|word| word.support == Support::NotYet);
                not_yet.map(|word| format!("`{}: {}` is not supported yet", field.name, word.text)).collect()
            };
            for line in refused {
                assert!(report.contains(&line), "not shown: {line}");
            }
        }
    }
}

/// A field of some kinds alone is refused with its kind.
#[test]
fn fields_of_kinds_that_are_not_supported_are_not_supported() {
    for shape in all() {
        let Some(words) = shape.kinds().map(Field::words) else {
            assert!(shape.fields.iter().all(|field| field.only.is_empty()), "{}: of which kinds?", shape.name);
            continue;
        };
        let now = |variant: &str| words.iter().any(|word| word.text == variant && word.support == Support::Now);
        for field in shape.fields.iter().filter(|field| !field.only.is_empty()) {
            let any = field.only.iter().any(|variant| now(variant));
            assert_eq!(any, field.support == Support::Now, "{} {}", shape.name, field.name);
        }
    }
}

/// What the table of misplaced fields says is out of place is out of place.
#[test]
fn fields_that_belong_elsewhere_are_not_here() {
    for (shape, name) in elsewhere::all() {
        let shape = all().into_iter().find(|known| known.name == shape).unwrap_or_else(|| panic!("no {shape}"));
        let here = shape.field(name).is_some_and(|field| field.support == Support::Now && field.only.is_empty());
        assert!(!here, "`{name}` is a field of {}", shape.name);
    }
}

/// Seats name constructs and fields that there are.
#[test]
fn seats_are_in_the_tables() {
    let shapes = all();
    let shape = |name: &str| shapes.iter().find(|shape| shape.name == name).unwrap_or_else(|| panic!("no {name}"));
    for seat in SEATS {
        let held = shape(seat.shape).field(seat.field).map(|field| field.kind);
        let of = shape(seat.of);
        let holds = |kind: FieldKind| matches!(kind, FieldKind::Shape(held) if std::ptr::eq(held, *of));
        let is_there = match held {
            Some(FieldKind::Map(item) | FieldKind::List(item)) => holds(*item),
            Some(kind) => holds(kind),
            None => false,
        };
        assert!(is_there, "{} does not stand in `{}` of {}", seat.of, seat.field, seat.shape);
        for name in seat.own.iter().chain([&seat.required, &seat.spared]).filter(|name| !name.is_empty()) {
            assert!(of.field(name).is_some(), "{} has no `{name}`", seat.of);
        }
    }
}

/// Every word that compiles says what it means, and nothing else does.
#[test]
fn words_have_meanings() {
    let shapes = all();
    for shape in &shapes {
        for field in shape.fields {
            for word in field.words().iter().filter(|word| word.support == Support::Now) {
                let place = format!("`{}: {}` of {}", field.name, word.text, shape.name);
                let meaning = shape.meaning(field.name, word.text).unwrap_or_else(|| panic!("{place}"));
                assert!(meaning.len() > 5 && !meaning.ends_with('.'), "{place}: a meaning is a phrase");
            }
        }
    }
    for (of, word) in words::all() {
        let fields = of.iter().map(|(shape, field)| {
            let shape = shapes.iter().find(|known| known.name == *shape);
            shape.and_then(|shape| shape.field(field)).unwrap_or_else(|| panic!("no {field} of {of:?}"))
        });
        let known = fields.flat_map(Field::words).any(|known| known.text == word);
        assert!(known, "{of:?} have no `{word}`");
    }
}

/// The page of the reference is the one of the tables; `UPDATE_EXPECT=1` writes it.
#[test]
fn the_reference_tells_every_field() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/reference/fields.md");
    let page = reference::page(&all());
    #[expect(clippy::disallowed_methods, reason = "the switch of whoever runs the tests")]
    if std::env::var_os("UPDATE_EXPECT").is_some() {
        std::fs::write(path, page).unwrap();
        return;
    }
    let expected = std::fs::read_to_string(path).unwrap_or_default();
    assert!(expected == page, "docs/reference/fields.md differs; UPDATE_EXPECT=1 writes it");
}

/// The example of a construct is one.
#[test]
fn examples_are_yaml() {
    for shape in all() {
        let value: serde_yaml::Value = serde_yaml::from_str(shape.example).unwrap();
        let keys = value.as_mapping().unwrap_or_else(|| panic!("{}: {}", shape.name, shape.example)).keys();
        for key in keys {
            let field = shape.field(key.as_str().unwrap());
            assert!(field.is_some_and(|field| field.support == Support::Now), "{}: {key:?}", shape.name);
        }
    }
}

/// A test may expect every kind of failure there is.
#[test]
fn kinds_of_expected_errors_are_those_of_failures() {
    let words: Vec<&str> = test::KINDS.iter().map(|word| word.text).collect();
    let kinds: Vec<&str> = kneo_core::failure::FailureKind::ALL.iter().map(|kind| kind.as_str()).collect();
    assert_eq!(words, kinds);
}

/// What a field does to the plan.
#[derive(Clone, Copy, PartialEq)]
enum Does {
    /// It changes the plan, and with it what a run does.
    Plan,
    /// It is for people alone.
    Documentation,
    /// It is settled when the spec is compiled: another value is refused.
    Compiler,
    /// It changes the tests, which are no part of the plan.
    Test,
}

/// For each field of a shape: what it does, and a place in `tests/spec/fields/whole.yaml` with what stands there
/// instead when the field is changed.
const CHANGES: &[(&str, &str, Does, &str, &str)] = &[
    ("a spec", "version", Does::Compiler, "version: v1", "version: v2"),
    ("a spec", "name", Does::Plan, "name: whole spec", "name: another"),
    ("a spec", "description", Does::Documentation, "about the spec", "other words"),
    ("a spec", "templates", Does::Plan, "templates: true", "templates: false"),
    ("a spec", "inputs", Does::Plan, "inputs: {type: object}", "inputs: {type: object, minProperties: 0}"),
    ("a spec", "outputs", Does::Plan, "  told:", "  said:"),
    ("a spec", "agent", Does::Plan, "  model: {provider: dummy}", "  model: {provider: other}"),
    (
        "a spec",
        "workflow",
        Does::Plan,
        "    begin: {kind: workflow, ref: line}",
        "    begin: {kind: workflow, ref: fan}",
    ),
    ("a spec", "components", Does::Plan, "implementation: host.fetch", "implementation: host.bring"),
    ("a spec", "tools", Does::Plan, "argv: [ls,", "argv: [find,"),
    ("a spec", "mcp_servers", Does::Plan, "command: serve", "command: host"),
    ("an MCP server", "transport", Does::Compiler, "transport: stdio", "transport: http"),
    ("an MCP server", "command", Does::Plan, "command: serve", "command: run"),
    ("an MCP server", "args", Does::Plan, "args: [--fast]", "args: [--slow]"),
    ("an MCP server", "env", Does::Plan, "KEY_ref: started-key", "KEY: started-key"),
    ("an MCP server", "cwd", Does::Plan, "cwd: served", "cwd: elsewhere"),
    ("an MCP server", "url", Does::Plan, "https://one.example.com", "https://three.example.com"),
    ("an MCP server", "headers", Does::Plan, "X-Team: docs", "X-Team_ref: docs"),
    ("an MCP server", "auth", Does::Plan, "    auth: {bearer_ref: reached-token}\n", ""),
    ("an MCP server", "verify", Does::Plan, "verify: false", "verify: true"),
    ("an MCP server", "ca_bundle", Does::Plan, "ca_bundle: trusted.pem", "ca_bundle: other.pem"),
    ("an MCP server", "client_cert", Does::Plan, "client_cert: own.pem", "client_cert: other.pem"),
    ("an MCP server", "client_key_ref", Does::Plan, "client_key_ref: own-key", "client_key_ref: other-key"),
    ("an MCP server", "timeout", Does::Plan, "timeout: 913", "timeout: 1913"),
    ("an MCP server", "timeout_seconds", Does::Plan, "timeout_seconds: 911", "timeout_seconds: 1911"),
    ("an MCP server", "max_response_bytes", Does::Plan, "max_response_bytes: 912", "max_response_bytes: 1912"),
    ("an MCP server", "tools", Does::Plan, "tools: {effect: idempotent}", "tools: {}"),
    ("`auth`", "bearer_ref", Does::Plan, "bearer_ref: reached-token", "bearer_ref: other-token"),
    ("a choice of tools", "include", Does::Plan, "include: [alpha, beta]", "include: [alpha]"),
    ("a choice of tools", "exclude", Does::Plan, "exclude: [gamma]", "exclude: []"),
    ("a choice of tools", "prefix", Does::Plan, "prefix: st_", "prefix: ts_"),
    ("a choice of tools", "expect_digest", Does::Plan, "expect_digest: 01", "expect_digest: 11"),
    ("a choice of tools", "effect", Does::Plan, "{effect: idempotent}", "{effect: write}"),
    (
        "a choice of tools",
        "on_uncertain",
        Does::Plan,
        "on_uncertain: fail\n      approval: never",
        "on_uncertain: ask\n      approval: never",
    ),
    (
        "a choice of tools",
        "approval",
        Does::Plan,
        "on_uncertain: fail\n      approval: never",
        "on_uncertain: fail\n      approval: always",
    ),
    ("a tool of a server", "server", Does::Plan, "server: reached", "server: open"),
    ("a tool of a server", "name", Does::Plan, "name: delta", "name: epsilon"),
    ("a spec", "limits", Does::Plan, "limits: {max_steps: 901, wall_seconds: 902,", "limits: {"),
    ("an output", "value", Does::Plan, "{value: \"{{ prev }}\"", "{value: said"),
    ("an output", "schema", Does::Plan, "schema: {type: string}", "schema: {type: object}"),
    ("`limits`", "max_steps", Does::Plan, "max_steps: 901", "max_steps: 1901"),
    ("`limits`", "wall_seconds", Does::Plan, "wall_seconds: 902", "wall_seconds: 1902"),
    ("`limits`", "deadline_seconds", Does::Plan, "deadline_seconds: 903", "deadline_seconds: 1903"),
    ("`limits`", "max_depth", Does::Compiler, "max_depth: 9", "max_depth: 1"),
    ("`components`", "agents", Does::Plan, "Write about", "Tell about"),
    ("`components`", "functions", Does::Plan, "argv: [wc]", "argv: [nl]"),
    ("`components`", "humans", Does::Plan, "assignee: ana", "assignee: bo"),
    ("`components`", "workflows", Does::Plan, "name: the line", "name: a line"),
    ("an agent", "name", Does::Plan, "name: the writer", "name: a writer"),
    ("an agent", "description", Does::Documentation, "about the writer", "other words"),
    ("an agent", "system_prompt", Does::Plan, "system_prompt: Write", "system_prompt: Speak"),
    ("an agent", "model", Does::Plan, "name: model-1", "name: model-2"),
    ("an agent", "strategy", Does::Plan, "strategy: {type: react, max_iterations: 5}\n", "x-none: {}\n"),
    ("an agent", "runtime_preferences", Does::Documentation, "preferred_mode: native", "preferred_mode: adapter"),
    ("an agent", "tools", Does::Plan, "tools: [look]", "tools: [list]"),
    ("an agent", "as_agent", Does::Plan, "as_agent: solo", "as_agent: line"),
    ("an agent", "output_schema", Does::Plan, "maxLength: 908", "maxLength: 1908"),
    ("a model", "provider", Does::Plan, "provider: dummy", "provider: other"),
    ("a model", "name", Does::Plan, "name: model-1", "name: model-3"),
    ("a model", "temperature", Does::Plan, "temperature: 0.25", "temperature: 0.5"),
    ("a model", "token_budget", Does::Plan, "token_budget: 904", "token_budget: 1904"),
    ("a model", "extra", Does::Plan, "extra: {base_url: one}", "extra: {base_url: two}"),
    ("a strategy", "type", Does::Plan, "strategy: {type: react}\n      tools: [look]", "strategy: {type: simple}"),
    ("a strategy", "max_iterations", Does::Plan, "max_iterations: 5", "max_iterations: 6"),
    (
        "`runtime_preferences`",
        "preferred_mode",
        Does::Documentation,
        "preferred_mode: native",
        "preferred_mode: bridge",
    ),
    ("`runtime_preferences`", "allowed_modes", Does::Compiler, "[bridge, native]", "[native]"),
    ("`runtime_preferences`", "fallback_mode", Does::Documentation, "fallback_mode: bridge", "fallback_mode: native"),
    (
        "`runtime_preferences`",
        "native_provider",
        Does::Documentation,
        "native_provider: somebody",
        "native_provider: x",
    ),
    (
        "`tools`",
        "include",
        Does::Plan,
        "include: [look, list, consult, started, served, open]",
        "include: [look, list]",
    ),
    ("a tool", "description", Does::Plan, "about look", "other words"),
    ("a tool", "parameters", Does::Plan, "required: [q]", "required: [r]"),
    ("a tool", "implementation", Does::Plan, "host.look", "host.peek"),
    ("a tool", "mcp", Does::Plan, "mcp: {server: reached, name: delta}", "implementation: delta"),
    ("a tool", "agent", Does::Plan, "consult: {agent: critic}", "consult: {agent: root agent}"),
    ("a tool", "command", Does::Plan, "argv: [ls,", "argv: [stat,"),
    ("a tool", "effect", Does::Plan, "effect: read", "effect: idempotent"),
    ("a tool", "on_uncertain", Does::Plan, "on_uncertain: retry", "on_uncertain: ask"),
    ("a tool", "approval", Does::Plan, "approval: {when: \"input.q == 'x'\"}", "approval: always"),
    ("a function", "description", Does::Documentation, "about fetch", "other words"),
    ("a function", "implementation", Does::Plan, "host.fetch", "host.get"),
    ("a function", "command", Does::Plan, "command: {argv: [wc]}", "command: {argv: [tac]}"),
    ("a function", "effect", Does::Plan, "effect: write\n      on_uncertain: fail\n", "effect: read\n"),
    (
        "a function",
        "on_uncertain",
        Does::Plan,
        "on_uncertain: fail\n      approval: always",
        "on_uncertain: ask\n      approval: always",
    ),
    ("a function", "approval", Does::Plan, "approval: always", "approval: never"),
    ("a command", "argv", Does::Plan, "[ls, \"{{ input.q }}\"]", "[ls, \"{{ input.r }}\"]"),
    ("a command", "env", Does::Plan, "env: {MODE: fast}", "env: {MODE: slow}"),
    ("a command", "cwd", Does::Plan, "cwd: sub", "cwd: other"),
    ("a command", "stdin", Does::Compiler, "stdin: json", "stdin: text"),
    ("`approval`", "when", Does::Plan, "input.q == 'x'", "input.q == 'y'"),
    ("a human", "description", Does::Plan, "description: Publish", "description: Print"),
    ("a human", "assignee", Does::Plan, "assignee: ana", "assignee: eve"),
    ("a human", "timeout_seconds", Does::Plan, "timeout_seconds: 905", "timeout_seconds: 1905"),
    ("a human", "on_timeout", Does::Plan, "on_timeout: escalate", "on_timeout: continue"),
    ("a human", "request_type", Does::Plan, "reader: {request_type: freeform}", "reader: {request_type: correction}"),
    ("a human", "options", Does::Plan, "options: [left, right]", "options: [left, up]"),
    ("a human", "default_option", Does::Plan, "default_option: left", "default_option: right"),
    ("a human", "context", Does::Plan, "context: {why: because}", "context: {why: so}"),
    ("a human", "response_role", Does::Plan, "response_role: assistant", "response_role: user"),
    ("a workflow", "type", Does::Plan, "{type: sequential, steps:", "{type: concurrent, participants:"),
    ("a workflow", "name", Does::Plan, "name: the line", "name: line two"),
    ("a workflow", "description", Does::Documentation, "about the line", "other words"),
    (
        "a workflow",
        "steps",
        Does::Plan,
        "{id: first, kind: function, ref: fetch,",
        "{id: first, kind: function, ref: count,",
    ),
    ("a workflow", "start", Does::Plan, "start: begin", "start: middle"),
    ("a workflow", "nodes", Does::Plan, "last: {kind: human, ref: reader}", "last: {kind: human, ref: editor}"),
    ("a workflow", "edges", Does::Plan, "    - {from: played, to: last}\n", ""),
    ("a workflow", "max_steps", Does::Plan, "max_steps: 907", "max_steps: 1907"),
    ("a workflow", "on_max", Does::Plan, "on_max: {to: last, mark: too long}", "on_max: fail"),
    (
        "a workflow",
        "participants",
        Does::Plan,
        "{id: two, kind: human, ref: editor}",
        "{id: two, kind: human, ref: reader}",
    ),
    ("a workflow", "join", Does::Plan, "join: {at_least: 2}", "join: any"),
    ("a workflow", "rest", Does::Plan, "rest: cancel", "rest: drain"),
    ("`join`", "at_least", Does::Plan, "join: {at_least: 2}", "join: {at_least: 1}"),
    ("a workflow", "on_branch_error", Does::Plan, "on_branch_error: drain\n", "on_branch_error: fail_fast\n"),
    ("a workflow", "combine", Does::Plan, "combine: map\n", "combine: text\n"),
    ("a step", "id", Does::Plan, "{id: one, kind: agent", "{id: uno, kind: agent"),
    ("a step", "kind", Does::Plan, "spare: {kind: human, ref: reader}", "spare: {kind: agent, ref: critic}"),
    ("a step", "ref", Does::Plan, "{id: one, kind: agent, ref: critic}", "{id: one, kind: agent, ref: writer}"),
    ("a step", "when", Does::Plan, "when: size(steps.first.output) > 1", "when: size(steps.first.output) > 2"),
    ("a step", "input", Does::Plan, "input: \"{{ steps.first.output }}\"", "input: \"{{ prev }}\""),
    ("a step", "set", Does::Plan, "set: {seen:", "set: {saw:"),
    ("a step", "on_error", Does::Plan, "on_error: continue", "on_error: fail"),
    ("a step", "max_retries", Does::Plan, "max_retries: 6", "max_retries: 8"),
    ("a step", "retry", Does::Plan, "retry: {max_attempts: 7,", "retry: {max_attempts: 8,"),
    ("a step", "timeout_seconds", Does::Plan, "timeout_seconds: 906", "timeout_seconds: 1906"),
    ("a step", "fallback_ref", Does::Plan, "fallback_ref: spare", "fallback_ref: other"),
    (
        "a step",
        "route",
        Does::Plan,
        "route: all, join_at: met, join: any, rest: drain, on_branch_error: drain, combine: text",
        "route: first",
    ),
    ("a step", "join_at", Does::Plan, "join_at: met", "join_at: later"),
    ("a step", "join", Does::Plan, "join: any, rest: drain", "join: {at_least: 1}, rest: drain"),
    ("a step", "rest", Does::Plan, "join: any, rest: drain", "join: any, rest: cancel"),
    ("a step", "on_branch_error", Does::Plan, "on_branch_error: drain, combine", "on_branch_error: fail_fast, combine"),
    ("a step", "combine", Does::Plan, "combine: text}", "combine: map}"),
    ("a step", "fallback_only", Does::Plan, "fallback_only: true", "fallback_only: false"),
    ("a step", "idempotency_key", Does::Plan, "key {{ input }}", "key: {{ input }}"),
    ("a step", "output_schema", Does::Plan, "maxLength: 909", "maxLength: 1909"),
    ("a spec", "tests", Does::Test, "  - {name: other test, input: {}, expect: {output: 925}}\n", ""),
    ("a test", "name", Does::Test, "name: whole test", "name: all of it"),
    ("a test", "input", Does::Test, "q: \"914\"", "q: \"1914\""),
    ("a test", "models", Does::Test, "root agent: [hello]", "root agent: [hi]"),
    ("a test", "functions", Does::Test, "fetch: {output: 919", "fetch: {output: 1919"),
    ("a test", "tools", Does::Test, "tools: {look: {output: 921}}", "tools: {look: {output: 1921}}"),
    ("a test", "mcp_servers", Does::Test, "{alpha: {output: 922}}", "{beta: {output: 922}}"),
    (
        "a test",
        "humans",
        Does::Test,
        "humans: {pick: {decision: select, option: near, by: ana}, tell: [{decision: provide, content: 923}]}",
        "humans: {}",
    ),
    (
        "a test",
        "approvals",
        Does::Test,
        "approvals: {fetch: {decision: reject",
        "approvals: {fetch: {decision: approve",
    ),
    ("a test", "expect", Does::Test, "expect: {output: 925}", "expect: {output: 1925}"),
    ("a reply", "text", Does::Test, "text: said", "text: told"),
    ("a reply", "output", Does::Test, "output: {n: 918}", "output: {n: 1918}"),
    ("a reply", "tool_calls", Does::Test, "tool_calls: [{name: look", "tool_calls: [{name: list"),
    ("a reply", "error", Does::Test, "message: down", "message: gone"),
    ("a reply", "when_input_contains", Does::Test, "when_input_contains: \"916\"", "when_input_contains: \"1916\""),
    ("a reply", "delay_seconds", Does::Test, "delay_seconds: 917", "delay_seconds: 1917"),
    ("a tool call", "name", Does::Test, "[{name: look, arguments", "[{name: list, arguments"),
    ("a tool call", "arguments", Does::Test, "q: \"915\"", "q: \"1915\""),
    ("an outcome", "output", Does::Test, "output: 919", "output: 1919"),
    ("an outcome", "error", Does::Test, "error: {code: broken}", "error: {code: damaged}"),
    ("an outcome", "delay_seconds", Does::Test, "delay_seconds: 920", "delay_seconds: 1920"),
    ("`error`", "code", Does::Test, "code: provider_down", "code: provider_away"),
    ("`error`", "message", Does::Test, "message: down", "message: away"),
    ("`error`", "retryable", Does::Test, "retryable: true", "retryable: false"),
    ("a decision", "decision", Does::Test, "decision: reject", "decision: approve"),
    ("a decision", "reason", Does::Test, "reason: \"924\"", "reason: \"1924\""),
    ("a decision", "content", Does::Test, "content: 923", "content: 1923"),
    ("a decision", "option", Does::Test, "option: near, by", "option: far, by"),
    ("a decision", "by", Does::Test, "by: ana}", "by: ben}"),
    ("`expect`", "status", Does::Test, "status: failed", "status: expired"),
    ("`expect`", "output", Does::Test, "output: 925", "output: 1925"),
    ("`expect`", "error", Does::Test, "error: {kind: rejected", "error: {kind: limit"),
    ("`expect`", "path", Does::Test, "path: [begin, begin/first]", "path: [begin]"),
    ("`expect`", "tools_called", Does::Test, "tools_called: [look]", "tools_called: [list]"),
    ("`expect`", "tools_not_called", Does::Test, "tools_not_called: [list]", "tools_not_called: [look]"),
    ("`expect`", "human_tasks", Does::Test, "human_tasks: [two]", "human_tasks: [tell]"),
    ("an expected error", "kind", Does::Test, "kind: rejected", "kind: function"),
    ("an expected error", "code", Does::Test, "code: some", "code: other"),
    ("an expected error", "contains", Does::Test, "contains: words", "contains: texts"),
    ("`retry`", "max_attempts", Does::Plan, "max_attempts: 7", "max_attempts: 9"),
    ("`retry`", "initial_seconds", Does::Plan, "initial_seconds: 3", "initial_seconds: 5"),
    ("`retry`", "factor", Does::Plan, "factor: 4", "factor: 3"),
    ("`retry`", "max_seconds", Does::Plan, "max_seconds: 90", "max_seconds: 91"),
    ("`retry`", "jitter", Does::Plan, "jitter: false", "jitter: true"),
    ("`retry`", "on", Does::Plan, "on: [provider, timeout]", "on: [provider]"),
    ("an edge", "from", Does::Plan, "{from: other, to: spare}", "{from: last, to: spare}"),
    ("an edge", "to", Does::Plan, "{from: other, to: spare}", "{from: other, to: last}"),
    ("an edge", "condition", Does::Plan, "condition: {type: status_is, value: failed}", "when: \"prev == 1\""),
    ("an edge", "when", Does::Plan, "when: \"size(prev) > 8\"", "when: \"size(prev) > 9\""),
    ("an edge", "max_visits", Does::Plan, "max_visits: 11", "max_visits: 12"),
    ("an edge", "on_max", Does::Plan, "on_max: continue", "on_max: fail"),
    ("a condition", "type", Does::Plan, "type: status_is, value: failed", "type: output_contains, value: failed"),
    ("a condition", "value", Does::Plan, "value: again", "value: once more"),
    ("`on_max`", "to", Does::Plan, "{to: last, mark: too long}", "{to: other, mark: too long}"),
    ("`on_max`", "mark", Does::Plan, "mark: too long", "mark: endless"),
];

const WHOLE: &str = include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/../tests/spec/fields/whole.yaml"));

/// The digest of the plan, and the tests.
fn compiled(text: &str) -> Result<(kneo_core::digest::Digest, Vec<crate::tests::Test>), String> {
    let mut sources = crate::source::SourceMap::new();
    let file = sources.add("whole.yaml", text);
    let compilation = crate::compile(&sources, file, &crate::CompileOptions::default());
    let style = crate::diagnostic::TextStyle::Plain;
    let report = || crate::diagnostic::to_text(&compilation.diagnostics, &sources, style);
    compilation.plan.as_ref().map(|plan| plan.digest()).ok_or_else(report).map(|digest| (digest, compilation.tests))
}

/// A field that is accepted and then ignored is the worst bug that this project can have.
#[test]
fn each_field_changes_the_plan_or_is_documentation() {
    let (whole, tests) = compiled(WHOLE).unwrap();
    for shape in all() {
        for field in shape.fields.iter().filter(|field| field.support == Support::Now) {
            let place = format!("`{}` of {}", field.name, shape.name);
            let row = CHANGES.iter().find(|(of, name, ..)| (*of, *name) == (shape.name, field.name));
            let Some((_, _, does, from, to)) = row else { panic!("{place} has no row") };
            assert_eq!(WHOLE.matches(from).count(), 1, "{place}: `{from}` stands there once");
            match (does, compiled(&WHOLE.replace(from, to))) {
                (Does::Plan, Ok((plan, _))) => assert_ne!(plan, whole, "{place} is dropped"),
                (Does::Documentation, Ok((plan, _))) => assert_eq!(plan, whole, "{place}"),
                (Does::Test, Ok((plan, changed))) => {
                    assert_eq!(plan, whole, "{place}");
                    assert_ne!(changed, tests, "{place} is dropped");
                }
                (Does::Compiler, Err(_)) => {}
                (Does::Compiler, Ok(_)) => panic!("{place} is dropped"),
                (_, Err(error)) => panic!("{place}: {error}"),
            }
        }
    }
    assert!(CHANGES.iter().all(|(of, name, ..)| all().iter().any(|s| s.name == *of && s.field(name).is_some())));
}
