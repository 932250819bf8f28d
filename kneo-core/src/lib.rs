//! The vocabulary and the contracts of Kneo.
//!
//! Nothing here performs I/O, reads a clock or the environment, or knows an async runtime: the crate holds the words
//! that a compiler, an engine, stores, model providers and tools share, and the traits by which a host plugs them in.
//!
//! | To | read |
//! | --- | --- |
//! | write a store | [`store::Store`], [`commit::Commit`] |
//! | write a provider, a tool, a function | [`provider::Provider`], [`tool::Tool`], [`tool::Function`] |
//! | connect to somebody's tools | [`tool_server::ToolServer`], [`tool_server::Connector`] |
//! | vouch for plans | [`seal::Seal`], [`seal::PlanVerifier`] |
//! | watch runs | [`observer::Observer`], [`trace::TraceContext`] |
//! | supply secrets, time, randomness | [`secret::SecretSource`], [`clock::Clock`], [`clock::Entropy`] |
//! | read a run's journal | [`record::Record`], [`event::Event`] |
//! | build or read a plan | [`plan::Plan`], [`expr::Expr`] |

pub mod actor;
pub mod address;
pub mod call;
pub mod cancel;
pub mod clock;
pub mod commit;
pub mod conformance;
pub mod digest;
pub mod event;
pub mod expr;
pub mod failure;
pub mod id;
pub mod launch;
pub mod message;
pub mod name;
pub mod observer;
pub mod path;
pub mod payload;
pub mod plan;
pub mod provider;
pub mod record;
pub mod retry_after;
pub mod run;
pub mod schema;
pub mod seal;
pub mod secret;
pub mod store;
pub mod task;
pub mod time;
pub mod tool;
pub mod tool_server;
pub mod trace;
pub mod usage;
pub mod value;

pub use actor::Actor;
pub use cancel::Cancel;
pub use digest::Digest;
pub use failure::{Failure, FailureKind};
pub use id::{CommitId, RunId, TaskId, WorkerId};
pub use name::{Name, Namespace};
pub use path::{Path, Segment};
pub use payload::Payload;
pub use plan::{CompiledPlan, Plan};
pub use run::{Attempt, Fence, RunKey, RunOutcome, RunStatus, Seq};
pub use time::Timestamp;
pub use usage::Usage;
pub use value::{List, Map, Number, Value, ValueError};
