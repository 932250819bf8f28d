//! The codes that are this program's own.

use super::{Remedy, of};
use crate::exit::Exit::{Failed, Unavailable, Usage};

/// Every code of the program.
pub(super) const ALL: &[Remedy] = &[
    of("usage", Usage, "The command line means nothing, and nothing was done", "see `kneo VERB --help`"),
    of("code_unknown", Failed, "There is no such code", "`kneo explain` lists all codes"),
    of("output_unwritable", Unavailable, "The answer cannot be written", "check the space and the rights of its place"),
    of(
        "output_exists",
        Failed,
        "The file that shall be written is there",
        "write it elsewhere, or replace it with `--force`",
    ),
    of(
        "tests_missing",
        Failed,
        "There is no test to run",
        "write `tests:` into the spec; the guide `testing.md` shows how",
    ),
    of("models_invalid", Failed, "The file of scripted replies cannot be used", "mend the file as the message says"),
    of(
        "workdir_invalid",
        Unavailable,
        "The folder in which commands run cannot be used",
        "name a folder that exists with `--workdir`",
    ),
    of(
        "threads_unavailable",
        Unavailable,
        "The system gives no threads",
        "close other programs, or raise the limit of processes",
    ),
];
