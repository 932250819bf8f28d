//! Starts the effects that a commit made durable, and stops those that are no longer wanted.

use std::sync::Arc;
use std::task::Poll;

use kneo_core::call::CallContext;
use kneo_core::event::EffectKind;
use kneo_core::{Attempt, Cancel, Path};
use tokio::task::AbortHandle;

use super::{Actor, Stop};
use crate::bind::Bound;
use crate::driver::effect::{Bounds, Callee, attempt, supervise};
use crate::engine::{EffectRequest, EffectResult, InputKind, OpenEffect, effect_request};
use crate::error::{BindError, RuntimeError};
use crate::{deltas, observe};

/// An attempt on its way.
pub(super) struct Running {
    attempt: Attempt,
    cancel: Cancel,
    task: AbortHandle,
}

/// Dropping an actor drops its attempts; one that was told to stop and forgotten ends by itself.
impl Drop for Running {
    fn drop(&mut self) {
        if !self.cancel.is_cancelled() {
            self.task.abort();
        }
    }
}

impl Actor {
    /// Brings the attempts on their way in line with the effects that are open.
    pub(super) async fn reconcile(&mut self) -> Result<(), Stop> {
        for (path, running) in &self.running {
            let open = self.state.open_effect(path).filter(|open| open.attempt == running.attempt);
            if open.is_none_or(|open| open.cancelling) {
                running.cancel.cancel();
            }
        }
        let idle = |(path, _): &(&Path, &OpenEffect)| !self.running.contains_key(*path);
        let idle: Vec<_> = self.state.open_effects().filter(idle).map(|(path, open)| (path.clone(), *open)).collect();
        // A call that is alone may end at once, which spares a task; several calls run side by side.
        let alone = idle.len() == 1 && self.running.is_empty();
        for (path, open) in idle {
            match open.cancelling {
                // Told to stop in the turn that wanted it: it never begins, so nothing else says that it is over.
                true => {
                    let (attempt, result) = (open.attempt, EffectResult::Cancelled);
                    self.inbox.push(InputKind::Outcome { path, attempt, result });
                }
                false => self.begin(path, open, alone).await?,
            }
        }
        Ok(())
    }

    async fn begin(&mut self, path: Path, open: OpenEffect, alone: bool) -> Result<(), Stop> {
        let OpenEffect { attempt: number, kind, intended_at, deadline, .. } = open;
        let request = match effect_request(&self.state, &path) {
            Ok(request) => request,
            Err(failure) => {
                let result = EffectResult::failed(failure);
                self.inbox.push(InputKind::Outcome { path, attempt: number, result });
                return Ok(());
            }
        };
        let plan = self.bound.program.compiled();
        let span = observe::effect(kind, &path, number, plan.plan());
        let (cancel, limit) = (self.cancel.child(), deadline.map(|deadline| deadline.since(intended_at)));
        let mut context = CallContext::new(self.live.key.clone(), path.clone(), number, cancel.clone())
            .with_plan(Arc::clone(plan))
            .with_run_started_at(self.state.started_at())
            .with_timeout(limit)
            .with_parent(self.trace)
            .with_secrets(self.bound.secrets().clone());
        if let EffectRequest::Function { key, .. } = &request {
            context = context.with_key(key.clone());
        }
        if kind == EffectKind::ModelTurn {
            let sink = self.shared.deltas.as_ref();
            context = context.with_deltas(deltas::of(sink, self.live.key.run, &path, number));
        }
        let callee = Callee::of(plan.plan(), &request);
        let Some(mut attempting) = attempt(&self.bound, request, context, span) else {
            return Err(nothing_bound(&self.bound).into());
        };
        if alone && let Poll::Ready(result) = futures_util::poll!(&mut attempting) {
            self.inbox.push(InputKind::Outcome { path, attempt: number, result });
            return Ok(());
        }
        let bounds = Bounds { callee, cancel: cancel.clone(), limit, grace: self.shared.options.cancel_grace };
        let (results, at) = (self.results.0.clone(), path.clone());
        let task = self.shared.work.spawn(async move {
            let result = supervise(attempting, bounds).await;
            // An actor that is gone wants no result.
            let _ = results.send(InputKind::Outcome { path: at, attempt: number, result });
        });
        self.running.insert(path, Running { attempt: number, cancel, task: task.abort_handle() });
        Ok(())
    }

    /// Takes the result of an attempt.
    pub(super) fn settle(&mut self, result: InputKind) {
        if let InputKind::Outcome { path, attempt, .. } = &result
            && self.running.get(path).is_some_and(|running| running.attempt == *attempt)
        {
            self.running.remove(path);
        }
        self.inbox.push(result);
    }

    /// Tells every attempt to stop; each ends within its grace.
    pub(super) fn tell_running_to_stop(&self) {
        self.cancel.cancel();
    }
}

/// A run that was claimed only to be ended wants to go on: it is for a host that has what it needs.
fn nothing_bound(bound: &Bound) -> RuntimeError {
    let workflow = bound.program.plan().name.clone();
    let missing = bound.program.plan().requirements();
    RuntimeError::RequirementsMissing(std::sync::Arc::new(BindError {
        workflow,
        missing,
        refused: vec![],
        schema: None,
    }))
}
