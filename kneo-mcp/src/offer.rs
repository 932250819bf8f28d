//! What a server offers: all pages of it, within bounds, kept until it may have changed.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use kneo_core::Value;
use kneo_core::call::CallContext;
use kneo_core::provider::ToolOffer;
use rmcp::model::{ClientRequest, ListToolsRequest, ListToolsResult, PaginatedRequestParams, ServerResult, Tool};
use tokio::time::Instant;

use crate::problem::Problem;
use crate::session::Session;
use crate::settings::Settings;

/// The longest name of a tool that is taken, in bytes; the protocol recommends 128 characters at most.
const MAX_NAME: usize = 256;

/// How long a server may have its offer believed.
const MAX_FRESH: Duration = Duration::from_secs(24 * 60 * 60);

/// What a server offered, and for how long that holds.
#[derive(Debug)]
pub(crate) struct Offer {
    tools: Arc<[ToolOffer]>,
    /// The session's [`Session::offer_version`] before it was asked.
    version: u64,
    /// `None` is until the server tells of a change.
    until: Option<Instant>,
}

impl Session {
    /// Every tool that the server offers, in its order.
    ///
    /// # Errors
    /// The server gives no whole answer, or more than is taken.
    ///
    /// # Cancel safety
    /// Dropping the future forgets the question.
    pub(crate) async fn tools(&self, settings: &Settings, context: &CallContext) -> Result<Arc<[ToolOffer]>, Problem> {
        let mut kept = tokio::select! {
            biased;
            () = context.cancel.cancelled() => return Err(Problem::Cancelled),
            kept = self.offer().lock() => kept,
        };
        if let Some(offer) = &*kept
            && offer.version == self.offer_version()
            && offer.until.is_none_or(|until| Instant::now() < until)
        {
            return Ok(Arc::clone(&offer.tools));
        }
        // Read before asking: a change that is told meanwhile makes what comes stale.
        let version = self.offer_version();
        let mut collected = Collected::default();
        let mut cursor = None;
        let mut fresh = None;
        loop {
            let page = self.page(cursor.take(), context).await?;
            fresh = least(fresh, page.ttl_ms.map(Duration::from_millis));
            collected.take(page.tools, settings)?;
            match page.next_cursor {
                Some(next) => cursor = Some(collected.turn_to(next, settings)?),
                None => break,
            }
        }
        let tools: Arc<[ToolOffer]> = collected.tools.into();
        let until = match self.is_legacy() {
            true => None,
            false => Some(Instant::now() + fresh.unwrap_or_default().min(MAX_FRESH)),
        };
        *kept = Some(Offer { tools: Arc::clone(&tools), version, until });
        Ok(tools)
    }

    async fn page(&self, cursor: Option<String>, context: &CallContext) -> Result<ListToolsResult, Problem> {
        let params = cursor.map(|cursor| PaginatedRequestParams::default().with_cursor(Some(cursor)));
        let request = ListToolsRequest { method: Default::default(), params, extensions: Default::default() };
        match self.ask(ClientRequest::ListToolsRequest(request), context).await? {
            ServerResult::ListToolsResult(page) => Ok(page),
            _ => Err(Problem::Protocol("its answer to `tools/list` is no list of tools".to_owned())),
        }
    }
}

fn least(a: Option<Duration>, b: Option<Duration>) -> Option<Duration> {
    match (a, b) {
        (Some(a), Some(b)) => Some(a.min(b)),
        (a, b) => a.or(b),
    }
}

/// The tools of the pages so far.
#[derive(Default)]
struct Collected {
    tools: Vec<ToolOffer>,
    names: BTreeSet<Arc<str>>,
    bytes: u64,
    cursors: BTreeSet<String>,
}

impl Collected {
    fn take(&mut self, tools: Vec<Tool>, settings: &Settings) -> Result<(), Problem> {
        if self.tools.len().saturating_add(tools.len()) > settings.max_tools {
            return Err(Problem::OfferTooLarge(format!("more than {} tools", settings.max_tools)));
        }
        for tool in tools {
            let offer = offer(tool)?;
            if !self.names.insert(Arc::clone(&offer.name)) {
                return Err(Problem::Protocol(format!("it offers two tools with the name `{}`", offer.name)));
            }
            let text = offer.name.len().saturating_add(offer.description.len());
            self.bytes = self.bytes.saturating_add(text as u64).saturating_add(offer.parameters.size());
            self.tools.push(offer);
        }
        let cap = settings.max_response_bytes as u64;
        if self.bytes > cap { Err(Problem::OfferTooLarge(format!("more than {cap} bytes"))) } else { Ok(()) }
    }

    /// Goes on to another page; there are no more of them than there may be tools, and none comes twice.
    fn turn_to(&mut self, cursor: String, settings: &Settings) -> Result<String, Problem> {
        if self.cursors.len() >= settings.max_tools {
            return Err(Problem::OfferTooLarge(format!("more than {} pages of tools", settings.max_tools)));
        }
        match self.cursors.insert(cursor.clone()) {
            true => Ok(cursor),
            false => Err(Problem::Protocol("its list of tools goes round in a circle".to_owned())),
        }
    }
}

fn offer(tool: Tool) -> Result<ToolOffer, Problem> {
    let name = tool.name;
    if name.is_empty() || name.len() > MAX_NAME || name.chars().any(char::is_control) {
        let shown: String = name.escape_debug().take(64).collect();
        return Err(Problem::Protocol(format!("it offers a tool with the name `{shown}`, which is none")));
    }
    let description = tool.description.as_deref().or(tool.title.as_deref()).unwrap_or_default();
    let schema = serde_json::Value::Object((*tool.input_schema).clone());
    let parameters = Value::from_json(&schema)
        .map_err(|error| Problem::Protocol(format!("the schema of its tool `{name}` cannot be held: {error}")))?;
    Ok(ToolOffer::new(&*name, description, parameters))
}
