//! What expressions may read, where.

use std::borrow::Cow;

use kneo_core::expr::{Env, Expr, ExprError, Meter, Root, StepField, TextTemplate, ValueTemplate};
use kneo_core::plan::NodeIx;
use kneo_core::{Failure, FailureKind, Value};

use super::state::{ScopeRun, State};

/// The view of a step's own fields — `when`, `input`, `set`, edge conditions: its scope, the flow and the run.
pub(super) struct ScopeView<'a> {
    pub(super) state: &'a State,
    pub(super) scope: &'a ScopeRun,
    pub(super) prev: &'a Value,
}

/// The view of a component's own texts — prompts, descriptions, `approval`: its input and the run.
pub(super) struct InputView<'a> {
    pub(super) state: &'a State,
    pub(super) input: &'a Value,
}

fn run_root(state: &State, root: Root) -> Option<Cow<'_, Value>> {
    match root {
        Root::RunId => Some(Cow::Owned(Value::from(state.run.to_string()))),
        Root::RunStartedAt => Some(Cow::Owned(Value::from(state.started_at.to_string()))),
        _ => None,
    }
}

impl Env for ScopeView<'_> {
    fn root(&self, root: Root) -> Option<Cow<'_, Value>> {
        match root {
            Root::Input => Some(Cow::Borrowed(&self.scope.input)),
            Root::Prev => Some(Cow::Borrowed(self.prev)),
            _ => run_root(self.state, root),
        }
    }

    fn step(&self, step: u32, field: StepField) -> Option<Cow<'_, Value>> {
        let result = self.scope.node(NodeIx::new(step))?.settled.as_ref()?;
        match field {
            StepField::Output => result.output.as_ref().map(Cow::Borrowed),
            StepField::Status => Some(Cow::Owned(Value::from(result.status.as_str()))),
            StepField::Error => result.error.as_ref().map(|failure| Cow::Owned(failure.to_value())),
            StepField::Decision => result.decision.as_ref().map(Cow::Borrowed),
            StepField::Attempts => Some(Cow::Owned(Value::from(result.attempts))),
            _ => None,
        }
    }

    fn step_id(&self, step: u32) -> Option<&str> {
        self.state.plan().node(NodeIx::new(step)).map(|node| node.id.as_str())
    }
}

impl Env for InputView<'_> {
    fn root(&self, root: Root) -> Option<Cow<'_, Value>> {
        match root {
            Root::Input => Some(Cow::Borrowed(self.input)),
            _ => run_root(self.state, root),
        }
    }

    fn step(&self, _: u32, _: StepField) -> Option<Cow<'_, Value>> {
        None
    }
}

/// Evaluates a condition: anything but a truth value is a failure.
pub(super) fn holds(expr: &Expr, env: &dyn Env) -> Result<bool, Failure> {
    let value = expr.eval_ref(env, &mut Meter::new()).map_err(failed)?;
    value.as_bool().ok_or_else(|| {
        let message = format!("the condition gave a {}, not a truth value", value.type_name());
        Failure::new(FailureKind::Expression, message).with_code("type_mismatch")
    })
}

pub(super) fn text(template: &TextTemplate, env: &dyn Env) -> Result<std::sync::Arc<str>, Failure> {
    template.eval(env, &mut Meter::new()).map_err(failed)
}

pub(super) fn value(template: &ValueTemplate, env: &dyn Env) -> Result<Value, Failure> {
    template.eval(env, &mut Meter::new()).map_err(failed)
}

fn failed(error: ExprError) -> Failure {
    Failure::new(FailureKind::Expression, error.message()).with_code(error.code().as_str())
}
