use std::sync::Arc;

use kneo_core::message::Arguments;
use kneo_core::secret::Secret;

use super::*;

const KEY: &str = "sk-abcdefgh";

/// What the deltas were, joined, and what became of the answer.
struct Told {
    deltas: String,
    answer: Result<ModelAnswer, CallError>,
    spent: Usage,
}

fn told(pieces: &[&str]) -> Told {
    let deltas = Arc::new(Mutex::new(String::new()));
    let sink = Arc::clone(&deltas);
    let sink = Deltas::new(move |text| sink.lock().unwrap().push_str(text));
    let (names, spent) = (ToolNames::of(&[]), Spent::default());
    let veil = Veil::new(Some(&Arc::new(Secret::new(KEY.to_owned()))));
    let mut assembly = Assembly::new(&sink, &names, &spent, 3, veil);
    let taken = pieces.iter().try_for_each(|piece| assembly.take(serde_json::from_str(piece).unwrap()));
    let answer = taken.and_then(|()| assembly.finish());
    let deltas = deltas.lock().unwrap().clone();
    Told { deltas, answer, spent: spent.usage() }
}

fn delta(delta: &str) -> String {
    format!(r#"{{"choices":[{{"index":0,"delta":{delta},"finish_reason":null}}]}}"#)
}

fn end(reason: &str) -> String {
    format!(r#"{{"choices":[{{"index":0,"delta":{{}},"finish_reason":"{reason}"}}]}}"#)
}

fn calls(pieces: &[&str]) -> Vec<(String, String, Arguments)> {
    let mut all: Vec<String> = pieces.iter().map(|piece| delta(&format!(r#"{{"tool_calls":[{piece}]}}"#))).collect();
    all.push(end("tool_calls"));
    let answer = told(&all.iter().map(String::as_str).collect::<Vec<_>>()).answer.unwrap();
    assert_eq!(answer.stop, StopReason::ToolCalls);
    let calls = answer.message.tool_calls();
    calls.map(|call| (call.id.to_string(), call.name.to_string(), call.arguments.clone())).collect()
}

fn call(id: &str, name: &str, arguments: &str) -> (String, String, Arguments) {
    (id.to_owned(), name.to_owned(), ToolCall::from_text("", "", arguments).arguments)
}

#[test]
fn text_and_usage_are_put_together() {
    let told = told(&[
        &delta(r#"{"role":"assistant","content":""}"#),
        &delta(r#"{"content":"größe "}"#),
        r#"{"choices":[],"usage":{"prompt_tokens":5,"completion_tokens":1}}"#,
        &delta(r#"{"content":"漢字"}"#),
        &end("stop"),
        r#"{"choices":[],"usage":{"prompt_tokens":5,"completion_tokens":2,"total_tokens":7}}"#,
    ]);
    let answer = told.answer.unwrap();
    assert_eq!(answer.message, Message::text(Role::Assistant, "größe 漢字"));
    assert_eq!((answer.stop, answer.usage, told.deltas.as_str()), (StopReason::End, Usage::new(5, 2), "größe 漢字"));
}

#[test]
fn the_reason_to_stop_is_told_in_our_words() {
    for (reason, stop) in [
        ("stop", Ok(StopReason::End)),
        ("eos_token", Ok(StopReason::End)),
        ("length", Ok(StopReason::Length)),
        ("model_length", Ok(StopReason::Length)),
        ("content_filter", Ok(StopReason::ContentFilter)),
        // Without a call there is nothing to run.
        ("tool_calls", Ok(StopReason::End)),
        ("error", Err("provider_server_error")),
        ("insufficient_system_resource", Err("provider_server_error")),
        ("boredom", Err("provider_malformed_answer")),
    ] {
        let answer = told(&[&end(reason)]).answer;
        let stopped = answer.as_ref().map(|answer| answer.stop).map_err(|error| &*error.code);
        assert_eq!(stopped, stop, "{reason}");
    }
    // With a call there is, whatever the server says.
    let one = delta(r#"{"tool_calls":[{"index":0,"id":"c","function":{"name":"a","arguments":"{}"}}]}"#);
    assert_eq!(told(&[&one, &end("stop")]).answer.unwrap().stop, StopReason::ToolCalls);
    assert_eq!(told(&[&one, &end("length")]).answer.unwrap().stop, StopReason::Length);
}

#[test]
fn an_answer_without_its_end_is_none() {
    for (pieces, code) in [
        (vec![], "provider_malformed_answer"),
        (vec![r#"{"choices":[]}"#.to_owned()], "provider_malformed_answer"),
        (vec![r#"{}"#.to_owned()], "provider_malformed_answer"),
        (vec![delta(r#"{"content":"half"}"#)], "provider_stream_cut"),
        (
            vec![delta(r#"{"tool_calls":[{"index":0,"id":"c","function":{"name":"a","arguments":"{}"}}]}"#)],
            "provider_stream_cut",
        ),
        (vec![r#"{"choices":[{"index":1,"delta":{"content":"b"}}]}"#.to_owned()], "provider_malformed_answer"),
    ] {
        let error = told(&pieces.iter().map(String::as_str).collect::<Vec<_>>()).answer.unwrap_err();
        assert_eq!((&*error.code, error.retryable), (code, true), "{pieces:?}");
    }
}

#[test]
fn what_was_spent_is_known_though_the_answer_is_none() {
    let told = told(&[&delta(r#"{"content":"a"}"#), r#"{"usage":{"prompt_tokens":5,"completion_tokens":1}}"#]);
    assert!(told.answer.is_err());
    assert_eq!(told.spent, Usage::new(5, 1));
}

#[test]
fn pieces_of_tool_calls_find_their_call_however_servers_number_them() {
    // As OpenAI: an index each, the name first, then the arguments, two calls interleaved.
    let found = calls(&[
        r#"{"index":0,"id":"c1","type":"function","function":{"name":"search","arguments":""}}"#,
        r#"{"index":1,"id":"c2","type":"function","function":{"name":"delete","arguments":""}}"#,
        r#"{"index":0,"function":{"arguments":"{\"q\":"}}"#,
        r#"{"index":1,"function":{"arguments":"{}"}}"#,
        r#"{"index":0,"function":{"arguments":"1}"}}"#,
    ]);
    assert_eq!(found, [call("c1", "search", r#"{"q":1}"#), call("c2", "delete", "{}")]);
    // One index for all calls, told apart by their ids.
    let found = calls(&[
        r#"{"index":0,"id":"c1","function":{"name":"a","arguments":"{\"q\""}}"#,
        r#"{"index":0,"function":{"arguments":":1}"}}"#,
        r#"{"index":0,"id":"c2","function":{"name":"a","arguments":"{}"}}"#,
    ]);
    assert_eq!(found, [call("c1", "a", r#"{"q":1}"#), call("c2", "a", "{}")]);
    // No index, and each call in one piece.
    let found = calls(&[
        r#"{"id":"c1","function":{"name":"a","arguments":"{}"}},{"id":"c2","function":{"name":"a","arguments":"{}"}}"#,
    ]);
    assert_eq!(found, [call("c1", "a", "{}"), call("c2", "a", "{}")]);
    // No index and no ids: a name begins a call.
    let found = calls(&[
        r#"{"function":{"name":"a","arguments":"{\"q\""}}"#,
        r#"{"function":{"arguments":":1}"}}"#,
        r#"{"id":"","function":{"name":"b","arguments":"{}"}}"#,
    ]);
    assert_eq!(found, [call("call_3_1", "a", r#"{"q":1}"#), call("call_3_2", "b", "{}")]);
    // The name in pieces, or repeated with every piece.
    let found = calls(&[
        r#"{"index":0,"id":"c1","function":{"name":"sea"}}"#,
        r#"{"index":0,"function":{"name":"rch","arguments":"{"}}"#,
        r#"{"index":0,"id":"c1","function":{"name":"search","arguments":"}"}}"#,
    ]);
    assert_eq!(found, [call("c1", "search", "{}")]);
    // Ids that are not unique are made so.
    let found = calls(&[
        r#"{"index":0,"id":"x","function":{"name":"a","arguments":"{}"}}"#,
        r#"{"index":1,"id":"x","function":{"name":"b","arguments":"{}"}}"#,
    ]);
    assert_eq!(found, [call("x", "a", "{}"), call("call_3_2", "b", "{}")]);
}

#[test]
fn cut_arguments_stay_cut_also_where_the_server_says_that_all_is_well() {
    for broken in [r#"{"path": "/tm"#, "", "not json", r#"{"a":1} {"b":2}"#, r#"{"a":1,}"#] {
        let arguments = serde_json::to_string(broken).unwrap();
        let found =
            calls(&[&format!(r#"{{"index":0,"id":"c","function":{{"name":"delete","arguments":{arguments}}}}}"#)]);
        assert_eq!(found, [("c".to_owned(), "delete".to_owned(), Arguments::Malformed(broken.into()))]);
    }
}

#[test]
fn a_refusal_is_an_answer_that_a_filter_stopped() {
    let told = told(&[&delta(r#"{"refusal":"I will "}"#), &delta(r#"{"refusal":"not."}"#), &end("stop")]);
    let answer = told.answer.unwrap();
    assert_eq!((answer.message.to_text().as_str(), answer.stop), ("I will not.", StopReason::ContentFilter));
    assert_eq!(told.deltas, "I will not.");
}

#[test]
fn a_reason_to_stop_that_repeats_the_key_is_told_without_it() {
    let error = stop_reason("Vr2MbXq9 and Vr2MbXq9", false, Some("Vr2MbXq9")).unwrap_err();
    assert!(error.message.contains("`[redacted] and [redacted]`; "), "{}", error.message);
}

#[test]
fn the_key_is_in_no_answer() {
    let told = told(&[
        &delta(r#"{"content":"it is sk-abc"}"#),
        &delta(r#"{"content":"defgh, sk-"}"#),
        &delta(
            r#"{"tool_calls":[{"index":0,"id":"sk-abcdefgh","function":{"name":"sk-abcdefgh","arguments":"{\"k\":\"sk-\\u0061bcdefgh\"}"}}]}"#,
        ),
        &end("tool_calls"),
    ]);
    let answer = told.answer.unwrap();
    assert_eq!(answer.message.to_text(), "it is [redacted], sk-");
    assert_eq!(told.deltas, "it is [redacted], sk-");
    let call = answer.message.tool_calls().next().unwrap();
    assert_eq!((&*call.id, &*call.name), ("[redacted]", "[redacted]"));
    assert_eq!(call.arguments, ToolCall::from_text("", "", r#"{"k":"[redacted]"}"#).arguments);
}

#[test]
fn there_is_an_end_to_tool_calls() {
    let many: Vec<String> =
        (0..1_025).map(|at| format!(r#"{{"index":{at},"id":"c{at}","function":{{"name":"a"}}}}"#)).collect();
    let told = told(&[&delta(&format!(r#"{{"tool_calls":[{}]}}"#, many.join(",")))]);
    assert_eq!(&*told.answer.unwrap_err().code, "provider_answer_too_large");
}
