//! Servers and suites that others have written.

mod conformance;
mod program;
mod servers;
