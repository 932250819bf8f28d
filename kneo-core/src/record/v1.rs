//! Version 1 of the stored form.
//!
//! A frame is `{"e":[…]}`; each element is `{"t": tag, "at": µs, "p": path, "r": revision, "w": actor, "x": trace,
//! "d": {…}}`. `at`, `r`, `w` and `x` are left out where they are those of the element before, and `x` where there is none; `p` is left out for the
//! root. `d` holds what is particular to the kind, with the keys of [`body`].

mod body;
mod tag;
mod wire;

use std::borrow::Cow;

use bytes::Bytes;
use serde::ser::SerializeSeq;
use serde::{Deserialize, Serialize, Serializer};
use serde_json::value::RawValue;

use super::{DecodeError, Record};
use crate::actor::Actor;
use crate::digest::Digest;
use crate::event::Entry;
use crate::path::Path;
use crate::time::Timestamp;
use crate::trace::{ParseTraceContextError, TraceContext};

/// The longest list of records that one frame may hold; a frame beyond it is damaged.
const MAX_RECORDS: usize = 1 << 20;

#[derive(Serialize)]
struct Out<'a> {
    t: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    at: Option<i64>,
    #[serde(skip_serializing_if = "Path::is_root", serialize_with = "path_text")]
    p: &'a Path,
    #[serde(skip_serializing_if = "Option::is_none")]
    r: Option<u16>,
    #[serde(skip_serializing_if = "Option::is_none")]
    w: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    x: Option<String>,
    #[serde(skip_serializing_if = "body::Body::is_empty")]
    d: body::Body<'a>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct In<'a> {
    #[serde(borrow)]
    t: Cow<'a, str>,
    at: Option<i64>,
    #[serde(borrow, default)]
    p: Cow<'a, str>,
    r: Option<u16>,
    #[serde(borrow)]
    w: Option<Cow<'a, str>>,
    #[serde(borrow)]
    x: Option<Cow<'a, str>>,
    #[serde(borrow)]
    d: Option<&'a RawValue>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct FrameIn<'a> {
    #[serde(borrow)]
    e: Vec<In<'a>>,
}

struct Elements<'a>(&'a [Record]);

impl Serialize for Elements<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut seq = serializer.serialize_seq(Some(self.0.len()))?;
        let mut last: Option<&Record> = None;
        for record in self.0 {
            let differs = |of: fn(&Record, &Record) -> bool| last.is_none_or(|last| of(last, record));
            let trace = record.trace.as_ref().map(TraceContext::to_string);
            seq.serialize_element(&Out {
                t: tag::of(record.event().kind()),
                at: differs(|a, b| a.at() != b.at()).then(|| record.at().as_unix_micros()),
                p: record.path(),
                r: differs(|a, b| a.revision != b.revision).then_some(record.revision),
                w: differs(|a, b| a.actor != b.actor).then(|| record.actor.to_stored()),
                // Leaving the trace is written as an empty text; a frame begins without one.
                x: match last {
                    None => trace,
                    Some(last) => (last.trace != record.trace).then(|| trace.unwrap_or_default()),
                },
                d: body::Body(record.event()),
            })?;
            last = Some(record);
        }
        seq.end()
    }
}

pub(super) fn encode(records: &[Record]) -> Result<Vec<u8>, serde_json::Error> {
    #[derive(Serialize)]
    struct Frame<'a> {
        e: Elements<'a>,
    }
    let mut out = Vec::with_capacity(128 + records.len() * 96);
    serde_json::to_writer(&mut out, &Frame { e: Elements(records) })?;
    Ok(out)
}

pub(super) fn decode(body: &[u8], blob: &dyn Fn(Digest) -> Option<Bytes>) -> Result<Vec<Record>, DecodeError> {
    let frame: FrameIn<'_> = serde_json::from_slice(body).map_err(|error| DecodeError::Syntax(error.to_string()))?;
    if frame.e.len() > MAX_RECORDS {
        return Err(DecodeError::Syntax(format!("more than {MAX_RECORDS} records in a frame")));
    }
    let mut records: Vec<Record> = Vec::with_capacity(frame.e.len());
    for element in frame.e {
        let record = read(element, records.last(), blob)?;
        records.push(record);
    }
    Ok(records)
}

fn read(element: In<'_>, last: Option<&Record>, blob: &dyn Fn(Digest) -> Option<Bytes>) -> Result<Record, DecodeError> {
    let Some(kind) = tag::kind(&element.t) else {
        let problem = "this build knows no such kind: upgrade it".to_owned();
        return Err(DecodeError::Record { kind: element.t.into_owned(), problem });
    };
    let wrong = |problem: String| DecodeError::Record { kind: kind.to_string(), problem };
    let missing = |field: &str| wrong(format!("the first record of a frame has no `{field}`"));
    let at = match element.at {
        Some(micros) => Timestamp::from_unix_micros(micros),
        None => last.ok_or_else(|| missing("at"))?.at(),
    };
    let revision = match element.r {
        Some(revision) => revision,
        None => last.ok_or_else(|| missing("r"))?.revision,
    };
    let actor: Actor = match element.w {
        Some(text) => Actor::from_stored(&text).map_err(|error| wrong(error.to_string()))?,
        None => last.ok_or_else(|| missing("w"))?.actor.clone(),
    };
    let trace = match element.x.as_deref() {
        Some("") => None,
        Some(text) => Some(text.parse().map_err(|error: ParseTraceContextError| wrong(error.to_string()))?),
        None => last.and_then(|last| last.trace),
    };
    let path: Path = element.p.parse().map_err(|error: crate::path::ParsePathError| wrong(error.to_string()))?;
    let event = body::read(kind, element.d.map_or("{}", RawValue::get), blob)?;
    Ok(Record { revision, actor, trace, entry: Entry { at, path, event } })
}

fn path_text<S: Serializer>(path: &Path, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(path)
}
