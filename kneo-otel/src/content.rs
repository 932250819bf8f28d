//! What people, models and tools say: stays here unless the host asks for it, and then leaves only as the host lets it.

use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use kneo_core::run::RunKey;
use kneo_core::{Path, Value};
use serde_json::json;

use crate::finished::Said;

/// The longest text of one attribute, in bytes, unless the host says otherwise.
const MAX_BYTES: usize = 8 * 1024;

/// Beyond this many bytes a value is not even written out.
const MAX_WRITTEN: u64 = 1024 * 1024;

/// Lets content leave: arguments, results, inputs, outputs, answers, what went wrong in words.
///
/// Without it none does. Content passes the redactor whole, then is cut to its greatest length: what a redactor finds, it
/// finds before anything is cut.
///
/// ```
/// use kneo_otel::{ContentPolicy, Withheld};
///
/// let policy = ContentPolicy::new().max_bytes(2_048).redact(|content| match content.attribute {
///     "gen_ai.tool.call.result" => Err(Withheld),
///     _ => Ok(content.text.replace("secret", "[redacted]")),
/// });
/// # let _ = policy;
/// ```
#[derive(Clone)]
pub struct ContentPolicy {
    max_bytes: usize,
    redactor: Option<Arc<Redactor>>,
}

type Redactor = dyn Fn(&Content<'_>) -> Result<String, Withheld> + Send + Sync;

/// A piece of content that is about to leave.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Content<'a> {
    /// The attribute that it is to be the value of.
    pub attribute: &'a str,
    /// The run.
    pub run: &'a RunKey,
    /// The workflow that the run runs.
    pub workflow: &'a str,
    /// The place in the run.
    pub path: &'a Path,
    /// The text; what is structured is JSON.
    pub text: &'a str,
}

/// A redactor's answer for what is not to leave.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the content is withheld")]
#[expect(clippy::exhaustive_structs, reason = "there is no more to say")]
pub struct Withheld;

impl Default for ContentPolicy {
    fn default() -> ContentPolicy {
        ContentPolicy { max_bytes: MAX_BYTES, redactor: None }
    }
}

impl ContentPolicy {
    /// Lets all content leave as it is, at most 8 KiB of each piece.
    #[must_use]
    pub fn new() -> ContentPolicy {
        ContentPolicy::default()
    }

    /// The longest text of one attribute, in bytes.
    #[must_use]
    pub fn max_bytes(mut self, bytes: usize) -> ContentPolicy {
        self.max_bytes = bytes;
        self
    }

    /// Gives every piece to a function, and lets leave what it answers. A piece that it withholds, or over which it
    /// panics, does not leave: its span has no such attribute.
    ///
    /// It is called on the exporting thread, never on one that advances a run.
    #[must_use]
    pub fn redact(
        mut self,
        redactor: impl Fn(&Content<'_>) -> Result<String, Withheld> + Send + Sync + 'static,
    ) -> ContentPolicy {
        self.redactor = Some(Arc::new(redactor));
        self
    }

    /// What may leave of a piece; `None` is nothing, which is counted.
    pub(crate) fn pass(&self, said: &Said, of: &Content<'_>, withheld: &AtomicU64) -> Option<String> {
        let passed = written(said).and_then(|text| match &self.redactor {
            None => Some(text),
            Some(redactor) => {
                let content = Content { text: &text, ..*of };
                // Whatever a redactor that panics leaves behind is its own.
                catch_unwind(AssertUnwindSafe(|| redactor(&content))).ok()?.ok()
            }
        });
        if passed.is_none() {
            withheld.fetch_add(1, Ordering::Relaxed);
        }
        passed.map(|text| cut(text, self.max_bytes))
    }
}

impl fmt::Debug for ContentPolicy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let redactor = self.redactor.as_ref().map(|_| "…");
        f.debug_struct("ContentPolicy").field("max_bytes", &self.max_bytes).field("redactor", &redactor).finish()
    }
}

/// The text of a piece; `None` for one that is too large to be written out.
fn written(said: &Said) -> Option<String> {
    if said.size() > MAX_WRITTEN {
        return None;
    }
    Some(match said {
        Said::Text(text) => text.to_string(),
        Said::Value(Value::Str(text)) => text.to_string(),
        Said::Value(value) => value.to_json().to_string(),
        Said::Answer(answer) => messages(answer).to_string(),
    })
}

/// A model's answer in the form that the conventions have for the messages that a model gives.
fn messages(answer: &Value) -> serde_json::Value {
    let text = |value: &Value, key: &str| value.get(key).and_then(Value::as_str).unwrap_or_default().to_owned();
    let mut parts = Vec::new();
    let said = text(answer, "text");
    if !said.is_empty() {
        parts.push(json!({"type": "text", "content": said}));
    }
    if let Some(Value::List(calls)) = answer.get("calls") {
        parts.extend(calls.items().iter().map(|call| {
            let arguments = call.get("arguments").or_else(|| call.get("malformed")).map(Value::to_json);
            json!({"type": "tool_call", "id": text(call, "id"), "name": text(call, "name"), "arguments": arguments})
        }));
    }
    let finish = match answer.get("stop").and_then(Value::as_str) {
        Some("tool_calls") => "tool_call",
        Some("length") => "length",
        Some("content_filter") => "content_filter",
        _ => "stop",
    };
    json!([{"role": "assistant", "parts": parts, "finish_reason": finish}])
}

fn cut(mut text: String, most: usize) -> String {
    if text.len() > most {
        let end = (0..=most).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0);
        text.truncate(end);
    }
    text
}

#[cfg(test)]
mod tests {
    use kneo_core::{Namespace, RunId};

    use super::*;

    fn pass(policy: &ContentPolicy, said: &Said) -> (Option<String>, u64) {
        let (run, path) = (RunKey::new(Namespace::default(), RunId::from_bytes([1; 16])), Path::root());
        let of = Content { attribute: "kneo.run.input", run: &run, workflow: "w", path: &path, text: "" };
        let withheld = AtomicU64::new(0);
        (policy.pass(said, &of, &withheld), withheld.into_inner())
    }

    fn text(text: &str) -> Said {
        Said::Text(Arc::from(text))
    }

    #[test]
    fn content_is_cut_at_a_character() {
        let policy = ContentPolicy::new().max_bytes(5);
        assert_eq!(pass(&policy, &text("größe")), (Some("grö".to_owned()), 0));
        assert_eq!(pass(&policy, &text("abcde")), (Some("abcde".to_owned()), 0));
        assert_eq!(pass(&ContentPolicy::new().max_bytes(0), &text("x")), (Some(String::new()), 0));
    }

    #[test]
    fn a_redactor_sees_the_whole_before_it_is_cut() {
        let policy = ContentPolicy::new().max_bytes(7).redact(|content| Ok(content.text.replace("hunter2", "***")));
        assert_eq!(pass(&policy, &text("key is hunter2")).0.as_deref(), Some("key is "));
        assert_eq!(pass(&policy, &text("hunter2!")).0.as_deref(), Some("***!"));
    }

    #[test]
    fn what_a_redactor_withholds_or_stumbles_over_does_not_leave() {
        let withholds = ContentPolicy::new().redact(|_| Err(Withheld));
        assert_eq!(pass(&withholds, &text("hunter2")), (None, 1));
        let panics = ContentPolicy::new().redact(|_| panic!("not today"));
        assert_eq!(pass(&panics, &text("hunter2")), (None, 1));
    }

    #[test]
    fn what_is_too_large_is_not_written_out() {
        let large = "x".repeat(usize::try_from(MAX_WRITTEN).unwrap() + 1);
        assert_eq!(pass(&ContentPolicy::new(), &text(&large)), (None, 1));
    }

    #[test]
    fn an_answer_is_told_as_the_conventions_have_it() {
        let call = [("id", Value::from("1")), ("name", Value::from("search")), ("malformed", Value::from("{"))];
        let answer = [
            ("text", Value::from("let me look")),
            ("calls", Value::list([Value::map(call).unwrap()]).unwrap()),
            ("stop", Value::from("tool_calls")),
        ];
        let expected = r#"[{"role":"assistant","parts":[{"type":"text","content":"let me look"},{"type":"tool_call","id":"1","name":"search","arguments":"{"}],"finish_reason":"tool_call"}]"#;
        let told = written(&Said::Answer(Value::map(answer).unwrap())).unwrap();
        let json = |text: &str| serde_json::from_str::<serde_json::Value>(text).unwrap();
        assert_eq!(json(&told), json(expected));
    }
}
