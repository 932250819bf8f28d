use kneo_core::message::{Arguments, StopReason};
use kneo_core::provider::Provider;
use kneo_core::{Usage, Value};
use kneo_providers::{ScriptError, ScriptedProvider};

use super::support::{ask, at};

const SCRIPT: &str = r#"{
  "agents": {
    "writer": [
      {"when_input_contains": "urgent", "visit": 2, "turns": ["At once."]},
      {
        "turns": [
          {"text": "Let me look.", "tool_calls": [
            {"name": "search", "arguments": {"query": "rust"}},
            {"name": "delete", "arguments_text": "{\"path\": \"/tm", "id": "mine"},
            {"name": "now"}
          ]},
          [
            {"error": {"code": "provider_rate_limited", "message": "slow down", "retryable": true, "retry_after_seconds": 1.5},
             "usage": {"input_tokens": 8, "output_tokens": 0}},
            {"text": "Found", "usage": {"input_tokens": 10, "output_tokens": 2}, "stop": "length"}
          ]
        ]
      }
    ],
    "critic": [{"turns": ["Good."]}]
  }
}"#;

#[tokio::test]
async fn a_file_says_all_that_code_can() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("script.json");
    std::fs::write(&path, SCRIPT).unwrap();
    let provider = ScriptedProvider::from_file(&path).unwrap();
    let text = async |agent, turn, path, attempt, input| {
        provider.generate(&ask(agent, turn, input), &at(path, attempt)).await.map(|answer| answer.message.to_text())
    };
    assert_eq!(text("critic", 1, "1#1/t1", 1, "").await.unwrap(), "Good.");
    assert_eq!(text("writer", 1, "1#2/t1", 1, "urgent!").await.unwrap(), "At once.");
    assert_eq!(text("writer", 1, "1#1/t1", 1, "urgent!").await.unwrap(), "Let me look.");
    let error = text("writer", 2, "1#1/t2", 1, "").await.unwrap_err();
    assert_eq!((&*error.code, &*error.message, error.retryable), ("provider_rate_limited", "slow down", true));
    assert_eq!((error.retry_after.unwrap().as_millis(), error.usage), (1_500, Usage::new(8, 0)));

    let first = provider.generate(&ask("writer", 1, ""), &at("", 1)).await.unwrap();
    let calls: Vec<_> = first.message.tool_calls().map(|call| (&*call.id, &*call.name, &call.arguments)).collect();
    let (query, none) = (Value::from_json_text(r#"{"query":"rust"}"#).unwrap(), Value::from_json_text("{}").unwrap());
    let expected = [
        ("call_1_1", "search", &Arguments::Parsed(query)),
        ("mine", "delete", &Arguments::Malformed("{\"path\": \"/tm".into())),
        ("call_1_3", "now", &Arguments::Parsed(none)),
    ];
    assert_eq!(calls, expected);
    let second = provider.generate(&ask("writer", 2, ""), &at("", 2)).await.unwrap();
    assert_eq!((second.stop, second.usage), (StopReason::Length, Usage::new(10, 2)));
}

#[test]
fn a_mistake_has_a_place_and_a_reason() {
    let script = |turns: &str| format!("{{\"agents\": {{\n  \"a\": [{{\"turns\": [\n    {turns}\n  ]}}]\n}}}}");
    for (text, line, says) in [
        ("{", 1, "EOF"),
        ("{}", 1, "missing field `agents`"),
        ("{\"agents\": {}, \"agent\": 1}", 1, "unknown field `agent`"),
        (
            "{\"agents\": {\"a\": [{\"turns\": [\"x\"]}],\n \"a\": [{\"turns\": [\"y\"]}]}}",
            2,
            "agent `a` stands here twice",
        ),
        ("{\"agents\": {\n\"a\": []}}", 2, "at least one script"),
        ("{\"agents\": {\n\"a\": [{\"turns\": []}]}}", 2, "at least one turn"),
        ("{\"agents\": {\n\"a\": [{\"visit\": 0, \"turns\": [\"x\"]}]}}", 2, "counted from 1"),
        ("{\"agents\": {\n\"a\": [{\"turns\": [\"x\"]}, {\"turns\": [\"y\"]}]}}", 2, "script 2 is never reached"),
        (&script("7"), 3, "expected a text, a reply or a list of replies"),
        (&script("[]"), 3, "at least one reply"),
        (&script("[[\"x\"]]"), 3, "expected a text or a reply"),
        (&script("{}"), 3, "a reply has `text`, `tool_calls` or `error`"),
        (&script("{\"txt\": \"x\"}"), 3, "unknown field `txt`, expected one of `text`"),
        (&script("{\"text\": \"x\", \"stop\": \"bored\"}"), 3, "unknown variant `bored`"),
        (&script("{\"text\": \"x\", \"usage\": {\"tokens\": 3}}"), 3, "unknown field `tokens`"),
        (&script("{\"text\": \"x\", \"delay_seconds\": -1}"), 3, "`-1` is not a number of seconds"),
        (&script("{\"text\": \"x\", \"error\": {\"code\": \"provider_x\", \"message\": \"y\"}}"), 3, "nothing else"),
        (&script("{\"error\": {\"code\": \"oops\", \"message\": \"y\"}}"), 3, "`oops`"),
        (&script("{\"tool_calls\": [{\"arguments\": {}}]}"), 3, "missing field `name`"),
        (
            &script("{\"tool_calls\": [{\"name\": \"x\", \"arguments\": {}, \"arguments_text\": \"\"}]}"),
            3,
            "`arguments` or `arguments_text`, not both",
        ),
        (
            &script("{\"tool_calls\": [{\"name\": \"x\", \"id\": \"1\"}, {\"name\": \"y\", \"id\": \"1\"}]}"),
            3,
            "two tool calls of one reply have the id `1`",
        ),
        (
            &script("{\"tool_calls\": [{\"name\": \"x\", \"arguments\": {\"n\": 9007199254740993}}]}"),
            3,
            "9007199254740993",
        ),
    ] {
        match ScriptedProvider::from_json(text) {
            Err(ScriptError::Text { line: found, column, message, .. }) => {
                assert!(message.contains(says), "{text}\nsays {message}");
                assert!(found == line && column > 0 || text == "{", "{text}\nat {found}:{column}: {message}");
            }
            other => panic!("{text} gave {other:?}"),
        }
    }
}

#[tokio::test]
async fn the_example_of_the_documentation_works() {
    let provider = ScriptedProvider::from_json(include_str!("../../src/scripted/example.json")).unwrap();
    let answer = provider.generate(&ask("writer", 2, ""), &at("", 2)).await.unwrap();
    assert_eq!((answer.message.to_text().as_str(), answer.usage), ("Found it.", Usage::new(10, 2)));
}

#[test]
fn the_file_is_named() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("script.json");
    let error = ScriptedProvider::from_file(&path).unwrap_err().to_string();
    assert!(error.starts_with("cannot read the script `") && error.contains("script.json"), "{error}");
    std::fs::write(&path, "{\"agents\":\n 3}").unwrap();
    let error = ScriptedProvider::from_file(&path).unwrap_err().to_string();
    assert_eq!(
        error,
        format!("{}:2:2: invalid type: integer `3`, expected scripts by the name of the agent", path.display())
    );
    std::fs::write(&path, "[]").unwrap();
    assert!(ScriptedProvider::from_file(&path).unwrap_err().to_string().contains("script.json:1:"));
}
