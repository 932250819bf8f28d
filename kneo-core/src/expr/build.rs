//! Texts and lists that grow only up to the bound of what may be built.

use std::io;
use std::sync::Arc;

use super::{ExprError, MAX_BUILT_BYTES, Meter};
use crate::value::{List, Value};

/// Builds a text and refuses the byte that is too many before it is stored.
#[derive(Default)]
pub(super) struct TextBuilder {
    text: Vec<u8>,
}

impl TextBuilder {
    pub(super) fn push(&mut self, text: &str) -> Result<(), ExprError> {
        self.room(text.len())?;
        self.text.extend_from_slice(text.as_bytes());
        Ok(())
    }

    /// Writes a value as it stands in a prompt: a text as it is, anything else as compact JSON.
    pub(super) fn push_value(&mut self, value: &Value) -> Result<(), ExprError> {
        match value {
            Value::Str(text) => self.push(text),
            Value::Bool(true) => self.push("true"),
            Value::Bool(false) => self.push("false"),
            Value::Null => self.push("null"),
            Value::Number(_) | Value::List(_) | Value::Map(_) => self.push_json(value),
        }
    }

    pub(super) fn push_json(&mut self, value: &Value) -> Result<(), ExprError> {
        serde_json::to_writer(Bounded(&mut self.text), value).map_err(|_| ExprError::too_large())
    }

    pub(super) fn finish(self, meter: &mut Meter) -> Result<Arc<str>, ExprError> {
        meter.bytes(self.text.len() as u64)?;
        let text = String::from_utf8(self.text).map_err(|_| ExprError::invalid("the text is not UTF-8"))?;
        Ok(text.into())
    }

    fn room(&self, more: usize) -> Result<(), ExprError> {
        if fits(self.text.len(), more) { Ok(()) } else { Err(ExprError::too_large()) }
    }
}

struct Bounded<'a>(&'a mut Vec<u8>);

impl io::Write for Bounded<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if !fits(self.0.len(), bytes.len()) {
            return Err(io::ErrorKind::FileTooLarge.into());
        }
        self.0.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn fits(length: usize, more: usize) -> bool {
    length.saturating_add(more) as u64 <= MAX_BUILT_BYTES
}

/// Builds a list and refuses the item that is too many before it is stored.
#[derive(Default)]
pub(super) struct ListBuilder {
    items: Vec<Value>,
    size: u64,
}

impl ListBuilder {
    pub(super) fn push(&mut self, item: Value) -> Result<(), ExprError> {
        self.size = self.size.saturating_add(item.size()).saturating_add(1);
        if self.size > MAX_BUILT_BYTES {
            return Err(ExprError::too_large());
        }
        self.items.push(item);
        Ok(())
    }

    pub(super) fn extend(&mut self, list: &List) -> Result<(), ExprError> {
        self.size = self.size.saturating_add(Value::List(list.clone()).size());
        if self.size > MAX_BUILT_BYTES {
            return Err(ExprError::too_large());
        }
        self.items.extend_from_slice(list.items());
        Ok(())
    }

    pub(super) fn finish(self, meter: &mut Meter) -> Result<Value, ExprError> {
        meter.built(Value::List(List::new(self.items)?))
    }
}
