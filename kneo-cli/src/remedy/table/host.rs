//! The codes of the host API.

use super::{Remedy, of};
use crate::exit::Exit::{Failed, Unavailable};

/// Every code of the host API.
pub(super) const ALL: &[Remedy] = &[
    of(
        "input_invalid",
        Failed,
        "What was given does not fit what is asked for",
        "change what the message names, and try again",
    ),
    of("payload_too_large", Failed, "A value is larger than 16 MiB", "keep large data in files and pass their names"),
    of(
        "run_not_found",
        Failed,
        "The store has no run of this id",
        "`kneo runs list` shows what there is; `--store` chooses another store",
    ),
    of(
        "task_not_found",
        Failed,
        "The store has no human task of this id",
        "`kneo human list` shows the open ones; `--store` chooses another store",
    ),
    of("id_ambiguous", Failed, "The part of an id fits several", "type more of its digits"),
    of(
        "invalid_state",
        Failed,
        "The action does not fit where the run or task stands",
        "look at it with `kneo runs get` or `kneo human get`",
    ),
    of(
        "already_decided",
        Failed,
        "Somebody decided the task first; the first decision stands",
        "see who decided what with `kneo human get`",
    ),
    of(
        "request_changed",
        Failed,
        "The person saw another question than the one that is open",
        "look at the task again, then decide",
    ),
    of("not_authorised", Failed, "The task is for others", "leave it to those whom `kneo human get` names"),
    of("conflict", Unavailable, "Another live run holds an exclusive key", "wait for it, or cancel it"),
    of(
        "idempotency_key_conflict",
        Failed,
        "The idempotency key was used for another start",
        "use a new key for a new start",
    ),
    of(
        "run_held",
        Unavailable,
        "A live worker is running it",
        "wait for it: `kneo runs events RUN --follow` shows how it gets on",
    ),
    of(
        "requirements_missing",
        Unavailable,
        "The spec needs a provider, tool, function or program that this host lacks",
        "run it in a host that registers what is missing; this program has the providers `dummy`, `openai`, those of `.kneo/config.yaml` and, with `--models`, `scripted`, and runs commands",
    ),
    of("plan_missing", Unavailable, "The store lacks the run's plan", "restore the store from a backup that has it"),
    of(
        "plan_unreadable",
        Unavailable,
        "The stored plan cannot be used",
        "upgrade this program if the plan is newer, else restore the store from a backup",
    ),
    of(
        "plan_mismatch",
        Unavailable,
        "The run's journal does not fit its plan",
        "restore the store from a backup; a journal is replayed only under its own plan",
    ),
    of(
        "plan_unverified",
        Failed,
        "Nobody whom this runtime trusts vouches for the plan",
        "run a bundle that is signed with a key of this runtime, for this environment and not older than the last",
    ),
    of("client_only", Unavailable, "This runtime runs nothing", "resume the run in a worker"),
    of("shutting_down", Unavailable, "The runtime is going away", "try again"),
    of("store_missing", Failed, "A runtime was built without a store", "give the builder a store"),
    of(
        "name_invalid",
        Failed,
        "A text cannot be a name",
        "use 1 to 256 bytes without control characters and without white space at the ends",
    ),
    of("registered_twice", Failed, "Two things were registered under one name", "give one of them another name"),
    of("option_invalid", Failed, "An option is out of its range", "use a value within it"),
    of(
        "async_runtime_missing",
        Failed,
        "A runtime was built outside tokio",
        "build it inside one, with its timer enabled",
    ),
];
