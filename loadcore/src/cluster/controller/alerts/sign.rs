//! Turns a message into the header fields by which its receiver knows that it is ours: those of the
//! [Standard Webhooks](https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md).

use crate::request::FieldName;
use aws_lc_rs::hmac;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use http::{HeaderName, HeaderValue};

/// What says which message it is, when it was sent, and, where there is a `key`, the signature of
/// `id.timestamp.body` (HMAC-SHA256).
pub(super) fn fields(
    id: &str,
    unix_seconds: u64,
    body: &[u8],
    key: Option<&[u8]>,
) -> Vec<(FieldName, HeaderValue)> {
    let signature = key.map(|key| {
        let key = hmac::Key::new(hmac::HMAC_SHA256, key);
        let signed = [format!("{id}.{unix_seconds}.").as_bytes(), body].concat();
        format!("v1,{}", STANDARD.encode(hmac::sign(&key, &signed)))
    });
    let fields = [
        ("webhook-id", Some(id.to_owned())),
        ("webhook-timestamp", Some(unix_seconds.to_string())),
        ("webhook-signature", signature),
    ];
    let field = |(name, value): (&'static str, Option<String>)| {
        let value = HeaderValue::try_from(value?).ok()?;
        Some((FieldName::known(HeaderName::from_static(name), name), value))
    };
    fields.into_iter().filter_map(field).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scenario::AlertSecret;

    /// The example of the specification's libraries.
    #[test]
    fn it_is_the_signature_of_the_standard() {
        let secret = AlertSecret::new("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw").unwrap();
        let (id, at, body) =
            ("msg_p5jXN8AQM9LWM0D4loKWxJek", 1_614_265_330, br#"{"test": 2432232314}"#);
        let fields = fields(id, at, body, Some(secret.key()));
        let shown: Vec<_> =
            fields.iter().map(|(name, value)| (name.written(), value.to_str().unwrap())).collect();
        assert_eq!(
            shown,
            [
                ("webhook-id", id),
                ("webhook-timestamp", "1614265330"),
                ("webhook-signature", "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="),
            ]
        );
    }

    #[test]
    fn without_a_key_there_is_no_signature() {
        assert_eq!(fields("a", 1, b"", None).len(), 2);
    }
}
