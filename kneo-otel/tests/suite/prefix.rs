//! Wherever a run changes hands, its spans are the same: each once, each with its parent and its true beginning.

use std::time::{Duration, SystemTime};

use kneo_core::event::Event;

use super::scene;
use super::support::{History, Watch, assert_same, assert_whole, histories};

/// The histories of the repository, and one in which everything happens.
async fn all() -> Vec<History> {
    let mut all = histories();
    all.push(scene::play(scene::office(), &Watch::new().observer).await);
    all
}

#[tokio::test(start_paused = true)]
async fn each_prefix_and_the_rest_give_the_spans_of_the_whole() {
    for history in all().await {
        let whole = history.spans();
        assert_whole(&whole);
        for at in 0..=history.records.len() {
            let (before, after) = history.records.split_at(at);
            let (first, second) = (Watch::new(), Watch::new());
            history.tell(&first.observer, before, false);
            history.tell(&second.observer, before, true);
            history.tell(&second.observer, after, false);
            let (told, rest) = (first.spans(), second.spans());
            assert!(told.len() <= whole.len());
            assert_same([told, rest].concat(), &whole, &format!("{} cut at {at}", history.name));
        }
    }
}

#[tokio::test(start_paused = true)]
async fn it_does_not_matter_how_records_come_together() {
    for history in all().await {
        let whole = history.spans();
        for size in [1, 2, 3, 7] {
            let watch = Watch::new();
            history.tell_by(&watch.observer, size);
            assert_same(watch.spans(), &whole, &format!("{} by {size}", history.name));
        }
    }
}

/// Where the host wants it, what another worker may not have exported comes again, the same to the last attribute.
#[tokio::test(start_paused = true)]
async fn what_ended_shortly_before_another_took_over_is_repeated_where_the_host_wants_it() {
    let within = Duration::from_secs(3);
    let (mut repeated, mut own) = (0, 0);
    for history in all().await {
        let whole = history.spans();
        for at in 1..history.records.len() {
            let (before, after) = history.records.split_at(at);
            let Event::RunClaimed { worker, .. } = after[0].record.event() else { continue };
            let mut holders = before.iter().rev().filter_map(|stored| match stored.record.event() {
                Event::RunClaimed { worker, .. } => Some(worker),
                _ => None,
            });
            // One that goes on itself has told.
            let same = holders.next().is_none_or(|holder| holder == worker);
            let (first, second) = (Watch::new(), Watch::with(|builder| builder.repeat(within)));
            history.tell(&first.observer, before, false);
            history.tell(&second.observer, before, true);
            history.tell(&second.observer, after, false);
            let (told, mut rest) = (first.spans(), second.spans());
            let (twice, once): (Vec<_>, Vec<_>) = rest.drain(..).partition(|span| told.contains(span));
            assert_same([told.clone(), once].concat(), &whole, &format!("{} cut at {at}", history.name));
            let last = told.iter().map(|span| span.end_time).max().unwrap_or(SystemTime::UNIX_EPOCH);
            let recent = told.iter().filter(|span| last.duration_since(span.end_time).unwrap() <= within);
            match same {
                true => assert_eq!(twice, []),
                false => assert_same(twice.clone(), &recent.cloned().collect::<Vec<_>>(), "what is repeated"),
            }
            repeated += twice.len();
            own += usize::from(same);
        }
    }
    assert!(repeated > 2 && own > 2, "{repeated} {own}");
}

/// A worker that took its own run up again is told the past, and so is one that hears of records twice.
#[tokio::test(start_paused = true)]
async fn what_was_told_before_is_not_told_again() {
    for history in all().await {
        let whole = history.spans();
        let watch = Watch::new();
        let (before, after) = history.records.split_at(history.records.len() / 2);
        history.tell(&watch.observer, before, false);
        history.tell(&watch.observer, before, true);
        history.tell(&watch.observer, after, false);
        history.tell(&watch.observer, after, false);
        history.tell(&watch.observer, &history.records, true);
        assert_same(watch.spans(), &whole, &history.name);
    }
}
