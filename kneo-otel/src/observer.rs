//! The observer: hears what was committed, and hands on what has ended.

use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, mpsc};
use std::thread;
use std::time::{Duration, Instant};

use kneo_core::observer::{News, Observer};
use opentelemetry_sdk::error::{OTelSdkError, OTelSdkResult};
use opentelemetry_sdk::metrics::SdkMeterProvider;
use opentelemetry_sdk::trace::ShouldSample;

use crate::builder::OtelObserverBuilder;
use crate::error::Unfinished;
use crate::metrics::Metrics;
use crate::price::Prices;
use crate::queue::Queue;
use crate::runs::{Hearing, Runs};

/// How long a dropped observer goes on to export what is left, if the process lives so long.
const GRACE: Duration = Duration::from_secs(5);

/// Tells OpenTelemetry of the runs that a runtime advances: a span for whatever has ended, and metrics.
///
/// Give it to `RuntimeBuilder::observer`, and end it with [`OtelObserver::shutdown`] after the runtime. Dropping it
/// exports what is left for at most five seconds, in the background; what is left when the process ends is lost.
///
/// It never blocks who calls it, and never fails a run: what cannot be exported as fast as it comes is dropped, counted
/// ([`OtelObserver::stats`]) and told by `tracing`.
pub struct OtelObserver {
    runs: Runs,
    spans: Option<SpanPipe>,
    metrics: Option<Metrics>,
    prices: Option<Arc<Prices>>,
    /// The one that is the observer's own, and ends with it.
    meter_provider: Option<SdkMeterProvider>,
    /// How many refused spans somebody who waited was told of.
    told: AtomicU64,
}

/// Where spans go.
pub(crate) struct SpanPipe {
    pub(crate) queue: Arc<Queue>,
    pub(crate) sampler: Box<dyn ShouldSample>,
    /// Whether what people, models and tools say may leave.
    pub(crate) content: bool,
    /// How far back from the last word of another worker spans are exported again.
    pub(crate) repeat: Option<Duration>,
}

/// What became of the spans of an observer since it was built.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
#[non_exhaustive]
pub struct Stats {
    /// Spans that were handed over, and that nobody refused.
    pub exported: u64,
    /// Spans that wait.
    pub waiting: u64,
    /// Spans that were dropped because too many waited.
    pub queue_full: u64,
    /// Spans that were dropped because the exporter failed, panicked or took too long.
    pub refused: u64,
    /// Spans that were dropped because they came after the shutdown, or were left at its end.
    pub late: u64,
    /// Pieces of content that did not leave: withheld by the redactor, or too large. Their spans did.
    pub withheld: u64,
    /// Runs that were given up because this process followed too many; their spans are missing from then on.
    pub runs_given_up: u64,
}

impl Stats {
    /// All spans that nobody will see.
    #[must_use]
    pub fn dropped(&self) -> u64 {
        self.queue_full.saturating_add(self.refused).saturating_add(self.late)
    }
}

impl OtelObserver {
    /// An observer that is yet to be told where to send.
    #[must_use]
    pub fn builder() -> OtelObserverBuilder {
        OtelObserverBuilder::default()
    }

    pub(crate) fn new(
        spans: Option<SpanPipe>,
        metrics: Option<Metrics>,
        prices: Option<Arc<Prices>>,
        meter_provider: Option<SdkMeterProvider>,
    ) -> OtelObserver {
        OtelObserver { runs: Runs::default(), spans, metrics, prices, meter_provider, told: AtomicU64::new(0) }
    }

    /// What became of the spans so far.
    #[must_use]
    pub fn stats(&self) -> Stats {
        let given_up = self.runs.given_up();
        let spans = self.spans.as_ref().map(|spans| spans.queue.stats()).unwrap_or_default();
        Stats { runs_given_up: given_up, ..spans }
    }

    /// Exports what has ended so far, without waiting for a whole batch.
    ///
    /// Must be called in a tokio runtime.
    ///
    /// # Errors
    /// It takes longer than that, or something was refused or could not be sent, now or since the last time that
    /// somebody waited. The error says what went wrong last.
    ///
    /// # Cancel safety
    /// Dropping the future stops the waiting and nothing else: what was begun to be exported is.
    pub async fn flush(self: &Arc<OtelObserver>, within: Duration) -> Result<(), Unfinished> {
        let observer = Arc::clone(self);
        let flushed = tokio::task::spawn_blocking(move || observer.flush_blocking(within));
        flushed.await.unwrap_or(Err(Unfinished::TimeOver { within, cause: None }))
    }

    /// [`OtelObserver::flush`] for where there is no async runtime: blocks the thread for at most that long.
    ///
    /// # Errors
    /// As of [`OtelObserver::flush`].
    pub fn flush_blocking(&self, within: Duration) -> Result<(), Unfinished> {
        let until = deadline(within);
        let metrics = self.send_metrics(SdkMeterProvider::force_flush);
        let spans = self.spans.as_ref().is_none_or(|spans| spans.queue.flush(until));
        self.came_of(within, spans, metrics.sent(until))
    }

    /// Takes nothing in any more, and exports what is left for at most that long; what is then still left is dropped.
    ///
    /// Must be called in a tokio runtime. A second shutdown waits for the first.
    ///
    /// # Errors
    /// As of [`OtelObserver::flush`].
    ///
    /// # Cancel safety
    /// Dropping the future stops the waiting and nothing else: the observer ends all the same.
    pub async fn shutdown(self: &Arc<OtelObserver>, within: Duration) -> Result<(), Unfinished> {
        let observer = Arc::clone(self);
        let ended = tokio::task::spawn_blocking(move || observer.shutdown_blocking(within));
        ended.await.unwrap_or(Err(Unfinished::TimeOver { within, cause: None }))
    }

    /// [`OtelObserver::shutdown`] for where there is no async runtime: blocks the thread for at most that long.
    ///
    /// # Errors
    /// As of [`OtelObserver::flush`].
    pub fn shutdown_blocking(&self, within: Duration) -> Result<(), Unfinished> {
        let until = deadline(within);
        // What is left at the end takes a moment to be counted.
        let cut = until.checked_sub(within.min(MOMENT * 10) / 10).unwrap_or(until);
        let metrics = self.send_metrics(SdkMeterProvider::shutdown);
        let spans = self.spans.as_ref().is_none_or(|spans| {
            spans.queue.refuse(cut);
            spans.queue.flush(cut)
        });
        // The last metrics may go by way of the exporting thread, which ends after them.
        let metrics = metrics.sent(cut);
        let ended = self.spans.as_ref().is_none_or(|spans| {
            spans.queue.close();
            spans.queue.ended(until)
        });
        self.came_of(within, spans & ended, metrics)
    }

    /// Whether spans were refused of which nobody was told.
    fn has_refused(&self) -> bool {
        let refused = self.spans.as_ref().map_or(0, |spans| spans.queue.counts.refused.load(Ordering::Relaxed));
        self.told.swap(refused, Ordering::Relaxed) < refused
    }

    /// What came of a wait after which all spans were done with in time, or not.
    fn came_of(&self, within: Duration, spans: bool, metrics: Sent) -> Result<(), Unfinished> {
        let cause = self.spans.as_ref().and_then(|spans| spans.queue.trouble.told());
        match metrics {
            _ if !spans => Err(Unfinished::TimeOver { within, cause }),
            Sent::Late => Err(Unfinished::TimeOver { within, cause }),
            Sent::Not(why) => Err(Unfinished::Refused { cause: cause.unwrap_or_else(|| why.into()) }),
            Sent::All if self.has_refused() => {
                let lost = self.spans.as_ref().and_then(|spans| spans.queue.trouble.lost());
                Err(Unfinished::Refused { cause: lost.unwrap_or_default() })
            }
            Sent::All => Ok(()),
        }
    }

    /// Has the observer's own meter provider send what it has, on a thread that nobody has to wait for: it gives no bound
    /// that holds.
    fn send_metrics(&self, send: fn(&SdkMeterProvider) -> OTelSdkResult) -> Sending {
        let Some(provider) = self.meter_provider.clone() else { return Sending(None) };
        let (done, is_done) = mpsc::channel();
        let work = move || {
            let sent = match send(&provider) {
                Ok(()) | Err(OTelSdkError::AlreadyShutdown) => Sent::All,
                Err(OTelSdkError::Timeout(_)) => Sent::Late,
                Err(OTelSdkError::InternalFailure(why)) => Sent::Not(why),
            };
            // Whoever waited may have gone.
            let _ = done.send(sent);
        };
        // Without a thread nobody answers, which is the answer.
        let _ = thread::Builder::new().name("kneo-otel-metrics".to_owned()).spawn(work);
        Sending(Some(is_done))
    }
}

/// Metrics that are being sent.
struct Sending(Option<mpsc::Receiver<Sent>>);

/// What came of metrics.
enum Sent {
    All,
    Late,
    Not(String),
}

impl Sending {
    /// Blocks until they are, for so long.
    fn sent(self, until: Instant) -> Sent {
        let within = until.saturating_duration_since(Instant::now());
        self.0.map_or(Sent::All, |is_done| is_done.recv_timeout(within).unwrap_or(Sent::Late))
    }
}

/// The time that is kept back of a shutdown's, at most.
const MOMENT: Duration = Duration::from_millis(100);

/// The longest wait that is told from for ever.
const LONG: Duration = Duration::from_secs(365 * 24 * 3_600);

fn deadline(within: Duration) -> Instant {
    Instant::now() + within.min(LONG)
}

impl Observer for OtelObserver {
    fn observe(&self, news: &News<'_>) {
        let hearing = Hearing {
            sampler: self.spans.as_ref().map(|spans| &*spans.sampler),
            content: self.spans.as_ref().is_some_and(|spans| spans.content),
            prices: self.prices.as_deref(),
            repeat: self.spans.as_ref().and_then(|spans| spans.repeat),
        };
        let heard = self.runs.hear(news, &hearing);
        if let Some(metrics) = &self.metrics {
            if heard.began {
                metrics.run_started(&news.plan.plan().name.to_shared());
            }
            heard.finished.iter().filter(|finished| !finished.repeated).for_each(|finished| metrics.ended(finished));
        }
        if let Some(spans) = &self.spans {
            spans.queue.push(heard.finished.into_iter().filter(|finished| finished.trace.sampled.is_some()));
        }
    }
}

impl Drop for OtelObserver {
    fn drop(&mut self) {
        let queue = self.spans.take().map(|spans| spans.queue);
        if let Some(queue) = &queue {
            queue.refuse(deadline(GRACE));
        }
        let Some(provider) = self.meter_provider.take() else {
            return queue.iter().for_each(|queue| queue.close());
        };
        // A provider that is dropped sends what it has, and whoever drops it waits.
        let end = move || {
            // It is gone, whatever it says.
            let _ = provider.shutdown();
            queue.iter().for_each(|queue| queue.close());
        };
        // Without a thread it ends here.
        let _ = thread::Builder::new().name("kneo-otel-metrics".to_owned()).spawn(end);
    }
}

impl fmt::Debug for OtelObserver {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OtelObserver").field("stats", &self.stats()).finish_non_exhaustive()
    }
}

/// What became of the spans, for metrics.
pub(crate) fn outcomes(queue: &Queue) -> [(&'static str, u64); 4] {
    let counts = &queue.counts;
    [
        ("exported", &counts.exported),
        ("queue_full", &counts.queue_full),
        ("refused", &counts.refused),
        ("late", &counts.late),
    ]
    .map(|(outcome, count)| (outcome, count.load(Ordering::Relaxed)))
}
