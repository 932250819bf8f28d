//! What runs behind a tool or a function.

use kneo_core::plan::{Effect, OnUncertain};

use super::{At, Fields, Lower};
use crate::diagnostic::{Code, Diagnostic, tick_list};
use crate::document::{Approval, Backing, Command, Raw, Running};
use crate::shape::root::APPROVAL;
use crate::shape::tool::COMMAND;
use crate::syntax::{Kind, NodeId};

/// What tells the backings of tools from those of functions.
pub(super) struct Backings {
    pub(super) word: &'static str,
    pub(super) names: &'static [&'static str],
    pub(super) none: Code,
    pub(super) several: Code,
    /// What to add where there is none.
    pub(super) add: &'static str,
    pub(super) effect: Effect,
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
                if name.value.as_str().contains('=') {
                    self.report(
                        Diagnostic::new(
                            Code::InvalidName,
                            name.span,
                            "the name of an environment variable holds no `=`",
                        )
                        .help("write the value after the colon"),
                    );
                    return None;
                }
                Some((name, self.template_node(node, "an entry of `env`")?))
            })
            .collect();
        Some(Command { argv, env, cwd: self.plain(fields.get("cwd")).map(|cwd| cwd.value) })
    }

    /// Reads what running something again would do, and who must agree; without fields what holds then.
    pub(super) fn running(&mut self, fields: Option<&Fields>, rules: &Backings) -> Running<Raw> {
        let Some(fields) = fields else {
            let (on_uncertain, approval) = (OnUncertain::Ask, Approval::Never);
            return Running { effect: rules.effect, on_uncertain, approval };
        };
        let effect = match self.word(fields.get("effect")).map(|word| word.value) {
            Some("read") => Effect::Read,
            Some("idempotent") => Effect::Idempotent,
            Some("write") => Effect::Write,
            _ => rules.effect,
        };
        let on_uncertain = match self.word(fields.get("on_uncertain")).map(|word| word.value) {
            Some("retry") => OnUncertain::Retry,
            Some("fail") => OnUncertain::Fail,
            _ => OnUncertain::Ask,
        };
        if let Some(at) = fields.get("on_uncertain")
            && effect != Effect::Write
        {
            self.report(
                Diagnostic::new(
                    Code::FieldNotAllowed,
                    at.key.span,
                    "`on_uncertain` has no effect on what may run again",
                )
                .help("remove it, or write `effect: write`"),
            );
        }
        Running { effect, on_uncertain, approval: self.approval(fields.get("approval")) }
    }

    pub(super) fn approval(&mut self, at: Option<&At>) -> Approval<Raw> {
        let Some(at) = at else {
            return Approval::Never;
        };
        if matches!(self.tree.node(at.node).kind, Kind::Map(_)) {
            let when = self.fields_at(at, &APPROVAL).and_then(|fields| self.expr(fields.get("when")));
            return when.map_or(Approval::Never, Approval::When);
        }
        match self.word(Some(at)).map(|word| word.value) {
            Some("always") => Approval::Always,
            _ => Approval::Never,
        }
    }
}
