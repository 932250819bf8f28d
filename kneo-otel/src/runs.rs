//! The runs that this process advances.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use kneo_core::event::Event;
use kneo_core::observer::News;
use kneo_core::{RunId, Seq};
use opentelemetry_sdk::trace::ShouldSample;

use crate::finished::Finished;
use crate::fold::{Fold, Out, Stage};
use crate::price::Prices;
use crate::trace::Trace;

/// The most runs that are followed at a time.
///
/// A run leaves when it parks or ends. One that another process took away says nothing, so that what was not heard of for
/// the longest time makes room.
const MAX_RUNS: usize = 16_384;

/// The runs that this process advances, as far as they are.
///
/// Each has a lock of its own, which its worker alone takes: folding the long past of one keeps no other waiting.
#[derive(Debug)]
pub(crate) struct Runs {
    followed: Mutex<Followed>,
    most: usize,
}

#[derive(Default, Debug)]
struct Followed {
    runs: HashMap<RunId, Run>,
    /// Counts what was heard, to know what was heard of last.
    heard: u64,
    given_up: u64,
}

#[derive(Debug)]
struct Run {
    fold: Arc<Mutex<Fold>>,
    heard: u64,
}

/// What news of a run came to.
#[derive(Default, Debug)]
pub(crate) struct Heard {
    pub(crate) finished: Vec<Finished>,
    /// Whether the run has begun.
    pub(crate) began: bool,
}

/// What is to be heard.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Hearing<'a> {
    /// Says which runs are wanted as spans; `None`: none is.
    pub(crate) sampler: Option<&'a dyn ShouldSample>,
    pub(crate) content: bool,
    pub(crate) prices: Option<&'a Prices>,
    pub(crate) repeat: Option<Duration>,
}

impl Default for Runs {
    fn default() -> Runs {
        Runs { followed: Mutex::default(), most: MAX_RUNS }
    }
}

impl Runs {
    /// How many runs were given up to make room.
    pub(crate) fn given_up(&self) -> u64 {
        lock(&self.followed).given_up
    }

    /// Takes note of what happened.
    pub(crate) fn hear(&self, news: &News<'_>, hearing: &Hearing<'_>) -> Heard {
        let mut heard = Heard::default();
        let Hearing { sampler, content, prices, repeat } = *hearing;
        let id = news.run.run;
        // Whoever takes a run over begins with its first record, whatever was known of it.
        let fold = match news.records.first().filter(|first| first.seq == Seq::FIRST) {
            Some(first) => {
                let trace = Trace::begin(news.run, news.plan, first.record.trace, sampler);
                let content = content && trace.sampled.is_some();
                heard.began = !news.past && matches!(first.record.event(), Event::RunStarted(_));
                self.follow(id, Arc::new(Mutex::new(Fold::new(trace, first, content))))
            }
            None => match self.find(id) {
                Some(fold) => fold,
                None => return heard,
            },
        };
        let stage = {
            let mut fold = lock(&fold);
            let finished = (!news.past).then_some(&mut heard.finished);
            let sampled = fold.is_sampled();
            let mut out = Out { finished, content: content && sampled, prices, repeat: repeat.filter(|_| sampled) };
            for stored in news.records {
                fold.take(stored, &mut out);
            }
            fold.stage()
        };
        match stage {
            Stage::Live => {}
            // What comes next is told to whoever takes the run over, with everything before.
            Stage::Parked if news.past => {}
            Stage::Parked | Stage::Over => self.leave(id, &fold),
        }
        heard
    }

    fn find(&self, id: RunId) -> Option<Arc<Mutex<Fold>>> {
        let mut followed = lock(&self.followed);
        let heard = followed.next();
        let run = followed.runs.get_mut(&id)?;
        run.heard = heard;
        Some(Arc::clone(&run.fold))
    }

    fn follow(&self, id: RunId, fold: Arc<Mutex<Fold>>) -> Arc<Mutex<Fold>> {
        let mut followed = lock(&self.followed);
        if !followed.runs.contains_key(&id) && followed.runs.len() >= self.most {
            followed.make_room(self.most);
        }
        let heard = followed.next();
        followed.runs.insert(id, Run { fold: Arc::clone(&fold), heard });
        fold
    }

    /// Forgets a run, unless it is followed anew.
    fn leave(&self, id: RunId, fold: &Arc<Mutex<Fold>>) {
        let mut followed = lock(&self.followed);
        if followed.runs.get(&id).is_some_and(|run| Arc::ptr_eq(&run.fold, fold)) {
            followed.runs.remove(&id);
        }
    }
}

impl Followed {
    fn next(&mut self) -> u64 {
        self.heard = self.heard.wrapping_add(1);
        self.heard
    }

    /// Gives up an eighth of the runs: those that were heard of the longest time ago.
    fn make_room(&mut self, most: usize) {
        let mut by_age: Vec<(u64, RunId)> = self.runs.iter().map(|(id, run)| (run.heard, *id)).collect();
        by_age.sort_unstable();
        by_age.truncate(most.div_ceil(8));
        for (_, id) in &by_age {
            self.runs.remove(id);
        }
        self.given_up += by_age.len() as u64;
        tracing::warn!(given_up = self.given_up, "runs are no longer followed: there are more than {most}");
    }
}

/// Whoever panicked here has left nothing half done that matters more than the next record.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
