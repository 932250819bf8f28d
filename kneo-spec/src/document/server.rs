//! MCP servers, whose tools agents may call.

use std::sync::Arc;

use kneo_core::digest::Digest;
use kneo_core::plan::Transport;

use super::{Running, Stage};
use crate::source::Spanned;

pub(crate) struct Server<S: Stage> {
    /// `None` of one that was reported.
    pub(crate) transport: Option<Transport>,
    pub(crate) timeout_ms: Option<u64>,
    pub(crate) max_response_bytes: Option<u64>,
    pub(crate) tools: ToolChoice<S>,
}

/// Which tools of a server an agent gets, and what holds for all of them.
pub(crate) struct ToolChoice<S: Stage> {
    pub(crate) include: Option<Vec<Arc<str>>>,
    pub(crate) exclude: Vec<Arc<str>>,
    pub(crate) prefix: Option<Arc<str>>,
    /// Which of those three are written, and where: they say something only to agents that have the server as a whole.
    pub(crate) of_whole: Vec<Spanned<&'static str>>,
    pub(crate) expect_digest: Option<Digest>,
    pub(crate) running: Running<S>,
}

impl<S: Stage> Default for ToolChoice<S> {
    fn default() -> Self {
        let running = Running { effect: None, on_uncertain: None, approval: None };
        Self { include: None, exclude: Vec::new(), prefix: None, of_whole: Vec::new(), expect_digest: None, running }
    }
}
