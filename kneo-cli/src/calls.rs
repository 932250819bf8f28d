//! Places in runs down to the turns of agents and the tools that they call, in words.

use std::collections::BTreeMap;

use kneo::event::Event;
use kneo::plan::Plan;
use kneo::{Path, RunEvent, Segment, Value};

use crate::places::words;
use crate::visible::line;

/// The names of the tools that models asked for; of two calls of one tool in one turn the second is `look (2)`.
#[derive(Debug, Default)]
pub(crate) struct Calls {
    names: BTreeMap<Path, String>,
}

impl Calls {
    /// A model's turn names the tools that are called below it.
    pub(crate) fn learn(&mut self, event: &RunEvent) {
        let turn = event.record.path();
        let (Event::EffectSucceeded { output, .. }, Some(Segment::Turn(_))) = (event.event(), turn.last()) else {
            return;
        };
        let Some(Value::List(calls)) = output.value().get("calls") else { return };
        let mut asked: BTreeMap<&str, u32> = BTreeMap::new();
        for (at, call) in (0u32..).zip(calls.items()) {
            if let Some(name) = call.get("name").and_then(Value::as_str) {
                let times = asked.entry(name).or_default();
                *times += 1;
                let told = if *times > 1 { format!("{name} ({times})") } else { name.to_owned() };
                self.names.insert(turn.child(Segment::Call(at)), told);
            }
        }
    }

    /// A place, such as `write (2), turn 1` or `write (2), tool save_notes`; empty for the run itself.
    pub(crate) fn place(&self, plan: &Plan, path: &Path) -> String {
        let place = words(plan, path);
        match path.last() {
            Some(Segment::Turn(turn)) => format!("{place}, turn {turn}"),
            Some(Segment::Server(at)) => match plan.server(at) {
                Some(server) => format!("{place}, tools of {}", server.name),
                None => place,
            },
            Some(Segment::Call(at)) => match self.names.get(path) {
                Some(tool) => format!("{place}, tool {}", line(tool)),
                None => format!("{place}, tool call {}", at + 1),
            },
            _ => place,
        }
    }
}
