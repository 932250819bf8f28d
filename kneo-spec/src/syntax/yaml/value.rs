//! What scalars mean, and which tags are read.

use std::borrow::Cow;

use granit_parser::{ScalarStyle, Tag};

use super::{Reader, Size, Stop, misread};
use crate::diagnostic::{Code, Diagnostic, tick};
use crate::source::Span;
use crate::syntax::scalar::{Plain, resolve};
use crate::syntax::tree::{Kind, Node, Style};

impl Reader<'_> {
    pub(super) fn scalar(
        &mut self,
        text: &str,
        style: ScalarStyle,
        anchor: usize,
        tag: Option<(Cow<'_, Tag>, Span)>,
        at: Span,
    ) -> Result<(), Stop> {
        let style = match style {
            ScalarStyle::Plain => Style::Plain,
            ScalarStyle::SingleQuoted => Style::SingleQuoted,
            ScalarStyle::DoubleQuoted => Style::DoubleQuoted,
            ScalarStyle::Literal | ScalarStyle::Folded => Style::Block,
        };
        let at = if style == Style::Block { self.trimmed(at) } else { at };
        let size = Size { nodes: 1, bytes: text.len(), height: 0 };
        let kind = match tag {
            None if style == Style::Plain => self.plain(text, at),
            None => Kind::Text(text.into(), style),
            Some((tag, place)) => match self.tagged(&tag, text, style, at) {
                Some(kind) => kind,
                None => {
                    self.foreign_tag(place);
                    Kind::Error
                }
            },
        };
        if self.expects_key() {
            if anchor != 0 {
                let node = Node { span: at, kind: Kind::Text(text.into(), style) };
                self.anchors.insert(anchor, Some(self.tree.add(node)));
                self.sizes.push(size);
            }
            return self.key(text, &kind, at);
        }
        self.value(kind, at, anchor, size)
    }

    fn plain(&mut self, text: &str, at: Span) -> Kind {
        // A key is text even when it is too long for a number.
        let is_key = self.expects_key();
        match resolve(text) {
            Plain::Value(kind) => kind,
            _ if is_key => Kind::Error,
            Plain::IntegerRange => {
                self.sink.push(
                    Diagnostic::new(
                        Code::YamlIntegerRange,
                        at,
                        format!("{} is beyond plus or minus 2^53 − 1", tick(text)),
                    )
                    .help(format!("quote it to keep its digits as text: `{}`", misread::quote(text))),
                );
                Kind::Error
            }
            Plain::NotFinite => {
                self.sink.push(
                    Diagnostic::new(Code::YamlNumberNotFinite, at, format!("{} is not a finite number", tick(text)))
                        .help(format!("quote it if it is text: `{}`", misread::quote(text))),
                );
                Kind::Error
            }
        }
    }

    /// `None` when the tag is not one of the core schema's or does not fit the text.
    fn tagged(&mut self, tag: &Tag, text: &str, style: Style, at: Span) -> Option<Kind> {
        let kind = match tag.core_suffix()? {
            "str" => return Some(Kind::Text(text.into(), style)),
            "null" | "bool" | "int" | "float" => self.plain(text, at),
            _ => return None,
        };
        match (tag.core_suffix()?, &kind) {
            ("null", Kind::Null)
            | ("bool", Kind::Bool(_))
            | ("int", Kind::Int(_))
            | ("float", Kind::Float(_))
            | (_, Kind::Error) => Some(kind),
            #[expect(clippy::cast_precision_loss, reason = "integers here have at most 53 bits")]
            ("float", Kind::Int(number)) => Some(Kind::Float(*number as f64)),
            _ => None,
        }
    }

    pub(super) fn check_collection_tag(&mut self, tag: Option<&Tag>, expected: &str, at: Span) -> Result<(), Stop> {
        if tag.is_some_and(|tag| tag.core_suffix() != Some(expected)) {
            self.foreign_tag(at);
        }
        Ok(())
    }
}
