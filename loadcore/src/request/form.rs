//! Turns fields of a form into the body that a browser would send for it (`multipart/form-data`,
//! RFC 7578).

use bytes::Bytes;
use http::HeaderValue;

/// A form: its parts, in the order in which they are sent.
///
/// ```
/// use loadcore::request::Form;
///
/// let form = Form::new().text("title", "a cat").file("picture", "cat.png", vec![1, 2, 3]);
/// let (content_type, body) = form.encode();
/// assert!(content_type.to_str().unwrap().starts_with("multipart/form-data; boundary="));
/// assert!(body.windows(9).any(|bytes| bytes == b"image/png"));
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Form {
    parts: Vec<Part>,
}

/// One field of a form.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Part {
    /// The field's name.
    pub name: String,
    /// What makes it a file.
    pub file_name: Option<String>,
    /// What the content is; for text that needs no word.
    pub content_type: Option<HeaderValue>,
    /// The content.
    pub content: Bytes,
}

impl Form {
    /// A form without parts.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a field of text.
    #[must_use]
    pub fn text(self, name: &str, value: &str) -> Self {
        let content = Bytes::copy_from_slice(value.as_bytes());
        self.part(Part { name: name.into(), file_name: None, content_type: None, content })
    }

    /// Adds a file, whose type follows from how its name ends.
    #[must_use]
    pub fn file(self, name: &str, file_name: &str, content: impl Into<Bytes>) -> Self {
        self.part(Part {
            name: name.into(),
            file_name: Some(file_name.into()),
            content_type: Some(type_of(file_name)),
            content: content.into(),
        })
    }

    /// Adds a field as it is.
    #[must_use]
    pub fn part(mut self, part: Part) -> Self {
        self.parts.push(part);
        self
    }

    /// The value of Content-Type, and the body. The boundary follows from the parts alone, so the
    /// same form is the same bytes on every machine.
    #[must_use]
    pub fn encode(&self) -> (HeaderValue, Bytes) {
        let boundary = format!("loadcore-{:032x}", self.fingerprint());
        let mut body = Vec::new();
        for part in &self.parts {
            let name = escaped(&part.name);
            let head = format!("--{boundary}\r\nContent-Disposition: form-data; name=\"{name}\"");
            body.extend_from_slice(head.as_bytes());
            if let Some(file_name) = &part.file_name {
                let file_name = format!("; filename=\"{}\"", escaped(file_name));
                body.extend_from_slice(file_name.as_bytes());
            }
            if let Some(content_type) = &part.content_type {
                body.extend_from_slice(b"\r\nContent-Type: ");
                body.extend_from_slice(content_type.as_bytes());
            }
            body.extend_from_slice(b"\r\n\r\n");
            body.extend_from_slice(&part.content);
            body.extend_from_slice(b"\r\n");
        }
        body.extend_from_slice(format!("--{boundary}--\r\n").as_bytes());
        let content_type = format!("multipart/form-data; boundary={boundary}");
        let content_type = HeaderValue::try_from(content_type).expect("letters, digits and signs");
        (content_type, body.into())
    }

    /// FNV-1a of 128 bits (Fowler, Noll and Vo) over all parts: no content has it in it but by a chance
    /// of 2^-128 for each place, for it would have to hold its own fingerprint.
    fn fingerprint(&self) -> u128 {
        const OFFSET: u128 = 0x6c62_272e_07bb_0142_62b8_2175_6295_c58d;
        const PRIME: u128 = 0x0000_0000_0100_0000_0000_0000_0000_013b;
        let bytes =
            self.parts.iter().flat_map(|part| part.name.as_bytes().iter().chain(&part.content));
        bytes.fold(OFFSET, |hash, byte| (hash ^ u128::from(*byte)).wrapping_mul(PRIME))
    }
}

/// Within the quotes of Content-Disposition, as browsers and curl do it (HTML, section 4.10.21.8).
fn escaped(text: &str) -> String {
    text.replace('"', "%22").replace('\r', "%0D").replace('\n', "%0A")
}

/// What a file is, by how its name ends; any bytes, where that says nothing.
#[must_use]
pub fn type_of(file_name: &str) -> HeaderValue {
    const TYPES: &[(&str, &str)] = &[
        ("avif", "image/avif"),
        ("bmp", "image/bmp"),
        ("css", "text/css"),
        ("csv", "text/csv"),
        ("gif", "image/gif"),
        ("gz", "application/gzip"),
        ("htm", "text/html"),
        ("html", "text/html"),
        ("jpeg", "image/jpeg"),
        ("jpg", "image/jpeg"),
        ("js", "text/javascript"),
        ("json", "application/json"),
        ("md", "text/markdown"),
        ("mp3", "audio/mpeg"),
        ("mp4", "video/mp4"),
        ("pdf", "application/pdf"),
        ("png", "image/png"),
        ("svg", "image/svg+xml"),
        ("txt", "text/plain"),
        ("webm", "video/webm"),
        ("webp", "image/webp"),
        ("xml", "application/xml"),
        ("yaml", "application/yaml"),
        ("yml", "application/yaml"),
        ("zip", "application/zip"),
    ];
    let ending = file_name.rsplit_once('.').map_or("", |(_, ending)| ending).to_ascii_lowercase();
    let known = TYPES.iter().find(|(known, _)| *known == ending);
    HeaderValue::from_static(known.map_or("application/octet-stream", |(_, name)| name))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text_of(form: &Form) -> (String, String) {
        let (content_type, body) = form.encode();
        (content_type.to_str().unwrap().into(), String::from_utf8(body.to_vec()).unwrap())
    }

    #[test]
    fn it_is_what_a_browser_sends() {
        let form = Form::new().text("a", "1").file("f\"\r\n", "x\".PNG", &b"ab"[..]);
        let (content_type, body) = text_of(&form);
        let boundary = content_type.strip_prefix("multipart/form-data; boundary=").unwrap();
        assert_eq!(
            body,
            format!(
                "--{boundary}\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\n1\r\n\
                 --{boundary}\r\nContent-Disposition: form-data; name=\"f%22%0D%0A\"; filename=\"x%22.PNG\"\r\n\
                 Content-Type: image/png\r\n\r\nab\r\n--{boundary}--\r\n"
            )
        );
        // No boundary has more (RFC 2046 section 5.1.1).
        assert!(boundary.len() <= 70);
    }

    #[test]
    fn the_boundary_follows_from_the_content_alone() {
        let boundary = |value: &str| text_of(&Form::new().text("a", value)).0;
        assert_eq!(boundary("1"), boundary("1"));
        assert_ne!(boundary("1"), boundary("2"));
        // The check value of FNV-1a for no bytes at all, and for `a` (draft-eastlake-fnv).
        assert!(text_of(&Form::new()).0.ends_with("6c62272e07bb014262b821756295c58d"));
        assert!(boundary("").ends_with("d228cb696f1a8caf78912b704e4a8964"));
    }

    #[test]
    fn types_by_ending() {
        for (name, content_type) in [
            ("a.b.JSON", "application/json"),
            ("a", "application/octet-stream"),
            (".json", "application/json"),
            ("a.exe", "application/octet-stream"),
        ] {
            assert_eq!(type_of(name), content_type, "{name}");
        }
    }
}
