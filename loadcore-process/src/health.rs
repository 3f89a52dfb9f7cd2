//! Asks a running program at its own address whether it is well.
//!
//! An image without curl has nothing else to ask with: the program is started a second time, as
//! `loadcore-worker health`, finds the address in the same options and environment as the one that
//! works, and asks that one.

use clap::{Subcommand, ValueEnum};
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

/// How long the whole question may take. A program waits 2 s itself for what it asks.
const PATIENCE: Duration = Duration::from_secs(4);
/// The longest answer that is read.
const LONGEST: u64 = 64 * 1024;

/// What a program can be told to do in the place of its work.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Subcommand)]
pub enum Command {
    /// Ask the program that listens here whether it is well: exit code 0, or 1 and the reason
    Health {
        /// What is asked
        #[arg(value_enum, default_value_t = Probe::Works)]
        probe: Probe,
    },
}

/// What can be asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Probe {
    /// Whether it can do its work, with all that it needs for that
    Works,
    /// The same, and whether it is its turn: a controller that stands by is not ready
    Readiness,
    /// Whether the process lives
    Liveness,
}

impl Probe {
    fn path(self) -> &'static str {
        match self {
            Self::Works => "/actuator/health",
            Self::Readiness => "/actuator/health/readiness",
            Self::Liveness => "/actuator/health/liveness",
        }
    }
}

/// Asks the program that listens on `address`, from the same machine.
///
/// # Errors
/// When it does not answer, or says that it is not well: in its own words.
pub async fn ask(address: SocketAddr, probe: Probe) -> Result<(), String> {
    ask_over(address, probe, async |stream| Ok(stream)).await
}

/// The same over what `wrap` makes of the connection.
///
/// # Errors
/// As of [`ask`], and when `wrap` fails.
pub async fn ask_over<S: AsyncRead + AsyncWrite + Unpin>(
    address: SocketAddr,
    probe: Probe,
    wrap: impl AsyncFnOnce(TcpStream) -> io::Result<S>,
) -> Result<(), String> {
    let address = reached(address)?;
    let answer = timeout(PATIENCE, answer(address, probe.path(), wrap)).await;
    let text = match answer {
        Ok(Ok(text)) => text,
        Ok(Err(error)) => return Err(format!("nothing answers on {address}: {error}")),
        Err(_) => return Err(format!("{address} does not answer within {} s", PATIENCE.as_secs())),
    };
    let status = text.strip_prefix("HTTP/1.").and_then(|rest| rest.split(' ').nth(1));
    let body = text.split_once("\r\n\r\n").map_or("", |(_, body)| body.trim());
    match status {
        Some("200") => Ok(()),
        Some(other) => Err(format!("it is not well: {other} {body}")),
        None => Err(format!("what answers on {address} does not speak HTTP")),
    }
}

/// Where a program that listens on `address` is reached from its own machine.
fn reached(address: SocketAddr) -> Result<SocketAddr, String> {
    if address.port() == 0 {
        return Err("port 0 is a free one, which nobody else knows: give it a port".into());
    }
    let ip = match address.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(ip) if ip.is_unspecified() => Ipv6Addr::LOCALHOST.into(),
        ip => ip,
    };
    Ok(SocketAddr::new(ip, address.port()))
}

/// Version 1.0 has no chunks: the body ends with the connection.
async fn answer<S: AsyncRead + AsyncWrite + Unpin>(
    address: SocketAddr,
    path: &str,
    wrap: impl AsyncFnOnce(TcpStream) -> io::Result<S>,
) -> io::Result<String> {
    let mut stream = wrap(TcpStream::connect(address).await?).await?;
    let request = format!("GET {path} HTTP/1.0\r\nHost: {address}\r\n\r\n");
    stream.write_all(request.as_bytes()).await?;
    let mut bytes = Vec::new();
    stream.take(LONGEST).read_to_end(&mut bytes).await?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::net::TcpListener;

    /// What is made of a program that answers so, and what it was asked.
    async fn asked(reply: &'static str, probe: Probe) -> (Result<(), String>, String) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = SocketAddr::from(([0, 0, 0, 0], listener.local_addr().unwrap().port()));
        let serving = async {
            let (mut stream, _) = listener.accept().await.unwrap();
            let mut request = vec![0; 4_096];
            let length = stream.read(&mut request).await.unwrap();
            stream.write_all(reply.as_bytes()).await.unwrap();
            String::from_utf8_lossy(&request[..length]).into_owned()
        };
        tokio::join!(ask(address, probe), serving)
    }

    #[tokio::test]
    async fn its_own_words_decide() {
        let (well, request) = asked("HTTP/1.0 200 OK\r\n\r\n{}", Probe::Liveness).await;
        assert_eq!(well, Ok(()));
        assert!(request.starts_with("GET /actuator/health/liveness HTTP/1.0\r\nHost: 127.0.0.1:"));
        let down = "HTTP/1.1 503 Service Unavailable\r\nx: y\r\n\r\n{\"reason\":\"Redis is away\"}";
        let (ill, request) = asked(down, Probe::Works).await;
        assert!(request.starts_with("GET /actuator/health HTTP"), "{request}");
        assert_eq!(ill.unwrap_err(), "it is not well: 503 {\"reason\":\"Redis is away\"}");
        let (other, _) = asked("SSH-2.0-x\r\n", Probe::Readiness).await;
        assert!(other.unwrap_err().contains("does not speak HTTP"));
    }

    #[tokio::test]
    async fn nobody_there_is_an_answer_too() {
        let free = TcpListener::bind("[::1]:0").await.unwrap().local_addr().unwrap();
        let open = SocketAddr::new(Ipv6Addr::UNSPECIFIED.into(), free.port());
        let told = ask(open, Probe::Works).await.unwrap_err();
        assert!(told.contains(&format!("nothing answers on [::1]:{}", free.port())), "{told}");
        let told = ask("0.0.0.0:0".parse().unwrap(), Probe::Works).await.unwrap_err();
        assert!(told.contains("port 0"), "{told}");
    }

    #[tokio::test(start_paused = true)]
    async fn one_that_hangs_is_given_up() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let told = ask(listener.local_addr().unwrap(), Probe::Works).await.unwrap_err();
        assert!(told.contains("does not answer within 4 s"), "{told}");
    }
}
