//! What holds for every server of a host.

use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use kneo_process::SearchPath;

use crate::policy::{Commands, Hosts};

/// The host's choices; see the builder for what each means.
pub(crate) struct Settings {
    /// Canonical.
    pub(crate) root: PathBuf,
    /// Canonical.
    pub(crate) tls_folder: PathBuf,
    pub(crate) search: SearchPath,
    /// In the host's order: of two with one name the later counts.
    pub(crate) variables: Vec<(String, String)>,
    pub(crate) commands: Commands,
    pub(crate) hosts: Hosts,
    pub(crate) proxy: Option<reqwest::Url>,
    pub(crate) connect_timeout: Duration,
    pub(crate) request_timeout: Duration,
    pub(crate) idle_timeout: Option<Duration>,
    pub(crate) grace: Duration,
    pub(crate) max_response_bytes: usize,
    pub(crate) max_media_bytes: usize,
    pub(crate) max_stderr_bytes: usize,
    pub(crate) max_tools: usize,
}

/// Shows the names of the variables and never their values, and of the proxy that there is one.
impl fmt::Debug for Settings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let variables: Vec<&str> = self.variables.iter().map(|(name, _)| name.as_str()).collect();
        f.debug_struct("Settings")
            .field("root", &self.root)
            .field("tls_folder", &self.tls_folder)
            .field("search", &self.search)
            .field("variables", &variables)
            .field("commands", &self.commands)
            .field("hosts", &self.hosts)
            .field("proxy", &self.proxy.is_some())
            .field("connect_timeout", &self.connect_timeout)
            .field("request_timeout", &self.request_timeout)
            .field("idle_timeout", &self.idle_timeout)
            .field("grace", &self.grace)
            .field("max_response_bytes", &self.max_response_bytes)
            .field("max_media_bytes", &self.max_media_bytes)
            .field("max_stderr_bytes", &self.max_stderr_bytes)
            .field("max_tools", &self.max_tools)
            .finish()
    }
}
