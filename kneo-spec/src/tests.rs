//! Offline tests that stand in a spec: what models, code and people answer in one run, and what must come of it.
//!
//! A spec is code, and code has tests. [`compile`](crate::compile) checks the `tests` of a spec — that every agent,
//! function, tool, server and step that they name is there, and every decision one that the person can come to — and gives
//! them as [`Compilation::tests`](crate::Compilation::tests). They are no part of the plan. Whoever runs them (`kneo spec
//! test` does) needs no model, no network and no waiting: everything that a run would ask for is in the test.
//!
//! ```
//! use kneo_spec::source::SourceMap;
//! use kneo_spec::tests::{Say, Status};
//! use kneo_spec::{CompileOptions, compile};
//!
//! let spec = "
//! version: v1
//! agent: {name: writer, model: {provider: openai, name: gpt}}
//! tests:
//!   - name: it writes
//!     models: {writer: [A story.]}
//!     expect: {output: A story.}
//! ";
//! let mut sources = SourceMap::new();
//! let file = sources.add("story.yaml", spec);
//! let compilation = compile(&sources, file, &CompileOptions::default());
//! let test = &compilation.tests[0];
//! assert_eq!((test.name.as_str(), test.origin.line), ("it writes", 5));
//! assert_eq!(test.expect.status, Status::Completed);
//! let (agent, replies) = &test.models[0];
//! assert_eq!(agent.as_str(), "writer");
//! assert!(matches!(&replies[0].say, Say::Answer(answer) if answer.text.as_deref() == Some("A story.")));
//! ```

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use kneo_core::failure::FailureKind;
use kneo_core::name::Name;
use kneo_core::plan::Origin;
use kneo_core::task::Decision;
use kneo_core::value::Value;

/// One test: a run, all that it is answered, and what must come of it.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Test {
    /// What is tested; no two tests of a spec have the same name.
    pub name: Name,
    /// Where the test stands in the spec.
    pub origin: Origin,
    /// The run's input; it fits the spec's `inputs`.
    pub input: Value,
    /// For agents, by the names that they have in the plan, what their models reply.
    pub models: Vec<(Name, Vec<Reply>)>,
    /// For functions, by the names that they have in the plan, what their calls give.
    pub functions: Vec<(Name, Outcomes)>,
    /// For tools of the spec, by their names, what their calls give. Tools that ask agents are not among them.
    pub tools: Vec<(Name, Outcomes)>,
    /// What MCP servers offer.
    pub servers: Vec<Server>,
    /// For human steps, by their ids, what is decided. Who is not answered here is not answered at all.
    pub humans: Vec<(Name, Decisions)>,
    /// For tools and functions that run only if a person agrees, by their names, what is decided.
    pub approvals: Vec<(Name, Decisions)>,
    /// What must come of the run.
    pub expect: Expect,
}

/// What an MCP server offers in a test.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Server {
    /// The server, by its name in the spec.
    pub name: Name,
    /// Its tools, by the server's own names for them, and what their calls give.
    pub tools: Vec<(Arc<str>, Outcomes)>,
}

/// What a model gives in one turn.
///
/// Of an agent's replies each is given once: to a request the first that is left and [fits](Reply::when_input_contains)
/// it. A turn that is tried again takes another one.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Reply {
    /// The reply is for a request whose latest user message contains this text; `None` is for any.
    pub when_input_contains: Option<Arc<str>>,
    /// How long it takes, in virtual time.
    pub delay: Duration,
    /// What it is.
    pub say: Say,
}

/// What a model says.
#[derive(Clone, Debug, PartialEq)]
#[expect(clippy::exhaustive_enums, reason = "whoever plays a model must handle each")]
pub enum Say {
    /// Text, tools that it asks for, or both.
    Answer(Answer),
    /// Nothing: the call of the model fails, with a code that begins with `provider_`.
    Error(Fault),
}

/// An answer of a model. At least one of text and tool calls is there.
#[derive(Clone, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct Answer {
    /// The text.
    pub text: Option<Arc<str>>,
    /// The tools that it asks for, as the model sees their names, each with its arguments.
    pub tool_calls: Vec<(Arc<str>, Value)>,
}

/// What calls of a function or tool give.
#[derive(Clone, Debug, PartialEq)]
#[expect(clippy::exhaustive_enums, reason = "whoever plays a function must handle each")]
pub enum Outcomes {
    /// Every call gives this.
    Always(Outcome),
    /// The calls give these, one after the other; there is no further call. At least one.
    InTurn(Vec<Outcome>),
}

/// What one call gives.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Outcome {
    /// The output, or why there is none.
    pub result: Result<Value, Fault>,
    /// How long it takes, in virtual time.
    pub delay: Duration,
}

/// Why a call fails.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Fault {
    /// A code in words, such as `not_found`.
    pub code: Arc<str>,
    /// What went wrong.
    pub message: Arc<str>,
    /// Whether another try may help.
    pub retryable: bool,
}

/// What a person decides.
#[derive(Clone, Debug, PartialEq)]
#[expect(clippy::exhaustive_enums, reason = "whoever plays a person must handle each")]
pub enum Decisions {
    /// This, whenever the question is asked.
    Always(Decided),
    /// These, one after the other; a further question is not answered. At least one.
    InTurn(Vec<Decided>),
}

/// One decision.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Decided {
    /// What is decided.
    pub decision: Decision,
    /// Who decides; `None` is the first who may.
    pub by: Option<Name>,
}

/// What must come of a run. What is `None` here may be anything.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Expect {
    /// How it ends, or that it waits for a person.
    pub status: Status,
    /// Its output, exactly.
    pub output: Option<Value>,
    /// What it fails with, where it does not complete.
    pub error: Option<ExpectedError>,
    /// The steps that it enters, in order; a step that is skipped is not entered. A step inside another — of a nested
    /// workflow, of an agent that a tool asks, a fallback — is written behind it with a `/` between.
    pub path: Option<Vec<Arc<str>>>,
    /// Tools that run at least once, as models see their names.
    pub tools_called: Vec<Arc<str>>,
    /// Tools that never run, as models see their names.
    pub tools_not_called: Vec<Arc<str>>,
    /// Who is asked, in order: the ids of human steps, and the names of tools and functions that wait for a person to
    /// agree.
    pub human_tasks: Option<Vec<Arc<str>>>,
}

/// What a run fails with. What is `None` here may be anything.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct ExpectedError {
    /// The kind.
    pub kind: Option<FailureKind>,
    /// The code.
    pub code: Option<Arc<str>>,
    /// A text that the message contains.
    pub contains: Option<Arc<str>>,
}

/// How a run ends, or that it waits.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[expect(clippy::exhaustive_enums, reason = "whoever judges a run must handle each")]
pub enum Status {
    /// With an output.
    #[default]
    Completed,
    /// With a failure that nothing handled.
    Failed,
    /// A time limit of its own passed.
    TimedOut,
    /// A person's deadline passed and nothing handled it.
    Expired,
    /// Not at all: it waits for a person who never answers.
    Blocked,
}

impl Status {
    /// The word in specs and reports.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Completed => "completed",
            Self::Failed => "failed",
            Self::TimedOut => "timed_out",
            Self::Expired => "expired",
            Self::Blocked => "blocked",
        }
    }
}

impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
