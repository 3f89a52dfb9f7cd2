//! Tests TLS as people start it: what is wrong with a certificate, one that changes while the program
//! runs, and the question whether it is well.

use super::{Controller, PATIENCE, command, ended};
use loadcore::http::fetch::{Ask, Bounds, Fetcher};
use loadcore::http::{TargetPolicy, TlsOptions};
use loadcore::request::Url;
use std::fs::write;
use std::path::{Path, PathBuf};

/// A certificate for 127.0.0.1, and its key.
fn made() -> (String, String) {
    let key = rcgen::KeyPair::generate().unwrap();
    let params = rcgen::CertificateParams::new(vec!["127.0.0.1".to_owned()]).unwrap();
    (params.self_signed(&key).unwrap().pem(), key.serialize_pem())
}

fn files(folder: &Path) -> [PathBuf; 2] {
    ["tls.pem", "tls.key"].map(|name| folder.join(name))
}

fn options(files: &[PathBuf; 2]) -> [&str; 4] {
    ["--tls-cert", files[0].to_str().unwrap(), "--tls-key", files[1].to_str().unwrap()]
}

/// The status of an answer over TLS, if this certificate is the one that is shown.
async fn asked(controller: &Controller, pem: &str) -> Option<u16> {
    let tls = TlsOptions { ca_pem: Some(pem.as_bytes().to_vec()), ..TlsOptions::default() };
    let url = Url::parse(&format!("https://{}/actuator/health", controller.address)).unwrap();
    let bounds = Bounds { deadline: PATIENCE, most_bytes: 10_000 };
    let reply = Fetcher::new(TargetPolicy::default(), tls).fetch(&Ask::get(url), &bounds).await;
    reply.ok().map(|reply| reply.status)
}

#[test]
fn a_certificate_that_cannot_be_used_is_wrong_usage() {
    let folder = tempfile::tempdir().unwrap();
    let files = files(folder.path());
    let data = folder.path().join("data");
    let listen = ["--listen", "127.0.0.1:0", "--data-dir", data.to_str().unwrap()];
    let refused = |more: &[&str], told: &str| {
        let (code, said) = ended(&[&listen[..], more].concat());
        assert!(code == 2 && said.contains(told) && !said.contains("listens on"), "{code} {said}");
    };
    refused(&options(&files), "tls.pem cannot be used: No such file");
    refused(&options(&files)[..2], "give --tls-key");
    refused(&options(&files)[2..], "give --tls-cert");
    let (one, other) = (made(), made());
    write(&files[0], &one.0).unwrap();
    refused(&options(&files), "tls.key cannot be used: No such file");
    write(&files[1], &other.1).unwrap();
    refused(&options(&files), "it is not the key of the certificate");
    write(&files[0], "no certificate").unwrap();
    refused(&options(&files), "there is no PEM block of a certificate");
    assert!(!data.exists(), "nothing was opened for it");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_certificate_that_changes_is_shown_and_one_that_is_broken_is_not() {
    let folder = tempfile::tempdir().unwrap();
    let files = files(folder.path());
    let (first, second) = (made(), made());
    write(&files[0], &first.0).unwrap();
    write(&files[1], &first.1).unwrap();
    let mut controller = Controller::start(&folder.path().join("data"), &options(&files));
    assert!(controller.said.contains("listens on https://"), "{}", controller.said);
    controller.says("the platform is ready");
    assert_eq!(asked(&controller, &first.0).await, Some(200));

    let address = controller.address.clone();
    let health = |more: &[&str]| {
        let asks = [&["health", "--listen", &address], more].concat();
        command(&asks).output().unwrap()
    };
    let told = health(&options(&files));
    assert!(told.status.success(), "{told:?}");
    assert_eq!(health(&[]).status.code(), Some(1), "it does not answer without TLS");

    write(&files[1], &second.1).unwrap();
    let line = controller.says("is shown still");
    assert!(line.contains("it is not the key of"), "{line}");
    assert_eq!(asked(&controller, &first.0).await, Some(200));
    write(&files[0], &second.0).unwrap();
    controller.says("is another one, and is shown");
    assert_eq!(asked(&controller, &second.0).await, Some(200));
    assert_eq!(asked(&controller, &first.0).await, None, "the first is no more");
    let (code, said) = controller.terminated();
    assert_eq!(code, Some(0), "{said}");
    assert_eq!(said.matches("is shown still").count(), 1, "{said}");
}
