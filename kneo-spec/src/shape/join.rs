//! How branches that run side by side become one: the same for participants and for the edges of a node.

use super::FieldKind::{Either, Integer, Shape as Is, Words};
use super::{Field, FieldKind, Shape, Word};

pub(super) const JOINS: FieldKind = Either(&[Words(&[Word::now("all"), Word::now("any")]), Is(&AT_LEAST)]);

pub(super) const RESTS: FieldKind = Words(&[Word::now("cancel"), Word::now("drain")]);

pub(super) const BRANCH_ERRORS: FieldKind = Words(&[Word::now("fail_fast"), Word::now("drain")]);

pub(super) const COMBINES: FieldKind = Words(&[Word::now("text"), Word::now("map")]);

pub(crate) static AT_LEAST: Shape = Shape {
    name: "`join`",
    doc: "a number of branches that must complete",
    example: "{at_least: 2}",
    fields: &[Field::new(
        "at_least",
        Integer { min: 1, max: 1_000_000 },
        "how many branches must complete; no more than there are",
    )
    .kneo()
    .required()],
};
