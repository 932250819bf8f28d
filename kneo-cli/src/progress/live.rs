//! The live line of a terminal.

use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::visible;

/// A line that moves, at the end of the terminal, with the lines of the run above it.
pub(super) struct Live(ProgressBar);

impl Live {
    /// Takes the end of the terminal; nothing where it cannot move, as with `TERM=dumb`: every line would be lost.
    pub(super) fn start() -> Option<Live> {
        let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr());
        if bar.is_hidden() {
            return None;
        }
        if let Ok(style) = ProgressStyle::with_template("{spinner:.cyan} {wide_msg} {elapsed:.dim}") {
            bar.set_style(style);
        }
        bar.enable_steady_tick(Duration::from_millis(100));
        Some(Live(bar))
    }

    /// Replaces the live line.
    pub(super) fn show(&self, text: &str) {
        self.0.set_message(visible::guarded(text).into_owned());
    }

    /// Writes a line above it.
    pub(super) fn line(&self, text: &str) {
        let text = &*visible::guarded(text);
        match anstream::AutoStream::choice(&std::io::stderr()) {
            anstream::ColorChoice::Never => self.0.println(anstream::adapter::strip_str(text).to_string()),
            _ => self.0.println(text),
        }
    }
}

/// Leaves the terminal as it was.
impl Drop for Live {
    fn drop(&mut self) {
        self.0.finish_and_clear();
    }
}
