//! The body of a request.

use std::sync::Arc;

use kneo_core::Value;
use kneo_core::call::CallError;
use kneo_core::provider::{ModelRequest, OutputSchema, ToolOffer};
use serde::Serialize;
use serde::ser::{SerializeMap, Serializer};

use super::builder::{Answers, MaxTokens, StructuredOutput};
use super::extra::Extra;
use super::message::{WireMessage, conversation};
use super::strict;
use super::tool_name::{self, ToolNames};
use crate::http::code::Code;

/// How a body is written for one server.
#[derive(Clone, Copy)]
pub(super) struct Form {
    pub(super) answers: Answers,
    pub(super) structured: StructuredOutput,
    pub(super) max_tokens: MaxTokens,
}

/// Keys keep the author's order: models generate properties in the order of the schema.
#[derive(Serialize)]
struct Body<'a> {
    model: &'a str,
    messages: Vec<WireMessage<'a>>,
    stream: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    stream_options: Option<StreamOptions>,
    #[serde(skip_serializing_if = "Option::is_none")]
    temperature: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    max_completion_tokens: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    max_tokens: Option<u64>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    tools: Vec<WireTool<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    response_format: Option<ResponseFormat<'a>>,
    #[serde(flatten)]
    parameters: Parameters<'a>,
}

#[derive(Serialize)]
struct StreamOptions {
    include_usage: bool,
}

#[derive(Serialize)]
struct WireTool<'a> {
    r#type: &'static str,
    function: WireFunction<'a>,
}

#[derive(Serialize)]
struct WireFunction<'a> {
    name: std::borrow::Cow<'a, str>,
    description: &'a str,
    parameters: &'a Value,
}

#[derive(Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
enum ResponseFormat<'a> {
    JsonObject,
    JsonSchema { json_schema: JsonSchema<'a> },
}

#[derive(Serialize)]
struct JsonSchema<'a> {
    name: String,
    schema: &'a Value,
    #[serde(skip_serializing_if = "Option::is_none")]
    strict: Option<bool>,
}

struct Parameters<'a>(&'a [(Arc<str>, Value)]);

impl Serialize for Parameters<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(self.0.len()))?;
        for (key, value) in self.0 {
            map.serialize_entry(&**key, value)?;
        }
        map.end()
    }
}

/// The body of a request, as JSON.
///
/// # Errors
/// What the API has no form for.
pub(super) fn body(
    model: &str,
    request: &ModelRequest,
    extra: &Extra,
    names: &ToolNames,
    form: Form,
) -> Result<Vec<u8>, CallError> {
    let (named, most) = most_tokens(request.max_output_tokens, extra.max_tokens, form.max_tokens);
    let streamed = form.answers == Answers::Streamed;
    let body = Body {
        model,
        messages: conversation(&request.messages, names)?,
        stream: streamed,
        stream_options: streamed.then_some(StreamOptions { include_usage: true }),
        temperature: request.temperature,
        max_completion_tokens: most.filter(|_| named == MaxTokens::MaxCompletionTokens),
        max_tokens: most.filter(|_| named == MaxTokens::MaxTokens),
        tools: request.tools.iter().map(|tool| wire_tool(tool, names)).collect(),
        response_format: request.output.as_ref().and_then(|output| response_format(output, form.structured)),
        parameters: Parameters(&extra.parameters),
    };
    serde_json::to_vec(&body).map_err(|error| Code::InvalidRequest.error(format!("the request is no JSON: {error}")))
}

/// The smaller of what the engine and the author allow, under the author's name for it.
fn most_tokens(engine: Option<u64>, author: Option<(MaxTokens, u64)>, name: MaxTokens) -> (MaxTokens, Option<u64>) {
    match (engine, author) {
        (engine, None) => (name, engine),
        (None, Some((name, most))) => (name, Some(most)),
        (Some(engine), Some((name, most))) => (name, Some(engine.min(most))),
    }
}

fn wire_tool<'a>(tool: &'a ToolOffer, names: &'a ToolNames) -> WireTool<'a> {
    let function =
        WireFunction { name: names.sent(&tool.name), description: &tool.description, parameters: &tool.parameters };
    WireTool { r#type: "function", function }
}

fn response_format(output: &OutputSchema, how: StructuredOutput) -> Option<ResponseFormat<'_>> {
    match how {
        StructuredOutput::JsonSchema if strict::is_object(&output.schema) => {
            let name = tool_name::plain(&output.name);
            let strict = strict::is_acceptable(&output.schema).then_some(true);
            Some(ResponseFormat::JsonSchema { json_schema: JsonSchema { name, schema: &output.schema, strict } })
        }
        StructuredOutput::JsonObject if strict::is_object(&output.schema) => Some(ResponseFormat::JsonObject),
        StructuredOutput::JsonSchema | StructuredOutput::JsonObject | StructuredOutput::Unsent => None,
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use kneo_core::message::{Message, Role};

    use super::*;

    const PLAIN: Form = Form {
        answers: Answers::Plain,
        structured: StructuredOutput::JsonSchema,
        max_tokens: MaxTokens::MaxCompletionTokens,
    };

    fn request() -> ModelRequest {
        ModelRequest::new("writer", 1, vec![Arc::new(Message::text(Role::User, "hello"))])
    }

    fn written(request: &ModelRequest, extra: &str, form: Form) -> String {
        let extra = Extra::read(Some(&Value::from_json_text(extra).unwrap()), &BTreeSet::new()).unwrap();
        let names = ToolNames::of(&request.tools);
        String::from_utf8(body("gpt", request, &extra, &names, form).unwrap()).unwrap()
    }

    #[test]
    fn a_body_holds_what_was_asked_for_and_nothing_else() {
        const START: &str = r#"{"model":"gpt","messages":[{"role":"user","content":"hello"}]"#;
        assert_eq!(written(&request(), "{}", PLAIN), format!(r#"{START},"stream":false}}"#));

        let streamed = Form { answers: Answers::Streamed, ..PLAIN };
        let options = r#""stream":true,"stream_options":{"include_usage":true}"#;
        assert_eq!(written(&request(), "{}", streamed), format!("{START},{options}}}"));

        let mut full = request();
        full.temperature = Some(0.5);
        full.max_output_tokens = Some(100);
        let parameters = Value::from_json_text(r#"{"type":"object","properties":{"z":{},"a":{}}}"#).unwrap();
        full.tools = Arc::from([ToolOffer::new("files.read", "Reads", parameters)]);
        let tools = r#""tools":[{"type":"function","function":{"name":"files_read","description":"Reads","parameters":{"type":"object","properties":{"z":{},"a":{}}}}}]"#;
        let extra = r#"{"top_p":0.25,"stop":["a"],"seed":7,"logit_bias":{"9":1,"1":2}}"#;
        assert_eq!(
            written(&full, extra, PLAIN),
            format!(
                r#"{START},"stream":false,"temperature":0.5,"max_completion_tokens":100,{tools},"top_p":0.25,"stop":["a"],"seed":7,"logit_bias":{{"9":1,"1":2}}}}"#
            )
        );
    }

    #[test]
    fn the_smaller_length_is_sent_under_the_authors_name() {
        for (engine, extra, expected) in [
            (None, "{}", ""),
            (Some(9), "{}", r#","max_completion_tokens":9"#),
            (None, r#"{"max_tokens":5}"#, r#","max_tokens":5"#),
            (Some(9), r#"{"max_tokens":5}"#, r#","max_tokens":5"#),
            (Some(4), r#"{"max_tokens":5}"#, r#","max_tokens":4"#),
            (Some(4), r#"{"max_completion_tokens":5}"#, r#","max_completion_tokens":4"#),
        ] {
            let mut request = request();
            request.max_output_tokens = engine;
            let body = written(&request, extra, PLAIN);
            assert!(body.ends_with(&format!(r#""stream":false{expected}}}"#)), "{body}");
        }
        let mut request = request();
        request.max_output_tokens = Some(9);
        let body = written(&request, "{}", Form { max_tokens: MaxTokens::MaxTokens, ..PLAIN });
        assert!(body.ends_with(r#","max_tokens":9}"#), "{body}");
    }

    #[test]
    fn a_schema_is_sent_as_strictly_as_it_can_be() {
        let closed = r#"{"type":"object","properties":{"z":{"type":"string"},"a":{"type":"string"}},"required":["z","a"],"additionalProperties":false}"#;
        let open = r#"{"type":"object","properties":{"a":{"type":"string"}}}"#;
        let list = r#"{"type":"array","items":{"type":"string"}}"#;
        for (how, schema, expected) in [
            (
                StructuredOutput::JsonSchema,
                closed,
                format!(
                    r#","response_format":{{"type":"json_schema","json_schema":{{"name":"the_report","schema":{closed},"strict":true}}}}"#
                ),
            ),
            (
                StructuredOutput::JsonSchema,
                open,
                format!(
                    r#","response_format":{{"type":"json_schema","json_schema":{{"name":"the_report","schema":{open}}}}}"#
                ),
            ),
            (StructuredOutput::JsonSchema, list, String::new()),
            (StructuredOutput::JsonObject, closed, r#","response_format":{"type":"json_object"}"#.to_owned()),
            (StructuredOutput::JsonObject, list, String::new()),
            (StructuredOutput::Unsent, closed, String::new()),
        ] {
            let mut request = request();
            request.output = Some(OutputSchema::new("the report", Value::from_json_text(schema).unwrap()));
            let body = written(&request, "{}", Form { structured: how, ..PLAIN });
            assert!(body.ends_with(&format!(r#""stream":false{expected}}}"#)), "{body}");
        }
    }
}
