//! What each kind of record changes in a store's indexes.

use kneo_core::commit::{Author, Commit, HoldChange, IndexChanges, LeaseChange, TaskChange};
use kneo_core::event::{Event, Hold, Parked, RunStarted, Source};
use kneo_core::record::Record;
use kneo_core::task::{Decision, TaskState};
use kneo_core::{Actor, CommitId, Fence, Payload, RunOutcome, Seq, Timestamp, Value};

use super::golden_frames;
use super::samples::{AT, large, later, name, record, record_of, run, worker};

fn changes(records: &[Record]) -> IndexChanges {
    let author = match records.first().map(Record::event) {
        Some(Event::RunStarted(_)) => Author::Creator,
        Some(event) if event.is_external() => Author::External,
        _ => Author::Holder { worker: worker(), fence: Fence::new(1), expected: Seq::FIRST },
    };
    let commit = Commit::new(CommitId::from_bytes([1; 16]), run(), author, LeaseChange::Keep, records).unwrap();
    commit.changes().clone()
}

/// Seconds after [`AT`].
fn time(at: Timestamp) -> String {
    let micros = at.as_unix_micros() - AT.as_unix_micros();
    if micros % 1_000_000 == 0 { format!("+{}s", micros / 1_000_000) } else { format!("+{micros}us") }
}

fn optional(at: Option<Timestamp>) -> String {
    at.map_or("never".to_owned(), time)
}

fn decision(decision: &Decision) -> String {
    match decision.content() {
        Value::Null => decision.kind().to_string(),
        content => format!("{} {content}", decision.kind()),
    }
}

fn task(change: &TaskChange) -> String {
    match change {
        TaskChange::Open(row) => {
            assert_eq!((&row.run, &row.state, row.escalated_at), (&run(), &TaskState::Open, None));
            let to: Vec<&str> = row.assignees.iter().map(|name| name.as_str()).collect();
            let what = (row.path.to_string(), &*row.request.description, row.on_timeout);
            format!(
                "open {} at {} for {to:?} until {}, {what:?}",
                row.task,
                time(row.opened_at),
                optional(row.deadline)
            )
        }
        TaskChange::Decide { by, decision: decided, .. } => format!("decide by {by}: {}", decision(decided)),
        TaskChange::Reassign { to, .. } => format!("reassign to {to:?}"),
        TaskChange::Escalate { at, .. } => format!("escalate at {}", time(*at)),
        TaskChange::Expire { .. } => "expire".to_owned(),
        TaskChange::Withdraw { .. } => "withdraw".to_owned(),
        other => format!("{other:?}"),
    }
}

/// The changes in words, one change a line.
fn words(changes: &IndexChanges) -> Vec<String> {
    let mut words = Vec::new();
    if let Some(new) = &changes.new_run {
        let (started, deadline) = (time(new.started_at), optional(new.deadline));
        words
            .push(format!("new `{}` by {} at {started} until {deadline}, {:?}", new.workflow, new.starter, new.labels));
        assert_eq!(new.plan, super::samples::digest(1));
    }
    words.extend(changes.status.map(|status| format!("status {status}")));
    words.extend(changes.ready_at.map(|at| format!("ready {}", optional(at))));
    words.extend(changes.ended_at.map(|at| format!("ended {}", time(at))));
    words.extend(changes.cancel_requested.then(|| "cancel requested".to_owned()));
    words.extend(changes.progress.then(|| "progress".to_owned()));
    words.extend(changes.tasks.iter().map(task));
    words.extend(changes.holds.iter().map(|hold| match hold {
        HoldChange::Take(Hold { scope, key, slot }) => format!("hold {scope}/{key}/{slot}"),
        HoldChange::ReleaseAll => "release all".to_owned(),
        other => format!("{other:?}"),
    }));
    words.extend(changes.idempotency.iter().map(|start| format!("key `{}`", start.key)));
    words.extend(changes.blobs.iter().map(|change| format!("blob of {} bytes", change.blob.bytes().len())));
    words.extend(changes.outbox.iter().map(|row| format!("tell {} #{}", row.topic.as_str(), row.record)));
    words.extend(changes.audit.iter().map(|row| {
        let task = if row.task.is_some() { " of the task" } else { "" };
        format!("audit {} by {}{task} #{}", row.action.as_str(), row.actor, row.record)
    }));
    words
}

/// What each golden record of these kinds changes, in the order of the golden file; every other record changes nothing.
const TABLE: &[(&str, &[&[&str]])] = &[
    (
        "run_started",
        &[
            &[
                r#"new `report` by ana at +0s until +60s, [("cost", "low"), ("team", "blue")]"#,
                "status queued",
                "ready +0s",
                "hold exclusive/report/0",
                "hold pool/gpu/2",
                "key `order 7`",
                "audit run_started by ana #0",
            ],
            &[
                "new `report` by the host at +0s until never, []",
                "status queued",
                "ready +0s",
                "audit run_started by the host #0",
            ],
        ],
    ),
    ("run_claimed", &[&["status running", "ready +0s"]]),
    (
        "run_parked",
        &[&["status blocked", "ready +90s"], &["status queued", "ready never"], &["status running", "ready +1us"]],
    ),
    (
        "run_ended",
        &[
            &["status completed", "ready never", "ended +0s", "progress", "release all", "tell run_ended #0"],
            &["status failed", "ready never", "ended +0s", "progress", "release all", "tell run_ended #0"],
            &["status cancelled", "ready never", "ended +0s", "progress", "release all", "tell run_ended #0"],
            &["status timed_out", "ready never", "ended +0s", "progress", "release all", "tell run_ended #0"],
            &["status expired", "ready never", "ended +0s", "progress", "release all", "tell run_ended #0"],
        ],
    ),
    ("cancel_requested", &[&["cancel requested", "audit cancel_requested by größe 1 #0"]]),
    ("step_computed", &[&["progress"], &["progress", "blob of 5002 bytes"]]),
    ("step_completed", &[&["progress"], &["progress"]]),
    ("step_failed", &[&["progress"], &["progress"], &["progress"]]),
    ("effect_succeeded", &[&["progress"], &["progress"], &["progress"]]),
    ("effect_failed", &[&["progress"], &["progress"], &["progress"]]),
    (
        "task_opened",
        &[
            &[
                "progress",
                r#"open task_0198f2a7c0de7f00a1b2c3d4e5f60719 at +0s for ["ana", "bo"] until +120s, ("6#1", "Which?", Escalate)"#,
                "tell task_opened #0",
            ],
            &[
                "progress",
                r#"open task_0198f2a7c0de7f00a1b2c3d4e5f60719 at +0s for [] until never, ("5#1/t1/c0", "Send?", Fail)"#,
                "tell task_opened #0",
            ],
            &[
                "progress",
                r#"open task_0198f2a7c0de7f00a1b2c3d4e5f60719 at +0s for [] until never, ("5#1", "Did it happen?", Continue)"#,
                "tell task_opened #0",
            ],
        ],
    ),
    (
        "task_decided",
        &[
            &["decide by bo: approved", "audit task_decided by bo of the task #0"],
            &[r#"decide by bo: approved "fine""#, "audit task_decided by bo of the task #0"],
            &["decide by bo: rejected", "audit task_decided by bo of the task #0"],
            &[r#"decide by bo: rejected "too long""#, "audit task_decided by bo of the task #0"],
            &[r#"decide by bo: edited "better""#, "audit task_decided by bo of the task #0"],
            &[r#"decide by bo: selected "right""#, "audit task_decided by bo of the task #0"],
            &["decide by bo: provided 42", "audit task_decided by bo of the task #0"],
            &["decide by bo: retried", "audit task_decided by bo of the task #0"],
            &["decide by bo: approved_for_run", "audit task_decided by bo of the task #0"],
            &[r#"decide by bo: approved_for_run "all of them""#, "audit task_decided by bo of the task #0"],
        ],
    ),
    ("task_reassigned", &[&[r#"reassign to ["cy"]"#, "audit task_reassigned by ana of the task #0"]]),
    (
        "task_expired",
        &[&["expire"], &["expire", "audit task_continued by worker_0198f2a7c0de7f00a1b2c3d4e5f60718 of the task #0"]],
    ),
    ("task_escalated", &[&["escalate at +0s", "tell task_escalated #0"]]),
    ("task_withdrawn", &[&["withdraw"]]),
    ("call_returned", &[&["progress"]]),
    ("call_failed", &[&["progress"]]),
    ("answer_refused", &[&["progress"]]),
];

#[test]
fn each_kind_of_record_changes_what_the_table_says() {
    let mut seen = 0;
    let records: Vec<Record> = golden_frames::records().into_iter().flatten().collect();
    for kind in golden_frames::kinds() {
        let of_kind = records.iter().filter(|record| record.event().kind() == kind);
        let expected = TABLE.iter().find(|(of, _)| *of == kind).map(|(_, changes)| *changes);
        for (at, record) in of_kind.enumerate() {
            let expected = expected.map_or(&[] as &[&str], |changes| changes[at]);
            assert_eq!(words(&changes(std::slice::from_ref(record))), expected, "record {at} of `{kind}`");
            seen += 1;
        }
    }
    assert_eq!(seen, records.len());
}

#[test]
fn of_several_records_the_last_word_on_status_and_readiness_stands() {
    let blocked = record("", Event::RunParked { status: Parked::Blocked, ready_at: Some(later(5)) });
    let claimed = record("", Event::RunClaimed { worker: worker(), fence: Fence::new(2) });
    assert_eq!(words(&changes(&[claimed.clone(), blocked.clone()])), ["status blocked", "ready +5s"]);
    assert_eq!(words(&changes(&[blocked, claimed])), ["status running", "ready +0s"]);
}

#[test]
fn rows_point_at_their_records() {
    let entered = record("0#1", Event::StepEntered { via: None, input: None });
    let escalated = record("6#1", Event::TaskEscalated { task: super::samples::task() });
    let ended = record("", Event::RunEnded(Box::new(RunOutcome::Cancelled)));
    let words = words(&changes(&[entered, escalated, ended]));
    assert!(words.contains(&"tell task_escalated #1".to_owned()), "{words:?}");
    assert!(words.contains(&"tell run_ended #2".to_owned()), "{words:?}");
}

#[test]
fn holds_are_sorted_so_that_every_commit_locks_them_alike() {
    let hold = |scope, key, slot| Hold { scope: name(scope), key: name(key), slot };
    let holds =
        vec![hold("pool", "gpu", 10), hold("pool", "gpu", 2), hold("exclusive", "z", 0), hold("pool", "cpu", 5)];
    let Event::RunStarted(started) = golden_frames::records()[0][0].event().clone() else { panic!("not a start") };
    let started = RunStarted { holds, ..*started };
    let ended = record("", Event::RunEnded(Box::new(RunOutcome::Cancelled)));
    let changes = changes(&[record_of(Actor::Host, "", Event::RunStarted(Box::new(started))), ended]);
    let holds: Vec<String> =
        words(&changes).into_iter().filter(|word| word.contains('/') || word == "release all").collect();
    let expected = ["release all", "hold exclusive/z/0", "hold pool/cpu/5", "hold pool/gpu/2", "hold pool/gpu/10"];
    assert_eq!(holds, expected);
}

#[test]
fn every_large_payload_becomes_a_blob_and_each_only_once() {
    let other = Payload::new(Value::text("y".repeat(6_000))).unwrap();
    let entered = |payload: &Payload| record("0#1", Event::StepEntered { via: None, input: Some(payload.clone()) });
    let completed = record("0#1", Event::StepCompleted { output: Source::Value(large()) });
    let ended = record("", Event::RunEnded(Box::new(RunOutcome::Completed(large()))));
    let changes = changes(&[entered(&large()), entered(&other), completed, ended]);
    let sizes: Vec<usize> = changes.blobs.iter().map(|change| change.blob.bytes().len()).collect();
    assert_eq!(sizes, [5_002, 6_002]);
}
