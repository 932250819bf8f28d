//! What the beginning of a dotted path stands for.

use std::ops::Range;

use cel::IdedExpr;
use cel::common::ast::{Expr as Cel, LiteralValue, operators};
use kneo_core::expr::{Root, StepField};

use crate::diagnostic::{Code, Diagnostic, Diagnostics, tick, tick_list};
use crate::expr::piece::Piece;
use crate::vocabulary::Vocabulary;

/// A walk from a base: `base.key["key"][index]`, without recursion however long it is.
pub(super) struct Chain<'a> {
    pub(super) base: &'a IdedExpr,
    pub(super) segments: Vec<Segment<'a>>,
}

/// One step of the walk; the node is the walk up to and with it.
pub(super) enum Segment<'a> {
    Key { key: &'a str, node: &'a IdedExpr },
    At { index: &'a IdedExpr, node: &'a IdedExpr },
}

impl<'a> Chain<'a> {
    pub(super) fn of(node: &'a IdedExpr) -> Self {
        let mut segments = Vec::new();
        let mut base = node;
        loop {
            match &base.expr {
                Cel::Select(select) => {
                    segments.push(Segment::Key { key: &select.field, node: base });
                    base = &select.operand;
                }
                Cel::Call(call) if call.func_name == operators::INDEX => {
                    let [operand, index] = call.args.as_slice() else { break };
                    segments.push(match &index.expr {
                        Cel::Literal(LiteralValue::String(key)) => Segment::Key { key: key.inner(), node: base },
                        _ => Segment::At { index, node: base },
                    });
                    base = operand;
                }
                _ => break,
            }
        }
        segments.reverse();
        Self { base, segments }
    }
}

/// What a name stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Source {
    /// The variable of a macro, counted from the innermost.
    Local(u16),
    Root(Root),
    Step(u32, StepField),
}

/// A name that was found, and how many segments belong to it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Resolved {
    pub(super) source: Source,
    pub(super) used: usize,
}

/// What may be asked of a step that is named without a field.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum BareStep {
    /// Whether it has settled: `has(steps.x)`.
    Settled,
    /// Nothing.
    Refused,
}

/// Why a name stands for nothing.
pub(super) enum Problem<'a> {
    /// A name, and whether nothing is read of it.
    NoSuchName {
        name: &'a str,
        alone: bool,
    },
    NotHere(&'a str),
    NoSuchStep(&'a str),
    StepComputed,
    StepUnnamed,
    /// A field of the first segment that this version does not fill.
    NotYet(&'static str),
    FieldMissing {
        of: String,
        at: usize,
        known: Vec<&'static str>,
    },
    NoSuchField {
        of: String,
        at: usize,
        field: &'a str,
        known: Vec<&'static str>,
    },
}

const RUN: [(&str, Root); 2] = [("id", Root::RunId), ("started_at", Root::RunStartedAt)];
const ROUND: [(&str, Root); 2] = [("index", Root::RoundIndex), ("feedback", Root::RoundFeedback)];
const PLAIN: [(&str, Root); 5] = [
    ("input", Root::Input),
    ("prev", Root::Prev),
    ("item", Root::Item),
    ("index", Root::Index),
    ("branches", Root::Branches),
];

/// Finds out what a chain that begins with a name reads.
pub(super) fn resolve<'a>(
    name: &'a str,
    segments: &[Segment<'a>],
    locals: &[String],
    bare: BareStep,
    vocabulary: &dyn Vocabulary,
) -> Result<Resolved, Problem<'a>> {
    let inner = locals.iter().rev().zip(0u16..).find(|(local, _)| *local == name);
    if let Some((_, depth)) = inner {
        return Ok(Resolved { source: Source::Local(depth), used: 0 });
    }
    if let Some((_, root)) = PLAIN.iter().find(|(word, _)| *word == name) {
        if !vocabulary.sees(*root) {
            return Err(Problem::NotHere(name));
        }
        return Ok(Resolved { source: Source::Root(*root), used: 0 });
    }
    match name {
        "run" => member(name, &RUN, segments, vocabulary),
        "round" => member(name, &ROUND, segments, vocabulary),
        "steps" | "nodes" => step(name, segments, bare, vocabulary),
        _ => Err(Problem::NoSuchName { name, alone: segments.is_empty() }),
    }
}

fn member<'a>(
    name: &'a str,
    members: &[(&'static str, Root)],
    segments: &[Segment<'a>],
    vocabulary: &dyn Vocabulary,
) -> Result<Resolved, Problem<'a>> {
    let seen: Vec<_> = members.iter().filter(|(_, root)| vocabulary.sees(*root)).collect();
    if seen.is_empty() {
        return Err(Problem::NotHere(name));
    }
    let known = || seen.iter().map(|(word, _)| *word).collect();
    let Some(Segment::Key { key, .. }) = segments.first() else {
        return Err(Problem::FieldMissing { of: format!("`{name}`"), at: 0, known: known() });
    };
    match seen.iter().find(|(word, _)| word == key) {
        None if name == "run" && *key == "environment" => Err(Problem::NotYet("run.environment")),
        Some((_, root)) => Ok(Resolved { source: Source::Root(*root), used: 1 }),
        None => Err(Problem::NoSuchField { of: format!("`{name}`"), at: 1, field: key, known: known() }),
    }
}

fn step<'a>(
    name: &'a str,
    segments: &[Segment<'a>],
    bare: BareStep,
    vocabulary: &dyn Vocabulary,
) -> Result<Resolved, Problem<'a>> {
    if vocabulary.steps().is_empty() && vocabulary.is_whole() {
        return Err(Problem::NotHere(name));
    }
    let id = match segments.first() {
        Some(Segment::Key { key, .. }) => *key,
        Some(Segment::At { .. }) => return Err(Problem::StepComputed),
        None => return Err(Problem::StepUnnamed),
    };
    let index = vocabulary.step(id).ok_or(Problem::NoSuchStep(id))?;
    let known = || StepField::ALL.iter().map(|field| field.as_str()).collect();
    match segments.get(1) {
        Some(Segment::Key { key, .. }) => match StepField::from_name(key) {
            Some(field) => Ok(Resolved { source: Source::Step(index, field), used: 2 }),
            None => Err(Problem::NoSuchField { of: format!("step {}", tick(id)), at: 2, field: key, known: known() }),
        },
        None if bare == BareStep::Settled => Ok(Resolved { source: Source::Step(index, StepField::Status), used: 1 }),
        _ => Err(Problem::FieldMissing { of: format!("step {}", tick(id)), at: 1, known: known() }),
    }
}

impl Problem<'_> {
    /// How many segments after the name the problem reaches over.
    pub(super) fn reach(&self) -> usize {
        match self {
            Self::NoSuchName { .. } | Self::NotHere(_) | Self::StepUnnamed => 0,
            Self::NoSuchStep(_) | Self::StepComputed | Self::NotYet(_) => 1,
            Self::FieldMissing { at, .. } | Self::NoSuchField { at, .. } => *at,
        }
    }

    /// Says what is wrong with the name at a range; nothing about what may be a step that was reported.
    pub(super) fn diagnostic(
        self,
        piece: &Piece<'_>,
        range: Range<usize>,
        vocabulary: &dyn Vocabulary,
        sink: &mut Diagnostics,
    ) -> Option<Diagnostic> {
        Some(match self {
            Self::NoSuchName { name, alone } => unknown_root(piece, range, name, vocabulary, alone, sink),
            Self::NotHere(name) => {
                let message = format!("{} cannot be read here", tick(name));
                let known = visible(vocabulary);
                piece
                    .diagnostic(Code::ExprUnknownRoot, range, message)
                    .help(format!("what can be read here is {}", tick_list(known)))
            }
            Self::NoSuchStep(id) => {
                let steps = vocabulary.settled();
                let help = match sink.nearest(id, steps.iter().copied()) {
                    Some(near) => format!("did you mean {}?", tick(near)),
                    None if !vocabulary.is_whole() => return None,
                    None if steps.is_empty() => "no step has settled before this is read".to_owned(),
                    None => match steps {
                        [one] => format!("the only step that can be read here is {}", tick(one)),
                        _ => format!("the steps that can be read here are {}", some_of(steps)),
                    },
                };
                piece.diagnostic(Code::ExprUnknownStep, range, format!("there is no step {}", tick(id))).help(help)
            }
            Self::StepComputed => piece
                .diagnostic(Code::ExprUnknownStep, range, "the id of a step is written, never computed")
                .help("write `steps[\"id\"]`; to choose, use `condition ? steps.a.output : steps.b.output`"),
            Self::NotYet(what) => piece
                .diagnostic(Code::NotSupportedYet, range, format!("`{what}` is not supported yet"))
                .help("pass the value in with the input"),
            Self::StepUnnamed => {
                piece.diagnostic(Code::ExprUnknownStep, range, "this names no step").help("write `steps.<id>.output`")
            }
            Self::FieldMissing { of, known, .. } => {
                let message = format!("{of} is not a value by itself");
                piece
                    .diagnostic(Code::ExprUnknownField, range, message)
                    .help(format!("add one of {}", tick_list(known.iter().copied())))
            }
            Self::NoSuchField { of, field, known, .. } => {
                let help = match sink.nearest(field, known.iter().copied()) {
                    Some(near) => format!("did you mean {}?", tick(near)),
                    None => format!("it has {}", tick_list(known.iter().copied())),
                };
                piece.diagnostic(Code::ExprUnknownField, range, format!("{of} has no {}", tick(field))).help(help)
            }
        })
    }
}

fn unknown_root(
    piece: &Piece<'_>,
    range: Range<usize>,
    name: &str,
    vocabulary: &dyn Vocabulary,
    alone: bool,
    sink: &mut Diagnostics,
) -> Diagnostic {
    let known = visible(vocabulary);
    let foreign = FOREIGN.iter().find(|(words, _)| words.contains(&name)).map(|(_, help)| *help);
    let help = if vocabulary.step(name).is_some() {
        format!("to read the step, write `steps.{name}.output`")
    } else if let Some(help) = foreign {
        help.to_owned()
    } else if let Some(near) = sink.nearest(name, known.iter().copied()) {
        format!("did you mean {}?", tick(near))
    } else if alone {
        format!("to mean the text, quote it: `'{name}'`; what can be read here is {}", tick_list(known))
    } else {
        format!("what can be read here is {}", tick_list(known))
    };
    piece.diagnostic(Code::ExprUnknownRoot, range, format!("there is no {}", tick(name))).help(help)
}

/// Names that other languages of this kind have.
const FOREIGN: [(&[&str], &str); 5] = [
    (
        &["env", "environ", "environment", "ENV", "os", "process", "secrets", "secret"],
        "expressions see no environment: pass the value in with the input, or let a program read it",
    ),
    (
        &["now", "today", "time", "date", "timestamp", "clock"],
        "expressions see no clock: read `run.started_at`, or let a function tell the time",
    ),
    (&["random", "rand", "uuid"], "expressions see no randomness: read `run.id`, or let a function draw"),
    (&["output", "outputs", "result", "results"], "read `prev`, or `steps.<id>.output`"),
    (
        &["vars", "variables", "state", "context", "ctx"],
        "read `input`, or what a `set` step computed: `steps.<id>.output.<name>`",
    ),
];

/// The words that an expression may begin with here.
fn visible(vocabulary: &dyn Vocabulary) -> Vec<&'static str> {
    let sees = |members: &[(&str, Root)]| members.iter().any(|(_, root)| vocabulary.sees(*root));
    let mut words: Vec<&'static str> =
        PLAIN.iter().filter(|(_, root)| vocabulary.sees(*root)).map(|(word, _)| *word).collect();
    if !vocabulary.settled().is_empty() {
        words.push("steps");
    }
    if sees(&ROUND) {
        words.push("round");
    }
    if sees(&RUN) {
        words.push("run");
    }
    words
}

/// A list of names that stays readable.
pub(super) fn some_of(names: &[&str]) -> String {
    const SHOWN: usize = 8;
    match names.get(..SHOWN) {
        Some(first) if names.len() > SHOWN => {
            let listed: Vec<String> = first.iter().map(|name| tick(name)).collect();
            format!("{} and {} more", listed.join(", "), names.len() - SHOWN)
        }
        _ => tick_list(names.iter().copied()),
    }
}
