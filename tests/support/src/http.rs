//! Turns a question over HTTP into an answer, on a connection of its own that blocks: for tests
//! that ask now and then, and must not share anything with what they test.

use std::io::{self, Read, Write};
use std::net::TcpStream;
use std::time::Duration;

/// Asks and waits for the whole answer: its status and its body.
///
/// # Errors
/// When nobody answers within `patience`, or with something that is not HTTP.
pub fn ask(
    address: &str,
    method: &str,
    path: &str,
    body: &str,
    patience: Duration,
) -> io::Result<(u16, String)> {
    let mut stream = TcpStream::connect(address)?;
    stream.set_read_timeout(Some(patience))?;
    stream.set_write_timeout(Some(patience))?;
    // Version 1.0 has no chunks: the body ends with the connection.
    write!(
        stream,
        "{method} {path} HTTP/1.0\r\nHost: {address}\r\nContent-Type: application/json\r\n\
         Content-Length: {}\r\n\r\n{body}",
        body.len()
    )?;
    let mut text = String::new();
    stream.read_to_string(&mut text)?;
    let no_http = || io::Error::new(io::ErrorKind::InvalidData, format!("no HTTP: {text:?}"));
    let (head, body) = text.split_once("\r\n\r\n").ok_or_else(no_http)?;
    let status = head.split(' ').nth(1).and_then(|status| status.parse().ok());
    Ok((status.ok_or_else(no_http)?, body.to_owned()))
}
