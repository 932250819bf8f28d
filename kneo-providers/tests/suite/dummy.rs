use kneo_core::Usage;
use kneo_core::message::{Message, Role, StopReason};
use kneo_core::provider::{ModelRequest, Provider};
use kneo_providers::DummyProvider;

use super::support::{ask, at};

#[tokio::test]
async fn it_says_what_it_was_told_last_and_counts_words() {
    let mut request = ask("writer", 1, "an early question");
    request.messages.insert(0, Message::text(Role::System, "be brief").into());
    request.messages.push(Message::text(Role::Assistant, "yes").into());
    request.messages.push(Message::text(Role::User, " the late\nquestion ").into());
    let answer = DummyProvider::new().generate(&request, &at("3#1/t1", 1)).await.unwrap();
    assert_eq!(answer.message, Message::text(Role::Assistant, " the late\nquestion "));
    assert_eq!((answer.stop, answer.usage), (StopReason::End, Usage::new(9, 3)));
}

#[tokio::test]
async fn it_says_nothing_when_nobody_spoke() {
    let answer = DummyProvider::new().generate(&ModelRequest::new("writer", 1, vec![]), &at("", 1)).await.unwrap();
    assert_eq!(answer.message, Message::text(Role::Assistant, ""));
    assert_eq!(answer.usage, Usage::new(0, 0));
}

#[tokio::test]
async fn it_keeps_to_the_length_it_is_given() {
    let mut request = ask("writer", 1, "one two three");
    request.max_output_tokens = Some(2);
    let answer = DummyProvider::new().generate(&request, &at("", 1)).await.unwrap();
    assert_eq!((answer.message.to_text().as_str(), answer.stop), ("one two", StopReason::Length));
    assert_eq!(answer.usage, Usage::new(3, 2));
}
