//! What happens in a run, as a stream.

use std::collections::VecDeque;
use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use futures_core::Stream;
use futures_util::StreamExt as _;
use kneo_core::event::Event;
use kneo_core::record::{Record, Stored};
use kneo_core::{RunId, Seq};

use crate::driver::Watch;
use crate::error::RuntimeError;
use crate::shared::{RECORDS_PER_READ, Shared};

/// A place between two events of a run; a host may keep it and go on from there, in another process too.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
pub struct Cursor(Option<Seq>);

impl Cursor {
    /// Before the first event.
    pub const START: Cursor = Cursor(None);

    /// After the event at a place.
    #[must_use]
    pub const fn after(seq: Seq) -> Cursor {
        Cursor(Some(seq))
    }

    /// The last event before the cursor; `None` before the first.
    #[must_use]
    pub const fn seq(self) -> Option<Seq> {
        self.0
    }
}

/// One event of a run: a durable record and its place.
#[derive(Clone, PartialEq, Debug)]
#[non_exhaustive]
pub struct RunEvent {
    /// The run.
    pub run: RunId,
    /// Its place: dense, from 1.
    pub seq: Seq,
    /// What happened, where, when and by whom.
    pub record: Record,
}

impl RunEvent {
    /// The place after this event.
    #[must_use]
    pub fn cursor(&self) -> Cursor {
        Cursor::after(self.seq)
    }

    /// What happened.
    #[must_use]
    pub fn event(&self) -> &Event {
        self.record.event()
    }
}

/// The events of a run from a cursor on: what happened and what happens, in order, each once, to the run's end.
///
/// Reads the journal and never the engine, so a slow reader slows no run. After an error the stream goes on where it
/// was.
pub struct EventStream(Pin<Box<dyn Stream<Item = Result<RunEvent, RuntimeError>> + Send>>);

impl EventStream {
    pub(crate) fn new(shared: Arc<Shared>, run: RunId, cursor: Cursor) -> EventStream {
        let watch = shared.hub.watch(run);
        let reader = Reader { shared, watch, run, cursor, read: VecDeque::new(), over: false };
        EventStream(Box::pin(futures_util::stream::unfold(reader, Reader::next)))
    }

    /// Waits for the next event; `None` after the one that ends the run.
    ///
    /// # Errors
    /// The store fails, or the run does not exist; asked again, the stream goes on where it was.
    ///
    /// # Cancel safety
    /// Dropping the future loses no event.
    pub async fn next(&mut self) -> Option<Result<RunEvent, RuntimeError>> {
        self.0.next().await
    }
}

impl Stream for EventStream {
    type Item = Result<RunEvent, RuntimeError>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.0.as_mut().poll_next(cx)
    }
}

impl fmt::Debug for EventStream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("EventStream")
    }
}

struct Reader {
    shared: Arc<Shared>,
    watch: Arc<Watch>,
    run: RunId,
    cursor: Cursor,
    read: VecDeque<Stored>,
    over: bool,
}

impl Reader {
    async fn next(mut self) -> Option<(Result<RunEvent, RuntimeError>, Reader)> {
        if self.over {
            return None;
        }
        while self.read.is_empty() {
            if let Err(error) = self.read_more().await {
                // A run that does not exist has no more events.
                self.over = matches!(error, RuntimeError::RunNotFound { .. });
                return Some((Err(error), self));
            }
            if self.over {
                return None;
            }
        }
        let Stored { seq, record } = self.read.pop_front()?;
        self.cursor = Cursor::after(seq);
        self.over = matches!(record.event(), Event::RunEnded(_));
        Some((Ok(RunEvent { run: self.run, seq, record }), self))
    }

    /// Reads what follows the cursor, or waits for it.
    async fn read_more(&mut self) -> Result<(), RuntimeError> {
        let key = self.shared.key(self.run);
        let watch = Arc::clone(&self.watch);
        let mut changed = std::pin::pin!(watch.changed.notified());
        // Enabled before reading, so that what is committed between reading and waiting is not missed.
        changed.as_mut().enable();
        self.read = self.shared.store.records(&key, self.cursor.0, RECORDS_PER_READ).await?.into();
        if !self.read.is_empty() {
            return Ok(());
        }
        // A cursor at the end of a run that is over waits for nothing.
        if self.shared.row(self.run).await?.status.is_terminal() {
            self.read = self.shared.store.records(&key, self.cursor.0, RECORDS_PER_READ).await?.into();
            self.over = self.read.is_empty();
            return Ok(());
        }
        tokio::select! {
            biased;
            () = changed => {}
            () = tokio::time::sleep(self.shared.options.poll) => {}
        }
        Ok(())
    }
}
