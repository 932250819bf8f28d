//! Reads single values of fields.

use std::sync::Arc;

use kneo_core::name::{Name, NameError};
use kneo_core::value::{Number, Value};

use super::Lower;
use super::fields::{At, Choice};
use crate::diagnostic::{Code, Diagnostic, tick, tick_list};
use crate::document::{JsonSchema, RawExpr, RawText};
use crate::shape::{FieldKind, LONGEST_SECONDS, SHORTEST_SECONDS, Support};
use crate::source::{Span, Spanned};
use crate::syntax::{Kind, NodeId, Style, Text, expression_length, needs_quotes, quote};

impl Lower<'_> {
    /// Reads a name.
    pub(super) fn name(&mut self, at: Option<&At>) -> Option<Spanned<Name>> {
        let at = at?;
        self.name_node(at.node, &tick(at.field.name))
    }

    /// Reads a name that is called `subject` in messages.
    pub(super) fn name_node(&mut self, node: NodeId, subject: &str) -> Option<Spanned<Name>> {
        let text = self.plain_node(node, subject)?;
        self.warn_no_holes(node, subject);
        self.check_name(&text.value, text.span)
    }

    /// Checks that a text is a name.
    pub(super) fn check_name(&mut self, text: &str, span: Span) -> Option<Spanned<Name>> {
        match Name::new(text) {
            Ok(name) => Some(Spanned::new(name, span)),
            Err(error) => {
                let help = match error {
                    NameError::Empty => "write a name",
                    NameError::TooLong => "shorten it to 256 bytes",
                    _ => "remove control characters, and white space at the ends",
                };
                self.report(
                    Diagnostic::new(Code::InvalidName, span, format!("{} is not a name", tick(text))).help(help),
                );
                None
            }
        }
    }

    /// Reads text without holes.
    pub(super) fn plain(&mut self, at: Option<&At>) -> Option<Spanned<Arc<str>>> {
        let at = at?;
        self.plain_entry(at.node, &tick(at.field.name))
    }

    /// Reads text without holes that is called `subject` in messages.
    pub(super) fn plain_entry(&mut self, node: NodeId, subject: &str) -> Option<Spanned<Arc<str>>> {
        self.warn_no_holes(node, subject);
        self.plain_node(node, subject)
    }

    /// Reads text, with holes or without.
    pub(super) fn plain_node(&mut self, node: NodeId, subject: &str) -> Option<Spanned<Arc<str>>> {
        let found = self.tree.node(node);
        if let Kind::Text(text, _) = &found.kind {
            return Some(Spanned::new(Arc::clone(text), found.span));
        }
        let help = self.quote_help(node);
        self.wrong_type(node, &format!("{subject} is text"), help);
        None
    }

    /// A scalar that is not text can be made text by quoting it.
    fn quote_help(&self, node: NodeId) -> Option<String> {
        let found = self.tree.node(node);
        let scalar = matches!(found.kind, Kind::Bool(_) | Kind::Int(_) | Kind::Float(_));
        scalar.then(|| format!("quote it: `{}`", quote(self.tree.slice(found.span))))
    }

    /// Reads text with holes that is called `subject` in messages.
    pub(super) fn template_node(&mut self, node: NodeId, subject: &str) -> Option<RawText> {
        self.plain_node(node, subject)?;
        let text = self.tree.text(node)?;
        Some(RawText { text, holes: true })
    }

    /// Reads text that the published v1 had without holes: they are read with `templates: true`.
    pub(super) fn v1_text(&mut self, at: Option<&At>) -> Option<RawText> {
        let at = at?;
        self.plain_node(at.node, &tick(at.field.name))?;
        let text = self.tree.text(at.node)?;
        self.warn_template_off(&text);
        Some(RawText { text, holes: self.templates })
    }

    /// Warns of `{{` in text where holes are read only if the spec asks for it, and it does not.
    fn warn_template_off(&mut self, text: &Text) {
        if !self.templates
            && let Some(span) = hole(text)
        {
            self.report(
                Diagnostic::new(Code::TemplateOff, span, "this is plain text here, not a hole").help(
                    "add `templates: true` at the top level to read holes in prompts and in what people are asked",
                ),
            );
        }
    }

    /// As [`Lower::warn_template_off`], for every text of a value.
    pub(super) fn warn_templates_off(&mut self, node: NodeId) {
        for text in self.texts(node) {
            if let Some(text) = self.tree.text(text) {
                self.warn_template_off(&text);
            }
        }
    }

    /// As [`Lower::warn_no_holes`], for every text of a value.
    pub(super) fn warn_no_holes_inside(&mut self, node: NodeId, subject: &str) {
        for text in self.texts(node) {
            self.warn_no_holes(text, subject);
        }
    }

    /// The texts of a value with braces in them.
    fn texts(&self, node: NodeId) -> Vec<NodeId> {
        let mut texts = Vec::new();
        let mut waiting = vec![node];
        while let Some(node) = waiting.pop() {
            match &self.tree.node(node).kind {
                Kind::Text(text, _) if text.contains("{{") => texts.push(node),
                Kind::List(items) => waiting.extend(items),
                Kind::Map(entries) => waiting.extend(entries.iter().map(|entry| entry.value)),
                Kind::Null | Kind::Bool(_) | Kind::Int(_) | Kind::Float(_) | Kind::Text(..) | Kind::Error => {}
            }
        }
        texts
    }

    /// Warns of `{{` in text that never has holes.
    fn warn_no_holes(&mut self, node: NodeId, subject: &str) {
        if !matches!(&self.tree.node(node).kind, Kind::Text(text, _) if text.contains("{{")) {
            return;
        }
        if let Some(span) = self.tree.text(node).as_ref().and_then(hole) {
            self.report(
                Diagnostic::new(Code::NoHoles, span, format!("no holes are read here: {subject} is text as it stands"))
                    .help("remove the braces, and write what shall stand there in every run"),
            );
        }
    }

    /// Reads a bare expression.
    pub(super) fn expr(&mut self, at: Option<&At>) -> Option<Spanned<RawExpr>> {
        let at = at?;
        let node = self.tree.node(at.node);
        match &node.kind {
            Kind::Bool(value) => Some(Spanned::new(RawExpr::Bool(*value), node.span)),
            Kind::Text(..) | Kind::List(_) | Kind::Map(_) => {
                if let Some(diagnostic) = self.misread(at) {
                    self.report(diagnostic);
                    return None;
                }
                let text = self.tree.text(at.node)?;
                Some(Spanned::new(RawExpr::Text(text), node.span))
            }
            Kind::Null | Kind::Int(_) | Kind::Float(_) | Kind::Error => {
                let field = at.field.name;
                self.wrong_type(at.node, &format!("`{field}` is an expression that is true or false"), None);
                None
            }
        }
    }

    /// What YAML made of an expression without quotes: a list, a mapping, an anchor, or text that stops too early.
    fn misread(&self, at: &At) -> Option<Diagnostic> {
        let node = self.tree.node(at.node);
        let field = at.field.name;
        let from = at.key.span.end();
        let between = self.tree.slice(Span::new(node.span.file(), from..node.span.start()));
        let behind = self.tree.rest_of_line(node.span.end());
        let line = self.tree.rest_of_line(from);
        let value = line.trim_start_matches(':').trim_start();
        let start = from + line.len() - value.len();
        let length = match &node.kind {
            Kind::List(_) | Kind::Map(_) if value.is_empty() || value.starts_with('#') => {
                let diagnostic = needs_quotes(at.key.span, field).primary("");
                return Some(diagnostic.help(format!("write the expression as text: `{field}: '…'`")));
            }
            Kind::List(_) | Kind::Map(_) => node.span.end().saturating_sub(start).min(value.trim_end().len()),
            Kind::Text(_, Style::Plain) if between.contains('&') => node.span.end().saturating_sub(start),
            Kind::Text(text, Style::Plain) if is_open(text) && behind.trim_start().starts_with('#') => {
                value.trim_end().len()
            }
            Kind::Text(text, Style::Plain) if is_open(text) && behind.starts_with(',') => expression_length(value),
            _ => return None,
        };
        let written = value.get(..length).unwrap_or(value);
        let span = Span::new(node.span.file(), start..start + written.len());
        Some(needs_quotes(span, field).help(format!("write `{field}: {}`", quote(written))))
    }

    pub(super) fn bool(&mut self, at: Option<&At>) -> Option<Spanned<bool>> {
        let at = at?;
        let found = self.tree.node(at.node);
        match &found.kind {
            Kind::Bool(value) => Some(Spanned::new(*value, found.span)),
            Kind::Text(text, _) => {
                let meant = match text.to_ascii_lowercase().as_str() {
                    "yes" | "on" | "y" | "true" => Some("true"),
                    "no" | "off" | "n" | "false" => Some("false"),
                    _ => None,
                };
                let help = meant.map(|word| format!("write `{word}`"));
                self.wrong_type(at.node, &format!("`{}` is a boolean", at.field.name), help);
                None
            }
            _ => {
                self.wrong_type(at.node, &format!("`{}` is a boolean", at.field.name), None);
                None
            }
        }
    }

    /// Reads an integer within the bounds of its field.
    pub(super) fn integer(&mut self, at: Option<&At>) -> Option<Spanned<u64>> {
        let at = at?;
        let found = self.tree.node(at.node);
        let span = found.span;
        let Kind::Int(number) = found.kind else {
            let field = at.field.name;
            self.wrong_type(at.node, &format!("`{field}` is an integer"), None);
            return None;
        };
        let FieldKind::Integer { min, max } = at.field.kind else {
            return None;
        };
        match u64::try_from(number) {
            Ok(number) if (min..=max).contains(&number) => Some(Spanned::new(number, span)),
            _ => {
                self.out_of_range(span, at.field.name, &format!("from {min} to {max}"));
                None
            }
        }
    }

    /// Reads an integer that is known to fit 32 bits by the bounds of its field.
    pub(super) fn small(&mut self, at: Option<&At>) -> Option<Spanned<u32>> {
        let number = self.integer(at)?;
        Some(number.map(|n| u32::try_from(n).unwrap_or(u32::MAX)))
    }

    pub(super) fn number(&mut self, at: Option<&At>) -> Option<Spanned<f64>> {
        let at = at?;
        let number = self.any_number(at)?;
        let FieldKind::Number { min } = at.field.kind else {
            return None;
        };
        if number.value < min {
            self.out_of_range(number.span, at.field.name, &format!("{min} or more"));
            return None;
        }
        Some(number)
    }

    /// Reads a duration, in milliseconds.
    pub(super) fn seconds(&mut self, at: Option<&At>) -> Option<Spanned<u64>> {
        let at = at?;
        let number = self.any_number(at)?;
        if !(SHORTEST_SECONDS..=LONGEST_SECONDS).contains(&number.value) {
            let bounds = format!("from {SHORTEST_SECONDS} to {LONGEST_SECONDS} seconds");
            self.out_of_range(number.span, at.field.name, &bounds);
            return None;
        }
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "the bounds above leave a small positive number"
        )]
        Some(number.map(|seconds| (seconds * 1000.0).round() as u64))
    }

    fn any_number(&mut self, at: &At) -> Option<Spanned<f64>> {
        let found = self.tree.node(at.node);
        match found.kind {
            #[expect(clippy::cast_precision_loss, reason = "integers here have at most 53 bits")]
            Kind::Int(number) => Some(Spanned::new(number as f64, found.span)),
            Kind::Float(number) => Some(Spanned::new(number, found.span)),
            _ => {
                let help = matches!(at.field.kind, FieldKind::Seconds)
                    .then(|| "write a number of seconds, such as `90`".to_owned());
                self.wrong_type(at.node, &format!("`{}` is a number", at.field.name), help);
                None
            }
        }
    }

    fn out_of_range(&mut self, span: Span, field: &str, bounds: &str) {
        let written = tick(self.tree.slice(span));
        self.report(
            Diagnostic::new(Code::OutOfRange, span, format!("{written} is out of range for `{field}`"))
                .help(format!("write a number {bounds}")),
        );
    }

    /// Reads one of the field's words.
    pub(super) fn word(&mut self, at: Option<&At>) -> Option<Spanned<&'static str>> {
        let at = at?;
        let choice = Choice::of(&at.field.kind)?;
        self.word_node(at.node, at.field.name, choice)
    }

    /// Reads one of the field's words; of one that is reported the word it most likely means, so that what depends on
    /// it can be looked at.
    pub(super) fn word_or_near(&mut self, at: Option<&At>) -> Option<&'static str> {
        if let Some(word) = self.word(at) {
            return Some(word.value);
        }
        let at = at?;
        let Kind::Text(text, _) = &self.tree.node(at.node).kind else {
            return None;
        };
        let Choice { words, .. } = Choice::of(&at.field.kind)?;
        let now = words.iter().filter(|word| word.support == Support::Now).map(|word| word.text);
        let is_known = words.iter().any(|word| word.text == &**text);
        if is_known { None } else { self.sink.nearest(text, now) }
    }

    pub(super) fn word_node(&mut self, node: NodeId, field: &str, choice: Choice) -> Option<Spanned<&'static str>> {
        let found = self.tree.node(node);
        let span = found.span;
        let text = match &found.kind {
            Kind::Text(text, _) => Arc::clone(text),
            Kind::Bool(_) | Kind::Int(_) | Kind::Float(_) => self.tree.slice(span).into(),
            Kind::Null | Kind::List(_) | Kind::Map(_) | Kind::Error => {
                let now = choice.words.iter().filter(|word| word.support == Support::Now).map(|word| word.text);
                let help = format!("write {}", tick_list(now.chain(choice.or)));
                self.wrong_type(node, &format!("`{field}` is a word"), Some(help));
                return None;
            }
        };
        let word = self.word_of(&text, span, field, choice)?;
        Some(Spanned::new(word, span))
    }

    /// Reads a list; `None` when it is none.
    pub(super) fn list(&mut self, at: Option<&At>) -> Option<Vec<NodeId>> {
        let at = at?;
        match &self.tree.node(at.node).kind {
            Kind::List(items) => Some(items.clone()),
            _ => {
                let help = self.meant_many(at.node, at.field.name, &at.field.kind);
                self.wrong_type(at.node, &format!("`{}` is a list", at.field.name), help);
                None
            }
        }
    }

    /// Reads a list that holds something.
    pub(super) fn filled_list(&mut self, at: Option<&At>) -> Option<Vec<NodeId>> {
        let at = at?;
        let items = self.list(Some(at))?;
        if items.is_empty() {
            self.empty(at);
            return None;
        }
        Some(items)
    }

    pub(super) fn empty(&mut self, at: &At) {
        let span = self.span(at.node);
        self.report(
            Diagnostic::new(
                Code::OutOfRange,
                if span.is_empty() { at.key.span } else { span },
                format!("`{}` is empty", at.field.name),
            )
            .help("write at least one entry"),
        );
    }

    /// Reads a mapping from names, in author order.
    pub(super) fn map(&mut self, at: Option<&At>) -> Vec<(Spanned<Name>, NodeId)> {
        let Some(at) = at else {
            return Vec::new();
        };
        let Kind::Map(entries) = &self.tree.node(at.node).kind else {
            let help = self.meant_many(at.node, at.field.name, &at.field.kind);
            self.wrong_type(at.node, &format!("`{}` is a mapping", at.field.name), help);
            return Vec::new();
        };
        entries
            .iter()
            .filter_map(|entry| {
                let name = self.check_name(&entry.key.text, entry.key.span)?;
                Some((name, entry.value))
            })
            .collect()
    }

    /// Reads any value as it stands.
    pub(super) fn value(&mut self, node: NodeId) -> Option<Value> {
        let value = match &self.tree.node(node).kind {
            Kind::Null => Value::Null,
            Kind::Bool(value) => Value::Bool(*value),
            Kind::Int(number) => Value::Number(Number::int(*number).ok()?),
            Kind::Float(number) => Value::Number(Number::float(*number).ok()?),
            Kind::Text(text, _) => Value::text(Arc::clone(text)),
            Kind::List(items) => {
                let items: Option<Vec<Value>> = items.iter().map(|item| self.value(*item)).collect();
                Value::list(items?).ok()?
            }
            Kind::Map(entries) => {
                let entries: Option<Vec<(Arc<str>, Value)>> =
                    entries.iter().map(|entry| Some((Arc::clone(&entry.key.text), self.value(entry.value)?))).collect();
                Value::map(entries?).ok()?
            }
            // The one thing that is no value was reported; the limits on specs keep the rest legal.
            Kind::Error => return None,
        };
        Some(value)
    }

    /// Reads a JSON Schema; whether it is a valid one is checked later.
    pub(super) fn schema(&mut self, at: Option<&At>) -> Option<JsonSchema> {
        let at = at?;
        match self.tree.node(at.node).kind {
            Kind::Map(_) | Kind::Bool(_) => Some(JsonSchema { value: self.value(at.node)?, node: at.node }),
            _ => {
                let field = at.field.name;
                self.wrong_type(at.node, &format!("`{field}` is a JSON Schema, a mapping"), None);
                None
            }
        }
    }
}

/// Where the first hole of a text stands, if it has one.
pub(super) fn hole(text: &Text) -> Option<Span> {
    let start = text.as_str().find("{{")?;
    let rest = text.as_str().get(start..).unwrap_or_default();
    let end = start + rest.find("}}").map_or(2, |length| length + 2);
    Some(text.span_of(start..end))
}

/// Whether a bracket or a quote is open at the end of the text.
fn is_open(text: &str) -> bool {
    let count = |c: char| text.matches(c).count();
    count('"') % 2 == 1 || count('\'') % 2 == 1 || count('(') > count(')') || count('[') > count(']')
}
