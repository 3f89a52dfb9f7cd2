//! Plays a client of bare sockets: it shows what was really sent, where a library would put it
//! right.

#![allow(dead_code, reason = "each test uses a part of it")]

use std::io::{ErrorKind, Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use loadcore_target::{Config, Target};

/// Generous: what takes this long will never come.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);

pub(crate) async fn start(config: Config) -> Target {
    Target::start(config).await.expect("a free port on loopback")
}

/// One connection over bare TCP.
pub(crate) struct Client {
    pub(crate) stream: TcpStream,
    unread: Vec<u8>,
}

#[derive(Debug)]
pub(crate) struct Reply {
    pub(crate) status: u16,
    pub(crate) head: String,
    pub(crate) body: Vec<u8>,
}

impl Reply {
    pub(crate) fn text(&self) -> &str {
        std::str::from_utf8(&self.body).expect("a text")
    }
}

impl Client {
    pub(crate) fn new(target: &Target) -> Self {
        let stream = TcpStream::connect(target.addr()).expect("a target that listens");
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        stream.set_nodelay(true).unwrap();
        Self { stream, unread: Vec::new() }
    }

    pub(crate) fn send(&mut self, bytes: impl AsRef<[u8]>) {
        self.stream.write_all(bytes.as_ref()).expect("a target that reads");
    }

    pub(crate) fn get(&mut self, path: &str) -> Reply {
        self.send(format!("GET {path} HTTP/1.1\r\nHost: a\r\n\r\n"));
        self.reply()
    }

    /// Reads one whole reply as its head says.
    pub(crate) fn reply(&mut self) -> Reply {
        self.reply_to("GET")
    }

    pub(crate) fn reply_to(&mut self, method: &str) -> Reply {
        let end = self.read_until(|bytes| find(bytes, b"\r\n\r\n").map(|at| at + 4));
        let head = String::from_utf8(self.unread.drain(..end).collect()).unwrap();
        let status = head[9..12].parse().unwrap();
        let length = header(&head, "content-length").map(|v| v.parse::<usize>().unwrap());
        let body = if method == "HEAD" || matches!(status, 100..=199 | 204 | 304) {
            Vec::new()
        } else if header(&head, "transfer-encoding") == Some("chunked") {
            self.chunks()
        } else if let Some(length) = length {
            self.read_until(|bytes| (bytes.len() >= length).then_some(length));
            self.unread.drain(..length).collect()
        } else {
            self.rest()
        };
        Reply { status, head, body }
    }

    fn chunks(&mut self) -> Vec<u8> {
        let mut body = Vec::new();
        loop {
            let end = self.read_until(|bytes| find(bytes, b"\r\n").map(|at| at + 2));
            let line: Vec<u8> = self.unread.drain(..end).collect();
            let size = std::str::from_utf8(&line[..end - 2]).unwrap();
            let size = usize::from_str_radix(size, 16).expect("a chunk's size");
            self.read_until(|bytes| (bytes.len() >= size + 2).then_some(()));
            let chunk: Vec<u8> = self.unread.drain(..size + 2).collect();
            assert_eq!(&chunk[size..], b"\r\n");
            body.extend_from_slice(&chunk[..size]);
            if size == 0 {
                return body;
            }
        }
    }

    fn read_until<T>(&mut self, done: impl Fn(&[u8]) -> Option<T>) -> T {
        loop {
            if let Some(value) = done(&self.unread) {
                return value;
            }
            assert!(self.read_more().expect("more bytes") > 0, "ended within: {:?}", self.unread);
        }
    }

    fn read_more(&mut self) -> std::io::Result<usize> {
        let mut buffer = [0; 65536];
        let length = self.stream.read(&mut buffer)?;
        self.unread.extend_from_slice(&buffer[..length]);
        Ok(length)
    }

    /// Reads to the orderly end.
    pub(crate) fn rest(&mut self) -> Vec<u8> {
        while self.read_more().expect("an orderly end") > 0 {}
        std::mem::take(&mut self.unread)
    }

    /// Reads to a reset; answers what came before.
    pub(crate) fn rest_before_reset(&mut self) -> Vec<u8> {
        loop {
            match self.read_more() {
                Ok(0) => panic!("an orderly end in the place of a reset"),
                Ok(_) => {}
                Err(error) if error.kind() == ErrorKind::ConnectionReset => {
                    return std::mem::take(&mut self.unread);
                }
                Err(error) => panic!("{error}"),
            }
        }
    }

    /// Reads what comes within a short time in which nothing more is expected.
    pub(crate) fn rest_before_silence(&mut self, least: usize) -> Vec<u8> {
        while self.unread.len() < least {
            assert!(self.read_more().expect("more bytes") > 0);
        }
        self.stream.set_read_timeout(Some(Duration::from_millis(100))).unwrap();
        let error = self.read_more().expect_err("silence");
        assert!(matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut), "{error}");
        self.stream.set_read_timeout(Some(PATIENCE)).unwrap();
        std::mem::take(&mut self.unread)
    }
}

pub(crate) fn header<'a>(head: &'a str, name: &str) -> Option<&'a str> {
    head.lines().find_map(|line| {
        let (key, value) = line.split_once(": ")?;
        key.eq_ignore_ascii_case(name).then_some(value)
    })
}

fn find(bytes: &[u8], part: &[u8]) -> Option<usize> {
    bytes.windows(part.len()).position(|window| window == part)
}

/// Waits until a condition holds, which a target reaches soon after it has noticed something.
pub(crate) fn eventually(what: &str, mut holds: impl FnMut() -> bool) {
    let (_keep, never) = std::sync::mpsc::sync_channel::<()>(0);
    for _ in 0..PATIENCE.as_millis() / 5 {
        if holds() {
            return;
        }
        let _ = never.recv_timeout(Duration::from_millis(5));
    }
    panic!("never came true: {what}");
}
