//! MCP servers: where tools come from that nobody declared one by one.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::{Approval, Effect, OnUncertain};
use crate::digest::Digest;
use crate::name::Name;

/// An MCP server whose tools agents may call.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct McpServerDef {
    /// The author's name.
    pub name: Name,
    /// How it is reached.
    pub transport: Transport,
    /// The longest time of one request, in milliseconds, those included by which a connection is made; `None` leaves it
    /// to the connector.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub timeout_ms: Option<u64>,
    /// The most bytes of one answer; `None` leaves it to the connector.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_response_bytes: Option<u64>,
    /// Which of its tools an agent gets that is given the whole server, and what holds for them.
    #[serde(default, skip_serializing_if = "ServerTools::is_default")]
    pub tools: ServerTools,
}

/// How an MCP server is reached.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
#[expect(clippy::exhaustive_enums, reason = "what connects must handle each")]
pub enum Transport {
    /// A program that is started, and speaks on its standard input and output.
    Stdio(StdioDef),
    /// An address, by streamable HTTP.
    Http(HttpDef),
}

/// An MCP server that is started as a program: no shell is involved.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StdioDef {
    /// The program.
    pub command: Arc<str>,
    /// Its arguments.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub args: Vec<Arc<str>>,
    /// Variables of the environment, which is empty otherwise but for a safe few.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub env: Vec<(Name, Setting)>,
    /// The working directory, relative to the host's choice; `None` is that choice.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cwd: Option<Arc<str>>,
}

/// An MCP server at an address.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HttpDef {
    /// The address.
    pub url: Arc<str>,
    /// Headers of every request; they go to this address's origin and to no other.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub headers: Vec<(Name, Setting)>,
    /// The secret that stands in the `Authorization` header as a bearer token.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bearer_ref: Option<Name>,
    /// Whose certificates are believed.
    #[serde(default, skip_serializing_if = "TlsDef::is_default")]
    pub tls: TlsDef,
}

/// Whose certificates are believed, and what this side shows.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TlsDef {
    /// Whether any certificate is believed: the address is then not known to be who it says.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub insecure: bool,
    /// A file of PEM certificates that are believed beside the system's, relative to the host's choice of folder.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ca_bundle: Option<Arc<str>>,
    /// A file with this side's PEM certificate.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub client_cert: Option<Arc<str>>,
    /// The secret with this side's PEM key.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub client_key_ref: Option<Name>,
}

impl TlsDef {
    fn is_default(&self) -> bool {
        *self == TlsDef::default()
    }
}

/// A value that is written in the spec or stands for a secret.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
#[expect(clippy::exhaustive_enums, reason = "what connects must handle each")]
pub enum Setting {
    /// This text.
    Plain(Arc<str>),
    /// The secret of this name.
    Secret(Name),
}

/// The tools of a server that an agent gets, and what holds for all of them.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ServerTools {
    /// These and no others, by the server's names; `None` is all. A name that the server does not offer is a failure.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub include: Option<Vec<Arc<str>>>,
    /// All but these, by the server's names. A name that the server does not offer is a failure: with a slip in it, it
    /// would keep nothing from the model.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub exclude: Vec<Arc<str>>,
    /// What the names begin with for the model.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub prefix: Option<Arc<str>>,
    /// The digest of everything that the server says of these tools, and of those that the plan declares one by one
    /// ([`ToolBackingDef::Mcp`](super::ToolBackingDef::Mcp)); anything else is a failure.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expect_digest: Option<Digest>,
    /// What running one again would do.
    pub effect: Effect,
    /// What happens when a write was in flight at a crash.
    pub on_uncertain: OnUncertain,
    /// Whether a person must agree to each call.
    #[serde(default)]
    pub approval: Approval,
}

/// Every tool, each a write about which a person is asked after a crash.
impl Default for ServerTools {
    fn default() -> ServerTools {
        ServerTools {
            include: None,
            exclude: Vec::new(),
            prefix: None,
            expect_digest: None,
            effect: Effect::Write,
            on_uncertain: OnUncertain::Ask,
            approval: Approval::Never,
        }
    }
}

impl ServerTools {
    fn is_default(&self) -> bool {
        *self == ServerTools::default()
    }

    /// Whether a tool of this name, as the server calls it, is one of them.
    #[must_use]
    pub fn has(&self, tool: &str) -> bool {
        let named = |names: &[Arc<str>]| names.iter().any(|name| **name == *tool);
        self.include.as_deref().is_none_or(named) && !named(&self.exclude)
    }
}

impl McpServerDef {
    /// The secrets that connecting needs.
    pub fn secrets(&self) -> impl Iterator<Item = Name> {
        let (settings, more) = match &self.transport {
            Transport::Stdio(stdio) => (&stdio.env, [None, None]),
            Transport::Http(http) => (&http.headers, [http.bearer_ref.clone(), http.tls.client_key_ref.clone()]),
        };
        let secret = |(_, setting): &(Name, Setting)| match setting {
            Setting::Secret(name) => Some(name.clone()),
            Setting::Plain(_) => None,
        };
        settings.iter().filter_map(secret).chain(more.into_iter().flatten())
    }
}
