//! The codes of stores.

use super::{Remedy, of};
use crate::exit::Exit::Unavailable;

/// Every code of a store.
pub(super) const ALL: &[Remedy] = &[
    of(
        "store_not_found",
        Unavailable,
        "There is no store at this place",
        "start a run first, or name the store with `--store sqlite:PATH`",
    ),
    of("store_unavailable", Unavailable, "The store does not answer", "try again; nothing that was committed is lost"),
    of("store_too_new", Unavailable, "A newer Kneo wrote the store", "upgrade this program; nothing was changed"),
    of(
        "store_unusable",
        Unavailable,
        "The store cannot be opened or written",
        "check its folder, its rights and the space on its disk",
    ),
    of("store_damaged", Unavailable, "What is stored cannot be read", "restore a backup"),
];
