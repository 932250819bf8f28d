//! `.kneo/config.yaml`: what specs of a project find on this machine.

use std::collections::BTreeMap;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use serde::Deserialize;

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
}

/// How a provider is spoken to.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(rename_all = "snake_case")]
enum ProviderKind {
    /// OpenAI's chat completions API, or one like it.
    Openai,
}

impl Config {
    /// Reads a file; one that is not there says nothing.
    pub(super) fn read(path: &Path) -> Result<Config, Problem> {
        let text = match std::fs::read_to_string(path) {
            Ok(text) => text,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Config::default()),
            Err(error) => return Err(file_problem("the settings", path, &error)),
        };
        // A file of comments is no document.
        let config: Option<Config> = serde_yaml::from_str(&text)
            .map_err(|error| Problem::new("config_invalid", format!("`{}`: {error}", path.display())))?;
        Ok(config.unwrap_or_default())
    }
}
