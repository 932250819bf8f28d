//! Which reads are taken care of by `has()`, where it stands in a condition around them.
//!
//! `&&` and `||` give the same answer in either order, so that a guard counts for every operand beside it.

use cel::IdedExpr;
use cel::common::ast::{Expr as Cel, operators};

use super::names::{BareStep, Chain, Source, resolve};
use crate::vocabulary::Vocabulary;

/// Finds the reads that are there whenever a condition has the given truth value.
pub(super) struct Guards<'a> {
    pub(super) locals: &'a [String],
    pub(super) vocabulary: &'a dyn Vocabulary,
}

impl Guards<'_> {
    /// The reads that are there where `condition` is `holds`.
    pub(super) fn where_it_is(&self, condition: &IdedExpr, holds: bool) -> Vec<Source> {
        let mut found = Vec::new();
        self.collect(condition, holds, &mut found);
        found
    }

    fn collect(&self, node: &IdedExpr, holds: bool, found: &mut Vec<Source>) {
        let Cel::Call(call) = &node.expr else { return };
        match (call.func_name.as_str(), call.args.as_slice()) {
            (operators::LOGICAL_NOT, [inner]) => self.collect(inner, !holds, found),
            // All operands of a true `&&` are true, and all of a false `||` false.
            (operators::LOGICAL_AND, operands) if holds => {
                operands.iter().for_each(|operand| self.collect(operand, holds, found));
            }
            (operators::LOGICAL_OR, operands) if !holds => {
                operands.iter().for_each(|operand| self.collect(operand, holds, found));
            }
            (operators::HAS, [path]) if holds && call.target.is_none() => found.extend(self.source(path)),
            _ => {}
        }
    }

    fn source(&self, path: &IdedExpr) -> Option<Source> {
        let chain = Chain::of(path);
        let Cel::Ident(name) = &chain.base.expr else { return None };
        let found = resolve(name, &chain.segments, self.locals, BareStep::Settled, self.vocabulary).ok()?;
        Some(found.source)
    }
}
