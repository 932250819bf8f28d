//! What a run did: the steps that it entered, the tools that ran, the people who were asked.

use std::collections::BTreeMap;

use kneo::event::{EffectKind, Event};
use kneo::plan::{NodeKind, Plan};
use kneo::task::TaskCause;
use kneo::{Path, RunEvent, Segment, Value};

/// What a run did, in order.
#[derive(Debug, Default)]
pub(super) struct Trail {
    pub(super) steps: Vec<String>,
    pub(super) tools: Vec<String>,
    pub(super) asked: Vec<String>,
    /// The tools that models asked for, by the places of their calls.
    calls: BTreeMap<Path, String>,
}

impl Trail {
    pub(super) fn follow(&mut self, plan: &Plan, event: &RunEvent) {
        let path = event.record.path();
        match event.event() {
            Event::StepEntered { .. } | Event::StepComputed { .. } => self.steps.extend(step(plan, path)),
            Event::EffectSucceeded { output, .. } => self.learn(path, output.value()),
            Event::EffectIntended { kind: EffectKind::ToolCall, attempt, .. } if attempt.as_u32() == 1 => {
                self.tools.extend(self.calls.get(path).cloned());
            }
            Event::CallDelegated { .. } => self.tools.extend(self.calls.get(path).cloned()),
            Event::TaskOpened(opened) => self.asked.extend(asked(plan, path, &opened.request.cause)),
            _ => {}
        }
    }

    /// A model's turn names the tools that are called below it.
    fn learn(&mut self, turn: &Path, output: &Value) {
        let (Some(Segment::Turn(_)), Some(Value::List(calls))) = (turn.last(), output.get("calls")) else { return };
        for (at, call) in (0u32..).zip(calls.items()) {
            if let Some(name) = call.get("name").and_then(Value::as_str) {
                self.calls.insert(turn.child(Segment::Call(at)), name.to_owned());
            }
        }
    }
}

/// The ids of the steps on the way to a step, as tests write them; `None` of a fork, which no author wrote.
fn step(plan: &Plan, path: &Path) -> Option<String> {
    let mut ids = Vec::new();
    let mut is_fork = false;
    for segment in path.segments() {
        if let Segment::Node { node, .. } = segment {
            let node = plan.node(*node)?;
            is_fork = matches!(node.kind, NodeKind::Fork(_));
            if !is_fork {
                ids.push(node.id.as_str());
            }
        }
    }
    (!is_fork).then(|| ids.join("/"))
}

/// Who is asked: the id of the step, or what may run only if somebody agrees.
pub(super) fn asked(plan: &Plan, path: &Path, cause: &TaskCause) -> Option<String> {
    match cause {
        TaskCause::Approval { of } | TaskCause::Uncertain { of } => Some(of.to_string()),
        _ => match path.last()? {
            Segment::Node { node, .. } => plan.node(node).map(|node| node.id.to_string()),
            _ => None,
        },
    }
}
