//! What is said while a run gets on: each thing once, in the author's words.

use super::support::*;

/// What was said, without the first line and the times.
fn told(spec: &str, arguments: &[&str]) -> String {
    let project = Project::with(spec).file("models.json", MODELS);
    let models = ["--models", "models.json"];
    let answer = project.kneo(&[&["run", "flow.yaml", "--input", "tea"], arguments, &models].concat());
    format!("exit {}\n{}", answer.code, answer.stderr.split_once('\n').unwrap().1)
}

const MODELS: &str = r#"{"agents": {
    "lost": [{"turns": [{"tool_calls": [{"name": "nope"}]}, "done"]}],
    "poet": [{"turns": [{"error": {"code": "provider_overloaded", "message": "try later", "retryable": false}}]}]
}}"#;

#[test]
fn a_failure_is_told_once() {
    let project = Project::new();
    let cat = "{effect: read, command: {argv: [cat, thing]}}";
    let poet = "{model: {provider: scripted}, strategy: {type: simple}, name: poet}";
    let steps = |steps: &str| format!("version: v1\nworkflow: {{type: sequential, steps: [{steps}]}}\n");
    let mut text = String::new();
    for (what, spec) in [
        ("function", steps(&format!("{{id: read, kind: function, ref: {cat}}}"))),
        (
            "tried twice",
            steps(&format!(
                "{{id: read, kind: function, ref: {cat}, retry: {{max_attempts: 2, initial_seconds: 0.01, jitter: false}}}}"
            )),
        ),
        ("agent", steps(&format!("{{id: write, kind: agent, ref: {poet}}}"))),
        (
            "branch",
            format!(
                "version: v1\nworkflow: {{type: concurrent, combine: map, participants: [{{id: read, kind: function, ref: {cat}}}]}}\n"
            ),
        ),
        (
            "nested",
            steps(&format!(
                "{{id: inner, kind: workflow, ref: {{type: sequential, steps: [{{id: read, kind: function, ref: {cat}}}]}}}}"
            )),
        ),
        ("passed over", steps(&format!("{{id: read, kind: function, ref: {cat}, on_error: continue}}"))),
        ("expression", steps("{id: bad, kind: set, set: {x: '{{ input.y }}'}}")),
    ] {
        text.push_str(&format!("{what}: {}\n", told(&spec, &[])));
    }
    snapshot(&project, "told_failures", &text);
}

/// With `--quiet` nothing is told but why a run failed, was cancelled or expired.
#[test]
fn a_quiet_run_says_why_it_failed_and_nothing_else() {
    let failing = "version: v1
workflow: {type: sequential, steps: [{id: read, kind: function, ref: {effect: read, command: {argv: [cat, thing]}}}]}
";
    let project = Project::with(failing);
    for json in [&[][..], &["--json"]] {
        let answer = project.kneo(&[&["run", "flow.yaml", "--quiet"], json].concat());
        let said: Vec<&str> = answer.stderr.lines().collect();
        assert!(answer.code == 1 && said.len() == 1 && said[0].starts_with("run_"), "{answer:?}");
        assert!(said[0].contains(" failed: function (tool_exit): ") && said[0].contains("thing"), "{answer:?}");
        assert_eq!(answer.stdout.lines().count(), json.len(), "{answer:?}");
    }
    let project = Project::with(APPROVAL);
    let (_, run) = project.json(&["run", "flow.yaml", "--input", "tea"]);
    let (run, task) = (run["run_id"].as_str().unwrap(), run["pending"][0]["task_id"].as_str().unwrap());
    let answer = project.kneo(&["human", "decide", task, "--reject", "--by", "ana", "--quiet"]);
    let said = format!("{run} failed: rejected by ");
    assert!(answer.code == 1 && answer.stdout.is_empty() && answer.stderr.starts_with(&said), "{answer:?}");
    assert_eq!(answer.stderr.lines().count(), 1, "{answer:?}");
    // What goes well is not told.
    let (_, run) = project.json(&["run", "flow.yaml", "--input", "tea"]);
    let cancelled = project.kneo(&["runs", "cancel", run["run_id"].as_str().unwrap(), "--quiet"]);
    assert_eq!((cancelled.code, cancelled.stderr.as_str()), (0, ""), "{cancelled:?}");
}

#[test]
fn a_failure_whose_code_is_explained_says_where() {
    let spec = |argv: &str| {
        format!(
            "version: v1\nworkflow: {{type: sequential, steps: [{{id: read, kind: function, ref: {{effect: read, command: {{argv: {argv}}}}}}}]}}\n"
        )
    };
    let said = told(&spec("[cat, thing]"), &[]);
    assert!(said.ends_with("\n`kneo explain tool_exit` tells more\n"), "{said}");
    let more = "tells more";
    let project = Project::with(&spec("[cat, thing]"));
    for quiet in ["--quiet", "--json"] {
        let answer = project.kneo(&["run", "flow.yaml", quiet]);
        assert_eq!((answer.code, answer.whole().contains(more)), (1, false), "{answer:?}");
    }
    // Nothing is promised where there is no page, and nothing failed.
    assert!(!told(APPROVAL, &["--no-wait"]).contains(more));
    assert!(!told(&spec("[echo, thing]"), &[]).contains(more));
}

#[test]
fn a_refused_call_is_named_and_a_rejection_is_no_success() {
    let project = Project::new();
    let lost = "version: v1\nagent: {name: lost, model: {provider: scripted}, strategy: {type: react}}\n";
    let mut text = told(lost, &[]);
    let project_of = Project::with(APPROVAL);
    let (_, run) = project_of.json(&["run", "flow.yaml", "--input", "tea"]);
    let task = run["pending"][0]["task_id"].as_str().unwrap();
    project_of.kneo(&["human", "decide", task, "--reject", "--reason", "too thin", "--by", "ana", "--no-wait"]);
    text.push_str(&project_of.kneo(&["runs", "resume", run["run_id"].as_str().unwrap()]).stderr);
    snapshot(&project, "told_refusals", &text);
}

/// Two calls of one tool in one turn, and one in the next: each begins and ends under a name of its own.
#[test]
fn calls_of_one_tool_in_one_turn_are_told_apart() {
    let spec = "version: v1
tools: {look: {effect: read, command: {argv: [echo, hi]}}}
agent: {name: clerk, model: {provider: scripted}, tools: [look]}
";
    let models = r#"{"agents": {"clerk": [{"turns": [
        {"tool_calls": [{"name": "look"}, {"name": "look"}]}, {"tool_calls": [{"name": "look"}]}, "done"
    ]}]}}"#;
    let project = Project::with(spec).file("models.json", models);
    let told = project.kneo(&["run", "flow.yaml", "--input", "tea", "--models", "models.json"]);
    let run = told.stderr.split(' ').next().unwrap();
    let events = project.kneo(&["runs", "events", run]);
    for (mark, place, times) in [("→", "look", 2), ("✓", "look", 2), ("→", "look (2)", 1), ("✓", "look (2)", 1)]
    {
        let line = format!("{mark} clerk, tool {place}");
        let is = |told: &&str| {
            *told == line || told.starts_with(&format!("{line} (")) && !told.starts_with(&format!("{line} (2)"))
        };
        assert_eq!(told.stderr.lines().filter(is).count(), times, "{line}: {told:?}");
    }
    let of = |place: &str| events.stdout.lines().filter(|line| line.contains(&format!("{place}  "))).count();
    assert_eq!((of("clerk, tool look"), of("clerk, tool look (2)")), (4, 2), "{events:?}");
}

#[test]
fn a_deadline_is_said_to_be_that_of_the_question() {
    let step = "{id: ask, kind: human, ref: {description: 'Well?', timeout_seconds: 3600}}";
    let project = Project::with(&format!("version: v1\nworkflow: {{type: sequential, steps: [{step}]}}\n"));
    let answer = project.kneo(&["run", "flow.yaml"]);
    let run = answer.stderr.split(' ').next().unwrap();
    let shown = project.kneo(&["runs", "get", run]).stdout;
    snapshot(&project, "told_deadline", &format!("{}\n{shown}", answer.stderr));
}
