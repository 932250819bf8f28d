//! What the tests share.

use std::sync::Arc;

use kneo_core::call::CallContext;
use kneo_core::message::{Message, Role};
use kneo_core::provider::ModelRequest;
use kneo_core::{Attempt, Cancel, Namespace, RunId, RunKey};

pub(crate) fn ask(agent: &str, turn: u32, input: &str) -> ModelRequest {
    ModelRequest::new(agent, turn, vec![Arc::new(Message::text(Role::User, input))])
}

pub(crate) fn at(path: &str, attempt: u32) -> CallContext {
    let run = RunKey::new(Namespace::default(), RunId::from_bytes([7; 16]));
    CallContext::new(run, path.parse().unwrap(), Attempt::new(attempt).unwrap(), Cancel::new())
}
