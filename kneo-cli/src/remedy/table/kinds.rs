//! The kinds of failures, as `retry.on` and `steps.<id>.error.kind` name them.

use super::{Remedy, of};
use crate::exit::Exit::Failed;

/// Every kind.
pub(super) const ALL: &[Remedy] = &[
    of(
        "timeout",
        Failed,
        "An attempt took longer than it may, or the run did",
        "raise `timeout_seconds` or the limit, or let the step be tried again",
    ),
    of(
        "provider",
        Failed,
        "A model provider failed",
        "see the failure's own code; `retry` and `fallback_ref` handle it",
    ),
    of("tool", Failed, "A tool failed where nothing could take its error as a result", "see the failure's own code"),
    of(
        "function",
        Failed,
        "A function failed",
        "see the failure's own code; `retry`, `on_error` and `fallback_ref` handle it",
    ),
    of("limit", Failed, "A bound of the spec was reached", "raise the bound, or declare what follows with `on_max`"),
    of(
        "invalid_input",
        Failed,
        "A value does not fit the schema or the size it must have",
        "see the failure's message: it names the place in the value, and what should be there",
    ),
    of("invalid_output", Failed, "A result does not fit the schema or the size it must have", "mend what produced it"),
    of(
        "rejected",
        Failed,
        "A person said no, and nothing handles it",
        "handle it with an edge or `on_error`, or start again",
    ),
    of(
        "expired",
        Failed,
        "A person did not answer in time, and nothing handles it",
        "raise `timeout_seconds`, or say what follows with `on_timeout`",
    ),
    of("expression", Failed, "An expression could not be evaluated", "see the failure's own code"),
    of(
        "uncertain",
        Failed,
        "A write was in flight at a crash and may not run again",
        "find out whether it happened; `on_uncertain` says what follows",
    ),
    of(
        "dead_letter",
        Failed,
        "The run was claimed again and again without getting anywhere",
        "find out what ends its workers, then start again",
    ),
];
