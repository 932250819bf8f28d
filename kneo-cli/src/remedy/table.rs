//! The codes, by who gives them.

mod bundles;
mod calls;
mod commands;
mod expressions;
mod failures;
mod files;
mod host;
mod kinds;
mod program;
mod project;
mod providers;
mod secrets;
mod servers;
mod store;
mod telemetry;

use super::Remedy;
use crate::exit::Exit;

/// Every code.
pub(super) const ALL: &[&[Remedy]] = &[
    program::ALL,
    project::ALL,
    files::ALL,
    bundles::ALL,
    host::ALL,
    store::ALL,
    secrets::ALL,
    kinds::ALL,
    failures::ALL,
    expressions::ALL,
    providers::ALL,
    calls::ALL,
    servers::ALL,
    commands::ALL,
    telemetry::ALL,
];

const fn of(code: &'static str, exit: Exit, meaning: &'static str, help: &'static str) -> Remedy {
    Remedy { code, meaning, help, exit }
}
