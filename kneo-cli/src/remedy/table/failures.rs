//! The codes of failures of runs.

use super::{Remedy, of};
use crate::exit::Exit::Failed;

/// Every code of a failure.
pub(super) const ALL: &[Remedy] = &[
    of("max_iterations", Failed, "An agent used up its turns", "raise `max_iterations`, or give the agent less to do"),
    of("token_budget_exceeded", Failed, "An agent used up its tokens", "raise `token_budget`"),
    of(
        "max_steps",
        Failed,
        "A graph or the run used up its steps",
        "raise `max_steps`, or declare what follows with `on_max`",
    ),
    of(
        "max_visits",
        Failed,
        "An edge was taken as often as it may be",
        "raise `max_visits`, or declare what follows with `on_max`",
    ),
    of("wall_seconds", Failed, "The run used up its running time", "raise `limits.wall_seconds`"),
    of("deadline", Failed, "The run's deadline passed", "raise `limits.deadline_seconds`"),
    of(
        "output_schema",
        Failed,
        "What a step or an agent gave does not fit its `output_schema`",
        "change the schema, or what gives the output; the message names the place that does not fit",
    ),
    of(
        "join_unreachable",
        Failed,
        "Fewer branches began than a join wants to see completed",
        "lower `at_least`, or loosen the conditions of the branches",
    ),
    of(
        "idempotency_key_invalid",
        Failed,
        "An `idempotency_key` gave no text that can be a key",
        "give 1 to 256 bytes without control characters, made of what the run knows",
    ),
    of("cancelled", Failed, "A call stopped by itself as if it had been cancelled", "mend the tool or function"),
];
