//! The program in front of a person: at a terminal of its own.
#![cfg(target_os = "linux")]

use serde_json::json;

use super::person::Person;
use super::support::*;

fn asks(steps: &[&str]) -> Project {
    let steps: Vec<String> = steps.iter().map(|step| format!("    - {step}\n")).collect();
    Project::with(&format!("version: v1\nworkflow:\n  type: sequential\n  steps:\n{}", steps.concat()))
}

const SELECTION: &str = "{id: settle, kind: human, ref: {description: Settle?, request_type: selection, options: [release as it is, drop it]}}";

#[test]
fn a_question_is_asked_once_and_answered_directly() {
    let approval = "{id: agree, kind: human, ref: {description: Agreed?, request_type: approval}}";
    let project = asks(&[SELECTION, approval]);
    let mut person = Person::starts(project.command(&["run", "flow.yaml", "--input", "tea"]));
    let before = person.reads("which, from 1 to 2, or later? ");
    assert_eq!(before.matches("Settle?").count(), 1, "{before}");
    person.types("green\n");
    person.reads("`green` fits nothing: type the number or the text of an option, or `later`");
    person.types("2\n");
    person.reads("settle: selected by uma: drop it");
    person.reads("approve, reject or later? ");
    person.types("y\n");
    let (code, end) = person.leaves();
    assert_eq!(code, Some(0), "{end}");
    assert!(end.contains("agree: approved by uma"), "{end}");
}

#[test]
fn ctrl_c_at_a_question_leaves_it_open_and_says_how_it_is_answered() {
    let project = asks(&[SELECTION]);
    let mut person = Person::starts(project.command(&["run", "flow.yaml", "--input", "tea"]));
    person.reads("or later? ");
    person.presses_ctrl_c();
    let (code, end) = person.leaves();
    let task = project.tasks().remove(0)["task_id"].as_str().unwrap().to_owned();
    assert_eq!(code, Some(130), "{end}");
    assert!(end.contains("the question stays open"), "{end}");
    assert!(end.contains(&format!("    kneo human decide {task} --select 'release as it is'\n")), "{end}");
    assert_eq!(project.json(&["runs", "list"]).1["runs"][0]["status"], "blocked");
}

#[test]
fn a_question_that_is_decided_elsewhere_is_noticed_and_takes_no_line_that_was_typed_for_it() {
    let project = asks(&[SELECTION, &SELECTION.replace("settle", "again")]);
    let mut person = Person::starts(project.command(&["run", "flow.yaml", "--input", "tea"]));
    person.reads("settle asks: Settle?");
    person.reads("or later? ");
    person.types("drop");
    person.reads("drop");
    let task = project.tasks().remove(0)["task_id"].as_str().unwrap().to_owned();
    assert_eq!(project.kneo(&["human", "decide", &task, "--select", "drop it", "--by", "ben", "--no-wait"]).code, 0);
    person.reads("the question is decided meanwhile");
    person.reads("settle: selected by ben: drop it");
    person.reads("again asks: Settle?");
    person.reads("or later? ");
    // The half of a line that was typed before is gone.
    person.types(" it\n");
    person.reads("`it` fits nothing");
    person.reads("or later? ");
    person.types("l\n");
    let (code, end) = person.leaves();
    assert!(code == Some(3) && end.contains("again waits for anybody"), "{end}");
}

#[test]
fn nobody_is_asked_what_is_for_somebody_else() {
    let for_ana = "{id: agree, kind: human, ref: {description: Agreed?, request_type: approval, assignee: ana}}";
    let selection = SELECTION.replace("description", "assignee: ana, description");
    let project = asks(&[for_ana, &selection]);
    let (code, end) = Person::starts(project.command(&["run", "flow.yaml"])).leaves();
    assert!(code == Some(3) && end.contains("agree waits for ana: Agreed?"), "{end}");
    assert!(end.contains("--approve --by ana\n") && !end.contains("or later?"), "{end}");
    // But somebody may speak in that name, and then for everything.
    let mut person = Person::starts(project.command(&["run", "flow.yaml", "--approve-as", "ana"]));
    person.reads("agree: approved by ana");
    person.reads("which, from 1 to 2, or later? ");
    person.types("1\n");
    let (code, end) = person.leaves();
    assert!(code == Some(0) && end.contains("settle: selected by ana: release as it is"), "{end}");
}

#[test]
fn what_is_left_for_later_is_not_asked_again() {
    let other = SELECTION.replace("settle", "other");
    let project = Project::with(&format!(
        "version: v1\nworkflow:\n  type: concurrent\n  combine: map\n  participants:\n    - {SELECTION}\n    - {other}\n"
    ));
    let mut person = Person::starts(project.command(&["run", "flow.yaml"]));
    let asked = person.reads(" asks: Settle?");
    let first = asked.rsplit(' ').nth(2).unwrap().to_owned();
    person.reads("or later? ");
    person.types("later\n");
    person.reads(" asks: Settle?");
    person.reads("or later? ");
    person.types("1\n");
    let (code, end) = person.leaves();
    assert_eq!(code, Some(3), "{end}");
    assert!(!end.contains("or later?") && end.contains(&format!("{first} waits for anybody")), "{end}");
    assert_eq!(project.json(&["runs", "list"]).1["runs"][0]["status"], json!("blocked"));
}
