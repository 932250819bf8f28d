//! Where spans go: to an exporter of their own, or to a processor that the host's spans go to as well.

use futures_util::future::BoxFuture;
use opentelemetry_sdk::error::OTelSdkResult;
use opentelemetry_sdk::trace::{SpanData, SpanExporter, SpanProcessor as _};

use crate::shared::SharedProcessor;

/// Takes spans, batch by batch, on the exporting thread.
pub(crate) trait Sink: Send + Sync + 'static {
    fn export(&self, batch: Vec<SpanData>) -> BoxFuture<'_, OTelSdkResult>;

    /// Nothing more comes.
    fn close(&self);
}

/// An exporter of our own.
pub(crate) struct Exporter<E>(pub(crate) E);

impl<E: SpanExporter + 'static> Sink for Exporter<E> {
    fn export(&self, batch: Vec<SpanData>) -> BoxFuture<'_, OTelSdkResult> {
        Box::pin(self.0.export(batch))
    }

    fn close(&self) {
        // Whatever is wrong with it now, nobody will use it again.
        let _ = self.0.shutdown();
    }
}

impl Sink for SharedProcessor {
    fn export(&self, batch: Vec<SpanData>) -> BoxFuture<'_, OTelSdkResult> {
        batch.into_iter().for_each(|span| self.on_end(span));
        Box::pin(std::future::ready(Ok(())))
    }

    /// It is the host's to end.
    fn close(&self) {}
}
