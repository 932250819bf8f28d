//! What happened in a namespace, from any place on.

use kneo_core::store::{FeedItem, Retention, Watermark};
use kneo_core::{Namespace, Timestamp};

use super::kit::{Kit, computed, namespace};

async fn feed(kit: &Kit, after: Watermark, max: usize) -> Vec<FeedItem> {
    kit.store.feed(&Namespace::default(), after, max).await.unwrap()
}

/// A feed names every commit with its place, in order within each run.
pub async fn a_feed_names_every_commit(kit: Kit) {
    let (mut one, mut other) = (kit.held().await, kit.held().await);
    one.append(&kit, vec![computed("a"), computed("b")]).await;
    other.append(&kit, vec![computed("c")]).await;
    kit.commit(kit.cancel(&one.run)).await.unwrap();
    let items = feed(&kit, Watermark::default(), 100).await;
    let of = |run: &kneo_core::run::RunKey| -> Vec<(u64, u64)> {
        let items = items.iter().filter(|item| item.run == *run);
        items.map(|item| (item.first.as_u64(), item.last.as_u64())).collect()
    };
    assert_eq!(of(&one.run), vec![(1, 1), (2, 3), (4, 4)]);
    assert_eq!(of(&other.run), vec![(1, 1), (2, 2)]);
    assert!(items.windows(2).all(|pair| pair[0].watermark < pair[1].watermark));
    assert!(items[0].watermark > Watermark::default());
}

/// Read on from a watermark, a feed neither repeats nor leaves out a commit.
pub async fn a_feed_is_read_on_from_a_watermark(kit: Kit) {
    let mut held = kit.held().await;
    for step in 0..10 {
        held.append(&kit, vec![computed(&step.to_string())]).await;
    }
    let whole = feed(&kit, Watermark::default(), 100).await;
    assert_eq!(whole.len(), 11);
    for size in [1, 2, 3, 4] {
        let (mut parts, mut after) = (Vec::new(), Watermark::default());
        loop {
            let part = feed(&kit, after, size).await;
            assert!(part.len() <= size);
            let Some(last) = part.last() else { break };
            after = last.watermark;
            parts.extend(part);
        }
        assert_eq!(parts, whole);
    }
    held.append(&kit, vec![computed("more")]).await;
    assert_eq!(feed(&kit, whole[10].watermark, 100).await.len(), 1);
}

/// A feed stays in its namespace.
pub async fn a_feed_stays_in_its_namespace(kit: Kit) {
    let other = kit.make(kit.start().in_namespace("other")).await;
    kit.make(kit.start()).await;
    let items = kit.store.feed(&namespace("other"), Watermark::default(), 100).await.unwrap();
    assert_eq!(items.into_iter().map(|item| item.run).collect::<Vec<_>>(), vec![other]);
    assert!(kit.store.feed(&namespace("none"), Watermark::default(), 100).await.unwrap().is_empty());
}

/// Deleting runs never makes a later commit fall behind a watermark that was given out.
pub async fn deleting_runs_hides_no_later_commit(kit: Kit) {
    let all = Retention { namespace: Namespace::default(), ended_before: Timestamp::MAX, max: 100 };
    let mut after = Watermark::default();
    for _ in 0..3 {
        for _ in 0..3 {
            kit.held().await.end(&kit).await;
        }
        let items = feed(&kit, after, 100).await;
        assert_eq!(items.len(), 6);
        after = items[5].watermark;
        assert_eq!(kit.store.prune(&all).await.unwrap().runs, 3);
        assert!(feed(&kit, Watermark::default(), 100).await.is_empty());
    }
}
