//! Ctrl-C.

use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};

use crate::exit::Exit;

/// The first Ctrl-C is for the run, or for the question that is asked; the second ends this process at once.
pub(crate) struct Interrupts {
    presses: UnboundedReceiver<()>,
}

impl Interrupts {
    /// Begins to listen.
    pub(crate) fn listen() -> Interrupts {
        let (sender, presses) = unbounded_channel();
        tokio::spawn(async move {
            let mut again = false;
            while tokio::signal::ctrl_c().await.is_ok() {
                if std::mem::replace(&mut again, true) {
                    // What the run has committed is safe, and so is a cancel request.
                    std::process::exit(Exit::Interrupted.code().into());
                }
                if sender.send(()).is_err() {
                    return;
                }
            }
        });
        Interrupts { presses }
    }

    /// Waits for a Ctrl-C.
    pub(crate) async fn next(&mut self) {
        if self.presses.recv().await.is_none() {
            // Nobody listens any more: Ctrl-C never comes.
            std::future::pending::<()>().await;
        }
    }
}
