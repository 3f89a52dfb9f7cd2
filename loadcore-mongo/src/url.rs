//! Turns an address with its secrets into one that may be shown.

/// The address of a server as it may be shown to anybody: without the password, and without the
/// options, some of which are secrets too.
///
/// A password that was not percent-encoded, as it should be, is hidden as well: everything up to
/// the last `@` counts as name and password.
///
/// ```
/// let url = "mongodb://ann:p@ss/word@db-1:27017,db-2:27017/loadcore?replicaSet=rs0";
/// assert_eq!(loadcore_mongo::redact(url), "mongodb://ann:***@db-1:27017,db-2:27017/loadcore");
/// ```
#[must_use]
pub fn redact(url: &str) -> String {
    let (scheme, rest) = match url.split_once("://") {
        Some((scheme, rest)) if !scheme.contains(['@', ':']) => (format!("{scheme}://"), rest),
        _ => (String::new(), url),
    };
    let (user, place) = match rest.rsplit_once('@') {
        Some((secret, place)) => match secret.split_once(':') {
            Some((name, _)) => (format!("{name}:***@"), place),
            None => (format!("{secret}@"), place),
        },
        None => (String::new(), rest),
    };
    let place = place.split('?').next().unwrap_or_default();
    format!("{scheme}{user}{place}")
}

/// Whether the address holds a password.
pub(crate) fn has_password(url: &str) -> bool {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    rest.rsplit_once('@').is_some_and(|(secret, _)| secret.contains(':'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_part_of_a_password_is_shown() {
        for (url, shown) in [
            ("mongodb://h:27017/db?w=1", "mongodb://h:27017/db"),
            ("mongodb://ann:secret@h/db", "mongodb://ann:***@h/db"),
            ("mongodb+srv://ann:se%40cret@h", "mongodb+srv://ann:***@h"),
            ("mongodb://ann@h/db", "mongodb://ann@h/db"),
            ("mongodb://ann:@h/db", "mongodb://ann:***@h/db"),
            ("mongodb://ann:a@secret@h/db", "mongodb://ann:***@h/db"),
            ("mongodb://ann:a/secret@h/db", "mongodb://ann:***@h/db"),
            ("mongodb://ann:a?secret@h/db", "mongodb://ann:***@h/db"),
            ("mongodb://ann:a://secret@h/db", "mongodb://ann:***@h/db"),
            ("ann:secret@h/db", "ann:***@h/db"),
            ("ann:secret://x@h/db", "ann:***@h/db"),
            ("mongodb://h/?tlsCertificateKeyFilePassword=secret", "mongodb://h/"),
        ] {
            assert_eq!(redact(url), shown, "{url}");
            assert!(!redact(url).contains("secret"), "{url}");
        }
        assert!(has_password("mongodb://ann:x@h") && !has_password("mongodb://ann@h:1"));
    }
}
