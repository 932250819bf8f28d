//! The verbs, one file each.

pub(crate) mod completions;
pub(crate) mod doctor;
pub(crate) mod explain;
pub(crate) mod human;
pub(crate) mod new;
pub(crate) mod run;
pub(crate) mod runs;
pub(crate) mod spec;
