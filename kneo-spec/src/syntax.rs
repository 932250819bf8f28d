//! From text to a tree in which every node knows its place.
//!
//! The one module that knows the YAML parser. Reading never fails: what cannot be read is left
//! out of the tree, and a diagnostic says so.

mod control;
mod limits;
mod misread;
mod scalar;
mod text;
mod tree;
mod yaml;

pub use limits::Limits;
pub(crate) use misread::{expression_length, needs_quotes, quote};
pub(crate) use text::Text;
pub(crate) use tree::{Entry, Key, Kind, NodeId, Style, Tree};
pub(crate) use yaml::parse;
