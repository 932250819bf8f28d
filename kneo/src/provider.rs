//! Models: the contract of providers, and the providers that need no network.

#[doc(inline)]
pub use kneo_core::call::{CallContext, CallError, Deltas};
#[doc(inline)]
pub use kneo_core::provider::*;
pub use kneo_providers::{
    Answer, AskedRequest, DummyProvider, Reply, Script, ScriptError, ScriptedProvider, ScriptedProviderBuilder, Turn,
};
