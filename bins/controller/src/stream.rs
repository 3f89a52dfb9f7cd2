//! Turns a run's frames into messages of a WebSocket, one JSON text each.
//!
//! A reader that does not read holds nothing up: frames that it misses are left out by the
//! controller, and when a message has waited `PATIENCE` for room in the socket's buffer the
//! connection is closed. Streams are bounded in number; each holds one frame.

use crate::views::FrameView;
use axum::extract::ws::{CloseFrame, Message, WebSocket, close_code};
use futures_util::{Sink, SinkExt, Stream, StreamExt, stream};
use loadcore::cluster::controller::Frames;
use loadcore::cluster::controller::api::{Frame, FrameData, FrameKind};
use std::time::Duration;
use tokio::sync::{OwnedSemaphorePermit, watch};
use tokio::time::{Instant, MissedTickBehavior, interval_at, timeout};
use tungstenite::error::ProtocolError;

/// How often a ping is sent, so that proxies keep the connection and a dead one is noticed.
const PING: Duration = Duration::from_secs(20);
/// How many pings may go by without a word from the reader.
const SILENT_PINGS: u32 = 3;
/// How long a message may wait for a slow reader.
const PATIENCE: Duration = Duration::from_secs(10);
/// How long a close may take, and its answer.
const CLOSING: Duration = Duration::from_secs(1);
/// How long the last word waits for a reader that was too slow, and may come back to itself.
const LAST_WORD: Duration = Duration::from_secs(20);

/// A run's frames as a stream, with the distribution of each second or without: the state of a wait for
/// one outlives what comes in between.
pub fn of(frames: Frames, distribution: bool) -> impl Stream<Item = Frame> + Send {
    let frames =
        stream::unfold(frames, async |mut frames| frames.next().await.map(|frame| (frame, frames)));
    frames.map(move |frame| if distribution { frame } else { without_distribution(frame) })
}

fn without_distribution(mut frame: Frame) -> Frame {
    if let FrameData::Interval(interval) = &mut frame.data {
        interval.row.distribution = None;
        interval.requests.iter_mut().for_each(|request| request.row.distribution = None);
    }
    frame
}

/// Sends frames until they, the reader or this process end.
pub async fn serve(
    socket: WebSocket,
    frames: impl Stream<Item = Frame> + Send,
    ending: watch::Receiver<bool>,
    permit: OwnedSemaphorePermit,
) {
    let (out, incoming) = socket.split();
    pump(out, incoming, Box::pin(frames), ending, broken).await;
    drop(permit);
}

/// What a reader did that WebSockets do not have; `None` where the connection is gone.
fn broken(error: axum::Error) -> Option<End> {
    match *error.into_inner().downcast::<tungstenite::Error>().ok()? {
        tungstenite::Error::Protocol(ProtocolError::ResetWithoutClosingHandshake) => None,
        tungstenite::Error::Protocol(_) => Some(PROTOCOL),
        tungstenite::Error::Utf8(_) => Some(NO_TEXT),
        tungstenite::Error::Capacity(_) => Some(TOO_BIG),
        _ => None,
    }
}

/// Why a stream ends, as a close code and as a text for the reader's log.
type End = (u16, &'static str);

const RUN_ENDED: End = (close_code::NORMAL, "the run has ended");
const GOING_AWAY: End = (close_code::AWAY, "the controller ends");
const NOT_HERE: End =
    (close_code::AWAY, "another controller drives the run: come again with since=SEQ");
const TOO_SLOW: End = (close_code::AGAIN, "too slow: come again with since=SEQ");
// Whoever does not read does not see the pings either.
const SILENT: End = (close_code::AGAIN, "too slow, no answer to pings: come again with since=SEQ");
const PROTOCOL: End = (close_code::PROTOCOL, "this is no frame of a client's");
const NO_TEXT: End = (close_code::INVALID, "this text is not UTF-8");
const TOO_BIG: End = (close_code::SIZE, "readers have nothing to say that is so long");

async fn pump<O, I, F, E>(
    mut out: O,
    mut incoming: I,
    mut frames: F,
    mut ending: watch::Receiver<bool>,
    broken: impl Fn(E) -> Option<End>,
) where
    O: Sink<Message> + Unpin,
    I: Stream<Item = Result<Message, E>> + Unpin,
    F: Stream<Item = Frame> + Unpin,
{
    let mut pings = interval_at(Instant::now() + PING, PING);
    pings.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut silent = 0;
    let mut at_end = false;
    let end = loop {
        let message = tokio::select! {
            said = incoming.next() => match said {
                Some(Ok(Message::Close(_))) => break None,
                Some(Ok(_)) => {
                    silent = 0;
                    continue;
                }
                Some(Err(error)) => match broken(error) {
                    Some(end) => break Some(end),
                    None => return,
                },
                None => return,
            },
            _ = ending.wait_for(|ending| *ending) => break Some(GOING_AWAY),
            frame = frames.next() => match frame {
                Some(frame) => {
                    at_end = frame.kind() == FrameKind::End;
                    text(frame)
                }
                None if at_end => break Some(RUN_ENDED),
                None => break Some(NOT_HERE),
            },
            _ = pings.tick() => {
                silent += 1;
                if silent > SILENT_PINGS {
                    break Some(SILENT);
                }
                Message::Ping(Default::default())
            }
        };
        match timeout(PATIENCE, out.send(message)).await {
            Ok(Ok(())) => {}
            Ok(Err(_)) => return,
            Err(_) => break Some(TOO_SLOW),
        }
    };
    let Some((code, reason)) = end else {
        // The answer to the reader's own Close lies ready, and is sent with the end.
        let _ = timeout(CLOSING, out.close()).await;
        return;
    };
    let close = Message::Close(Some(CloseFrame { code, reason: reason.into() }));
    let patience = if code == close_code::AGAIN { LAST_WORD } else { CLOSING };
    if !matches!(timeout(patience, out.send(close)).await, Ok(Ok(()))) {
        // Whoever does not read does not read this either; the connection is then just closed.
        return;
    }
    // One that is closed over unread bytes is reset, and the close may be lost with it.
    let _ = timeout(CLOSING, async { while let Some(Ok(_)) = incoming.next().await {} }).await;
}

fn text(frame: Frame) -> Message {
    Message::text(serde_json::to_string(&FrameView::from(frame)).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures_channel::mpsc;
    use loadcore::cluster::controller::api::EndFrame;
    use loadcore::cluster::store::{RunState, TimelineEvent};
    use serde_json::{Value, json};
    use std::convert::Infallible;

    fn frame(seq: u64) -> Frame {
        told(seq, json!(null))
    }

    /// A frame that says something.
    fn told(seq: u64, data: Value) -> Frame {
        let event = TimelineEvent {
            at_unix_ms: 1_767_225_600_000,
            at_seconds: Some(1.5),
            kind: "paused".into(),
            text: "it stands still".into(),
            data,
            seq,
        };
        Frame { seq, data: FrameData::Event(event) }
    }

    fn last(seq: u64) -> Frame {
        let end = EndFrame { state: RunState::Completed, complete: Some(true) };
        Frame { seq, data: FrameData::End(end) }
    }

    type Incoming = stream::Pending<Result<Message, Infallible>>;

    fn nobody_speaks() -> Incoming {
        stream::pending()
    }

    /// What is sent of `frames` until the end, by a reader with room for `room` messages that
    /// reads only afterwards.
    async fn sent(room: usize, frames: impl Stream<Item = Frame> + Unpin) -> Vec<Message> {
        let (out, read) = mpsc::channel(room);
        let (_alive, ending) = watch::channel(false);
        pump(out, nobody_speaks(), frames, ending, |_| None).await;
        read.collect().await
    }

    fn close_of(messages: &[Message]) -> Option<u16> {
        match messages.last() {
            Some(Message::Close(Some(close))) => Some(close.code),
            _ => None,
        }
    }

    #[tokio::test]
    async fn a_message_for_each_frame_and_a_close_at_the_end() {
        let messages = sent(16, stream::iter([frame(1), last(2)])).await;
        // An event as the timeline shows it.
        assert_eq!(
            messages[0].to_text().unwrap(),
            r#"{"seq":1,"type":"event","data":{"at":"2026-01-01T00:00:00.000Z","atSeconds":1.5,"kind":"paused","text":"it stands still","data":null}}"#
        );
        assert_eq!(
            messages[1].to_text().unwrap(),
            r#"{"seq":2,"type":"end","data":{"state":"COMPLETED","complete":true}}"#
        );
        assert_eq!((messages.len(), close_of(&messages)), (3, Some(1_000)));
    }

    #[test]
    fn of_a_second_alone_the_distribution_is_left_out() {
        let mut written = json!({"seq": 1, "type": "interval", "data": {
            "second": 1, "due": 2, "sent": 0, "ok": 0, "failed": 0, "dropped": 0, "backlog": 2,
            "unknown": 0, "p50Ms": null, "p95Ms": null, "p99Ms": null, "maxMs": null,
            "distribution": "fgIAAwE=", "rps": 0.0, "offeredRps": 2.0, "statusCodes": {"200": 1},
            "errors": {}, "inFlight": 0, "activeWorkers": 1, "state": "RUNNING",
        }});
        written["data"]["requests"] = json!([{
            "name": "a", "second": 1, "due": 2, "sent": 0, "ok": 0, "failed": 0, "dropped": 0,
            "backlog": 0, "unknown": 0, "p50Ms": null, "p95Ms": null, "p99Ms": null, "maxMs": null,
            "distribution": "fgIAAwE=", "rps": 0.0, "statusCodes": {"200": 1}, "errors": {},
        }]);
        written["data"]["workers"] = json!([{
            "worker": "w", "due": 2, "sent": 0, "ok": 0, "failed": 0, "dropped": 0, "inFlight": 0,
            "backlog": 2, "achievedRps": 0.0, "p50Ms": null, "p99Ms": null, "scheduleLagP99Ms": null,
            "pacerLagP99Ms": 0.2, "cpuShare": 0.1, "lateShare": 0.0, "stalledShare": 0.0,
            "shortageShare": null,
        }]);
        let second: Frame = serde_json::from_value(written.clone()).unwrap();
        assert_eq!(json!(second), written);
        written["data"]["distribution"] = Value::Null;
        written["data"]["requests"][0]["distribution"] = Value::Null;
        assert_eq!(json!(without_distribution(second)), written);
        assert_eq!(without_distribution(last(2)), last(2));
    }

    #[tokio::test]
    async fn frames_that_stop_before_the_end_are_another_controllers_from_then_on() {
        let messages = sent(16, stream::iter([frame(1)])).await;
        assert_eq!((messages.len(), close_of(&messages)), (2, Some(1_001)));
    }

    #[tokio::test(start_paused = true)]
    async fn a_reader_that_does_not_read_is_left_and_holds_one_frame() {
        let begun = Instant::now();
        let taken = std::cell::Cell::new(0);
        let frames = stream::iter(1..).map(|seq| {
            taken.set(taken.get() + 1);
            frame(seq)
        });
        let messages = sent(1, frames).await;
        assert!(begun.elapsed() >= PATIENCE && begun.elapsed() < PATIENCE + 2 * LAST_WORD);
        // Those that had room, and the one that waited for it.
        assert!(taken.get() <= messages.len() + 1, "{} of {}", taken.get(), messages.len());
    }

    #[tokio::test(start_paused = true)]
    async fn a_silent_reader_is_left_after_some_pings() {
        let messages = sent(16, stream::pending()).await;
        let pings = messages.iter().filter(|message| matches!(message, Message::Ping(_))).count();
        assert_eq!((pings, close_of(&messages)), (3, Some(1_013)));
    }

    #[tokio::test]
    async fn when_the_process_ends_so_do_its_streams() {
        let (out, read) = mpsc::channel(4);
        let (end, ending) = watch::channel(false);
        end.send(true).unwrap();
        pump(out, nobody_speaks(), stream::pending(), ending, |_| None).await;
        let messages: Vec<_> = read.collect().await;
        assert_eq!(close_of(&messages), Some(1_001));
    }

    #[tokio::test]
    async fn a_reader_that_goes_ends_it() {
        let (out, _read) = mpsc::channel(4);
        let (_alive, ending) = watch::channel(false);
        let goodbye = stream::iter([Ok::<_, Infallible>(Message::Close(None))]);
        pump(out, goodbye, stream::pending(), ending, |_| None).await;
    }

    /// A reader that stops reading, and reads on after that: what waited for it, and why it is left.
    #[tokio::test]
    async fn a_reader_that_was_too_slow_is_told_so() {
        use axum::extract::ws::WebSocketUpgrade;
        use tokio::io::{AsyncReadExt, AsyncWriteExt};

        let (_alive, ending) = watch::channel(false);
        let streams = std::sync::Arc::new(tokio::sync::Semaphore::new(1));
        let permits = std::sync::Arc::clone(&streams);
        let open = move |upgrade: WebSocketUpgrade| {
            let permit = std::sync::Arc::clone(&permits).try_acquire_owned().unwrap();
            // More than any socket holds.
            let large = |seq| told(seq, json!("x".repeat(50_000)));
            let frames = stream::iter(1..).map(large);
            let upgrade = upgrade.write_buffer_size(0);
            async move { upgrade.on_upgrade(move |socket| serve(socket, frames, ending, permit)) }
        };
        let router = axum::Router::new().route("/", axum::routing::get(open));
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let server = tokio::spawn(axum::serve(listener, router).into_future());
        let mut client = tokio::net::TcpStream::connect(address).await.unwrap();
        let request = "GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
                       Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";
        client.write_all(request.as_bytes()).await.unwrap();
        // Longer than it is waited for, and shorter than the last word waits.
        tokio::time::sleep(PATIENCE + CLOSING).await;
        let mut all = Vec::new();
        timeout(Duration::from_secs(60), client.read_to_end(&mut all)).await.unwrap().unwrap();
        server.abort();
        let reason = TOO_SLOW.1.as_bytes();
        let close =
            [&[0x88, 2 + reason.len() as u8], &TOO_SLOW.0.to_be_bytes()[..], reason].concat();
        assert_eq!(TOO_SLOW.0, 1_013);
        assert!(all.ends_with(&close), "{:?}", &all[all.len().saturating_sub(200)..]);
    }

    #[tokio::test]
    async fn a_client_of_websockets_reads_it() {
        use axum::extract::ws::WebSocketUpgrade;
        use tokio_tungstenite::tungstenite::Message as Read;

        let (_alive, ending) = watch::channel(false);
        let streams = std::sync::Arc::new(tokio::sync::Semaphore::new(1));
        let permits = std::sync::Arc::clone(&streams);
        let open = move |upgrade: WebSocketUpgrade| {
            let permit = std::sync::Arc::clone(&permits).try_acquire_owned().unwrap();
            let frames = stream::iter([frame(1), last(2)]);
            async move { upgrade.on_upgrade(move |socket| serve(socket, frames, ending, permit)) }
        };
        let router = axum::Router::new().route("/", axum::routing::get(open));
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("ws://{}/", listener.local_addr().unwrap());
        let server = tokio::spawn(axum::serve(listener, router).into_future());

        let (client, _) = tokio_tungstenite::connect_async(url).await.unwrap();
        let messages: Vec<_> = client.map(Result::unwrap).collect().await;
        server.abort();
        let texts = messages.iter().filter(|message| message.is_text()).count();
        let Some(Read::Close(Some(close))) = messages.last() else { panic!("{messages:?}") };
        assert_eq!((texts, u16::from(close.code)), (2, 1_000));
        // Its place is free again once it has ended.
        let place = timeout(Duration::from_secs(60), streams.acquire()).await;
        assert!(place.is_ok_and(|place| place.is_ok()));
    }
}
