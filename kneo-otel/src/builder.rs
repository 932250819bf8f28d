//! How a host wires the observer.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use opentelemetry::metrics::{Meter, MeterProvider};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::metrics::SdkMeterProvider;
use opentelemetry_sdk::trace::{Sampler, ShouldSample, SpanExporter};

use crate::content::ContentPolicy;
use crate::error::BuildError;
use crate::export::{self, Pace, Workplace};
use crate::metrics::Metrics;
use crate::observer::{OtelObserver, SpanPipe};
#[cfg(feature = "otlp")]
use crate::otlp::Otlp;
use crate::price::Prices;
use crate::queue::Queue;
use crate::shared::SharedProcessor;
use crate::sink::{Exporter, Sink};
use crate::spans::{Spans, scope};

/// Makes an [`OtelObserver`].
///
/// Nothing global is set or read: what is not given here is not used.
#[derive(Default)]
pub struct OtelObserverBuilder {
    destination: Option<Destination>,
    /// A destination that was given beside another.
    beside: Option<(&'static str, &'static str)>,
    meter: Option<Meter>,
    prices: Option<Prices>,
    resource: Option<Resource>,
    sampler: Option<Box<dyn ShouldSample>>,
    content: Option<ContentPolicy>,
    queue: Option<usize>,
    batch: Option<usize>,
    delay: Option<Duration>,
    timeout: Option<Duration>,
    repeat: Option<Duration>,
}

/// Where spans go.
enum Destination {
    Exporter(MakeExporter),
    Processor(SharedProcessor),
    #[cfg(feature = "otlp")]
    Otlp(Otlp),
}

/// Makes a sink of an exporter, once its resource is known.
type MakeExporter = Box<dyn FnOnce(&Resource) -> Box<dyn Sink> + Send>;

impl Destination {
    const fn option(&self) -> &'static str {
        match self {
            Destination::Exporter(_) => "exporter",
            Destination::Processor(_) => "processor",
            #[cfg(feature = "otlp")]
            Destination::Otlp(_) => "otlp",
        }
    }
}

impl OtelObserverBuilder {
    fn destination(mut self, destination: Destination) -> OtelObserverBuilder {
        if let Some(given) = &self.destination {
            self.beside = Some((destination.option(), given.option()));
        }
        self.destination = Some(destination);
        self
    }

    /// Sends spans by an exporter, in batches, from a thread of the observer's own, on which a tokio runtime runs.
    ///
    /// The exporter is the observer's alone: it is shut down with it.
    #[must_use]
    pub fn exporter(self, exporter: impl SpanExporter + 'static) -> OtelObserverBuilder {
        let make = |resource: &Resource| -> Box<dyn Sink> {
            let mut exporter = exporter;
            exporter.set_resource(resource);
            Box::new(Exporter(exporter))
        };
        self.destination(Destination::Exporter(Box::new(make)))
    }

    /// Sends spans the way that the host's own go: see [`SharedProcessor`].
    #[must_use]
    pub fn processor(self, processor: SharedProcessor) -> OtelObserverBuilder {
        self.destination(Destination::Processor(processor))
    }

    /// Sends spans and metrics to a collector, by OTLP over HTTP.
    #[cfg(feature = "otlp")]
    #[must_use]
    pub fn otlp(self, otlp: Otlp) -> OtelObserverBuilder {
        self.destination(Destination::Otlp(otlp))
    }

    /// Keeps metrics in a meter provider of the host, whose readers export them and whom the host shuts down.
    #[must_use]
    pub fn meter_provider(mut self, provider: &dyn MeterProvider) -> OtelObserverBuilder {
        self.meter = Some(provider.meter_with_scope(scope()));
        self
    }

    /// Tells what models cost. Unless given, nothing is said of cost.
    #[must_use]
    pub fn prices(mut self, prices: Prices) -> OtelObserverBuilder {
        self.prices = Some(prices);
        self
    }

    /// What the spans come from: the service, the host, the process. A processor has its own.
    #[must_use]
    pub fn resource(mut self, resource: Resource) -> OtelObserverBuilder {
        self.resource = Some(resource);
        self
    }

    /// Says which runs are exported, each as a whole: it is asked once for a run in each process that takes it up, and
    /// must give the same answer each time. Unless given, all are but those whose starter's trace is not sampled.
    ///
    /// It is called on the task that advances the run.
    #[must_use]
    pub fn sampler(mut self, sampler: impl ShouldSample + 'static) -> OtelObserverBuilder {
        self.sampler = Some(Box::new(sampler));
        self
    }

    /// Lets what people, models and tools say leave. Unless given, none of it does.
    #[must_use]
    pub fn content(mut self, policy: ContentPolicy) -> OtelObserverBuilder {
        self.content = Some(policy);
        self
    }

    /// The most spans that wait to be exported; 8192 unless given. More are dropped, and counted.
    #[must_use]
    pub fn max_queue(mut self, spans: usize) -> OtelObserverBuilder {
        self.queue = Some(spans);
        self
    }

    /// The most spans that are exported at once; 512 unless given.
    #[must_use]
    pub fn max_batch(mut self, spans: usize) -> OtelObserverBuilder {
        self.batch = Some(spans);
        self
    }

    /// The longest that a span waits for a whole batch; a second unless given. What waits when a process is killed is
    /// lost.
    #[must_use]
    pub fn max_delay(mut self, delay: Duration) -> OtelObserverBuilder {
        self.delay = Some(delay);
        self
    }

    /// The longest that an export may take, retries included; ten seconds unless given. Beyond it the batch is dropped.
    #[must_use]
    pub fn export_timeout(mut self, timeout: Duration) -> OtelObserverBuilder {
        self.timeout = Some(timeout);
        self
    }

    /// Exports again what ended within so long before the last word of another worker, when this one takes up its run.
    ///
    /// Unless given, no span is exported twice, and those that a killed process had not exported are missing; spans below
    /// them then hang in the trace without their parent. Given, and longer than that process's
    /// [`max_delay`](OtelObserverBuilder::max_delay) and an export, none is missing of a run that goes on, and some come
    /// twice, the same to the last attribute: for backends that keep one span of an id. Whether that process was killed
    /// or ended calmly makes no difference, as nobody can tell. Metrics count nothing twice.
    #[must_use]
    pub fn repeat(mut self, within: Duration) -> OtelObserverBuilder {
        self.repeat = Some(within);
        self
    }

    /// Builds the observer, and starts its exporting thread if spans are exported.
    ///
    /// # Errors
    /// Nothing is to be exported, options that exclude each other or are out of their range, no thread.
    pub fn build(mut self) -> Result<Arc<OtelObserver>, BuildError> {
        self.check()?;
        let prices = self.prices.take().map(Arc::new);
        let (spans, meter_provider) = match self.destination.take() {
            None => (None, None),
            Some(destination) => {
                let currency = prices.as_ref().map(|prices| Arc::clone(prices.currency()));
                let (spans, meter_provider) = self.start(destination, currency)?;
                (Some(spans), meter_provider)
            }
        };
        let own = meter_provider.as_ref().map(|provider| provider.meter_with_scope(scope()));
        let queue = spans.as_ref().map(|spans| &spans.queue);
        let metrics = self.meter.or(own).map(|meter| Metrics::new(&meter, prices.as_deref(), queue));
        Ok(Arc::new(OtelObserver::new(spans, metrics, prices, meter_provider)))
    }

    /// Starts the exporting thread.
    fn start(
        &mut self,
        destination: Destination,
        currency: Option<Arc<str>>,
    ) -> Result<(SpanPipe, Option<SdkMeterProvider>), BuildError> {
        let pace = Pace { delay: self.delay.unwrap_or(DELAY), timeout: self.timeout.unwrap_or(TIMEOUT) };
        let workplace = Workplace::new().map_err(BuildError::Thread)?;
        let resource = self.resource.take().unwrap_or_else(|| Resource::builder_empty().build());
        let queue = Arc::new(Queue::new(self.queue.unwrap_or(QUEUE), self.batch.unwrap_or(BATCH)));
        let (sink, meter_provider): (Box<dyn Sink>, Option<SdkMeterProvider>) = match destination {
            Destination::Exporter(make) => (workplace.inside(|| make(&resource)), None),
            Destination::Processor(processor) => (Box::new(processor), None),
            #[cfg(feature = "otlp")]
            Destination::Otlp(otlp) => {
                let sent = otlp.build(&workplace, &resource, pace.timeout, queue.trouble.clone())?;
                (Box::new(Exporter(sent.exporter)), sent.meter_provider)
            }
        };
        let sampler = self.sampler.take();
        let sampler = sampler.unwrap_or_else(|| Box::new(Sampler::ParentBased(Box::new(Sampler::AlwaysOn))));
        let content = self.content.take();
        let pipe = SpanPipe { queue: Arc::clone(&queue), sampler, content: content.is_some(), repeat: self.repeat };
        export::start(workplace, queue, Spans::new(content, currency), sink, pace).map_err(BuildError::Thread)?;
        Ok((pipe, meter_provider))
    }

    fn check(&self) -> Result<(), BuildError> {
        if let Some((option, beside)) = self.beside {
            let help = "spans go one way: give one exporter, which may send to several places itself";
            return Err(BuildError::Excluded { option, beside, help });
        }
        match &self.destination {
            None if self.meter.is_none() => return Err(BuildError::Nowhere),
            None => {
                let given = [
                    ("resource", self.resource.is_some()),
                    ("sampler", self.sampler.is_some()),
                    ("content", self.content.is_some()),
                    ("max_queue", self.queue.is_some()),
                    ("max_batch", self.batch.is_some()),
                    ("max_delay", self.delay.is_some()),
                    ("export_timeout", self.timeout.is_some()),
                    ("repeat", self.repeat.is_some()),
                ];
                if let Some((option, _)) = given.into_iter().find(|(_, given)| *given) {
                    let help = "it is about spans, and no spans are exported: give an exporter, or leave it out";
                    return Err(BuildError::Excluded { option, beside: "meter_provider", help });
                }
            }
            Some(Destination::Processor(_)) if self.resource.is_some() => {
                let help = "the tracer provider that the processor is in says what spans come from";
                return Err(BuildError::Excluded { option: "resource", beside: "processor", help });
            }
            #[cfg(feature = "otlp")]
            Some(Destination::Otlp(otlp)) if self.meter.is_some() && otlp.has_metrics() => {
                let help = "metrics go one way: leave it out, or call `without_metrics` on `Otlp`";
                return Err(BuildError::Excluded { option: "meter_provider", beside: "otlp", help });
            }
            Some(_) => {}
        }
        let range = |option, value: String, help| Err(BuildError::Option { option, value, help });
        if let Some(problem) = self.prices.as_ref().and_then(Prices::problem) {
            return range("prices", problem, "a currency is three capitals, and no price is below 0");
        }
        let (queue, batch) =
            (self.queue.unwrap_or(QUEUE), self.batch.unwrap_or(BATCH.min(self.queue.unwrap_or(BATCH))));
        if !(1..=MAX_QUEUE).contains(&queue) {
            return range("max_queue", queue.to_string(), "1 to 1,000,000 spans");
        }
        if !(1..=queue).contains(&batch) {
            return range("max_batch", batch.to_string(), "1 span at least, and as many as may wait at most");
        }
        for (option, value) in [("max_delay", self.delay), ("export_timeout", self.timeout), ("repeat", self.repeat)] {
            if let Some(value) = value.filter(|value| !(MIN_WAIT..=MAX_WAIT).contains(value)) {
                return range(option, format!("{value:?}"), "a millisecond at least, and ten minutes at most");
            }
        }
        Ok(())
    }
}

const QUEUE: usize = 8_192;
const BATCH: usize = 512;
const DELAY: Duration = Duration::from_secs(1);
const TIMEOUT: Duration = Duration::from_secs(10);

const MAX_QUEUE: usize = 1_000_000;
const MIN_WAIT: Duration = Duration::from_millis(1);
const MAX_WAIT: Duration = Duration::from_secs(600);

impl fmt::Debug for OtelObserverBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OtelObserverBuilder")
            .field("destination", &self.destination.as_ref().map(Destination::option))
            .field("content", &self.content)
            .field("prices", &self.prices)
            .finish_non_exhaustive()
    }
}
