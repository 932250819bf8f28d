//! How a run gets on, on standard error: a live line on a terminal, plain lines elsewhere, nothing when told so.

mod live;
mod narrator;
mod told;

use std::sync::Arc;
use std::time::Duration;

use kneo::plan::Plan;
use kneo::{Failure, Path, RunEvent};

use crate::output::{Output, is_watched};
use live::Live;
use narrator::{Narrator, News};

/// Tells how a run gets on.
pub(crate) struct Progress {
    narrator: Narrator,
    output: Output,
    live: Option<Live>,
}

impl Progress {
    /// Begins to tell.
    pub(crate) fn new(plan: Arc<Plan>, output: Output) -> Progress {
        Progress { narrator: Narrator::new(plan), output, live: live(output) }
    }

    /// Takes the next event of the run.
    pub(crate) fn tell(&mut self, event: &RunEvent) {
        for news in self.narrator.take(event) {
            match (&self.live, news) {
                // It is in the live line.
                (Some(_), News::Begun(_)) => {}
                (Some(live), News::Over(line) | News::Notable(line)) => live.line(&line),
                (None, News::Begun(line) | News::Over(line) | News::Notable(line)) => self.output.note(&line),
            }
        }
        if let Some(live) = &self.live {
            live.show(&self.narrator.summary());
        }
    }

    /// Takes an event that was told before: what it says of names and of what is under way holds on.
    pub(crate) fn learn(&mut self, event: &RunEvent) {
        self.narrator.learn(event);
    }

    /// The person at the terminal is asked about a place, and needs no other word of it.
    pub(crate) fn asked(&mut self, path: &Path) {
        self.narrator.asked(path);
    }

    /// Whether it told why the run failed.
    pub(crate) fn has_told(&self, failure: &Failure) -> bool {
        !self.output.quiet && self.narrator.has_told(failure)
    }

    /// Writes a line of the program's own between those of the run.
    pub(crate) fn note(&self, line: &str) {
        match &self.live {
            Some(live) => live.line(line),
            None => self.output.note(line),
        }
    }

    /// Leaves the terminal to somebody else, such as a question.
    pub(crate) fn pause(&mut self) {
        self.live = None;
    }

    /// Takes the terminal back.
    pub(crate) fn go_on(&mut self) {
        self.live = live(self.output);
    }
}

fn live(output: Output) -> Option<Live> {
    if output.quiet || !is_watched() { None } else { Live::start() }
}

/// A duration as people read it.
fn readable(duration: Duration) -> String {
    match duration.as_millis() {
        ms @ 0..1_000 => format!("{ms} ms"),
        ms @ 1_000..60_000 => format!("{}.{} s", ms / 1_000, ms % 1_000 / 100),
        ms => format!("{} min {} s", ms / 60_000, ms % 60_000 / 1_000),
    }
}
