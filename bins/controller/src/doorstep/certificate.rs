//! Turns a certificate and its key, in files, into TLS for whoever connects, and reads them again when
//! they change.

use loadcore::http::{TlsOptions, tls_config};
use loadcore::request::{certificates, private_key};
use rustls::ServerConfig;
use rustls::crypto::aws_lc_rs;
use rustls::pki_types::ServerName;
use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;
use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;
use tokio::net::TcpStream;
use tokio::task::spawn_blocking;
use tokio::time::sleep;
use tokio_rustls::client::TlsStream;
use tokio_rustls::{TlsAcceptor, TlsConnector};

/// How often it is looked whether the files have changed.
const LOOK: Duration = Duration::from_secs(3);
/// The most bytes of a file.
const MOST_BYTES: u64 = 1 << 20;
/// What is offered to those who ask for a protocol, the best first.
const PROTOCOLS: [&[u8]; 2] = [b"h2", b"http/1.1"];

/// Where a certificate and its key are, in PEM.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Files {
    /// The certificate, and behind it those that issued it.
    pub certificate: PathBuf,
    /// Its private key.
    pub key: PathBuf,
}

/// What the files hold: the certificate and the key.
type Texts = (Vec<u8>, Vec<u8>);

/// A certificate that is shown to whoever connects.
pub struct Certificate {
    files: Files,
    /// What was read last, whether it can be used or not.
    last: Result<Texts, String>,
    shown: Arc<Shown>,
}

/// The certificate of the next handshake.
#[derive(Debug)]
struct Shown(RwLock<Arc<CertifiedKey>>);

impl ResolvesServerCert for Shown {
    fn resolve(&self, _: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(Arc::clone(&self.0.read().unwrap_or_else(PoisonError::into_inner)))
    }
}

impl Certificate {
    /// Reads the files.
    ///
    /// # Errors
    /// When one cannot be read, or holds nothing that is used here, or they do not belong together.
    pub fn open(files: Files) -> Result<Self, String> {
        let texts = files.read()?;
        let shown = Arc::new(Shown(RwLock::new(files.pair(&texts)?)));
        Ok(Self { files, last: Ok(texts), shown })
    }

    /// What makes TLS 1.2 or 1.3 of a connection, with whatever certificate is shown then.
    ///
    /// # Errors
    /// What rustls says against it.
    pub fn acceptor(&self) -> Result<TlsAcceptor, String> {
        let builder = ServerConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
            .with_safe_default_protocol_versions()
            .map_err(|error| format!("TLS cannot be set up: {error}"))?;
        let shown: Arc<dyn ResolvesServerCert> = Arc::clone(&self.shown) as _;
        let mut config = builder.with_no_client_auth().with_cert_resolver(shown);
        config.alpn_protocols = PROTOCOLS.map(<[u8]>::to_vec).into();
        Ok(TlsAcceptor::from(Arc::new(config)))
    }

    /// Shows what the files hold whenever they change, and says so in the log. What cannot be used is
    /// said once, and the certificate before it stays. Never ends.
    pub async fn follow(mut self) {
        loop {
            sleep(LOOK).await;
            let looked = spawn_blocking(move || {
                let news = self.look();
                (self, news)
            });
            let Ok((same, news)) = looked.await else { return };
            self = same;
            let name = self.files.certificate.display();
            match news {
                None => {}
                Some(Ok(())) => {
                    tracing::info!("the certificate in {name} is another one, and is shown")
                }
                Some(Err(why)) => {
                    tracing::error!("{why}; the certificate before it is shown still")
                }
            }
        }
    }

    /// Reads the files again; `None` where they are what they were.
    fn look(&mut self) -> Option<Result<(), String>> {
        let read = self.files.read();
        if read == self.last {
            return None;
        }
        let pair = read.as_ref().map_err(Clone::clone).and_then(|texts| self.files.pair(texts));
        self.last = read;
        Some(pair.map(|pair| {
            *self.shown.0.write().unwrap_or_else(PoisonError::into_inner) = pair;
        }))
    }
}

impl Files {
    fn read(&self) -> Result<Texts, String> {
        let certificate = read(&self.certificate).map_err(|why| self.certificate_fault(&why))?;
        let key = read(&self.key).map_err(|why| self.key_fault(&why))?;
        Ok((certificate, key))
    }

    fn pair(&self, (certificate, key): &Texts) -> Result<Arc<CertifiedKey>, String> {
        let chain = certificates(certificate).map_err(|why| self.certificate_fault(&why))?;
        let key = private_key(key).map_err(|why| self.key_fault(&why))?;
        let pair = CertifiedKey::from_der(chain, key, &aws_lc_rs::default_provider());
        pair.map(Arc::new).map_err(|error| match error {
            rustls::Error::InconsistentKeys(_) => {
                let other = self.certificate.display();
                self.key_fault(&format!("it is not the key of the certificate in {other}"))
            }
            error => self.key_fault(&error.to_string()),
        })
    }

    fn certificate_fault(&self, why: &str) -> String {
        format!("--tls-cert {} cannot be used: {why}", self.certificate.display())
    }

    fn key_fault(&self, why: &str) -> String {
        format!("--tls-key {} cannot be used: {why}", self.key.display())
    }
}

fn read(path: &Path) -> Result<Vec<u8>, String> {
    let mut bytes = Vec::new();
    let file = File::open(path).and_then(|file| file.take(MOST_BYTES + 1).read_to_end(&mut bytes));
    file.map_err(|error| error.to_string())?;
    if bytes.len() as u64 > MOST_BYTES {
        return Err(format!("it has more than {MOST_BYTES} bytes"));
    }
    Ok(bytes)
}

/// TLS to a program on this machine, whatever certificate it shows: it is asked how it is, and told
/// nothing.
///
/// # Errors
/// When the handshake fails.
pub async fn unverified(stream: TcpStream) -> io::Result<TlsStream<TcpStream>> {
    let insecure = TlsOptions { insecure: true, ..TlsOptions::default() };
    let config = tls_config(&insecure, &[b"http/1.1"]).map_err(io::Error::other)?;
    let address = stream.peer_addr()?.ip().into();
    TlsConnector::from(config).connect(ServerName::IpAddress(address), stream).await
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs::write;

    fn made() -> (String, String) {
        let key = rcgen::KeyPair::generate().unwrap();
        let params = rcgen::CertificateParams::new(vec!["localhost".to_owned()]).unwrap();
        (params.self_signed(&key).unwrap().pem(), key.serialize_pem())
    }

    #[test]
    fn another_pair_is_shown_and_what_is_no_pair_is_told_once() {
        let folder = tempfile::tempdir().unwrap();
        let [certificate, key] = ["a.pem", "a.key"].map(|name| folder.path().join(name));
        let files = Files { certificate: certificate.clone(), key: key.clone() };
        let told = Certificate::open(files.clone()).err().unwrap();
        assert!(told.contains("--tls-cert") && told.contains("a.pem"), "{told}");

        let (first, other) = (made(), made());
        write(&certificate, &first.0).unwrap();
        write(&key, &first.1).unwrap();
        let mut followed = Certificate::open(files.clone()).unwrap();
        let shown = |it: &Certificate| it.shown.0.read().unwrap().cert[0].to_vec();
        let before = shown(&followed);
        assert!(followed.acceptor().is_ok() && followed.look().is_none());

        // In the middle of a change; nothing of a key is told.
        write(&key, &other.1).unwrap();
        let told = followed.look().unwrap().unwrap_err();
        assert!(told.contains("--tls-key") && told.contains("not the key of"), "{told}");
        assert!(Certificate::open(files.clone()).is_err());
        assert!(followed.look().is_none(), "it is told once");
        for broken in [other.1.replace("KEY", "KEE"), other.1[..80].to_owned(), String::new()] {
            write(&key, &broken).unwrap();
            let told = followed.look().unwrap().unwrap_err();
            assert!(told.contains("a.key") && !told.contains(&other.1[40..60]), "{told}");
        }
        std::fs::remove_file(&key).unwrap();
        assert!(followed.look().unwrap().is_err() && followed.look().is_none());
        assert_eq!(shown(&followed), before);

        write(&key, &other.1).unwrap();
        write(&certificate, &other.0).unwrap();
        assert_eq!(followed.look(), Some(Ok(())));
        assert!(shown(&followed) != before && followed.look().is_none());
        write(&certificate, "x".repeat(MOST_BYTES as usize + 1)).unwrap();
        assert!(
            followed.look().unwrap().unwrap_err().contains("more than"),
            "it is not read whole"
        );
    }
}
