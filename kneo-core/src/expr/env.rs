use std::borrow::Cow;

use super::{Root, StepField};
use crate::value::Value;

/// What an expression may read; everything else is invisible to it.
///
/// Lends values where it has them and makes them where it does not. Absent is `None`: a root that this place does not
/// have, a step that has not settled, a field that the step does not have.
pub trait Env {
    /// The value of a root.
    fn root(&self, root: Root) -> Option<Cow<'_, Value>>;

    /// What a step left behind; `step` is its index in the plan.
    fn step(&self, step: u32, field: StepField) -> Option<Cow<'_, Value>>;

    /// The id of a step, for error texts.
    fn step_id(&self, step: u32) -> Option<&str> {
        let _ = step;
        None
    }
}

/// The environment of constant expressions: nothing is there.
impl Env for () {
    fn root(&self, _: Root) -> Option<Cow<'_, Value>> {
        None
    }

    fn step(&self, _: u32, _: StepField) -> Option<Cow<'_, Value>> {
        None
    }
}
