//! The registry of codes: one table, from which everything about a code is made.

use std::fmt;

use super::{Page, Severity};
use crate::suggest::Suggestions;

/// Defines [`Code`] from one table. A line is: the variant, the code's text, its severity and its
/// rule in one sentence. The code's page is `pages/<CODE>.md` of this crate.
macro_rules! codes {
    ($($variant:ident = $text:literal $severity:ident $rule:literal;)*) => {
        /// A stable code that names one rule of the language.
        ///
        /// Codes are never renamed and never reused for another rule. [`Code::page`] explains each.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[non_exhaustive]
        pub enum Code {
            $(#[doc = $rule] $variant,)*
        }

        impl Code {
            /// All codes, in the order of the table.
            pub const ALL: &'static [Code] = &[$(Code::$variant),*];

            /// The code as it is printed, such as `E_UNKNOWN_FIELD`.
            #[must_use]
            pub fn as_str(self) -> &'static str {
                match self { $(Code::$variant => $text),* }
            }

            /// How much a diagnostic of this code weighs.
            #[must_use]
            pub fn severity(self) -> Severity {
                match self { $(Code::$variant => Severity::$severity),* }
            }

            /// The rule in one sentence.
            #[must_use]
            pub fn rule(self) -> &'static str {
                match self { $(Code::$variant => $rule),* }
            }

            /// The page that explains this code.
            #[must_use]
            pub fn page(self) -> Page {
                let text = match self {
                    $(Code::$variant => include_str!(concat!("../../pages/", $text, ".md"))),*
                };
                Page::read(self, text)
            }
        }
    };
}

codes! {
    // the text itself
    YamlSyntax = "E_YAML_SYNTAX" Error "A spec is well-formed YAML 1.2.";
    YamlControlCharacter = "E_YAML_CONTROL_CHARACTER" Error "A spec holds no control characters other than tab and line breaks.";
    YamlTooLarge = "E_YAML_TOO_LARGE" Error "A spec has at most 8 MiB of text.";
    YamlTooDeep = "E_YAML_TOO_DEEP" Error "Lists and mappings nest at most 64 levels deep.";
    YamlTooManyNodes = "E_YAML_TOO_MANY_NODES" Error "A spec has at most 250,000 values.";
    YamlAliasBomb = "E_YAML_ALIAS_BOMB" Error "A spec stays within its limits of size when every alias is replaced by what it stands for.";
    YamlAliasUnknown = "E_YAML_ALIAS_UNKNOWN" Error "An alias follows the anchor that it names.";
    YamlAliasCycle = "E_YAML_ALIAS_CYCLE" Error "An anchored value does not contain an alias to itself.";
    YamlDuplicateKey = "E_YAML_DUPLICATE_KEY" Error "A mapping has each key once.";
    YamlMergeKey = "E_YAML_MERGE_KEY" Error "The merge key `<<` is not part of YAML 1.2 and not read.";
    YamlNonStringKey = "E_YAML_NON_STRING_KEY" Error "Every key is text.";
    YamlTag = "E_YAML_TAG" Error "Only the tags of the YAML core schema are read.";
    YamlSeveralDocuments = "E_YAML_SEVERAL_DOCUMENTS" Error "A file holds one document.";
    YamlIntegerRange = "E_YAML_INTEGER_RANGE" Error "Integers lie within plus and minus 2^53 − 1.";
    YamlNumberNotFinite = "E_YAML_NUMBER_NOT_FINITE" Error "Numbers are finite.";

    // the compiler itself
    Internal = "E_INTERNAL" Error "The compiler makes only plans that are whole.";

    // the shape of the document
    Version = "E_VERSION" Error "A spec begins with `version: v1`.";
    UnknownField = "E_UNKNOWN_FIELD" Error "Every key is one the language has at that place, or begins with `x-`.";
    FieldNotAllowed = "E_FIELD_NOT_ALLOWED" Error "A field stands only where it has an effect.";
    MissingField = "E_MISSING_FIELD" Error "Required fields are present.";
    WrongType = "E_WRONG_TYPE" Error "Every value has the type its field asks for.";
    UnknownValue = "E_UNKNOWN_VALUE" Error "A field with a fixed set of words holds one of them.";
    OutOfRange = "E_OUT_OF_RANGE" Error "Numbers and lists are within the bounds of their field.";
    InvalidName = "E_INVALID_NAME" Error "A name has 1 to 256 bytes, no control characters and no white space at its ends.";
    TwoSpellings = "E_TWO_SPELLINGS" Error "One thing is said in one way.";
    NotSupportedYet = "E_NOT_SUPPORTED_YET" Error "A construct of the language that this version does not run is refused, never ignored.";

    // expressions
    ExprNeedsQuotes = "E_EXPR_NEEDS_QUOTES" Error "An expression that YAML would read as something else is quoted.";

    ExprSyntax = "E_EXPR_SYNTAX" Error "Expressions and holes are well-formed.";
    ExprTooLong = "E_EXPR_TOO_LONG" Error "An expression has at most 2,048 bytes.";
    ExprTooMuch = "E_EXPR_TOO_MUCH" Error "All expressions of a spec together have at most 200,000 parts.";
    ExprTooDeep = "E_EXPR_TOO_DEEP" Error "Expressions and values nest only as deep as a plan can hold.";
    ExprUnsupported = "E_EXPR_UNSUPPORTED" Error "Expressions use only the part of CEL that the language has.";
    ExprHyphen = "E_EXPR_HYPHEN" Error "A step whose id is no identifier is read as `steps[\"id\"]`.";
    ExprUnknownRoot = "E_EXPR_UNKNOWN_ROOT" Error "Expressions read only the names that exist where they stand.";
    ExprUnknownStep = "E_EXPR_UNKNOWN_STEP" Error "Expressions read steps of the same workflow.";
    ExprUnknownField = "E_EXPR_UNKNOWN_FIELD" Error "Expressions read only what can be there: fields of a step, of `run`, and of values whose keys are known.";
    ExprUnknownFunction = "E_EXPR_UNKNOWN_FUNCTION" Error "Expressions call the functions that the language has.";
    ExprArguments = "E_EXPR_ARGUMENTS" Error "Functions and macros are called with the arguments they take.";
    ExprType = "E_EXPR_TYPE" Error "Operators, functions and conditions are given values of the types they take.";
    TemplateUnclosed = "E_TEMPLATE_UNCLOSED" Error "A hole that begins with `{{` ends with `}}`.";
    LooksLikeExpression = "W_LOOKS_LIKE_EXPRESSION" Warning "Text that is the path of a step is not a read of the step.";
    ReadMaybeUnrun = "E_READ_MAYBE_UNRUN" Error "A step is read only where it has settled on every path, or under `has()` or `default()`.";
    ReadOptionalOutput = "E_READ_OPTIONAL_OUTPUT" Error "What a step may have left empty is read only under `has()` or `default()`.";
    ReadAcrossBranches = "E_READ_ACROSS_BRANCHES" Error "A branch is not read before it is joined.";
    ReadNoDecision = "E_READ_NO_DECISION" Error "Only human steps have a `decision`.";

    // names
    NoRoot = "E_NO_ROOT" Error "A spec has a `workflow` or an `agent`.";
    DuplicateId = "E_DUPLICATE_ID" Error "Step ids are unique within their workflow.";
    IdMismatch = "E_ID_MISMATCH" Error "The `id` of a graph node, when given, is the node's key.";
    ComponentRef = "E_COMPONENT_REF" Error "A `ref`, the `agent` of a tool and an `as_agent` name a component of their kind.";
    StepRef = "E_STEP_REF" Error "Edges, `start` and fallbacks name steps of the same workflow.";
    ToolRef = "E_TOOL_REF" Error "An agent's tools are declared under `tools` or `mcp_servers`, and their names tell which.";
    ServerRef = "E_SERVER_REF" Error "The server behind a tool is declared under `mcp_servers`.";
    NestedTooDeep = "E_NESTED_TOO_DEEP" Error "Workflows nest at most `limits.max_depth` deep, and branches in a graph 16.";
    BuildCycle = "E_BUILD_CYCLE" Error "No workflow contains itself, and no agent asks itself.";

    // components
    AgentNoModel = "E_AGENT_NO_MODEL" Error "An agent that runs has a `model` with a `provider`.";
    AsAgentFields = "E_AS_AGENT_FIELDS" Error "Beside `as_agent` stand only `name`, `description` and `system_prompt`.";
    AsAgentPrompt = "W_AS_AGENT_PROMPT" Warning "An agent that a workflow plays has no prompt of its own.";
    AgentToolParameters = "W_AGENT_TOOL_PARAMETERS_IGNORED" Warning "A tool that asks an agent takes one text, `input`.";
    UnusedComponent = "W_UNUSED_COMPONENT" Warning "Every component is referred to by a step, and every tool and server by an agent.";
    RuntimeMode = "E_RUNTIME_MODE" Error "`allowed_modes` includes `bridge`.";
    RuntimePreference = "W_RUNTIME_MODE" Warning "Kneo owns the agent loop: other runtime modes are not used.";
    LaunchRefused = "E_LAUNCH_REFUSED" Error "A program runs in its folder, and no hole chooses its code.";
    ToolNoBacking = "E_TOOL_NO_BACKING" Error "A tool has a backing.";
    ToolMultipleBackings = "E_TOOL_MULTIPLE_BACKINGS" Error "A tool has one backing.";
    FunctionNoBacking = "E_FUNCTION_NO_BACKING" Error "A function has a backing.";
    FunctionMultipleBackings = "E_FUNCTION_MULTIPLE_BACKINGS" Error "A function has one backing.";
    Schema = "E_SCHEMA" Error "A JSON Schema in a spec is a valid one.";
    SchemaTooMuch = "E_SCHEMA_TOO_MUCH" Error "All JSON Schemas of a spec together have at most 200 patterns.";
    SchemaKeyword = "W_SCHEMA_KEYWORD" Warning "Every word of a JSON Schema is a keyword, or begins with `x-`.";
    SelectionOptions = "E_SELECTION_OPTIONS" Error "A `selection` has `options`, and only a `selection` has them.";
    DefaultOption = "E_DEFAULT_OPTION" Error "A `default_option` is one of the `options`.";
    TimeoutTwice = "E_TIMEOUT_TWICE" Error "A human step's `timeout_seconds` is on the step or on the human, not on both.";
    OnTimeoutUnused = "W_ON_TIMEOUT_UNUSED" Warning "`on_timeout` has an effect only together with `timeout_seconds`.";
    SecretLiteral = "E_SECRET_LITERAL" Error "Secrets are referred to by name, never written into a spec.";
    SecretSuspected = "W_SECRET_SUSPECTED" Warning "Text that looks like a secret is not written into a spec.";
    TlsVerifyDisabled = "W_MCP_TLS_VERIFY_DISABLED" Warning "The certificate of a server is verified.";
    NoHoles = "W_NO_HOLES" Warning "Holes stand only in fields that read them.";
    TemplateOff = "W_TEMPLATE_OFF" Warning "Holes in prompts, and in what people are asked, are read only with `templates: true`.";

    // tests
    TestName = "E_TEST_NAME" Error "Tests of a spec have different names.";
    TestRef = "E_TEST_REF" Error "A test names agents, functions, tools, servers and steps of its spec.";
    TestDecision = "E_TEST_DECISION" Error "A test decides what the person who is asked can decide.";
    TestInput = "E_TEST_INPUT" Error "The input of a test fits `inputs`.";

    // steps
    RetryWithoutCount = "E_RETRY_WITHOUT_COUNT" Error "`on_error: retry` says how often.";
    RetryKind = "E_RETRY_KIND" Error "`retry.on` names failures after which the step is tried again.";
    FallbackRef = "E_FALLBACK_REF" Error "`on_error: fallback` and `fallback_ref` go together, and the fallback is another step.";
    FallbackTwice = "W_FALLBACK_RUNS_TWICE" Warning "A fallback step of a sequential workflow also runs at its own place.";
    FallbackOnly = "E_FALLBACK_ONLY" Error "A step with `fallback_only: true` is the fallback of another, and no edge leads to or from it.";
    ConstantKey = "W_CONSTANT_KEY" Warning "An `idempotency_key` has a hole, so that it is another in every run.";

    // graphs
    UnboundedCycle = "E_UNBOUNDED_CYCLE" Error "Every cycle of a graph is bounded.";
    OnMaxUnused = "E_ON_MAX_UNUSED" Error "`on_max` stands beside the bound whose outcome it declares.";
    UnreachableNode = "W_UNREACHABLE_NODE" Warning "Every node can be reached from `start`.";
    DeadEnd = "W_DEAD_END" Warning "From every node the workflow can end.";
    EdgeNeverTaken = "W_EDGE_NEVER_TAKEN" Warning "An edge after one that always holds is never taken.";
    RejectionUnhandled = "E_REJECTION_UNHANDLED" Error "The edges of a human node that can be rejected tell a rejection from an approval.";
    FanoutUnstructured = "E_FANOUT_UNSTRUCTURED" Error "The branches of a graph are entered where they begin, left to where they meet, and share no node.";
    JoinUnsatisfiable = "E_JOIN_UNSATISFIABLE" Error "A join waits for no more branches than there are.";
    NoDefaultEdge = "W_NO_DEFAULT_EDGE" Warning "A node with conditional edges has a last one that always holds.";
}

impl Code {
    /// Finds a code by its text, in any case.
    #[must_use]
    pub fn find(text: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|code| code.as_str().eq_ignore_ascii_case(text))
    }

    /// The code whose text is nearest to a mistyped one.
    #[must_use]
    pub fn nearest(text: &str) -> Option<Self> {
        let known = Self::ALL.iter().map(|code| code.as_str());
        Suggestions::default().nearest(&text.to_ascii_uppercase(), known).and_then(Self::find)
    }

    /// Whether what a diagnostic of this code points at must not be shown.
    pub(crate) fn points_at_secret(self) -> bool {
        matches!(self, Self::SecretLiteral | Self::SecretSuspected)
    }

    /// Where the code's page is published.
    #[must_use]
    pub fn docs_url(self) -> String {
        format!("{}/blob/main/kneo-spec/pages/{}.md", env!("CARGO_PKG_REPOSITORY"), self.as_str())
    }
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
