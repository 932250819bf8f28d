//! Whose certificates are believed.

use std::path::Path;
use std::sync::Arc;

use kneo_core::Value;
use kneo_core::plan::{McpServerDef, TlsDef};
use rcgen::{BasicConstraints, Certificate, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use rustls::RootCertStore;
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use rustls::server::WebPkiClientVerifier;
use tokio_rustls::TlsAcceptor;

use super::support::{Host, failed, http, name, no_arguments, until, with_http, with_secrets};
use super::web::{Web, well};

/// Somebody who signs certificates.
struct Authority(CertifiedIssuer<'static, KeyPair>);

struct Identity {
    certificate: Certificate,
    key: KeyPair,
}

impl Authority {
    fn new() -> Authority {
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        Authority(CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap())
    }

    fn sign(&self, host: &str) -> Identity {
        let key = KeyPair::generate().unwrap();
        let params = CertificateParams::new(vec![host.to_owned()]).unwrap();
        Identity { certificate: params.signed_by(&key, &self.0).unwrap(), key }
    }

    fn write(&self, file: &Path) {
        std::fs::write(file, self.0.pem()).unwrap();
    }

    fn roots(&self) -> RootCertStore {
        let mut roots = RootCertStore::empty();
        roots.add(self.0.der().clone()).unwrap();
        roots
    }
}

/// A server with this identity, that asks its clients for one if somebody is named who signs theirs.
async fn server(identity: &Identity, clients: Option<&Authority>) -> Web {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = rustls::ServerConfig::builder_with_provider(Arc::clone(&provider));
    let builder = builder.with_safe_default_protocol_versions().unwrap();
    let builder = match clients {
        Some(clients) => {
            let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(clients.roots()), provider);
            builder.with_client_cert_verifier(verifier.build().unwrap())
        }
        None => builder.with_no_client_auth(),
    };
    let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(identity.key.serialize_der()));
    let config = builder.with_single_cert(vec![identity.certificate.der().clone()], key).unwrap();
    Web::start_tls(TlsAcceptor::from(Arc::new(config)), well).await
}

fn with_tls(definition: McpServerDef, change: impl FnOnce(&mut TlsDef)) -> McpServerDef {
    with_http(definition, |http| change(&mut http.tls))
}

#[tokio::test]
async fn only_who_the_spec_or_the_system_names_is_believed() {
    let host = Host::new();
    let authority = Authority::new();
    authority.write(&host.path("ca.pem"));
    Authority::new().write(&host.path("other.pem"));
    let web = server(&authority.sign("localhost"), None).await;
    let bundle = |file: &'static str| move |tls: &mut TlsDef| tls.ca_bundle = Some(file.into());

    let named = with_tls(http(&web.url()), bundle("ca.pem"));
    assert_eq!(host.call(&named).await.unwrap(), Value::from("hello"));
    let insecure = with_tls(http(&web.url()), |tls| tls.insecure = true);
    assert_eq!(host.call(&insecure).await.unwrap(), Value::from("hello"));

    // The sessions that were dropped end in the background.
    until("both sessions to end", || (web.count("DELETE") == 2).then_some(())).await;
    let connections = web.seen().len();
    for (definition, says) in [
        (http(&web.url()), "name who signed it in `ca_bundle`"),
        (with_tls(http(&web.url()), bundle("other.pem")), "cannot be trusted: "),
        // The certificate is of another name.
        (with_tls(http(&web.at("127.0.0.1")), bundle("ca.pem")), "cannot be trusted: "),
    ] {
        let error = host.call(&definition).await.unwrap_err();
        assert_eq!((&*error.code, error.retryable), ("mcp_tls_failed", false), "{error:?}");
        assert!(error.message.contains(says), "{}", error.message);
    }
    assert_eq!(web.seen().len(), connections, "nothing is said to who is not believed");
}

#[tokio::test]
async fn a_server_may_ask_who_this_side_is() {
    let host = Host::new();
    let (authority, clients) = (Authority::new(), Authority::new());
    authority.write(&host.path("ca.pem"));
    let (mine, others) = (clients.sign("me"), Authority::new().sign("me"));
    std::fs::write(host.path("mine.pem"), mine.certificate.pem()).unwrap();
    std::fs::write(host.path("others.pem"), others.certificate.pem()).unwrap();
    let web = server(&authority.sign("localhost"), Some(&clients)).await;
    let shows = |file: Option<&'static str>| {
        with_tls(http(&web.url()), |tls| {
            tls.ca_bundle = Some("ca.pem".into());
            tls.client_cert = file.map(Into::into);
            tls.client_key_ref = file.map(|_| name("key"));
        })
    };
    let (key, other) = (mine.key.serialize_pem(), others.key.serialize_pem());
    let call = async |definition: &McpServerDef, key: &str| {
        host.server(definition).call("echo", no_arguments(), &with_secrets(&[("key", key)])).await
    };
    assert_eq!(call(&shows(Some("mine.pem")), &key).await.unwrap(), Value::from("hello"));
    // The session that was dropped ends in the background.
    web.one("DELETE").await;
    let seen = web.seen().len();
    for (definition, key, code, says) in [
        (shows(None), &*key, "mcp_tls_failed", "see `client_cert`"),
        (shows(Some("others.pem")), &*other, "mcp_tls_failed", "see `client_cert`"),
        (shows(Some("mine.pem")), &*other, "mcp_server_invalid", "cannot be used"),
        (shows(Some("mine.pem")), "no key", "mcp_server_invalid", "the secret `key` is no private key in PEM form"),
        (shows(Some("ca2.pem")), &*key, "mcp_server_invalid", "the file `"),
    ] {
        let (found, message) = failed(call(&definition, key).await);
        assert_eq!(found, code, "{message}");
        assert!(message.contains(says) && !message.contains("PRIVATE"), "{message}");
    }
    assert_eq!(web.seen().len(), seen);
    std::fs::write(host.path("mine.pem"), "no certificate").unwrap();
    let (code, message) = failed(call(&shows(Some("mine.pem")), &key).await);
    assert_eq!(code, "mcp_server_invalid");
    assert!(message.contains("it holds no certificate in PEM form"), "{message}");
}
