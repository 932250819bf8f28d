//! The provider.

use std::collections::BTreeSet;
use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;
use kneo_core::call::{CallContext, CallError};
use kneo_core::provider::{ModelAnswer, ModelRequest, Provider};
use reqwest::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, HeaderMap};
use reqwest::{Method, RequestBuilder};

use super::answer::{Assembly, Spent};
use super::body::{self, Form};
use super::builder::{Answers, MaxTokens, OpenAiBuilder, StructuredOutput};
use super::check;
use super::extra::Extra;
use super::fault;
use super::stream;
use super::target::{Addresses, Target};
use super::tool_name::ToolNames;
use crate::http::bounds::Bounds;
use crate::http::client::HttpClient;
use crate::http::code::Code;
use crate::http::exchange::{self, Body};
use crate::http::key;
use crate::http::veil::Veil;

/// Asks a model behind OpenAI's chat completions API, or one like it. The [module](self::super) says how.
///
/// Clones share one client, and with it its open connections: those that nobody uses are closed after a minute, and all
/// when the last clone is dropped. It runs on the tokio runtime of its caller, whose I/O and time drivers it needs.
///
/// # Cancel safety
/// Dropping the future of a call, or cancelling its context, closes the call's connection. The model may have been paid.
#[derive(Clone)]
pub struct OpenAiProvider(Arc<Settings>);

/// What a host has chosen, checked.
pub(super) struct Settings {
    pub(super) http: HttpClient,
    /// What goes to the host's own address with each request.
    pub(super) headers: HeaderMap,
    pub(super) addresses: Addresses,
    pub(super) model: Option<Arc<str>>,
    pub(super) parameters: BTreeSet<Arc<str>>,
    pub(super) answers: Answers,
    pub(super) structured: StructuredOutput,
    pub(super) max_tokens: Option<MaxTokens>,
    pub(super) bounds: Bounds,
}

/// Where Azure OpenAI is.
const AZURE: &[&str] = &["openai.azure.com", "services.ai.azure.com", "cognitiveservices.azure.com"];

impl OpenAiProvider {
    /// Starts to set a provider up.
    pub fn builder() -> OpenAiBuilder {
        OpenAiBuilder::new()
    }

    pub(super) fn new(settings: Settings) -> OpenAiProvider {
        OpenAiProvider(Arc::new(settings))
    }

    async fn ask(
        &self,
        request: &ModelRequest,
        context: &CallContext,
        spent: &Spent,
    ) -> Result<ModelAnswer, CallError> {
        let settings = &*self.0;
        let extra = Extra::read(request.extra.as_ref(), &settings.parameters)?;
        let model = settings.model(request).ok_or_else(|| {
            Code::ModelMissing.error("no model is named: the spec names one, or the host gives a default")
        })?;
        let names = ToolNames::of(&request.tools);
        let target = settings.addresses.target(&extra, context).await?;
        let body = body::body(model, request, &extra, &names, settings.form(&target))?;

        let sent = settings.request(Method::POST, &["chat", "completions"], &target, context)?;
        let sent = sent.header(CONTENT_TYPE, "application/json").body(body);
        let sent = match settings.answers {
            Answers::Streamed => sent.header(ACCEPT, "text/event-stream, application/json"),
            Answers::Plain => sent.header(ACCEPT, "application/json"),
        };
        // A model that answers at once is silent until it has done its work.
        let patience = (settings.answers == Answers::Streamed).then_some(settings.bounds.idle);
        let body = settings.receive(sent, patience, &target).await?;

        let veil = Veil::new(target.key.as_ref());
        let assembly = Assembly::new(&context.deltas, &names, spent, request.turn, veil);
        let answer = match stream::form(body.headers(), settings.answers) {
            Ok(Answers::Streamed) => stream::streamed(body, assembly, &settings.bounds, target.key()).await,
            Ok(Answers::Plain) => stream::plain(body, assembly, target.key()).await,
            Err(error) => Err(error),
        };
        answer.map_err(|error| target.blame(error))
    }
}

impl Settings {
    /// The model to ask.
    pub(super) fn model<'a>(&'a self, request: &'a ModelRequest) -> Option<&'a str> {
        request.model.as_deref().or(self.model.as_deref())
    }

    fn form(&self, target: &Target) -> Form {
        let is_openai = || target.address.is_at("openai.com") || AZURE.iter().any(|at| target.address.is_at(at));
        let default = || if is_openai() { MaxTokens::MaxCompletionTokens } else { MaxTokens::MaxTokens };
        let max_tokens = self.max_tokens.unwrap_or_else(default);
        Form { answers: self.answers, structured: self.structured, max_tokens }
    }

    /// A request to a resource, with the key and the headers that go there.
    ///
    /// # Errors
    /// A key that no header can carry, or an address that needs certificates which this machine lacks.
    pub(super) fn request(
        &self,
        method: Method,
        resource: &[&str],
        target: &Target,
        context: &CallContext,
    ) -> Result<RequestBuilder, CallError> {
        if let (Some(why), true) = (&self.http.no_tls, target.address.is_tls()) {
            let message = format!("no certificate can be trusted: {why}; install some, or give `root_certificates`");
            return Err(Code::Untrusted.error(message));
        }
        let mut request = self.http.client.request(method, target.address.join(resource));
        request = request.header("traceparent", context.trace().to_string());
        if target.is_own {
            request = request.headers(self.headers.clone());
        }
        if let Some(key) = &target.key {
            request = request.header(AUTHORIZATION, key::bearer(key)?);
        }
        Ok(request)
    }

    /// Sends a request; the body of an answer that is none of an error.
    ///
    /// # Errors
    /// Whatever keeps the answer from coming, and what the server says in its place.
    pub(super) async fn receive(
        &self,
        request: RequestBuilder,
        patience: Option<std::time::Duration>,
        target: &Target,
    ) -> Result<Body, CallError> {
        let head = exchange::head(request, &self.bounds, patience, target.key()).await;
        let response = head.map_err(|error| target.blame(error))?;
        let status = response.status();
        let body = Body::of(response, &self.bounds);
        if status.is_success() {
            return Ok(body);
        }
        let headers = body.headers().clone();
        let said = if status.is_redirection() { String::new() } else { body.explanation().await };
        Err(fault::of_status(status, &headers, &said, target))
    }
}

#[async_trait]
impl Provider for OpenAiProvider {
    async fn generate(&self, request: &ModelRequest, context: &CallContext) -> Result<ModelAnswer, CallError> {
        let spent = Spent::default();
        let asked = self.ask(request, context, &spent);
        let answer = exchange::within(&context.cancel, self.0.bounds.deadline, asked).await;
        answer.map_err(|error| error.with_usage(spent.usage()))
    }

    /// Finds out, with `GET /models`, whether the address is that of such an API, the key is good, the model is there,
    /// and what the spec says in `extra` can be sent. As far as servers ask for a key there: some do not.
    async fn check(&self, request: &ModelRequest, context: &CallContext) -> Result<(), CallError> {
        let checked = check::check(&self.0, request, context);
        exchange::within(&context.cancel, self.0.bounds.deadline, checked).await
    }
}

/// Shows where it asks, and no key or header.
impl fmt::Debug for OpenAiProvider {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OpenAiProvider")
            .field("base_url", &self.0.addresses.own)
            .field("key", &self.0.addresses.key)
            .field("elsewhere", &self.0.addresses.elsewhere)
            .field("model", &self.0.model)
            .field("bounds", &self.0.bounds)
            .finish_non_exhaustive()
    }
}
