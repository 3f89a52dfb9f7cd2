//! Tests how the dashboard is served: its pages, its files, and what a browser is told of them.

use crate::sign_in::access;
use crate::support::{Answer, Api, served};
use axum::body::Body;
use axum::http::{Method, Request};
use flate2::read::GzDecoder;
use loadcore_controller::about::{About, SignInPlace};
use loadcore_controller::access::table::PAGES;
use loadcore_controller::app;
use loadcore_controller::dashboard::paths;
use loadcore_controller::state::{AppState, Status};
use std::io::Read;
use tokio::sync::watch;
use tower::ServiceExt;

async fn asked(
    api: &Api,
    method: Method,
    path: &str,
    headers: &[(&str, &str)],
) -> (Answer, Vec<u8>) {
    let mut request = Request::builder().method(method).uri(path);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    served(&api.router, request.body(Body::empty()).expect("a request")).await
}

/// The address of a built file.
fn address(path: &str) -> String {
    if path == "index.html" { "/".into() } else { format!("/{path}") }
}

#[tokio::test]
async fn every_page_is_the_page_for_everybody() {
    let api = Api::guarded(access()).await;
    let (page, whole) = asked(&api, Method::GET, "/", &[]).await;
    assert_eq!((page.status, page.header("content-type")), (200, "text/html; charset=utf-8"));
    assert_eq!(page.header("cache-control"), "no-cache");
    for path in PAGES {
        let path = path
            .replace("{id}", "019b7705-3c1a-7a10-b6f5-8e2b7a1c9d3e")
            .replace("{part}", "tokens");
        let (answer, body) = asked(&api, Method::GET, &path, &[]).await;
        assert_eq!((answer.status, &body), (200, &whole), "{path}");
        let (head, nothing) = asked(&api, Method::HEAD, &path, &[]).await;
        assert_eq!((head.status, nothing.len()), (200, 0), "{path}");
        assert_eq!(head.header("content-length"), whole.len().to_string(), "{path}");
        let (wrong, _) = asked(&api, Method::POST, &path, &[]).await;
        wrong.problem(405, "method-not-allowed");
    }
    for path in [
        "/run",
        "/runs/",
        "/runs/a/b",
        "/settings/a/b",
        "/assets/",
        "/assets/none.js",
        "/assets/a/b",
        "/index.html",
    ] {
        asked(&api, Method::GET, path, &[]).await.0.problem(404, "no-route");
    }
    let (escape, _) = asked(&api, Method::GET, "/assets/..%2findex.html", &[]).await;
    escape.problem(404, "no-route");
}

#[tokio::test]
async fn every_file_is_served_packed_or_not_and_not_sent_twice() {
    let api = Api::new().await;
    for path in paths() {
        let path = address(path);
        let (plain, whole) = asked(&api, Method::GET, &path, &[]).await;
        assert_eq!(plain.status, 200, "{path}");
        assert_eq!(plain.header("x-content-type-options"), "nosniff");
        let kept = if path.starts_with("/assets/") {
            "public, max-age=31536000, immutable"
        } else {
            "no-cache"
        };
        assert_eq!(plain.header("cache-control"), kept, "{path}");
        let (packed, body) =
            asked(&api, Method::GET, &path, &[("accept-encoding", "br, gzip")]).await;
        let mut unpacked = Vec::new();
        if packed.header("content-encoding") == "gzip" {
            assert!(body.len() < whole.len(), "{path}");
            assert_ne!(packed.header("etag"), plain.header("etag"), "{path}");
            GzDecoder::new(&body[..]).read_to_end(&mut unpacked).expect("gzip");
        } else {
            unpacked = body;
        }
        assert!(unpacked == whole, "{path}");
        assert_eq!(packed.header("content-type"), plain.header("content-type"));
        for answer in [&plain, &packed] {
            let tag = answer.header("etag");
            assert!(tag.starts_with('"') && tag.ends_with('"') && tag.len() > 10, "{tag}");
            assert_eq!(answer.header("vary"), "accept-encoding");
            let coding = if tag.contains("gzip") { "gzip" } else { "identity" };
            for known in [tag, &format!("\"x\", W/{tag}"), "*"] {
                let given = [("if-none-match", known), ("accept-encoding", coding)];
                let (again, nothing) = asked(&api, Method::GET, &path, &given).await;
                assert_eq!((again.status, nothing.len()), (304, 0), "{path}: {known}");
                for name in ["etag", "cache-control", "content-security-policy"] {
                    assert_eq!(again.header(name), answer.header(name), "{path}");
                }
            }
        }
        let (other, _) = asked(&api, Method::GET, &path, &[("if-none-match", "\"x\"")]).await;
        assert_eq!(other.status, 200, "{path}");
    }
    let (page, _) = asked(&api, Method::GET, "/", &[("accept-encoding", "gzip")]).await;
    assert_eq!(page.header("content-encoding"), "gzip");
}

#[tokio::test]
async fn the_page_asks_nobody_but_the_controller_and_the_sign_in() {
    let policy = async |about: About| {
        let waiting = watch::channel(Status::Waiting("not yet".into())).1;
        let router = app(AppState::new(waiting, watch::channel(false).1).told(about));
        let page = router.oneshot(Request::get("/").body(Body::empty()).unwrap()).await.unwrap();
        assert_eq!(page.status(), 200);
        page.headers()["content-security-policy"].to_str().unwrap().to_owned()
    };
    assert_eq!(
        policy(About::default()).await,
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; \
         connect-src 'self'; manifest-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    );
    let (url, publishable_key) = (Some("https://p.supabase.co".into()), Some("key".into()));
    let sign_in = Some(SignInPlace { url, publishable_key });
    let with = policy(About { sign_in, ..About::default() }).await;
    assert!(with.contains("; connect-src 'self' https://p.supabase.co; "), "{with}");
    let pasted = policy(About { sign_in: Some(SignInPlace::default()), ..About::default() }).await;
    assert!(pasted.contains("; connect-src 'self'; "), "{pasted}");
}

#[tokio::test]
async fn the_page_keeps_to_its_policy_and_names_files_that_are_there() {
    let api = Api::new().await;
    let page = api.get("/").await.text;
    for inline in
        ["<style", " style=", " onload=", " onerror=", "javascript:", "http://", "https://"]
    {
        assert!(!page.contains(inline), "{inline} is not allowed to the page");
    }
    for script in page.split("<script").skip(1) {
        let (head, rest) = script.split_once('>').expect("a whole tag");
        assert!(head.contains(" src=\"/"), "a script stands in the page: {head}");
        assert!(rest.starts_with("</script>"), "a script stands in the page");
    }
    let named =
        page.split(['"', '\'']).filter(|it| it.starts_with("/assets/") || *it == "/favicon.svg");
    let named: Vec<_> = named.collect();
    assert!(!named.is_empty(), "the page loads something");
    for path in named {
        assert_eq!(asked(&api, Method::GET, path, &[]).await.0.status, 200, "{path}");
    }
}
