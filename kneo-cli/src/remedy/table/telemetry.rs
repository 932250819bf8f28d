//! The codes of telemetry.

use super::{Remedy, of};
use crate::exit::Exit::{Failed, Unavailable};

/// Every code of telemetry.
pub(super) const ALL: &[Remedy] = &[
    of(
        "telemetry_nowhere",
        Failed,
        "An observer was built without somewhere to send to",
        "give it an exporter, a processor or a meter provider",
    ),
    of("option_excluded", Failed, "An option has no use beside another", "leave one of them out"),
    of(
        "telemetry_unfinished",
        Unavailable,
        "Not all telemetry was exported in the time that was given",
        "look whether the collector can be reached, or give more time",
    ),
    of(
        "telemetry_refused",
        Unavailable,
        "Telemetry was refused or could not be sent, and is dropped",
        "see what the collector says, and that the address is its own, without `/v1/traces`",
    ),
];
