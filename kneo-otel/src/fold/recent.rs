//! What another worker may not have told of, because it was lost before.

use std::collections::VecDeque;
use std::time::Duration;

use kneo_core::{Timestamp, WorkerId};

use super::Out;
use crate::finished::Finished;

/// The most that is kept.
const MAX_RECENT: usize = 8_192;

/// What ended last while other workers held the run.
#[derive(Default, Debug)]
pub(super) struct Recent {
    /// Who holds the run, or did last.
    holder: Option<WorkerId>,
    /// Each with the time at which the holder told of it, or should have.
    ended: VecDeque<(Timestamp, Finished)>,
}

impl Recent {
    /// Keeps what has ended, and forgets what was told longer before.
    pub(super) fn keep(&mut self, finished: Finished, within: Duration) {
        let now = finished.end;
        while self.ended.front().is_some_and(|(at, _)| now.since(*at) > within) || self.ended.len() >= MAX_RECENT {
            self.ended.pop_front();
        }
        self.ended.push_back((now, finished));
    }

    /// A worker takes the run up: what another may not have told is told now.
    pub(super) fn claimed(&mut self, worker: WorkerId, now: Timestamp, out: &mut Out<'_>) {
        if self.holder.replace(worker) == Some(worker) {
            // It was not lost, and has told.
            return self.ended.clear();
        }
        match &mut out.finished {
            Some(all) => {
                let recent = std::mem::take(&mut self.ended).into_iter();
                all.extend(recent.map(|(_, finished)| Finished { repeated: true, ..finished }));
            }
            // That worker was to tell, and may have been lost in its turn.
            None => self.ended.iter_mut().for_each(|(at, _)| *at = now),
        }
    }
}
