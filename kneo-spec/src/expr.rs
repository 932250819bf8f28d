//! Expressions: from text to the tree that a plan carries.
//!
//! Text is parsed as CEL, its names are looked up in a [`Vocabulary`], and the syntax tree is lowered to
//! [`kneo_core::expr::Expr`]. What the language does not have is refused here, so that the evaluator never meets it.

mod calls;
mod compare;
mod deep;
mod failure;
mod guards;
mod holes;
mod hyphen;
mod lower;
mod names;
mod parse;
mod path;
mod piece;
mod places;
mod types;

use std::sync::Arc;

use kneo_core::expr::{Expr, TextPart, TextTemplate, ValueTemplate};
use kneo_core::value::{Number, Value};

use self::holes::Part;
pub(crate) use self::parse::Parser;
use self::piece::Piece;
pub(crate) use self::types::Type;
use crate::diagnostic::{Code, Diagnostic, Diagnostics, tick};
use crate::syntax::{Kind, NodeId, Text, Tree};
use crate::vocabulary::{Compiled, Read, Vocabulary};

/// Compiles a bare expression whose value is a condition; `None` when it has an error, which is reported.
///
/// One that can never be a bool is an error.
pub(crate) fn condition(
    text: &Text,
    vocabulary: &dyn Vocabulary,
    parser: &mut Parser,
    sink: &mut Diagnostics,
) -> Option<Compiled<Expr>> {
    let (compiled, found) = one(Piece::whole(text), vocabulary, parser, sink)?;
    if found.is_a(&[types::Type::Bool]) {
        return Some(compiled);
    }
    let message = format!("a condition is a bool, and this is {}", found.with_article());
    let help = "compare it with something, such as `x == 'done'`, or read a value that is true or false";
    sink.push(Diagnostic::new(Code::ExprType, text.span(), message).help(help));
    None
}

/// Compiles text with `{{ }}` holes; `None` when a hole has an error, after all were looked at.
pub(crate) fn template(
    text: &Text,
    vocabulary: &dyn Vocabulary,
    parser: &mut Parser,
    sink: &mut Diagnostics,
) -> Option<Compiled<TextTemplate>> {
    let mut parts = Vec::new();
    let mut reads = Vec::new();
    let mut whole = true;
    for part in holes::split(text.as_str()) {
        if !parser.is_open() {
            return None;
        }
        match part {
            Part::Text(text) => parts.push(TextPart::Text(text.into())),
            Part::Hole(range) => match one(Piece::part(text, range), vocabulary, parser, sink) {
                Some((compiled, _)) => {
                    reads.extend(compiled.reads);
                    parts.push(filled(compiled.code));
                }
                None => whole = false,
            },
            Part::Unclosed(range) => {
                sink.push(
                    Diagnostic::new(Code::TemplateUnclosed, text.span_of(range), "this hole has no end")
                        .help("close it with `}}`; a literal `{{` is written `{{ '{{' }}`"),
                );
                whole = false;
            }
        }
    }
    whole.then(|| Compiled { code: TextTemplate::new(parts), reads })
}

/// Compiles a value with holes; `None` when a hole has an error, after all were looked at.
pub(crate) fn value(
    tree: &Tree,
    node: NodeId,
    vocabulary: &dyn Vocabulary,
    parser: &mut Parser,
    sink: &mut Diagnostics,
) -> Option<Compiled<ValueTemplate>> {
    let mut reads = Vec::new();
    let code = node_value(tree, node, vocabulary, parser, sink, &mut reads)?;
    if deep::nesting(&code) > deep::MAX_NESTING {
        let message = "the value nests too deep to be part of a plan";
        sink.push(Diagnostic::new(Code::ExprTooDeep, tree.node(node).span, message).help("pass it as flatter parts"));
        return None;
    }
    Some(Compiled { code, reads })
}

fn node_value(
    tree: &Tree,
    node: NodeId,
    vocabulary: &dyn Vocabulary,
    parser: &mut Parser,
    sink: &mut Diagnostics,
    reads: &mut Vec<Read>,
) -> Option<ValueTemplate> {
    match &tree.node(node).kind {
        Kind::Null => Some(ValueTemplate::literal(&Value::Null)),
        Kind::Bool(value) => Some(ValueTemplate::literal(&Value::Bool(*value))),
        Kind::Int(number) => Some(ValueTemplate::literal(&Value::Number(Number::int(*number).ok()?))),
        Kind::Float(number) => Some(ValueTemplate::literal(&Value::Number(Number::float(*number).ok()?))),
        Kind::Text(..) => {
            let text = tree.text(node)?;
            let compiled = template(&text, vocabulary, parser, sink)?;
            if !text.as_str().contains("{{") {
                warn_of_lookalike(&text, vocabulary, sink);
            }
            reads.extend(compiled.reads);
            Some(typed(compiled.code))
        }
        Kind::List(items) => {
            let items: Vec<_> =
                items.iter().map(|item| node_value(tree, *item, vocabulary, parser, sink, reads)).collect();
            items.into_iter().collect::<Option<_>>().map(ValueTemplate::list)
        }
        Kind::Map(entries) => {
            let entries: Vec<_> = entries
                .iter()
                .map(|entry| {
                    let value = node_value(tree, entry.value, vocabulary, parser, sink, reads)?;
                    Some((Arc::clone(&entry.key.text), value))
                })
                .collect();
            entries.into_iter().collect::<Option<_>>().map(ValueTemplate::map)
        }
        Kind::Error => None,
    }
}

/// Compiles one expression and says which type it has, as far as that is evident.
fn one(
    piece: Piece<'_>,
    vocabulary: &dyn Vocabulary,
    parser: &mut Parser,
    sink: &mut Diagnostics,
) -> Option<(Compiled<Expr>, types::Type)> {
    parser.count(&piece, sink)?;
    if let Some(diagnostic) = hyphen::diagnose(&piece, vocabulary) {
        sink.push(diagnostic);
        return None;
    }
    let parsed = match parser.parse(&piece) {
        Ok(parsed) => parsed,
        Err(diagnostic) => {
            sink.push(*diagnostic);
            return None;
        }
    };
    lower::lower(&piece, &parsed, vocabulary, sink)
}

/// Whether text with holes is always text: a single hole keeps its type.
pub(crate) fn is_text(text: &str) -> bool {
    let mut parts = holes::split(text);
    !matches!((parts.next(), parts.next()), (Some(Part::Hole(_)), None))
}

/// A hole that is constant text is text.
fn filled(expr: Expr) -> TextPart {
    match expr {
        Expr::Literal(Value::Str(text)) => TextPart::Text(text),
        expr => TextPart::Hole(expr),
    }
}

/// A string that is exactly one hole keeps the hole's type.
fn typed(template: TextTemplate) -> ValueTemplate {
    if let Some(text) = template.as_literal() {
        return ValueTemplate::literal(&Value::from(text));
    }
    match template.parts() {
        [TextPart::Hole(Expr::Literal(value))] => ValueTemplate::literal(value),
        [TextPart::Hole(expr)] => ValueTemplate::Expr(expr.clone()),
        _ => ValueTemplate::Text(template),
    }
}

/// Warns of text that is the path of a known step, for which its author meant the step's output.
fn warn_of_lookalike(text: &Text, vocabulary: &dyn Vocabulary, sink: &mut Diagnostics) {
    let written = text.as_str();
    let Some(rest) = written.strip_prefix("steps.").or_else(|| written.strip_prefix("nodes.")) else {
        return;
    };
    let id = rest.split(['.', '[']).next().unwrap_or_default();
    if rest.contains(char::is_whitespace) || vocabulary.step(id).is_none() {
        return;
    }
    sink.push(
        Diagnostic::new(Code::LooksLikeExpression, text.span(), format!("{} is text here, not a read", tick(written)))
            .help(format!("to read the step, write `\"{{{{ {written} }}}}\"`")),
    );
}

#[cfg(test)]
mod oracle;
#[cfg(test)]
mod tests;
