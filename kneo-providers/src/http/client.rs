//! The HTTP client: rustls on ring, one connection a call at a time, no redirects, no environment.

use std::sync::Arc;
use std::time::Duration;

use reqwest::redirect::Policy;
use reqwest::{Client, Proxy};
use rustls::crypto::CryptoProvider;
use rustls::pki_types::CertificateDer;
use rustls::{ClientConfig, RootCertStore};
use rustls_platform_verifier::Verifier;

/// How long a connection that nobody uses is kept for the next call.
const KEPT: Duration = Duration::from_secs(60);

/// Whose certificates are trusted.
#[derive(Debug)]
pub(crate) enum Roots {
    /// Those that the machine trusts.
    Platform,
    /// These and no others.
    Only(Vec<CertificateDer<'static>>),
}

/// A client, and why it can speak to nobody over TLS, if so.
#[derive(Debug, Clone)]
pub(crate) struct HttpClient {
    pub(crate) client: Client,
    pub(crate) no_tls: Option<Arc<str>>,
}

/// Builds a client.
///
/// The TLS configuration is this client's own: nothing is installed for the process, and what a host or another crate
/// has installed changes nothing. Every feature that another crate of the host may switch on in `reqwest` — HTTP/2,
/// compression, proxies of the system, cookies — is off here.
///
/// # Errors
/// Certificates that are none, or a client that cannot be built.
pub(crate) fn build(roots: Roots, proxy: Option<Proxy>, connect: Duration) -> Result<HttpClient, String> {
    let (tls, no_tls) = tls(roots)?;
    let mut builder = Client::builder()
        .tls_backend_preconfigured(tls)
        .user_agent(concat!("kneo/", env!("CARGO_PKG_VERSION")))
        .connect_timeout(connect)
        .pool_idle_timeout(KEPT)
        .redirect(Policy::none())
        .referer(false)
        .retry(reqwest::retry::never())
        .http1_only()
        .no_gzip()
        .no_brotli()
        .no_zstd()
        .no_deflate()
        .no_hickory_dns()
        .no_proxy();
    if let Some(proxy) = proxy {
        builder = builder.proxy(proxy);
    }
    let client = builder.build().map_err(|error| chain(&error))?;
    Ok(HttpClient { client, no_tls: no_tls.map(Arc::from) })
}

fn tls(roots: Roots) -> Result<(ClientConfig, Option<String>), String> {
    let crypto: Arc<CryptoProvider> = Arc::new(rustls::crypto::ring::default_provider());
    let builder = ClientConfig::builder_with_provider(Arc::clone(&crypto));
    let builder = builder.with_safe_default_protocol_versions().map_err(|error| error.to_string())?;
    let mut trusted = RootCertStore::empty();
    match roots {
        Roots::Only(certificates) => {
            certificates.into_iter().try_for_each(|one| trusted.add(one)).map_err(|error| error.to_string())?;
            Ok((builder.with_root_certificates(trusted).with_no_client_auth(), None))
        }
        Roots::Platform => match Verifier::new(crypto) {
            Ok(verifier) => {
                let builder = builder.dangerous().with_custom_certificate_verifier(Arc::new(verifier));
                Ok((builder.with_no_client_auth(), None))
            }
            // A bare container has no certificates and may need none, for a model on this machine.
            Err(error) => Ok((builder.with_root_certificates(trusted).with_no_client_auth(), Some(error.to_string()))),
        },
    }
}

/// An error with all its causes, none of which is told twice.
pub(crate) fn chain(error: &(dyn std::error::Error + 'static)) -> String {
    let mut said: Vec<String> = Vec::new();
    let mut next = Some(error);
    while let Some(error) = next {
        let text = error.to_string();
        if !said.iter().any(|earlier| earlier.contains(&text)) {
            said.push(text);
        }
        next = error.source();
    }
    said.join(": ")
}
