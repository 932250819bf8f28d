//! Makes spans of what has ended.
//!
//! Spans are built as data, with the ids that the run gives them. OpenTelemetry's own way to a span — start it, hold it,
//! end it — fits none of them: an id generator is asked for an id without being told for what, and what begins in one
//! process ends in another.

use std::borrow::Cow;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use kneo_core::event::EffectKind;
use kneo_core::plan::{AgentDef, NodeIx, NodeKind};
use kneo_core::task::TaskCause;
use kneo_core::{Segment, Timestamp};
use opentelemetry::trace::{Event, Link, SpanContext, SpanId, SpanKind, Status, TraceFlags};
use opentelemetry::{Array, InstrumentationScope, KeyValue, StringValue, Value};
use opentelemetry_sdk::trace::{SpanData, SpanEvents, SpanLinks};

use crate::attribute::{self, Operation};
use crate::content::{Content, ContentPolicy};
use crate::finished::{Called, Finished, Notes, Try, What, is_word};
use crate::trace::Trace;
use crate::{SCHEMA_URL, ids, place};

/// Whose spans and metrics they are, and by which conventions they are named.
pub(crate) fn scope() -> InstrumentationScope {
    InstrumentationScope::builder("kneo").with_version(env!("CARGO_PKG_VERSION")).with_schema_url(SCHEMA_URL).build()
}

/// Makes spans.
#[derive(Debug)]
pub(crate) struct Spans {
    scope: InstrumentationScope,
    content: Option<ContentPolicy>,
    /// That of the prices.
    currency: Option<Arc<str>>,
}

/// What a span is called and whose it is.
struct Named {
    id: SpanId,
    parent: SpanId,
    name: Cow<'static, str>,
    kind: SpanKind,
    attributes: Vec<KeyValue>,
}

impl Spans {
    pub(crate) fn new(content: Option<ContentPolicy>, currency: Option<Arc<str>>) -> Spans {
        Spans { scope: scope(), content, currency }
    }

    /// The span of what has ended; `None` for a run that nobody wants to see. Counts what content is withheld.
    pub(crate) fn span(&self, finished: Finished, withheld: &AtomicU64) -> Option<SpanData> {
        let trace = Arc::clone(&finished.trace);
        let sampled = trace.sampled.as_ref()?;
        let Named { id, parent, name, kind, mut attributes } = named(&finished);
        self.spent(&finished.what, &mut attributes);
        attributes.push(KeyValue::new(attribute::STATUS, finished.status));
        let status = match &finished.problem {
            None => Status::Unset,
            Some(problem) => {
                let error = problem.error_type();
                attributes.push(KeyValue::new(attribute::FAILURE, problem.kind));
                attributes.push(KeyValue::new(attribute::ERROR, error.clone()));
                Status::error(String::from(error))
            }
        };
        let is_run = matches!(finished.what, What::Run { .. });
        if is_run {
            attributes.extend(sampled.attributes.iter().cloned());
        }
        self.tell(&finished, &mut attributes, withheld);
        let Finished { start, end, notes, .. } = finished;
        let Notes { moments, moments_dropped, links, links_dropped, content: _ } = notes;
        let mut events = SpanEvents::default();
        events.events = moments.into_iter().map(|it| Event::new(it.name, time(it.at), it.attributes, 0)).collect();
        events.dropped_count = moments_dropped;
        let mut linked = SpanLinks::default();
        linked.links = links.into_iter().map(|to| Link::with_context(ids::remote(to))).collect();
        linked.dropped_count = links_dropped;
        let id_of_trace = ids::trace(trace.run.run, trace.parent);
        Some(SpanData {
            span_context: SpanContext::new(id_of_trace, id, TraceFlags::SAMPLED, false, sampled.state.clone()),
            parent_span_id: parent,
            parent_span_is_remote: is_run && trace.parent.is_some(),
            span_kind: kind,
            name,
            start_time: time(start),
            end_time: time(end),
            attributes,
            dropped_attributes_count: 0,
            events,
            links: linked,
            status,
            instrumentation_scope: self.scope.clone(),
        })
    }

    /// Adds what models used, and what that cost.
    fn spent(&self, what: &What, attributes: &mut Vec<KeyValue>) {
        let (spent, names) = match what {
            What::Run { spent, .. } => (spent, [attribute::RUN_INPUT_TOKENS, attribute::RUN_OUTPUT_TOKENS]),
            What::Step { spent, .. } => (spent, [attribute::INPUT_TOKENS, attribute::OUTPUT_TOKENS]),
            What::Attempt(tried) => (&tried.spent, [attribute::INPUT_TOKENS, attribute::OUTPUT_TOKENS]),
            What::Branch(_) | What::Turn(_) | What::Call(_) | What::Wait { .. } => return,
        };
        if spent.used.is_zero() {
            return;
        }
        let counts = [spent.used.input, spent.used.output].map(|count| i64::try_from(count).unwrap_or(i64::MAX));
        attributes.extend(names.into_iter().zip(counts).map(|(name, count)| KeyValue::new(name, count)));
        if let (Some(cost), Some(currency)) = (spent.cost, &self.currency) {
            attributes.push(KeyValue::new(attribute::COST, cost));
            attributes.push(KeyValue::new(attribute::COST_CURRENCY, Arc::clone(currency)));
            if spent.partial {
                attributes.push(KeyValue::new(attribute::COST_PARTIAL, true));
            }
        }
    }

    /// Adds what may leave of what was said.
    fn tell(&self, finished: &Finished, attributes: &mut Vec<KeyValue>, withheld: &AtomicU64) {
        let Some(policy) = &self.content else { return };
        let trace = &finished.trace;
        for piece in &finished.notes.content {
            let of = Content {
                attribute: piece.attribute,
                run: &trace.run,
                workflow: trace.plan().name.as_str(),
                path: &finished.path,
                text: "",
            };
            if let Some(text) = policy.pass(&piece.said, &of, withheld) {
                attributes.push(KeyValue::new(piece.attribute, text));
            }
        }
    }
}

/// The name, the ids and what is known of something that has ended, whoever it is told to.
fn named(finished: &Finished) -> Named {
    let (trace, path) = (&finished.trace, &finished.path);
    let run = trace.run.run;
    let mut attributes = Vec::with_capacity(12);
    attributes.push(KeyValue::new(attribute::RUN, run.to_string()));
    if !path.is_root() {
        attributes.push(KeyValue::new(attribute::PATH, path.to_string()));
    }
    let (name, kind) = match &finished.what {
        What::Run { claims, .. } => (workflow(trace, *claims, &mut attributes), SpanKind::Internal),
        What::Step { node, .. } => (step(finished, *node, &mut attributes), SpanKind::Internal),
        What::Branch(at) => (branch(finished, *at, &mut attributes), SpanKind::Internal),
        What::Turn(turn) => {
            attributes.push(KeyValue::new(attribute::TURN, i64::from(*turn)));
            (Cow::Borrowed("turn"), SpanKind::Internal)
        }
        What::Call(called) => (call(Some(called), &mut attributes), SpanKind::Internal),
        What::Attempt(tried) => attempt(finished, tried, &mut attributes),
        What::Wait { task, cause } => {
            attributes.push(KeyValue::new(attribute::TASK, task.to_string()));
            (wait(cause, &mut attributes), SpanKind::Internal)
        }
    };
    let below = |path| ids::place(run, &path);
    let (id, parent) = match &finished.what {
        What::Run { .. } => {
            let parent = trace.parent.map_or(SpanId::INVALID, |parent| ids::span(parent.span()));
            (ids::place(run, path), parent)
        }
        What::Step { .. } | What::Branch(_) | What::Turn(_) | What::Call(_) => {
            (ids::place(run, path), below(ids::above(path)))
        }
        What::Attempt(tried) => (ids::attempt(run, path, tried.attempt), below(ids::host(path))),
        What::Wait { task, .. } => (ids::task(run, *task), below(ids::host(path))),
    };
    Named { id, parent, name, kind, attributes }
}

fn workflow(trace: &Trace, claims: u32, attributes: &mut Vec<KeyValue>) -> Cow<'static, str> {
    let workflow = trace.plan().name.to_shared();
    let name = Operation::Workflow.span_name(Some(&workflow));
    attributes.push(Operation::Workflow.attribute());
    attributes.push(KeyValue::new(attribute::WORKFLOW, workflow));
    attributes.push(KeyValue::new(attribute::NAMESPACE, trace.run.namespace.to_string()));
    attributes.push(KeyValue::new(attribute::PLAN, trace.plan.digest().to_string()));
    attributes.push(KeyValue::new(attribute::CLAIMS, i64::from(claims)));
    name
}

fn step(finished: &Finished, node: NodeIx, attributes: &mut Vec<KeyValue>) -> Cow<'static, str> {
    let plan = finished.trace.plan();
    let Some(node) = plan.node(node) else { return Cow::Borrowed("step") };
    attributes.push(KeyValue::new(attribute::STEP, node.id.to_shared()));
    attributes.push(KeyValue::new(attribute::STEP_KIND, place::kind(&node.kind)));
    if let Some(Segment::Node { visit, .. }) = finished.path.last() {
        attributes.push(KeyValue::new(attribute::VISIT, i64::from(visit)));
    }
    match &node.kind {
        NodeKind::Agent(at) => {
            let Some(agent) = plan.agent(*at) else { return Cow::Borrowed(Operation::Agent.as_str()) };
            attributes.push(Operation::Agent.attribute());
            attributes.push(KeyValue::new(attribute::AGENT, agent.name.to_shared()));
            model(agent, attributes);
            Operation::Agent.span_name(Some(&agent.name.to_shared()))
        }
        NodeKind::Workflow(at) => {
            let Some(nested) = plan.scope(*at) else { return Cow::Borrowed(Operation::Workflow.as_str()) };
            attributes.push(Operation::Workflow.attribute());
            attributes.push(KeyValue::new(attribute::WORKFLOW, nested.name.to_shared()));
            Operation::Workflow.span_name(Some(&nested.name.to_shared()))
        }
        NodeKind::Function(_) | NodeKind::Human(_) | NodeKind::Set(_) | NodeKind::Fork(_) => {
            Cow::Owned(format!("step {}", node.id))
        }
    }
}

fn branch(finished: &Finished, at: u32, attributes: &mut Vec<KeyValue>) -> Cow<'static, str> {
    let node = place::node(finished.trace.plan(), &finished.path);
    let branch = node.and_then(|node| match &node.kind {
        NodeKind::Fork(fork) => fork.branches.get(at as usize),
        _ => None,
    });
    let Some(branch) = branch else { return Cow::Borrowed("branch") };
    attributes.push(KeyValue::new(attribute::BRANCH, branch.name.to_shared()));
    Cow::Owned(format!("branch {}", branch.name))
}

fn attempt(finished: &Finished, tried: &Try, attributes: &mut Vec<KeyValue>) -> (Cow<'static, str>, SpanKind) {
    let (plan, path) = (finished.trace.plan(), &finished.path);
    attributes.push(KeyValue::new(attribute::ATTEMPT, i64::from(tried.attempt.as_u32())));
    match tried.kind {
        EffectKind::Function => {
            let Some(function) = place::function(plan, path) else {
                return (Cow::Borrowed("function"), SpanKind::Internal);
            };
            attributes.push(KeyValue::new(attribute::FUNCTION, function.name.to_shared()));
            (Cow::Owned(format!("function {}", function.name)), SpanKind::Internal)
        }
        EffectKind::ToolCall => (call(tried.call.as_ref(), attributes), SpanKind::Internal),
        EffectKind::ModelTurn => {
            attributes.push(Operation::Chat.attribute());
            let agent = place::agent(plan, path);
            if let Some(agent) = agent {
                model(agent, attributes);
                let temperature = agent.model.temperature;
                attributes.extend(temperature.map(|it| KeyValue::new(attribute::TEMPERATURE, it)));
                attributes.extend(agent.output.map(|_| KeyValue::new(attribute::OUTPUT_TYPE, "json")));
            }
            if let Some(finish) = tried.finish {
                let reasons = Array::String(vec![StringValue::from(finish)]);
                attributes.push(KeyValue::new(attribute::FINISH_REASONS, Value::Array(reasons)));
            }
            (Operation::Chat.span_name(agent.and_then(|agent| agent.model.name.as_ref())), SpanKind::Client)
        }
        EffectKind::Discovery => {
            let Some(server) = place::server(plan, path) else {
                return (Cow::Borrowed("discover_tools"), SpanKind::Client);
            };
            attributes.push(KeyValue::new(attribute::SERVER, server.name.to_shared()));
            (Cow::Owned(format!("discover_tools {}", server.name)), SpanKind::Client)
        }
    }
}

fn call(called: Option<&Called>, attributes: &mut Vec<KeyValue>) -> Cow<'static, str> {
    attributes.push(Operation::Tool.attribute());
    attributes.push(KeyValue::new(attribute::TOOL_TYPE, "function"));
    let name = called.and_then(|called| called.name.as_ref());
    let id = called.map(|called| &called.id).filter(|id| is_word(id));
    attributes.extend(id.map(|id| KeyValue::new(attribute::TOOL_CALL, Arc::clone(id))));
    attributes.extend(name.map(|name| KeyValue::new(attribute::TOOL, Arc::clone(name))));
    Operation::Tool.span_name(name)
}

fn wait(cause: &TaskCause, attributes: &mut Vec<KeyValue>) -> Cow<'static, str> {
    attributes.push(KeyValue::new(attribute::TASK_CAUSE, place::cause(cause)));
    match cause {
        TaskCause::Step(request) => attributes.push(KeyValue::new(attribute::TASK_REQUEST, place::request(*request))),
        TaskCause::Approval { of } | TaskCause::Uncertain { of } => {
            attributes.push(KeyValue::new(attribute::TASK_OF, of.to_shared()));
        }
        _ => {}
    }
    Cow::Owned(format!("human_task {}", place::cause(cause)))
}

fn model(agent: &AgentDef, attributes: &mut Vec<KeyValue>) {
    attributes.push(KeyValue::new(attribute::PROVIDER, agent.model.provider.to_shared()));
    let name = agent.model.name.as_ref();
    attributes.extend(name.map(|name| KeyValue::new(attribute::MODEL, Arc::clone(name))));
}

fn time(at: Timestamp) -> SystemTime {
    let micros = u64::try_from(at.as_unix_micros()).unwrap_or(0);
    UNIX_EPOCH.checked_add(Duration::from_micros(micros)).unwrap_or(UNIX_EPOCH)
}
