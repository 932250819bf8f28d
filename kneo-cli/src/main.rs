//! The `kneo` program: checks specs, runs them, and operates the runs.
//!
//! Everything here is reading arguments, calling the library, and writing the answer. Standard output carries the
//! answer, standard error everything else.

mod advance;
mod answer;
mod ask;
mod blocking;
mod calls;
mod cli;
mod commands;
mod dash;
mod dialogue;
mod exit;
mod given_file;
mod host;
mod id;
mod input;
mod interrupt;
mod journal;
mod json;
mod lines;
mod log;
mod models;
mod new_file;
mod output;
mod person;
mod places;
mod problem;
mod progress;
mod project;
mod refusal;
mod remedy;
mod report;
mod resumption;
mod secrets;
mod servers;
mod shell;
mod spec_file;
mod spec_test;
mod standing;
mod store_place;
mod table;
mod trace;
mod trust;
mod usage;
mod variable;
mod view;
mod visible;
mod written;

use std::process::ExitCode;

use clap::Parser;

use crate::cli::Cli;
use crate::exit::Exit;
use crate::problem::Stop;

fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => return usage::tell(&error, std::env::args_os().skip(1)).into(),
    };
    let output = cli.output();
    match cli.run() {
        Ok(exit) => exit.into(),
        Err(Stop::ReaderGone) => Exit::Done.into(),
        Err(Stop::Problem(problem)) => {
            output.problem(&problem);
            problem.exit.into()
        }
    }
}
