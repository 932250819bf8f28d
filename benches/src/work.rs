//! The work of every figure: a chain of steps, each adds 1 to `n` in a state `{n, pad: 256 characters}`.

use std::fmt::Write as _;
use std::sync::Arc;

use kneo_core::store::Store;
use kneo_core::tool::Function;
use kneo_core::{CompiledPlan, Value};
use kneo_runtime::{Outcome, Runtime, Start};

/// Makes a chain of so many steps.
pub(crate) type Chain = fn(usize) -> Result<Arc<CompiledPlan>, String>;

/// A chain of `set` steps.
pub(crate) fn set_chain(steps: usize) -> Result<Arc<CompiledPlan>, String> {
    let mut text = String::from("version: v1\nname: chain\nworkflow:\n  type: sequential\n  steps:\n");
    for step in 0..steps {
        let _ = write!(
            text,
            "    - id: s{step}\n      kind: set\n      set:\n        n: \"{{{{ prev.n + 1 }}}}\"\n        pad: \"{{{{ prev.pad }}}}\"\n"
        );
    }
    compile(&text)
}

/// A chain of steps that call a function of the host.
pub(crate) fn function_chain(steps: usize) -> Result<Arc<CompiledPlan>, String> {
    compile(&function_chain_text(steps))
}

pub(crate) fn function_chain_text(steps: usize) -> String {
    let mut text = String::from("version: v1\nname: chain\nworkflow:\n  type: sequential\n  steps:\n");
    for step in 0..steps {
        let _ = writeln!(text, "    - {{id: s{step}, kind: function, ref: add}}");
    }
    text.push_str("components:\n  functions:\n    add: {implementation: add}\n");
    text
}

fn compile(text: &str) -> Result<Arc<CompiledPlan>, String> {
    kneo_spec::compile_str("chain.yaml", text).map_err(|error| error.to_string())
}

pub(crate) fn state() -> Value {
    Value::map([("n", Value::from(0)), ("pad", Value::from("x".repeat(256)))]).unwrap_or_default()
}

/// Adds 1 to `n`.
pub(crate) fn add() -> Arc<dyn Function> {
    kneo_runtime::typed::value_function(|state: Value, _| async move {
        let n = state.get("n").and_then(Value::as_i64).unwrap_or(0);
        let pad = state.get("pad").cloned().unwrap_or_default();
        let next = Value::int(n + 1).and_then(|n| Value::map([("n", n), ("pad", pad)]));
        next.map_err(|error| kneo_core::call::CallError::fatal("state", error.to_string()))
    })
}

/// Gives its input back.
pub(crate) fn nothing() -> Arc<dyn Function> {
    kneo_runtime::typed::value_function(|state: Value, _| async move { Ok::<_, kneo_core::call::CallError>(state) })
}

pub(crate) fn runtime(store: Arc<dyn Store>, function: Arc<dyn Function>) -> Result<Runtime, String> {
    let built = Runtime::builder().store(store).function("add", function).build();
    built.map_err(|error| error.to_string())
}

/// Runs a plan to its end.
pub(crate) async fn run(runtime: &Runtime, plan: &Arc<CompiledPlan>) -> Result<(), String> {
    let run = runtime.start(plan, Start::new(state())).await.map_err(|error| error.to_string())?;
    match run.wait().await.map_err(|error| error.to_string())? {
        Outcome::Completed(_) => Ok(()),
        other => Err(format!("the run did not complete: {other:?}")),
    }
}

/// One worker thread beside the one that waits: the machines that matter have more, and one run uses one.
pub(crate) fn tokio() -> Result<tokio::runtime::Runtime, String> {
    let built = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
    built.map_err(|error| error.to_string())
}
