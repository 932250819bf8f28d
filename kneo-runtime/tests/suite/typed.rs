use std::io;

use kneo_core::call::{CallContext, CallError};
use kneo_core::run::{Attempt, RunKey};
use kneo_core::{Cancel, Namespace, Path, RunId, Value};
use kneo_runtime::typed;

use super::support::*;

fn context() -> CallContext {
    let key = RunKey::new(Namespace::default(), RunId::from_bytes([1; 16]));
    CallContext::new(key, Path::root(), Attempt::FIRST, Cancel::new())
}

#[derive(serde::Deserialize, schemars::JsonSchema)]
struct Sum {
    /// The first summand.
    a: i64,
    b: Option<i64>,
}

#[tokio::test]
async fn a_typed_tool_has_the_schema_of_its_arguments() {
    let tool = typed::tool("sum", "Adds.", |sum: Sum| async move { Ok::<_, CallError>(sum.a + sum.b.unwrap_or(0)) });
    let tool = tool.unwrap();
    let parameters = &tool.description().parameters;
    assert_eq!(parameters.get("required"), Some(&Value::list([Value::from("a")]).unwrap()));
    let a = parameters.get("properties").and_then(|properties| properties.get("a")).unwrap();
    assert_eq!(a.get("description"), Some(&Value::from("The first summand.")));
    assert_eq!(tool.call(map([("a", int(2)), ("b", int(3))]), &context()).await.unwrap(), int(5));
}

#[tokio::test]
async fn what_does_not_fit_a_type_is_an_error_that_says_so() {
    let function = typed::function(|sum: Sum| async move { Ok::<_, CallError>(sum.a) });
    let error = function.call(Value::from("two"), &context()).await.unwrap_err();
    assert_eq!((&*error.code, error.retryable), ("function_input_invalid", false));
    let function = typed::function(|_: Value| async { Ok::<_, CallError>(u64::MAX) });
    let error = function.call(Value::Null, &context()).await.unwrap_err();
    assert_eq!(&*error.code, "function_output_invalid");
}

#[tokio::test]
async fn a_call_error_stays_what_it_is_and_others_may_be_tried_again() {
    let function = typed::function(|_: Value| async { Err::<(), _>(CallError::fatal("quota", "no more")) });
    let error = function.call(Value::Null, &context()).await.unwrap_err();
    assert_eq!((&*error.code, error.retryable), ("quota", false));
    let function = typed::function(|_: Value| async { Err::<(), _>(io::Error::other("disk on fire")) });
    let error = function.call(Value::Null, &context()).await.unwrap_err();
    assert_eq!((&*error.code, error.retryable, &*error.message), ("function_failed", true, "disk on fire"));
    assert!(error.source.is_some());
}
