//! Reads: a root, a step, or a walk into a value.

use cel::IdedExpr;
use cel::common::ast::Expr as Cel;
use kneo_core::expr::{Access, Expr, StepRead};

use super::lower::{Asked, CONVERT, Lowering, Typed};
use super::names::{BareStep, Chain, Segment, Source, resolve, some_of};
use super::types::Type;
use crate::diagnostic::{Code, tick};
use crate::known::{Child, Known};
use crate::vocabulary::Read;

impl<'a> Lowering<'a> {
    /// A root, a step or a walk into a value.
    pub(super) fn path(&mut self, node: &IdedExpr, asked: Asked) -> Option<Typed> {
        let chain = Chain::of(node);
        let (base, mut known, used) = match &chain.base.expr {
            Cel::Ident(name) => self.named(&chain, name, asked)?,
            _ => {
                let (base, found) = self.expr(chain.base)?;
                (base, Known::Plain(found), 0)
            }
        };
        let segments = chain.segments.get(used..).unwrap_or_default();
        if segments.is_empty() {
            return Some((base, self.found(known)));
        }
        let mut accesses = Vec::new();
        let mut whole = true;
        // The walk up to where it stands.
        let mut so_far = used.checked_sub(1).and_then(|last| chain.segments.get(last)?.node()).unwrap_or(chain.base);
        for segment in segments {
            let from = known.found();
            known = match segment {
                Segment::Key { key, node } => {
                    accesses.push(Access::Key((*key).into()));
                    let under = self.under(known, key, so_far, node);
                    so_far = node;
                    whole &= under.is_some();
                    under.unwrap_or_default()
                }
                Segment::At { index, node } => {
                    so_far = node;
                    match self.expr(index) {
                        Some((at, at_type)) => {
                            whole &= self.index(index, from, at_type);
                            accesses.push(Access::At(at));
                        }
                        None => whole = false,
                    }
                    known.item()
                }
            };
        }
        let found = self.found(known);
        whole.then(|| (Expr::Path(Box::new(base), accesses), found))
    }

    /// The type of a value; a set of words gets a number.
    fn found(&mut self, known: Known<'a>) -> Type {
        let Some(words) = known.words() else { return known.found() };
        let number = u16::try_from(self.words.len()).ok();
        self.words.push(words);
        number.map_or(Type::Text, Type::Word)
    }

    /// What is certain of what a key leads to; `None` when it leads nowhere, which is reported.
    fn under(&mut self, known: Known<'a>, key: &str, of: &IdedExpr, node: &IdedExpr) -> Option<Known<'a>> {
        let from = known.found();
        if !from.is_a(&[Type::Map, Type::Null]) {
            let text = format!("{} is read from a map, and this is {}", tick(key), from.with_article());
            return self.report(node, Code::ExprType, text, CONVERT);
        }
        let keys = match known.key(key) {
            Child::Is(known) => return Some(known),
            Child::Never(keys) => keys,
        };
        let of = self.piece.cel().get(self.range(of)).unwrap_or_default();
        let help = if let Some(kind) = self.decided(known, key) {
            format!("to ask what was decided, write `{of}.kind == '{kind}'`")
        } else if let Some(near) = self.sink.nearest(key, keys.iter().copied()) {
            format!("did you mean {}?", tick(near))
        } else if keys.is_empty() {
            "it is empty".to_owned()
        } else {
            format!("it has {}", some_of(&keys))
        };
        self.report(node, Code::ExprUnknownField, format!("{} has no {}", tick(of), tick(key)), help)
    }

    /// The kind of decision that somebody took for a field.
    fn decided(&mut self, known: Known<'a>, key: &str) -> Option<&'a str> {
        match known {
            Known::Decision(kinds) => self.sink.nearest(key, kinds.iter().copied()),
            _ => None,
        }
    }

    fn index(&mut self, index: &IdedExpr, from: Type, at: Type) -> bool {
        let expected = match from {
            Type::List if at.is_a(&[Type::Int, Type::Double]) => return true,
            Type::List => "the index of a list is an int",
            Type::Map if at.is_a(&[Type::Text]) => return true,
            Type::Map => "the key of a map is a string",
            Type::Any | Type::Null if at.is_a(&[Type::Int, Type::Double, Type::Text]) => return true,
            Type::Any | Type::Null => "an index is an int or a string",
            Type::Bool | Type::Int | Type::Double | Type::Number | Type::Text | Type::Word(_) => {
                "`[ ]` takes a list or a map"
            }
        };
        let text = format!("{expected}, and this is {}", at.with_article());
        self.report::<()>(index, Code::ExprType, text, CONVERT);
        false
    }

    fn named(&mut self, chain: &Chain<'_>, name: &str, asked: Asked) -> Option<(Expr, Known<'a>, usize)> {
        let bare = if asked == Asked::Whether { BareStep::Settled } else { BareStep::Refused };
        let resolved = match resolve(name, &chain.segments, &self.locals, bare, self.vocabulary) {
            Ok(resolved) => resolved,
            Err(problem) => {
                let last = problem.reach().checked_sub(1).and_then(|last| chain.segments.get(last));
                let range = self.range(last.and_then(Segment::node).unwrap_or(chain.base));
                if let Some(diagnostic) = problem.diagnostic(self.piece, range, self.vocabulary, self.sink) {
                    self.sink.push(diagnostic);
                }
                return None;
            }
        };
        let last = resolved.used.checked_sub(1).and_then(|last| chain.segments.get(last));
        let written = last.and_then(Segment::node).unwrap_or(chain.base);
        let span = self.piece.span(self.range(written));
        let (expr, known) = match resolved.source {
            Source::Local(depth) => (Expr::Local(depth), Known::Nothing),
            Source::Root(root) => {
                self.reads.push(Read::Root { root, span });
                (Expr::Root(root), self.vocabulary.known_root(root))
            }
            Source::Step(step, field) => {
                let guarded = asked != Asked::Plainly || self.guarded.contains(&resolved.source);
                self.reads.push(Read::Step { step, field, guarded, span });
                (Expr::Step(StepRead { step, field }), self.vocabulary.known_step(step, field))
            }
        };
        Some((expr, known, resolved.used))
    }
}

impl<'a> Segment<'a> {
    fn node(&self) -> Option<&'a IdedExpr> {
        match self {
            Segment::Key { node, .. } => Some(node),
            Segment::At { .. } => None,
        }
    }
}
