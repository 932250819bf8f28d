//! The main job: run, wait for a person, decide, finish; and the examples do it.

use std::path::Path;
use std::process::Command;

use serde_json::{Value, json};

use super::support::*;

#[test]
fn a_run_waits_for_a_person_and_goes_on_in_another_process() {
    let project = Project::with(APPROVAL);
    let answer = project.kneo(&["run", "flow.yaml", "--input", "tea", "--by", "ben"]);
    snapshot(&project, "run_blocked", &answer.whole());

    let task = project.tasks().remove(0);
    assert_eq!((&task["description"], &task["subject"]), (&json!("Publish About tea?"), &json!("About tea")));
    let id = task["task_id"].as_str().unwrap();
    let answer = project.kneo(&["human", "decide", id, "--approve", "--by", "ana", "--reason", "good"]);
    snapshot(&project, "run_decided", &answer.whole());
    assert!(project.tasks().is_empty());
}

#[test]
fn a_decision_can_be_recorded_and_the_run_left_to_others() {
    let project = Project::with(APPROVAL);
    let (code, run) = project.json(&["run", "flow.yaml", "--input", "tea"]);
    assert_eq!((code, &run["status"]), (3, &json!("blocked")));
    let (run, task) = (run["run_id"].as_str().unwrap(), run["pending"][0]["task_id"].as_str().unwrap());
    let (code, after) = project.json(&["human", "decide", task, "--reject", "--by", "ana", "--no-wait"]);
    assert_eq!((code, &after["pending"], &after["claimable"]), (0, &json!([]), &json!(true)));
    let shown = project.kneo(&["runs", "get", run]).stdout;
    assert!(shown.contains(&format!("  worker    none; `kneo runs resume {run}` gets it on\n")), "{shown}");
    let (code, after) = project.json(&["runs", "resume", run]);
    assert_eq!((code, &after["status"], &after["error"]["kind"]), (1, &json!("failed"), &json!("rejected")));
}

#[test]
fn a_decision_that_is_only_recorded_says_how_the_run_goes_on() {
    let project = Project::with(APPROVAL);
    project.kneo(&["run", "flow.yaml", "--input", "tea"]);
    let task = project.tasks().remove(0)["task_id"].as_str().unwrap().to_owned();
    let answer = project.kneo(&["human", "decide", &task, "--approve", "--by", "ana", "--no-wait"]);
    snapshot(&project, "run_left_decided", &answer.whole());
}

#[test]
fn approvals_can_be_given_with_the_run() {
    let project = Project::with(APPROVAL);
    let answer = project.kneo(&["run", "flow.yaml", "--input", "tea", "--approve-as", "ana", "--quiet"]);
    assert_eq!((answer.code, answer.stderr.as_str()), (0, ""));
    assert_eq!(serde_json::from_str::<Value>(&answer.stdout).unwrap(), json!({"by": "ana", "kind": "approved"}));
    // Only in a name that may decide.
    let answer = project.kneo(&["run", "flow.yaml", "--input", "tea", "--approve-as", "ben"]);
    assert!(answer.code == 3 && answer.stderr.contains("? agree waits for ana: "), "{answer:?}");
}

/// Copies an example, so that what it writes stays out of the tree.
fn example(name: &str) -> Project {
    let project = Project::new();
    let from = Path::new(env!("CARGO_MANIFEST_DIR")).join("../examples/specs").join(name);
    assert!(Command::new("cp").arg("-R").arg(from).arg(project.path(name)).status().unwrap().success());
    // What somebody who tried the example has left there.
    for left in ["draft/notes.md", "published/2026-W46.md", "published/2026-W47.md"] {
        let _ = std::fs::remove_file(project.path(name).join(left));
    }
    project
}

#[test]
fn the_report_is_gathered_approved_and_published() {
    let project = example("report");
    let answer = project.kneo(&["run", "report/report.yaml", "--input", "2026-W46", "--approve-as", "you"]);
    assert_eq!(answer.code, 0, "{answer:?}");
    assert_eq!(answer.stdout, "{\n  \"approved_by\": \"you\",\n  \"file\": \"published/2026-W46.md\"\n}\n");
    let report = std::fs::read_to_string(project.path("report/published/2026-W46.md")).unwrap();
    snapshot(&project, "report", &report);
}

#[test]
fn a_rejected_report_is_not_published() {
    let project = example("report");
    assert_eq!(project.kneo(&["run", "report/report.yaml", "--input", "2026-W47"]).code, 3);
    let task = project.tasks().remove(0)["task_id"].as_str().unwrap().to_owned();
    let (code, run) = project.json(&["human", "decide", &task, "--reject", "--reason", "too short", "--by", "ana"]);
    assert_eq!((code, &run["error"]["kind"]), (1, &json!("rejected")));
    assert!(!project.path("report/published/2026-W47.md").exists());
}

#[test]
fn the_notes_are_reviewed_in_rounds_with_two_consents_and_released_by_lena() {
    let project = example("review");
    let models = ["run", "review/review.yaml", "--models", "review/models.json", "--input", "2.4.0"];
    let (mut code, mut run) = project.json(&models);
    let mut asked = Vec::new();
    while code == 3 {
        let task = &run["pending"][0];
        asked.push(format!("{} {}", task["place"].as_str().unwrap(), task["cause"].as_str().unwrap()));
        let id = task["task_id"].as_str().unwrap();
        (code, run) = project.json(&["human", "decide", id, "--approve", "--by", "lena"]);
    }
    assert_eq!(asked, ["write approval", "write (2) approval", "release step"]);
    assert_eq!((code, &run["output"]), (0, &json!({"released": "2.4.0"})));
    let notes = std::fs::read_to_string(project.path("review/draft/notes.md")).unwrap();
    assert!(notes.contains("Every control of the login page"), "{notes}");
}

#[test]
fn what_a_tool_is_called_with_can_be_read_before_it_is_approved() {
    let project = example("review");
    let answer = project.kneo(&["run", "review/review.yaml", "--models", "review/models.json", "--input", "2.4.0"]);
    let task = project.tasks().remove(0)["task_id"].as_str().unwrap().to_owned();
    let list = project.kneo(&["human", "list"]).stdout;
    let shown = project.kneo(&["human", "get", &task]).stdout;
    snapshot(&project, "approval_of_a_tool", &format!("{}\n{list}\n{shown}", answer.stderr));
}

/// Whoever is asked about twelve calls of one tool in one turn sees which is which, in the order of the calls.
#[test]
fn calls_of_one_tool_are_told_apart_where_they_are_asked_about() {
    let spec = "version: v1
tools: {refund: {command: {argv: [echo, done]}, effect: write, approval: always}}
agent: {name: clerk, model: {provider: scripted}, strategy: {type: react}, tools: [refund]}
";
    let why = |at: u32| if at == 1 { "broken, and: late\nforged ".repeat(5) } else { format!("case {at}") };
    let calls: Vec<_> =
        (0..12).map(|at| json!({"name": "refund", "arguments": {"cents": at, "why": why(at)}})).collect();
    let models = json!({"agents": {"clerk": [{"turns": [{"tool_calls": calls}, "done"]}]}}).to_string();
    let project = Project::with(spec).file("models.json", &models);
    let answer = project.kneo(&["run", "flow.yaml", "--models", "models.json", "--input", "go"]);
    let questions = |text: &str| {
        let cents = text.lines().filter_map(|line| line.split_once("may `refund` run? cents: "));
        cents.map(|(_, rest)| rest.to_owned()).collect::<Vec<_>>()
    };
    let asked = questions(&answer.stderr);
    assert_eq!(asked.len(), 12, "{answer:?}");
    assert_eq!((asked[0].as_str(), asked[11].as_str()), ("0, why: case 0", "11, why: case 11"));
    assert_eq!(asked[1], r#"1, why: "broken, and: late\nforged broken, and: late\…"#);
    assert_eq!(questions(&project.kneo(&["human", "list"]).stdout), asked);
    let tasks = project.tasks();
    let cents: Vec<u64> = tasks.iter().map(|task| task["subject"]["cents"].as_u64().unwrap()).collect();
    assert_eq!(cents, (0..12).collect::<Vec<_>>());
}

#[test]
fn a_tool_has_its_name_wherever_the_run_is_followed() {
    let project = example("review");
    let models = ["run", "review/review.yaml", "--models", "review/models.json", "--input", "2.4.0"];
    let (_, run) = project.json(&models);
    let (id, task) = (run["run_id"].as_str().unwrap(), run["pending"][0]["task_id"].as_str().unwrap());
    // The model asked for the tool in the process before.
    let answer = project.kneo(&["human", "decide", task, "--approve"]);
    assert!(answer.stderr.contains("→ write, tool save_notes\n"), "{answer:?}");
    let events = project.kneo(&["runs", "events", id]).stdout;
    assert!(events.contains("effect_intended   write, tool read_changes  {"), "{events}");
    assert!(events.contains("task_decided      write, tool save_notes  by uma  {"), "{events}");
    let opened = events.lines().position(|line| line.contains("task_opened")).unwrap();
    let after = project.kneo(&["runs", "events", id, "--after", &opened.to_string()]).stdout;
    assert!(events.ends_with(&after) && after.contains("task_opened       write, tool save_notes"), "{after}");
}

#[test]
fn a_refused_tool_call_is_a_result_for_the_model() {
    let project = example("review");
    let models = ["run", "review/review.yaml", "--models", "review/models.json", "--input", "2.4.0"];
    let (_, run) = project.json(&models);
    let id = run["pending"][0]["task_id"].as_str().unwrap();
    let answer = project.kneo(&["human", "decide", id, "--reject", "--reason", "not yet", "--by", "lena"]);
    // It went on until a step missed what was not saved; that is said once.
    assert!(answer.stderr.contains("→ write, turn 3"), "{answer:?}");
    assert_eq!(answer.stderr.matches("draft/notes.md").count(), 1, "{answer:?}");
    let events = project.kneo(&["runs", "events", run["run_id"].as_str().unwrap(), "--json"]).objects();
    let refused = events.iter().find(|event| event["kind"] == "call_refused").unwrap();
    assert_eq!(refused["data"]["reason"], "rejected");
    assert!(refused["data"]["message"].as_str().unwrap().ends_with("not yet"), "{refused}");
    assert!(!project.path("review/draft/notes.md").exists());
}

#[test]
fn a_tool_that_is_approved_for_the_run_is_asked_about_once() {
    let project = example("review");
    let models = ["run", "review/review.yaml", "--models", "review/models.json", "--input", "2.4.0"];
    let (_, run) = project.json(&models);
    let id = run["pending"][0]["task_id"].as_str().unwrap();
    // The second draft is saved without a question; the next one is lena's.
    let decision = ["human", "decide", id, "--approve-for-run", "--reason", "it is only a draft"];
    let (code, after) = project.json(&decision);
    assert_eq!((code, &after["pending"][0]["assignees"]), (3, &json!(["lena"])), "{after}");
    let events = project.kneo(&["runs", "events", run["run_id"].as_str().unwrap(), "--json"]).objects();
    let decided = events.iter().find(|event| event["kind"] == "task_decided").unwrap();
    let said = json!({"kind": "approved_for_run", "content": "it is only a draft"});
    assert_eq!(decided["data"]["decision"], said);
    let saved = std::fs::read_to_string(project.path("review/draft/notes.md")).unwrap();
    assert!(saved.contains("by keyboard"), "{saved}");
}

#[test]
fn a_tool_runs_with_the_arguments_that_a_person_made_better_and_only_if_they_fit() {
    let project = example("review");
    let models = ["run", "review/review.yaml", "--models", "review/models.json", "--input", "2.4.0"];
    let (_, run) = project.json(&models);
    let id = run["pending"][0]["task_id"].as_str().unwrap();
    for wrong in [r#"{"text": ""}"#, r#"{"text": "x", "path": "/etc/passwd"}"#] {
        let (code, problem) = project.json(&["human", "decide", id, "--edit-json", wrong]);
        assert_eq!((code, &problem["error"]["code"]), (1, &json!("input_invalid")), "{problem}");
        let message = problem["error"]["message"].as_str().unwrap();
        assert!(message.starts_with("`--edit-json` does not fit task_"), "{problem}");
    }
    let (_, open) = project.json(&["human", "get", id]);
    assert_eq!(open["state"], "open");
    project.kneo(&["human", "decide", id, "--edit-json", r##"{"text": "# 2.4.0, in better words"}"##]);
    let saved = std::fs::read_to_string(project.path("review/draft/notes.md")).unwrap();
    assert_eq!(saved, "# 2.4.0, in better words\n");
}

#[test]
fn a_release_that_lena_refuses_is_settled_by_omar() {
    let project = example("review");
    let run = ["run", "review/review.yaml", "--models", "review/models.json", "--input", "2.4.0"];
    let (_, mut answer) = project.json(&run);
    for decision in [&["--approve"][..], &["--approve"], &["--reject", "--by", "lena"]] {
        let id = answer["pending"][0]["task_id"].as_str().unwrap().to_owned();
        answer = project.json(&[&["human", "decide", &id], decision].concat()).1;
    }
    let task = &answer["pending"][0];
    assert_eq!((&task["assignees"], &task["options"]), (&json!(["omar"]), &json!(["release as it is", "drop it"])));
    let id = task["task_id"].as_str().unwrap();
    let (code, run) = project.json(&["human", "decide", id, "--select", "drop it", "--by", "omar"]);
    assert_eq!((code, &run["output"]), (0, &json!({"dropped": "2.4.0"})));
}
