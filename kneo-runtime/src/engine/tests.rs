//! The engine against a small model, under random interleavings.

mod grammar;
mod history;
mod journal;
mod property;
mod scenario;
mod sim;
