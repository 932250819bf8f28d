//! What stands in the `d` of each kind: short fixed keys, and words for choices.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::digest::Digest;
use crate::name::Name;
use crate::plan::{EdgeIx, NodeIx, OnTimeout};
use crate::record::v1::wire::{FailureWire, UsageWire};
use crate::seal::Seal;
use crate::task::DecisionKind;

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Via<P> {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) e: Option<EdgeIx>,
    #[serde(default = "none", skip_serializing_if = "Option::is_none")]
    pub(super) o: Option<P>,
}

/// Nearly every attempt is the first.
fn first() -> u32 {
    1
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes a reference")]
fn is_first(attempt: &u32) -> bool {
    *attempt == first()
}

fn none<P>() -> Option<P> {
    None
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Nothing {}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Started<P> {
    pub(super) wf: Name,
    pub(super) pl: Digest,
    pub(super) i: P,
    #[serde(default = "Vec::new", skip_serializing_if = "Vec::is_empty")]
    pub(super) l: Vec<(Name, Arc<str>)>,
    #[serde(default = "none", skip_serializing_if = "Option::is_none")]
    pub(super) k: Option<(Name, Digest)>,
    #[serde(default = "Vec::new", skip_serializing_if = "Vec::is_empty")]
    pub(super) h: Vec<(Name, Name, u32)>,
    #[serde(default = "none", skip_serializing_if = "Option::is_none")]
    pub(super) dl: Option<i64>,
    #[serde(default = "none", skip_serializing_if = "Option::is_none")]
    pub(super) sl: Option<Arc<Seal>>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Claimed {
    pub(super) w: String,
    pub(super) f: u64,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ParkedWire {
    pub(super) s: ParkedWord,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) ra: Option<i64>,
}

#[derive(Serialize, Deserialize)]
pub(super) enum ParkedWord {
    #[serde(rename = "queued")]
    Queued,
    #[serde(rename = "running")]
    Running,
    #[serde(rename = "blocked")]
    Blocked,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Ended<P> {
    pub(super) s: EndedWord,
    #[serde(default = "none", skip_serializing_if = "Option::is_none")]
    pub(super) o: Option<P>,
    #[serde(default = "none", skip_serializing_if = "Option::is_none")]
    pub(super) f: Option<FailureWire>,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum EndedWord {
    Completed,
    Failed,
    Cancelled,
    TimedOut,
    Expired,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Text<T> {
    pub(super) m: T,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct StepFailedWire {
    pub(super) f: FailureWire,
    pub(super) th: AfterFailureWord,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) n: Option<NodeIx>,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum AfterFailureWord {
    Propagate,
    Continue,
    Fallback,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct BoundWire {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) e: Option<EdgeIx>,
    pub(super) th: AfterBoundWord,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) n: Option<NodeIx>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) mk: Option<Arc<str>>,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum AfterBoundWord {
    Fail,
    Continue,
    To,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Fork {
    pub(super) b: Box<[u32]>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct FailureOnly {
    pub(super) f: FailureWire,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Intended {
    #[serde(default = "first", skip_serializing_if = "is_first")]
    pub(super) a: u32,
    pub(super) k: EffectWord,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) dl: Option<i64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) vn: Option<Arc<str>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) ik: Option<Name>,
}

#[derive(Serialize, Deserialize)]
pub(super) enum EffectWord {
    #[serde(rename = "f")]
    Function,
    #[serde(rename = "m")]
    ModelTurn,
    #[serde(rename = "t")]
    ToolCall,
    #[serde(rename = "s")]
    Discovery,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Succeeded<P> {
    #[serde(default = "first", skip_serializing_if = "is_first")]
    pub(super) a: u32,
    pub(super) o: P,
    #[serde(default, skip_serializing_if = "UsageWire::is_zero")]
    pub(super) u: UsageWire,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct EffectFailedWire {
    #[serde(default = "first", skip_serializing_if = "is_first")]
    pub(super) a: u32,
    pub(super) f: FailureWire,
    #[serde(default, skip_serializing_if = "UsageWire::is_zero")]
    pub(super) u: UsageWire,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) ra: Option<i64>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Lost {
    #[serde(default = "first", skip_serializing_if = "is_first")]
    pub(super) a: u32,
    pub(super) th: AfterLossWord,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum AfterLossWord {
    Rerun,
    Ask,
    Fail,
    Nothing,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct AttemptOnly {
    #[serde(default = "first", skip_serializing_if = "is_first")]
    pub(super) a: u32,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Late {
    #[serde(default = "first", skip_serializing_if = "is_first")]
    pub(super) a: u32,
    pub(super) m: Arc<str>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Refused {
    pub(super) rs: RefusalWord,
    pub(super) m: Arc<str>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Delegated {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) dl: Option<i64>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Problem {
    pub(super) m: Arc<str>,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum RefusalWord {
    UnknownTool,
    MalformedArguments,
    InvalidArguments,
    Rejected,
    Expired,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Opened<R> {
    pub(super) id: String,
    pub(super) rq: R,
    pub(super) dg: Digest,
    #[serde(default = "Vec::new", skip_serializing_if = "Vec::is_empty")]
    pub(super) to: Vec<Name>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) dl: Option<i64>,
    pub(super) ot: OnTimeout,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct DecisionWire<P> {
    pub(super) k: DecisionKind,
    #[serde(default = "none", skip_serializing_if = "Option::is_none")]
    pub(super) m: Option<Arc<str>>,
    #[serde(default = "none", skip_serializing_if = "Option::is_none")]
    pub(super) o: Option<P>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Decided<D> {
    pub(super) id: String,
    pub(super) dn: D,
    pub(super) dg: Digest,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Reassigned {
    pub(super) id: String,
    pub(super) to: Vec<Name>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Expired<D> {
    pub(super) id: String,
    #[serde(default = "none", skip_serializing_if = "Option::is_none")]
    pub(super) dn: Option<D>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct TaskOnly {
    pub(super) id: String,
}
