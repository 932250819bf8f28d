//! What the tests share: histories, an exporter that keeps what it gets, spans as text.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::path::{Path as File, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime};

use kneo_core::event::{Event, Parked};
use kneo_core::observer::{News, Observer as _};
use kneo_core::plan::CompiledPlan;
use kneo_core::record::{Stored, decode_frame};
use kneo_core::run::RunKey;
use kneo_core::{Digest, Namespace, RunId, Seq, Timestamp, Value};
use kneo_otel::{OtelObserver, OtelObserverBuilder};
use opentelemetry::trace::Status;
use opentelemetry_sdk::error::OTelSdkResult;
use opentelemetry_sdk::trace::{SpanData, SpanExporter};
use serde_json::Value as Json;

/// Longer than anything here takes.
pub(crate) const LONG: Duration = Duration::from_secs(60);

/// An exporter that keeps what it gets.
#[derive(Clone, Default, Debug)]
pub(crate) struct Kept(Arc<Mutex<Vec<SpanData>>>);

impl SpanExporter for Kept {
    async fn export(&self, batch: Vec<SpanData>) -> OTelSdkResult {
        self.0.lock().unwrap().extend(batch);
        Ok(())
    }
}

impl Kept {
    pub(crate) fn spans(&self) -> Vec<SpanData> {
        self.0.lock().unwrap().clone()
    }
}

/// An observer that exports to memory.
pub(crate) struct Watch {
    pub(crate) observer: Arc<OtelObserver>,
    kept: Kept,
}

impl Watch {
    pub(crate) fn new() -> Watch {
        Watch::with(|builder| builder)
    }

    pub(crate) fn with(change: impl FnOnce(OtelObserverBuilder) -> OtelObserverBuilder) -> Watch {
        let kept = Kept::default();
        let observer = change(OtelObserver::builder().exporter(kept.clone())).build().unwrap();
        Watch { observer, kept }
    }

    /// What was exported so far.
    pub(crate) fn spans(&self) -> Vec<SpanData> {
        self.observer.flush_blocking(LONG).unwrap();
        self.kept.spans()
    }
}

/// A run that was: its plan and its records.
pub(crate) struct History {
    pub(crate) name: String,
    pub(crate) run: RunKey,
    pub(crate) plan: Arc<CompiledPlan>,
    pub(crate) records: Vec<Stored>,
}

impl History {
    pub(crate) fn tell(&self, observer: &OtelObserver, records: &[Stored], past: bool) {
        if !records.is_empty() {
            observer.observe(&News { run: &self.run, plan: &self.plan, records, past });
        }
    }

    /// Tells a worker's records as the runtime does: whoever goes on with a run that was parked is told the past first.
    pub(crate) fn tell_by(&self, observer: &OtelObserver, size: usize) {
        let mut told = 0;
        let mut parked = false;
        for records in self.records.chunk_by(|stored, _| !is_parking(stored)) {
            let (past, _) = self.records.split_at(told);
            if parked {
                self.tell(observer, past, true);
            }
            records.chunks(size).for_each(|records| self.tell(observer, records, false));
            told += records.len();
            parked = true;
        }
    }

    /// The spans of the whole history, told at once.
    pub(crate) fn spans(&self) -> Vec<SpanData> {
        let watch = Watch::new();
        self.tell(&watch.observer, &self.records, false);
        watch.spans()
    }
}

fn is_parking(stored: &Stored) -> bool {
    matches!(stored.record.event(), Event::RunParked { status: Parked::Blocked, .. })
}

fn read(folder: &File) -> History {
    let bytes = std::fs::read(folder.join("plan.json")).unwrap();
    let plan = CompiledPlan::decode(Digest::of(&bytes), bytes.into()).unwrap();
    let mut records: Vec<Stored> = Vec::new();
    for line in std::fs::read_to_string(folder.join("frames.jsonl")).unwrap().lines() {
        let frame: Json = serde_json::from_str(line).unwrap();
        let version = u16::try_from(frame["v"].as_u64().unwrap()).unwrap();
        let mut read = decode_frame(version, frame["body"].to_string().as_bytes(), &|_| None).unwrap();
        // Of what came from outside the time is the store's.
        if let Some(at) = frame["at"].as_i64() {
            read.iter_mut().for_each(|record| record.entry.at = Timestamp::from_unix_micros(at));
        }
        let first = records.len() as u64 + 1;
        let numbers = (first..).map(|number| Seq::new(number).unwrap());
        records.extend(numbers.zip(read).map(|(seq, record)| Stored { seq, record }));
    }
    let run = RunKey::new(Namespace::default(), RunId::from_bytes([7; 16]));
    History { name: folder.file_name().unwrap().to_string_lossy().into_owned(), run, plan: Arc::new(plan), records }
}

/// All histories of the repository.
pub(crate) fn histories() -> Vec<History> {
    let folder = File::new(env!("CARGO_MANIFEST_DIR")).join("../tests/histories");
    let mut folders: Vec<PathBuf> = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    folders.sort();
    assert!(folders.len() >= 5, "histories are never taken away");
    folders.iter().map(|folder| read(folder)).collect()
}

/// Spans in an order that does not depend on how they were exported.
fn sorted(mut spans: Vec<SpanData>) -> Vec<SpanData> {
    spans.sort_by_key(|span| span.span_context.span_id().to_bytes());
    spans
}

/// Whether two sets of spans are the same, to the last attribute.
#[track_caller]
pub(crate) fn assert_same(actual: Vec<SpanData>, expected: &[SpanData], when: &str) {
    let (actual, expected) = (sorted(actual), sorted(expected.to_vec()));
    if actual != expected {
        panic!("{when}: the spans differ\n{}\n--- expected\n{}", tree(&actual), tree(&expected));
    }
}

/// Whether spans are one whole trace: none twice, and each but the run with its parent.
pub(crate) fn assert_whole(spans: &[SpanData]) {
    let traces: BTreeSet<String> = spans.iter().map(|span| span.span_context.trace_id().to_string()).collect();
    assert_eq!(traces.len(), 1, "{traces:?}");
    let ids: BTreeSet<String> = spans.iter().map(|span| span.span_context.span_id().to_string()).collect();
    assert_eq!(ids.len(), spans.len(), "a span was exported twice");
    let outside: Vec<&SpanData> = spans.iter().filter(|it| !ids.contains(&it.parent_span_id.to_string())).collect();
    let names: Vec<&str> = outside.iter().map(|span| &*span.name).collect();
    assert_eq!(outside.len(), 1, "only the run has no parent here: {names:?}");
    assert!(attribute(outside[0], "kneo.run.claims").is_some(), "{names:?}");
}

pub(crate) fn attribute(span: &SpanData, name: &str) -> Option<String> {
    span.attributes.iter().find(|attribute| attribute.key.as_str() == name).map(|it| it.value.to_string())
}

/// Spans as an indented list: name, when from the start of the first and how long, status, attributes, events.
pub(crate) fn tree(spans: &[SpanData]) -> String {
    let mut below: BTreeMap<[u8; 8], Vec<&SpanData>> = BTreeMap::new();
    let ids: BTreeSet<[u8; 8]> = spans.iter().map(|span| span.span_context.span_id().to_bytes()).collect();
    for span in spans {
        let parent = span.parent_span_id.to_bytes();
        below.entry(if ids.contains(&parent) { parent } else { [0; 8] }).or_default().push(span);
    }
    let place = |span: &SpanData| (attribute(span, "kneo.path"), attribute(span, "kneo.attempt"), span.name.clone());
    for spans in below.values_mut() {
        spans.sort_by_key(|span| (span.start_time, place(span)));
    }
    let start = spans.iter().map(|span| span.start_time).min().unwrap_or(SystemTime::UNIX_EPOCH);
    let mut text = String::new();
    list(&below, [0; 8], 0, start, &mut text);
    text
}

fn list(below: &BTreeMap<[u8; 8], Vec<&SpanData>>, of: [u8; 8], depth: usize, start: SystemTime, text: &mut String) {
    for span in below.get(&of).into_iter().flatten() {
        let pad = "  ".repeat(depth);
        let millis = |duration: Duration| duration.as_micros() as f64 / 1_000.0;
        let (at, took) = (span.start_time.duration_since(start), span.end_time.duration_since(span.start_time));
        let (at, took) = (millis(at.unwrap()), millis(took.unwrap()));
        let kind = format!("{:?}", span.span_kind).to_lowercase();
        let status = match &span.status {
            Status::Unset => String::new(),
            Status::Ok => " OK".to_owned(),
            Status::Error { description } => format!(" ERROR {description}"),
        };
        writeln!(text, "{pad}{} [{kind}] {at} ms + {took} ms{status}", span.name).unwrap();
        let mut attributes: Vec<String> = span
            .attributes
            .iter()
            .filter(|it| it.key.as_str() != "kneo.run.id")
            .map(|it| format!("{}={}", it.key, it.value))
            .collect();
        attributes.sort();
        attributes.iter().for_each(|attribute| writeln!(text, "{pad}  | {attribute}").unwrap());
        for event in &span.events.events {
            let at = millis(event.timestamp.duration_since(start).unwrap());
            let attributes: Vec<String> =
                event.attributes.iter().map(|it| format!(" {}={}", it.key, it.value)).collect();
            writeln!(text, "{pad}  * {} {at} ms{}", event.name, attributes.concat()).unwrap();
        }
        for link in &span.links.links {
            writeln!(text, "{pad}  > {}/{}", link.span_context.trace_id(), link.span_context.span_id()).unwrap();
        }
        list(below, span.span_context.span_id().to_bytes(), depth + 1, start, text);
    }
}

/// Compares with a file in `tests/golden`, or writes it.
pub(crate) fn check(name: &str, actual: &str) {
    let path = File::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden").join(format!("{name}.txt"));
    if std::env::var_os("UPDATE_EXPECT").is_some() {
        return std::fs::write(path, actual).unwrap();
    }
    let expected = std::fs::read_to_string(&path).unwrap_or_default();
    let path = path.display();
    assert!(expected == actual, "{path} differs; UPDATE_EXPECT=1 writes it\n{expected}\n--- actual\n{actual}");
}

pub(crate) fn map<const N: usize>(entries: [(&str, Value); N]) -> Value {
    Value::map(entries).unwrap()
}
