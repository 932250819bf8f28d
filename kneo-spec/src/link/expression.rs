//! Compiles expressions in the names that are in force where they stand.

use std::collections::HashMap;

use kneo_core::expr::{Expr, Root, StepField, TextPart, TextTemplate, ValueTemplate};
use kneo_core::name::Name;
use kneo_core::value::Value;

use super::Linker;
use super::shape::StepShape;
use crate::document::{RawExpr, RawText};
use crate::expr;
use crate::known::{self, Known};
use crate::source::Spanned;
use crate::syntax::{NodeId, Tree};
use crate::vocabulary::{Compiled, Vocabulary};

/// What is certain where the steps of a workflow are compiled.
#[derive(Clone, Copy)]
pub(super) struct View<'a> {
    pub(super) tree: &'a Tree,
    /// For each step its shape.
    pub(super) shapes: &'a [StepShape],
    /// The plan index of the first step.
    pub(super) first: u32,
    /// What is certain of the workflow's input.
    pub(super) input: Known<'a>,
}

/// The names that the steps and edges of one workflow see.
pub(super) struct StepVocabulary<'a> {
    ids: Vec<&'a str>,
    places: HashMap<&'a str, u32>,
    whole: bool,
    view: View<'a>,
}

impl<'a> StepVocabulary<'a> {
    /// The steps of a workflow; one that was reported may have no name, or, of a workflow that is not whole, no place.
    /// Of equal ids the first counts.
    pub(super) fn new(ids: impl Iterator<Item = Option<&'a Spanned<Name>>>, whole: bool, view: View<'a>) -> Self {
        let mut known = Vec::new();
        let mut places = HashMap::new();
        for (id, at) in ids.zip(view.first..) {
            let Some(id) = id else { continue };
            known.push(id.value.as_str());
            places.entry(id.value.as_str()).or_insert(at);
        }
        Self { ids: known, places, whole, view }
    }
}

impl Vocabulary for StepVocabulary<'_> {
    fn sees(&self, root: Root) -> bool {
        match root {
            Root::Input | Root::Prev | Root::RunId | Root::RunStartedAt => true,
            Root::Item
            | Root::Index
            | Root::RoundIndex
            | Root::RoundFeedback
            | Root::Branches
            | Root::RunEnvironment => false,
            _ => false,
        }
    }

    fn step(&self, id: &str) -> Option<u32> {
        self.places.get(id).copied()
    }

    fn steps(&self) -> &[&str] {
        &self.ids
    }

    fn is_whole(&self) -> bool {
        self.whole
    }

    fn known_root(&self, root: Root) -> Known<'_> {
        known::root(root, self.view.input)
    }

    fn known_step(&self, step: u32, field: StepField) -> Known<'_> {
        let shape = step.checked_sub(self.view.first).and_then(|at| self.view.shapes.get(at as usize));
        shape.map_or(Known::Nothing, |shape| shape.field(field, self.view.tree))
    }
}

/// What one step of a workflow sees.
pub(super) struct Reader<'a> {
    pub(super) all: &'a StepVocabulary<'a>,
    /// How many of the steps come before it, in the order of the author; `None` where they may come in any order.
    pub(super) before: Option<usize>,
}

impl Vocabulary for Reader<'_> {
    fn sees(&self, root: Root) -> bool {
        self.all.sees(root)
    }

    fn step(&self, id: &str) -> Option<u32> {
        self.all.step(id)
    }

    fn steps(&self) -> &[&str] {
        self.all.steps()
    }

    fn settled(&self) -> &[&str] {
        let all = self.all.steps();
        self.before.map_or(all, |before| all.get(..before).unwrap_or(all))
    }

    fn is_whole(&self) -> bool {
        self.all.is_whole()
    }

    fn known_root(&self, root: Root) -> Known<'_> {
        self.all.known_root(root)
    }

    fn known_step(&self, step: u32, field: StepField) -> Known<'_> {
        self.all.known_step(step, field)
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
