//! Servers of tools, as a project sets them up.

use std::path::{Path, PathBuf};

use kneo::mcp::{BuildError, McpConnector, McpConnectorBuilder};

use crate::problem::Problem;
use crate::project::McpConfig;

/// Where programs are looked for whatever a project says.
const SYSTEM: [&str; 3] = ["/usr/local/bin", "/usr/bin", "/bin"];

/// Connects to servers for specs whose commands run in a folder.
pub(crate) fn connector(workdir: &Path, config: &McpConfig) -> Result<McpConnector, Problem> {
    let mut builder = McpConnector::builder(workdir);
    if !config.search_path.is_empty() {
        let system = SYSTEM.iter().map(PathBuf::from);
        builder = builder.search_path(config.search_path.iter().cloned().chain(system));
    }
    // Programs that fetch what they run keep it there.
    if let Ok(home) = std::env::var("HOME") {
        builder = builder.variable("HOME", home);
    }
    match config.commands.as_deref() {
        None => {}
        Some([]) => builder = builder.allow_no_command(),
        Some(commands) => {
            for command in commands {
                let mut words = command.split_whitespace();
                let Some(program) = words.next() else {
                    return Err(Problem::new("config_invalid", "`mcp`: a command of `commands` is empty"));
                };
                builder = builder.allow_command(program, words);
            }
        }
    }
    match config.hosts.as_deref() {
        None => {}
        Some([]) => builder = builder.allow_no_host(),
        Some(hosts) => {
            for host in hosts {
                builder = builder.allow_host(host);
            }
        }
    }
    for host in &config.plain_http {
        builder = builder.allow_plain_http(host);
    }
    if let Some(proxy) = &config.proxy {
        builder = builder.proxy(&proxy.0);
    }
    if let Some(folder) = &config.tls_folder {
        builder = builder.tls_folder(folder);
    }
    bounded(builder, config).build().map_err(|error| match error {
        BuildError::Directory { ref directory, .. } if config.tls_folder.as_ref() != Some(directory) => {
            Problem::new("workdir_invalid", error.to_string())
        }
        error => Problem::new("config_invalid", format!("`mcp`: {error}")),
    })
}

/// The same connector with the project's bounds.
fn bounded(mut builder: McpConnectorBuilder, config: &McpConfig) -> McpConnectorBuilder {
    if let Some(time) = config.connect_timeout_seconds {
        builder = builder.connect_timeout(time.0);
    }
    if let Some(time) = config.request_timeout_seconds {
        builder = builder.request_timeout(time.0);
    }
    if let Some(time) = config.idle_timeout_seconds {
        builder = builder.idle_timeout(time.0);
    }
    if let Some(time) = config.grace_seconds {
        builder = builder.grace(time.0);
    }
    if let Some(bytes) = config.max_response_bytes {
        builder = builder.max_response_bytes(bytes.get());
    }
    if let Some(bytes) = config.max_media_bytes {
        builder = builder.max_media_bytes(bytes);
    }
    if let Some(bytes) = config.max_stderr_bytes {
        builder = builder.max_stderr_bytes(bytes);
    }
    if let Some(tools) = config.max_tools {
        builder = builder.max_tools(tools.get());
    }
    builder
}
