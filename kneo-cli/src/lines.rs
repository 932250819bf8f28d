//! Lines that a person types.

use std::io;
use std::sync::mpsc::{Sender, channel};

use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};

/// Reads standard input on a thread of its own, one line at a time and only when it is asked for one: what nobody asked
/// for stays with the terminal.
pub(crate) struct Lines {
    wanted: Sender<()>,
    typed: UnboundedReceiver<Option<String>>,
    /// A line was asked for and has not come.
    is_reading: bool,
}

impl Lines {
    /// Begins to read; the thread ends with the process.
    pub(crate) fn read() -> io::Result<Lines> {
        let ((wanted, asked), (sender, typed)) = (channel(), unbounded_channel());
        std::thread::Builder::new().name("kneo-lines".to_owned()).spawn(move || {
            while asked.recv().is_ok() {
                let mut line = String::new();
                let read = io::stdin().read_line(&mut line).is_ok_and(|bytes| bytes > 0);
                if sender.send(read.then(|| line.trim().to_owned())).is_err() {
                    return;
                }
            }
        })?;
        Ok(Lines { wanted, typed, is_reading: false })
    }

    /// Throws away what was typed before it was asked for, half a line included: it was meant for something else.
    pub(crate) fn forget(&mut self) {
        #[cfg(unix)]
        {
            // Where it is no terminal there is nothing to throw away.
            let _ = rustix::termios::tcflush(io::stdin(), rustix::termios::QueueSelector::IFlush);
        }
        while self.typed.try_recv().is_ok() {
            self.is_reading = false;
        }
    }

    /// The next line, without the white space around it; `None` at the end of the input.
    ///
    /// Dropping the future loses no line: the next call gets it, unless it is thrown away.
    pub(crate) async fn next(&mut self) -> Option<String> {
        if !self.is_reading {
            self.is_reading = self.wanted.send(()).is_ok();
        }
        let line = self.typed.recv().await;
        self.is_reading = false;
        line.flatten()
    }
}
