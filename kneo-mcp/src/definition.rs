//! What a spec says of a server, checked against what the host allows.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use kneo_core::plan::{McpServerDef, Transport};

use crate::http::Address;
use crate::problem::Problem;
use crate::settings::Settings;
#[cfg(unix)]
use crate::stdio::Program;

/// A server that may be connected to.
#[derive(Debug)]
pub(crate) struct Definition {
    pub(crate) target: Target,
    pub(crate) request_timeout: Duration,
    /// What the spec itself says of one request, which holds for those that connect too.
    pub(crate) own_timeout: Option<Duration>,
    pub(crate) max_response_bytes: usize,
}

/// Where a server is.
#[derive(Debug)]
pub(crate) enum Target {
    #[cfg(unix)]
    Stdio(Program),
    Http(Box<Address>),
}

impl Definition {
    /// Checks a definition; nothing is started, connected to or resolved.
    ///
    /// # Errors
    /// What the host does not allow, or what cannot be.
    pub(crate) fn new(definition: &McpServerDef, settings: &Settings) -> Result<Definition, Problem> {
        let target = match &definition.transport {
            #[cfg(unix)]
            Transport::Stdio(stdio) => Target::Stdio(Program::new(stdio, settings)?),
            #[cfg(not(unix))]
            Transport::Stdio(_) => {
                let why = "programs need process groups, which it lacks; reach the server by its `url`";
                return Err(Problem::Unsupported(why.into()));
            }
            Transport::Http(http) => Target::Http(Box::new(Address::new(http, settings)?)),
        };
        if definition.timeout_ms == Some(0) {
            return Err(Problem::Definition("its `timeout_seconds` is zero; write seconds above 0".to_owned()));
        }
        let own_timeout = definition.timeout_ms.map(Duration::from_millis);
        let request_timeout = own_timeout.unwrap_or(settings.request_timeout);
        let max_response_bytes = match definition.max_response_bytes {
            Some(0) => {
                return Err(Problem::Definition("its `max_response_bytes` is zero; write bytes above 0".to_owned()));
            }
            Some(bytes) => usize::try_from(bytes).unwrap_or(usize::MAX).min(settings.max_response_bytes),
            None => settings.max_response_bytes,
        };
        Ok(Definition { target, request_timeout, own_timeout, max_response_bytes })
    }
}

/// The parts of a definition that a connection is made of: servers that differ in nothing else share one.
#[derive(Clone, PartialEq)]
pub(crate) struct Key {
    transport: Transport,
    timeout_ms: Option<u64>,
    max_response_bytes: Option<u64>,
}

/// Shows nothing: a definition may hold what nobody should read.
impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Key").finish_non_exhaustive()
    }
}

impl Key {
    pub(crate) fn of(definition: &McpServerDef) -> Arc<Key> {
        let McpServerDef { name: _, transport, timeout_ms, max_response_bytes, tools: _ } = definition;
        let (timeout_ms, max_response_bytes) = (*timeout_ms, *max_response_bytes);
        Arc::new(Key { transport: transport.clone(), timeout_ms, max_response_bytes })
    }
}
