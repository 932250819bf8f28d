//! Fields that authors look for in the wrong construct, and where they belong.

use super::Shape;

/// The construct, the field that is no field of it, and what to do.
const ELSEWHERE: &[(&str, &str, &str)] = &[
    ("a spec", "agents", "write it under `components:`, as `components: {agents: …}`"),
    ("a spec", "functions", "write it under `components:`, as `components: {functions: …}`"),
    ("a spec", "humans", "write it under `components:`, as `components: {humans: …}`"),
    ("a spec", "workflows", "write it under `components:`, as `components: {workflows: …}`"),
    ("a spec", "steps", "write it under `workflow:`, beside `type: sequential`"),
    ("a spec", "nodes", "write it under `workflow:`, beside `type: graph`"),
    ("a spec", "edges", "write it under `workflow:`, beside `type: graph`"),
    ("a spec", "participants", "write it under `workflow:`, beside `type: concurrent`"),
    ("a spec", "type", "write it under `workflow:`"),
    ("a spec", "model", "write it under `agent:`"),
    ("a spec", "system_prompt", "write it under `agent:`"),
    ("a spec", "max_steps", "write it under `limits:`"),
    ("a spec", "input", "write `inputs:` with a JSON Schema"),
    ("`components`", "tools", "write it at the top level"),
    ("an agent", "provider", "write it under `model:`, as `model: {provider: …}`"),
    ("an agent", "temperature", "write it under `model:`"),
    ("an agent", "prompt", "did you mean `system_prompt`?"),
    ("an agent", "instructions", "did you mean `system_prompt`?"),
    ("an agent", "max_iterations", "write it under `strategy:`"),
    ("a model", "model", "did you mean `name`?"),
    ("a model", "api_key_ref", "write it under `extra:`, as `extra: {api_key_ref: …}`"),
    ("a model", "api_key", "write `extra: {api_key_ref: …}`, with the name under which the host knows the secret"),
    ("a model", "base_url", "write it under `extra:`, as `extra: {base_url: …}`"),
    ("a step", "timeout", "did you mean `timeout_seconds`?"),
    ("a step", "retries", "did you mean `max_retries`?"),
    ("a step", "if", "did you mean `when`?"),
    ("a step", "type", "did you mean `kind`?"),
    ("a step", "name", "did you mean `id`?"),
    ("a step", "agent", "write `kind: agent`, and its name or the agent itself as `ref`"),
    ("a step", "function", "write `kind: function`, and its name or the function itself as `ref`"),
    ("a step", "human", "write `kind: human`, and its name or the human itself as `ref`"),
    ("a step", "workflow", "write `kind: workflow`, and its name or the workflow itself as `ref`"),
    ("a step", "run", "write it in the function: `ref: {command: {argv: […]}}`"),
    ("a step", "needs", "steps run in the order of the list; for another order use `type: graph`"),
    ("a step", "depends_on", "steps run in the order of the list; for another order use `type: graph`"),
    ("a step", "next", "steps run in the order of the list; for another order use `type: graph`"),
    ("a step", "argv", "write it in the function: `ref: {command: {argv: […]}}`"),
    ("a step", "command", "write it in the function: `ref: {command: …}`"),
    ("a step", "implementation", "write it in the function: `ref: {implementation: …}`"),
    ("a step", "effect", "write it in the function"),
    ("a step", "approval", "write it in the function"),
    ("a step", "model", "write it in the agent: `ref: {model: …}`"),
    ("a step", "system_prompt", "write it in the agent: `ref: {system_prompt: …}`"),
    ("a step", "strategy", "write it in the agent"),
    ("a step", "tools", "write it in the agent"),
    ("a step", "description", "write it in what `ref` names"),
    ("a step", "assignee", "write it in the human"),
    ("a step", "request_type", "write it in the human"),
    ("a step", "options", "write it in the human"),
    ("a step", "default_option", "write it in the human"),
    ("a step", "context", "write it in the human"),
    ("a step", "on_timeout", "write it in the human, beside its `request_type`"),
    ("a step", "max_visits", "write it on the edge that leads to the node"),
    ("a function", "timeout_seconds", "write it on the step that runs the function"),
    ("a function", "timeout", "write `timeout_seconds` on the step that runs the function"),
    ("a function", "retry", "write it on the step that runs the function"),
    ("a function", "max_retries", "write it on the step that runs the function"),
    ("a function", "on_error", "write it on the step that runs the function"),
    ("a function", "argv", "write it under `command:`, as `command: {argv: […]}`"),
    ("a function", "env", "write it under `command:`"),
    ("a function", "cwd", "write it under `command:`"),
    ("a function", "stdin", "write it under `command:`"),
    ("a function", "output_schema", "write it on the step that runs the function"),
    ("a function", "idempotency_key", "write it on the step that runs the function"),
    ("a tool", "timeout_seconds", "remove it; the `timeout_seconds` of a step bounds each tool call of its agent"),
    ("a tool", "timeout", "remove it; the `timeout_seconds` of a step bounds each tool call of its agent"),
    ("a tool", "argv", "write it under `command:`, as `command: {argv: […]}`"),
    ("a tool", "env", "write it under `command:`"),
    ("a tool", "cwd", "write it under `command:`"),
    ("a tool", "stdin", "write it under `command:`"),
    ("a tool", "input_schema", "did you mean `parameters`?"),
    ("a command", "args", "write the program and its arguments into `argv`"),
    ("a command", "timeout", "write `timeout_seconds` on the step that runs the function"),
    ("a command", "shell", "a program is started without a shell; where one is needed, write `argv: [sh, -c, …]`"),
    ("a human", "timeout", "did you mean `timeout_seconds`?"),
    ("a human", "type", "did you mean `request_type`?"),
    ("a human", "prompt", "did you mean `description`?"),
    ("a human", "question", "did you mean `description`?"),
    ("an edge", "if", "did you mean `when`?"),
    ("a workflow", "limits", "write it at the top level"),
];

impl Shape {
    /// Where a field belongs that is looked for in this construct.
    pub(crate) fn elsewhere(&self, field: &str) -> Option<&'static str> {
        ELSEWHERE.iter().find(|(shape, name, _)| *shape == self.name && *name == field).map(|(.., help)| *help)
    }
}

#[cfg(test)]
pub(super) fn all() -> impl Iterator<Item = (&'static str, &'static str)> {
    ELSEWHERE.iter().map(|(shape, field, _)| (*shape, *field))
}
