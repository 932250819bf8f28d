//! `kneo runs`.

use std::time::Instant;

use kneo::store::HEARTBEAT;
use serde_json::json;

use super::support::*;

#[test]
fn runs_are_listed_newest_first_and_can_be_narrowed() {
    let project = Project::with(APPROVAL);
    let quick = APPROVAL.replace("version: v1", "version: v1\nname: quick");
    let project = project.file("quick.yaml", &quick);
    let (_, one) = project.json(&["run", "flow.yaml", "--input", "1", "--by", "ben", "--label", "team=red"]);
    let (_, two) = project.json(&["run", "quick.yaml", "--input", "2", "--approve-as", "ana"]);
    let ids = |arguments: &[&str]| -> Vec<String> {
        let (code, list) = project.json(&[&["runs", "list"], arguments].concat());
        assert_eq!(code, 0);
        list["runs"].as_array().unwrap().iter().map(|run| run["run_id"].as_str().unwrap().to_owned()).collect()
    };
    let id = |run: &serde_json::Value| run["run_id"].as_str().unwrap().to_owned();
    assert_eq!(ids(&[]), [id(&two), id(&one)]);
    assert_eq!(ids(&["--limit", "1"]), [id(&two)]);
    assert_eq!(ids(&["--limit", "1", "--offset", "1"]), [id(&one)]);
    let cut = project.kneo(&["runs", "list", "--limit", "1", "--offset", "1"]);
    assert_eq!(cut.stderr, "there may be more: `--offset 2` passes over these\n");
    assert_eq!(ids(&["--status", "blocked"]), [id(&one)]);
    assert_eq!(ids(&["--status", "failed", "--status", "completed"]), [id(&two)]);
    assert_eq!(ids(&["--workflow", "quick"]), [id(&two)]);
    assert_eq!(ids(&["--label", "team=red"]), [id(&one)]);
    assert_eq!(ids(&["--label", "team=blue"]), [] as [String; 0]);
    assert_eq!(ids(&["--label", "team"]), [id(&one)]);
    assert_eq!(ids(&["--label", "kneo.workdir"]), [id(&two), id(&one)]);
    assert_eq!(ids(&["--label", "kneo.workdir", "--offset", "1", "--limit", "5"]), [id(&one)]);
    assert_eq!(ids(&["--label", "kneo.workdir", "--label", "team=red", "--limit", "1"]), [id(&one)]);
    let (_, list) = project.json(&["runs", "list", "--status", "blocked"]);
    assert_eq!((&list["runs"][0]["labels"]["team"], &list["runs"][0]["starter"]), (&json!("red"), &json!("ben")));
    snapshot(&project, "runs_list", &project.kneo(&["runs", "list"]).whole());
}

#[test]
fn a_part_of_an_id_is_enough_where_no_other_has_it() {
    let project = Project::with(APPROVAL);
    let starts = ["1", "2"].map(|input| project.json(&["run", "flow.yaml", "--input", input]).1);
    let id = |run: &serde_json::Value, key: &str| run[key].as_str().unwrap().to_owned();
    let run = id(&starts[0], "run_id");
    let task = id(&starts[0]["pending"][0], "task_id");
    let (last, of_task) = (&run[run.len() - 8..], &task[task.len() - 8..]);
    for part in [last, &format!("run_{last}"), &last.to_uppercase()] {
        assert_eq!(project.json(&["runs", "get", part]).1["run_id"], run.as_str(), "{part}");
    }
    assert_eq!(project.json(&["human", "get", of_task]).1["task_id"], task.as_str());
    assert_eq!(project.json(&["human", "list", "--run", last]).1["tasks"][0]["task_id"], task.as_str());
    let shared = |other: &str| run.bytes().zip(other.bytes()).take_while(|(a, b)| a == b).count();
    let (code, refused) = project.json(&["runs", "get", &run[..shared(&id(&starts[1], "run_id"))]]);
    assert_eq!((code, &refused["error"]["code"]), (1, &json!("id_ambiguous")));
    let message = refused["error"]["message"].as_str().unwrap();
    assert!(starts.iter().all(|start| message.contains(&id(start, "run_id"))), "{message}");
    let (code, view) = project.json(&["human", "decide", of_task, "--approve", "--by", "ana"]);
    assert_eq!((code, &view["run_id"]), (0, &json!(run)));
    for verb in ["cancel", "resume", "events"] {
        let (code, refused) = project.json(&["runs", verb, "fffffffff"]);
        assert_eq!((code, &refused["error"]["code"]), (1, &json!("run_not_found")));
    }
}

#[test]
fn a_run_is_shown_in_full() {
    let project = Project::with(APPROVAL);
    let (_, run) = project.json(&["run", "flow.yaml", "--input", "tea", "--by", "ben", "--label", "team=red"]);
    let id = run["run_id"].as_str().unwrap();
    snapshot(&project, "runs_get_blocked", &project.kneo(&["runs", "get", id]).whole());
    let task = run["pending"][0]["task_id"].as_str().unwrap();
    project.kneo(&["human", "decide", task, "--reject", "--reason", "no", "--by", "ana"]);
    snapshot(&project, "runs_get_failed", &project.kneo(&["runs", "get", id]).whole());
}

#[test]
fn events_can_be_read_from_anywhere_and_followed() {
    let project = Project::with(APPROVAL);
    let (_, run) = project.json(&["run", "flow.yaml", "--input", "tea"]);
    let (id, task) = (run["run_id"].as_str().unwrap(), run["pending"][0]["task_id"].as_str().unwrap());
    let all = project.kneo(&["runs", "events", id, "--json"]).objects();
    let seqs: Vec<u64> = all.iter().map(|event| event["seq"].as_u64().unwrap()).collect();
    assert_eq!(seqs, (1..=seqs.len() as u64).collect::<Vec<_>>());
    let after = project.kneo(&["runs", "events", id, "--json", "--after", "2"]).objects();
    assert_eq!(after, all[2..]);
    assert_eq!(project.kneo(&["runs", "events", id, "--after", "1000"]).stdout, "");

    let followed = std::thread::scope(|scope| {
        let follower = scope.spawn(|| project.kneo(&["runs", "events", id, "--follow", "--json"]).objects());
        project.kneo(&["human", "decide", task, "--approve", "--by", "ana"]);
        follower.join().unwrap()
    });
    assert_eq!(followed[..all.len()], all);
    assert_eq!(followed.last().unwrap()["kind"], "run_ended");
    snapshot(&project, "runs_events", &project.kneo(&["runs", "events", id]).whole());
}

#[test]
fn a_run_is_traced_in_lines_as_an_object_and_as_a_page() {
    let project = Project::with(APPROVAL);
    let (_, run) = project.json(&["run", "flow.yaml", "--input", "hidden tea", "--by", "ben", "--approve-as", "ana"]);
    let id = run["run_id"].as_str().unwrap();
    let lines = project.kneo(&["runs", "trace", id]);
    assert_eq!((lines.code, lines.stderr.as_str()), (0, ""));
    assert!(lines.stdout.starts_with(&format!("{id} workflow: completed in ")), "{lines:?}");
    assert!(lines.stdout.contains("waits  asks ana: approved by ana"), "{lines:?}");

    let (code, trace) = project.json(&["runs", "trace", id]);
    let keys: Vec<&str> = trace.as_object().unwrap().keys().map(String::as_str).collect();
    let expected =
        ["ended_at", "events", "run_id", "spans", "started_at", "status", "took_ms", "until", "usage", "workflow"];
    assert_eq!((code, keys.as_slice()), (0, expected.as_slice()));
    for span in trace["spans"].as_array().unwrap() {
        let keys: Vec<&str> = span.as_object().unwrap().keys().map(String::as_str).collect();
        let expected = [
            "depth", "end", "kind", "name", "notes", "path", "phases", "start", "status", "took_ms", "usage", "values",
        ];
        assert_eq!(keys, expected);
    }
    let person = trace["spans"].as_array().unwrap().iter().find(|span| span["kind"] == "person").unwrap();
    assert_eq!((&person["status"], &person["phases"][0]["kind"]), (&json!("completed"), &json!("wait")));

    let page = project.kneo(&["runs", "trace", id, "--html"]).stdout;
    assert!(page.starts_with("<!DOCTYPE html>\n") && page.trim_end().ends_with("</html>"), "{page}");
    assert_eq!(project.json(&["runs", "trace", id, "--html"]).1["html"], page);
    let (code, told) = project.json(&["runs", "trace", id, "--html", "-o", "trace.html"]);
    assert_eq!((code, told), (0, json!({"ok": true, "format": "html", "file": "trace.html"})));
    assert_eq!(std::fs::read_to_string(project.path("trace.html")).unwrap(), page);
    assert_eq!(project.kneo(&["runs", "trace", id, "-o", "trace.txt"]).code, 2, "only pages go to files");

    let with = ["runs", "trace", id, "--with-values"];
    for form in [[with.as_slice(), &[]].concat(), [with.as_slice(), &["--html"]].concat()] {
        assert!(project.kneo(&form).stdout.contains("hidden tea"));
        let without: Vec<&str> = form.iter().copied().filter(|word| *word != "--with-values").collect();
        assert!(!project.kneo(&without).stdout.contains("hidden tea"));
    }
    let unwritable = project.json(&["runs", "trace", id, "--html", "-o", "no/such/folder.html"]);
    assert_eq!((unwritable.0, &unwritable.1["error"]["code"]), (4, &json!("output_unwritable")));
    let unknown = project.json(&["runs", "trace", "fffffffff"]);
    assert_eq!((unknown.0, &unknown.1["error"]["code"]), (1, &json!("run_not_found")));
}

#[test]
fn every_event_is_an_object_of_the_same_shape() {
    let project = Project::with(APPROVAL);
    let (_, run) = project.json(&["run", "flow.yaml", "--input", "tea", "--by", "ben", "--approve-as", "ana"]);
    let events = project.kneo(&["runs", "events", run["run_id"].as_str().unwrap(), "--json"]);
    snapshot(&project, "runs_events_json", &events.stdout);
    for event in events.objects() {
        let keys: Vec<&str> = event.as_object().unwrap().keys().map(String::as_str).collect();
        assert_eq!(keys, ["actor", "at", "data", "kind", "path", "place", "run_id", "seq"]);
    }
}

#[test]
fn a_waiting_run_is_cancelled_at_once_and_its_question_withdrawn() {
    let project = Project::with(APPROVAL);
    let (_, run) = project.json(&["run", "flow.yaml", "--input", "tea"]);
    let (id, task) = (run["run_id"].as_str().unwrap(), run["pending"][0]["task_id"].as_str().unwrap());
    let (code, view) = project.json(&["runs", "cancel", id, "--reason", "too late", "--by", "ben"]);
    assert_eq!((code, &view["status"], &view["pending"]), (0, &json!("cancelled"), &json!([])));
    assert_eq!((&view["cancel"]["by"], &view["cancel"]["reason"]), (&json!("ben"), &json!("too late")));
    let shown = project.kneo(&["runs", "get", id]).stdout;
    assert!(shown.contains("  cancelled by ben at ") && shown.contains("Z: too late\n"), "{shown}");
    let asked = project.kneo(&["runs", "events", id, "--json"]).objects();
    let request = asked.iter().find(|event| event["kind"] == "cancel_requested").unwrap();
    assert_eq!((&request["data"]["reason"], &request["actor"]), (&json!("too late"), &json!("ben")));
    let (code, refused) = project.json(&["human", "decide", task, "--approve", "--by", "ana"]);
    assert_eq!((code, &refused["error"]["code"]), (1, &json!("invalid_state")));
}

#[test]
fn a_run_in_other_hands_is_told_to_stop() {
    let project = Project::with(WAITS_AT_PIPE);
    project.pipe("pipe");
    let (mut running, run) = project.spawn_run(&[]);
    project.until(&run, "effect_intended", "second");
    let asked = Instant::now();
    let answer = project.kneo(&["runs", "cancel", &run, "--json"]);
    assert_eq!((answer.code, &answer.object()["status"]), (0, &json!("cancelled")), "{answer:?}");
    assert!(answer.stderr.contains("is held by worker_") && !answer.stderr.contains("has been told"), "{answer:?}");
    assert_eq!(running.wait().code(), Some(1));
    // Its next poll tells it, not only its next heartbeat.
    assert!(asked.elapsed() < HEARTBEAT, "{:?}", asked.elapsed());
}

#[test]
fn who_does_not_wait_for_the_end_of_a_run_only_asks() {
    let project = Project::with(WAITS_AT_PIPE);
    project.pipe("pipe");
    let (mut running, run) = project.spawn_run(&[]);
    project.until(&run, "effect_intended", "second");
    // It lives and does not listen.
    running.signal("STOP");
    let answer = project.kneo(&["runs", "cancel", &run, "--no-wait"]);
    running.signal("CONT");
    assert!(answer.code == 0 && answer.stderr.contains("the run has been told"), "{answer:?}");
    assert_eq!(running.wait().code(), Some(1));
    assert_eq!(project.json(&["runs", "get", &run]).1["status"], "cancelled");
}

#[test]
fn only_runs_that_ended_long_ago_are_deleted() {
    let project = Project::with(APPROVAL);
    let start = |arguments: &[&str]| {
        let run = project.json(&[&["run", "flow.yaml", "--input", "tea"], arguments].concat()).1;
        run["run_id"].as_str().unwrap().to_owned()
    };
    let (old, new, live) = (start(&["--approve-as", "ana"]), start(&["--approve-as", "ana"]), start(&[]));
    let database = rusqlite::Connection::open(project.path(".kneo/kneo.db")).unwrap();
    let two_days = 2_i64 * 24 * 60 * 60 * 1_000_000;
    // The first run ended two days earlier.
    let aged = "update runs set ended_at = ended_at - ?1 where run = (select min(run) from runs)";
    assert_eq!(database.execute(aged, [two_days]).unwrap(), 1);
    database.close().unwrap();

    let prune = |arguments: &[&str]| project.json(&[&["runs", "prune"], arguments].concat());
    let counted = project.kneo(&["runs", "prune", "--older-than", "1", "--dry-run"]);
    assert!(counted.stdout.starts_with("1 run would be deleted, ended before "), "{counted:?}");
    assert_eq!(prune(&["--older-than", "3"]).1["runs"], 0);
    let (code, pruned) = prune(&["--older-than", "1"]);
    assert_eq!((code, &pruned["runs"], &pruned["dry_run"]), (0, &json!(1), &json!(false)));
    assert_eq!(project.json(&["runs", "get", &old]).1["error"]["code"], "run_not_found");
    for kept in [&new, &live] {
        assert_eq!(project.json(&["runs", "get", kept]).0, 0);
    }
    let answer = project.kneo(&["runs", "prune", "--older-than", "0"]);
    assert!(answer.stdout.starts_with("1 run deleted, "), "{answer:?}");
    assert_eq!(project.json(&["runs", "get", &live]).1["status"], "blocked");
}
