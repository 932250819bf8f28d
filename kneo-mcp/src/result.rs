//! What a tool's result means as a value.

use kneo_core::Value;
use rmcp::model::{CallToolResult, ContentBlock, ResourceContents};

use crate::problem::Problem;

/// The longest message of a tool's own error, in bytes.
const MAX_MESSAGE: usize = 8 << 10;

/// Reads a result: structured content as it is; text alone as text, its parts on lines of their own; anything else as
/// the list of its parts.
///
/// # Errors
/// The tool says that it failed, or no value can hold what it gave.
pub(crate) fn read(result: CallToolResult, max_media_bytes: usize) -> Result<Value, Problem> {
    let CallToolResult { content, structured_content, is_error, .. } = result;
    if is_error == Some(true) {
        return Err(Problem::Tool(message(&content, structured_content.as_ref())));
    }
    match structured_content {
        Some(structured) => Value::from_json(&structured).map_err(Problem::Answer),
        None => parts(content, max_media_bytes),
    }
}

fn message(content: &[ContentBlock], structured: Option<&serde_json::Value>) -> String {
    let text = content.iter().filter_map(|part| part.as_text()).map(|part| part.text.as_str());
    let mut text = text.collect::<Vec<_>>().join("\n");
    if text.is_empty() {
        text = structured.map_or_else(|| "the tool failed and does not say why".to_owned(), ToString::to_string);
    }
    if text.len() > MAX_MESSAGE {
        let end = (0..=MAX_MESSAGE).rev().find(|at| text.is_char_boundary(*at)).unwrap_or_default();
        text.truncate(end);
        text.push('…');
    }
    text
}

fn parts(content: Vec<ContentBlock>, max_media_bytes: usize) -> Result<Value, Problem> {
    let texts: Option<Vec<&str>> = content.iter().map(|part| part.as_text().map(|text| &*text.text)).collect();
    if let Some(texts) = texts {
        return Ok(Value::from(texts.join("\n")));
    }
    let parts: Result<Vec<Value>, Problem> = content.into_iter().map(|part| map(part, max_media_bytes)).collect();
    Value::list(parts?).map_err(Problem::Answer)
}

/// A part as a map: `type`, what describes it, and its data where that is not too large.
fn map(part: ContentBlock, cap: usize) -> Result<Value, Problem> {
    let entries = match part {
        ContentBlock::Text(text) => vec![entry("type", "text"), entry("text", text.text)],
        ContentBlock::Image(image) => {
            vec![entry("type", "image"), entry("mime_type", image.mime_type), data("data", image.data, cap)]
        }
        ContentBlock::Audio(audio) => {
            vec![entry("type", "audio"), entry("mime_type", audio.mime_type), data("data", audio.data, cap)]
        }
        ContentBlock::Resource(resource) => {
            let (uri, mime_type, content) = match resource.resource {
                ResourceContents::TextResourceContents { uri, mime_type, text, .. } => {
                    (uri, mime_type, data("text", text, cap))
                }
                ResourceContents::BlobResourceContents { uri, mime_type, blob, .. } => {
                    (uri, mime_type, data("data", blob, cap))
                }
                _ => return Err(unknown()),
            };
            let mut entries = vec![entry("type", "resource"), entry("uri", uri)];
            entries.extend(mime_type.map(|mime_type| entry("mime_type", mime_type)));
            entries.push(content);
            entries
        }
        ContentBlock::ResourceLink(link) => {
            let mut entries = vec![entry("type", "resource_link"), entry("uri", link.uri), entry("name", link.name)];
            entries.extend(link.mime_type.map(|mime_type| entry("mime_type", mime_type)));
            entries.extend(link.description.map(|description| entry("description", description)));
            entries
        }
        _ => return Err(unknown()),
    };
    Value::map(entries).map_err(Problem::Answer)
}

fn unknown() -> Problem {
    Problem::Protocol("its result has a part of a kind that is not known".to_owned())
}

fn entry(key: &'static str, value: impl Into<String>) -> (&'static str, Value) {
    (key, Value::from(value.into()))
}

/// Data under its key, or what says that it was left out.
fn data(key: &'static str, data: String, cap: usize) -> (&'static str, Value) {
    match data.len() {
        bytes if bytes > cap => entry("left_out", format!("{bytes} bytes, and no more than {cap} are taken")),
        _ => entry(key, data),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read_json(json: &str) -> Result<String, Problem> {
        read(serde_json::from_str(json).unwrap(), 8).map(|value| value.to_string())
    }

    #[test]
    fn results_are_values() {
        for (result, value) in [
            (r#"{"content":[{"type":"text","text":"{\"a\":1}"}]}"#, r#""{\"a\":1}""#),
            (r#"{"content":[{"type":"text","text":"a"},{"type":"text","text":"b"}]}"#, r#""a\nb""#),
            (r#"{"content":[]}"#, r#""""#),
            (
                r#"{"content":[{"type":"text","text":"x"}],"structuredContent":{"a":[1,2.5,null]}}"#,
                r#"{"a":[1,2.5,null]}"#,
            ),
            (r#"{"content":[],"structuredContent":[1]}"#, "[1]"),
            (r#"{"content":[{"type":"text","text":"x"}],"structuredContent":null}"#, "null"),
            (
                r#"{"content":[{"type":"text","text":"see"},{"type":"image","data":"aGk=","mimeType":"image/png"}]}"#,
                r#"[{"type":"text","text":"see"},{"type":"image","mime_type":"image/png","data":"aGk="}]"#,
            ),
            (
                r#"{"content":[{"type":"audio","data":"123456789","mimeType":"audio/wav"}]}"#,
                r#"[{"type":"audio","mime_type":"audio/wav","left_out":"9 bytes, and no more than 8 are taken"}]"#,
            ),
            (
                r#"{"content":[{"type":"resource","resource":{"uri":"file:///a","mimeType":"text/plain","text":"hi"}}]}"#,
                r#"[{"type":"resource","uri":"file:///a","mime_type":"text/plain","text":"hi"}]"#,
            ),
            (
                r#"{"content":[{"type":"resource","resource":{"uri":"file:///a","blob":"aGk="}}]}"#,
                r#"[{"type":"resource","uri":"file:///a","data":"aGk="}]"#,
            ),
            (
                r#"{"content":[{"type":"resource_link","uri":"file:///a","name":"a","description":"d"}]}"#,
                r#"[{"type":"resource_link","uri":"file:///a","name":"a","description":"d"}]"#,
            ),
        ] {
            assert_eq!(read_json(result).unwrap(), value, "{result}");
        }
    }

    #[test]
    fn a_tools_own_error_is_its_text() {
        for (result, message) in [
            (
                r#"{"isError":true,"content":[{"type":"text","text":"no such"},{"type":"text","text":"file"}]}"#,
                "no such\nfile",
            ),
            (r#"{"isError":true,"content":[],"structuredContent":{"code":7}}"#, r#"{"code":7}"#),
            (r#"{"isError":true,"content":[]}"#, "the tool failed and does not say why"),
        ] {
            assert!(matches!(read_json(result), Err(Problem::Tool(text)) if text == message), "{result}");
        }
        let long = format!(r#"{{"isError":true,"content":[{{"type":"text","text":"{}"}}]}}"#, "ä".repeat(10_000));
        let Err(Problem::Tool(text)) = read_json(&long) else { panic!("no error") };
        assert!(text.len() <= MAX_MESSAGE + 3 && text.ends_with("ä…"));
    }

    #[test]
    fn what_no_value_can_hold_is_an_error() {
        let large = r#"{"content":[],"structuredContent":{"id":9007199254740993}}"#;
        assert!(matches!(read_json(large), Err(Problem::Answer(_))));
    }
}
