//! What a server offers to an agent: checked when it is found out, and journaled as it is used.

use std::sync::Arc;

use kneo_core::plan::{McpServerDef, Plan, ServerIx, ToolBackingDef, ToolIx};
use kneo_core::provider::ToolOffer;
use kneo_core::schema::{Schema, SchemaError};
use kneo_core::tool_server::offer_digest;
use kneo_core::{Failure, FailureKind, Payload, Value};

/// The longest name of a tool that models take.
const MAX_NAME: usize = 64;

/// So many tools are named when the one that is looked for is not there.
const MOST_NAMED: usize = 20;

/// The tools of a server that an agent may use.
#[derive(Debug)]
pub(super) struct Offer {
    /// The stored form: the payload of a discovery's `effect_succeeded`.
    value: Value,
    tools: Vec<ServedTool>,
}

/// A tool of a server.
#[derive(Debug)]
pub(super) struct ServedTool {
    /// As the server says it, under the server's name.
    pub(super) offer: ToolOffer,
    /// Read with the offer, so that no call compiles it again; it could be when the offer was accepted.
    pub(super) schema: Result<Schema, SchemaError>,
}

/// The stored form holds everything.
impl PartialEq for Offer {
    fn eq(&self, other: &Offer) -> bool {
        self.value == other.value
    }
}

impl Offer {
    /// Reads the stored form: `[{"name", "description", "parameters"}]`.
    pub(super) fn from_value(value: &Value) -> Option<Offer> {
        let Value::List(list) = value else { return None };
        let tools = list.items().iter().map(|tool| {
            let text = |field| tool.get(field).and_then(Value::as_str);
            let offer = ToolOffer::new(text("name")?, text("description")?, tool.get("parameters")?.clone());
            Some(ServedTool { schema: Schema::compile(&offer.parameters), offer })
        });
        Some(Offer { tools: tools.collect::<Option<_>>()?, value: value.clone() })
    }

    /// A tool by the server's name.
    pub(super) fn tool(&self, own: &str) -> Option<&ServedTool> {
        self.tools.iter().find(|tool| *tool.offer.name == *own)
    }

    /// The tools that an agent gets with the whole server, each under the name that its model sees.
    pub(super) fn whole<'a>(&'a self, server: &'a McpServerDef) -> impl Iterator<Item = (String, &'a ServedTool)> {
        let tools = self.tools.iter().filter(|tool| server.tools.has(&tool.offer.name));
        tools.map(|tool| (model_name(server, &tool.offer.name), tool))
    }
}

/// The name of a server's tool as a model sees it. Models take no dots and slashes, which servers like.
pub(crate) fn model_name(server: &McpServerDef, own: &str) -> String {
    let prefix = server.tools.prefix.as_deref().unwrap_or_default();
    format!("{prefix}{}", own.replace(['.', '/'], "_"))
}

/// The names under which the tools of an agent use tools of a server.
fn declared<'a>(plan: &'a Plan, tools: &'a [ToolIx], at: ServerIx) -> impl Iterator<Item = &'a Arc<str>> {
    let of_server = move |tool: &ToolIx| match &plan.tool(*tool)?.backing {
        ToolBackingDef::Mcp { server, tool } if *server == at => Some(tool),
        _ => None,
    };
    tools.iter().filter_map(of_server)
}

/// What the agents of a plan may use of what a server offers: what `include` and `exclude` leave where one of them has
/// the server as a whole, and the tools that the plan declares one by one.
pub(crate) fn usable(plan: &Plan, at: ServerIx, offered: &[ToolOffer]) -> Vec<ToolOffer> {
    let whole = plan.agents.iter().any(|agent| agent.servers.contains(&at));
    let chosen = |tool: &ToolOffer| whole && plan.server(at).is_some_and(|server| server.tools.has(&tool.name));
    let is_declared = |tool: &ToolOffer| {
        let own = |backing: &ToolBackingDef| matches!(backing, ToolBackingDef::Mcp { server, tool: own } if *server == at && *own == tool.name);
        plan.tools.iter().any(|declared| own(&declared.backing))
    };
    offered.iter().filter(|tool| chosen(tool) || is_declared(tool)).cloned().collect()
}

/// Checks what a server offers to an agent, and gives the stored form of what the agent may use of it.
///
/// # Errors
/// Something that the spec names is not offered, or not as the spec expects it, or cannot be used.
pub(crate) fn accept(
    plan: &Plan,
    at: ServerIx,
    tools: &[ToolIx],
    whole: bool,
    offered: &[ToolOffer],
) -> Result<Payload, Failure> {
    let server = plan.server(at).ok_or_else(|| refused("mcp_server", "the plan has no such server".to_owned()))?;
    let name = &server.name;
    let is_offered = |wanted: &Arc<str>| offered.iter().any(|tool| tool.name == *wanted);
    let named = declared(plan, tools, at).chain(server.tools.include.iter().flatten().filter(|_| whole));
    if let Some(wanted) = named.into_iter().find(|wanted| !is_offered(wanted)) {
        let message = format!("server `{name}` offers no tool `{wanted}`: it has {}", there(offered, wanted));
        return Err(refused("mcp_tool_missing", message));
    }
    // A name with a slip in it keeps nothing from anybody.
    if let Some(unknown) = server.tools.exclude.iter().filter(|_| whole).find(|name| !is_offered(name)) {
        let message = format!(
            "`exclude` of server `{name}` names `{unknown}`, which it does not offer: it has {}",
            there(offered, unknown)
        );
        return Err(refused("mcp_tool_missing", message));
    }
    if let Some(expected) = server.tools.expect_digest {
        let found = offer_digest(&usable(plan, at, offered)).map_err(|error| error.to_failure(FailureKind::Tool))?;
        if found != expected {
            let message = format!(
                "what server `{name}` says of its tools is not what `expect_digest` expects: it is {found}; read \
                 what changed before you write the new digest into the spec"
            );
            return Err(refused("mcp_tools_changed", message));
        }
    }
    let is_used = |tool: &&ToolOffer| {
        let by_name = declared(plan, tools, at).any(|own| *own == tool.name);
        by_name || (whole && server.tools.has(&tool.name))
    };
    let used: Vec<&ToolOffer> = offered.iter().filter(is_used).collect();
    for (index, tool) in used.iter().enumerate() {
        if used.iter().take(index).any(|earlier| earlier.name == tool.name) {
            let message = format!("server `{name}` offers two tools that it calls `{}`", tool.name);
            return Err(refused("mcp_tool_name", message));
        }
        let own = model_name(server, &tool.name);
        if whole && server.tools.has(&tool.name) && !is_model_name(&own) {
            let message = format!(
                "models take no tool `{own}`: letters, digits, `_` and `-`, at most {MAX_NAME}; name the tool in \
                 `exclude`, or declare it under a name of its own"
            );
            return Err(refused("mcp_tool_name", message));
        }
        if let Err(error) = Schema::compile(&tool.parameters) {
            let message = format!("the schema of tool `{}` of server `{name}` cannot be used: {error}", tool.name);
            return Err(refused("mcp_tool_schema", message));
        }
    }
    let stored = used.into_iter().map(|tool| {
        Value::map([
            ("name", Value::Str(Arc::clone(&tool.name))),
            ("description", Value::Str(Arc::clone(&tool.description))),
            ("parameters", tool.parameters.clone()),
        ])
    });
    let unfit = |error: &dyn std::fmt::Display| {
        refused("payload_too_large", format!("what server `{name}` offers cannot be stored: {error}"))
    };
    let stored = stored.collect::<Result<Vec<_>, _>>().and_then(Value::list).map_err(|error| unfit(&error))?;
    Payload::new(stored).map_err(|error| unfit(&error))
}

/// The names of the tools that a server has, those first that begin most like the one that was looked for.
fn there(offered: &[ToolOffer], wanted: &str) -> String {
    let alike = |name: &str| name.chars().zip(wanted.chars()).take_while(|(a, b)| a.eq_ignore_ascii_case(b)).count();
    let mut names: Vec<&str> = offered.iter().map(|tool| &*tool.name).collect();
    names.sort_by_key(|name| std::cmp::Reverse(alike(name)));
    let shown: Vec<String> = names.iter().take(MOST_NAMED).map(|name| format!("`{name}`")).collect();
    match (shown.is_empty(), names.len().saturating_sub(MOST_NAMED)) {
        (true, _) => "none".to_owned(),
        (false, 0) => shown.join(", "),
        (false, more) => format!("{} and {more} more", shown.join(", ")),
    }
}

fn is_model_name(name: &str) -> bool {
    let fits = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-';
    (1..=MAX_NAME).contains(&name.len()) && name.bytes().all(fits)
}

/// Asking the server again does not help.
fn refused(code: &str, message: String) -> Failure {
    Failure::new(FailureKind::Tool, message).with_code(code).with_retryable(false)
}
