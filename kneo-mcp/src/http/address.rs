//! Where an HTTP server is, and what it is shown.

use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;
use std::sync::Arc;

use kneo_core::Name;
use kneo_core::plan::{HttpDef, Setting};
use kneo_process::directory;
use reqwest::header::{AUTHORIZATION, HeaderMap, HeaderName, HeaderValue};

use crate::credentials::Credentials;
use crate::problem::Problem;
use crate::settings::Settings;

/// Headers that the transport sets.
const RESERVED: [&str; 9] = [
    "accept",
    "connection",
    "content-length",
    "content-type",
    "host",
    "last-event-id",
    "mcp-protocol-version",
    "mcp-session-id",
    "transfer-encoding",
];

/// The address of a server, with what goes there and nowhere else.
pub(crate) struct Address {
    pub(super) url: reqwest::Url,
    headers: Vec<(HeaderName, Setting)>,
    bearer: Option<Name>,
    pub(super) tls: TlsFiles,
}

/// What a spec says about certificates, as files of the host's folder.
#[derive(Default)]
pub(super) struct TlsFiles {
    pub(super) insecure: bool,
    pub(super) ca_bundle: Option<PathBuf>,
    /// This side's certificate and the name of its key.
    pub(super) client: Option<(PathBuf, Name)>,
}

impl Address {
    /// Checks what can be checked before it is connected to.
    pub(crate) fn new(http: &HttpDef, settings: &Settings) -> Result<Address, Problem> {
        let url = reqwest::Url::parse(&http.url)
            .map_err(|error| Problem::Definition(format!("its `url` is none: {error}; write `https://…`")))?;
        if !url.username().is_empty() || url.password().is_some() {
            let why = "its `url` holds a user or password; write them under `headers`, with a name that ends in `_ref`, \
                       or as `auth: {bearer_ref: …}`";
            return Err(Problem::Definition(why.to_owned()));
        }
        settings.hosts.check(&url)?;
        let mut headers = Vec::with_capacity(http.headers.len());
        for (name, setting) in &http.headers {
            headers.push((header(name, setting, http.bearer_ref.is_some())?, setting.clone()));
        }
        let file = |name: &str, path: &Arc<str>| {
            directory::within(&settings.tls_folder, Some(path))
                .map_err(|error| Problem::Definition(format!("`{name}`: {error}; name a file within it")))
        };
        let ca_bundle = http.tls.ca_bundle.as_ref().map(|path| file("ca_bundle", path)).transpose()?;
        let client = match (&http.tls.client_cert, &http.tls.client_key_ref) {
            (Some(path), Some(key)) => Some((file("client_cert", path)?, key.clone())),
            (None, None) => None,
            (Some(_), None) | (None, Some(_)) => {
                let why = "`client_cert` and `client_key_ref` go together; write both or neither";
                return Err(Problem::Definition(why.to_owned()));
            }
        };
        let tls = TlsFiles { insecure: http.tls.insecure, ca_bundle, client };
        Ok(Address { url, headers, bearer: http.bearer_ref.clone(), tls })
    }

    /// The headers of every request, marked so that nothing shows their values.
    pub(super) fn headers(&self, credentials: &Credentials) -> Result<HeaderMap, Problem> {
        let mut headers = HeaderMap::new();
        for (name, setting) in &self.headers {
            headers.append(name.clone(), sensitive(name.as_str(), credentials.setting(setting)?)?);
        }
        if let Some(name) = &self.bearer {
            let token = credentials.secret(name)?.trim();
            headers.insert(AUTHORIZATION, sensitive("authorization", &format!("Bearer {token}"))?);
        }
        Ok(headers)
    }
}

fn header(name: &Name, setting: &Setting, has_bearer: bool) -> Result<HeaderName, Problem> {
    let wrong = |why: &str| Problem::Definition(format!("the header `{name}`: {why}"));
    let header = HeaderName::from_str(name.as_str()).map_err(|_| wrong("it is no header's name; correct it"))?;
    if RESERVED.contains(&header.as_str()) || header.as_str().starts_with("mcp-") {
        return Err(wrong("the transport sets it; leave it out"));
    }
    if header == AUTHORIZATION && has_bearer {
        return Err(wrong("`bearer_ref` sets it; write one of the two"));
    }
    if let Setting::Plain(text) = setting {
        sensitive(name.as_str(), text)?;
    }
    Ok(header)
}

fn sensitive(name: &str, value: &str) -> Result<HeaderValue, Problem> {
    let mut value = HeaderValue::from_str(value).map_err(|_| {
        Problem::Definition(format!("the value of the header `{name}` holds what a header cannot, such as a line end"))
    })?;
    value.set_sensitive(true);
    Ok(value)
}

/// Shows the origin only: a path or query may hold what nobody should read.
impl fmt::Debug for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let origin = self.url.origin().ascii_serialization();
        f.debug_struct("Address").field("origin", &origin).finish_non_exhaustive()
    }
}
