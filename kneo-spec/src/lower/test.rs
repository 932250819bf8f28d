//! Tests of a spec.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use kneo_core::name::Name;
use kneo_core::payload::Payload;
use kneo_core::plan::Origin;
use kneo_core::task::Decision;
use kneo_core::value::{Map, Value};

use super::fields::Choice as Words;
use super::{At, Fields, Lower};
use crate::diagnostic::{Code, Diagnostic, tick};
use crate::document::{Choice, Mention, MentionKind, Test};
use crate::shape::test::{DECISION, EXPECT, EXPECTED_ERROR, FAULT, OUTCOME, REPLY, TEST, TOOL_CALL};
use crate::source::{Span, Spanned};
use crate::syntax::{Kind, NodeId};
use crate::tests::{
    Answer, Decided, Decisions, Expect, ExpectedError, Fault, Outcome, Outcomes, Reply, Say, Server, Status,
    Test as Body,
};

impl Lower<'_> {
    pub(super) fn tests(&mut self, at: Option<&At>) -> Vec<Test> {
        let items = self.list(at).unwrap_or_default();
        let tests: Vec<Test> = items.into_iter().filter_map(|item| self.test(item)).collect();
        let mut names: HashMap<&Name, Span> = HashMap::new();
        let mut twice = Vec::new();
        for test in &tests {
            if let Some(first) = names.insert(&test.name.value, test.name.span) {
                twice.push(
                    Diagnostic::new(
                        Code::TestName,
                        test.name.span,
                        format!("there is another test {}", tick(test.name.value.as_str())),
                    )
                    .label(first, "this one")
                    .help("give each test a name of its own"),
                );
            }
        }
        twice.into_iter().for_each(|diagnostic| self.report(diagnostic));
        tests
    }

    fn test(&mut self, node: NodeId) -> Option<Test> {
        let fields = self.fields(node, &TEST)?;
        let mut mentions = Vec::new();
        let name = self.name(fields.get("name"));
        let input = fields.get("input");
        let value = input.map_or(Some(Value::Null), |at| self.value(at.node));
        let models = self.models(fields.get("models"), &mut mentions);
        let functions = self.called(fields.get("functions"), &mut mentions, || MentionKind::Function);
        let tools = self.called(fields.get("tools"), &mut mentions, || MentionKind::Tool);
        let servers = self.test_servers(fields.get("mcp_servers"), &mut mentions);
        let humans = self.decided(fields.get("humans"), &mut mentions, MentionKind::Human);
        let approvals = self.decided(fields.get("approvals"), &mut mentions, MentionKind::Approval);
        let expect = fields.get("expect").and_then(|at| self.expect(at, &mut mentions));
        let name = name?;
        let body = Body {
            name: name.value.clone(),
            // Where it is in words is told when all is read.
            origin: Origin::new(Arc::from(""), 0, 0),
            input: value?,
            models,
            functions,
            tools,
            servers,
            humans,
            approvals,
            expect: expect.unwrap_or_else(anything),
        };
        Some(Test { name, input: input.map_or(fields.span, |at| self.span(at.node)), mentions, body })
    }

    fn models(&mut self, at: Option<&At>, mentions: &mut Vec<Mention>) -> Vec<(Name, Vec<Reply>)> {
        let mut models = Vec::new();
        for (agent, node) in self.map(at) {
            let Kind::List(items) = &self.tree.node(node).kind else {
                let help = Some(format!("write its replies as a list: `{}: [{}]`", agent.value, REPLY.example));
                self.wrong_type(node, &format!("{} is a list", tick(agent.value.as_str())), help);
                continue;
            };
            mention(mentions, &agent, MentionKind::Agent);
            let replies = items.clone().into_iter().filter_map(|item| self.reply(item, &agent.value, mentions));
            models.push((agent.value.clone(), replies.collect()));
        }
        models
    }

    fn reply(&mut self, node: NodeId, agent: &Name, mentions: &mut Vec<Mention>) -> Option<Reply> {
        if let Kind::Text(text, _) = &self.tree.node(node).kind {
            let say = Say::Answer(Answer { text: Some(Arc::clone(text)), tool_calls: Vec::new() });
            return Some(Reply { when_input_contains: None, delay: Duration::ZERO, say });
        }
        let fields = self.fields(node, &REPLY)?;
        let when_input_contains = self.text_of(fields.get("when_input_contains"));
        let delay = self.delay(&fields);
        let text = self.text_of(fields.get("text"));
        let output = fields.get("output").and_then(|at| self.value(at.node));
        if let (Some(text), Some(output)) = (fields.get("text"), fields.get("output")) {
            self.report(
                Diagnostic::new(Code::TwoSpellings, output.key.span, "this reply has both `text` and `output`")
                    .label(text.key.span, "the first")
                    .help("keep one; `output` is said as JSON"),
            );
        }
        let calls = fields.get("tool_calls").and_then(|at| self.filled_list(Some(at))).unwrap_or_default();
        let calls = calls.into_iter().filter_map(|call| self.tool_call(call, agent, mentions)).collect();
        let Some(error) = fields.get("error") else {
            if ["text", "output", "tool_calls"].iter().all(|name| fields.get(name).is_none()) {
                self.missing(fields.span, &REPLY, "text");
            }
            let text = text.or_else(|| output.map(|output| output.to_string().into()));
            return Some(Reply { when_input_contains, delay, say: Say::Answer(Answer { text, tool_calls: calls }) });
        };
        for at in ["text", "output", "tool_calls"].iter().filter_map(|name| fields.get(name)) {
            self.beside_error(at, error);
        }
        let fault = self.fault(error)?;
        if !fault.value.code.starts_with("provider_") {
            self.report(
                Diagnostic::new(
                    Code::UnknownValue,
                    fault.span,
                    format!("{} is no code of a model", tick(&fault.value.code)),
                )
                .help("write one that begins with `provider_`, such as `provider_rate_limited`"),
            );
        }
        Some(Reply { when_input_contains, delay, say: Say::Error(fault.value) })
    }

    fn tool_call(&mut self, node: NodeId, agent: &Name, mentions: &mut Vec<Mention>) -> Option<(Arc<str>, Value)> {
        let fields = self.fields(node, &TOOL_CALL)?;
        let name = self.plain(fields.get("name"))?;
        let arguments = match fields.get("arguments") {
            Some(at) => self.value(at.node)?,
            None => Value::from(Map::new(Vec::new()).ok()?),
        };
        let kind = MentionKind::ToolOf(agent.to_shared());
        mentions.push(Mention { name: name.clone(), kind });
        Some((name.value, arguments))
    }

    fn called(
        &mut self,
        at: Option<&At>,
        mentions: &mut Vec<Mention>,
        kind: impl Fn() -> MentionKind,
    ) -> Vec<(Name, Outcomes)> {
        let mut called = Vec::new();
        for (name, node) in self.map(at) {
            mention(mentions, &name, kind());
            if let Some(outcomes) = self.outcomes(node, name.value.as_str()) {
                called.push((name.value, outcomes));
            }
        }
        called
    }

    fn test_servers(&mut self, at: Option<&At>, mentions: &mut Vec<Mention>) -> Vec<Server> {
        let mut servers = Vec::new();
        for (server, node) in self.map(at) {
            mention(mentions, &server, MentionKind::Server);
            let Kind::Map(entries) = &self.tree.node(node).kind else {
                let help = Some(format!("write its tools: `{}: {{tool: {}}}`", server.value, OUTCOME.example));
                self.wrong_type(node, &format!("{} is a mapping", tick(server.value.as_str())), help);
                continue;
            };
            let mut tools = Vec::with_capacity(entries.len());
            for entry in entries {
                if let Some(outcomes) = self.outcomes(entry.value, &entry.key.text) {
                    tools.push((Arc::clone(&entry.key.text), outcomes));
                }
            }
            servers.push(Server { name: server.value, tools });
        }
        servers
    }

    fn outcomes(&mut self, node: NodeId, subject: &str) -> Option<Outcomes> {
        let Kind::List(items) = &self.tree.node(node).kind else {
            return self.outcome(node, subject).map(Outcomes::Always);
        };
        let items = items.clone();
        if items.is_empty() {
            self.nothing_in(node, subject);
            return None;
        }
        Some(Outcomes::InTurn(items.into_iter().filter_map(|item| self.outcome(item, subject)).collect()))
    }

    fn outcome(&mut self, node: NodeId, subject: &str) -> Option<Outcome> {
        let fields = self.fields_of(node, subject, &OUTCOME)?;
        let delay = self.delay(&fields);
        let result = match (fields.get("output"), fields.get("error")) {
            (output, Some(error)) => {
                if let Some(output) = output {
                    self.beside_error(output, error);
                }
                Err(self.fault(error)?.value)
            }
            (Some(output), None) => Ok(self.value(output.node)?),
            (None, None) => {
                self.missing(fields.span, &OUTCOME, "output");
                return None;
            }
        };
        Some(Outcome { result, delay })
    }

    fn beside_error(&mut self, at: &At, error: &At) {
        self.report(
            Diagnostic::new(
                Code::FieldNotAllowed,
                at.key.span,
                format!("{} has no effect beside `error`", tick(at.field.name)),
            )
            .label(error.key.span, "the call fails")
            .help("keep one of them"),
        );
    }

    /// A failure, with the place of its code.
    fn fault(&mut self, at: &At) -> Option<Spanned<Fault>> {
        let fields = self.fields_at(at, &FAULT)?;
        let code = self.plain(fields.get("code"));
        let message = self.text_of(fields.get("message"));
        let retryable = self.bool(fields.get("retryable")).is_some_and(|retryable| retryable.value);
        let code = code?;
        let message = message.unwrap_or_else(|| Arc::clone(&code.value));
        Some(Spanned::new(Fault { code: code.value, message, retryable }, code.span))
    }

    fn decided(
        &mut self,
        at: Option<&At>,
        mentions: &mut Vec<Mention>,
        kind: impl Fn(Vec<Choice>) -> MentionKind,
    ) -> Vec<(Name, Decisions)> {
        let mut all = Vec::new();
        for (name, node) in self.map(at) {
            let mut choices = Vec::new();
            let decisions = match &self.tree.node(node).kind {
                Kind::List(items) if items.is_empty() => {
                    self.nothing_in(node, name.value.as_str());
                    None
                }
                Kind::List(items) => {
                    let items = items.clone().into_iter();
                    let decided = items.filter_map(|item| self.decision(item, name.value.as_str(), &mut choices));
                    Some(Decisions::InTurn(decided.collect()))
                }
                _ => self.decision(node, name.value.as_str(), &mut choices).map(Decisions::Always),
            };
            mention(mentions, &name, kind(choices));
            all.extend(decisions.map(|decisions| (name.value, decisions)));
        }
        all
    }

    fn decision(&mut self, node: NodeId, subject: &str, choices: &mut Vec<Choice>) -> Option<Decided> {
        let whole = matches!(self.tree.node(node).kind, Kind::Map(_));
        let fields = if whole { Some(self.fields_of(node, subject, &DECISION)?) } else { None };
        let word = match &fields {
            Some(fields) => self.word(fields.get("decision"))?,
            None => {
                let words = DECISION.field("decision").and_then(|field| Words::of(&field.kind))?;
                self.word_node(node, subject, Words { or: Some(DECISION.example), ..words })?
            }
        };
        let at = |name: &str| fields.as_ref().and_then(|fields| fields.get(name).cloned());
        let (reason, content, option) = (at("reason"), at("content"), at("option"));
        let by = self.name(at("by").as_ref()).map(|by| by.value);
        let wanted: &[&str] = match word.value {
            "edit" | "provide" => &["content"],
            "select" => &["option"],
            _ => &["reason"],
        };
        for other in [&reason, &content, &option].into_iter().flatten().filter(|at| !wanted.contains(&at.field.name)) {
            self.report(
                Diagnostic::new(
                    Code::FieldNotAllowed,
                    other.key.span,
                    format!("{} has no effect here", tick(other.field.name)),
                )
                .primary(format!("not a part of `{}`", word.value))
                .help("remove it, or write the decision that it belongs to"),
            );
        }
        let span = fields.as_ref().map_or(word.span, |fields| fields.span);
        let reason = self.text_of(reason.as_ref());
        let needed = |lower: &mut Self, found: &Option<At>, name: &str| {
            if found.is_none() {
                lower.missing(span, &DECISION, name);
            }
        };
        let decision = match word.value {
            "approve" => Decision::Approve { comment: reason },
            "approve_for_run" => Decision::ApproveForRun { comment: reason },
            "reject" => Decision::Reject { reason },
            "select" => {
                needed(self, &option, "option");
                Decision::Select { option: self.text_of(option.as_ref())? }
            }
            kind => {
                needed(self, &content, "content");
                let content = content.and_then(|at| self.value(at.node))?;
                // A spec is smaller than what a payload may be.
                let content = Payload::new(content).ok()?;
                if kind == "edit" { Decision::Edit { content } } else { Decision::Provide { content } }
            }
        };
        let chosen = match &decision {
            Decision::Select { option } => Some(Arc::clone(option)),
            _ => None,
        };
        choices.push(Choice { kind: decision.kind(), option: chosen, span: word.span });
        Some(Decided { decision, by })
    }

    fn expect(&mut self, at: &At, mentions: &mut Vec<Mention>) -> Option<Expect> {
        let fields = self.fields_at(at, &EXPECT)?;
        let word = self.word(fields.get("status"));
        let is_known = word.is_some() || fields.get("status").is_none();
        let status = match word.map(|word| word.value) {
            Some("failed") => Status::Failed,
            Some("timed_out") => Status::TimedOut,
            Some("expired") => Status::Expired,
            Some("blocked") => Status::Blocked,
            _ => Status::Completed,
        };
        let output = fields.get("output").and_then(|at| self.value(at.node));
        let error = fields.get("error").and_then(|at| self.expected_error(at));
        let never = match status {
            Status::Completed => Some(("error", "a run that completes fails with nothing")),
            Status::Blocked => None,
            Status::Failed | Status::TimedOut | Status::Expired => {
                Some(("output", "a run that does not complete has no output"))
            }
        };
        let both = if status == Status::Blocked { &["output", "error"][..] } else { &[] };
        let waits = both.iter().map(|name| (*name, "a run that waits has neither"));
        for (name, why) in never.into_iter().chain(waits).filter(|_| is_known) {
            if let Some(at) = fields.get(name) {
                self.report(
                    Diagnostic::new(Code::FieldNotAllowed, at.key.span, format!("{} can never be", tick(name)))
                        .primary(why)
                        .help(format!("remove it, or correct `status`, which is `{status}`")),
                );
            }
        }
        let path = self.named(fields.get("path"), mentions, || MentionKind::Path);
        let tools_called = self.named(fields.get("tools_called"), mentions, || MentionKind::AnyTool);
        let tools_not_called = self.named(fields.get("tools_not_called"), mentions, || MentionKind::AnyTool);
        let human_tasks = self.named(fields.get("human_tasks"), mentions, || MentionKind::Asked);
        let (tools_called, tools_not_called) = (tools_called.unwrap_or_default(), tools_not_called.unwrap_or_default());
        Some(Expect { status, output, error, path, tools_called, tools_not_called, human_tasks })
    }

    fn expected_error(&mut self, at: &At) -> Option<ExpectedError> {
        let fields = self.fields_at(at, &EXPECTED_ERROR)?;
        let kind = self.word(fields.get("kind")).and_then(|word| word.value.parse().ok());
        let (code, contains) = (self.text_of(fields.get("code")), self.text_of(fields.get("contains")));
        Some(ExpectedError { kind, code, contains })
    }

    fn named(
        &mut self,
        at: Option<&At>,
        mentions: &mut Vec<Mention>,
        kind: impl Fn() -> MentionKind,
    ) -> Option<Vec<Arc<str>>> {
        let items = self.list(Some(at?))?;
        let subject = at.map_or_else(String::new, |at| format!("an entry of `{}`", at.field.name));
        let names = items.into_iter().filter_map(|item| self.plain_entry(item, &subject)).collect::<Vec<_>>();
        mentions.extend(names.iter().map(|name| Mention { name: name.clone(), kind: kind() }));
        Some(names.into_iter().map(|name| name.value).collect())
    }

    fn text_of(&mut self, at: Option<&At>) -> Option<Arc<str>> {
        let at = at?;
        // What is said in a test may hold braces.
        self.plain_node(at.node, &tick(at.field.name)).map(|text| text.value)
    }

    fn delay(&mut self, fields: &Fields) -> Duration {
        self.seconds(fields.get("delay_seconds")).map_or(Duration::ZERO, |delay| Duration::from_millis(delay.value))
    }

    fn nothing_in(&mut self, node: NodeId, subject: &str) {
        let span = self.span(node);
        self.report(
            Diagnostic::new(Code::OutOfRange, span, format!("{} is empty", tick(subject)))
                .help("write at least one entry, or remove it"),
        );
    }
}

fn mention(mentions: &mut Vec<Mention>, name: &Spanned<Name>, kind: MentionKind) {
    mentions.push(Mention { name: Spanned::new(name.value.to_shared(), name.span), kind });
}

/// Without a word about it a run completes, somehow.
fn anything() -> Expect {
    Expect {
        status: Status::Completed,
        output: None,
        error: None,
        path: None,
        tools_called: Vec::new(),
        tools_not_called: Vec::new(),
        human_tasks: None,
    }
}
