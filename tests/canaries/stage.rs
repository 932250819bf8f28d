//! A host with everything that it can have, and its runs.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use kneo::failure::Failure;
use kneo::mcp::McpConnector;
use kneo::message::Part;
use kneo::otel::opentelemetry_sdk::error::OTelSdkResult;
use kneo::otel::opentelemetry_sdk::metrics::{InMemoryMetricExporter, PeriodicReader, SdkMeterProvider};
use kneo::otel::opentelemetry_sdk::trace::{SpanData, SpanExporter};
use kneo::otel::{ContentPolicy, OtelObserver};
use kneo::provider::openai::{Answers, OpenAiBuilder, OpenAiProvider};
use kneo::secret::{MemorySecrets, Secret};
use kneo::store::SqliteStore;
use kneo::testkit::{ScriptedModel, answer, asks_for};
use kneo::tool::command::CommandTools;
use kneo::tool::{CallError, value_function};
use kneo::{Actor, Cursor, Decision, Delta, DeltaSink, Name, Outcome, RunHandle, Runtime, Start, Value, spec};

use super::files;
use super::sights::{Place, Sights};
use super::table::{self, value};
use super::web::Web;

/// Longer than anything here takes.
pub(crate) const LONG: Duration = Duration::from_secs(30);

pub(crate) fn name(text: &str) -> Name {
    Name::new(text).unwrap()
}

/// An exporter that keeps what it gets.
#[derive(Clone, Default, Debug)]
struct Kept(Arc<Mutex<Vec<SpanData>>>);

impl SpanExporter for Kept {
    async fn export(&self, batch: Vec<SpanData>) -> OTelSdkResult {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).extend(batch);
        Ok(())
    }
}

impl Kept {
    fn text(&self) -> String {
        format!("{:?}", self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// Keeps what models say while they say it.
#[derive(Default, Debug)]
struct Previews(Mutex<Vec<Delta>>);

impl DeltaSink for Previews {
    fn push(&self, delta: Delta) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(delta);
    }
}

/// A host, and what was seen of it.
pub(crate) struct Stage {
    pub(crate) runtime: Runtime,
    pub(crate) sights: Sights,
    pub(crate) folder: PathBuf,
    connector: McpConnector,
    /// Without contents, and with all of them.
    observers: [(Arc<OtelObserver>, Kept); 2],
    metrics: (SdkMeterProvider, InMemoryMetricExporter),
    previews: Arc<Previews>,
}

impl Stage {
    /// A host in a folder, whose models are at a server.
    pub(crate) async fn new(folder: &Path, models: &Web) -> Stage {
        let mut sights = Sights::default();
        let secrets = table::all().iter().fold(MemorySecrets::new(), |secrets, canary| {
            secrets.with(name(canary.name), Secret::new(canary.value.clone()))
        });
        let store = SqliteStore::open(folder.join("kneo.db")).await.unwrap();
        let connector = McpConnector::builder(folder).grace(Duration::from_millis(200)).build().unwrap();
        let commands = CommandTools::builder(folder).build().unwrap();
        let exporter = InMemoryMetricExporter::default();
        let meter = SdkMeterProvider::builder().with_reader(PeriodicReader::builder(exporter.clone()).build()).build();
        let kept = [Kept::default(), Kept::default()];
        let plain = OtelObserver::builder().exporter(kept[0].clone()).meter_provider(&meter).build().unwrap();
        let telling = OtelObserver::builder().exporter(kept[1].clone()).content(ContentPolicy::new()).build().unwrap();
        let previews = Arc::new(Previews::default());
        let mut builder = Runtime::builder()
            .store(Arc::new(store))
            .secrets(Arc::new(secrets))
            .mcp(Arc::new(connector.clone()))
            .commands(Arc::new(commands))
            .deltas(Arc::clone(&previews) as _)
            .observer(Arc::clone(&plain) as _)
            .observer(Arc::clone(&telling) as _)
            .provider("caller", Arc::new(caller()))
            .tool(
                kneo::tool::tool("note", "Notes.", |_: serde_json::Value| async { Ok::<_, CallError>("noted") })
                    .unwrap(),
            )
            .function(
                "fails",
                value_function(|_, _| async { Err(CallError::fatal("broken", value("function_error"))) }),
            )
            .function(
                "fails_typed",
                kneo::tool::function(|_: serde_json::Value| async {
                    Err::<(), _>(std::io::Error::other(value("function_error")))
                }),
            )
            .function("panics", value_function(|_, _| async { panic!("{}", value("panic")) }));
        for (provider, made) in providers(models) {
            sights.debug(Place::Operators, "provider builder", &made);
            let made = made.build().unwrap();
            sights.debug(Place::Operators, "provider", &made);
            builder = builder.provider(provider, Arc::new(made));
        }
        sights.debug(Place::Operators, "runtime builder", &builder);
        let runtime = builder.build().unwrap();
        let [one, other] = kept;
        let observers = [(plain, one), (telling, other)];
        Stage { runtime, sights, folder: folder.to_owned(), connector, observers, metrics: (meter, exporter), previews }
    }

    /// Runs a spec to its end, whatever that is; people approve everything, with a comment. Everything that can be seen
    /// of the run is.
    pub(crate) async fn run(&mut self, what: &str, text: &str, input: &str) -> Result<Value, Failure> {
        let plan = spec::compile_str("spec.yaml", text).unwrap_or_else(|error| panic!("{what}: {error}"));
        self.sights.add(Place::Operators, format!("plan of {what}"), format!("{:?}", plan.plan().requirements()));
        self.runtime.bind(&plan).unwrap_or_else(|error| panic!("{what}: {error}"));
        if what.ends_with(" text") {
            self.sights.debug(Place::Operators, "preflight", &self.runtime.preflight(&plan).await);
            self.sights.debug(Place::Operators, "probe", &self.runtime.probe(&plan, LONG).await);
        }
        let start = Start::new(input).label("what", what).idempotency_key(what).exclusive(what);
        let run = self.runtime.start(&plan, start).await.unwrap();
        let result = loop {
            match tokio::time::timeout(LONG, run.wait()).await.expect("the run ends").unwrap() {
                Outcome::Completed(output) => break Ok(output),
                Outcome::Failed(failure) => break Err(failure),
                Outcome::Blocked(tasks) => {
                    let mut decision = Decision::approve();
                    if let Decision::Approve { comment } = &mut decision {
                        *comment = Some(value("comment").into());
                    }
                    self.sights.debug(Place::Readers, &format!("tasks of {what}"), &tasks);
                    let decided = self.runtime.decide(tasks[0].task, decision, Actor::trusted(name("ana"))).await;
                    self.sights.debug(Place::Readers, &format!("decision of {what}"), &decided);
                }
                other => panic!("{what}: {other:?}"),
            }
        };
        self.look(what, &run).await;
        self.sights.debug(Place::Readers, &format!("outcome of {what}"), &result);
        if let Err(failure) = &result {
            self.sights.add(Place::Readers, format!("failure of {what}"), failure.to_string());
            self.sights.debug(Place::Operators, &format!("code of {what}"), &failure.code);
        }
        result
    }

    /// Sees a run as everybody does who looks at it.
    async fn look(&mut self, what: &str, run: &RunHandle) {
        self.sights.debug(Place::Operators, "handle", run);
        let view = run.view().await.unwrap();
        self.sights.debug(Place::Readers, &format!("view of {what}"), &view);
        let mut events = run.events_from(Cursor::START);
        self.sights.debug(Place::Operators, "event stream", &events);
        let mut told = String::new();
        while let Some(event) = events.next().await {
            let event = event.unwrap();
            // In words, and in the form that is stored.
            told.push_str(&format!("{event:?}\n"));
        }
        self.sights.add(Place::Readers, format!("events of {what}"), told);
    }

    /// Ends the host, and gives all that was seen of it, with its files.
    pub(crate) async fn end(mut self) -> Sights {
        self.sights.debug(Place::Operators, "runtime", &self.runtime);
        self.sights.debug(Place::Operators, "connector", &self.connector);
        files::add(&mut self.sights, Place::Readers, "files while it runs", &self.folder);
        self.runtime.shutdown().await;
        self.connector.close().await;
        for (observer, kept) in &self.observers {
            observer.flush_blocking(LONG).unwrap();
            self.sights.debug(Place::Operators, "observer", observer);
            let place = if Arc::ptr_eq(observer, &self.observers[0].0) { Place::Operators } else { Place::Readers };
            self.sights.add(place, format!("spans for {place:?}"), kept.text());
        }
        self.metrics.0.force_flush().unwrap();
        let metrics = self.metrics.1.get_finished_metrics().unwrap();
        assert!(!metrics.is_empty());
        self.sights.debug(Place::Operators, "metrics", &metrics);
        let previews = self.previews.0.lock().unwrap_or_else(PoisonError::into_inner);
        let said: String = previews.iter().map(|delta| &*delta.text).collect();
        self.sights.add(Place::Readers, "previews", said);
        self.sights.debug(Place::Readers, "previews", &previews);
        drop(previews);
        drop(self.runtime);
        files::add(&mut self.sights, Place::Readers, "files", &self.folder);
        files::add_columns(&mut self.sights, &self.folder.join("kneo.db"));
        self.sights
    }
}

/// Models over HTTP, each with a key from elsewhere.
fn providers(models: &Web) -> [(&'static str, OpenAiBuilder); 3] {
    let builder = || {
        OpenAiProvider::builder()
            .base_url(format!("{}/v1", models.url()))
            .header("X-Org", value("model_header"))
            .answers(Answers::Streamed)
    };
    [
        ("keyed", builder().api_key_ref(name("model_key"))),
        ("odd", builder().api_key_ref(name("odd_key"))),
        ("given", builder().api_key(Secret::new(value("given_key").to_owned()))),
    ]
}

/// A model that calls the tool which it is told to, and then repeats what it heard.
fn caller() -> ScriptedModel {
    ScriptedModel::new(|request| {
        let last = request.messages.last().expect("somebody says something");
        let heard: Vec<String> = last
            .parts
            .iter()
            .filter_map(|part| match part {
                Part::ToolResult(result) => Some(result.content.to_text().to_string()),
                _ => None,
            })
            .collect();
        if !heard.is_empty() {
            return Ok(answer(&format!("heard {}", heard.join(" "))));
        }
        let tool = last.to_text().split(' ').next().unwrap_or_default().to_owned();
        let arguments = Value::map([("path", Value::from(value("arguments")))]).unwrap();
        Ok(asks_for([(&*tool, arguments)]))
    })
}
