//! What has ended and waits to be exported: so much, and no more.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::Notify;

use crate::finished::Finished;
use crate::observer::Stats;
use crate::trouble::Trouble;

/// How long there is silence about drops after a word about them.
const SILENCE: Duration = Duration::from_secs(60);

/// The most content that waits, in bytes.
const MAX_CONTENT: u64 = 32 * 1024 * 1024;

/// The queue between those who advance runs and the exporting thread.
#[derive(Debug)]
pub(crate) struct Queue {
    state: Mutex<State>,
    most: usize,
    batch: usize,
    /// Wakes the exporting thread: there is a whole batch, or somebody waits.
    wake: Notify,
    /// Wakes those who wait for it.
    handled: Condvar,
    pub(crate) counts: Counts,
    pub(crate) trouble: Trouble,
}

#[derive(Debug, Default)]
struct State {
    waiting: VecDeque<Finished>,
    /// How many were ever taken in, how many of them are done with, and how many were left behind at the end.
    taken: u64,
    done: u64,
    left: u64,
    /// About how many bytes of content wait.
    content: u64,
    /// Everything up to this one is wanted at once.
    wanted: u64,
    /// Nothing is taken in any more, and what is left may be exported until then.
    cut: Option<Instant>,
    /// The exporting thread is to end once nothing waits.
    leaving: bool,
    /// It has.
    gone: bool,
    complained: Option<Instant>,
}

/// What became of spans.
#[derive(Debug, Default)]
pub(crate) struct Counts {
    pub(crate) exported: AtomicU64,
    pub(crate) queue_full: AtomicU64,
    pub(crate) refused: AtomicU64,
    pub(crate) late: AtomicU64,
    pub(crate) withheld: AtomicU64,
}

impl Queue {
    /// A queue that holds so many, and wakes the exporting thread for so many.
    pub(crate) fn new(most: usize, batch: usize) -> Queue {
        let (most, batch) = (most.max(1), batch.clamp(1, most.max(1)));
        let state = Mutex::default();
        let (wake, handled, counts, trouble) = (Notify::new(), Condvar::new(), Counts::default(), Trouble::default());
        Queue { state, most, batch, wake, handled, counts, trouble }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // Nothing that holds the lock leaves the state half changed.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes in what there is room for; never waits.
    pub(crate) fn push(&self, finished: impl IntoIterator<Item = Finished>) {
        let (mut full, mut late, mut withheld, mut complain) = (0, 0, 0, false);
        let wake = {
            let mut state = self.lock();
            let before = state.waiting.len();
            for item in finished {
                if state.cut.is_some() {
                    late += 1;
                } else if state.waiting.len() >= self.most {
                    full += 1;
                } else {
                    withheld += state.take_in(item);
                }
            }
            if full + late > 0 {
                let now = Instant::now();
                complain = state.complained.is_none_or(|at| now.duration_since(at) >= SILENCE);
                if complain {
                    state.complained = Some(now);
                }
            }
            before < self.batch && state.waiting.len() >= self.batch
        };
        self.counts.queue_full.fetch_add(full, Ordering::Relaxed);
        self.counts.late.fetch_add(late, Ordering::Relaxed);
        self.counts.withheld.fetch_add(withheld, Ordering::Relaxed);
        if wake {
            self.wake.notify_one();
        }
        if complain {
            let dropped = self.counts.dropped();
            tracing::warn!(dropped, "spans are dropped: the collector does not take them as fast as they come");
        }
    }

    /// The next batch; empty if nothing waits.
    pub(crate) fn pull(&self) -> Vec<Finished> {
        let mut state = self.lock();
        let batch = self.batch.min(state.waiting.len());
        let pulled: Vec<Finished> = state.waiting.drain(..batch).collect();
        let content = pulled.iter().map(|item| item.notes.content_size()).fold(0, u64::saturating_add);
        state.content = state.content.saturating_sub(content);
        pulled
    }

    /// Notes that so many are done with.
    pub(crate) fn done(&self, count: usize) {
        self.lock().done += count as u64;
        self.handled.notify_all();
    }

    /// Notes that so many are left behind.
    pub(crate) fn leave_behind(&self, count: usize) {
        self.lock().left += count as u64;
        self.counts.late.fetch_add(count as u64, Ordering::Relaxed);
        self.handled.notify_all();
    }

    /// Whether there is something to do now: a whole batch, something that is wanted at once, the end.
    pub(crate) fn is_urgent(&self) -> bool {
        let state = self.lock();
        let wanted = state.done + state.left < state.wanted || state.cut.is_some();
        state.waiting.len() >= self.batch || (wanted && !state.waiting.is_empty()) || state.leaving
    }

    /// Until when what is left may be exported, once nothing is taken in any more.
    pub(crate) fn cut(&self) -> Option<Instant> {
        self.lock().cut
    }

    /// Whether the exporting thread is to end once nothing waits.
    pub(crate) fn is_leaving(&self) -> bool {
        self.lock().leaving
    }

    /// Waits until there may be something to do.
    pub(crate) async fn woken(&self) {
        self.wake.notified().await;
    }

    /// Takes nothing in any more; what is left may be exported until then.
    pub(crate) fn refuse(&self, until: Instant) {
        {
            let mut state = self.lock();
            state.cut = Some(state.cut.map_or(until, |at| at.min(until)));
        }
        self.wake.notify_one();
    }

    /// Ends the exporting thread once nothing waits, now at the latest if something may not wait any longer.
    pub(crate) fn close(&self) {
        {
            let mut state = self.lock();
            state.cut.get_or_insert_with(Instant::now);
            state.leaving = true;
        }
        self.wake.notify_one();
    }

    /// Notes that the exporting thread ends, however it does; what it leaves is dropped.
    pub(crate) fn leave(&self) {
        let left = {
            let mut state = self.lock();
            state.gone = true;
            state.cut.get_or_insert_with(Instant::now);
            state.waiting.clear();
            let left = state.taken - state.done - state.left;
            state.left += left;
            left
        };
        self.counts.late.fetch_add(left, Ordering::Relaxed);
        self.handled.notify_all();
    }

    /// What became of what was taken in; of the runs it knows nothing.
    pub(crate) fn stats(&self) -> Stats {
        let read = |count: &AtomicU64| count.load(Ordering::Relaxed);
        let waiting = {
            let state = self.lock();
            state.taken - state.done - state.left
        };
        Stats {
            exported: read(&self.counts.exported),
            waiting,
            queue_full: read(&self.counts.queue_full),
            refused: read(&self.counts.refused),
            late: read(&self.counts.late),
            withheld: read(&self.counts.withheld),
            runs_given_up: 0,
        }
    }

    /// Blocks until everything that was taken in so far is done with; `false` if that takes longer, or if some of it is left behind.
    pub(crate) fn flush(&self, until: Instant) -> bool {
        let mut state = self.lock();
        let wanted = state.taken;
        state.wanted = state.wanted.max(wanted);
        self.wake.notify_one();
        while state.done + state.left < wanted {
            let Some(left) = until.checked_duration_since(Instant::now()).filter(|left| !left.is_zero()) else {
                return false;
            };
            state = self.handled.wait_timeout(state, left).unwrap_or_else(PoisonError::into_inner).0;
        }
        state.done >= wanted
    }

    /// Blocks until the exporting thread has ended; `false` if that takes longer, or if it has left something behind.
    pub(crate) fn ended(&self, until: Instant) -> bool {
        let mut state = self.lock();
        while !state.gone {
            let Some(left) = until.checked_duration_since(Instant::now()).filter(|left| !left.is_zero()) else {
                return false;
            };
            state = self.handled.wait_timeout(state, left).unwrap_or_else(PoisonError::into_inner).0;
        }
        state.done >= state.taken
    }
}

impl State {
    /// Takes something in, without its content if too much of that waits; counts the pieces that are left out.
    fn take_in(&mut self, mut item: Finished) -> u64 {
        let content = self.content.saturating_add(item.notes.content_size());
        let mut left_out = 0;
        if content > MAX_CONTENT {
            left_out = item.notes.content.len() as u64;
            item.notes.content = Vec::new();
        } else {
            self.content = content;
        }
        self.waiting.push_back(item);
        self.taken += 1;
        left_out
    }
}

impl Counts {
    /// Everything that nobody will see.
    pub(crate) fn dropped(&self) -> u64 {
        [&self.queue_full, &self.refused, &self.late].iter().map(|count| count.load(Ordering::Relaxed)).sum()
    }
}
