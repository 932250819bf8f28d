//! Comparisons, and words that a value can never be.

use cel::IdedExpr;
use cel::common::ast::{Expr as Cel, LiteralValue, operators};
use kneo_core::expr::{CompareOp, Expr, StepField, StepRead};

use super::lower::{CONVERT, Lowering, Typed};
use super::types::{self, Type};
use crate::diagnostic::{Code, tick, tick_list};

impl Lowering<'_> {
    pub(super) fn compare(&mut self, op: CompareOp, left: &IdedExpr, right: &IdedExpr) -> Option<Typed> {
        let lowered = (self.expr(left), self.expr(right));
        let ((left_expr, left_type), (right_expr, right_type)) = (lowered.0?, lowered.1?);
        if !types::comparable(op, left_type, right_type) {
            let text = format!(
                "`{}` cannot compare {} with {}",
                op.as_str(),
                left_type.with_article(),
                right_type.with_article()
            );
            let range = self.range(left).start..self.range(right).end;
            let sides = [(left, &left_expr, left_type), (right, &right_expr, right_type)];
            let map = sides.into_iter().find(|(_, _, found)| *found == Type::Map);
            let help = match map {
                Some((node, expr, _)) => {
                    let written = self.piece.cel().get(self.range(node)).unwrap_or_default();
                    part_of(written, expr)
                }
                None => CONVERT.to_owned(),
            };
            return self.report_at(range, Code::ExprType, text, help);
        }
        let possible = match op {
            CompareOp::Equal | CompareOp::NotEqual => {
                self.can_be(left, left_type, right) & self.can_be(right, right_type, left)
            }
            CompareOp::In => self.can_be(left, left_type, right),
            _ => true,
        };
        possible.then(|| (Expr::Compare(op, Box::new(left_expr), Box::new(right_expr)), Type::Bool))
    }

    /// Reports each written word that a value of a few words can never be.
    fn can_be(&mut self, value: &IdedExpr, found: Type, written: &IdedExpr) -> bool {
        let Type::Word(set) = found else { return true };
        let Some(words) = self.words.get(usize::from(set)).copied() else { return true };
        let literals: Vec<&IdedExpr> = match &written.expr {
            Cel::List(list) => list.elements.iter().collect(),
            _ => vec![written],
        };
        let words = words.all();
        let mut possible = true;
        for literal in literals {
            let Cel::Literal(LiteralValue::String(text)) = &literal.expr else { continue };
            if words.contains(&text.inner()) {
                continue;
            }
            let cel = self.piece.cel();
            let message = format!(
                "{} is never {}",
                tick(cel.get(self.range(value)).unwrap_or_default()),
                tick(cel.get(self.range(literal)).unwrap_or_default())
            );
            let help = match self.sink.nearest(text.inner(), words.iter().copied()) {
                Some(near) => format!("did you mean `'{near}'`?"),
                None => format!("it is {}", tick_list(words.iter().copied().take(8))),
            };
            self.report::<()>(literal, Code::ExprType, message, help);
            possible = false;
        }
        possible
    }
}

/// What to compare instead of a map as a whole.
fn part_of(written: &str, map: &Expr) -> String {
    match map {
        Expr::Step(StepRead { field: StepField::Decision, .. }) => {
            format!("compare its kind: `{written}.kind == 'approved'`")
        }
        Expr::Step(StepRead { field: StepField::Error, .. }) => {
            format!("compare its kind: `{written}.kind == 'timeout'`")
        }
        _ => "compare a value of the map, such as `x.key`".to_owned(),
    }
}

pub(super) fn compare_op(name: &str) -> Option<CompareOp> {
    Some(match name {
        operators::EQUALS => CompareOp::Equal,
        operators::NOT_EQUALS => CompareOp::NotEqual,
        operators::LESS => CompareOp::Less,
        operators::LESS_EQUALS => CompareOp::LessEqual,
        operators::GREATER => CompareOp::Greater,
        operators::GREATER_EQUALS => CompareOp::GreaterEqual,
        operators::IN => CompareOp::In,
        _ => return None,
    })
}
