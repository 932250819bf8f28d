//! Metrics: durations, tokens, cost, counts.

use std::sync::Arc;

use kneo_core::event::EffectKind;
use kneo_core::plan::NodeIx;
use opentelemetry::KeyValue;
use opentelemetry::metrics::{Counter, Histogram, Meter};

use crate::attribute::{self, Operation};
use crate::finished::{Called, Finished, Problem, Try, What};
use crate::observer::outcomes;
use crate::place;
use crate::price::Prices;
use crate::queue::Queue;
use crate::vocabulary::Vocabulary;

/// A metric, as the guide tells of it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Named {
    pub(crate) name: &'static str,
    pub(crate) unit: &'static str,
    pub(crate) what: &'static str,
    /// Its attributes.
    #[cfg(test)]
    pub(crate) by: &'static [&'static str],
}

macro_rules! metrics {
    ($($metric:ident = $name:literal, $unit:literal, $what:literal, by $by:expr;)+) => {
        $(const $metric: Named = Named { name: $name, unit: $unit, what: $what, #[cfg(test)] by: &$by };)+

        /// All metrics.
        #[cfg(test)]
        pub(crate) const ALL: &[Named] = &[$($metric),+];
    };
}

metrics! {
    RUNS_STARTED = "kneo.runs.started", "{run}", "Runs that began", by [attribute::WORKFLOW];
    RUNS_ENDED = "kneo.runs.ended", "{run}", "Runs that ended, by how",
        by [attribute::WORKFLOW, attribute::STATUS, attribute::ERROR];
    RUN = "kneo.run.duration", "s", "From the start of a run to its end, pauses included",
        by [attribute::WORKFLOW, attribute::STATUS, attribute::ERROR];
    STEP = "kneo.step.duration", "s", "A visit of a step, pauses included",
        by [attribute::WORKFLOW, attribute::STEP, attribute::STEP_KIND, attribute::STATUS, attribute::ERROR];
    TURN = "kneo.turn.duration", "s", "A turn of an agent: the model and its tools",
        by [attribute::AGENT, attribute::STATUS, attribute::ERROR];
    TOOL_CALL = "kneo.tool.call.duration", "s", "A try of a tool call, or a call with a workflow behind it",
        by [attribute::TOOL, attribute::STATUS, attribute::ERROR];
    FUNCTION = "kneo.function.duration", "s", "A try of a function call",
        by [attribute::FUNCTION, attribute::STATUS, attribute::ERROR];
    HUMAN = "kneo.human.wait.duration", "s", "The wait for a person's decision",
        by [attribute::TASK_CAUSE, attribute::STATUS, attribute::ERROR];
    MODEL = "gen_ai.client.operation.duration", "s", "A try of an answer of a model",
        by [attribute::OPERATION, attribute::PROVIDER, attribute::MODEL, attribute::ERROR];
    TOKENS = "gen_ai.client.token.usage", "{token}", "Tokens of a request, and of its answer",
        by [attribute::OPERATION, attribute::PROVIDER, attribute::MODEL, attribute::TOKEN_TYPE];
    COST = "kneo.cost", "1", "What answers of models cost, by the host's prices",
        by [attribute::PROVIDER, attribute::MODEL, attribute::COST_CURRENCY];
    RETRIES = "kneo.effect.retries", "{retry}", "Tries that failed and are followed by another",
        by [attribute::EFFECT, attribute::ERROR];
    TELEMETRY = "kneo.telemetry.spans", "{span}", "What became of the spans of this observer",
        by [attribute::OUTCOME];
}

/// The bounds that the conventions name for the duration of a model's answer, in seconds.
const MODEL_SECONDS: [f64; 14] =
    [0.01, 0.02, 0.04, 0.08, 0.16, 0.32, 0.64, 1.28, 2.56, 5.12, 10.24, 20.48, 40.96, 81.92];

/// The bounds that the conventions name for tokens.
const TOKEN_COUNTS: [f64; 14] = [
    1.0,
    4.0,
    16.0,
    64.0,
    256.0,
    1_024.0,
    4_096.0,
    16_384.0,
    65_536.0,
    262_144.0,
    1_048_576.0,
    4_194_304.0,
    16_777_216.0,
    67_108_864.0,
];

/// Of steps, in seconds: from a millisecond to a week.
const STEP_SECONDS: [f64; 14] =
    [0.001, 0.01, 0.1, 0.5, 1.0, 5.0, 15.0, 60.0, 300.0, 1_800.0, 3_600.0, 14_400.0, 86_400.0, 604_800.0];

/// Of calls, in seconds: from a millisecond to a quarter of an hour.
const CALL_SECONDS: [f64; 13] = [0.001, 0.005, 0.01, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0, 60.0, 300.0, 900.0];

/// Of runs and of people, in seconds: from a tenth of a second to a week.
const LONG_SECONDS: [f64; 13] =
    [0.1, 0.5, 1.0, 5.0, 15.0, 60.0, 300.0, 1_800.0, 3_600.0, 14_400.0, 43_200.0, 86_400.0, 604_800.0];

/// The instruments, and the words that their attributes may have.
#[derive(Debug)]
pub(crate) struct Metrics {
    runs_started: Counter<u64>,
    runs_ended: Counter<u64>,
    run: Histogram<f64>,
    step: Histogram<f64>,
    turn: Histogram<f64>,
    tool_call: Histogram<f64>,
    function: Histogram<f64>,
    human: Histogram<f64>,
    model: Histogram<f64>,
    tokens: Histogram<u64>,
    cost: Option<(Counter<f64>, KeyValue)>,
    retries: Counter<u64>,
    words: Words,
}

#[derive(Default, Debug)]
struct Words {
    workflows: Vocabulary,
    steps: Vocabulary,
    agents: Vocabulary,
    providers: Vocabulary,
    models: Vocabulary,
    tools: Vocabulary,
    functions: Vocabulary,
    errors: Vocabulary,
}

impl Metrics {
    pub(crate) fn new(meter: &Meter, prices: Option<&Prices>, queue: Option<&Arc<Queue>>) -> Metrics {
        let seconds = |of: Named, bounds: &[f64]| {
            let histogram = meter.f64_histogram(of.name).with_unit(of.unit).with_description(of.what);
            histogram.with_boundaries(bounds.to_vec()).build()
        };
        let count = |of: Named| meter.u64_counter(of.name).with_unit(of.unit).with_description(of.what).build();
        let tokens = meter.u64_histogram(TOKENS.name).with_unit(TOKENS.unit).with_description(TOKENS.what);
        let cost = prices.map(|prices| {
            let cost = meter.f64_counter(COST.name).with_unit(COST.unit).with_description(COST.what).build();
            (cost, KeyValue::new(attribute::COST_CURRENCY, Arc::clone(prices.currency())))
        });
        if let Some(queue) = queue {
            let queue = Arc::clone(queue);
            let spans = meter.u64_observable_counter(TELEMETRY.name).with_unit(TELEMETRY.unit);
            let told = spans.with_description(TELEMETRY.what).with_callback(move |spans| {
                for (outcome, count) in outcomes(&queue) {
                    spans.observe(count, &[KeyValue::new(attribute::OUTCOME, outcome)]);
                }
            });
            // The meter keeps it.
            let _ = told.build();
        }
        Metrics {
            runs_started: count(RUNS_STARTED),
            runs_ended: count(RUNS_ENDED),
            run: seconds(RUN, &LONG_SECONDS),
            step: seconds(STEP, &STEP_SECONDS),
            turn: seconds(TURN, &CALL_SECONDS),
            tool_call: seconds(TOOL_CALL, &CALL_SECONDS),
            function: seconds(FUNCTION, &CALL_SECONDS),
            human: seconds(HUMAN, &LONG_SECONDS),
            model: seconds(MODEL, &MODEL_SECONDS),
            tokens: tokens.with_boundaries(TOKEN_COUNTS.to_vec()).build(),
            cost,
            retries: count(RETRIES),
            words: Words::default(),
        }
    }

    /// A run has begun.
    pub(crate) fn run_started(&self, workflow: &Arc<str>) {
        self.runs_started.add(1, &[KeyValue::new(attribute::WORKFLOW, self.words.workflows.value(workflow))]);
    }

    /// Something has ended.
    pub(crate) fn ended(&self, finished: &Finished) {
        let took = finished.end.since(finished.start).as_secs_f64();
        match &finished.what {
            What::Run { .. } => {
                let workflow = self.words.workflows.value(&finished.trace.plan().name.to_shared());
                let labels = self.labels(KeyValue::new(attribute::WORKFLOW, workflow), finished);
                self.runs_ended.add(1, &labels);
                self.run.record(took, &labels);
            }
            What::Turn(_) => {
                let agent = place::agent(finished.trace.plan(), &finished.path).map(|agent| agent.name.to_shared());
                self.turn
                    .record(took, &self.labels(named(attribute::AGENT, agent.as_ref(), &self.words.agents), finished));
            }
            What::Attempt(tried) => self.tried(took, tried, finished),
            What::Call(called) => self.called(took, Some(called), finished),
            What::Wait { cause, .. } => {
                let cause = KeyValue::new(attribute::TASK_CAUSE, place::cause(cause));
                self.human.record(took, &self.labels(cause, finished));
            }
            What::Step { node, .. } => self.step(took, *node, finished),
            What::Branch(_) => {}
        }
    }

    fn step(&self, took: f64, node: NodeIx, finished: &Finished) {
        let plan = finished.trace.plan();
        let Some(node) = plan.node(node) else { return };
        let workflow = self.words.workflows.value(&plan.name.to_shared());
        let mut labels = self.labels(KeyValue::new(attribute::WORKFLOW, workflow), finished);
        labels.push(KeyValue::new(attribute::STEP, self.words.steps.value(&node.id.to_shared())));
        labels.push(KeyValue::new(attribute::STEP_KIND, place::kind(&node.kind)));
        self.step.record(took, &labels);
    }

    fn tried(&self, took: f64, tried: &Try, finished: &Finished) {
        match tried.kind {
            EffectKind::Function => {
                let function = place::function(finished.trace.plan(), &finished.path).map(|def| def.name.to_shared());
                let function = named(attribute::FUNCTION, function.as_ref(), &self.words.functions);
                self.function.record(took, &self.labels(function, finished));
            }
            EffectKind::ToolCall => self.called(took, tried.call.as_ref(), finished),
            EffectKind::ModelTurn => self.asked(took, tried, finished),
            EffectKind::Discovery => {}
        }
        if tried.retried {
            let mut labels = vec![KeyValue::new(attribute::EFFECT, tried.kind.as_str())];
            labels.extend(self.error(finished.problem.as_ref()));
            self.retries.add(1, &labels);
        }
    }

    fn called(&self, took: f64, called: Option<&Called>, finished: &Finished) {
        // What was refused never ran.
        if finished.status != "refused" {
            let tool = called.and_then(|called| called.name.as_ref());
            self.tool_call.record(took, &self.labels(named(attribute::TOOL, tool, &self.words.tools), finished));
        }
    }

    fn asked(&self, took: f64, tried: &Try, finished: &Finished) {
        let agent = place::agent(finished.trace.plan(), &finished.path);
        let provider = agent.map(|agent| agent.model.provider.to_shared());
        let mut labels =
            vec![Operation::Chat.attribute(), named(attribute::PROVIDER, provider.as_ref(), &self.words.providers)];
        let model = agent.and_then(|agent| agent.model.name.as_ref());
        labels.extend(model.map(|model| KeyValue::new(attribute::MODEL, self.words.models.value(model))));
        let spent = tried.spent;
        for (kind, tokens) in [("input", spent.used.input), ("output", spent.used.output)] {
            if !spent.used.is_zero() {
                labels.push(KeyValue::new(attribute::TOKEN_TYPE, kind));
                self.tokens.record(tokens, &labels);
                labels.pop();
            }
        }
        if let (Some((counter, currency)), Some(cost)) = (&self.cost, spent.cost) {
            // All but the operation.
            let labels: Vec<KeyValue> = labels.iter().skip(1).chain([currency]).cloned().collect();
            counter.add(cost, &labels);
        }
        labels.extend(self.error(finished.problem.as_ref()));
        self.model.record(took, &labels);
    }

    /// A name, how it ended, and what went wrong.
    fn labels(&self, name: KeyValue, finished: &Finished) -> Vec<KeyValue> {
        let mut labels = Vec::with_capacity(3);
        labels.push(name);
        labels.push(KeyValue::new(attribute::STATUS, finished.status));
        labels.extend(self.error(finished.problem.as_ref()));
        labels
    }

    fn error(&self, problem: Option<&Problem>) -> Option<KeyValue> {
        let problem = problem?;
        let value = match problem.code() {
            Some(code) => self.words.errors.value(code),
            None => problem.kind.into(),
        };
        Some(KeyValue::new(attribute::ERROR, value))
    }
}

fn named(attribute: &'static str, name: Option<&Arc<str>>, words: &Vocabulary) -> KeyValue {
    KeyValue::new(attribute, name.map_or_else(|| attribute::OTHER.into(), |name| words.value(name)))
}
