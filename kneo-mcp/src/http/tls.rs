//! Whose certificates are believed, and what this side shows.

use std::io::Read;
use std::path::Path;
use std::sync::Arc;

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime};
use rustls::{ClientConfig, DigitallySignedStruct, RootCertStore, SignatureScheme};
use rustls_platform_verifier::Verifier;

use super::address::TlsFiles;
use crate::credentials::Credentials;
use crate::problem::Problem;

/// The most bytes of a file of certificates.
const MAX_FILE: u64 = 4 << 20;

/// A configuration of our own: no provider is installed for the whole process, and none that a host installed is used.
pub(super) fn config(secure: bool, files: &TlsFiles, credentials: &Credentials) -> Result<ClientConfig, Problem> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = ClientConfig::builder_with_provider(Arc::clone(&provider));
    let builder = builder.with_safe_default_protocol_versions().map_err(|error| unusable(&error))?;
    let builder = if !secure {
        // Plain HTTP shakes no hands; nobody is believed if it did.
        builder.with_root_certificates(RootCertStore::empty())
    } else {
        builder.dangerous().with_custom_certificate_verifier(verifier(files, provider)?)
    };
    let mut config = match &files.client {
        Some((file, key)) => {
            let chain = certificates("client_cert", file)?;
            let key = PrivateKeyDer::from_pem_slice(credentials.secret(key)?.as_bytes())
                .map_err(|_| Problem::Definition(format!("the secret `{key}` is no private key in PEM form")))?;
            builder.with_client_auth_cert(chain, key).map_err(|error| {
                Problem::Definition(format!("`client_cert` and the key of `client_key_ref` cannot be used: {error}"))
            })?
        }
        None => builder.with_no_client_auth(),
    };
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(config)
}

fn verifier(files: &TlsFiles, provider: Arc<CryptoProvider>) -> Result<Arc<dyn ServerCertVerifier>, Problem> {
    if files.insecure {
        return Ok(Arc::new(Anybody(provider)));
    }
    let verifier = match &files.ca_bundle {
        Some(file) => with_bundle(certificates("ca_bundle", file)?, provider)?,
        None => Verifier::new(provider).map_err(|error| unusable(&error))?,
    };
    Ok(Arc::new(verifier))
}

#[cfg(not(target_os = "android"))]
fn with_bundle(bundle: Vec<CertificateDer<'static>>, provider: Arc<CryptoProvider>) -> Result<Verifier, Problem> {
    Verifier::new_with_extra_roots(bundle, provider).map_err(|error| unusable(&error))
}

#[cfg(target_os = "android")]
fn with_bundle(_: Vec<CertificateDer<'static>>, _: Arc<CryptoProvider>) -> Result<Verifier, Problem> {
    Err(Problem::Unsupported("it takes no `ca_bundle`; add the certificate to the system's".into()))
}

fn certificates(name: &str, file: &Path) -> Result<Vec<CertificateDer<'static>>, Problem> {
    let wrong = |why: String| Problem::Definition(format!("the file `{}` of `{name}`: {why}", file.display()));
    let mut pem = Vec::new();
    let read = std::fs::File::open(file).and_then(|open| open.take(MAX_FILE + 1).read_to_end(&mut pem));
    match read {
        Ok(bytes) if bytes as u64 > MAX_FILE => return Err(wrong(format!("it has more than {MAX_FILE} bytes"))),
        Ok(_) => {}
        Err(error) => return Err(wrong(error.to_string())),
    }
    let certificates: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&pem).collect();
    match certificates {
        Ok(certificates) if certificates.is_empty() => Err(wrong("it holds no certificate in PEM form".to_owned())),
        Ok(certificates) => Ok(certificates),
        Err(error) => Err(wrong(error.to_string())),
    }
}

fn unusable(error: &rustls::Error) -> Problem {
    Problem::Tls(error.to_string())
}

/// Believes any certificate, as a spec with `verify: false` asks; that the server has its key is still checked.
#[derive(Debug)]
struct Anybody(Arc<CryptoProvider>);

impl ServerCertVerifier for Anybody {
    fn verify_server_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls12_signature(message, cert, dss, &self.0.signature_verification_algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls13_signature(message, cert, dss, &self.0.signature_verification_algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.signature_verification_algorithms.supported_schemes()
    }
}
