//! `.kneo/config.yaml`: what specs of a project find on this machine.

use std::collections::BTreeMap;
use std::io::ErrorKind;
use std::num::{NonZeroU64, NonZeroUsize};
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::Deserialize;
use serde::de::Error as _;

use crate::input::file_problem;
use crate::problem::Problem;

/// The settings of a project.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Config {
    /// Model providers, by the names that specs give them.
    #[serde(default)]
    pub(crate) providers: BTreeMap<String, ProviderConfig>,
    /// Servers of tools.
    #[serde(default)]
    pub(crate) mcp: McpConfig,
    /// The variables in which secrets stand, by the names that specs give them; of any other the name is the variable's.
    #[serde(default)]
    pub(crate) secrets: BTreeMap<String, String>,
}

/// A model provider.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ProviderConfig {
    #[expect(dead_code, reason = "there is one kind; it is written down so that there can be others")]
    kind: ProviderKind,
    /// Where it is, up to the part before `/chat/completions`; OpenAI if left out.
    pub(crate) base_url: Option<String>,
    /// The secret that is its key; none is sent without.
    pub(crate) api_key_ref: Option<String>,
    /// The model for specs that name none.
    pub(crate) model: Option<String>,
    /// Further addresses that specs may name with `extra: {base_url: …}`.
    #[serde(default)]
    pub(crate) allow_base_urls: Vec<String>,
    /// The hosts of its addresses that may be spoken to without TLS; this machine always may.
    #[serde(default)]
    pub(crate) plain_http: Vec<String>,
    /// Parameters of the server's own that specs may set in `extra`.
    #[serde(default)]
    pub(crate) allow_parameters: Vec<String>,
    /// How answers arrive.
    pub(crate) answers: Option<Answers>,
    /// How the server is told what form an answer must have.
    pub(crate) structured_output: Option<StructuredOutput>,
    /// Under which name the server takes the greatest length of an answer.
    pub(crate) max_tokens: Option<MaxTokens>,
    /// The proxy on the way to it.
    pub(crate) proxy: Option<Proxy>,
    /// A PEM file of the authorities to trust in place of those of this machine; from the project's folder.
    pub(crate) root_certificates: Option<PathBuf>,
    /// The longest exchange.
    pub(crate) deadline_seconds: Option<Seconds>,
    /// The longest wait for a connection.
    pub(crate) connect_timeout_seconds: Option<Seconds>,
    /// The longest silence.
    pub(crate) idle_timeout_seconds: Option<Seconds>,
    /// The most bytes of an answer.
    pub(crate) max_answer_bytes: Option<NonZeroU64>,
    /// The most bytes of an answer's headers.
    pub(crate) max_header_bytes: Option<NonZeroU64>,
    /// The most bytes of one event of a streamed answer.
    pub(crate) max_event_bytes: Option<NonZeroUsize>,
}

/// What specs may use as servers of tools.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct McpConfig {
    /// Where programs are looked for, before the system's own folders.
    #[serde(default)]
    pub(crate) search_path: Vec<PathBuf>,
    /// The programs that may be started, each with the arguments that must lead; any if left out.
    pub(crate) commands: Option<Vec<String>>,
    /// The hosts that may be connected to; any if left out.
    pub(crate) hosts: Option<Vec<String>>,
    /// The hosts that may be connected to without TLS; this machine always may.
    #[serde(default)]
    pub(crate) plain_http: Vec<String>,
    /// The proxy on the way to those at an address.
    pub(crate) proxy: Option<Proxy>,
    /// Where the certificates are that specs name; from the project's folder. That of the spec if left out.
    pub(crate) tls_folder: Option<PathBuf>,
    /// The longest wait until a server can be asked something.
    pub(crate) connect_timeout_seconds: Option<Seconds>,
    /// The longest request, where a spec has no `timeout_seconds`.
    pub(crate) request_timeout_seconds: Option<Seconds>,
    /// The longest silence about a request.
    pub(crate) idle_timeout_seconds: Option<Seconds>,
    /// How long a started server may take to end by itself.
    pub(crate) grace_seconds: Option<Seconds>,
    /// The most bytes of an answer.
    pub(crate) max_response_bytes: Option<NonZeroUsize>,
    /// The most bytes of one image, sound or resource.
    pub(crate) max_media_bytes: Option<usize>,
    /// The most bytes of a server's standard error that errors carry.
    pub(crate) max_stderr_bytes: Option<usize>,
    /// The most tools that a server may offer.
    pub(crate) max_tools: Option<NonZeroUsize>,
}

/// How a provider is spoken to.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(rename_all = "snake_case")]
enum ProviderKind {
    /// OpenAI's chat completions API, or one like it.
    Openai,
}

/// How answers arrive.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Answers {
    /// Piece by piece.
    Streamed,
    /// At once.
    Plain,
}

/// How a server is told what form an answer must have.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum StructuredOutput {
    /// With the schema.
    JsonSchema,
    /// That it is JSON, and no more.
    JsonObject,
    /// Not at all.
    Unsent,
}

/// The name of the greatest length of an answer.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum MaxTokens {
    /// OpenAI's.
    MaxCompletionTokens,
    /// That of all others.
    MaxTokens,
}

/// A time that can pass: more than nothing, and no more than a day.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Seconds(pub(crate) Duration);

impl<'de> Deserialize<'de> for Seconds {
    fn deserialize<D: serde::Deserializer<'de>>(given: D) -> Result<Seconds, D::Error> {
        let seconds = f64::deserialize(given)?;
        // Less than a millisecond is nothing.
        match Duration::try_from_secs_f64(seconds) {
            Ok(time) if (Duration::from_millis(1)..=Duration::from_secs(86_400)).contains(&time) => Ok(Seconds(time)),
            _ => Err(D::Error::custom(format!("{seconds} is no time in seconds: write one from 0.001 to 86400"))),
        }
    }
}

/// The URL of a proxy, without a password: none stands in the file.
#[derive(Clone, Debug)]
pub(crate) struct Proxy(pub(crate) String);

impl<'de> Deserialize<'de> for Proxy {
    fn deserialize<D: serde::Deserializer<'de>>(given: D) -> Result<Proxy, D::Error> {
        let url = String::deserialize(given)?;
        if url.contains('@') {
            return Err(D::Error::custom("`proxy` has a user or a password, which do not stand in this file"));
        }
        Ok(Proxy(url))
    }
}

impl Config {
    /// Reads the file of a project in a folder; one that is not there says nothing.
    pub(super) fn read(root: &Path, path: &Path) -> Result<Config, Problem> {
        let text = match std::fs::read_to_string(path) {
            Ok(text) => text,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Config::default()),
            Err(error) => return Err(file_problem("the settings", path, &error)),
        };
        // A file of comments is no document.
        let config: Option<Config> = serde_yaml::from_str(&text)
            .map_err(|error| Problem::new("config_invalid", format!("`{}`: {error}", path.display())))?;
        let mut config = config.unwrap_or_default();
        let certificates = config.providers.values_mut().filter_map(|provider| provider.root_certificates.as_mut());
        for path in certificates.chain(config.mcp.tls_folder.as_mut()) {
            *path = root.join(&path);
        }
        Ok(config)
    }
}
