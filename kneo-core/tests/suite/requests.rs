//! The digest of what a person is asked.

use kneo_core::plan::RequestType;
use kneo_core::task::{DecisionKind, Request, TaskCause};
use proptest::prelude::*;

use super::arbitrary;
use super::samples::value;

fn request(subject: &str, context: &str) -> Request {
    let actions = vec![DecisionKind::Approve, DecisionKind::Reject];
    let mut request = Request::new(TaskCause::Step(RequestType::Approval), "Ship it?", value(subject), actions);
    request.context = value(context);
    request
}

#[test]
fn the_digest_is_of_the_canonical_form() {
    // SHA-256, by another program, of {"actions":["approved","rejected"],"cause":{"step":"approval"},
    // "context":{"x":"y","z":"w"},"description":"Ship it?","subject":{"a":1,"b":[true,null]}} without white space
    // between its parts.
    let expected = "7f3cb4dfb10099dd8d9e021afd921733a833b965580e937e9775b0517aa6fade";
    let digest = request(r#"{"a":1,"b":[true,null]}"#, r#"{"x":"y","z":"w"}"#).digest().unwrap();
    assert_eq!(digest.to_string(), expected);
}

#[test]
fn the_order_of_keys_does_not_matter_and_everything_else_does() {
    let digest = |subject, context| request(subject, context).digest().unwrap();
    let one = digest(r#"{"a":1,"b":[true,null]}"#, r#"{"x":"y","z":"w"}"#);
    assert_eq!(digest(r#"{"b":[true,null],"a":1}"#, r#"{"z":"w","x":"y"}"#), one);
    assert_ne!(digest(r#"{"a":1,"b":[null,true]}"#, r#"{"x":"y","z":"w"}"#), one);
    assert_ne!(digest(r#"{"a":2,"b":[true,null]}"#, r#"{"x":"y","z":"w"}"#), one);
    assert_ne!(digest(r#"{"x":"y","z":"w"}"#, r#"{"a":1,"b":[true,null]}"#), one);
}

proptest! {
    #![proptest_config(arbitrary::config())]

    #[test]
    fn every_value_has_a_digest(subject in arbitrary::value()) {
        let mut request = request("null", "null");
        let before = request.digest()?;
        request.subject = subject.clone();
        prop_assert_eq!(request.digest()? == before, subject == kneo_core::Value::Null);
    }
}
