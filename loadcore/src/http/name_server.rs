//! Plays a name server: records into answers of DNS, on a port of this machine.

use std::time::Duration;
use tokio::net::UdpSocket;

/// What a name has.
#[derive(Debug, Clone)]
pub(crate) enum Record {
    /// A.
    Address([u8; 4]),
    /// TXT, in parts of 255 bytes at most.
    Text(Vec<String>),
}

impl Record {
    /// The type by which it is asked for.
    fn kind(&self) -> u8 {
        match self {
            Self::Address(_) => 1,
            Self::Text(_) => 16,
        }
    }

    fn data(&self) -> Vec<u8> {
        match self {
            Self::Address(address) => address.to_vec(),
            Self::Text(parts) => parts
                .iter()
                .flat_map(|part| [&[u8::try_from(part.len()).unwrap()], part.as_bytes()].concat())
                .collect(),
        }
    }
}

/// Answers with all records that stand beside the name that is asked for, or that there is no such
/// name, after `delay`. It is there for as long as the test's runtime is.
pub(crate) async fn name_server(records: Vec<(String, Record)>, delay: Duration) -> u16 {
    let socket = UdpSocket::bind("127.0.0.1:0").await.unwrap();
    let port = socket.local_addr().unwrap().port();
    tokio::spawn(async move {
        let mut query = [0; 512];
        while let Ok((length, from)) = socket.recv_from(&mut query).await {
            let reply = answer(&query[..length], &records);
            tokio::time::sleep(delay).await;
            socket.send_to(&reply, from).await.unwrap();
        }
    });
    port
}

fn answer(query: &[u8], records: &[(String, Record)]) -> Vec<u8> {
    // The name ends with an empty label; type and class follow.
    let end = 12 + query[12..].iter().position(|byte| *byte == 0).unwrap();
    let (name, kind, question) = (name(&query[12..end]), query[end + 2], end + 5);
    let known: Vec<_> = records.iter().filter(|(it, _)| *it == name).collect();
    let answers: Vec<_> = known.iter().filter(|(_, record)| record.kind() == kind).collect();
    let mut reply = query[..question].to_vec();
    // An answer, recursion is there, and 3 is "no such name".
    reply[2..4].copy_from_slice(&[0x81, if known.is_empty() { 0x83 } else { 0x80 }]);
    reply[4..12].copy_from_slice(&[0, 1, 0, answers.len() as u8, 0, 0, 0, 0]);
    for (_, record) in answers {
        let data = record.data();
        // The name of the question, for 60 s.
        reply.extend([0xc0, 12, 0, kind, 0, 1, 0, 0, 0, 60]);
        reply.extend(u16::try_from(data.len()).unwrap().to_be_bytes());
        reply.extend(data);
    }
    reply
}

/// Labels, each behind its length, as people write them.
fn name(mut labels: &[u8]) -> String {
    let mut name = Vec::new();
    while let Some((length, rest)) = labels.split_first() {
        let (label, others) = rest.split_at(usize::from(*length));
        name.push(String::from_utf8_lossy(label).to_ascii_lowercase());
        labels = others;
    }
    name.join(".")
}
