//! Lists of runs, and names that try to be more than names.

use std::time::Duration;

use kneo_core::run::RunKey;
use kneo_core::store::{Page, RunQuery};
use kneo_core::task::Decision;
use kneo_core::{Actor, Namespace, RunStatus};

use super::kit::{Kit, name, namespace};

/// Texts that break what pastes them into a query, a path or a pattern.
const HOSTILE: [&str; 12] = [
    "'; drop table runs; --",
    "\" or \"\"=\"",
    "') union select * from plans --",
    "%",
    "_",
    "a\\' or 1=1",
    "[\"x\"]",
    "$.a[0]",
    "../../etc/passwd",
    "?1",
    "größe 数 🙂",
    "null",
];

async fn keys(kit: &Kit, query: &RunQuery, page: Page) -> Vec<RunKey> {
    kit.store.runs(query, page).await.unwrap().into_iter().map(|row| row.key).collect()
}

/// Runs are listed newest first, in pages.
pub async fn runs_are_listed_newest_first(kit: Kit) {
    let mut runs = Vec::new();
    for _ in 0..7 {
        kit.clock.advance(Duration::from_millis(3));
        runs.push(kit.make(kit.start()).await);
    }
    runs.reverse();
    let query = RunQuery::default();
    assert_eq!(keys(&kit, &query, Page::default()).await, runs);
    let mut pages = Vec::new();
    for offset in [0, 3, 6, 9] {
        pages.extend(keys(&kit, &query, Page { offset, limit: 3 }).await);
    }
    assert_eq!(pages, runs);
    assert!(keys(&kit, &query, Page { offset: 0, limit: 0 }).await.is_empty());
}

/// A list is narrowed by status, workflow and labels, all of them at once.
pub async fn runs_are_listed_by_what_is_asked(kit: Kit) {
    let news = kit.make(kit.start().labels(&[("team", "news"), ("tier", "1")])).await;
    let mut other = kit.start().labels(&[("team", "news"), ("tier", "2")]);
    other.started.workflow = name("digest");
    let digest = kit.make(other).await;
    let held = kit.hold(kit.start().labels(&[("team", "sport")])).await;
    let sport = held.run.clone();
    held.end(&kit).await;

    let list = async |change: &(dyn Fn(&mut RunQuery) + Sync)| {
        let mut query = RunQuery::default();
        change(&mut query);
        let mut found = keys(&kit, &query, Page::default()).await;
        found.sort();
        found
    };
    let label = |key: &str, value: &str| (name(key), value.into());
    let sorted = |mut runs: Vec<&RunKey>| {
        runs.sort();
        runs.into_iter().cloned().collect::<Vec<RunKey>>()
    };
    assert_eq!(list(&|query| query.statuses = vec![RunStatus::Completed]).await, std::slice::from_ref(&sport));
    let both = vec![RunStatus::Queued, RunStatus::Completed];
    assert_eq!(list(&|query| query.statuses = both.clone()).await, sorted(vec![&news, &digest, &sport]));
    assert!(list(&|query| query.statuses = vec![RunStatus::Failed]).await.is_empty());
    assert_eq!(list(&|query| query.workflow = Some(name("digest"))).await, std::slice::from_ref(&digest));
    assert_eq!(list(&|query| query.labels = vec![label("team", "news")]).await, sorted(vec![&news, &digest]));
    let exact = vec![label("team", "news"), label("tier", "1")];
    assert_eq!(list(&|query| query.labels = exact.clone()).await, std::slice::from_ref(&news));
    assert!(list(&|query| query.labels = vec![label("team", "News")]).await.is_empty());
    assert!(list(&|query| query.labels = vec![label("news", "team")]).await.is_empty());
    let narrow = |query: &mut RunQuery| {
        query.labels = vec![label("team", "news")];
        query.workflow = Some(name("report"));
    };
    assert_eq!(list(&narrow).await, [news]);
}

/// Lists stay in their namespace.
pub async fn lists_stay_in_their_namespace(kit: Kit) {
    kit.make(kit.start()).await;
    let other = kit.make(kit.start().in_namespace("other")).await;
    assert_eq!(keys(&kit, &RunQuery::new(namespace("other")), Page::default()).await, [other]);
    assert!(keys(&kit, &RunQuery::new(namespace("othe")), Page::default()).await.is_empty());
    assert!(keys(&kit, &RunQuery::new(namespace("OTHER")), Page::default()).await.is_empty());
}

/// A run that does not exist has no row.
pub async fn a_run_that_does_not_exist_has_no_row(kit: Kit) {
    let run = kit.make(kit.start()).await;
    assert_eq!(kit.store.run(&kit.run_key()).await.unwrap(), None);
    assert_eq!(kit.store.run(&RunKey::new(namespace("other"), run.run)).await.unwrap(), None);
}

/// Labels are compared as texts, whatever they hold.
pub async fn hostile_labels_are_texts(kit: Kit) {
    let mut runs = Vec::new();
    for text in HOSTILE {
        runs.push((text, kit.make(kit.start().labels(&[(text, text), ("constant", text)])).await));
    }
    for (text, run) in &runs {
        for key in [*text, "constant"] {
            let mut query = RunQuery::default();
            query.labels = vec![(name(key), (*text).into())];
            assert_eq!(keys(&kit, &query, Page::default()).await, std::slice::from_ref(run), "{text}");
        }
        assert_eq!(kit.row(run).await.labels[0], (name(text), (*text).into()));
    }
}

/// Namespaces, workflows, keys, slots and people are texts, whatever they hold.
pub async fn hostile_names_are_texts(kit: Kit) {
    for text in HOSTILE {
        let mut start = kit.start().in_namespace(text).key(text, text).holding(&[(text, text, 0)]);
        start.started.workflow = name(text);
        start.actor = Actor::trusted(name(text));
        let mut held = kit.hold(start).await;
        let task = kit.task_id();
        held.append(&kit, vec![kit.question(task, &[text], None)]).await;
        let row = kit.row(&held.run).await;
        assert_eq!((row.workflow, row.starter), (name(text), Actor::trusted(name(text))));
        let query = RunQuery::new(namespace(text));
        assert_eq!(keys(&kit, &query, Page::default()).await, [held.run.clone()]);
        kit.commit(kit.decide(&held.run, task, text, Decision::select(text))).await.unwrap();
        let row = kit.store.task(&namespace(text), task).await.unwrap().unwrap();
        assert_eq!(row.assignees, [name(text)]);
        let mut of_them = kneo_core::store::TaskQuery::new(namespace(text));
        (of_them.assignee, of_them.include_closed) = (Some(name(text)), true);
        assert_eq!(kit.store.tasks(&of_them, Page::default()).await.unwrap().len(), 1, "{text}");
        assert_eq!(kit.store.audit(&held.run).await.unwrap()[1].actor, Actor::trusted(name(text)));
    }
    assert!(keys(&kit, &RunQuery::new(Namespace::default()), Page::default()).await.is_empty());
}
