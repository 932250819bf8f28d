//! What is true of every drawing of every plan, whoever built it.

mod drawn;
mod golden;
mod graphviz;
pub(super) mod plans;
mod seen;
