//! Tools and functions from closures over a host's own types.
//!
//! ```
//! use kneo_core::call::CallError;
//! use kneo_runtime::typed;
//!
//! #[derive(serde::Deserialize, schemars::JsonSchema)]
//! struct Question {
//!     /// What to look for.
//!     query: String,
//! }
//!
//! let search = typed::tool("search", "Searches the handbook.", |question: Question| async move {
//!     Ok::<_, CallError>(format!("nothing about {}", question.query))
//! })?;
//! assert_eq!(search.description().parameters.get("type").and_then(|t| t.as_str()), Some("object"));
//! # Ok::<(), kneo_core::schema::SchemaError>(())
//! ```

use std::any::Any;
use std::error::Error;
use std::fmt;
use std::marker::PhantomData;
use std::sync::Arc;

use async_trait::async_trait;
use kneo_core::Value;
use kneo_core::call::{CallContext, CallError};
use kneo_core::schema::{Schema, SchemaError};
use kneo_core::tool::{Function, Tool, ToolDescription};
use schemars::JsonSchema;
use serde::Serialize;
use serde::de::DeserializeOwned;

/// A tool: the arguments' type gives the JSON Schema, the result's type is what the model reads.
///
/// An error that is a [`CallError`] is taken as it is; any other becomes one with the code `tool_failed`.
///
/// # Errors
/// A type whose schema cannot be used.
pub fn tool<A, R, E, F, Fut>(
    name: impl Into<Arc<str>>,
    description: impl Into<Arc<str>>,
    call: F,
) -> Result<Arc<dyn Tool>, SchemaError>
where
    A: DeserializeOwned + JsonSchema + Send + 'static,
    R: Serialize + Send + 'static,
    E: Error + Send + Sync + 'static,
    F: Fn(A) -> Fut + Send + Sync + 'static,
    Fut: Future<Output = Result<R, E>> + Send + 'static,
{
    tool_with(name, description, move |arguments, _| call(arguments))
}

/// [`tool`] for a closure that wants to know where the call stands.
///
/// # Errors
/// As [`tool`].
pub fn tool_with<A, R, E, F, Fut>(
    name: impl Into<Arc<str>>,
    description: impl Into<Arc<str>>,
    call: F,
) -> Result<Arc<dyn Tool>, SchemaError>
where
    A: DeserializeOwned + JsonSchema + Send + 'static,
    R: Serialize + Send + 'static,
    E: Error + Send + Sync + 'static,
    F: Fn(A, CallContext) -> Fut + Send + Sync + 'static,
    Fut: Future<Output = Result<R, E>> + Send + 'static,
{
    let description = ToolDescription::new(name, description, schema_of::<A>()?);
    Ok(Arc::new(TypedTool { description, call, arguments: PhantomData }))
}

/// A function: any types that serde reads and writes.
///
/// An error that is a [`CallError`] is taken as it is; any other becomes a retryable one with the code
/// `function_failed`.
pub fn function<A, R, E, F, Fut>(call: F) -> Arc<dyn Function>
where
    A: DeserializeOwned + Send + 'static,
    R: Serialize + Send + 'static,
    E: Error + Send + Sync + 'static,
    F: Fn(A) -> Fut + Send + Sync + 'static,
    Fut: Future<Output = Result<R, E>> + Send + 'static,
{
    function_with(move |input, _| call(input))
}

/// [`function`] for a closure that wants to know where the call stands.
pub fn function_with<A, R, E, F, Fut>(call: F) -> Arc<dyn Function>
where
    A: DeserializeOwned + Send + 'static,
    R: Serialize + Send + 'static,
    E: Error + Send + Sync + 'static,
    F: Fn(A, CallContext) -> Fut + Send + Sync + 'static,
    Fut: Future<Output = Result<R, E>> + Send + 'static,
{
    Arc::new(TypedFunction { call, input: PhantomData })
}

/// A function of values as the flow carries them, with nothing converted.
pub fn value_function<F, Fut>(call: F) -> Arc<dyn Function>
where
    F: Fn(Value, CallContext) -> Fut + Send + Sync + 'static,
    Fut: Future<Output = Result<Value, CallError>> + Send + 'static,
{
    Arc::new(Untyped(call))
}

/// The JSON Schema of a type.
///
/// # Errors
/// A schema that cannot be used.
pub fn schema_of<A: JsonSchema>() -> Result<Value, SchemaError> {
    let schema = schemars::schema_for!(A);
    let value = Value::from_json(schema.as_value())
        .map_err(|error| SchemaError { pointer: String::new(), message: error.to_string() })?;
    Schema::compile(&value)?;
    Ok(value)
}

struct TypedTool<F, A> {
    description: ToolDescription,
    call: F,
    arguments: PhantomData<fn(A)>,
}

struct TypedFunction<F, A> {
    call: F,
    input: PhantomData<fn(A)>,
}

struct Untyped<F>(F);

#[async_trait]
impl<A, R, E, F, Fut> Tool for TypedTool<F, A>
where
    A: DeserializeOwned + Send + 'static,
    R: Serialize + Send + 'static,
    E: Error + Send + Sync + 'static,
    F: Fn(A, CallContext) -> Fut + Send + Sync + 'static,
    Fut: Future<Output = Result<R, E>> + Send + 'static,
{
    fn description(&self) -> &ToolDescription {
        &self.description
    }

    async fn call(&self, arguments: Value, context: &CallContext) -> Result<Value, CallError> {
        let arguments = read("tool", &arguments)?;
        write("tool", (self.call)(arguments, context.clone()).await)
    }
}

#[async_trait]
impl<A, R, E, F, Fut> Function for TypedFunction<F, A>
where
    A: DeserializeOwned + Send + 'static,
    R: Serialize + Send + 'static,
    E: Error + Send + Sync + 'static,
    F: Fn(A, CallContext) -> Fut + Send + Sync + 'static,
    Fut: Future<Output = Result<R, E>> + Send + 'static,
{
    async fn call(&self, input: Value, context: &CallContext) -> Result<Value, CallError> {
        let input = read("function", &input)?;
        write("function", (self.call)(input, context.clone()).await)
    }
}

#[async_trait]
impl<F, Fut> Function for Untyped<F>
where
    F: Fn(Value, CallContext) -> Fut + Send + Sync + 'static,
    Fut: Future<Output = Result<Value, CallError>> + Send + 'static,
{
    async fn call(&self, input: Value, context: &CallContext) -> Result<Value, CallError> {
        (self.0)(input, context.clone()).await
    }
}

fn read<A: DeserializeOwned>(what: &str, input: &Value) -> Result<A, CallError> {
    serde_json::from_value(input.to_json()).map_err(|error| {
        CallError::fatal(format!("{what}_input_invalid"), format!("the input does not fit the {what}: {error}"))
    })
}

fn write<R: Serialize, E: Error + Send + Sync + 'static>(what: &str, result: Result<R, E>) -> Result<Value, CallError> {
    let output = result.map_err(|error| match (&error as &dyn Any).downcast_ref::<CallError>() {
        Some(error) => error.clone(),
        None => CallError::retryable(format!("{what}_failed"), error.to_string()).with_source(error),
    })?;
    let odd = |problem: String| {
        CallError::fatal(format!("{what}_output_invalid"), format!("the {what}'s result is no value: {problem}"))
    };
    let json = serde_json::to_value(output).map_err(|error| odd(error.to_string()))?;
    Value::from_json(&json).map_err(|error| odd(error.to_string()))
}

impl<F, A> fmt::Debug for TypedTool<F, A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Tool({})", self.description.name)
    }
}

impl<F, A> fmt::Debug for TypedFunction<F, A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Function")
    }
}

impl<F> fmt::Debug for Untyped<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Function")
    }
}
