//! MCP servers, whose tools agents may call.

use std::sync::Arc;

use kneo_core::digest::Digest;
use kneo_core::plan::Transport;

use super::{Running, Stage};

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
    pub(crate) expect_digest: Option<Digest>,
    pub(crate) running: Running<S>,
}
