//! Spans and metrics to a collector, by OTLP over HTTP.

use std::error::Error;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use opentelemetry_http::{Bytes, HttpClient, HttpError, Request, Response};
use opentelemetry_otlp::{MetricExporter, Protocol, SpanExporter, WithExportConfig as _, WithHttpConfig as _};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::metrics::{PeriodicReader, SdkMeterProvider, Temporality};
use reqwest::header::{CONTENT_ENCODING, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue};
use reqwest::redirect::Policy;
use rustls::crypto::CryptoProvider;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;
use rustls::{ClientConfig, RootCertStore};
use rustls_platform_verifier::Verifier;
use tokio::runtime::Handle;

use crate::error::BuildError;
use crate::export::Workplace;
use crate::trouble::Trouble;

/// How often metrics are sent, unless the host says otherwise.
const INTERVAL: Duration = Duration::from_secs(60);

/// The paths that are added to an address.
const SIGNALS: [&str; 3] = ["/v1/traces", "/v1/metrics", "/v1/logs"];

/// A collector that takes OTLP over HTTP, such as the OpenTelemetry Collector, Jaeger, Tempo or Phoenix.
///
/// Bodies are Protobuf, sent to `<endpoint>/v1/traces` and `<endpoint>/v1/metrics`. An answer of 429, 502, 503 or 504
/// and a broken connection are tried again within [`export_timeout`](crate::OtelObserverBuilder::export_timeout); any
/// other answer drops the batch. Redirects are not followed. TLS is rustls with the roots of the platform, or those that
/// are given.
///
/// What is sent, where and how often is said here and nowhere else: the exporter is that of `opentelemetry-otlp`, which
/// looks for variables of the environment, and they change nothing. One would count in a program that builds that crate
/// with a feature for compression, which this crate does not: `OTEL_EXPORTER_OTLP_COMPRESSION`.
///
/// ```
/// use kneo_otel::{OtelObserver, Otlp};
/// use opentelemetry_sdk::Resource;
///
/// # fn main() -> Result<(), kneo_otel::BuildError> {
/// let observer = OtelObserver::builder()
///     .otlp(Otlp::new("http://localhost:4318"))
///     .resource(Resource::builder().with_service_name("reports").build())
///     .build()?;
/// # drop(observer);
/// # Ok(()) }
/// ```
#[derive(Clone)]
pub struct Otlp {
    endpoint: String,
    headers: Vec<(String, String)>,
    roots: Option<Vec<u8>>,
    interval: Option<Duration>,
    metrics: bool,
}

impl Otlp {
    /// A collector at a URL, without the path of a signal: one that ends in `/v1/traces` or its like is refused when the
    /// observer is built.
    pub fn new(endpoint: impl Into<String>) -> Otlp {
        Otlp { endpoint: endpoint.into(), headers: Vec::new(), roots: None, interval: None, metrics: true }
    }

    /// Adds a header to each request, such as the one that authorises it; by plain `http` everybody on the way reads it. Its value is not shown by `Debug`, nor in
    /// errors.
    #[must_use]
    pub fn header(mut self, name: impl Into<String>, value: impl Into<String>) -> Otlp {
        self.headers.push((name.into(), value.into()));
        self
    }

    /// Trusts the certificates of a PEM file, and no others.
    #[must_use]
    pub fn trust(mut self, pem: impl Into<Vec<u8>>) -> Otlp {
        self.roots = Some(pem.into());
        self
    }

    /// How often metrics are sent; a minute unless given.
    #[must_use]
    pub fn metrics_interval(mut self, interval: Duration) -> Otlp {
        self.interval = Some(interval);
        self
    }

    /// Sends no metrics.
    #[must_use]
    pub fn without_metrics(mut self) -> Otlp {
        self.metrics = false;
        self
    }

    pub(crate) fn has_metrics(&self) -> bool {
        self.metrics
    }

    /// Makes what sends, on the runtime of the exporting thread.
    pub(crate) fn build(
        self,
        workplace: &Workplace,
        resource: &Resource,
        timeout: Duration,
        trouble: Trouble,
    ) -> Result<Sent, BuildError> {
        let client = self.client(workplace.handle().cloned(), timeout, trouble)?;
        let endpoint = self.endpoint.trim_end_matches('/');
        let mut exporter = SpanExporter::builder()
            .with_http()
            .with_http_client(client.clone())
            .with_endpoint(format!("{endpoint}/v1/traces"))
            .with_protocol(Protocol::HttpBinary)
            .with_timeout(timeout)
            .build()
            .map_err(|error| refused(&error.to_string()))?;
        opentelemetry_sdk::trace::SpanExporter::set_resource(&mut exporter, resource);
        let meter_provider = match self.metrics {
            false => None,
            true => {
                let exporter = MetricExporter::builder()
                    .with_http()
                    .with_http_client(client)
                    .with_endpoint(format!("{endpoint}/v1/metrics"))
                    .with_protocol(Protocol::HttpBinary)
                    .with_temporality(Temporality::Cumulative)
                    .with_timeout(timeout)
                    .build()
                    .map_err(|error| refused(&error.to_string()))?;
                let reader = PeriodicReader::builder(exporter).with_interval(self.interval.unwrap_or(INTERVAL)).build();
                Some(SdkMeterProvider::builder().with_reader(reader).with_resource(resource.clone()).build())
            }
        };
        Ok(Sent { exporter, meter_provider })
    }

    fn client(&self, runtime: Option<Handle>, timeout: Duration, trouble: Trouble) -> Result<Client, BuildError> {
        let url = reqwest::Url::parse(&self.endpoint).ok();
        let url = url.filter(|url| matches!(url.scheme(), "http" | "https") && url.host().is_some());
        let url = url.ok_or_else(|| refused("what is no such address"))?;
        if let Some(signal) = SIGNALS.iter().find(|signal| url.path().trim_end_matches('/').ends_with(**signal)) {
            let value = format!("an address that ends in `{signal}`");
            let help = "the path of each signal is added to it: leave it out, as in http://localhost:4318";
            return Err(BuildError::Option { option: "otlp", value, help });
        }
        let mut headers = HeaderMap::new();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/x-protobuf"));
        for (name, value) in &self.headers {
            let (Ok(key), Ok(mut value)) = (name.parse::<HeaderName>(), HeaderValue::from_str(value)) else {
                let (option, value) = ("header", format!("`{name}` with its value"));
                return Err(BuildError::Option {
                    option,
                    value,
                    help: "a name and a value of HTTP, without line ends",
                });
            };
            value.set_sensitive(true);
            headers.insert(key, value);
        }
        if self.interval.is_some_and(|interval| interval < Duration::from_millis(1)) {
            let (option, value) = ("metrics_interval", format!("{:?}", self.interval.unwrap_or_default()));
            return Err(BuildError::Option { option, value, help: "a millisecond at least" });
        }
        let client = reqwest::Client::builder()
            .tls_backend_preconfigured(self.tls()?)
            .user_agent(concat!("kneo-otel/", env!("CARGO_PKG_VERSION")))
            .timeout(timeout)
            .redirect(Policy::none())
            .referer(false)
            .retry(reqwest::retry::never())
            .http1_only()
            .no_gzip()
            .no_brotli()
            .no_zstd()
            .no_deflate()
            .no_hickory_dns()
            .no_proxy()
            .build()
            .map_err(|error| refused(&error.to_string()))?;
        Ok(Client { client, headers, runtime, trouble })
    }

    /// A configuration of this client's own: nothing is installed for the process.
    fn tls(&self) -> Result<ClientConfig, BuildError> {
        let help = "certificates in PEM, as in the file of a certificate authority";
        let bad = |error: &dyn fmt::Display| BuildError::Option { option: "trust", value: error.to_string(), help };
        let crypto: Arc<CryptoProvider> = Arc::new(rustls::crypto::ring::default_provider());
        let builder = ClientConfig::builder_with_provider(Arc::clone(&crypto));
        let builder = builder.with_safe_default_protocol_versions().map_err(|error| bad(&error))?;
        let mut roots = RootCertStore::empty();
        let Some(pem) = &self.roots else {
            return Ok(match Verifier::new(crypto) {
                Ok(verifier) => {
                    let builder = builder.dangerous().with_custom_certificate_verifier(Arc::new(verifier));
                    builder.with_no_client_auth()
                }
                // A bare container has no certificates, and needs none for a collector beside it.
                Err(_) => builder.with_root_certificates(roots).with_no_client_auth(),
            });
        };
        for certificate in CertificateDer::pem_slice_iter(pem) {
            let certificate = certificate.map_err(|error| bad(&error))?;
            roots.add(certificate).map_err(|error| bad(&error))?;
        }
        if roots.is_empty() {
            return Err(bad(&"a text without certificates"));
        }
        Ok(builder.with_root_certificates(roots).with_no_client_auth())
    }
}

/// An address without the user and the password that may stand in it.
fn without_credentials(endpoint: &str) -> &str {
    if endpoint.contains('@') { "[with credentials]" } else { endpoint }
}

fn refused(value: &str) -> BuildError {
    let help = "it takes the URL of a collector, such as http://localhost:4318";
    BuildError::Option { option: "otlp", value: value.to_owned(), help }
}

/// What sends.
pub(crate) struct Sent {
    pub(crate) exporter: SpanExporter,
    pub(crate) meter_provider: Option<SdkMeterProvider>,
}

/// Sends on the exporting thread's runtime, whoever asks: metrics come from a thread without one.
#[derive(Clone, Debug)]
struct Client {
    client: reqwest::Client,
    /// All that go with a request: the exporter's own would hold those of the environment.
    headers: HeaderMap,
    runtime: Option<Handle>,
    /// What the exporters, which try again by themselves, do not tell.
    trouble: Trouble,
}

#[async_trait]
impl HttpClient for Client {
    async fn send_bytes(&self, mut request: Request<Bytes>) -> Result<Response<Bytes>, HttpError> {
        let encoding = request.headers_mut().remove(CONTENT_ENCODING);
        *request.headers_mut() = self.headers.clone();
        // The body is compressed already.
        if let Some(encoding) = encoding.filter(|encoding| encoding == "gzip" || encoding == "zstd") {
            request.headers_mut().insert(CONTENT_ENCODING, encoding);
        }
        let client = self.client.clone();
        let runtime = self.runtime.as_ref().ok_or("the exporting thread has ended")?;
        let place = shown(&request);
        let sent = runtime.spawn(async move { client.send_bytes(request).await });
        // Whoever no longer waits stops the request.
        let sent = AbortOnDrop(sent).await;
        match &sent {
            Ok(answer) if answer.status().is_success() => self.trouble.is_over(&place),
            Ok(answer) => self.trouble.note(&place, format!("`{place}` answered {}", answer.status())),
            Err(error) => self.trouble.note(&place, format!("`{place}` cannot be asked: {}", deepest(&**error))),
        }
        sent
    }
}

/// Where a request goes, without what may be secret in it.
fn shown(request: &Request<Bytes>) -> String {
    let uri = request.uri();
    let host = uri.authority().map_or("", |authority| authority.as_str().rsplit('@').next().unwrap_or_default());
    format!("{}://{host}{}", uri.scheme_str().unwrap_or_default(), uri.path())
}

/// The text of the last cause, which says most and names no address.
fn deepest(error: &(dyn Error + 'static)) -> String {
    let mut deepest = error;
    while let Some(source) = deepest.source() {
        deepest = source;
    }
    match deepest.downcast_ref::<reqwest::Error>() {
        // Its own text may name the address.
        Some(error) if error.is_timeout() => "no answer in time".to_owned(),
        Some(_) => "the connection failed".to_owned(),
        None => deepest.to_string(),
    }
}

/// A task that ends with whoever waits for it.
struct AbortOnDrop(tokio::task::JoinHandle<Result<Response<Bytes>, HttpError>>);

impl Future for AbortOnDrop {
    type Output = Result<Response<Bytes>, HttpError>;

    fn poll(mut self: std::pin::Pin<&mut Self>, context: &mut std::task::Context<'_>) -> std::task::Poll<Self::Output> {
        std::pin::Pin::new(&mut self.0).poll(context).map(|joined| joined.unwrap_or_else(|error| Err(error.into())))
    }
}

impl Drop for AbortOnDrop {
    fn drop(&mut self) {
        self.0.abort();
    }
}

impl fmt::Debug for Otlp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<&str> = self.headers.iter().map(|(name, _)| &**name).collect();
        f.debug_struct("Otlp")
            .field("endpoint", &without_credentials(&self.endpoint))
            .field("headers", &names)
            .field("metrics", &self.metrics)
            .finish_non_exhaustive()
    }
}
