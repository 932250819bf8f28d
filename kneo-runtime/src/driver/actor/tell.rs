//! Tells observers what was committed.

use std::panic::{AssertUnwindSafe, catch_unwind};

use kneo_core::Seq;
use kneo_core::actor::Actor as By;
use kneo_core::observer::News;
use kneo_core::record::{Record, Stored};

use super::Actor;

impl Actor {
    /// Tells of records as they are stored, from the first that was not told.
    ///
    /// What a worker wrote before this one took the run over, that worker has told. What came from outside since its last
    /// word, nobody has.
    pub(super) fn tell(&mut self, records: &[Stored]) {
        if self.shared.observers.is_empty() {
            return;
        }
        let first = match self.told {
            Some(told) => records.partition_point(|stored| stored.seq <= told),
            None => 0,
        };
        let records = records.get(first..).unwrap_or_default();
        let by_worker = |stored: &Stored| matches!(stored.record.actor, By::Worker(_));
        let past = match self.told {
            Some(_) => 0,
            None => records.iter().rposition(by_worker).map_or(0, |last| last + 1),
        };
        let (past, news) = records.split_at_checked(past).unwrap_or((records, &[]));
        self.tell_of(past, true);
        self.tell_of(news, false);
        self.told = records.last().map(|last| last.seq).or(self.told);
    }

    /// Tells of the records of a commit, the last of which has this number.
    pub(super) fn tell_committed(&mut self, records: Vec<Record>, tail: Seq) {
        if records.is_empty() {
            return;
        }
        let first = tail.as_u64().saturating_sub(records.len() as u64);
        let numbers = (first.saturating_add(1)..).map_while(Seq::new);
        let records: Vec<Stored> = numbers.zip(records).map(|(seq, record)| Stored { seq, record }).collect();
        self.tell_of(&records, false);
        self.told = Some(tail);
    }

    fn tell_of(&self, records: &[Stored], past: bool) {
        if records.is_empty() {
            return;
        }
        let news = News { run: &self.live.key, plan: self.bound.program.compiled(), records, past };
        for observer in &self.shared.observers {
            if catch_unwind(AssertUnwindSafe(|| observer.observe(&news))).is_err() {
                tracing::error!(?observer, "an observer panicked; the run goes on");
            }
        }
    }
}
