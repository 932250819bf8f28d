//! The codes of projects.

use super::{Remedy, of};
use crate::exit::Exit::{Failed, Unavailable};

/// Every code of a project.
pub(super) const ALL: &[Remedy] = &[
    of(
        "config_invalid",
        Failed,
        "The settings of the project in `.kneo/config.yaml` cannot be used",
        "mend the file as the message says; `kneo explain config_invalid` shows what it may hold",
    ),
    of("folder_not_empty", Failed, "A project is made in a new folder", "name one that is not there, or is empty"),
    of(
        "folder_unwritable",
        Unavailable,
        "The project cannot be written",
        "check the space and the rights of its place",
    ),
    of(
        "project_name_invalid",
        Failed,
        "The folder's name cannot be a project's",
        "use letters, digits, `-` and `_`, a letter first, and no name of a crate that the host uses",
    ),
];
