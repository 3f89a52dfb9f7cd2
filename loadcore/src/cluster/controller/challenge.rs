//! Finds a domain's token where it may be published: in a record of DNS, and in a file over HTTPS and
//! HTTP.

use super::ControllerOptions;
use crate::http::fetch::{Ask, Bounds, Fetcher};
use crate::http::{Resolver, TlsOptions};
use crate::request::{AddressFamily, Url};
use std::time::Duration;
use tokio::time::timeout;

/// Where the file is.
pub const CHALLENGE_PATH: &str = "/.well-known/loadcore-challenge";
/// What stands before the domain in the record's name.
pub const CHALLENGE_LABEL: &str = "_loadcore";
/// What a look at one place may take. An answer of DNS has no more than 64 KiB of itself.
const LOOK: Bounds = Bounds { deadline: Duration::from_secs(5), most_bytes: 1_024 };

/// The places of a domain, and who looks there.
pub(super) struct Challenge {
    /// The name of the record.
    pub(super) record: String,
    /// The URLs of the file, in the order in which they are asked for.
    pub(super) files: Vec<String>,
    pub(super) resolver: Resolver,
    pub(super) fetcher: Fetcher,
    /// What a look at one place may take.
    pub(super) look: Bounds,
}

impl Challenge {
    /// Where a domain's token has to be for this controller to see it.
    pub(super) fn of(domain: &str, options: &ControllerOptions) -> Self {
        let fetcher = Fetcher::new(options.policy.clone(), TlsOptions::default());
        let file = |scheme| format!("{scheme}://{domain}{CHALLENGE_PATH}");
        Self {
            record: format!("{CHALLENGE_LABEL}.{domain}"),
            files: ["https", "http"].map(file).into(),
            resolver: Resolver::new(AddressFamily::Any),
            fetcher: fetcher.answered_for_by(options.contact.clone()),
            look: LOOK,
        }
    }

    /// Whether the token is at one of the places.
    ///
    /// # Errors
    /// What is there instead, at each.
    pub(super) async fn is_met_by(&self, token: &str) -> Result<(), String> {
        let mut seen = match self.has_record(token).await {
            Ok(()) => return Ok(()),
            Err(why) => vec![why],
        };
        for file in &self.files {
            match self.has_file(file, token).await {
                Ok(()) => return Ok(()),
                Err(why) => seen.push(why),
            }
        }
        Err(seen.join("; "))
    }

    async fn has_record(&self, token: &str) -> Result<(), String> {
        let Self { record, look, .. } = self;
        let answered = timeout(look.deadline, self.resolver.texts(record)).await;
        let texts = answered
            .map_err(|_| format!("DNS did not answer within {} s", look.deadline.as_secs_f64()))?
            .map_err(|why| format!("DNS: {why}"))?;
        match texts.iter().any(|text| text.trim() == token) {
            true => Ok(()),
            false => Err(format!("DNS has {} other TXT at {record}", texts.len())),
        }
    }

    async fn has_file(&self, file: &str, token: &str) -> Result<(), String> {
        let told = |why: &dyn std::fmt::Display| format!("{file}: {why}");
        let url = Url::parse(file).map_err(|error| told(&error))?;
        let fetched = self.fetcher.fetch(&Ask::get(url), &self.look).await;
        let reply = fetched.map_err(|error| told(&error))?;
        match reply.status {
            200 if reply.body.trim_ascii() == token.as_bytes() => Ok(()),
            200 => Err(format!("{file} is another text")),
            status => Err(format!("{file} answers {status}")),
        }
    }
}

#[cfg(all(test, feature = "dns"))]
pub(super) mod tests {
    use super::*;
    use crate::http::TargetPolicy;
    use crate::http::name_server::{Record, name_server};
    use crate::time::now;
    use rustls::pki_types::PrivateKeyDer;
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::sync::{Arc, Mutex};
    use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
    use tokio::net::TcpListener;
    use tokio_rustls::TlsAcceptor;

    const TOKEN: &str = "loadcore-of-ann";
    /// Every machine has it at loopback, by whatever resolver.
    const HOST: &str = "shop.localhost";

    /// A server of the domain's owner.
    pub(crate) struct Web {
        pub(crate) port: u16,
        /// What it answers where the file is, from the status on; nothing: it never answers.
        pub(crate) file: Arc<Mutex<String>>,
        /// Requests for anything else, which are answered.
        pub(crate) others: Arc<AtomicUsize>,
    }

    impl Web {
        pub(crate) async fn start(tls: Option<TlsAcceptor>) -> Self {
            let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
            let port = listener.local_addr().unwrap().port();
            let (file, others) = (Arc::<Mutex<String>>::default(), Arc::<AtomicUsize>::default());
            let (told, counted) = (Arc::clone(&file), Arc::clone(&others));
            tokio::spawn(async move {
                while let Ok((stream, _)) = listener.accept().await {
                    let (tls, told, counted) =
                        (tls.clone(), Arc::clone(&told), Arc::clone(&counted));
                    tokio::spawn(async move {
                        let Some(tls) = tls else { return answer(stream, &told, &counted).await };
                        // Who does not trust it goes.
                        if let Ok(stream) = tls.accept(stream).await {
                            answer(stream, &told, &counted).await;
                        }
                    });
                }
            });
            Self { port, file, others }
        }

        pub(crate) fn publish(&self, body: &str) {
            self.tell(&format!("200 OK\r\nContent-Length: {}\r\n\r\n{body}", body.len()));
        }

        fn tell(&self, reply: &str) {
            reply.clone_into(&mut self.file.lock().unwrap());
        }

        /// The challenge of this server's domain, without DNS.
        pub(crate) fn challenge(&self, domain: &str) -> Challenge {
            let files = vec![format!("http://{domain}:{}{CHALLENGE_PATH}", self.port)];
            Challenge { files, ..Challenge::of(domain, &ControllerOptions::default()) }
        }
    }

    async fn answer(
        mut stream: impl AsyncRead + AsyncWrite + Unpin,
        file: &Mutex<String>,
        others: &AtomicUsize,
    ) {
        let (mut asked, mut piece) = (Vec::new(), [0; 4_096]);
        while let Ok(count @ 1..) = stream.read(&mut piece).await {
            asked.extend_from_slice(&piece[..count]);
            let Some(end) = asked.windows(4).position(|it| it == b"\r\n\r\n") else { continue };
            let head: Vec<u8> = asked.drain(..end + 4).collect();
            let is_file = head.starts_with(format!("GET {CHALLENGE_PATH} ").as_bytes());
            let reply = match is_file {
                true => file.lock().unwrap().clone(),
                false => "200 OK\r\nContent-Length: 0\r\n\r\n".to_owned(),
            };
            others.fetch_add(usize::from(!is_file), Ordering::Relaxed);
            if reply.is_empty() {
                continue;
            }
            let reply = format!("HTTP/1.1 {reply}");
            if stream.write_all(reply.as_bytes()).await.is_err() || stream.flush().await.is_err() {
                return;
            }
        }
    }

    async fn record(texts: &[&[&str]]) -> Challenge {
        let parts = |parts: &&[&str]| parts.iter().map(|part| (*part).to_owned()).collect();
        let records =
            texts.iter().map(|text| ("_loadcore.shop.test".to_owned(), Record::Text(parts(text))));
        recorded(records.collect()).await
    }

    /// The challenge of a domain whose owner has a name server, and nothing else.
    pub(crate) async fn recorded(records: Vec<(String, Record)>) -> Challenge {
        let port = name_server(records, Duration::ZERO).await;
        let resolver = Resolver::asking(&[port], &["behind.test"]);
        let of = Challenge::of("shop.test", &ControllerOptions::default());
        Challenge { files: Vec::new(), resolver, ..of }
    }

    #[test]
    fn it_is_looked_for_at_three_places() {
        let challenge = Challenge::of("shop.test", &ControllerOptions::default());
        assert_eq!(challenge.record, "_loadcore.shop.test");
        let files =
            ["https", "http"].map(|it| format!("{it}://shop.test/.well-known/loadcore-challenge"));
        assert_eq!(challenge.files, files);
        assert_eq!((challenge.look.deadline, challenge.look.most_bytes), (LOOK.deadline, 1_024));
    }

    #[tokio::test]
    async fn a_record_that_is_the_token_is_a_proof() {
        for texts in [
            &[&[TOKEN] as &[&str]] as &[&[&str]],
            &[&["loadcore-", "of-ann"]],
            &[&[" loadcore-of-ann\n"]],
            &[&["v=spf1 -all"], &["loadcore-of-bob"], &[TOKEN]],
        ] {
            assert_eq!(record(texts).await.is_met_by(TOKEN).await, Ok(()), "{texts:?}");
        }
    }

    #[tokio::test]
    async fn a_record_that_is_anything_else_is_none() {
        let long = "x".repeat(255);
        let too_long = [TOKEN, &long, &long, &long, &long];
        for (texts, why) in [
            (&[&["loadcore-of-bob"] as &[&str]] as &[&[&str]], "1 other TXT"),
            (&[&["LOADCORE-OF-ANN"]], "1 other TXT"),
            (&[&[TOKEN, "s"]], "1 other TXT"),
            (&[&["x", TOKEN]], "1 other TXT"),
            (&[&[""]], "1 other TXT"),
            // Two records are two texts.
            (&[&["loadcore-"], &["of-ann"]], "2 other TXT"),
            (&[&too_long], "DNS"),
            (&[], "DNS: "),
        ] {
            let told = record(texts).await.is_met_by(TOKEN).await.unwrap_err();
            assert!(told.contains(why), "{texts:?}: {told}");
        }
    }

    #[tokio::test]
    async fn a_record_of_another_name_is_none() {
        let text = || Record::Text(vec![TOKEN.to_owned()]);
        for name in [
            "shop.test",
            "_loadcore.test",
            "_loadcore.a.shop.test",
            "_loadcore.shop.test.evil.test",
            // What this machine puts behind the names that it looks up is not the domain.
            "_loadcore.shop.test.behind.test",
        ] {
            let challenge = recorded(vec![(name.to_owned(), text())]).await;
            let told = challenge.is_met_by(TOKEN).await.unwrap_err();
            assert!(told.starts_with("DNS: "), "{name}: {told}");
        }
        let address = Record::Address(*b"1234");
        let challenge = recorded(vec![("_loadcore.shop.test".to_owned(), address)]).await;
        assert!(challenge.is_met_by(TOKEN).await.unwrap_err().starts_with("DNS: "));
    }

    #[tokio::test]
    async fn a_file_that_is_the_token_is_a_proof() {
        let web = Web::start(None).await;
        let spaces = " ".repeat(LOOK.most_bytes - TOKEN.len());
        for body in
            [TOKEN, "loadcore-of-ann\r\n", "\n  loadcore-of-ann", &(TOKEN.to_owned() + &spaces)]
        {
            web.publish(body);
            assert_eq!(web.challenge(HOST).is_met_by(TOKEN).await, Ok(()), "{body:?}");
        }
    }

    #[tokio::test]
    async fn a_file_that_is_anything_else_is_none() {
        let (web, elsewhere) = (Web::start(None).await, Web::start(None).await);
        // Where a redirect leads the token is.
        elsewhere.publish(TOKEN);
        assert_eq!(elsewhere.challenge(HOST).is_met_by(TOKEN).await, Ok(()));
        let moved = |status: u16| {
            let to = format!("http://{HOST}:{}{CHALLENGE_PATH}", elsewhere.port);
            format!("{status} Moved\r\nLocation: {to}\r\nContent-Length: 15\r\n\r\n{TOKEN}")
        };
        let text = |body: &str| format!("200 OK\r\nContent-Length: {}\r\n\r\n{body}", body.len());
        let spaces = " ".repeat(LOOK.most_bytes);
        for (reply, why) in [
            (text("loadcore-of-bob"), "another text"),
            (text("Loadcore-of-ann"), "another text"),
            (text(&format!("<p>{TOKEN}</p>")), "another text"),
            (text(&format!("{TOKEN}\nloadcore-of-bob")), "another text"),
            (text(""), "another text"),
            (text(&(TOKEN.to_owned() + &spaces)), "longer than 1024 bytes"),
            (text(TOKEN).replace("200 OK", "404 Not Found"), "answers 404"),
            (text(TOKEN).replace("200 OK", "203 Changed"), "answers 203"),
            (text(TOKEN).replace("200 OK", "500 Broken"), "answers 500"),
            (moved(301), "answers 301"),
            (moved(302), "answers 302"),
            (moved(307), "answers 307"),
            (moved(308), "answers 308"),
            (text(TOKEN).replace("15", "16"), "within 0.3 s"),
            (String::new(), "within 0.3 s"),
        ] {
            web.tell(&reply);
            let challenge = web.challenge(HOST);
            let look = Bounds { deadline: Duration::from_millis(300), ..challenge.look };
            let told = Challenge { look, ..challenge }.is_met_by(TOKEN).await.unwrap_err();
            assert!(told.contains(why), "{reply:?}: {told}");
        }
    }

    /// The system's name server may be one that never answers: the file is looked for all the same.
    #[tokio::test]
    async fn a_name_server_that_is_silent_keeps_no_file_from_being_found() {
        let web = Web::start(None).await;
        web.publish(TOKEN);
        let silent = name_server(Vec::new(), Duration::from_secs(60)).await;
        let challenge = web.challenge("shop.localhost");
        let challenge = Challenge {
            record: "_loadcore.shop.test".into(),
            resolver: Resolver::asking(&[silent], &[]),
            look: Bounds { deadline: Duration::from_millis(300), ..challenge.look },
            ..challenge
        };
        let began = now();
        assert_eq!(challenge.is_met_by(TOKEN).await, Ok(()));
        assert!(now().saturating_duration_since(began) >= challenge.look.deadline);
        let told = challenge.is_met_by("loadcore-of-bob").await.unwrap_err();
        assert!(told.contains("DNS did not answer within 0.3 s"), "{told}");
        assert!(told.contains("is another text"), "{told}");
    }

    #[tokio::test]
    async fn a_file_over_https_counts_where_its_server_is_the_domains() {
        let (mine, others) = (certificate(HOST), certificate("other.localhost"));
        for ((pem, acceptor), trusted, is_proof) in [
            (&mine, &mine.0, true),
            (&mine, &others.0, false),
            // Trusted, and of another name.
            (&others, &others.0, false),
        ] {
            let web = Web::start(Some(acceptor.clone())).await;
            web.publish(TOKEN);
            let tls =
                TlsOptions { ca_pem: Some(trusted.clone().into_bytes()), ..Default::default() };
            let challenge = Challenge {
                files: vec![format!("https://{HOST}:{}{CHALLENGE_PATH}", web.port)],
                fetcher: Fetcher::new(TargetPolicy::default(), tls),
                ..web.challenge(HOST)
            };
            let met = challenge.is_met_by(TOKEN).await;
            assert_eq!(met.is_ok(), is_proof, "{pem}: {met:?}");
            assert!(is_proof || met.as_ref().is_err_and(|why| why.contains("tls: ")), "{met:?}");
        }
    }

    /// A certificate that a name has given itself, and the server that shows it.
    fn certificate(name: &str) -> (String, TlsAcceptor) {
        let key = rcgen::KeyPair::generate().unwrap();
        let params = rcgen::CertificateParams::new(vec![name.to_owned()]).unwrap();
        let certificate = params.self_signed(&key).unwrap();
        let private = PrivateKeyDer::try_from(key.serialize_der()).unwrap();
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let config = rustls::ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![certificate.der().clone()], private)
            .unwrap();
        (certificate.pem(), TlsAcceptor::from(Arc::new(config)))
    }

    #[tokio::test]
    async fn the_policy_is_asked_before_the_domain_is() {
        let web = Web::start(None).await;
        web.publish(TOKEN);
        let options =
            ControllerOptions { policy: TargetPolicy::public_only(), ..Default::default() };
        let challenge =
            Challenge { files: web.challenge(HOST).files, ..Challenge::of(HOST, &options) };
        let told = challenge.is_met_by(TOKEN).await.unwrap_err();
        assert!(told.contains("blocked_by_policy: "), "{told}");
    }
}
