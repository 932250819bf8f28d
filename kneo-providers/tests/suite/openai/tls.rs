//! Servers behind TLS.

use std::sync::Arc;

use kneo_core::provider::Provider as _;
use kneo_core::secret::Secret;
use kneo_providers::openai::{OpenAiBuilder, OpenAiProvider};
use rustls::ServerConfig;
use rustls::crypto::CryptoProvider;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;

use super::super::support::at;
use super::{KEY, asked, question};

/// An authority of these tests' own, and a certificate of it for `localhost` and 127.0.0.1; both for a hundred years.
/// The key of the authority is nowhere.
const AUTHORITY: &str = include_str!("../../data/authority.pem");
const CERTIFICATE: &str = include_str!("../../data/localhost.pem");
const CERTIFICATE_KEY: &str = include_str!("../../data/localhost.key.pem");

/// A server that gives its list of models over TLS; its port.
async fn tls_server() -> u16 {
    let certificate = CertificateDer::from_pem_slice(CERTIFICATE.as_bytes()).unwrap();
    let key = PrivateKeyDer::from_pem_slice(CERTIFICATE_KEY.as_bytes()).unwrap();
    let crypto = Arc::new(rustls::crypto::ring::default_provider());
    let config = ServerConfig::builder_with_provider(crypto)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![certificate], key)
        .unwrap();
    let acceptor = TlsAcceptor::from(Arc::new(config));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let acceptor = acceptor.clone();
            tokio::spawn(async move {
                let Ok(mut stream) = acceptor.accept(stream).await else { return };
                let mut head = Vec::new();
                while !head.windows(4).any(|window| window == b"\r\n\r\n") {
                    if stream.read_buf(&mut head).await.unwrap_or(0) == 0 {
                        return;
                    }
                }
                let body = r#"{"data":[{"id":"gpt-test"}]}"#;
                let answer = format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n{body}", body.len());
                let _ = stream.write_all(answer.as_bytes()).await;
                let _ = stream.shutdown().await;
            });
        }
    });
    port
}

fn builder(host: &str, port: u16) -> OpenAiBuilder {
    let key = Secret::new(KEY.to_owned());
    OpenAiProvider::builder().base_url(format!("https://{host}:{port}/v1")).api_key(key).default_model("gpt-test")
}

#[tokio::test]
async fn a_server_is_trusted_by_the_hosts_authority_and_nothing_is_installed_for_the_process() {
    let port = tls_server().await;
    for host in ["localhost", "127.0.0.1"] {
        let provider = builder(host, port).root_certificates(AUTHORITY).build().unwrap();
        provider.check(&question(), &at("", 1)).await.unwrap();
    }
    assert!(CryptoProvider::get_default().is_none(), "the process has a default that it did not have");
}

#[tokio::test]
async fn a_server_that_nobody_vouches_for_is_not_sent_the_key() {
    let port = tls_server().await;
    for provider in [
        // The machine's authorities, or an authority that has signed something else.
        builder("localhost", port).build().unwrap(),
        builder("localhost", port).root_certificates(CERTIFICATE).build().unwrap(),
    ] {
        let error = asked(&provider).await.answer.unwrap_err();
        assert_eq!((&*error.code, error.retryable), ("provider_untrusted", false), "{error}");
    }
    // Another name than that of the certificate.
    let provider = builder("127.0.0.2", port).root_certificates(AUTHORITY).build().unwrap();
    let error = asked(&provider).await.answer.unwrap_err();
    assert!(["provider_untrusted", "provider_unreachable"].contains(&&*error.code), "{error}");
}

#[tokio::test]
async fn a_server_without_tls_is_not_spoken_to_as_if_it_had_it() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("https://{}/v1", listener.local_addr().unwrap());
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let _ = stream.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n").await;
            let _ = stream.read_to_end(&mut Vec::new()).await;
        }
    });
    let provider = OpenAiProvider::builder().base_url(url).default_model("m").build().unwrap();
    let error = asked(&provider).await.answer.unwrap_err();
    assert_eq!((&*error.code, error.retryable), ("provider_unreachable", true), "{error}");
}
