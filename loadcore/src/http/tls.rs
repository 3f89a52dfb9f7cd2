//! TLS options into a rustls configuration.

use crate::request::{ErrorClass, Failure};
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, aws_lc_rs, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime};
use rustls::{ClientConfig, DigitallySignedStruct, RootCertStore, SignatureScheme};
use std::io;
use std::sync::Arc;

/// How TLS connections are made.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TlsOptions {
    /// Accept any certificate.
    pub insecure: bool,
    /// Certificates (PEM) to trust in the place of the system's.
    pub ca_pem: Option<Vec<u8>>,
    /// Our own certificate chain and key (PEM), for servers that ask for one.
    pub client_pem: Option<(Vec<u8>, Vec<u8>)>,
}

/// A TLS option that cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// The CA file.
    #[error("the CA file holds no usable certificate: {0}")]
    Ca(String),
    /// The client's certificate or key.
    #[error("the client certificate and key cannot be used: {0}")]
    Client(String),
    /// rustls refused the configuration.
    #[error("tls cannot be set up: {0}")]
    Setup(#[from] rustls::Error),
}

/// The configuration for all connections of a run, which offers `alpn`.
///
/// # Errors
/// When a given certificate or key cannot be read or does not fit.
pub fn config(options: &TlsOptions, alpn: &[&[u8]]) -> Result<Arc<ClientConfig>, TlsError> {
    let provider = Arc::new(aws_lc_rs::default_provider());
    // The first random bytes of a process take some 20 ms of a processor to gather. No handshake is to
    // pay for them, nor an engine thread.
    let random = provider.secure_random.fill(&mut [0]);
    random.map_err(|_| rustls::Error::FailedToGetRandomBytes)?;
    let builder = ClientConfig::builder_with_provider(Arc::clone(&provider))
        .with_safe_default_protocol_versions()?;
    let builder = if options.insecure {
        builder.dangerous().with_custom_certificate_verifier(Arc::new(AcceptAny { provider }))
    } else {
        builder.with_root_certificates(roots(options.ca_pem.as_deref())?)
    };
    let mut config = match &options.client_pem {
        None => builder.with_no_client_auth(),
        Some((chain, key)) => {
            let (chain, key) = client_identity(chain, key)?;
            builder
                .with_client_auth_cert(chain, key)
                .map_err(|e| TlsError::Client(e.to_string()))?
        }
    };
    config.alpn_protocols = alpn.iter().map(|name| name.to_vec()).collect();
    Ok(Arc::new(config))
}

/// The given authorities, else the system's, else Mozilla's (a bare container has none).
fn roots(ca_pem: Option<&[u8]>) -> Result<RootCertStore, TlsError> {
    let mut roots = RootCertStore::empty();
    if let Some(pem) = ca_pem {
        for certificate in CertificateDer::pem_slice_iter(pem) {
            let certificate = certificate.map_err(|e| TlsError::Ca(e.to_string()))?;
            roots.add(certificate).map_err(|e| TlsError::Ca(e.to_string()))?;
        }
        return if roots.is_empty() {
            Err(TlsError::Ca("there is no PEM block of a certificate in it".into()))
        } else {
            Ok(roots)
        };
    }
    roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    if roots.is_empty() {
        roots.extend(webpki_roots::TLS_SERVER_ROOTS.iter().cloned());
    }
    Ok(roots)
}

type Identity = (Vec<CertificateDer<'static>>, PrivateKeyDer<'static>);

fn client_identity(chain: &[u8], key: &[u8]) -> Result<Identity, TlsError> {
    let chain: Vec<_> = CertificateDer::pem_slice_iter(chain)
        .collect::<Result<_, _>>()
        .map_err(|e| TlsError::Client(e.to_string()))?;
    if chain.is_empty() {
        return Err(TlsError::Client("there is no PEM block of a certificate".into()));
    }
    let key = PrivateKeyDer::from_pem_slice(key).map_err(|e| TlsError::Client(e.to_string()))?;
    Ok((chain, key))
}

/// What a failed handshake says, with what to do where a certificate is used as it may not be.
#[must_use]
pub fn handshake_failure(error: &io::Error) -> Failure {
    let text = error.to_string();
    let hint = if text.contains("CaUsedAsEndEntity") {
        ": the server's own certificate is marked as an authority's (it is self-signed, say); issue one \
         that is not, by an authority that --cacert names, or accept any with --insecure"
    } else {
        ""
    };
    Failure::text(ErrorClass::Tls, format_args!("tls handshake: {text}{hint}"))
}

/// An error of reading or writing a connection. With TLS 1.3 a server refuses our certificate, or that
/// there is none, only after the handshake.
#[must_use]
pub fn failure_of(class: ErrorClass, error: io::Error) -> Failure {
    if error.get_ref().is_some_and(|inner| inner.is::<rustls::Error>()) {
        return Failure::text(ErrorClass::Tls, format_args!("tls: {error}"));
    }
    Failure::io(class, error)
}

/// Accepts every certificate, as `--insecure` asks; signatures are still checked, so that the
/// handshake costs what a real one costs.
#[derive(Debug)]
struct AcceptAny {
    provider: Arc<CryptoProvider>,
}

impl ServerCertVerifier for AcceptAny {
    fn verify_server_cert(
        &self,
        _end_entity: &CertificateDer<'_>,
        _intermediates: &[CertificateDer<'_>],
        _server_name: &ServerName<'_>,
        _ocsp_response: &[u8],
        _now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls12_signature(message, cert, dss, &self.provider.signature_verification_algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls13_signature(message, cert, dss, &self.provider.signature_verification_algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider.signature_verification_algorithms.supported_schemes()
    }
}
