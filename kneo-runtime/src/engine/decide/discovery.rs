//! What a server offers, held against what the spec expects of it.

use kneo_core::provider::ToolOffer;
use kneo_core::{Failure, FailureKind, Path, Payload, Segment};

use super::agent::agent_of;
use crate::engine::offer;
use crate::engine::state::State;

/// The stored form of what an agent may use of an offer.
///
/// # Errors
/// Something that the spec names is not offered, or not as the spec expects it, or cannot be used.
pub(super) fn accept(state: &State, path: &Path, offered: &[ToolOffer]) -> Result<Payload, Failure> {
    let agent = state.owner(path).and_then(|step| agent_of(state, &step));
    let (Some((_, def, _)), Some(Segment::Server(at))) = (agent, path.last()) else {
        return Err(Failure::new(FailureKind::Tool, "no agent asked").with_retryable(false));
    };
    offer::accept(state.plan(), at, &def.tools, def.servers.contains(&at), offered)
}
