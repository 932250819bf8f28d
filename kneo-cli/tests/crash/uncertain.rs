//! A write that was in flight when its worker died: nobody knows whether it happened, so a person is asked.

use super::history::Start;
use super::process::{End, nap};
use super::site::{Answer, Site};

/// Kills the program while the write is in flight; gives the site and how the run stands.
fn killed_while_paying() -> (Site, Answer) {
    let site = Site::new();
    let start = ["run", "uncertain.yaml", "--input", "bill", "--idempotency-key", "once"];
    let process = site.start(&start);
    while site.log().lines().count() < 2 {
        nap();
    }
    assert!(matches!(process.kill(), End::Killed));
    // However often it is resumed, it asks and does not pay.
    let run = site.kneo(&start).run();
    for _ in 0..3 {
        let answer = site.kneo(&["runs", "resume", &run]);
        assert_eq!((answer.code, answer.status()), (3, "blocked"));
        let task = answer.task().expect("it asks");
        assert_eq!((&task["cause"], &task["of"]), (&"uncertain".into(), &"pay".into()));
    }
    assert_eq!(payments(&site, &run), [1]);
    let answer = site.kneo(&["runs", "get", &run]);
    (site, answer)
}

/// The attempts of the write that began.
fn payments(site: &Site, run: &str) -> Vec<u32> {
    let of_pay = |start: &Start| start.path == "1#1";
    site.starts(run).into_iter().filter(of_pay).map(|start| start.attempt).collect()
}

fn decide(site: &Site, answer: &Answer, decision: &[&str]) -> Answer {
    let task = answer.task().unwrap()["task_id"].as_str().unwrap();
    site.kneo(&[&["human", "decide", task, "--by", "operator"], decision].concat())
}

#[test]
fn a_lost_write_runs_again_only_if_the_operator_says_so() {
    let (site, waiting) = killed_while_paying();
    let ended = decide(&site, &waiting, &["--retry"]);
    assert_eq!((ended.code, ended.status()), (0, "completed"));
    assert_eq!(ended.json["output"], "bill.prepared.paid.thanked");
    assert_eq!(payments(&site, &waiting.run()), [1, 2]);
}

#[test]
fn a_lost_write_that_happened_is_not_repeated() {
    let (site, waiting) = killed_while_paying();
    let ended = decide(&site, &waiting, &["--provide", "receipt 7"]);
    assert_eq!((ended.code, ended.status()), (0, "completed"));
    assert_eq!(ended.json["output"], "receipt 7.thanked");
    assert_eq!(payments(&site, &waiting.run()), [1]);
}

#[test]
fn a_lost_write_that_is_given_up_fails_the_run() {
    let (site, waiting) = killed_while_paying();
    let ended = decide(&site, &waiting, &["--reject"]);
    assert_eq!((ended.code, ended.status()), (1, "failed"));
    assert_eq!(ended.json["error"]["kind"], "uncertain");
    assert_eq!(payments(&site, &waiting.run()), [1]);
}
