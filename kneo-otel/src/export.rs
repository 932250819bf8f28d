//! The exporting thread: takes what has ended, makes spans of it, hands them on.
//!
//! It has a small tokio runtime of its own, for exporters that want one. Whatever an exporter does — take for ever, fail,
//! panic, block — is felt here and nowhere else.

use std::io;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::thread;
use std::time::{Duration, Instant};

use futures_util::FutureExt as _;
use opentelemetry::Context;
use opentelemetry_sdk::error::{OTelSdkError, OTelSdkResult};
use opentelemetry_sdk::trace::SpanData;
use tokio::runtime::Runtime;

use crate::finished::Finished;
use crate::queue::Queue;
use crate::sink::Sink;
use crate::spans::Spans;

/// How long there is silence about failures after a word about them.
const SILENCE: Duration = Duration::from_secs(60);

/// The place of trouble with spans, where nobody says which.
const SPANS: &str = "spans";

/// How the thread works.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Pace {
    /// The longest wait before what has ended is exported.
    pub(crate) delay: Duration,
    /// The longest that a batch may take.
    pub(crate) timeout: Duration,
}

struct Exporting {
    queue: Arc<Queue>,
    spans: Spans,
    sink: Box<dyn Sink>,
    pace: Pace,
    complained: Option<Instant>,
}

/// However the thread ends, those who wait for it are told.
struct Leaves(Arc<Queue>);

impl Drop for Leaves {
    fn drop(&mut self) {
        self.0.leave();
    }
}

/// The small runtime on which exporters work, driven by the thread.
///
/// Dropping it waits for nothing, so that it may be dropped anywhere.
#[derive(Debug)]
pub(crate) struct Workplace(Option<Runtime>);

impl Workplace {
    /// # Errors
    /// The system gives nothing to build it of.
    pub(crate) fn new() -> io::Result<Workplace> {
        tokio::runtime::Builder::new_current_thread().enable_all().build().map(|runtime| Workplace(Some(runtime)))
    }

    /// Where an exporter that is made finds the runtime on which it is to work.
    pub(crate) fn inside<T>(&self, make: impl FnOnce() -> T) -> T {
        let _inside = self.0.as_ref().map(Runtime::enter);
        make()
    }

    #[cfg(feature = "otlp")]
    pub(crate) fn handle(&self) -> Option<&tokio::runtime::Handle> {
        self.0.as_ref().map(Runtime::handle)
    }

    fn block_on(&self, work: impl Future<Output = ()>) {
        if let Some(runtime) = &self.0 {
            runtime.block_on(work);
        }
    }
}

impl Drop for Workplace {
    fn drop(&mut self) {
        if let Some(runtime) = self.0.take() {
            runtime.shutdown_background();
        }
    }
}

/// Starts the thread.
///
/// # Errors
/// The system gives none.
pub(crate) fn start(
    workplace: Workplace,
    queue: Arc<Queue>,
    spans: Spans,
    sink: Box<dyn Sink>,
    pace: Pace,
) -> io::Result<()> {
    let mut exporting = Exporting { queue, spans, sink, pace, complained: None };
    let work = move || {
        let leaves = Leaves(Arc::clone(&exporting.queue));
        // Whatever the exporter does is not to be traced in its turn.
        let suppressed = Context::enter_telemetry_suppressed_scope();
        workplace.block_on(exporting.run());
        drop(suppressed);
        exporting.sink.close();
        drop(leaves);
        // What an exporter has left running is not waited for.
        drop(workplace);
    };
    thread::Builder::new().name("kneo-otel".to_owned()).spawn(work).map(|_| ())
}

impl Exporting {
    async fn run(&mut self) {
        loop {
            if !self.queue.is_urgent() {
                // Whatever came first, what waits is exported.
                let _ = tokio::time::timeout(self.pace.delay, self.queue.woken()).await;
            }
            let batch = self.queue.pull();
            if batch.is_empty() {
                if self.queue.is_leaving() {
                    return;
                }
            } else if self.queue.cut().is_some_and(|cut| Instant::now() >= cut) {
                self.queue.leave_behind(batch.len());
            } else {
                self.export(batch).await;
            }
        }
    }

    async fn export(&mut self, batch: Vec<Finished>) {
        let taken = batch.len();
        let spans: Vec<SpanData> = batch.into_iter().filter_map(|finished| self.span(finished)).collect();
        let (count, lost) = (spans.len() as u64, (taken - spans.len()) as u64);
        let result = match spans.is_empty() {
            true => Ok(()),
            false => self.hand_over(spans).await,
        };
        match &result {
            Ok(()) => self.queue.trouble.is_over(SPANS),
            Err(error) => self.queue.trouble.note_at_least(SPANS, || error.to_string()),
        }
        let ended = self.queue.cut().is_some_and(|cut| Instant::now() >= cut);
        if let (Err(OTelSdkError::Timeout(_)), true) = (&result, ended) {
            return self.queue.leave_behind(taken);
        }
        let counts = &self.queue.counts;
        if result.is_err() {
            self.queue.trouble.lose();
        } else if lost > 0 {
            self.queue.trouble.lose_by("a span could not be made");
        }
        counts.refused.fetch_add(lost, Ordering::Relaxed);
        match result {
            Ok(()) => counts.exported.fetch_add(count, Ordering::Relaxed),
            Err(_) => counts.refused.fetch_add(count, Ordering::Relaxed),
        };
        self.queue.done(taken);
        if let Err(error) = result {
            self.complain(&error);
        }
    }

    /// Makes a span; one over which something panics is left out, and the others go.
    fn span(&self, finished: Finished) -> Option<SpanData> {
        let withheld = &self.queue.counts.withheld;
        std::panic::catch_unwind(AssertUnwindSafe(|| self.spans.span(finished, withheld))).ok().flatten()
    }

    async fn hand_over(&self, spans: Vec<SpanData>) -> OTelSdkResult {
        let started = Instant::now();
        // An exporter that panics may be asked again: what it does then is its own.
        let export = async { AssertUnwindSafe(async { self.sink.export(spans).await }).catch_unwind().await };
        let exported = tokio::select! {
            biased;
            exported = export => exported,
            () = self.until(started + self.pace.timeout) => return Err(OTelSdkError::Timeout(started.elapsed())),
        };
        exported.unwrap_or_else(|_| Err(OTelSdkError::InternalFailure("the exporter panicked".to_owned())))
    }

    /// Waits until then, or until the end of the time that a shutdown gives.
    async fn until(&self, at: Instant) {
        loop {
            let end = self.queue.cut().map_or(at, |cut| cut.min(at));
            tokio::select! {
                () = tokio::time::sleep_until(end.into()) => return,
                () = self.queue.woken() => {}
            }
        }
    }

    fn complain(&mut self, error: &OTelSdkError) {
        let now = Instant::now();
        if self.complained.is_none_or(|at| now.duration_since(at) >= SILENCE) {
            self.complained = Some(now);
            let dropped = self.queue.counts.dropped();
            let cause = self.queue.trouble.told();
            tracing::warn!(%error, cause = cause.as_deref(), dropped, "spans could not be exported");
        }
    }
}
