//! The work of a compilation grows with the spec, not with its square.

use std::fmt::Write as _;
use std::time::Duration;

use kneo_spec::CompileOptions;
use kneo_spec::diagnostic::{TextStyle, to_json, to_text};

use super::golden::{computed, run};

const SMALL: usize = 700;
const FACTOR: usize = 8;

/// What eight times the spec may cost: linear work costs 8 times as much and a little more, quadratic work 64 times.
const MOST: f64 = 11.0;

/// Less is not told exactly.
const GRAIN: Duration = Duration::from_millis(10);

/// The head, a line for each number, and a tail with a line for each number.
struct Family {
    name: &'static str,
    head: &'static str,
    line: fn(usize, usize) -> String,
    tail: &'static str,
    tail_line: Option<fn(usize, usize) -> String>,
}

const STEPS: &str = "version: v1\nworkflow:\n  type: sequential\n  steps:\n";
const NODES: &str = "version: v1\nlimits: {max_steps: 9}\nworkflow:\n  type: graph\n  start: s0\n  nodes:\n";
const BRANCHES: &str = "version: v1\nworkflow:\n  type: concurrent\n  name: fork\n  participants:\n";

const FAMILIES: &[Family] = &[
    Family::lines("plain steps", STEPS, |at, _| format!("    - {{id: s{at}, kind: set, set: {{x: {at}}}}}\n")),
    Family::two(
        "steps of which every fourth has an expression",
        STEPS,
        |at, _| {
            let when = if at % 4 == 3 { format!("size(string(prev)) > {at}") } else { "true".to_owned() };
            format!("    - {{id: s{at}, kind: function, ref: f, on_error: retry, max_retries: 2, when: {when}}}\n")
        },
        "components: {functions: {f: {implementation: f}}}\n",
        |_, _| String::new(),
    ),
    Family::lines("reads of the step before", STEPS, |at, _| match at {
        0 => "    - {id: s0, kind: set, set: {x: 1}}\n".to_owned(),
        _ => format!("    - {{id: s{at}, kind: set, set: {{x: \"{{{{ steps.s{}.output.x }}}}\"}}}}\n", at - 1),
    }),
    Family::lines("reads of unknown steps", STEPS, |at, _| {
        format!("    - {{id: number_{at}_x, kind: set, set: {{x: \"{{{{ steps.numbr_{at}_y.output }}}}\"}}}}\n")
    }),
    Family::lines("reads across branches", BRANCHES, |at, all| {
        format!("    - {{id: s{at}, kind: set, set: {{x: \"{{{{ steps.s{}.output }}}}\"}}}}\n", (at + 1) % all)
    }),
    Family::lines("branches with the names of forks", BRANCHES, |at, _| {
        let id = if at == 0 { "fork".to_owned() } else { format!("fork {}", at - 1) };
        format!("    - {{id: {id}, kind: set, set: {{x: 1}}}}\n")
    }),
    Family::two(
        "unknown functions",
        STEPS,
        |at, _| format!("    - {{id: s{at}, kind: function, ref: functionn_{at}x}}\n"),
        "components:\n  functions:\n",
        |at, _| format!("    function_{at}y: {{implementation: f}}\n"),
    ),
    Family::two(
        "edges to unknown nodes",
        NODES,
        |at, _| format!("    s{at}: {{kind: set, set: {{x: 1}}}}\n"),
        "  edges:\n",
        |at, _| format!("    - {{from: s{at}, to: node_{at}}}\n"),
    ),
    Family::two(
        "cycles of one node",
        "version: v1\nworkflow:\n  type: graph\n  start: s0\n  nodes:\n",
        |at, _| format!("    s{at}: {{kind: set, set: {{x: 1}}}}\n"),
        "  edges:\n",
        |at, _| format!("    - {{from: s{at}, to: s{at}}}\n"),
    ),
    // A step that all others fall back to stands at as many places, and reads as many steps.
    Family::two(
        "one fallback for all",
        NODES,
        |at, all| match at {
            0 => "    s0: {kind: set, set: {x: 1}}\n".to_owned(),
            1 => {
                let values: String = (0..all).map(|at| format!("x{at}: \"{{{{ steps.s0.output }}}}\", ")).collect();
                format!("    s1: {{kind: set, set: {{{values}}}}}\n")
            }
            _ => format!("    s{at}: {{kind: set, set: {{x: 1}}, on_error: fallback, fallback_ref: s1}}\n"),
        },
        "  edges:\n",
        |at, all| format!("    - {{from: s{at}, to: s{}}}\n", (at + 1) % all),
    ),
    Family::two(
        "branches of one node",
        "version: v1\nlimits: {max_steps: 9}\nworkflow:\n  type: graph\n  start: a\n  nodes:\n    a: {kind: set, set: {x: 1}, route: all, join_at: z}\n    z: {kind: set, set: {x: 1}}\n",
        |at, _| format!("    s{at}: {{kind: set, set: {{x: \"{{{{ steps.a.output }}}}\"}}}}\n"),
        "  edges:\n",
        |at, _| format!("    - {{from: a, to: s{at}}}\n    - {{from: s{at}, to: z}}\n"),
    ),
    Family::two(
        "branches behind branches",
        NODES,
        |at, all| {
            let read = at.saturating_sub(2);
            let fan =
                if at % 3 == 0 && at + 3 < all { format!(", route: all, join_at: s{}", at + 3) } else { String::new() };
            format!("    s{at}: {{kind: set, set: {{x: \"{{{{ steps.s{read}.output }}}}\"}}{fan}}}\n")
        },
        "  edges:\n",
        |at, all| match at % 3 {
            0 if at + 3 < all => {
                format!("    - {{from: s{at}, to: s{}}}\n    - {{from: s{at}, to: s{}}}\n", at + 1, at + 2)
            }
            1 if at + 2 < all => format!("    - {{from: s{at}, to: s{}}}\n", at + 2),
            2 if at + 1 < all => format!("    - {{from: s{at}, to: s{}}}\n", at + 1),
            _ => String::new(),
        },
    ),
    Family::two(
        "branches in branches",
        NODES,
        |at, _| {
            format!(
                "    s{at}: {{kind: set, set: {{x: 1}}, route: all, join_at: z{at}}}\n    z{at}: {{kind: set, set: {{x: 1}}}}\n"
            )
        },
        "  edges:\n",
        |at, all| match at + 1 < all {
            true => format!("    - {{from: s{at}, to: s{0}}}\n    - {{from: z{0}, to: z{at}}}\n", at + 1),
            false => String::new(),
        },
    ),
    Family::two(
        "branches that share every node",
        "version: v1\nlimits: {max_steps: 9}\nworkflow:\n  type: graph\n  start: a\n  nodes:\n    a: {kind: set, set: {x: 1}, route: all, join_at: z}\n    z: {kind: set, set: {x: 1}}\n    y: {kind: set, set: {x: 1}}\n",
        |at, _| format!("    s{at}: {{kind: set, set: {{x: 1}}}}\n"),
        "  edges:\n",
        |at, _| format!("    - {{from: a, to: s{at}}}\n    - {{from: s{at}, to: y}}\n"),
    ),
    Family::two(
        "agents that ask each other",
        "version: v1\nworkflow: {type: sequential, steps: [{id: a, kind: agent, ref: a0}]}\ntools:\n",
        |at, all| format!("  t{at}: {{agent: a{}}}\n", (at + 1) % all),
        "components:\n  agents:\n",
        |at, _| format!("    a{at}: {{model: {{provider: dummy}}, tools: [t{at}]}}\n"),
    ),
    Family::two(
        "an agent with many tools in many steps",
        STEPS,
        |at, _| format!("    - {{id: s{at}, kind: agent, ref: boss}}\n"),
        "tools:\n",
        |at, all| {
            let tool = format!("  t{at}: {{agent: expert, description: t{at}}}\n");
            if at + 1 < all {
                return tool;
            }
            let tools: String = (0..all).map(|at| format!("t{at}, ")).collect();
            format!(
                "{tool}components:\n  agents:\n    boss: {{model: {{provider: dummy}}, tools: [{tools}]}}\n    expert: {{model: {{provider: dummy}}}}\n"
            )
        },
    ),
    Family::two(
        "tests of everything",
        STEPS,
        |at, _| format!("    - {{id: s{at}, kind: function, ref: f{at}}}\n"),
        "components: {functions: {f0: {implementation: f}}}\ntests:\n",
        |at, _| {
            format!(
                "  - {{name: t{at}, functions: {{f{at}: {{output: 1}}}}, models: {{a{at}: [x]}}, expect: {{path: [s{at}, x{at}]}}}}\n"
            )
        },
    ),
    Family::two(
        "variables of a server",
        "version: v1\nagent: {name: a, model: {provider: dummy}, tools: [t]}\nmcp_servers:\n  t:\n    transport: stdio\n    command: serve\n    env:\n",
        |at, _| format!("      KEY{at}: value\n"),
        "x-more: {}\n",
        |_, _| String::new(),
    ),
    Family::two(
        "workflows in a circle",
        "version: v1\nworkflow: {type: sequential, steps: [{id: a, kind: workflow, ref: w0}]}\n",
        |_, _| String::new(),
        "components:\n  workflows:\n",
        |at, all| {
            let next = (at + 1) % all;
            format!("    w{at}: {{type: sequential, steps: [{{id: a, kind: workflow, ref: w{next}}}]}}\n")
        },
    ),
    Family::two(
        "schemas",
        "version: v1\nworkflow: {type: sequential, steps: [{id: a, kind: set, set: {x: 1}}]}\n",
        |_, _| String::new(),
        "outputs:\n",
        |at, _| format!("  o{at}: {{value: 1, schema: {{maximum: {at}}}}}\n"),
    ),
    Family::lines("unknown fields", STEPS, |at, _| format!("    - {{id: s{at}, kind: set, set: {{x: 1}}, wehn: 1}}\n")),
    Family::lines("texts with errors everywhere", STEPS, |at, _| {
        format!("    - {{ide: s{at}, kind: set, set: [a, b]}}\n")
    }),
    // All on one line.
    Family::closed("tags", "version: v1\nx-a: [", |_, _| "!a b, ".to_owned(), "]\n"),
    Family::closed("aliases", "version: v1\nx-a: [", |_, _| "*a, ".to_owned(), "]\n"),
    Family::closed("unquoted holes", "version: v1\nx-a: [", |_, _| "{x: {{ a }}}, ".to_owned(), "]\n"),
    Family::closed(
        "misread conditions",
        "version: v1\nworkflow: {type: sequential, steps: [",
        |at, _| format!("{{id: s{at}, kind: set, when: [1, 2], set: {{x: 1}}}}, "),
        "]}\n",
    ),
    Family::closed(
        "holes without an end",
        "version: v1\ntemplates: true\nagent:\n  name: a\n  model: {provider: dummy}\n  system_prompt: \"",
        |_, _| "{{{}} ".to_owned(),
        "\"\n",
    ),
    Family::closed("secrets", "version: v1\nx-a: |\n  ", |at, _| format!("ghp_{at:040} "), "\n"),
];

impl Family {
    const fn lines(name: &'static str, head: &'static str, line: fn(usize, usize) -> String) -> Self {
        Self { name, head, line, tail: "", tail_line: None }
    }

    const fn closed(
        name: &'static str,
        head: &'static str,
        line: fn(usize, usize) -> String,
        tail: &'static str,
    ) -> Self {
        Self { name, head, line, tail, tail_line: None }
    }

    const fn two(
        name: &'static str,
        head: &'static str,
        line: fn(usize, usize) -> String,
        tail: &'static str,
        tail_line: fn(usize, usize) -> String,
    ) -> Self {
        Self { name, head, line, tail, tail_line: Some(tail_line) }
    }

    fn spec(&self, size: usize) -> String {
        let mut text = String::from(self.head);
        for at in 0..size {
            text.push_str(&(self.line)(at, size));
        }
        text.push_str(self.tail);
        for at in 0..size {
            // Writing to a String cannot fail.
            let _ = self.tail_line.map(|line| write!(text, "{}", line(at, size)));
        }
        text
    }
}

/// What compiling and reporting computes.
fn cost(text: &str) -> Duration {
    let started = computed();
    let (sources, compilation) = run("growth.yaml", text, &CompileOptions::default());
    drop(to_text(&compilation.diagnostics, &sources, TextStyle::Plain));
    drop(to_json(&compilation.diagnostics, &sources));
    computed().saturating_sub(started)
}

#[test]
fn the_cost_of_a_spec_grows_with_its_size() {
    for family in FAMILIES {
        let (small, large) = (family.spec(SMALL), family.spec(SMALL * FACTOR));
        // Whatever disturbs a measurement makes it longer; the ratio of the shortest ones is the truth.
        let (mut least, mut most) = (Duration::MAX, Duration::MAX);
        let mut ratio = f64::MAX;
        for _ in 0..5 {
            least = least.min(cost(&small));
            most = most.min(cost(&large));
            ratio = most.as_secs_f64() / least.max(GRAIN).as_secs_f64();
            if ratio <= MOST {
                break;
            }
        }
        println!("{}: {least:?} {most:?} {ratio:.1}", family.name);
        assert!(ratio <= MOST, "{}: {FACTOR} times the spec costs {ratio:.1} times as much", family.name);
    }
}
