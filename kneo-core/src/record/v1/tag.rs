//! The tag of each kind of event: two letters, because they stand in every record.

/// Kinds and their tags. A tag is never given to another kind.
const TAGS: &[(&str, &str)] = &[
    ("run_started", "rs"),
    ("run_claimed", "rc"),
    ("run_parked", "rp"),
    ("run_ended", "re"),
    ("cancel_requested", "cr"),
    ("step_entered", "se"),
    ("step_skipped", "ss"),
    ("step_computed", "sx"),
    ("step_completed", "sc"),
    ("step_failed", "sf"),
    ("bound_reached", "br"),
    ("fork_taken", "ft"),
    ("branch_completed", "bc"),
    ("branch_failed", "bf"),
    ("branch_cancelled", "bx"),
    ("effect_intended", "ei"),
    ("effect_succeeded", "es"),
    ("effect_failed", "ef"),
    ("effect_lost", "el"),
    ("effect_cancelled", "ec"),
    ("late_outcome", "lo"),
    ("call_refused", "cf"),
    ("call_delegated", "cd"),
    ("call_returned", "ct"),
    ("call_failed", "cx"),
    ("answer_refused", "ar"),
    ("task_opened", "to"),
    ("task_decided", "td"),
    ("task_reassigned", "tr"),
    ("task_expired", "tx"),
    ("task_escalated", "te"),
    ("task_withdrawn", "tw"),
];

/// The tag of a kind; a kind without one is written as it is.
pub(super) fn of(kind: &'static str) -> &'static str {
    TAGS.iter().find(|(known, _)| *known == kind).map_or(kind, |(_, tag)| tag)
}

/// The kind of a tag.
pub(super) fn kind(tag: &str) -> Option<&'static str> {
    TAGS.iter().find(|(_, known)| *known == tag).map(|(kind, _)| *kind)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn tags_are_short_and_nobody_shares_one() {
        let tags: BTreeSet<&str> = TAGS.iter().map(|(_, tag)| *tag).collect();
        assert_eq!(tags.len(), TAGS.len());
        assert!(TAGS.iter().all(|(kind, tag)| tag.len() == 2 && super::kind(of(kind)) == Some(*kind)));
    }
}
