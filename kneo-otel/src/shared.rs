//! A span processor in two places: in the host's tracer provider, and here.

use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard};
use std::time::Duration;

use opentelemetry::Context;
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::error::OTelSdkResult;
use opentelemetry_sdk::trace::{Span, SpanData, SpanProcessor};

/// A span processor that may stand in the host's tracer provider and here: spans of both go the same way, through the
/// host's queue to the host's exporter, with the resource of the host's provider.
///
/// Clones are one processor. Give one to the provider, whose `build` tells it the resource, and one to
/// [`OtelObserverBuilder::processor`](crate::OtelObserverBuilder::processor); the host shuts its provider down after the
/// observer.
///
/// ```
/// use kneo_otel::{OtelObserver, SharedProcessor};
/// use opentelemetry_sdk::trace::{BatchSpanProcessor, SdkTracerProvider};
/// # use opentelemetry_sdk::trace::InMemorySpanExporter;
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let exporter = InMemorySpanExporter::default();
/// let processor = SharedProcessor::new(BatchSpanProcessor::builder(exporter).build());
/// let provider = SdkTracerProvider::builder().with_span_processor(processor.clone()).build();
/// let observer = OtelObserver::builder().processor(processor).build()?;
/// # observer.shutdown_blocking(std::time::Duration::from_secs(1))?;
/// # provider.shutdown()?;
/// # Ok(()) }
/// ```
#[derive(Clone, Debug)]
pub struct SharedProcessor(Arc<RwLock<Box<dyn SpanProcessor>>>);

impl SharedProcessor {
    /// Shares a processor.
    pub fn new(processor: impl SpanProcessor + 'static) -> SharedProcessor {
        SharedProcessor(Arc::new(RwLock::new(Box::new(processor))))
    }

    fn read(&self) -> RwLockReadGuard<'_, Box<dyn SpanProcessor>> {
        // A processor that has panicked may still be asked, and what it does then is its own.
        self.0.read().unwrap_or_else(PoisonError::into_inner)
    }
}

impl SpanProcessor for SharedProcessor {
    fn on_start(&self, span: &mut Span, context: &Context) {
        self.read().on_start(span, context);
    }

    fn on_end(&self, span: SpanData) {
        self.read().on_end(span);
    }

    fn force_flush(&self) -> OTelSdkResult {
        self.read().force_flush()
    }

    fn shutdown_with_timeout(&self, timeout: Duration) -> OTelSdkResult {
        self.read().shutdown_with_timeout(timeout)
    }

    fn set_resource(&mut self, resource: &Resource) {
        self.0.write().unwrap_or_else(PoisonError::into_inner).set_resource(resource);
    }
}
