//! Throws broken and random bytes at what looks at the heads of requests before hyper does.

use super::heads::Heads;
use crate::fuzz::{inputs, pieces};
use bolero::check;

/// What is wrong with what comes in pieces of this size, and what became of it.
fn looked(bytes: &[u8], piece: usize) -> (Option<&'static str>, Vec<u8>) {
    let (mut heads, mut left) = (Heads::default(), bytes.to_vec());
    let why = left.chunks_mut(piece).find_map(|piece| heads.look(piece));
    (why, left)
}

/// Whether a whole head, as hyper reads it, means one thing.
fn means_one_thing(head: &httparse::Request<'_, '_>) -> bool {
    let values = |name: &str| -> Vec<&[u8]> {
        let fields = head.headers.iter().filter(|field| field.name.eq_ignore_ascii_case(name));
        fields.map(|field| field.value).collect()
    };
    let (hosts, lengths) = (values("host"), values("content-length"));
    let digits = |value: &&[u8]| value.trim_ascii().iter().all(u8::is_ascii_digit);
    hosts.len() <= 1
        && (head.version == Some(0) || hosts.len() == 1)
        && lengths.len() <= 1
        && (lengths.is_empty() || values("transfer-encoding").is_empty())
        && lengths.iter().all(digits)
}

#[test]
fn request_heads() {
    let pieces = pieces(&[
        "GET / HTTP/1.1\r\n",
        "POST /x HTTP/1.0\r\n",
        "Host: a\r\n",
        "host:\r\n",
        "HOST : a\r\n",
        "Content-Length: 3\r\n",
        "content-length: +3\r\n",
        "Content-Length:",
        "Transfer-Encoding: chunked\r\n",
        "transfer-encoding",
        ":",
        " ",
        "\t",
        "\r\n",
        "\n",
        "\r",
        "abc",
        "\0",
        "3",
        "99999999999999999999",
        "X: y\r\n",
        "PRI * HTTP/2.0\r\n",
        "SM\r\n\r\n",
        "0\r\n\r\n",
        "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
    ]);
    let choices = bolero::produce::<(bool, u8, Vec<u8>)>();
    check!().with_iterations(inputs(1)).with_generator(choices).for_each(|(raw, step, choices)| {
        let bytes = if *raw { choices.clone() } else { pieces(choices) };
        let (why, left) = looked(&bytes, bytes.len().max(1));
        let (again, left_again) = looked(&bytes, usize::from(*step).max(1));
        assert_eq!((why, &left), (again, &left_again), "in pieces of {step}: {bytes:?}");
        let changed: Vec<_> = (0..bytes.len()).filter(|at| bytes[*at] != left[*at]).collect();
        match why {
            None => assert_eq!(left, bytes, "what is right is left as it is"),
            // One that was a zero already is as unreadable.
            Some(_) => assert!(changed.len() <= 1 && changed.iter().all(|at| left[*at] == 0)),
        }
        let mut fields = [httparse::EMPTY_HEADER; 100];
        let mut head = httparse::Request::new(&mut fields);
        if let Ok(httparse::Status::Complete(_)) = head.parse(&left) {
            assert!(means_one_thing(&head), "hyper would read {head:?} of {left:?}");
        }
    });
}
