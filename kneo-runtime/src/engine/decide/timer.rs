//! What is due by itself.

use kneo_core::event::{AfterExpiry, Event};
use kneo_core::plan::OnTimeout;
use kneo_core::task::{Decision, DecisionKind};
use kneo_core::{Segment, TaskId};

use super::{Out, effect, ending};
use crate::engine::state::{OpenTask, State, Timer};

/// Fires the earliest timer that is due. `true` if one was.
pub(super) fn due(state: &State, out: &mut Out) -> bool {
    let Some((at, timer)) = state.timers.first() else { return false };
    if *at > out.at {
        return false;
    }
    match timer {
        Timer::Backoff(path) => match path.last() {
            Some(Segment::Turn(_)) => super::agent::ask_model(state, out, path),
            Some(Segment::Server(_)) => super::agent::ask_server(state, out, path),
            _ => effect::start_function(state, out, path),
        },
        Timer::StepTimeout(path) => ending::stop(state, out, path),
        Timer::Task(id) => {
            if let Some(task) = state.tasks.get(id) {
                expire(out, *id, task);
            }
        }
    }
    true
}

fn expire(out: &mut Out, task: TaskId, open: &OpenTask) {
    let event = match open.opened.on_timeout {
        OnTimeout::Continue => Event::TaskExpired { task, then: AfterExpiry::Continue(stand_in(open)) },
        OnTimeout::Escalate => Event::TaskEscalated { task },
        OnTimeout::Fail => Event::TaskExpired { task, then: AfterExpiry::Fail },
    };
    out.push(open.path.clone(), event);
}

/// What stands when nobody answered: the default option, or else approval.
fn stand_in(open: &OpenTask) -> Decision {
    match &open.opened.request.default_option {
        Some(option) if open.opened.request.actions.contains(&DecisionKind::Select) => {
            Decision::Select { option: option.clone() }
        }
        _ => Decision::approve(),
    }
}
