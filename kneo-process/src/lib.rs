//! What starting a program safely needs, for the crates of Kneo that start some: `kneo-tools` runs commands, `kneo-mcp`
//! servers.
//!
//! | | |
//! | --- | --- |
//! | [`Guard`] | leads a process group, and kills it when this process is gone |
//! | [`SearchPath`] | which file a program's name means |
//! | [`environment`] | what may stand in a child's environment |
//! | [`directory`] | where a child may run |
//! | [`Tail`] | the last bytes of an output, in bounded memory |
//!
//! Nothing here knows what a spec, a plan or a call is: errors are typed, and whoever calls gives them their codes.

pub mod directory;
pub mod environment;
#[cfg(unix)]
mod guard;
mod search_path;
mod tail;

#[cfg(unix)]
pub use guard::{Guard, SHELL};
pub use search_path::{SearchPath, SearchPathError};
pub use tail::Tail;
