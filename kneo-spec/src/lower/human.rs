//! People who are asked.

use kneo_core::expr::ValueTemplate;
use kneo_core::message::Role;
use kneo_core::plan::{OnTimeout, RequestType};

use super::Lower;
use crate::document::{Context, Human, Raw};
use crate::shape::human::HUMAN;
use crate::source::Spanned;
use crate::syntax::{Kind, NodeId};

impl Lower<'_> {
    pub(super) fn human(&mut self, node: NodeId, key: &str) -> Option<Human<Raw>> {
        let fields = self.fields_of(node, key, &HUMAN)?;
        let request = self.word(fields.get("request_type")).map(|word| {
            word.map(|word| match word {
                "review" => RequestType::Review,
                "correction" => RequestType::Correction,
                "selection" => RequestType::Selection,
                "freeform" => RequestType::Freeform,
                _ => RequestType::Approval,
            })
        });
        let on_timeout = self.word(fields.get("on_timeout")).map(|word| {
            word.map(|word| match word {
                "continue" => OnTimeout::Continue,
                "escalate" => OnTimeout::Escalate,
                _ => OnTimeout::Fail,
            })
        });
        let options = fields.get("options").and_then(|at| {
            let items = self.filled_list(Some(at))?;
            let options = items
                .into_iter()
                .filter_map(|item| self.plain_entry(item, "an entry of `options`"))
                .map(|option| option.value)
                .collect();
            Some(Spanned::new(options, at.key.span))
        });
        let context = fields.get("context").and_then(|at| {
            if !matches!(self.tree.node(at.node).kind, Kind::Map(_)) {
                self.wrong_type(at.node, "`context` is a mapping", None);
                return None;
            }
            if self.templates {
                return Some(Context::Template(at.node));
            }
            self.warn_templates_off(at.node);
            let value = self.value(at.node)?;
            Some(Context::Plain(ValueTemplate::literal(&value)))
        });
        let response_role = self.word(fields.get("response_role")).map(|word| match word.value {
            "assistant" => Role::Assistant,
            "system" => Role::System,
            _ => Role::User,
        });
        Some(Human {
            description: self.v1_text(fields.get("description")),
            assignee: self.name(fields.get("assignee")).map(|name| name.value),
            timeout_ms: self.seconds(fields.get("timeout_seconds")),
            on_timeout,
            request,
            options,
            default_option: self.plain(fields.get("default_option")),
            context,
            response_role,
        })
    }
}
