//! Turns PEM text into certificates, which may be shown, and into private keys, which never are.
//!
//! What is wrong with a text is said without a part of it: a private key may stand in the wrong place.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use rustls::RootCertStore;
use rustls::crypto::aws_lc_rs::sign::any_supported_type;
use rustls::pki_types::pem::{Error, PemObject};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::sign::CertifiedKey;
use std::fmt::{self, Write};
use std::sync::Arc;

/// What each PEM block begins with.
const BEGIN: &str = "-----BEGIN ";

/// Whether a text is PEM, or means to be.
pub(crate) fn is_pem(text: &str) -> bool {
    text.contains(BEGIN)
}

/// Whether there is a private key in it.
pub(crate) fn holds_key(text: &str) -> bool {
    text.split(BEGIN).skip(1).any(|block| block.split("-----").next().unwrap_or("").contains("KEY"))
}

/// Certificates: at least one, and nothing else.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Certificates(Arc<str>);

impl Certificates {
    /// Those of a PEM text. What else is in it, such as a key, is left out.
    ///
    /// # Errors
    /// When there is none, or one cannot be read.
    pub fn parse(pem: &[u8]) -> Result<Self, String> {
        let mut text = String::new();
        for certificate in certificates(pem)? {
            let one = RootCertStore::empty().add(certificate.clone());
            one.map_err(|error| format!("a certificate in it cannot be read: {error}"))?;
            text.push_str("-----BEGIN CERTIFICATE-----\n");
            // RFC 7468 section 2: 64 characters in a line.
            for line in STANDARD.encode(&certificate).as_bytes().chunks(64) {
                let _ = writeln!(text, "{}", String::from_utf8_lossy(line));
            }
            text.push_str("-----END CERTIFICATE-----\n");
        }
        Ok(Self(text.into()))
    }

    /// As PEM.
    #[must_use]
    pub fn pem(&self) -> &str {
        &self.0
    }
}

/// A certificate that says who we are, those that issued it, and its private key.
#[derive(Clone, PartialEq, Eq)]
pub struct Identity {
    certificate: Certificates,
    key: Arc<str>,
}

impl Identity {
    /// A certificate with its key, as PEM.
    ///
    /// # Errors
    /// When the key cannot be read or is another certificate's.
    pub fn new(certificate: Certificates, key: &str) -> Result<Self, String> {
        let private = private_key(key.as_bytes())?;
        let unusable = |_| "is of a kind that TLS has no signature for".to_owned();
        let signs = any_supported_type(&private).map_err(unusable)?;
        let chain = certificates(certificate.0.as_bytes())?;
        let fits = CertifiedKey::new(chain, signs).keys_match();
        fits.map_err(|_| "is not the key of clientCertificate.certificate".to_owned())?;
        Ok(Self { certificate, key: key.into() })
    }

    /// The certificate and those that issued it.
    #[must_use]
    pub fn certificate(&self) -> &Certificates {
        &self.certificate
    }

    /// The private key, as PEM: for making connections, never for showing.
    #[must_use]
    pub fn secret_key(&self) -> &str {
        &self.key
    }
}

impl fmt::Debug for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Identity").field("certificate", &self.certificate).finish_non_exhaustive()
    }
}

/// The certificates of a PEM text: at least one.
///
/// # Errors
/// When there is none, or one cannot be read.
pub fn certificates(pem: &[u8]) -> Result<Vec<CertificateDer<'static>>, String> {
    let all: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(pem).collect();
    match all {
        Ok(all) if !all.is_empty() => Ok(all),
        Ok(_) => Err("there is no PEM block of a certificate in it".into()),
        Err(error) => Err(why(&error).into()),
    }
}

/// The first private key of a PEM text.
///
/// # Errors
/// When there is none, or it cannot be read: without a part of the text.
pub fn private_key(pem: &[u8]) -> Result<PrivateKeyDer<'static>, String> {
    PrivateKeyDer::from_pem_slice(pem).map_err(|error| match error {
        Error::NoItemsFound if pem.windows(9).any(|it| it == b"ENCRYPTED") => {
            "is encrypted; give it without a passphrase".into()
        }
        Error::NoItemsFound => "there is no PEM block of a private key in it".into(),
        other => why(&other).into(),
    })
}

/// Without the text that is wrong.
fn why(error: &Error) -> &'static str {
    match error {
        Error::MissingSectionEnd { .. } => {
            "a PEM block in it has no end, or its line breaks are lost"
        }
        Error::IllegalSectionStart { .. } => "the first line of a PEM block in it is damaged",
        Error::Base64Decode(_) => "a PEM block in it is not base64",
        _ => "its PEM is damaged",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn made() -> (String, String) {
        let key = rcgen::KeyPair::generate().unwrap();
        let params = rcgen::CertificateParams::new(vec!["a.test".to_owned()]).unwrap();
        (params.self_signed(&key).unwrap().pem(), key.serialize_pem())
    }

    #[test]
    fn only_certificates_are_kept() {
        let (one, key) = made();
        let (other, _) = made();
        let all = format!("a note\n{one}{key}{}", other.replace('\n', "\r\n"));
        let kept = Certificates::parse(all.as_bytes()).unwrap();
        assert!(!kept.pem().contains("KEY") && !kept.pem().contains("note"));
        assert_eq!(certificates(kept.pem().as_bytes()).unwrap().len(), 2);
        assert_eq!(Certificates::parse(kept.pem().as_bytes()).unwrap(), kept);
    }

    #[test]
    fn an_identity_is_a_certificate_and_its_own_key_and_does_not_show_that() {
        let (pem, key) = made();
        let certificate = Certificates::parse(pem.as_bytes()).unwrap();
        let identity = Identity::new(certificate.clone(), &key).unwrap();
        let shown = format!("{identity:?}");
        assert!(key.lines().all(|line| !shown.contains(line)), "{shown}");
        let (_, other) = made();
        let error = Identity::new(certificate, &other).unwrap_err();
        assert_eq!(error, "is not the key of clientCertificate.certificate");
    }

    #[test]
    fn what_is_wrong_is_told_without_a_part_of_it() {
        let (pem, key) = made();
        let secret = key.lines().nth(1).unwrap();
        let cut = &key[..key.len() - 20];
        let one_line = key.replace('\n', "");
        for (text, why) in [
            ("", "no PEM block of a private key"),
            (&*pem, "no PEM block of a private key"),
            (cut, "has no end"),
            (&*one_line, "line breaks are lost"),
            (&*key.replace(secret, &format!("{secret}*")), "is not base64"),
            (&*key.replace("PRIVATE", "ENCRYPTED PRIVATE"), "without a passphrase"),
        ] {
            let error = private_key(text.as_bytes()).unwrap_err();
            assert!(error.contains(why) && !error.contains(&secret[..20]), "{error}");
        }
        for (text, why) in [
            ("hello", "no PEM block of a certificate"),
            (&*key, "no PEM block of a certificate"),
            (
                "-----BEGIN CERTIFICATE-----\naGVsbG8=\n-----END CERTIFICATE-----\n",
                "cannot be read",
            ),
        ] {
            let error = Certificates::parse(text.as_bytes()).unwrap_err();
            assert!(error.contains(why), "{text}: {error}");
        }
        assert!(holds_key(&key) && holds_key(&format!("{pem}{key}")) && !holds_key(&pem));
        assert!(is_pem(&pem) && !is_pem("ca.pem"));
    }
}
