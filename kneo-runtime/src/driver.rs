//! Performs what the engine decides.
//!
//! Each live run is one task, its *actor*: it drains what happened, decides, commits once, and only then starts the
//! effects that the commit made durable. Beside the actors run three tasks of the runtime: one claims runs, one
//! extends their leases, one takes hints of the store. Hints may be lost; polling finds what they did not tell.

mod actor;
mod asked;
mod claim;
mod effect;
mod heartbeat;
mod hint;
mod hub;
mod live;

pub(crate) use actor::{Creation, NotMade, create};
pub(crate) use asked::Asked;
pub(crate) use claim::{claim_loop, claim_one, claim_to_end};
pub(crate) use effect::caught;
pub(crate) use heartbeat::heartbeat_loop;
pub(crate) use hint::hint_loop;
pub(crate) use hub::{Hub, Watch};
pub(crate) use live::LiveRuns;
