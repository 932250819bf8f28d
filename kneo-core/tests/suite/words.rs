//! The words that specs, columns and reports use, and the small types around a run.

use kneo_core::commit::{AuditAction, OutboxTopic};
use kneo_core::plan::StepStatus;
use kneo_core::run::IdempotencyKey;
use kneo_core::secret::{Secret, SecretError};
use kneo_core::task::{Decision, DecisionKind};
use kneo_core::{Attempt, Fence, RunOutcome, RunStatus, Seq, Usage};

use super::samples::{failure, name, payload, run};

#[test]
fn every_status_has_its_word_and_five_are_final() {
    let words = ["queued", "running", "blocked", "completed", "failed", "cancelled", "timed_out", "expired"];
    assert_eq!(RunStatus::ALL.map(RunStatus::as_str), words);
    for status in RunStatus::ALL {
        assert_eq!(status.to_string().parse(), Ok(status));
    }
    let live = RunStatus::ALL.into_iter().filter(|status| !status.is_terminal());
    assert_eq!(live.collect::<Vec<_>>(), [RunStatus::Queued, RunStatus::Running, RunStatus::Blocked]);
    let error = "done".parse::<RunStatus>().unwrap_err().to_string();
    assert!(error.starts_with("`done` is not a run status: it is one of queued, "), "{error}");
}

#[test]
fn an_outcome_gives_a_final_status() {
    let why = failure(kneo_core::FailureKind::Limit, "enough");
    for (outcome, status) in [
        (RunOutcome::Completed(payload("1")), RunStatus::Completed),
        (RunOutcome::Failed(why.clone()), RunStatus::Failed),
        (RunOutcome::Cancelled, RunStatus::Cancelled),
        (RunOutcome::TimedOut(why.clone()), RunStatus::TimedOut),
        (RunOutcome::Expired(why), RunStatus::Expired),
    ] {
        assert_eq!(outcome.status(), status);
        assert!(status.is_terminal());
    }
}

#[test]
fn decisions_have_the_words_that_expressions_compare_with() {
    for (decision, word) in [
        (Decision::approve(), "approved"),
        (Decision::reject_because("no"), "rejected"),
        (Decision::Edit { content: payload("1") }, "edited"),
        (Decision::select("left"), "selected"),
        (Decision::Provide { content: payload("1") }, "provided"),
        (Decision::Retry, "retried"),
    ] {
        let kind = decision.kind();
        assert_eq!((kind.as_str(), word.parse()), (word, Ok(kind)));
        assert_eq!(serde_json::to_value(kind).unwrap(), word);
    }
    assert!("approve".parse::<DecisionKind>().is_err());
}

#[test]
fn the_words_of_columns_are_snake_case_and_different() {
    let topics = OutboxTopic::ALL.iter().map(|topic| topic.as_str());
    let actions = AuditAction::ALL.iter().map(|action| action.as_str());
    for words in [topics.collect::<Vec<_>>(), actions.collect()] {
        let different: std::collections::BTreeSet<_> = words.iter().collect();
        assert_eq!(different.len(), words.len());
        assert!(words.iter().all(|word| word.bytes().all(|b| b.is_ascii_lowercase() || b == b'_')), "{words:?}");
    }
    for status in [StepStatus::Completed, StepStatus::Failed, StepStatus::Skipped] {
        assert_eq!(serde_json::to_value(status).unwrap(), status.as_str());
    }
}

#[test]
fn counters_begin_at_one_and_never_wrap() {
    assert_eq!((Seq::new(0), Attempt::new(0)), (None, None));
    assert_eq!((Seq::FIRST.as_u64(), Attempt::FIRST.as_u32()), (1, 1));
    assert_eq!(Seq::FIRST.plus(4).as_u64(), 5);
    assert_eq!(Seq::new(u64::MAX).unwrap().plus(1).as_u64(), u64::MAX);
    assert_eq!(Attempt::new(u32::MAX).unwrap().next().as_u32(), u32::MAX);
    assert!(Fence::default() < Fence::default().next());
    assert_eq!(Fence::new(u64::MAX).next(), Fence::new(u64::MAX));
    assert_eq!(Usage::new(u64::MAX, 1) + Usage::new(1, 1), Usage::new(u64::MAX, 2));
}

#[test]
fn an_idempotency_key_names_the_run_and_every_iteration() {
    let key = |path: &str| IdempotencyKey::of(run().run, &path.parse().unwrap());
    assert_eq!(key("3#1/t2/c0").as_str(), "run_0198f2a7c0de7f00a1b2c3d4e5f60720/3#1/t2/c0");
    assert_ne!(key("3#1"), key("3#2"));
}

#[test]
fn a_secret_is_not_shown() {
    let secret = Secret::new("hunter2".to_owned());
    assert_eq!((secret.reveal(), format!("{secret:?}").as_str()), ("hunter2", "Secret(…)"));
    let missing = SecretError::Missing { name: name("OPENAI_API_KEY") };
    assert_eq!(
        (missing.code(), missing.to_string().as_str()),
        ("secret_missing", "there is no secret `OPENAI_API_KEY`")
    );
}
