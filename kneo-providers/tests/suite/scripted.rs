use std::time::Duration;

use kneo_core::call::CallError;
use kneo_core::message::{Arguments, Message, Role, StopReason};
use kneo_core::provider::Provider;
use kneo_core::{Usage, Value};
use kneo_providers::{Answer, Reply, Script, ScriptedProvider, Turn};

use super::support::{ask, at};

async fn text(
    provider: &ScriptedProvider,
    turn: u32,
    path: &str,
    attempt: u32,
    input: &str,
) -> Result<String, CallError> {
    let answer = provider.generate(&ask("writer", turn, input), &at(path, attempt)).await?;
    Ok(answer.message.to_text())
}

#[tokio::test]
async fn a_reply_depends_on_the_request_and_not_on_what_was_asked_before() {
    let provider = || {
        let busy = CallError::retryable("provider_unavailable", "busy").with_retry_after(Duration::from_secs(3));
        let second = Turn::attempts(busy, ["second attempt", "later attempts"]);
        ScriptedProvider::builder()
            .agent("writer", Script::new().when_input_contains("urgent").turn("at once"))
            .agent("writer", Script::new().on_visit(2).turn("again"))
            .agent("writer", Script::new().turn("one").turn(second))
            .build()
            .unwrap()
    };
    let cases = [
        (1, "3#1/t1", 1, "draft", Ok("one")),
        (1, "3#1/t1", 7, "draft", Ok("one")),
        (2, "3#1/t2", 1, "draft", Err("provider_unavailable")),
        (2, "3#1/t2", 2, "draft", Ok("second attempt")),
        (2, "3#1/t2", 3, "draft", Ok("later attempts")),
        (2, "3#1/t2", 9, "draft", Ok("later attempts")),
        (1, "3#2/t1", 1, "draft", Ok("again")),
        (1, "5#2/b0/3#1/t1", 1, "draft", Ok("one")),
        (1, "3#2/t1", 1, "this is urgent", Ok("at once")),
    ];
    let seasoned = provider();
    for _ in 0..2 {
        for (turn, path, attempt, input, expected) in &cases {
            for provider in [&provider(), &seasoned] {
                let said = text(provider, *turn, path, *attempt, input).await;
                let said = said.as_ref().map(String::as_str).map_err(|error| &*error.code);
                assert_eq!(said, *expected, "turn {turn} of {path}, attempt {attempt}, {input}");
            }
        }
    }
    let error = text(&seasoned, 2, "3#1/t2", 1, "draft").await.unwrap_err();
    assert_eq!((error.retryable, error.retry_after), (true, Some(Duration::from_secs(3))));
}

#[tokio::test]
async fn what_the_script_does_not_foresee_is_an_error() {
    let provider = ScriptedProvider::builder()
        .agent("writer", Script::new().when_input_contains("report").turn("done"))
        .agent("critic", Script::new().turn("good"))
        .build()
        .unwrap();
    for (agent, turn, input, message) in [
        (
            "editor",
            1,
            "report",
            "the script has no agent `editor`; it has `critic`, `writer`; add the reply to the script",
        ),
        (
            "writer",
            1,
            "poem",
            "no script of agent `writer` fits visit 1 with the input `poem`; add the reply to the script",
        ),
        (
            "writer",
            2,
            "report",
            "the script of agent `writer` ends after turn 1 and was asked for turn 2; add the reply to the script",
        ),
        (
            "critic",
            0,
            "",
            "the script of agent `critic` ends after turn 1 and was asked for turn 0; add the reply to the script",
        ),
    ] {
        let error = provider.generate(&ask(agent, turn, input), &at("", 1)).await.unwrap_err();
        assert_eq!((&*error.code, error.retryable), ("provider_script_exhausted", false));
        assert_eq!(&*error.message, message);
    }
}

#[tokio::test]
async fn an_answer_has_its_text_its_calls_and_its_cost() {
    let calls = Answer::text("let me look")
        .and_tool_call("search", Value::map([("q", "x")].map(|(k, v)| (k, Value::from(v)))).unwrap())
        .and_tool_call_text("delete", "{\"path\": \"/tm");
    let lying = Answer::tool_call_text("delete", "{}").with_stop(StopReason::End).with_usage(Usage::new(100, 50));
    let provider = ScriptedProvider::builder()
        .agent("writer", Script::new().turn(calls).turn(lying).turn("all done"))
        .build()
        .unwrap();

    let first = provider.generate(&ask("writer", 1, "two words"), &at("", 1)).await.unwrap();
    assert_eq!((first.message.role, first.stop), (Role::Assistant, StopReason::ToolCalls));
    assert_eq!(first.message.to_text(), "let me look");
    let shown: Vec<_> = first.message.tool_calls().map(|call| (&*call.id, &*call.name, &call.arguments)).collect();
    let query = Arguments::Parsed(Value::from_json_text(r#"{"q":"x"}"#).unwrap());
    let cut = Arguments::Malformed("{\"path\": \"/tm".into());
    assert_eq!(shown, [("call_1_1", "search", &query), ("call_1_2", "delete", &cut)]);
    assert_eq!(first.usage, Usage::new(2, 3 + 1 + 2));

    let second = provider.generate(&ask("writer", 2, "two words"), &at("", 1)).await.unwrap();
    assert_eq!((second.stop, second.usage), (StopReason::End, Usage::new(100, 50)));
    assert_eq!(&*second.message.tool_calls().next().unwrap().id, "call_2_1");

    let third = provider.generate(&ask("writer", 3, "two words"), &at("", 1)).await.unwrap();
    assert_eq!(third.message, Message::text(Role::Assistant, "all done"));
    assert_eq!(third.stop, StopReason::End);
}

#[tokio::test(start_paused = true)]
async fn a_reply_takes_its_time_and_is_cut_short_by_a_cancel() {
    let late = Reply::from("late").after(Duration::from_secs(3_600));
    let provider = ScriptedProvider::builder().agent("writer", Script::new().turn(late)).build().unwrap();
    let start = tokio::time::Instant::now();
    assert_eq!(text(&provider, 1, "", 1, "").await.unwrap(), "late");
    assert_eq!(start.elapsed(), Duration::from_secs(3_600));

    let (request, context) = (ask("writer", 1, ""), at("", 1));
    let (answer, ()) = tokio::join!(provider.generate(&request, &context), async {
        tokio::time::sleep(Duration::from_secs(5)).await;
        context.cancel.cancel();
    });
    assert_eq!(&*answer.unwrap_err().code, "provider_cancelled");
    assert_eq!(start.elapsed(), Duration::from_secs(3_605));
}

#[tokio::test]
async fn it_remembers_what_it_was_asked() {
    let provider = ScriptedProvider::builder().agent("writer", Script::new().turn("ok")).build().unwrap();
    text(&provider, 1, "3#1/t1", 2, "first").await.unwrap();
    text(&provider, 9, "3#1/t9", 1, "second").await.unwrap_err();
    let asked: Vec<_> = provider
        .requests()
        .into_iter()
        .map(|asked| {
            (asked.path.to_string(), asked.attempt.as_u32(), asked.request.turn, asked.request.messages[0].to_text())
        })
        .collect();
    assert_eq!(asked, [("3#1/t1".into(), 2, 1, "first".into()), ("3#1/t9".into(), 1, 9, "second".into())]);
}

#[test]
fn a_script_that_means_nothing_is_refused() {
    for (script, reason) in [
        (vec![Script::new()], "at least one turn"),
        (vec![Script::new().turn("a"), Script::new().on_visit(2).turn("b")], "script 2 is never reached"),
        (vec![Script::new().on_visit(0).turn("a")], "counted from 1"),
        (vec![Script::new().turn(CallError::fatal("rate_limited", "x"))], "`rate_limited`"),
    ] {
        let builder =
            script.into_iter().fold(ScriptedProvider::builder(), |builder, script| builder.agent("a", script));
        let error = builder.build().unwrap_err().to_string();
        assert!(error.starts_with("the scripts of agent `a` cannot be used") && error.contains(reason), "{error}");
    }
}
