//! How branches that run side by side become one.

use std::num::NonZeroU32;

use kneo_core::plan::{Combine, OnBranchError, Rest};

use super::step::Seat;
use super::{At, Fields, Lower};
use crate::diagnostic::{Code, Diagnostic, tick};
use crate::document::{FanOut, Join, Joining, Raw};
use crate::shape::join::AT_LEAST;
use crate::shape::step::STEP;
use crate::source::Spanned;
use crate::syntax::Kind;

/// The fields that say how branches meet.
const JOINING: &[&str] = &["join", "rest", "on_branch_error", "combine"];

impl Lower<'_> {
    /// Reads how branches become one, and whether all of it could be read.
    pub(super) fn joining(&mut self, fields: &Fields, combine: Combine) -> (Joining, bool) {
        let join = fields.get("join").map_or(Join::All, |at| self.join(at));
        let rest = self.word(fields.get("rest"));
        if let (Join::All, Some(rest)) = (join, rest)
            && rest.value == "drain"
        {
            self.report(
                Diagnostic::new(
                    Code::FieldNotAllowed,
                    rest.span,
                    "`rest: drain` has no effect: every branch is waited for",
                )
                .help("remove it, or write `join: any` or `join: {at_least: …}`"),
            );
        }
        let rest = match rest.map(|word| word.value) {
            Some("drain") => Rest::Drain,
            _ => Rest::Cancel,
        };
        let on_branch_error = match self.word(fields.get("on_branch_error")).map(|word| word.value) {
            Some("drain") => OnBranchError::Drain,
            _ => OnBranchError::FailFast,
        };
        let word = self.word(fields.get("combine")).map(|word| word.value);
        // A word that was refused leaves open what was meant.
        let whole = word.is_some() || fields.get("combine").is_none();
        let combine = match word {
            Some("map") => Combine::Map,
            Some(_) => Combine::Text,
            None => combine,
        };
        (Joining { join, rest, on_branch_error, combine }, whole)
    }

    fn join(&mut self, at: &At) -> Join {
        if matches!(self.tree.node(at.node).kind, Kind::Map(_)) {
            let count = self.fields_at(at, &AT_LEAST).and_then(|fields| self.small(fields.get("at_least")));
            let count = count.and_then(|count| Some(Spanned::new(NonZeroU32::new(count.value)?, count.span)));
            return count.map_or(Join::Broken, Join::AtLeast);
        }
        match self.word(Some(at)).map(|word| word.value) {
            Some("all") => Join::All,
            Some(_) => Join::Any,
            None => Join::Broken,
        }
    }

    /// Reads whether all edges of a step are followed.
    pub(super) fn fan_out(&mut self, fields: &Fields, seat: &Seat) -> Option<FanOut<Raw>> {
        let names = || ["route", "join_at"].iter().chain(JOINING);
        if matches!(seat, Seat::Item(_)) {
            for at in names().filter_map(|name| fields.get(name)) {
                self.report(
                    Diagnostic::new(
                        Code::FieldNotAllowed,
                        at.key.span,
                        format!("{} has no effect here", tick(at.field.name)),
                    )
                    .primary("only a node of a graph has edges")
                    .help("remove it, or write the steps as nodes of a `type: graph`"),
                );
            }
            return None;
        }
        let route = self.word(fields.get("route"));
        if route.is_some_and(|route| route.value == "first") || fields.get("route").is_none() {
            for at in names().filter(|name| **name != "route").filter_map(|name| fields.get(name)) {
                self.report(
                    Diagnostic::new(
                        Code::FieldNotAllowed,
                        at.key.span,
                        format!("{} has no effect without `route: all`", tick(at.field.name)),
                    )
                    .help("add `route: all`, or remove it"),
                );
            }
            return None;
        }
        let (joining, _) = self.joining(fields, Combine::Map);
        if fields.get("join_at").is_none() {
            self.missing(fields.span, &STEP, "join_at");
        }
        let span = route.map_or(fields.span, |route| route.span);
        Some(FanOut { join_at: self.name(fields.get("join_at")), joining, span })
    }
}
