//! How a host sets the provider up.

use std::collections::BTreeSet;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use kneo_core::Name;
use kneo_core::address::NO_PROXY;
use kneo_core::secret::Secret;
use reqwest::header::{HeaderMap, HeaderName, HeaderValue};
use reqwest::{NoProxy, Proxy, Url};
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;

use super::extra;
use super::provider::{OpenAiProvider, Settings};
use super::target::{Addresses, Elsewhere};
use crate::http::address::{Address, PlainHttp};
use crate::http::bounds::Bounds;
use crate::http::client::{self, Roots};
use crate::http::key::KeySource;

/// Where OpenAI is.
pub(crate) const OPENAI: &str = "https://api.openai.com/v1";

/// How answers arrive.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
#[non_exhaustive]
pub enum Answers {
    /// Piece by piece, so that text can be shown while the model generates it.
    #[default]
    Streamed,
    /// At once. The idle timeout counts from the first byte: until then the model works and nothing arrives.
    Plain,
}

/// How a server is told what form an answer must have.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
#[non_exhaustive]
pub enum StructuredOutput {
    /// `response_format: json_schema`, strict where the schema allows it.
    #[default]
    JsonSchema,
    /// `response_format: json_object`, for servers that know no schemas: any JSON object. The prompt must ask for JSON.
    JsonObject,
    /// Not at all.
    Unsent,
}

/// Under which name a server takes the greatest length of an answer.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum MaxTokens {
    /// `max_completion_tokens`, which counts what a model thinks as well.
    MaxCompletionTokens,
    /// `max_tokens`, which OpenAI has deprecated and everybody else knows.
    MaxTokens,
}

/// Why a provider cannot be built.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum OpenAiError {
    /// An address is none.
    #[error("the address given to `{option}` cannot be used: {reason}")]
    Address {
        /// The builder's method.
        option: &'static str,
        /// What is wrong; does not repeat the address, which may hold a password.
        reason: String,
    },
    /// A header is none, or is not the host's to set.
    #[error("the header `{name}` cannot be set: {reason}")]
    Header {
        /// The header.
        name: String,
        /// What is wrong.
        reason: &'static str,
    },
    /// A parameter cannot be allowed.
    #[error("the parameter `{name}` cannot be allowed: {reason}")]
    Parameter {
        /// The parameter.
        name: Arc<str>,
        /// What is wrong.
        reason: &'static str,
    },
    /// A bound that lets nothing through.
    #[error("`{option}` is zero, which lets nothing through")]
    Bound {
        /// The builder's method.
        option: &'static str,
    },
    /// The certificates are none.
    #[error("the root certificates cannot be used: {reason}")]
    Certificates {
        /// What is wrong.
        reason: String,
    },
    /// The HTTP client cannot be built.
    #[error("the HTTP client cannot be built: {reason}")]
    Client {
        /// What is wrong.
        reason: String,
    },
}

impl OpenAiError {
    /// The stable code.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            OpenAiError::Address { .. } => "openai_address_invalid",
            OpenAiError::Header { .. } => "openai_header_invalid",
            OpenAiError::Parameter { .. } => "openai_parameter_invalid",
            OpenAiError::Bound { .. } => "openai_bound_invalid",
            OpenAiError::Certificates { .. } => "openai_certificates_invalid",
            OpenAiError::Client { .. } => "openai_client_failed",
        }
    }
}

/// Collects what an [`OpenAiProvider`] needs; everything has a default.
#[must_use]
pub struct OpenAiBuilder {
    base_url: Option<String>,
    key: Option<KeySource>,
    allowed: Vec<String>,
    any_address: bool,
    plain_http: Vec<String>,
    model: Option<Arc<str>>,
    headers: Vec<(String, String)>,
    parameters: BTreeSet<Arc<str>>,
    answers: Answers,
    structured: StructuredOutput,
    max_tokens: Option<MaxTokens>,
    proxy: Option<String>,
    roots: Option<Vec<u8>>,
    bounds: Bounds,
}

/// Shows no key, header or proxy.
impl fmt::Debug for OpenAiBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OpenAiBuilder").field("key", &self.key).field("bounds", &self.bounds).finish_non_exhaustive()
    }
}

impl OpenAiBuilder {
    pub(super) fn new() -> OpenAiBuilder {
        OpenAiBuilder {
            base_url: None,
            key: None,
            allowed: Vec::new(),
            any_address: false,
            plain_http: Vec::new(),
            model: None,
            headers: Vec::new(),
            parameters: BTreeSet::new(),
            answers: Answers::default(),
            structured: StructuredOutput::default(),
            max_tokens: None,
            proxy: None,
            roots: None,
            bounds: Bounds::default(),
        }
    }

    /// The address of the API, up to the part before `/chat/completions`: `https://api.openai.com/v1` unless told
    /// otherwise. The host's key and headers go here and nowhere else. Plain `http` is for this machine, unless the host
    /// [allows](OpenAiBuilder::allow_plain_http) more.
    pub fn base_url(mut self, url: impl Into<String>) -> OpenAiBuilder {
        self.base_url = Some(url.into());
        self
    }

    /// The secret that is the key, by the name under which the runtime's secret source has it. It is asked for at each
    /// call, so that a changed key is used without a restart. A spec may name another with `api_key_ref`.
    pub fn api_key_ref(mut self, name: Name) -> OpenAiBuilder {
        self.key = Some(KeySource::Named(name));
        self
    }

    /// The key itself, for hosts without a secret source. Without a key none is sent, which is right for most servers
    /// of one's own.
    pub fn api_key(mut self, key: Secret) -> OpenAiBuilder {
        self.key = Some(KeySource::Given(Arc::new(key)));
        self
    }

    /// Lets specs name this address too, with `base_url`. What goes there is the key that the spec names with
    /// `api_key_ref`, or none: never the host's key or headers. Without it a spec can name only the host's own address.
    ///
    /// A host that wants its key to go to several addresses registers a provider for each.
    pub fn allow_base_url(mut self, url: impl Into<String>) -> OpenAiBuilder {
        self.allowed.push(url.into());
        self
    }

    /// Lets specs name any address to which nobody on the way can read along, with `base_url`: over TLS, or on this
    /// machine. A key that a spec names goes there; the host's own key and headers never do.
    ///
    /// A spec can then send **any secret of the host's source to anybody**, and a request to any address that this
    /// machine can reach: only for specs that are trusted like the host's own code.
    pub fn allow_any_base_url(mut self) -> OpenAiBuilder {
        self.any_address = true;
        self
    }

    /// Allows plain HTTP to a host, where whoever is in between reads keys, prompts and answers and can change them:
    /// `models.internal`, `*.internal` for its subdomains, either with a port. This machine needs none of it.
    pub fn allow_plain_http(mut self, host: impl Into<String>) -> OpenAiBuilder {
        self.plain_http.push(host.into());
        self
    }

    /// The model for specs that name none. Without it such a request is an error.
    pub fn default_model(mut self, model: impl Into<Arc<str>>) -> OpenAiBuilder {
        self.model = Some(model.into());
        self
    }

    /// A header that goes with each request to the host's own address, such as `OpenAI-Project`. It may be a credential
    /// and is treated as one.
    pub fn header(mut self, name: impl Into<String>, value: impl Into<String>) -> OpenAiBuilder {
        self.headers.push((name.into(), value.into()));
        self
    }

    /// A parameter of the server's own that specs may name in `extra`, such as vLLM's `top_k`. It is passed on as it is.
    pub fn allow_parameter(mut self, name: impl Into<Arc<str>>) -> OpenAiBuilder {
        self.parameters.insert(name.into());
        self
    }

    /// How answers arrive; piece by piece unless told otherwise.
    pub fn answers(mut self, answers: Answers) -> OpenAiBuilder {
        self.answers = answers;
        self
    }

    /// How the server is told what form an answer must have; as a JSON Schema unless told otherwise.
    pub fn structured_output(mut self, how: StructuredOutput) -> OpenAiBuilder {
        self.structured = how;
        self
    }

    /// Under which name the server takes the greatest length of an answer: `max_completion_tokens` for OpenAI and Azure
    /// OpenAI, `max_tokens` for all others, unless told otherwise. A name that the spec uses in `extra` comes first.
    pub fn max_tokens(mut self, name: MaxTokens) -> OpenAiBuilder {
        self.max_tokens = Some(name);
        self
    }

    /// A proxy for all requests but those to this machine, as a URL that may hold its user and password. None is used unless told: the
    /// environment is not read.
    pub fn proxy(mut self, url: impl Into<String>) -> OpenAiBuilder {
        self.proxy = Some(url.into());
        self
    }

    /// The certificates, as PEM, of the authorities to trust in place of those that the machine trusts: for servers
    /// with an authority of their own.
    pub fn root_certificates(mut self, pem: impl Into<Vec<u8>>) -> OpenAiBuilder {
        self.roots = Some(pem.into());
        self
    }

    /// The longest exchange, from asking for the key to the end of the answer: 10 minutes unless told otherwise. The
    /// agent's own timeout ends a call too.
    pub fn deadline(mut self, deadline: Duration) -> OpenAiBuilder {
        self.bounds.deadline = deadline;
        self
    }

    /// The longest wait for a connection, TLS included: 10 seconds unless told otherwise.
    pub fn connect_timeout(mut self, timeout: Duration) -> OpenAiBuilder {
        self.bounds.connect = timeout;
        self
    }

    /// The longest time without a byte from the server: 5 minutes unless told otherwise, since a model that thinks is
    /// silent.
    pub fn idle_timeout(mut self, timeout: Duration) -> OpenAiBuilder {
        self.bounds.idle = timeout;
        self
    }

    /// The most bytes of an answer, as they come off the wire: 64 MiB unless told otherwise. A stream has some 300
    /// bytes for each token.
    pub fn max_answer_bytes(mut self, bytes: u64) -> OpenAiBuilder {
        self.bounds.answer_bytes = bytes;
        self
    }

    /// The most bytes of an answer's headers: 64 KiB unless told otherwise. They are counted when they have arrived;
    /// the HTTP library itself takes no more than 100 headers and some 400 KiB.
    pub fn max_header_bytes(mut self, bytes: u64) -> OpenAiBuilder {
        self.bounds.header_bytes = bytes;
        self
    }

    /// The most bytes of one server-sent event: 4 MiB unless told otherwise. Some servers send all arguments of a tool
    /// call in one.
    pub fn max_event_bytes(mut self, bytes: usize) -> OpenAiBuilder {
        self.bounds.event_bytes = bytes;
        self
    }

    /// Checks everything and builds the provider. Reads the machine's certificates from its disk, and sends nothing.
    ///
    /// # Errors
    /// The first option that cannot be used.
    pub fn build(self) -> Result<OpenAiProvider, OpenAiError> {
        if let Some(option) = self.bounds.empty() {
            return Err(OpenAiError::Bound { option });
        }
        let mut plain_http = PlainHttp::default();
        for host in &self.plain_http {
            let allowed = plain_http.allow(host);
            allowed.map_err(|reason| OpenAiError::Address { option: "allow_plain_http", reason })?;
        }
        let address = |option: &'static str, text: &str| {
            let checked = Address::parse(text).and_then(|address| plain_http.check(&address).map(|()| address));
            checked.map_err(|reason| OpenAiError::Address { option, reason })
        };
        let own = address("base_url", self.base_url.as_deref().unwrap_or(OPENAI))?;
        let allowed = self.allowed.iter().map(|text| address("allow_base_url", text)).collect::<Result<_, _>>()?;
        let elsewhere = if self.any_address { Elsewhere::Any } else { Elsewhere::These(allowed) };
        for name in &self.parameters {
            if let Some(reason) = extra::why_not_allowed(name) {
                return Err(OpenAiError::Parameter { name: Arc::clone(name), reason });
            }
        }
        let proxy = match &self.proxy {
            // The library's own words may repeat the address.
            Some(url) => {
                let parsed =
                    Url::parse(url).ok().filter(|url| matches!(url.scheme(), "http" | "https") && url.has_host());
                let proxy = parsed.and_then(|url| Proxy::all(url).ok());
                let proxy = proxy.ok_or_else(|| OpenAiError::Address {
                    option: "proxy",
                    reason: "it is no URL of an HTTP proxy, such as `http://proxy.example.com:3128`".to_owned(),
                })?;
                Some(proxy.no_proxy(NoProxy::from_string(NO_PROXY)))
            }
            None => None,
        };
        let roots = match &self.roots {
            Some(pem) => Roots::Only(certificates(pem).map_err(|reason| OpenAiError::Certificates { reason })?),
            None => Roots::Platform,
        };
        let http = client::build(roots, proxy, self.bounds.connect).map_err(|reason| OpenAiError::Client { reason })?;
        Ok(OpenAiProvider::new(Settings {
            http,
            headers: headers(&self.headers)?,
            addresses: Addresses { own, key: self.key, elsewhere, plain_http },
            model: self.model,
            parameters: self.parameters,
            answers: self.answers,
            structured: self.structured,
            max_tokens: self.max_tokens,
            bounds: self.bounds,
        }))
    }
}

fn certificates(pem: &[u8]) -> Result<Vec<CertificateDer<'static>>, String> {
    let read: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(pem).collect();
    match read {
        Ok(none) if none.is_empty() => Err("the PEM text holds no certificate".to_owned()),
        Ok(certificates) => Ok(certificates),
        Err(error) => Err(format!("the text is not PEM: {error}")),
    }
}

/// Headers that the provider or the protocol sets.
const OURS: &[&str] = &[
    "accept",
    "accept-encoding",
    "connection",
    "content-length",
    "content-type",
    "host",
    "te",
    "traceparent",
    "trailer",
    "transfer-encoding",
    "upgrade",
];

fn headers(given: &[(String, String)]) -> Result<HeaderMap, OpenAiError> {
    let mut headers = HeaderMap::new();
    for (name, value) in given {
        let wrong = |reason: &'static str| OpenAiError::Header { name: name.clone(), reason };
        let key = HeaderName::from_bytes(name.as_bytes()).map_err(|_| wrong("it is not the name of a header"))?;
        if OURS.contains(&key.as_str()) {
            return Err(wrong("the provider sets it"));
        }
        if key == reqwest::header::AUTHORIZATION {
            return Err(wrong("the key stands in it; use `api_key` or `api_key_ref`"));
        }
        let mut value = HeaderValue::from_str(value).map_err(|_| wrong("its value holds what no header can"))?;
        value.set_sensitive(true);
        if headers.insert(key, value).is_some() {
            return Err(wrong("it is given twice"));
        }
    }
    Ok(headers)
}
