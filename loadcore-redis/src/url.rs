//! Turns a URL with its secrets into one that may be shown.

/// A URL without its password. What stands before an `@` and is no plain user name is taken for one,
/// also where the URL is no URL.
///
/// ```
/// assert_eq!(loadcore_redis::redact("redis://me:secret@host/1"), "redis://me:***@host/1");
/// ```
#[must_use]
pub fn redact(url: &str) -> String {
    let (scheme, rest) = url.split_once("://").unwrap_or(("", url));
    let rest = match rest.rsplit_once('@') {
        None => rest.to_owned(),
        Some((user, host)) => match user.split_once(':') {
            Some((user, _)) => format!("{user}:***@{host}"),
            None => format!("***@{host}"),
        },
    };
    let rest = match rest.split_once("pass=") {
        None => rest,
        Some((before, after)) => {
            let after = after.find('&').map_or("", |at| &after[at..]);
            format!("{before}pass=***{after}")
        }
    };
    if scheme.is_empty() { rest } else { format!("{scheme}://{rest}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_url_shows_its_password() {
        for (url, shown) in [
            ("redis://host:6379/2", "redis://host:6379/2"),
            ("redis://:s3cret@host", "redis://:***@host"),
            ("rediss://me:s3cret@host:1/0#insecure", "rediss://me:***@host:1/0#insecure"),
            ("redis://s3cret@host", "redis://***@host"),
            ("redis://me:s3c@ret/s3cret@host", "redis://me:***@host"),
            ("redis+unix:///a?user=me&pass=s3cret&db=1", "redis+unix:///a?user=me&pass=***&db=1"),
            ("redis+unix:///a?pass=s3cret", "redis+unix:///a?pass=***"),
            ("me:s3cret@host", "me:***@host"),
            ("host", "host"),
            ("", ""),
        ] {
            assert_eq!(redact(url), shown);
        }
    }
}
