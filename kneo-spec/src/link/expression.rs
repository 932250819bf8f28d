//! Compiles expressions in the names that are in force where they stand.

use std::collections::HashMap;

use kneo_core::expr::{Expr, Root, TextPart, TextTemplate, ValueTemplate};
use kneo_core::name::Name;
use kneo_core::value::Value;

use super::Linker;
use crate::document::{RawExpr, RawText};
use crate::expr;
use crate::source::Spanned;
use crate::syntax::NodeId;
use crate::vocabulary::{Compiled, Vocabulary};

/// The names that the steps and edges of one workflow see.
pub(super) struct StepVocabulary<'a> {
    ids: Vec<&'a str>,
    places: HashMap<&'a str, u32>,
}

impl<'a> StepVocabulary<'a> {
    /// The steps of a workflow, whose first has the plan index `first`. Of equal ids the first counts.
    pub(super) fn new(ids: &[&'a Spanned<Name>], first: u32) -> Self {
        let ids: Vec<&str> = ids.iter().map(|id| id.value.as_str()).collect();
        let mut places = HashMap::new();
        for (id, at) in ids.iter().zip(first..) {
            places.entry(*id).or_insert(at);
        }
        Self { ids, places }
    }
}

impl Vocabulary for StepVocabulary<'_> {
    fn sees(&self, root: Root) -> bool {
        match root {
            Root::Input | Root::Prev | Root::RunId | Root::RunStartedAt | Root::RunEnvironment => true,
            Root::Item | Root::Index | Root::RoundIndex | Root::RoundFeedback | Root::Branches => false,
            _ => false,
        }
    }

    fn step(&self, id: &str) -> Option<u32> {
        self.places.get(id).copied()
    }

    fn steps(&self) -> &[&str] {
        &self.ids
    }
}

impl Linker<'_> {
    pub(super) fn expr(
        &mut self,
        raw: Spanned<RawExpr>,
        vocabulary: &dyn Vocabulary,
    ) -> Option<Spanned<Compiled<Expr>>> {
        let compiled = match &raw.value {
            RawExpr::Bool(value) => constant(Expr::Literal(Value::Bool(*value))),
            RawExpr::Text(text) => expr::condition(text, vocabulary, &mut self.parser, self.sink)?,
        };
        Some(Spanned::new(compiled, raw.span))
    }

    pub(super) fn text(&mut self, raw: &RawText, vocabulary: &dyn Vocabulary) -> Option<Compiled<TextTemplate>> {
        if raw.holes {
            return expr::template(&raw.text, vocabulary, &mut self.parser, self.sink);
        }
        let text = TextPart::Text(raw.text.as_str().into());
        Some(constant(TextTemplate::new([text])))
    }

    pub(super) fn value(&mut self, node: NodeId, vocabulary: &dyn Vocabulary) -> Option<Compiled<ValueTemplate>> {
        expr::value(self.tree, node, vocabulary, &mut self.parser, self.sink)
    }
}

fn constant<T>(code: T) -> Compiled<T> {
    Compiled { code, reads: Vec::new() }
}
