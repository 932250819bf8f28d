//! From the parser's tree to the plan's.

use std::ops::Range;

use cel::IdedExpr;
use cel::common::ast::{EntryExpr, Expr as Cel, LiteralValue, SourceInfo, operators};
use kneo_core::expr::{ArithmeticOp, Expr, MAX_EXPR_DEPTH};
use kneo_core::value::Value;

use super::compare::compare_op;
use super::guards::Guards;
use super::names::Source;
use super::parse::{self, Parsed};
use super::piece::Piece;
use super::types::{self, Type};
use crate::diagnostic::{Code, Diagnostic, Diagnostics, tick};
use crate::known::Words;
use crate::vocabulary::{Compiled, Read, Vocabulary};

/// A lowered expression and what is evident of its type.
pub(super) type Typed = (Expr, Type);

/// Lowers one expression; `None` when it has an error, after all of it was looked at.
pub(super) fn lower(
    piece: &Piece<'_>,
    parsed: &Parsed,
    vocabulary: &dyn Vocabulary,
    sink: &mut Diagnostics,
) -> Option<(Compiled<Expr>, Type)> {
    let info = &parsed.info;
    let mut lowering = Lowering {
        piece,
        info,
        vocabulary,
        sink,
        reads: Vec::new(),
        locals: Vec::new(),
        guarded: Vec::new(),
        words: Vec::new(),
        depth: 0,
    };
    let (code, found) = lowering.expr(&parsed.root)?;
    if code.depth() > MAX_EXPR_DEPTH {
        lowering.too_deep();
        return None;
    }
    let reads = lowering.reads;
    Some((Compiled { code, reads }, found))
}

/// What to do where a type does not fit.
pub(super) const CONVERT: &str =
    "nothing is converted silently: use `string(x)`, `int(x)`, `double(x)`, or another value";

pub(super) struct Lowering<'a> {
    pub(super) piece: &'a Piece<'a>,
    info: &'a SourceInfo,
    pub(super) vocabulary: &'a dyn Vocabulary,
    pub(super) sink: &'a mut Diagnostics,
    pub(super) reads: Vec<Read>,
    /// The variables of the macros around, innermost last.
    pub(super) locals: Vec<String>,
    /// The reads that a condition around takes care of.
    pub(super) guarded: Vec<Source>,
    /// The words that a value is one of, by [`Type::Word`].
    pub(super) words: Vec<Words<'a>>,
    depth: u16,
}

/// Whether absence is taken care of by the call around.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Asked {
    Plainly,
    /// Inside `default()`.
    WithDefault,
    /// Inside `has()`.
    Whether,
}

impl Lowering<'_> {
    pub(super) fn expr(&mut self, node: &IdedExpr) -> Option<Typed> {
        if self.depth >= MAX_EXPR_DEPTH {
            self.too_deep();
            return None;
        }
        self.depth += 1;
        let lowered = self.node(node);
        self.depth -= 1;
        lowered
    }

    /// Lowers all, so that each reports its errors.
    pub(super) fn all<'n>(&mut self, nodes: impl IntoIterator<Item = &'n IdedExpr>) -> Option<Vec<Typed>> {
        let lowered: Vec<_> = nodes.into_iter().map(|node| self.expr(node)).collect();
        lowered.into_iter().collect()
    }

    fn node(&mut self, node: &IdedExpr) -> Option<Typed> {
        match &node.expr {
            Cel::Literal(literal) => self.literal(node, literal),
            Cel::Ident(_) | Cel::Select(_) => self.path(node, Asked::Plainly),
            Cel::List(list) => {
                let items = self.all(&list.elements)?;
                Some((constant_list(items.into_iter().map(|(item, _)| item).collect()), Type::List))
            }
            Cel::Map(map) => {
                let pairs = map.entries.iter().filter_map(|entry| match &entry.expr {
                    EntryExpr::MapEntry(entry) => Some((&entry.key, &entry.value)),
                    // Only a message has these.
                    EntryExpr::StructField(_) => None,
                });
                self.map(pairs.collect())
            }
            Cel::Call(call) => match (call.func_name.as_str(), call.args.as_slice()) {
                (operators::INDEX, _) => self.path(node, Asked::Plainly),
                (operators::LOGICAL_AND, _) => self.connective(node, operators::LOGICAL_AND),
                (operators::LOGICAL_OR, _) => self.connective(node, operators::LOGICAL_OR),
                (operators::LOGICAL_NOT, [part]) => {
                    let part = self.truth(part, "`!` takes a bool")?;
                    Some((Expr::Not(Box::new(part)), Type::Bool))
                }
                (operators::NEGATE, [part]) => self.negate(part),
                (operators::CONDITIONAL, [test, then, otherwise]) => self.conditional(test, then, otherwise),
                (name, [left, right]) if call.target.is_none() && compare_op(name).is_some() => {
                    self.compare(compare_op(name)?, left, right)
                }
                (name, [_, _]) if call.target.is_none() && arithmetic_op(name).is_some() => {
                    self.arithmetic(arithmetic_op(name)?, node)
                }
                _ => self.call(node, call),
            },
            Cel::Struct(message) => {
                let text =
                    format!("{} is a message of CEL, which is not part of the language", tick(&message.type_name));
                self.report(node, Code::ExprUnsupported, text, "write a map: `{'key': value}`")
            }
            Cel::Comprehension(_) | Cel::Unspecified => {
                self.report(node, Code::ExprSyntax, "this is not an expression", "write an expression of CEL")
            }
        }
    }

    fn literal(&mut self, node: &IdedExpr, literal: &LiteralValue) -> Option<Typed> {
        let value = match literal {
            LiteralValue::Null => Value::Null,
            LiteralValue::Boolean(value) => Value::Bool(*value.inner()),
            LiteralValue::String(text) => Value::from(text.inner()),
            LiteralValue::Int(int) => match Value::int(*int.inner()) {
                Ok(value) => value,
                Err(_) => {
                    return self.report(node, Code::ExprUnsupported, parse::INTEGERS, "carry longer numbers as text");
                }
            },
            LiteralValue::Double(double) => Value::float(*double.inner()).ok()?,
            LiteralValue::UInt(number) => {
                let help = format!("write `{}`", number.inner());
                return self.report(node, Code::ExprUnsupported, "there are no unsigned integers", help);
            }
            LiteralValue::Bytes(_) => {
                let text = "bytes are not part of the language";
                return self.report(node, Code::ExprUnsupported, text, "write a string, without the `b`");
            }
        };
        let found = Type::of_value(&value);
        Some((Expr::literal(&value), found))
    }

    fn map(&mut self, pairs: Vec<(&IdedExpr, &IdedExpr)>) -> Option<Typed> {
        let mut written: Vec<&str> = Vec::new();
        let mut whole = true;
        let mut entries = Vec::new();
        for (key, value) in pairs {
            let lowered = (self.expr(key), self.expr(value));
            if let Cel::Literal(LiteralValue::String(text)) = &key.expr {
                if written.contains(&text.inner()) {
                    let message = format!("the map has the key {} twice", tick(text.inner()));
                    self.report::<()>(key, Code::ExprSyntax, message, "write each key once");
                    whole = false;
                }
                written.push(text.inner());
            }
            let (Some((key_expr, key_type)), Some((value, _))) = lowered else {
                whole = false;
                continue;
            };
            if !key_type.is_a(&[Type::Text]) {
                let message = format!("the key of a map is a string, and this is {}", key_type.with_article());
                self.report::<()>(key, Code::ExprType, message, CONVERT);
                whole = false;
            }
            entries.push((key_expr, value));
        }
        whole.then_some((Expr::Map(entries), Type::Map))
    }

    fn negate(&mut self, part: &IdedExpr) -> Option<Typed> {
        let (expr, found) = self.expr(part)?;
        if !found.is_a(&[Type::Int, Type::Double]) {
            let text = format!("`-` takes a number, and this is {}", found.with_article());
            return self.report(part, Code::ExprType, text, CONVERT);
        }
        Some((Expr::Negate(Box::new(expr)), found))
    }

    /// Lowers a condition; `expected` says where a bool is expected.
    pub(super) fn truth(&mut self, node: &IdedExpr, expected: &str) -> Option<Expr> {
        let (expr, found) = self.expr(node)?;
        if !found.is_a(&[Type::Bool]) {
            let text = format!("{expected}, and this is {}", found.with_article());
            return self.report(node, Code::ExprType, text, CONVERT);
        }
        Some(expr)
    }

    fn connective(&mut self, node: &IdedExpr, op: &str) -> Option<Typed> {
        let is_and = op == operators::LOGICAL_AND;
        let mut operands = Vec::new();
        flatten(node, op, &mut operands);
        // Where an operand is evaluated and counts, all others of an `&&` may be taken as true, of an `||` as false.
        let guards = Guards { locals: &self.locals, vocabulary: self.vocabulary };
        let each: Vec<Vec<Source>> = operands.iter().map(|operand| guards.where_it_is(operand, is_and)).collect();
        let expected = if is_and { "`&&` takes bools" } else { "`||` takes bools" };
        let mut lowered = Vec::new();
        for (position, operand) in operands.iter().enumerate() {
            let others = each.iter().enumerate().filter(|(at, _)| *at != position).flat_map(|(_, found)| found);
            let others: Vec<Source> = others.copied().collect();
            lowered.push(self.guarded_by(others, |lowering| lowering.truth(operand, expected)));
        }
        let parts: Vec<Expr> = lowered.into_iter().collect::<Option<_>>()?;
        Some((if is_and { Expr::And(parts) } else { Expr::Or(parts) }, Type::Bool))
    }

    fn conditional(&mut self, test: &IdedExpr, then: &IdedExpr, otherwise: &IdedExpr) -> Option<Typed> {
        let guards = Guards { locals: &self.locals, vocabulary: self.vocabulary };
        let (if_true, if_false) = (guards.where_it_is(test, true), guards.where_it_is(test, false));
        let test = self.truth(test, "the condition of `? :` is a bool");
        let then = self.guarded_by(if_true, |lowering| lowering.expr(then));
        let otherwise = self.guarded_by(if_false, |lowering| lowering.expr(otherwise));
        let ((then, then_type), (otherwise, other_type)) = (then?, otherwise?);
        let found = then_type.or(other_type);
        Some((Expr::If(Box::new(test?), Box::new(then), Box::new(otherwise)), found))
    }

    fn guarded_by<T>(&mut self, sources: Vec<Source>, lower: impl FnOnce(&mut Self) -> T) -> T {
        let before = self.guarded.len();
        self.guarded.extend(sources.into_iter().filter(|source| !matches!(source, Source::Local(_))));
        let lowered = lower(self);
        self.guarded.truncate(before);
        lowered
    }

    fn arithmetic(&mut self, op: ArithmeticOp, node: &IdedExpr) -> Option<Typed> {
        let operands = operands_of(node, op);
        let lowered = self.all(operands.iter().copied())?;
        let mut found: Option<Type> = None;
        let mut parts = Vec::new();
        for ((expr, next), operand) in lowered.into_iter().zip(&operands) {
            parts.push(expr);
            found = match found {
                None => Some(next),
                Some(before) => match types::arithmetic(op, before, next) {
                    Some(joined) => Some(joined),
                    None => {
                        let help = match (op, before, next) {
                            (ArithmeticOp::Add, Type::Text | Type::Word(_), _) => {
                                "write the right side as text: `string(…)`"
                            }
                            (ArithmeticOp::Add, _, Type::Text | Type::Word(_)) => {
                                "write the left side as text: `string(…)`"
                            }
                            _ => CONVERT,
                        };
                        let text = format!(
                            "`{}` cannot join {} and {}",
                            op.as_str(),
                            before.with_article(),
                            next.with_article()
                        );
                        let start = operands.first().map_or(0, |first| self.range(first).start);
                        let range = start..self.range(operand).end;
                        return self.report_at(range, Code::ExprType, text, help);
                    }
                },
            };
        }
        Some((Expr::Arithmetic(op, parts), found.unwrap_or(Type::Any)))
    }

    /// Reports an error of a node; never gives a value.
    pub(super) fn report<T>(
        &mut self,
        node: &IdedExpr,
        code: Code,
        message: impl Into<String>,
        help: impl Into<String>,
    ) -> Option<T> {
        let range = self.range(node);
        self.report_at(range, code, message, help)
    }

    pub(super) fn report_at<T>(
        &mut self,
        range: Range<usize>,
        code: Code,
        message: impl Into<String>,
        help: impl Into<String>,
    ) -> Option<T> {
        self.sink.push(self.piece.diagnostic(code, range, message).help(help));
        None
    }

    fn too_deep(&mut self) {
        let text = format!("the expression nests deeper than {MAX_EXPR_DEPTH} levels");
        let help = "compute parts of it in `set` steps and read those";
        self.sink.push(Diagnostic::new(Code::ExprTooDeep, self.piece.whole_span(), text).help(help));
    }

    /// The bytes of the expression that a node was written in.
    pub(super) fn range(&self, node: &IdedExpr) -> Range<usize> {
        super::places::range(node, self.info, self.piece.cel())
    }
}

/// A list of constants is a constant, as long as it needs nothing spelled out.
fn constant_list(items: Vec<Expr>) -> Expr {
    let constants: Option<Vec<Value>> = items
        .iter()
        .map(|item| match item {
            Expr::Literal(value) => Some(value.clone()),
            _ => None,
        })
        .collect();
    match constants.and_then(|constants| Value::list(constants).ok()) {
        Some(list) => Expr::Literal(list),
        None => Expr::List(items),
    }
}

/// The operands of a run of one connective.
fn flatten<'n>(node: &'n IdedExpr, op: &str, operands: &mut Vec<&'n IdedExpr>) {
    match &node.expr {
        Cel::Call(call) if call.func_name == op && call.target.is_none() => {
            call.args.iter().for_each(|part| flatten(part, op, operands));
        }
        _ => operands.push(node),
    }
}

/// The operands of a run of one operator that associates to the left, without recursion however long it is.
fn operands_of(node: &IdedExpr, op: ArithmeticOp) -> Vec<&IdedExpr> {
    let mut operands = Vec::new();
    let mut left = node;
    while let Cel::Call(call) = &left.expr {
        let [first, second] = call.args.as_slice() else { break };
        if call.target.is_some() || arithmetic_op(&call.func_name) != Some(op) {
            break;
        }
        operands.push(second);
        left = first;
    }
    operands.push(left);
    operands.reverse();
    operands
}

fn arithmetic_op(name: &str) -> Option<ArithmeticOp> {
    Some(match name {
        operators::ADD => ArithmeticOp::Add,
        operators::SUBSTRACT => ArithmeticOp::Subtract,
        operators::MULTIPLY => ArithmeticOp::Multiply,
        operators::DIVIDE => ArithmeticOp::Divide,
        operators::MODULO => ArithmeticOp::Remainder,
        _ => return None,
    })
}
