//! What runs behind a tool or a function.

use std::sync::Arc;

use kneo_core::launch;
use kneo_core::plan::{Effect, OnUncertain};

use super::scalar::hole;
use super::{At, Fields, Lower};
use crate::diagnostic::{Code, Diagnostic, tick, tick_list};
use crate::document::{Approval, Backing, Command, Raw, Running};
use crate::shape::root::APPROVAL;
use crate::shape::tool::COMMAND;
use crate::source::{Span, Spanned};
use crate::syntax::{Kind, NodeId};

/// What tells the backings of tools from those of functions.
pub(super) struct Backings {
    pub(super) word: &'static str,
    pub(super) names: &'static [&'static str],
    pub(super) none: Code,
    pub(super) several: Code,
    /// What to add where there is none.
    pub(super) add: &'static str,
}

impl Lower<'_> {
    /// The one backing that there must be; `None` where there is none that can be read.
    pub(super) fn backing_at(&mut self, node: NodeId, fields: &Fields, rules: &Backings) -> Option<At> {
        let Kind::Map(entries) = &self.tree.node(node).kind else {
            return None;
        };
        // Counted as written: a backing that is not supported yet is one too, and one with nothing behind its colon none.
        let written: Vec<_> = entries
            .iter()
            .filter(|entry| rules.names.contains(&&*entry.key.text))
            .filter(|entry| !matches!(self.tree.node(entry.value).kind, Kind::Null))
            .map(|entry| entry.key.clone())
            .collect();
        match written.as_slice() {
            [] => {
                self.report(
                    Diagnostic::new(rules.none, fields.span, format!("this {} has no backing", rules.word))
                        .help(rules.add),
                );
                None
            }
            [key] => fields.iter().find(|at| *at.field.name == *key.text).cloned(),
            [first, second, ..] => {
                let names = tick_list(written.iter().map(|key| &*key.text));
                self.report(
                    Diagnostic::new(
                        rules.several,
                        second.span,
                        format!("this {} has {} backings", rules.word, written.len()),
                    )
                    .label(first.span, "the first")
                    .help(format!("keep one of {names}")),
                );
                None
            }
        }
    }

    /// Reads a backing that functions and tools have.
    pub(super) fn backing(&mut self, at: &At) -> Backing<Raw> {
        match at.field.name {
            "implementation" => self.name(Some(at)).map_or(Backing::Broken, Backing::Implementation),
            "command" => self.command(at).map_or(Backing::Broken, Backing::Command),
            _ => Backing::Broken,
        }
    }

    fn command(&mut self, at: &At) -> Option<Command<Raw>> {
        let fields = self.fields_at(at, &COMMAND)?;
        self.word(fields.get("stdin"));
        let argv = self.filled_list(fields.get("argv")).unwrap_or_default();
        let argv = argv.into_iter().filter_map(|item| self.template_node(item, "an entry of `argv`")).collect();
        let env = self
            .map(fields.get("env"))
            .into_iter()
            .filter_map(|(name, node)| {
                if let Some(reason) = launch::refuse_variable(name.value.as_str()) {
                    self.report(variable_refused(name.span, reason));
                    return None;
                }
                let value = self.template_node(node, "an entry of `env`")?;
                if let Some(hole) = hole(&value.text).filter(|_| launch::steers_code(name.value.as_str())) {
                    let message =
                        format!("{} decides which code runs, and a hole would choose it", tick(name.value.as_str()));
                    let help = "write the value without a hole, or pass what differs as an argument";
                    self.report(Diagnostic::new(Code::LaunchRefused, hole, message).help(help));
                }
                Some((name, value))
            })
            .collect();
        Some(Command { argv, env, cwd: self.folder(fields.get("cwd")) })
    }

    /// Reads a folder in which a program runs.
    pub(super) fn folder(&mut self, at: Option<&At>) -> Option<Arc<str>> {
        let folder = self.plain(at)?;
        if !launch::stays_within(&folder.value) {
            let message = format!("{} leads out of the folder in which programs run", tick(&folder.value));
            let help = "write a path below it, such as `reports`; the host chooses the folder itself";
            self.report(Diagnostic::new(Code::LaunchRefused, folder.span, message).help(help));
        }
        Some(folder.value)
    }

    /// Reads what running something again would do, and who must agree.
    pub(super) fn running(&mut self, fields: &Fields) -> Running<Raw> {
        let effect = self.word(fields.get("effect")).and_then(|word| match word.value {
            "read" => Some(Effect::Read),
            "idempotent" => Some(Effect::Idempotent),
            "write" => Some(Effect::Write),
            _ => None,
        });
        let on_uncertain = fields.get("on_uncertain").and_then(|at| {
            let then = match self.word(Some(at))?.value {
                "ask" => OnUncertain::Ask,
                "retry" => OnUncertain::Retry,
                "fail" => OnUncertain::Fail,
                _ => return None,
            };
            Some(Spanned::new(then, at.key.span))
        });
        Running { effect, on_uncertain, approval: self.approval(fields.get("approval")) }
    }

    pub(super) fn approval(&mut self, at: Option<&At>) -> Option<Approval<Raw>> {
        let at = at?;
        if matches!(self.tree.node(at.node).kind, Kind::Map(_)) {
            let when = self.fields_at(at, &APPROVAL).and_then(|fields| self.expr(fields.get("when")))?;
            return Some(Approval::When(when));
        }
        match self.word(Some(at))?.value {
            "never" => Some(Approval::Never),
            "always" => Some(Approval::Always),
            _ => None,
        }
    }
}

/// The diagnostic of a variable that no program can be given.
fn variable_refused(span: Span, reason: &str) -> Diagnostic {
    let (rule, help) = reason.split_once("; ").unwrap_or((reason, "rename it, and write the value after the colon"));
    Diagnostic::new(Code::InvalidName, span, format!("this variable cannot be set: {rule}")).help(help)
}
