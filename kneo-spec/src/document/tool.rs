//! Tools, which agents call, and functions, which steps call.

use std::sync::Arc;

use super::{Backing, JsonSchema, Running, Stage};

pub(crate) struct Tool<S: Stage> {
    pub(crate) description: Option<Arc<str>>,
    pub(crate) parameters: Option<JsonSchema>,
    pub(crate) backing: Backing<S>,
    pub(crate) running: Running<S>,
}

pub(crate) struct Function<S: Stage> {
    pub(crate) backing: Backing<S>,
    pub(crate) running: Running<S>,
}
