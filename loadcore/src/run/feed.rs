//! Hands what happens each second to as many readers as there are, each at its own pace.

use crate::record::Snapshot;
use futures_core::Stream;
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};
use tokio::sync::mpsc;

/// What waits for a slow reader, the last one included.
const WAITING: usize = 5;

/// Where readers come to, and what they are told.
pub(super) struct Feed<T>(Arc<Mutex<Told<T>>>);

struct Told<T> {
    readers: Vec<mpsc::Sender<T>>,
    /// What a reader that comes later begins with.
    newest: Option<T>,
    ended: bool,
}

impl<T: Clone> Feed<T> {
    pub(super) fn new() -> Self {
        Self(Arc::new(Mutex::new(Told { readers: Vec::new(), newest: None, ended: false })))
    }

    /// For the one who tells: when it is dropped, nothing follows.
    pub(super) fn teller(&self) -> Teller<T> {
        Teller(self.clone())
    }

    /// Tells all readers. A slow one misses some news; the last place in its queue is kept for the
    /// last news.
    fn send(&self, news: &T, is_last: bool) {
        let mut told = self.told();
        told.readers.retain(|reader| {
            if is_last || reader.capacity() > 1 {
                let _ = reader.try_send(news.clone());
            }
            !reader.is_closed()
        });
        told.newest = Some(news.clone());
    }

    /// Adds a reader, which begins with the newest there is.
    pub(super) fn follow(&self) -> Following<T> {
        let mut told = self.told();
        let (reader, receiver) = mpsc::channel(WAITING);
        if let Some(newest) = &told.newest {
            let _ = reader.try_send(newest.clone());
        }
        if !told.ended {
            told.readers.push(reader);
        }
        Following { receiver }
    }

    fn told(&self) -> std::sync::MutexGuard<'_, Told<T>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<T> Clone for Feed<T> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<T> fmt::Debug for Feed<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Feed")
    }
}

/// The one who tells.
#[derive(Debug)]
pub(super) struct Teller<T>(Feed<T>);

impl<T: Clone> Teller<T> {
    pub(super) fn send(&self, news: &T, is_last: bool) {
        self.0.send(news, is_last);
    }
}

impl<T> Drop for Teller<T> {
    fn drop(&mut self) {
        let mut told = self.0.0.lock().unwrap_or_else(PoisonError::into_inner);
        told.readers.clear();
        told.ended = true;
    }
}

/// A stream of what a run tells each second. A slow reader misses some of it, but never the last.
#[derive(Debug)]
pub struct Following<T> {
    receiver: mpsc::Receiver<T>,
}

/// A stream of cumulative snapshots: missing one costs nothing but resolution in time, as each holds
/// everything since the start.
pub type Snapshots = Following<Arc<Snapshot>>;

impl<T> Following<T> {
    /// The next one; `None` when the run has ended.
    #[expect(clippy::should_implement_trait, reason = "the word that streams use, too")]
    pub fn next(&mut self) -> impl Future<Output = Option<T>> + '_ {
        self.receiver.recv()
    }
}

impl<T> Stream for Following<T> {
    type Item = T;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<T>> {
        self.receiver.poll_recv(cx)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn each_reader_has_its_own_pace_and_all_have_the_last() {
        let feed = Feed::new();
        let teller = feed.teller();
        let (mut slow, gone) = (feed.follow(), feed.follow());
        drop(gone);
        teller.send(&0, false);
        let mut quick = feed.follow();
        for n in 1..=100 {
            teller.send(&n, n == 100);
            if n == 1 {
                assert_eq!((quick.next().await, quick.next().await), (Some(0), Some(1)));
            } else {
                assert_eq!(quick.next().await, Some(n));
            }
        }
        drop(teller);
        assert_eq!(quick.next().await, None);
        let mut heard = Vec::new();
        while let Some(n) = slow.next().await {
            heard.push(n);
        }
        assert_eq!(heard, [0, 1, 2, 3, 100]);
        let mut late = feed.follow();
        assert_eq!((late.next().await, late.next().await), (Some(100), None));
        assert!(feed.told().readers.is_empty());
    }
}
