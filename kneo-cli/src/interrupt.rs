//! Ctrl-C.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};

use crate::exit::Exit;

/// The first Ctrl-C is for the run; the second ends this process at once.
pub(crate) struct Interrupts {
    presses: UnboundedReceiver<()>,
    at_once: Arc<AtomicBool>,
}

impl Interrupts {
    /// Begins to listen.
    pub(crate) fn listen() -> Interrupts {
        let (sender, presses) = unbounded_channel();
        let at_once = Arc::new(AtomicBool::new(false));
        let leave = Arc::clone(&at_once);
        tokio::spawn(async move {
            while tokio::signal::ctrl_c().await.is_ok() {
                if leave.swap(true, Ordering::Relaxed) {
                    // What the run has committed is safe, and so is a cancel request.
                    std::process::exit(Exit::Interrupted.code().into());
                }
                if sender.send(()).is_err() {
                    return;
                }
            }
        });
        Interrupts { presses, at_once }
    }

    /// Whether the next Ctrl-C ends the process: while a person is asked, nothing of the run is under way.
    pub(crate) fn leave_at_once(&self, yes: bool) {
        self.at_once.store(yes, Ordering::Relaxed);
    }

    /// Waits for a Ctrl-C.
    pub(crate) async fn next(&mut self) {
        if self.presses.recv().await.is_none() {
            // Nobody listens any more: Ctrl-C never comes.
            std::future::pending::<()>().await;
        }
    }
}
