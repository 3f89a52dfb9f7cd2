//! Tests which tokens are accepted, and which are not.

use crate::sign_in::{
    ISSUER, Published, SECRET, Signers, access, access_with, by_secret, claims, merge, now,
    of_admin, of_user, signed, token,
};
use crate::support::Api;
use axum::body::Body;
use axum::http::Request;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD as BASE64;
use serde_json::{Value, json};

/// What asks for something that every user may.
const PROBE: &str = "/api/v1/runs";

fn head(change: Value) -> Value {
    let mut head = json!({"alg": "HS256", "typ": "JWT"});
    merge(&mut head, change);
    head
}

#[tokio::test]
async fn good_tokens_are_accepted() {
    let signers = Signers::new();
    let published = Published::new(&signers.set()).await;
    let api = Api::guarded(access_with(&published)).await;
    let user = |change| claims("5f1c2b8e-0000-4000-8000-000000000001", change);
    let es =
        |change| token(&head(json!({"alg": "ES256", "kid": "ec"})), &user(change), signers.ec());
    let good = [
        signed(&user(json!({}))),
        signed(&user(json!({"aud": ["other", "authenticated"]}))),
        signed(&user(json!({"nbf": now() - 5, "exp": (now() + 60) as f64 + 0.5}))),
        signed(&user(json!({"app_metadata": null, "user_metadata": null, "iat": null}))),
        signed(&user(json!({"app_metadata": {"role": 17, "roles": "admin"}}))),
        token(
            &head(json!({"typ": null, "kid": "ignored"})),
            &user(json!({})),
            by_secret(SECRET.as_bytes()),
        ),
        es(json!({})),
        es(json!({"app_metadata": {"roles": ["admin"]}})),
        token(&head(json!({"alg": "RS256", "kid": "rsa"})), &user(json!({})), signers.rsa()),
    ];
    for (n, token) in good.iter().enumerate() {
        let answer = api.with_token(token).get(PROBE).await;
        assert_eq!(answer.status, 200, "{n}: {}", answer.text);
    }
    assert_eq!(published.asked(), 1, "the keys are kept");
}

/// Claims that are not those of a user who has signed in now.
fn bad_claims() -> Vec<(&'static str, Value)> {
    let now = now();
    vec![
        ("another issuer", json!({"iss": "https://evil.test/auth/v1"})),
        ("an issuer that begins alike", json!({"iss": format!("{ISSUER}.evil.test")})),
        ("an issuer in other letters", json!({"iss": ISSUER.to_uppercase()})),
        ("no issuer", json!({"iss": null})),
        ("issuers in a list", json!({"iss": [ISSUER]})),
        ("an issuer that is a number", json!({"iss": 1})),
        ("another audience", json!({"aud": "anon"})),
        ("no audience", json!({"aud": null})),
        ("other audiences", json!({"aud": ["a", "b"]})),
        ("no audiences", json!({"aud": []})),
        ("an audience that is a number", json!({"aud": 1})),
        ("an audience that is an object", json!({"aud": {"authenticated": true}})),
        ("an audience that begins alike", json!({"aud": "authenticated "})),
        ("expired", json!({"exp": now - 1})),
        ("expired long ago", json!({"exp": 1})),
        ("expiring at zero", json!({"exp": 0})),
        ("expired before 1970", json!({"exp": -1})),
        ("no expiry", json!({"exp": null})),
        ("an expiry in words", json!({"exp": (now + 3_600).to_string()})),
        ("an expiry that is true", json!({"exp": true})),
        ("an expiry that is a list", json!({"exp": [now + 3_600]})),
        ("an expiry beyond all numbers", json!({"exp": 1e300})),
        ("not valid yet", json!({"nbf": now + 600})),
        ("valid from a word on", json!({"nbf": "now"})),
        ("made in the future", json!({"iat": now + 3_600})),
        ("made in words", json!({"iat": "now"})),
        ("the role of nobody", json!({"role": "anon"})),
        ("the role of a service", json!({"role": "service_role"})),
        ("a role that is a list", json!({"role": ["authenticated"]})),
        ("no role", json!({"role": null})),
        ("an empty role", json!({"role": ""})),
        ("no subject", json!({"sub": null})),
        ("an empty subject", json!({"sub": ""})),
        ("a subject that is a number", json!({"sub": 17})),
        ("a subject that is a list", json!({"sub": ["a"]})),
        ("a subject with a space", json!({"sub": "a b"})),
        ("a subject with a line's end", json!({"sub": "a\r\nb"})),
        ("a subject with NUL", json!({"sub": "a\u{0}"})),
        ("a subject in other letters", json!({"sub": "\u{e9}"})),
        ("a subject that is too long", json!({"sub": "x".repeat(129)})),
        ("what is no object of the sign-in", json!({"app_metadata": "admin"})),
    ]
}

/// Tokens that are almost good, by what is wrong with them.
fn bad_tokens(signers: &Signers) -> Vec<(&'static str, String)> {
    let user = || claims("ann", json!({}));
    let secret = || by_secret(SECRET.as_bytes());
    let with = |change: Value| token(&head(change), &user(), secret());
    let nothing = |_: &[u8]| Vec::new();
    let good = of_user("ann");
    let parts: Vec<_> = good.split('.').collect();
    let published = signers.set();
    let of_set = |n: usize, field: &str| published["keys"][n][field].as_str().unwrap().to_owned();
    let es = |kid: Value| token(&head(json!({"alg": "ES256", "kid": kid})), &user(), signers.ec());
    let twice = format!(r#"{{"role":"anon",{}"#, &user().to_string()[1..]);
    let raw = |claims: &str| {
        let message =
            format!("{}.{}", BASE64.encode(head(json!({})).to_string()), BASE64.encode(claims));
        format!("{message}.{}", BASE64.encode(secret()(message.as_bytes())))
    };
    let mut bad = vec![
        ("no algorithm, unsigned", token(&head(json!({"alg": "none"})), &user(), nothing)),
        ("None, unsigned", token(&head(json!({"alg": "None"})), &user(), nothing)),
        ("NONE, signed", with(json!({"alg": "NONE"}))),
        ("an empty algorithm", with(json!({"alg": ""}))),
        ("no algorithm at all", with(json!({"alg": null}))),
        ("an algorithm that is a list", with(json!({"alg": ["HS256"]}))),
        ("an algorithm in small letters", with(json!({"alg": "hs256"}))),
        ("HS384 said", with(json!({"alg": "HS384"}))),
        ("HS512 said", with(json!({"alg": "HS512"}))),
        ("ES256 said, signed with the secret", with(json!({"alg": "ES256", "kid": "ec"}))),
        ("RS256 said, signed with the secret", with(json!({"alg": "RS256", "kid": "rsa"}))),
        ("PS256", token(&head(json!({"alg": "PS256", "kid": "rsa"})), &user(), signers.rsa())),
        ("EdDSA", token(&head(json!({"alg": "EdDSA", "kid": "ed"})), &user(), signers.ed())),
        (
            "HS256 said, signed with a key",
            token(&head(json!({"kid": "ec"})), &user(), signers.ec()),
        ),
        (
            "signed with a published key as the secret",
            token(&head(json!({"kid": "rsa"})), &user(), by_secret(of_set(1, "n").as_bytes())),
        ),
        (
            "signed with a published key's bytes as the secret",
            token(
                &head(json!({"kid": "ec"})),
                &user(),
                by_secret(signers.set().to_string().as_bytes()),
            ),
        ),
        (
            "signed with a secret that was published by mistake",
            token(
                &head(json!({"kid": "secret"})),
                &user(),
                by_secret(b"published by mistake, 32 bytes long"),
            ),
        ),
        (
            "another secret",
            token(&head(json!({})), &user(), by_secret(b"another secret, of 32 bytes or more")),
        ),
        ("an empty secret", token(&head(json!({})), &user(), by_secret(b""))),
        ("ES256 with the name of the RSA key", es(json!("rsa"))),
        ("ES256 with a key for encryption", es(json!("for-encryption"))),
        ("ES256 with an unknown key", es(json!("unknown"))),
        ("ES256 without the name of a key", es(Value::Null)),
        ("ES256 with a key that has an empty name", es(json!(""))),
        ("ES256 with a key's name that is a number", es(json!(1))),
        ("ES256 with a key's name that is a path", es(json!("../../../../etc/passwd"))),
        ("ES256 with a key's name that is a URL", es(json!("http://127.0.0.1:9/keys"))),
        ("ES256 with a key's name that is a query", es(json!("ec' OR '1'='1"))),
        ("ES256 with a key's name of NUL", es(json!("ec\u{0}"))),
        ("ES256 with a huge key's name", es(json!("k".repeat(2_000)))),
        (
            "RS256 with the EC key",
            token(&head(json!({"alg": "RS256", "kid": "ec"})), &user(), signers.rsa()),
        ),
        (
            "RS256 signed with the EC key",
            token(&head(json!({"alg": "RS256", "kid": "rsa"})), &user(), signers.ec()),
        ),
        (
            "a key of its own in the head",
            token(
                &head(
                    json!({"alg": "ES256", "kid": "mine", "jwk": published["keys"][0], "jku": "http://127.0.0.1:9/"}),
                ),
                &user(),
                signers.ec(),
            ),
        ),
        ("a head that asks for more", with(json!({"crit": ["exp"]}))),
        ("another type", with(json!({"typ": "JWE"}))),
        ("a type that is a number", with(json!({"typ": 1}))),
        ("no signature", format!("{}.{}.", parts[0], parts[1])),
        ("two parts", format!("{}.{}", parts[0], parts[1])),
        ("four parts", format!("{good}.{}", parts[2])),
        ("one part", parts[1].to_owned()),
        ("the parts in another order", format!("{}.{}.{}", parts[1], parts[0], parts[2])),
        ("a signature that is cut", good[..good.len() - 4].to_owned()),
        ("a signature of another token", {
            let other = of_user("bob");
            format!("{}.{}.{}", parts[0], parts[1], other.rsplit('.').next().unwrap())
        }),
        ("claims of another token", {
            let other = of_admin("ann");
            format!("{}.{}.{}", parts[0], other.split('.').nth(1).unwrap(), parts[2])
        }),
        ("padded", format!("{}=.{}.{}", parts[0], parts[1], parts[2])),
        ("a head that is no JSON", format!("{}.{}.{}", BASE64.encode("alg"), parts[1], parts[2])),
        ("a head that is a list", format!("{}.{}.{}", BASE64.encode("[]"), parts[1], parts[2])),
        ("claims that are no JSON", raw("exp")),
        ("claims that are a list", raw("[]")),
        ("claims that stand there twice", raw(&twice)),
        ("claims that are cut", raw(&user().to_string()[..40])),
        ("huge", signed(&claims("ann", json!({"padding": "x".repeat(9_000)})))),
        ("dots", "..".into()),
        ("a word", "token".into()),
    ];
    for (name, change) in bad_claims() {
        bad.push((name, signed(&claims("ann", change))));
    }
    bad
}

#[tokio::test]
async fn bad_tokens_are_not_accepted() {
    let signers = Signers::new();
    let published = Published::new(&signers.set()).await;
    let api = Api::guarded(access_with(&published)).await;
    let bad = bad_tokens(&signers);
    assert!(bad.len() >= 60, "{}", bad.len());
    for (name, token) in &bad {
        let answer = api.with_token(token).get(PROBE).await;
        assert_eq!(answer.status, 401, "{name}: {}", answer.text);
        let problem = answer.problem(401, "unauthorized");
        assert!(answer.header("www-authenticate").starts_with("Bearer"), "{name}");
        assert!(!problem.to_string().contains(SECRET), "{name}: {problem}");
    }
    assert!(published.asked() <= 2, "unknown names do not make it ask: {}", published.asked());
    // What is wrong with them is all that was wrong.
    assert_eq!(api.with_token(&of_user("ann")).get(PROBE).await.status, 200);
}

/// Each letter of a good token, changed in three ways: it is signed as a whole, in one way of writing.
#[tokio::test]
async fn a_token_with_one_letter_changed_is_not_accepted() {
    let api = Api::guarded(access()).await;
    let good = of_user("ann");
    for at in 0..good.len() {
        for letter in ["A", "b", "-", ""] {
            let mut changed = good.clone();
            changed.replace_range(at..=at, letter);
            if changed != good {
                let answer = api.with_token(&changed).get(PROBE).await;
                assert_eq!(answer.status, 401, "{letter:?} at {at}: {}", answer.text);
            }
        }
    }
}

#[tokio::test]
async fn a_token_is_one_header_and_the_users_name_is_not_heeded() {
    let api = Api::guarded(access()).await;
    api.get(PROBE).await.problem(401, "unauthorized");
    api.as_user("ann").get(PROBE).await.problem(401, "unauthorized");
    let good = format!("Bearer {}", of_user("ann"));
    let status = async |lines: &[&str]| {
        let mut request = Request::get(PROBE);
        for line in lines {
            request = request.header("authorization", *line);
        }
        api.send(request.body(Body::empty()).expect("a request")).await.status
    };
    assert_eq!(status(&[&good]).await, 200);
    for wrong in [&["Basic YW5uOmFubg=="][..], &[""], &["Bearer"], &["Bearer "], &[&good, &good]] {
        assert_eq!(status(wrong).await, 401, "{wrong:?}");
    }
    let ann = api.with_token(&of_user("ann"));
    let id = ann.kept(json!({})).await;
    let known = async |api: &Api| api.get(&format!("/api/v1/scenarios/{id}")).await.status;
    assert_eq!(known(&ann).await, 200);
    // Another user who calls themselves Ann.
    assert_eq!(known(&api.with_token(&of_user("bob")).as_user("ann")).await, 404);
}

#[tokio::test]
async fn without_keys_a_token_of_theirs_is_told_to_come_again() {
    let signers = Signers::new();
    let nobody = Published { url: "http://127.0.0.1:9/keys".into(), asked: Default::default() };
    let api = Api::guarded(access_with(&nobody)).await;
    let user = claims("ann", json!({}));
    let by_key = token(&head(json!({"alg": "ES256", "kid": "ec"})), &user, signers.ec());
    let answer = api.with_token(&by_key).get(PROBE).await;
    let told = answer.problem(503, "not-ready")["detail"].to_string();
    assert!(told.contains("keys of the sign-in"), "{told}");
    assert!(!answer.header("retry-after").is_empty());
    assert_eq!(api.with_token(&of_user("ann")).get(PROBE).await.status, 200, "by the secret");
}

#[tokio::test]
async fn many_who_come_at_once_fetch_the_keys_once() {
    let signers = Signers::new();
    let published = Published::new(&signers.set()).await;
    let api = Api::guarded(access_with(&published)).await;
    let user = claims("ann", json!({}));
    let by_key = token(&head(json!({"alg": "ES256", "kid": "ec"})), &user, signers.ec());
    let ann = api.with_token(&by_key);
    let calls = (0..20).map(|_| ann.get(PROBE));
    let answers = futures_util::future::join_all(calls).await;
    assert!(answers.iter().all(|answer| answer.status == 200));
    assert_eq!(published.asked(), 1);
}

#[tokio::test]
async fn who_asks_too_often_is_told_when_to_come_again() {
    let api = Api::guarded(access()).await;
    let (ann, bob) = (api.with_token(&of_user("ann")), api.with_token(&of_user("bob")));
    let mut slow = None;
    for _ in 0..20_000 {
        let answer = ann.get("/api/v1/tokens").await;
        if answer.status == 429 {
            slow = Some(answer);
            break;
        }
    }
    let slow = slow.expect("20,000 calls at once are too many");
    slow.problem(429, "too-fast");
    assert!(!slow.header("retry-after").is_empty());
    assert_eq!(bob.get(PROBE).await.status, 200, "others are not held up");
}

#[tokio::test]
async fn health_is_told_to_those_who_have_a_token_where_others_reach_it() {
    let api = Api::guarded(access()).await;
    for path in ["/actuator/health", "/metrics", "/actuator/info"] {
        api.get(path).await.problem(401, "unauthorized");
        assert_eq!(api.with_token(&of_user("ann")).get(path).await.status, 200, "{path}");
    }
    for path in ["/", "/openapi.json"] {
        assert_eq!(api.get(path).await.status, 200, "{path} holds nothing of anybody");
    }
    let here = Api::new().await;
    assert_eq!(here.get("/actuator/health").await.status, 200);
}
