//! People who are asked.

use std::sync::Arc;

use kneo_core::expr::ValueTemplate;
use kneo_core::message::Role;
use kneo_core::name::Name;
use kneo_core::plan::{OnTimeout, RequestType};

use super::Stage;
use crate::source::Spanned;

pub(crate) struct Human<S: Stage> {
    pub(crate) description: Option<S::Text>,
    pub(crate) assignee: Option<Name>,
    pub(crate) timeout_ms: Option<Spanned<u64>>,
    pub(crate) on_timeout: Option<Spanned<OnTimeout>>,
    /// The kind of question, and where it was written; without it an approval.
    pub(crate) request: Option<Spanned<RequestType>>,
    pub(crate) options: Option<Spanned<Vec<Arc<str>>>>,
    pub(crate) default_option: Option<Spanned<Arc<str>>>,
    pub(crate) context: Option<Context<S>>,
    pub(crate) response_role: Option<Role>,
}

impl<S: Stage> Human<S> {
    pub(crate) fn request(&self) -> RequestType {
        self.request.map_or(RequestType::Approval, |request| request.value)
    }
}

/// What the person sees beside the question.
pub(crate) enum Context<S: Stage> {
    /// With holes.
    Template(S::Value),
    /// As it stands, which is how the published v1 reads it.
    Plain(ValueTemplate),
}
