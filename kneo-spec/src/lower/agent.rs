//! Agents.

use super::fields::Choice;
use super::{At, Fields, Lower};
use crate::diagnostic::{Code, Diagnostic, tick};
use crate::document::{Agent, Model, Raw, RawRef, Strategy, Tool};
use crate::shape::agent::{AGENT, MODEL, RUNTIME_PREFERENCES, STRATEGY, TOOLS};
use crate::syntax::{Kind, NodeId};

/// The turns of an agent that does not say how many.
const MAX_ITERATIONS: u32 = 10;

impl Lower<'_> {
    pub(super) fn agent(&mut self, node: NodeId, key: &str) -> Option<Agent<Raw>> {
        let fields = self.fields_of(node, key, &AGENT)?;
        let description = self.plain(fields.get("description")).map(|text| text.value);
        let as_agent = self.name(fields.get("as_agent")).map(RawRef::Named);
        if let Some(at) = fields.get("as_agent") {
            self.played(&fields, at);
        }
        if let Some(at) = fields.get("runtime_preferences") {
            self.runtime_preferences(at);
        }
        let strategy = fields.get("strategy").and_then(|at| self.strategy(at));
        let tools = fields.get("tools").map(|at| self.agent_tools(at));
        if let (Some(Strategy::Simple), Some(tools), Some(at)) = (strategy, &tools, fields.get("tools"))
            && !tools.is_empty()
        {
            self.report(
                Diagnostic::new(Code::FieldNotAllowed, at.key.span, "an agent with strategy `simple` calls no tools")
                    .help("remove `tools`, or write `type: react`"),
            );
        }
        let model = fields.get("model").and_then(|at| self.model(at));
        Some(Agent {
            model_broken: model.is_none() && (fields.get("model").is_some() || fields.get("as_agent").is_some()),
            description,
            as_agent,
            name: self.name(fields.get("name")),
            system_prompt: self.v1_text(fields.get("system_prompt")),
            model,
            output: self.schema(fields.get("output_schema")),
            strategy: strategy.unwrap_or(Strategy::React { max_iterations: MAX_ITERATIONS }),
            tools: tools.unwrap_or_default(),
            // What is a server among them, names tell.
            servers: Vec::new(),
            span: fields.span,
        })
    }

    /// What stands beside the workflow that plays an agent would never be looked at.
    fn played(&mut self, fields: &Fields, as_agent: &At) {
        let beside = |at: &&At| !matches!(at.field.name, "name" | "description" | "system_prompt" | "as_agent");
        for at in fields.iter().filter(beside) {
            self.report(
                Diagnostic::new(
                    Code::AsAgentFields,
                    at.key.span,
                    format!("{} has no effect: a workflow plays this agent", tick(at.field.name)),
                )
                .label(as_agent.key.span, "by this")
                .help("write it in the workflow, or remove `as_agent`"),
            );
        }
        if let Some(at) = fields.get("system_prompt") {
            self.report(
                Diagnostic::new(Code::AsAgentPrompt, at.key.span, "no model reads this: a workflow plays this agent")
                    .label(as_agent.key.span, "by this")
                    .help("write it as the `system_prompt` of an agent of the workflow"),
            );
        }
    }

    fn model(&mut self, at: &At) -> Option<Model> {
        if matches!(self.tree.node(at.node).kind, Kind::Text(..)) {
            let meant = self.meant(at.node, &MODEL).unwrap_or_else(|| MODEL.example.to_owned());
            self.report(
                Diagnostic::new(
                    Code::NotSupportedYet,
                    self.span(at.node),
                    "a `model` that names an entry of `models` is not supported yet",
                )
                .help(format!("write `model: {meant}`")),
            );
            return None;
        }
        let fields = self.fields_at(at, &MODEL)?;
        let provider = self.name(fields.get("provider"));
        let name = self.plain(fields.get("name")).map(|name| name.value);
        let temperature = self.number(fields.get("temperature")).map(|n| n.value);
        let token_budget = self.integer(fields.get("token_budget")).map(|n| n.value);
        let extra = fields.get("extra").and_then(|at| self.extra(at));
        Some(Model { provider: provider?, name, temperature, token_budget, extra })
    }

    fn extra(&mut self, at: &At) -> Option<kneo_core::value::Value> {
        let Kind::Map(entries) = &self.tree.node(at.node).kind else {
            self.wrong_type(at.node, "`extra` is a mapping", None);
            return None;
        };
        for entry in entries {
            let subject = tick(&entry.key.text);
            self.warn_no_holes_inside(entry.value, &subject);
            if entry.key.text.ends_with("_ref") {
                self.plain_node(entry.value, &subject);
            }
            if matches!(&*entry.key.text, "api_key" | "client_key" | "token" | "password" | "secret") {
                self.sink.push(
                    Diagnostic::new(
                        Code::SecretLiteral,
                        self.tree.node(entry.value).span,
                        format!("{} holds a secret in the spec", tick(&entry.key.text)),
                    )
                    .help(format!(
                        "write `{}_ref:` with the name under which the host knows the secret",
                        entry.key.text
                    )),
                );
            }
        }
        self.value(at.node)
    }

    fn strategy(&mut self, at: &At) -> Option<Strategy> {
        let mut fields = self.fields_at(at, &STRATEGY)?;
        let given = fields.get("type").is_some();
        let word = self.word(fields.get("type")).map(|word| word.value);
        if given && word.is_none() {
            return None;
        }
        let word = word.unwrap_or("react");
        self.only(&mut fields, word, "type");
        let max_iterations = self.small(fields.get("max_iterations"));
        Some(match word {
            "simple" => Strategy::Simple,
            _ => Strategy::React { max_iterations: max_iterations.map_or(MAX_ITERATIONS, |n| n.value) },
        })
    }

    /// Kneo owns the agent loop for every provider, which v1 calls `bridge`.
    fn runtime_preferences(&mut self, at: &At) {
        let Some(fields) = self.fields_at(at, &RUNTIME_PREFERENCES) else {
            return;
        };
        for name in ["preferred_mode", "fallback_mode"] {
            if let Some(word) = self.word(fields.get(name))
                && word.value != "bridge"
            {
                self.report(
                    Diagnostic::new(
                        Code::RuntimePreference,
                        word.span,
                        format!("`{name}: {}` has no effect", word.value),
                    )
                    .help(format!("remove it, or write `{name}: bridge`")),
                );
            }
        }
        if let Some(provider) = self.plain(fields.get("native_provider")) {
            self.report(
                Diagnostic::new(Code::RuntimePreference, provider.span, "`native_provider` has no effect")
                    .help("remove it"),
            );
        }
        let Some(at) = fields.get("allowed_modes") else {
            return;
        };
        let Some(items) = self.list(Some(at)) else {
            return;
        };
        let mut found = false;
        for item in items {
            let Some(choice) = Choice::of(&at.field.kind) else {
                continue;
            };
            found |= self.word_node(item, "allowed_modes", choice).is_some_and(|word| word.value == "bridge");
        }
        if !found {
            let span = self.span(at.node);
            self.report(
                Diagnostic::new(Code::RuntimeMode, span, "`allowed_modes` leaves out `bridge`, the only mode there is")
                    .help("write `allowed_modes: [bridge]`, or remove `runtime_preferences`"),
            );
        }
    }

    fn agent_tools(&mut self, at: &At) -> Vec<RawRef<Tool<Raw>>> {
        let included;
        let list = match self.tree.node(at.node).kind {
            Kind::Map(_) => {
                let Some(fields) = self.fields_at(at, &TOOLS) else {
                    return Vec::new();
                };
                included = fields.get("include").cloned();
                included.as_ref()
            }
            _ => Some(at),
        };
        let items = self.list(list).unwrap_or_default();
        items.into_iter().filter_map(|item| self.name_node(item, "an entry of `tools`").map(RawRef::Named)).collect()
    }
}
