//! What a host says about the servers that its specs may use.

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use kneo_core::launch;
use kneo_process::{SearchPath, environment};

use crate::McpConnector;
use crate::policy::{AllowedCommand, Commands, Hosts, host_pattern};
use crate::settings::Settings;

const CONNECT_TIMEOUT: Duration = Duration::from_secs(30);
const REQUEST_TIMEOUT: Duration = Duration::from_secs(120);
const GRACE: Duration = Duration::from_secs(2);
const MAX_RESPONSE_BYTES: usize = 10 << 20;
const MAX_MEDIA_BYTES: usize = 1 << 20;
const MAX_STDERR_BYTES: usize = 4 << 10;
const MAX_TOOLS: usize = 1_000;

/// Collects what an [`McpConnector`] needs.
///
/// # Policy
/// A host that registers a connector lets its specs start programs and open connections, as one that registers the
/// backing of commands does. Until it says more, any program of the search path or below the root may be started, any
/// host may be connected to by `https`, and by plain `http` this machine only. [`allow_command`], [`allow_no_command`]
/// and [`allow_host`] narrow that, which a host of specs by others should do.
///
/// [`allow_command`]: McpConnectorBuilder::allow_command
/// [`allow_no_command`]: McpConnectorBuilder::allow_no_command
/// [`allow_host`]: McpConnectorBuilder::allow_host
#[must_use]
pub struct McpConnectorBuilder {
    tls_folder: Option<PathBuf>,
    search: Option<Vec<PathBuf>>,
    proxy: Option<String>,
    hosts: Vec<(HostUse, String)>,
    settings: Settings,
}

#[derive(Clone, Copy, Debug)]
enum HostUse {
    Any,
    PlainHttp,
}

/// Why [`McpConnectorBuilder::build`] refuses.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BuildError {
    /// A directory is not there.
    #[error("cannot use the directory `{}`: {source}; name a directory that exists", .directory.display())]
    Directory {
        /// The directory as given.
        directory: PathBuf,
        /// What the operating system says.
        source: std::io::Error,
    },
    /// A directory of the search path is relative or cannot stand in `PATH`.
    #[error("`{}` cannot be part of the search path; name an absolute directory without `:`", .0.display())]
    SearchPath(PathBuf),
    /// A variable has a name or value that an environment cannot hold, or that is Kneo's.
    #[error("the variable `{name}` cannot be set: {reason}")]
    Variable {
        /// The name as given.
        name: String,
        /// What is wrong, and what to do.
        reason: &'static str,
    },
    /// A pattern of hosts is none.
    #[error("`{0}` is no host: write a name such as `example.com`, `*.example.com` or `example.com:8443`")]
    Host(String),
    /// The proxy's address is none. It is not shown, for it may hold a password.
    #[error("the proxy's address is no URL: write one such as `http://proxy.example.com:3128`")]
    Proxy,
    /// A limit under which nothing could work.
    #[error("`{0}` cannot be zero")]
    Zero(&'static str),
}

impl McpConnectorBuilder {
    pub(crate) fn new(root: PathBuf) -> McpConnectorBuilder {
        McpConnectorBuilder {
            tls_folder: None,
            search: None,
            proxy: None,
            hosts: Vec::new(),
            settings: Settings {
                tls_folder: root.clone(),
                root,
                search: SearchPath::default(),
                variables: Vec::new(),
                commands: Commands::default(),
                hosts: Hosts::default(),
                proxy: None,
                connect_timeout: CONNECT_TIMEOUT,
                request_timeout: REQUEST_TIMEOUT,
                idle_timeout: None,
                grace: GRACE,
                max_response_bytes: MAX_RESPONSE_BYTES,
                max_media_bytes: MAX_MEDIA_BYTES,
                max_stderr_bytes: MAX_STDERR_BYTES,
                max_tools: MAX_TOOLS,
            },
        }
    }

    /// Looks programs up in these directories, in order, and gives them to servers as `PATH`. The default is
    /// `/usr/local/bin`, `/usr/bin` and `/bin`.
    pub fn search_path<P: Into<PathBuf>>(mut self, directories: impl IntoIterator<Item = P>) -> McpConnectorBuilder {
        self.search = Some(directories.into_iter().map(Into::into).collect());
        self
    }

    /// Gives every server that is started a variable, such as the `HOME` that `npx` needs. A spec's `env` may replace
    /// it.
    pub fn variable(mut self, name: impl Into<String>, value: impl Into<String>) -> McpConnectorBuilder {
        self.settings.variables.push((name.into(), value.into()));
        self
    }

    /// Allows a program, by the word that specs have in `command`, whose arguments begin with these; with the first of
    /// them nothing else is allowed any more, and no variable that decides which code runs.
    ///
    /// A program that runs what its arguments say, such as `npx` or `sh`, needs the arguments that say it.
    pub fn allow_command<A: Into<String>>(
        mut self,
        command: impl Into<String>,
        leading: impl IntoIterator<Item = A>,
    ) -> McpConnectorBuilder {
        let leading = leading.into_iter().map(Into::into).collect();
        self.settings.commands.allow(AllowedCommand { command: command.into(), leading });
        self
    }

    /// Allows no program but those of [`allow_command`](McpConnectorBuilder::allow_command).
    pub fn allow_no_command(mut self) -> McpConnectorBuilder {
        if matches!(self.settings.commands, Commands::Any) {
            self.settings.commands = Commands::Only(Vec::new());
        }
        self
    }

    /// Allows an address: `example.com`, `*.example.com` for its subdomains, either with a port; with the first of them
    /// nothing else is allowed any more.
    pub fn allow_host(mut self, host: impl Into<String>) -> McpConnectorBuilder {
        self.hosts.push((HostUse::Any, host.into()));
        self
    }

    /// Allows no address but those of [`allow_host`](McpConnectorBuilder::allow_host).
    pub fn allow_no_host(mut self) -> McpConnectorBuilder {
        self.settings.hosts.only.get_or_insert_default();
        self
    }

    /// Allows plain HTTP to a host, where whoever is in between can read and change everything. This machine needs none
    /// of it.
    pub fn allow_plain_http(mut self, host: impl Into<String>) -> McpConnectorBuilder {
        self.hosts.push((HostUse::PlainHttp, host.into()));
        self
    }

    /// Goes through a proxy to every address but this machine's: `http://…`, `https://…`. Without this none is used, whatever the
    /// environment says.
    pub fn proxy(mut self, url: impl Into<String>) -> McpConnectorBuilder {
        self.proxy = Some(url.into());
        self
    }

    /// Reads the certificates that specs name from files of this folder; the default is the root.
    pub fn tls_folder(mut self, folder: impl Into<PathBuf>) -> McpConnectorBuilder {
        self.tls_folder = Some(folder.into());
        self
    }

    /// Bounds how long a server may take until it can be asked something. The default is 30 seconds. A spec's
    /// `timeout_seconds` bounds each of the questions that this takes, of which there are at most two.
    pub fn connect_timeout(mut self, timeout: Duration) -> McpConnectorBuilder {
        self.settings.connect_timeout = timeout;
        self
    }

    /// Bounds one request as a whole, where a spec has no `timeout_seconds`. The default is 2 minutes.
    pub fn request_timeout(mut self, timeout: Duration) -> McpConnectorBuilder {
        self.settings.request_timeout = timeout;
        self
    }

    /// Bounds how long a server may be silent about a request: each notification of its progress begins the time anew,
    /// and the time of the request as a whole stays as it is. There is no such bound by default.
    pub fn idle_timeout(mut self, timeout: Duration) -> McpConnectorBuilder {
        self.settings.idle_timeout = Some(timeout);
        self
    }

    /// Sets how long a server that is started may take to end after its standard input is closed, and again after
    /// `SIGTERM`. The default is 2 seconds.
    pub fn grace(mut self, grace: Duration) -> McpConnectorBuilder {
        self.settings.grace = grace;
        self
    }

    /// Bounds one answer in bytes, and what a server offers as a whole; a spec's `max_response_bytes` may lower it. The
    /// default is 10 MiB.
    pub fn max_response_bytes(mut self, bytes: usize) -> McpConnectorBuilder {
        self.settings.max_response_bytes = bytes;
        self
    }

    /// Bounds the data of one image, sound or resource in bytes of its encoded form; what is larger is left out of the
    /// result, which says so. The default is 1 MiB.
    pub fn max_media_bytes(mut self, bytes: usize) -> McpConnectorBuilder {
        self.settings.max_media_bytes = bytes;
        self
    }

    /// Bounds the last part of a server's standard error that errors carry. The default is 4 KiB.
    pub fn max_stderr_bytes(mut self, bytes: usize) -> McpConnectorBuilder {
        self.settings.max_stderr_bytes = bytes;
        self
    }

    /// Bounds how many tools a server may offer; more is an error. The default is 1,000.
    pub fn max_tools(mut self, tools: usize) -> McpConnectorBuilder {
        self.settings.max_tools = tools;
        self
    }

    /// Checks what was collected.
    ///
    /// # Errors
    /// The first thing that cannot be.
    pub fn build(self) -> Result<McpConnector, BuildError> {
        let McpConnectorBuilder { tls_folder, search, proxy, hosts, mut settings } = self;
        settings.root = directory(&settings.root)?;
        settings.tls_folder = directory(tls_folder.as_deref().unwrap_or(&settings.root))?;
        if let Some(directories) = search {
            settings.search = SearchPath::new(directories).map_err(BuildError::SearchPath)?;
        }
        check_variables(&settings.variables)?;
        for (using, host) in hosts {
            let pattern = host_pattern(&host).ok_or(BuildError::Host(host))?;
            match using {
                HostUse::Any => settings.hosts.only.get_or_insert_default().push(pattern),
                HostUse::PlainHttp => settings.hosts.plain_http.push(pattern),
            }
        }
        if let Some(proxy) = proxy {
            let url = reqwest::Url::parse(&proxy).map_err(|_| BuildError::Proxy)?;
            let usable = matches!(url.scheme(), "http" | "https") && url.has_host();
            settings.proxy = Some(usable.then_some(url).ok_or(BuildError::Proxy)?);
        }
        check_limits(&settings)?;
        Ok(McpConnector::new(Arc::new(settings)))
    }
}

/// Leaves out the proxy, whose address may hold a password, and the values of variables.
impl fmt::Debug for McpConnectorBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("McpConnectorBuilder")
            .field("tls_folder", &self.tls_folder)
            .field("search", &self.search)
            .field("hosts", &self.hosts)
            .field("settings", &self.settings)
            .finish_non_exhaustive()
    }
}

fn directory(path: &Path) -> Result<PathBuf, BuildError> {
    let error = |source| BuildError::Directory { directory: path.to_owned(), source };
    match path.canonicalize() {
        Ok(real) if real.is_dir() => Ok(real),
        Ok(_) => Err(error(std::io::Error::from(std::io::ErrorKind::NotADirectory))),
        Err(source) => Err(error(source)),
    }
}

fn check_variables(variables: &[(String, String)]) -> Result<(), BuildError> {
    for (name, value) in variables {
        let refusal = match name.as_str() {
            "PATH" => Some("set the search path instead"),
            name => launch::refuse_variable(name).or_else(|| environment::refuse_value(value)),
        };
        if let Some(reason) = refusal {
            return Err(BuildError::Variable { name: name.clone(), reason });
        }
    }
    Ok(())
}

fn check_limits(settings: &Settings) -> Result<(), BuildError> {
    let zero = [
        ("connect_timeout", settings.connect_timeout.is_zero()),
        ("request_timeout", settings.request_timeout.is_zero()),
        ("idle_timeout", settings.idle_timeout.is_some_and(|timeout| timeout.is_zero())),
        ("max_response_bytes", settings.max_response_bytes == 0),
        ("max_tools", settings.max_tools == 0),
    ];
    zero.into_iter().find_map(|(name, zero)| zero.then_some(Err(BuildError::Zero(name)))).unwrap_or(Ok(()))
}
