//! The names of attributes and operations, in one place.
//!
//! `gen_ai.*` and `error.type` are those of OpenTelemetry's semantic conventions for generative AI; what those have no
//! word for is `kneo.*`.

use std::borrow::Cow;
use std::sync::Arc;

use opentelemetry::KeyValue;

/// An attribute, as the guide tells of it.
#[cfg(test)]
#[derive(Debug)]
pub(crate) struct Described {
    pub(crate) name: &'static str,
    /// The spans that may have it; nothing for one that only metrics and events have.
    pub(crate) on: &'static str,
    pub(crate) what: &'static str,
}

macro_rules! attributes {
    ($(#[doc = $about:literal] $(#[$more:meta])* $list:ident { $($name:ident = $text:literal, $on:literal, $what:literal;)+ })+) => {
        $(
            $(
                #[doc = $what]
                pub(crate) const $name: &str = $text;
            )+

            #[doc = $about]
            #[cfg(test)]
            pub(crate) const $list: &[Described] = &[$(Described { name: $text, on: $on, what: $what }),+];
        )+
    };
}

attributes! {
    /// What spans have.
    SPANS {
        OPERATION = "gen_ai.operation.name", "run, workflow, agent, model, tool", "What is done: `invoke_workflow`, `invoke_agent`, `chat`, `execute_tool`";
        WORKFLOW = "gen_ai.workflow.name", "run, workflow", "The workflow";
        AGENT = "gen_ai.agent.name", "agent", "The agent";
        PROVIDER = "gen_ai.provider.name", "agent, model", "The provider, by the name that the host registered";
        MODEL = "gen_ai.request.model", "agent, model", "The model, if the spec names one";
        TEMPERATURE = "gen_ai.request.temperature", "model", "The temperature, if the spec sets one";
        OUTPUT_TYPE = "gen_ai.output.type", "model", "`json` where the answer must fit a schema";
        FINISH_REASONS = "gen_ai.response.finish_reasons", "model", "Why the model stopped";
        INPUT_TOKENS = "gen_ai.usage.input_tokens", "agent, model", "Tokens of the requests";
        OUTPUT_TOKENS = "gen_ai.usage.output_tokens", "agent, model", "Tokens of the answers";
        TOOL = "gen_ai.tool.name", "tool", "The tool; missing for a name that no tool has";
        TOOL_TYPE = "gen_ai.tool.type", "tool", "`function`";
        TOOL_CALL = "gen_ai.tool.call.id", "tool", "The model's id of the call, if it is a word";
        ERROR = "error.type", "all", "What went wrong: the code that the failing party gave, else the kind of failure";
        RUN = "kneo.run.id", "all", "The run";
        NAMESPACE = "kneo.namespace", "run", "The namespace";
        PLAN = "kneo.plan.digest", "run", "The digest of the plan";
        CLAIMS = "kneo.run.claims", "run", "How many times a worker took the run up";
        RUN_INPUT_TOKENS = "kneo.usage.input_tokens", "run", "Tokens of all requests of the run";
        RUN_OUTPUT_TOKENS = "kneo.usage.output_tokens", "run", "Tokens of all answers in the run";
        COST = "kneo.cost", "run, agent, model", "What the tokens cost, by the host's prices";
        COST_CURRENCY = "kneo.cost.currency", "run, agent, model", "The currency of the cost";
        COST_PARTIAL = "kneo.cost.partial", "run", "`true` if some of the tokens have no price, and are not in the cost";
        PATH = "kneo.path", "all but run", "The place in the run";
        STATUS = "kneo.status", "all", "How it ended";
        FAILURE = "kneo.failure.kind", "all", "The kind of failure";
        STEP = "kneo.step.id", "step", "The step";
        STEP_KIND = "kneo.step.kind", "step", "`agent`, `function`, `human`, `workflow`, `set`, `fork`";
        VISIT = "kneo.step.visit", "step", "Which visit of the step, from 1";
        BRANCH = "kneo.branch.name", "branch", "The branch";
        TURN = "kneo.turn", "turn", "Which turn of the agent, from 1";
        ATTEMPT = "kneo.attempt", "model, tool, function, discovery", "Which try, from 1";
        FUNCTION = "kneo.function.name", "function", "The function";
        SERVER = "kneo.server.name", "discovery", "The server whose tools are found out";
        TASK = "kneo.task.id", "wait", "The task";
        TASK_CAUSE = "kneo.task.cause", "wait", "Why somebody is asked: `step`, `approval`, `uncertain`";
        TASK_REQUEST = "kneo.task.request", "wait", "The kind of answer that a step asks for";
        TASK_OF = "kneo.task.of", "wait", "What is to be approved, or is uncertain";
    }

    /// What only events and metrics have.
    OTHERS {
        WORKER = "kneo.worker.id", "", "The worker";
        EFFECT = "kneo.effect.kind", "", "`function`, `model_turn`, `tool_call`, `discovery`";
        TOKEN_TYPE = "gen_ai.token.type", "", "`input`, `output`";
        OUTCOME = "kneo.telemetry.outcome", "", "What became of spans: `exported`, `queue_full`, `refused`, `late`";
    }

    /// What spans have only where the host lets content leave.
    CONTENTS {
        TOOL_ARGUMENTS = "gen_ai.tool.call.arguments", "tool", "The arguments of a call";
        TOOL_RESULT = "gen_ai.tool.call.result", "tool", "The result of a call";
        OUTPUT_MESSAGES = "gen_ai.output.messages", "model", "What the model answered, in the form of the conventions";
        ERROR_MESSAGE = "error.message", "all", "What the failing party said";
        RUN_INPUT = "kneo.run.input", "run", "The input of the run";
        RUN_OUTPUT = "kneo.run.output", "run", "The output of the run";
        STEP_INPUT = "kneo.step.input", "step", "The input that the step's expression built";
        STEP_OUTPUT = "kneo.step.output", "step", "The output of the step";
        FUNCTION_RESULT = "kneo.function.result", "function", "The result of a call";
        TASK_DESCRIPTION = "kneo.task.description", "wait", "What people were asked";
        TASK_ANSWER = "kneo.task.answer", "wait", "What was answered";
    }
}

/// The value that stands for what is one too many.
pub(crate) const OTHER: &str = "_OTHER";

/// What is done, in the words of the conventions.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Operation {
    Workflow,
    Agent,
    Chat,
    Tool,
}

impl Operation {
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Operation::Workflow => "invoke_workflow",
            Operation::Agent => "invoke_agent",
            Operation::Chat => "chat",
            Operation::Tool => "execute_tool",
        }
    }

    pub(crate) fn attribute(self) -> KeyValue {
        KeyValue::new(OPERATION, self.as_str())
    }

    /// The name of its span: the operation, and on what.
    pub(crate) fn span_name(self, of: Option<&Arc<str>>) -> Cow<'static, str> {
        match of {
            Some(of) => Cow::Owned(format!("{} {of}", self.as_str())),
            None => Cow::Borrowed(self.as_str()),
        }
    }
}
