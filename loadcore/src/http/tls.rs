//! Turns TLS options into a rustls configuration.

use crate::request::{ErrorClass, Failure, certificates, private_key};
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::client::{WebPkiServerVerifier, verify_server_name};
use rustls::crypto::{CryptoProvider, aws_lc_rs, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime};
use rustls::server::ParsedCertificate;
use rustls::{
    CertificateError, ClientConfig, DigitallySignedStruct, RootCertStore, SignatureScheme,
};
use std::sync::Arc;
use std::{fmt, io};

/// How TLS connections are made.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct TlsOptions {
    /// Accept any certificate.
    pub insecure: bool,
    /// Certificates (PEM) to trust in the place of the system's.
    pub ca_pem: Option<Vec<u8>>,
    /// Our own certificate chain and key (PEM), for servers that ask for one.
    pub client_pem: Option<(Vec<u8>, Vec<u8>)>,
}

/// Without the private key.
impl fmt::Debug for TlsOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { insecure, ca_pem, client_pem } = self;
        f.debug_struct("TlsOptions")
            .field("insecure", insecure)
            .field("ca_pem", &ca_pem.as_ref().map(|pem| String::from_utf8_lossy(pem)))
            .field("client_pem", &client_pem.is_some())
            .finish()
    }
}

/// A TLS option that cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
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
    let builder = match &options.ca_pem {
        _ if options.insecure => {
            builder.dangerous().with_custom_certificate_verifier(Arc::new(AcceptAny { provider }))
        }
        Some(pem) => {
            builder.dangerous().with_custom_certificate_verifier(Given::new(pem, provider)?)
        }
        None => builder.with_root_certificates(system_roots()),
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

/// The system's authorities, else Mozilla's (a bare container has none).
fn system_roots() -> RootCertStore {
    let mut roots = RootCertStore::empty();
    roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    if roots.is_empty() {
        roots.extend(webpki_roots::TLS_SERVER_ROOTS.iter().cloned());
    }
    roots
}

type Identity = (Vec<CertificateDer<'static>>, PrivateKeyDer<'static>);

fn client_identity(chain: &[u8], key: &[u8]) -> Result<Identity, TlsError> {
    let chain = certificates(chain).map_err(TlsError::Client)?;
    let key = private_key(key).map_err(TlsError::Client)?;
    Ok((chain, key))
}

/// What a failed handshake says, with what to do where it is a matter of trust.
#[must_use]
pub fn handshake_failure(error: &io::Error) -> Failure {
    let inner = error.get_ref().and_then(|inner| inner.downcast_ref());
    // It stands first, for an example of a failure is cut off behind.
    let hint = match inner {
        Some(rustls::Error::InvalidCertificate(_)) => {
            " without trust (trust it by --cacert FILE, or any certificate by -k)"
        }
        _ => "",
    };
    Failure::text(ErrorClass::Tls, format_args!("tls handshake{hint}: {error}"))
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

/// Trusts what the given certificates have issued, and each of them itself: also one that is an
/// authority's, as self-signed ones mostly are, and one whose issuer is unknown. curl does so too.
#[derive(Debug)]
struct Given {
    usual: Arc<WebPkiServerVerifier>,
    certificates: Vec<CertificateDer<'static>>,
}

impl Given {
    fn new(pem: &[u8], provider: Arc<CryptoProvider>) -> Result<Arc<Self>, TlsError> {
        let unusable = TlsError::Ca;
        let certificates = certificates(pem).map_err(unusable)?;
        let mut roots = RootCertStore::empty();
        for certificate in &certificates {
            roots.add(certificate.clone()).map_err(|error| unusable(error.to_string()))?;
        }
        let usual = WebPkiServerVerifier::builder_with_provider(Arc::new(roots), provider).build();
        let usual = usual.map_err(|error| unusable(error.to_string()))?;
        Ok(Arc::new(Self { usual, certificates }))
    }

    /// Whether nothing is wrong with a given certificate but who has issued it. Its time was judged
    /// before that.
    fn is_given(&self, certificate: &CertificateDer<'_>, error: &rustls::Error) -> bool {
        let only_issuer = match error {
            rustls::Error::InvalidCertificate(CertificateError::UnknownIssuer) => true,
            rustls::Error::InvalidCertificate(CertificateError::Other(other)) => {
                format!("{other:?}").contains("CaUsedAsEndEntity")
            }
            _ => false,
        };
        only_issuer && self.certificates.iter().any(|given| given == certificate)
    }
}

impl ServerCertVerifier for Given {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        let usual = &self.usual;
        match usual.verify_server_cert(end_entity, intermediates, server_name, ocsp_response, now) {
            Err(error) if self.is_given(end_entity, &error) => {
                verify_server_name(&ParsedCertificate::try_from(end_entity)?, server_name)?;
                Ok(ServerCertVerified::assertion())
            }
            judged => judged,
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        self.usual.verify_tls12_signature(message, cert, dss)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        self.usual.verify_tls13_signature(message, cert, dss)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.usual.supported_verify_schemes()
    }
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
