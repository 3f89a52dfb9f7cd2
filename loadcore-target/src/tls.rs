//! Turns a configuration into a TLS server with a certificate of its own, made at the start.
//!
//! A small authority signs one certificate for the server. Clients that are told to trust the
//! authority verify the target as they verify any server; nothing has to be switched off in a test.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::sync::Arc;

use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair,
    KeyUsagePurpose, SanType, date_time_ymd,
};
use rustls::ServerConfig;
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use tokio_rustls::TlsAcceptor;

use crate::config::{Certificate, HttpVersions};

/// What a target needs to speak TLS, and what its clients need to trust it.
pub(crate) struct Identity {
    pub(crate) acceptor: TlsAcceptor,
    pub(crate) ca_pem: String,
}

/// Why no certificate could be made.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TlsError {
    /// The certificate.
    #[error("could not make a certificate: {0}")]
    Certificate(#[from] rcgen::Error),
    /// The configuration of the TLS library.
    #[error("could not set up TLS: {0}")]
    Setup(#[from] rustls::Error),
}

/// Makes an authority, a certificate signed by it, and a server that shows it.
pub(crate) fn identity(
    certificate: Certificate,
    versions: HttpVersions,
    listen: Option<IpAddr>,
) -> Result<Identity, TlsError> {
    let ca_key = KeyPair::generate()?;
    let ca_params = authority_params()?;
    let ca = ca_params.self_signed(&ca_key)?;
    let issuer = Issuer::new(ca_params, ca_key);
    let key = KeyPair::generate()?;
    let leaf = server_params(certificate, listen)?.signed_by(&key, &issuer)?;

    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.serialize_der()));
    let mut config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .with_no_client_auth()
        .with_single_cert(vec![leaf.der().clone()], key)?;
    config.alpn_protocols = match versions {
        HttpVersions::Both => vec![b"h2".to_vec(), b"http/1.1".to_vec()],
        HttpVersions::Http1 => vec![b"http/1.1".to_vec()],
        HttpVersions::Http2 => vec![b"h2".to_vec()],
    };
    Ok(Identity { acceptor: TlsAcceptor::from(Arc::new(config)), ca_pem: ca.pem() })
}

fn authority_params() -> Result<CertificateParams, rcgen::Error> {
    let mut params = CertificateParams::new(Vec::<String>::new())?;
    params.distinguished_name.push(DnType::CommonName, "loadcore target authority");
    params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    Ok(params)
}

fn server_params(
    certificate: Certificate,
    listen: Option<IpAddr>,
) -> Result<CertificateParams, rcgen::Error> {
    let names = match certificate {
        Certificate::WrongName => vec!["wrong.invalid".to_owned()],
        _ => vec!["localhost".to_owned()],
    };
    let mut params = CertificateParams::new(names)?;
    params.distinguished_name.push(DnType::CommonName, "loadcore target");
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    if certificate != Certificate::WrongName {
        let loopback = [IpAddr::V4(Ipv4Addr::LOCALHOST), IpAddr::V6(Ipv6Addr::LOCALHOST)];
        for address in loopback.into_iter().chain(listen) {
            params.subject_alt_names.push(SanType::IpAddress(address));
        }
    }
    if certificate == Certificate::Expired {
        params.not_before = date_time_ymd(2000, 1, 1);
        params.not_after = date_time_ymd(2001, 1, 1);
    }
    Ok(params)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_kind_of_certificate_can_be_made() {
        for kind in [Certificate::Valid, Certificate::Expired, Certificate::WrongName] {
            let identity = identity(kind, HttpVersions::Both, None).ok().unwrap();
            assert!(identity.ca_pem.starts_with("-----BEGIN CERTIFICATE-----"));
        }
    }
}
