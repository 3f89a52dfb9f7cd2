//! Tests replies of every framing, whole, broken and in pieces.

use super::*;
use proptest::prelude::*;

#[derive(Debug, PartialEq)]
enum Seen {
    Whole { status: u16, keep_alive: bool, used: usize },
    Short(ErrorClass),
    Failed(ErrorClass),
}

fn read_pieces(bytes: &[u8], cuts: &[usize], to_head: bool) -> Seen {
    let mut reader = ResponseReader::default();
    reader.start(to_head, false);
    let mut used = 0;
    let mut rest = bytes;
    let mut cuts = cuts.iter().copied();
    while !rest.is_empty() {
        let cut = cuts.next().unwrap_or(rest.len()).clamp(1, rest.len());
        let (piece, after) = rest.split_at(cut);
        match reader.feed(piece) {
            Err(failure) => return Seen::Failed(failure.class),
            Ok(fed) => {
                used += fed.consumed;
                if fed.done {
                    let (status, keep_alive) = (reader.status(), reader.keep_alive());
                    return Seen::Whole { status, keep_alive, used };
                }
                assert_eq!(fed.consumed, piece.len(), "all of a piece is used until the end");
            }
        }
        rest = after;
    }
    match reader.end_of_stream() {
        Ok(()) => Seen::Whole { status: reader.status(), keep_alive: reader.keep_alive(), used },
        Err(failure) => Seen::Short(failure.class),
    }
}

fn read(text: &str) -> Seen {
    read_pieces(text.as_bytes(), &[], false)
}

fn whole(status: u16, keep_alive: bool, used: usize) -> Seen {
    Seen::Whole { status, keep_alive, used }
}

#[test]
fn framing_follows_the_rfc() {
    // Text, status, keep-alive, and how many bytes belong to what comes after.
    let cases: &[(&str, u16, bool, usize)] = &[
        ("HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabcX", 200, true, 1),
        ("HTTP/1.1 200 OK\r\ncontent-length: 3, 3\r\n\r\nabc", 200, true, 0),
        ("HTTP/1.1 200 OK\r\ncontent-length: , 3,\r\n\r\nabc", 200, true, 0),
        ("HTTP/1.1 599 Last\r\nContent-Length: 0\r\n\r\n", 599, true, 0),
        ("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", 200, true, 0),
        ("HTTP/1.1 204 No Content\r\n\r\n", 204, true, 0),
        ("HTTP/1.1 304 Not Modified\r\nContent-Length: 9\r\n\r\n", 304, true, 0),
        ("HTTP/1.1 200 OK\r\n\r\nall of it", 200, false, 0),
        ("HTTP/1.0 200 OK\r\nContent-Length: 1\r\n\r\nx", 200, false, 0),
        ("HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nContent-Length: 1\r\n\r\nx", 200, true, 0),
        ("HTTP/1.1 200 OK\r\nConnection: foo, Close\r\nContent-Length: 1\r\n\r\nx", 200, false, 0),
        (
            "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Hints\r\nLink: x\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nx",
            200,
            true,
            0,
        ),
        (
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n3;a=b\r\nabc\r\n0\r\nT: x\r\n\r\n",
            200,
            true,
            0,
        ),
        (
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\n",
            200,
            false,
            0,
        ),
        ("HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\nzz", 200, false, 0),
        ("HTTP/1.1 200 OK\nContent-Length: 1\n\nx", 200, true, 0),
    ];
    for (text, status, keep_alive, after) in cases {
        let expected = whole(*status, *keep_alive, text.len() - after);
        assert_eq!(read(text), expected, "{text:?}");
    }
    let head = b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n";
    assert_eq!(read_pieces(head, &[], true), whole(200, true, head.len()));
}

#[test]
fn broken_replies_have_their_class() {
    use ErrorClass::*;
    let cases: &[(&str, Seen)] = &[
        ("", Seen::Short(ErrorClass::Read)),
        ("HTTP/1.1 200 OK\r\nConte", Seen::Short(ErrorClass::Read)),
        ("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc", Seen::Short(Body)),
        ("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nabc", Seen::Short(Body)),
        ("SSH-2.0-OpenSSH_9.2\r\n", Seen::Failed(Protocol)),
        ("HTTP/1.1 101 Switching Protocols\r\n\r\n", Seen::Failed(Protocol)),
        (
            "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n",
            Seen::Failed(Protocol),
        ),
        ("HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n", Seen::Failed(Protocol)),
        ("HTTP/1.1 200 OK\r\nContent-Length:\r\n\r\n", Seen::Failed(Protocol)),
        ("HTTP/1.1 200 OK\r\nContent-Length: ,\r\n\r\n", Seen::Failed(Protocol)),
        ("HTTP/1.1 000 Nothing\r\nContent-Length: 0\r\n\r\n", Seen::Failed(Protocol)),
        ("HTTP/1.1 099 Low\r\nContent-Length: 0\r\n\r\n", Seen::Failed(Protocol)),
        ("HTTP/1.1 600 High\r\nContent-Length: 0\r\n\r\n", Seen::Failed(Protocol)),
        ("HTTP/1.1 999 Highest\r\nContent-Length: 0\r\n\r\n", Seen::Failed(Protocol)),
        ("HTTP/1.1 200 OK\r\nContent-Length: 99999999999999999999\r\n\r\n", Seen::Failed(Protocol)),
        ("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", Seen::Failed(Body)),
        ("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nabc", Seen::Failed(Body)),
        (
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n11111111111111111\r\n",
            Seen::Failed(Body),
        ),
    ];
    for (text, expected) in cases {
        assert_eq!(&read(text), expected, "{text:?}");
    }
}

#[test]
fn a_head_is_bounded() {
    let long = format!("HTTP/1.1 200 OK\r\nX: {}\r\n\r\n", "y".repeat(1_000_000));
    let pieces = vec![16 * 1024; 100];
    assert_eq!(read_pieces(long.as_bytes(), &pieces, false), Seen::Failed(ErrorClass::Protocol));
    let many = format!("HTTP/1.1 200 OK\r\n{}Content-Length: 0\r\n\r\n", "a: b\r\n".repeat(500));
    assert_eq!(read(&many), whole(200, true, many.len()));
    let too_many = format!("HTTP/1.1 200 OK\r\n{}\r\n", "a: b\r\n".repeat(MAX_HEADERS + 1));
    assert_eq!(read(&too_many), Seen::Failed(ErrorClass::Protocol));
}

/// What follows a reply, and whether it may follow.
#[test]
fn a_few_empty_lines_between_replies_are_passed_over_whenever_they_come() {
    let reply = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";
    let many = "\r\n".repeat(16);
    for (after, passes) in [
        ("\r\n", true),
        ("\n", true),
        ("\r\n\n\r\n", true),
        (&*many, true),
        (&*(many.clone() + "\n"), false),
        ("\r\nHTTP/1.1", false),
        ("\r\r\n", false),
        ("x", false),
    ] {
        for cut in 1..=after.len() {
            let mut reader = ResponseReader::default();
            reader.start(false, false);
            assert!(reader.feed(reply.as_bytes()).unwrap().done);
            let (first, second) = after.split_at(cut);
            let passed = [first, second].map(|piece| reader.passes_over(piece.as_bytes()));
            assert_eq!(passed == [true, true], passes, "{after:?} at {cut}");
        }
        if !passes {
            continue;
        }
        // The same before the next reply, and between an interim reply and the final one.
        for text in [format!("{after}{reply}"), format!("HTTP/1.1 100 C\r\n\r\n{after}{reply}")] {
            for size in 1..8 {
                let cuts = vec![size; text.len()];
                let expected = whole(200, true, text.len());
                assert_eq!(read_pieces(text.as_bytes(), &cuts, false), expected, "{text:?}");
            }
        }
    }
    let too_many = format!("{many}\r\n{reply}");
    assert_eq!(read(&too_many), Seen::Failed(ErrorClass::Protocol));
    // Before a reply has begun nothing of it has come.
    let mut reader = ResponseReader::default();
    reader.start(false, false);
    assert!(!reader.feed(b"\r\n").unwrap().done && reader.untouched());
}

#[test]
fn the_location_is_kept_on_request() {
    let mut reader = ResponseReader::default();
    reader.start(false, true);
    let head = b"HTTP/1.1 302 Found\r\nLocation: /next\r\nContent-Length: 0\r\n\r\n";
    assert!(reader.feed(head).unwrap().done);
    assert_eq!(reader.take_location().as_deref(), Some(&b"/next"[..]));
}

fn reply() -> impl Strategy<Value = Vec<u8>> {
    let chunked = prop::collection::vec(1usize..40, 0..6).prop_map(|sizes| {
        let mut text = String::from("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n");
        for size in sizes {
            text += &format!("{size:x};e=1\r\n{}\r\n", "d".repeat(size));
        }
        text + "0\r\nTrailer: t\r\n\r\n"
    });
    let sized = (0usize..200, 0usize..3).prop_map(|(size, interim)| {
        "HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n".repeat(interim)
            + &format!("HTTP/1.1 200 OK\r\nContent-Length: {size}\r\n\r\n{}", "b".repeat(size))
    });
    prop_oneof![
        chunked.prop_map(String::into_bytes),
        sized.prop_map(String::into_bytes),
        prop::collection::vec(any::<u8>(), 0..300),
    ]
}

proptest! {
    /// Damage included: whatever the bytes, how they are cut into pieces changes nothing.
    #[test]
    fn any_split_gives_the_same_answer(
        bytes in reply(),
        damage in prop::option::of((any::<prop::sample::Index>(), any::<u8>())),
        cuts in prop::collection::vec(1usize..64, 0..64),
    ) {
        let mut bytes = bytes;
        if let Some((at, value)) = damage && !bytes.is_empty() {
            let at = at.index(bytes.len());
            bytes[at] = value;
        }
        let at_once = read_pieces(&bytes, &[], false);
        let in_pieces = read_pieces(&bytes, &cuts, false);
        // A head known to be wrong early may end the reading earlier, or as a short one.
        match (&at_once, &in_pieces) {
            (Seen::Whole { .. }, _) | (_, Seen::Whole { .. }) => prop_assert_eq!(at_once, in_pieces),
            _ => {}
        }
    }
}

/// What somebody who watches has seen.
#[derive(Default)]
struct Watched {
    heads: Vec<(u16, usize)>,
    body: Vec<u8>,
}

impl Watch for Watched {
    fn head(&mut self, status: u16, fields: &[httparse::Header<'_>]) {
        self.heads.push((status, fields.len()));
    }

    fn body(&mut self, piece: &[u8]) {
        self.body.extend_from_slice(piece);
    }
}

proptest! {
    #[test]
    fn whoever_watches_sees_one_head_and_the_body_without_its_framing(
        pieces in prop::collection::vec(prop::collection::vec(any::<u8>(), 1..60), 0..6),
        framing in 0..3,
        cuts in prop::collection::vec(1usize..64, 1..64),
    ) {
        let body = pieces.concat();
        let interim = "HTTP/1.1 103 Early Hints\r\nLink: </a>\r\nLink: </b>\r\n\r\n";
        let mut reply = Vec::from(format!("{interim}HTTP/1.1 200 OK\r\nX-A: b\r\n"));
        match framing {
            0 => {
                reply.extend(format!("Content-Length: {}\r\n\r\n", body.len()).bytes());
                reply.extend(&body);
            }
            1 => {
                reply.extend(b"Transfer-Encoding: chunked\r\n\r\n");
                for piece in &pieces {
                    reply.extend(format!("{:x};e=1\r\n", piece.len()).bytes());
                    reply.extend(piece);
                    reply.extend(b"\r\n");
                }
                reply.extend(b"0\r\nTrailer: t\r\n\r\n");
            }
            _ => {
                reply.extend(b"X-C: d\r\n\r\n");
                reply.extend(&body);
            }
        }
        let mut reader = ResponseReader::default();
        reader.start(false, false);
        let mut seen = Watched::default();
        let mut rest = &reply[..];
        for cut in cuts.iter().cycle() {
            let (piece, after) = rest.split_at((*cut).min(rest.len()));
            let fed = reader.feed_watched(piece, &mut seen).unwrap();
            if fed.done || after.is_empty() {
                break;
            }
            rest = after;
        }
        prop_assert!(reader.end_of_stream().is_ok());
        prop_assert_eq!(seen.heads, [(200, 2)]);
        prop_assert_eq!(seen.body, body);
    }
}
