//! What the tests share: specs in, outcomes out, in virtual time.

use std::sync::{Arc, Mutex};

use kneo::failure::Failure;
use kneo::message::Part;
use kneo::provider::{ModelAnswer, ModelRequest};
use kneo::record::Stored;
use kneo::store::MemoryStore;
use kneo::testkit::{Harness, ScriptedModel, answer};
use kneo::tool::{CallError, Function, value_function};
use kneo::{Actor, Outcome, RunHandle, Runtime, RuntimeBuilder, Start, Value, spec};

pub(crate) fn harness() -> Harness {
    Harness::new(|clock| Arc::new(MemoryStore::new(clock)))
}

pub(crate) fn json(text: &str) -> Value {
    Value::from_json_text(text).unwrap()
}

pub(crate) fn ana() -> Actor {
    Actor::trusted("ana".parse().unwrap())
}

/// A runtime, and a run of a spec on it.
pub(crate) async fn start(builder: RuntimeBuilder, text: &str, input: &str) -> (Runtime, RunHandle) {
    let plan = spec::compile_str("spec.yaml", text).unwrap_or_else(|error| panic!("{error}"));
    let runtime = builder.build().unwrap();
    runtime.bind(&plan).unwrap_or_else(|error| panic!("{error}"));
    let run = runtime.start(&plan, Start::new(json(input))).await.unwrap();
    (runtime, run)
}

/// What a run of a spec completes with.
pub(crate) async fn output(builder: RuntimeBuilder, text: &str, input: &str) -> Value {
    let (_runtime, run) = start(builder, text, input).await;
    completed(&run).await
}

/// What a run of a spec fails with.
pub(crate) async fn failure(builder: RuntimeBuilder, text: &str, input: &str) -> Failure {
    let (_runtime, run) = start(builder, text, input).await;
    match run.wait().await.unwrap() {
        Outcome::Failed(failure) => failure,
        other => panic!("{other:?}"),
    }
}

pub(crate) async fn completed(run: &RunHandle) -> Value {
    match run.wait().await.unwrap() {
        Outcome::Completed(value) => value,
        other => panic!("{other:?}"),
    }
}

/// How often something of a kind happened.
pub(crate) fn count(journal: &[Stored], kind: &str) -> usize {
    journal.iter().filter(|stored| stored.record.event().kind() == kind).count()
}

/// A model that gives these answers in turn, whoever asks.
pub(crate) fn says(texts: &'static [&'static str]) -> Arc<ScriptedModel> {
    let mut texts = texts.iter();
    scripted(move |_| Ok(answer(texts.next().expect("a further answer"))))
}

/// A model that a closure is.
pub(crate) fn scripted(
    script: impl FnMut(&ModelRequest) -> Result<ModelAnswer, CallError> + Send + 'static,
) -> Arc<ScriptedModel> {
    let script = Mutex::new(script);
    Arc::new(ScriptedModel::new(move |request| (script.lock().unwrap())(request)))
}

/// The results of the tools that a model asked for last; `None` when it is asked for the first time.
pub(crate) fn results(request: &ModelRequest) -> Option<Vec<String>> {
    let parts = &request.messages.last()?.parts;
    let texts = parts.iter().map(|part| match part {
        Part::ToolResult(result) => {
            Some(format!("{}{}", if result.is_error { "error: " } else { "" }, result.content.to_text()))
        }
        _ => None,
    });
    texts.collect()
}

/// A function that a closure is.
pub(crate) fn gives(call: impl Fn(Value) -> Result<Value, CallError> + Send + Sync + 'static) -> Arc<dyn Function> {
    value_function(move |value, _| std::future::ready(call(value)))
}

/// A function that gives its input back.
pub(crate) fn same() -> Arc<dyn Function> {
    gives(Ok)
}

/// A function that fails.
pub(crate) fn fails() -> Arc<dyn Function> {
    gives(|_| Err(CallError::fatal("broken", "it is broken")))
}

/// What host code said, in order.
#[derive(Debug, Default, Clone)]
pub(crate) struct Log(Arc<Mutex<Vec<String>>>);

impl Log {
    pub(crate) fn say(&self, text: impl Into<String>) {
        self.0.lock().unwrap().push(text.into());
    }

    pub(crate) fn lines(&self) -> Vec<String> {
        self.0.lock().unwrap().clone()
    }
}
