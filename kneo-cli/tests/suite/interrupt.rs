//! Ctrl-C.

use serde_json::json;

use super::support::*;

#[test]
fn the_first_ctrl_c_cancels_the_run() {
    let project = Project::with(WAITS_AT_PIPE);
    project.pipe("pipe");
    let (mut running, run) = project.spawn_run(&["--by", "ana"]);
    project.until(&run, "effect_intended", "second");
    running.press_ctrl_c();
    running.line_with("stopping");
    assert_eq!(running.wait().code(), Some(130));
    let (_, view) = project.json(&["runs", "get", &run]);
    assert_eq!((&view["status"], &view["error"]), (&json!("cancelled"), &json!(null)));
    assert_eq!(project.kinds(&run).iter().filter(|kind| *kind == "cancel_requested").count(), 1);
}

#[test]
fn the_second_leaves_at_once_and_the_next_worker_ends_the_run() {
    // A command that will not go: it is killed after its grace, unless the program leaves before.
    let spec = WAITS_AT_PIPE.replace("[cat, pipe]", "[sh, '-c', 'trap \"\" TERM; cat pipe']");
    let project = Project::with(&spec);
    project.pipe("pipe");
    let (mut running, run) = project.spawn_run(&[]);
    project.until(&run, "effect_intended", "second");
    running.press_ctrl_c();
    running.line_with("stopping");
    running.press_ctrl_c();
    assert_eq!(running.wait().code(), Some(130));
    // On a slow machine the command's grace may have passed before the second.
    if project.json(&["runs", "get", &run]).1["status"] == "running" {
        let (code, view) = project.json(&["runs", "resume", &run]);
        assert_eq!((code, &view["status"]), (1, &json!("cancelled")));
    }
    assert_eq!(project.json(&["runs", "get", &run]).1["status"], "cancelled");
}
