//! Agents.

use super::FieldKind::{Any, Either, Integer, List, Map, Name, Number, Plain, Schema, Shape as Is, Text, Words};
use super::{Field, Shape, Word};

pub(crate) static AGENT: Shape = Shape {
    name: "an agent",
    doc: "a model, a prompt and tools",
    example: "{model: {provider: dummy}, system_prompt: …}",
    fields: &[
        Field::new("name", Name, "the agent's name; without it the key it stands under"),
        Field::new("description", Plain, "what the agent is for, for people, and for models that ask it as a tool"),
        Field::new("system_prompt", Text, "the system prompt; holes see the step's input and the run"),
        Field::new("model", Is(&MODEL), "the model"),
        Field::new("strategy", Is(&STRATEGY), "how the agent works"),
        Field::new(
            "runtime_preferences",
            Is(&RUNTIME_PREFERENCES),
            "runtime modes of the published v1; only `bridge` exists here",
        ),
        Field::new("tools", Either(&[List(&Name), Is(&TOOLS)]), "the tools that it may call, and the MCP servers whose tools it may call, by name"),
        Field::new("skills", List(&Name), "skills whose instructions join the prompt").not_yet(),
        Field::new("guardrails", Any, "guardrails by stage").not_yet(),
        Field::new("policies", Any, "which tools and capabilities are allowed").not_yet(),
        Field::new("middleware", List(&Any), "middleware of the published v1").not_yet(),
        Field::new("retry", Any, "how failed model calls are repeated").not_yet(),
        Field::new(
            "as_agent",
            Name,
            "a workflow of `components.workflows` that plays this agent; beside it stand `name`, `description` and `system_prompt` alone",
        ),
        Field::new(
            "output_schema",
            Schema,
            "the JSON Schema of the answer, which is then JSON; a model whose answer does not fit is told so and asked again, at most twice",
        )
        .kneo(),
        Field::new("must_call", Any, "a tool that must be called before the answer").kneo().not_yet(),
        Field::new("limits", Any, "bounds on one run of the agent").kneo().not_yet(),
        Field::new("loop_detection", Any, "what happens when the agent repeats itself").kneo().not_yet(),
        Field::new("memory", Name, "the memory it reads and writes").kneo().not_yet(),
        Field::new("context", Any, "how large the conversation may grow").kneo().not_yet(),
        Field::new("tool_choice", Any, "which tool the model must choose").kneo().not_yet(),
        Field::new("parallel_tool_calls", Any, "whether tools of one turn run side by side").kneo().not_yet(),
    ],
};

pub(crate) static MODEL: Shape = Shape {
    name: "a model",
    doc: "a model of a provider",
    example: "{provider: dummy}",
    fields: &[
        Field::new("provider", Name, "the provider, by the name under which the host registers it").required(),
        Field::new("name", Plain, "the model's name at the provider; without it the provider's choice"),
        Field::new("temperature", Number { min: 0.0 }, "the sampling temperature; without it the provider's choice"),
        Field::new(
            "token_budget",
            Integer { min: 1, max: 9_007_199_254_740_991 },
            "the most tokens, in and out, of one step",
        ),
        Field::new("extra", Map(&Any), "what only the provider understands, such as `base_url` and `api_key_ref`"),
    ],
};

pub(crate) static STRATEGY: Shape = Shape {
    name: "a strategy",
    doc: "how an agent works",
    example: "{type: react}",
    fields: &[
        Field::new(
            "type",
            Words(&[Word::now("simple"), Word::now("react"), Word::not_yet("plan-act")]),
            "one answer without tools, or turns with tool calls",
        )
        .default("react"),
        Field::new(
            "max_iterations",
            Integer { min: 1, max: 10_000 },
            "the most turns; beyond it the step fails with kind `limit`",
        )
        .default("10")
        .only(&["react", "plan-act"]),
    ],
};

const MODES: &[Word] = &[Word::now("bridge"), Word::now("native"), Word::now("adapter")];

pub(crate) static RUNTIME_PREFERENCES: Shape = Shape {
    name: "`runtime_preferences`",
    doc: "runtime modes of the published v1",
    example: "{allowed_modes: [bridge]}",
    fields: &[
        Field::new("preferred_mode", Words(MODES), "the mode that is wished for"),
        Field::new("allowed_modes", List(&Words(MODES)), "the modes that are allowed; `bridge` must be among them"),
        Field::new("fallback_mode", Words(MODES), "the mode when the preferred one is not there"),
        Field::new("native_provider", Plain, "the provider of the native mode"),
    ],
};

pub(crate) static TOOLS: Shape = Shape {
    name: "`tools`",
    doc: "the tools that an agent may call",
    example: "{include: [search]}",
    fields: &[Field::new(
        "include",
        List(&Name),
        "names of tools declared under the top-level `tools`, and of servers declared under `mcp_servers`",
    )
    .required()],
};
