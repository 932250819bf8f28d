//! What providers that speak HTTP share: one bounded exchange, server-sent events, and errors without keys.

pub(crate) mod address;
pub(crate) mod bounds;
pub(crate) mod client;
pub(crate) mod code;
pub(crate) mod exchange;
pub(crate) mod key;
pub(crate) mod redact;
pub(crate) mod sse;
pub(crate) mod veil;
