//! Gives connections seats, of which there are so many, and takes them from those who ask for nothing.
//!
//! Whoever opens connections and says nothing on them, or says it as slowly as can be, holds a seat and
//! keeps nobody out with it: where all are taken, a newcomer gets the seat of the connection that has
//! waited longest without a whole request on its way. One whose request is being answered keeps its
//! seat, and so does a stream. So a probe is answered whatever else knocks at the door.

use axum::body::{Bytes, HttpBody};
use axum::http::Request;
use http_body::{Frame, SizeHint};
use std::collections::BTreeMap;
use std::net::IpAddr;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::sync::Notify;
use tokio::time::Instant;

/// Connections that may be open where nothing is said.
pub const CONNECTIONS: usize = 2_048;
/// How often at most it is said that all seats are taken.
const SAID: Duration = Duration::from_secs(60);

/// How many connections may be open.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bounds {
    /// In all.
    pub most: usize,
    /// From one address that is not this machine's; `None`: as many as in all.
    pub from_one: Option<usize>,
}

impl Default for Bounds {
    fn default() -> Self {
        Self { most: CONNECTIONS, from_one: None }
    }
}

/// All seats.
pub(super) struct Seats {
    bounds: Bounds,
    taken: Mutex<Taken>,
}

#[derive(Default)]
struct Taken {
    next: u64,
    places: BTreeMap<u64, Arc<Place>>,
    said: Option<Instant>,
}

/// What is known of a connection.
struct Place {
    from: IpAddr,
    /// Its seat is another's.
    lost: Notify,
    state: Mutex<State>,
}

struct State {
    /// Requests whose head has come, and whose answer has not begun.
    asked: u32,
    /// Those of them that have come whole, and streams.
    whole: u32,
    /// When it began to wait: when it was opened, or something was last sent to it.
    since: Instant,
}

impl Place {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Since when it has waited without a whole request on its way; `None`: it has one.
    fn waits_since(&self) -> Option<Instant> {
        let state = self.state();
        (state.whole == 0).then_some(state.since)
    }
}

impl Seats {
    pub(super) fn new(bounds: Bounds) -> Self {
        Self { bounds, taken: Mutex::default() }
    }

    /// A seat for a connection from this address; `None` where all are taken by those who are served.
    pub(super) fn take(self: &Arc<Self>, from: IpAddr) -> Option<Seat> {
        let mut taken = self.taken();
        let has_most = self.bounds.from_one.filter(|_| !from.is_loopback()).is_some_and(|most| {
            taken.places.values().filter(|place| place.from == from).count() >= most
        });
        if has_most || taken.places.len() >= self.bounds.most {
            taken.say(self.bounds.most, has_most.then_some(from));
            taken.free(has_most.then_some(from))?;
        }
        let number = taken.next;
        taken.next += 1;
        let state = Mutex::new(State { asked: 0, whole: 0, since: Instant::now() });
        let place = Arc::new(Place { from, lost: Notify::new(), state });
        taken.places.insert(number, Arc::clone(&place));
        Some(Seat { number, place, seats: Arc::clone(self) })
    }

    fn taken(&self) -> MutexGuard<'_, Taken> {
        self.taken.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Taken {
    /// Takes the seat from whoever has waited longest, of those from one address where there is one.
    fn free(&mut self, from: Option<IpAddr>) -> Option<()> {
        let of = |place: &Place| from.is_none_or(|from| place.from == from);
        let waiting = self.places.iter().filter(|(_, place)| of(place));
        let waiting = waiting.filter_map(|(number, place)| Some((place.waits_since()?, *number)));
        let (_, number) = waiting.min()?;
        self.places.remove(&number)?.lost.notify_one();
        Some(())
    }

    fn say(&mut self, most: usize, from: Option<IpAddr>) {
        if self.said.is_some_and(|said| said.elapsed() < SAID) {
            return;
        }
        self.said = Some(Instant::now());
        match from {
            Some(from) => tracing::warn!("{from} has as many connections as one address may have"),
            None => tracing::warn!(
                "{most} connections are open, which is the most: those that ask for nothing are closed"
            ),
        }
    }
}

/// A connection's seat, until it is dropped.
pub(super) struct Seat {
    number: u64,
    place: Arc<Place>,
    seats: Arc<Seats>,
}

impl Drop for Seat {
    fn drop(&mut self) {
        self.seats.taken().places.remove(&self.number);
    }
}

impl Seat {
    /// Ends when the seat is another's.
    pub(super) fn left(&self) -> impl Future<Output = ()> + Send + use<> {
        let place = Arc::clone(&self.place);
        async move { place.lost.notified().await }
    }

    /// Who sits on it, to note what is asked.
    pub(super) fn caller(&self) -> Caller {
        Caller(Arc::clone(&self.place))
    }

    /// Whether a request's head has come that has no answer yet.
    pub(super) fn has_asked(&self) -> bool {
        self.place.state().asked > 0
    }

    /// Notes that something was sent: it has read what went before, and is one that is served.
    pub(super) fn reads(&self) {
        self.place.state().since = Instant::now();
    }

    /// Whether more than half of all seats are taken.
    pub(super) fn is_crowded(&self) -> bool {
        self.seats.taken().places.len() * 2 > self.seats.bounds.most
    }
}

/// Who sits on a seat.
#[derive(Clone)]
pub(super) struct Caller(Arc<Place>);

impl Caller {
    /// Notes that a request's head has come.
    pub(super) fn asks<B: HttpBody>(&self, request: &Request<B>) -> Arc<Call> {
        self.0.state().asked += 1;
        let call = Arc::new(Call { place: Arc::clone(&self.0), whole: AtomicBool::new(false) });
        if request.body().is_end_stream() {
            call.is_whole();
        }
        call
    }
}

/// A request that has no answer yet, until it is dropped.
pub(super) struct Call {
    place: Arc<Place>,
    whole: AtomicBool,
}

impl Call {
    /// A body that says when it has come to its end.
    pub(super) fn hears<B>(self: &Arc<Self>, body: B) -> Heard<B> {
        Heard { body, call: Arc::clone(self) }
    }

    /// Notes that the connection carries a stream from now on.
    pub(super) fn goes_on(&self) {
        self.place.state().whole += 1;
    }

    fn is_whole(&self) {
        if !self.whole.swap(true, Ordering::Relaxed) {
            self.place.state().whole += 1;
        }
    }
}

impl Drop for Call {
    fn drop(&mut self) {
        let mut state = self.place.state();
        state.asked -= 1;
        state.whole -= u32::from(self.whole.load(Ordering::Relaxed));
        state.since = Instant::now();
    }
}

/// The body of a request that says when it has come to its end.
pub(super) struct Heard<B> {
    body: B,
    call: Arc<Call>,
}

impl<B: HttpBody<Data = Bytes> + Unpin> HttpBody for Heard<B> {
    type Data = Bytes;
    type Error = B::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, B::Error>>> {
        let this = self.get_mut();
        let frame = Pin::new(&mut this.body).poll_frame(cx);
        if matches!(frame, Poll::Ready(None)) || this.body.is_end_stream() {
            this.call.is_whole();
        }
        frame
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::body::Body;
    use tokio::time::advance;

    fn seats(most: usize, from_one: Option<usize>) -> Arc<Seats> {
        Arc::new(Seats::new(Bounds { most, from_one }))
    }

    fn address(last: u8) -> IpAddr {
        [192, 0, 2, last].into()
    }

    /// Whether a seat has become another's.
    async fn is_lost(seat: &Seat) -> bool {
        tokio::time::timeout(Duration::from_millis(1), seat.left()).await.is_ok()
    }

    fn request(body: Body) -> Request<Body> {
        Request::new(body)
    }

    #[tokio::test(start_paused = true)]
    async fn whoever_has_waited_longest_gives_its_seat_away() {
        let seats = seats(3, None);
        let mut taken = Vec::new();
        for last in 0..3 {
            taken.push(seats.take(address(last)).unwrap());
            advance(Duration::from_secs(1)).await;
        }
        assert!(taken[0].is_crowded());
        // The first is served, the second was just written to.
        let call = taken[0].caller().asks(&request(Body::empty()));
        taken[1].reads();
        let newcomer = seats.take(address(9)).unwrap();
        assert!(is_lost(&taken[2]).await && !is_lost(&taken[1]).await && !is_lost(&taken[0]).await);
        drop(call);
        advance(Duration::from_secs(1)).await;
        newcomer.reads();
        taken[0].reads();
        let _other = seats.take(address(9)).unwrap();
        assert!(is_lost(&taken[1]).await);
        // Those that have lost theirs take no other's with them.
        taken.truncate(1);
        assert_eq!(seats.taken().places.len(), 3);
    }

    #[tokio::test(start_paused = true)]
    async fn nobody_who_is_served_loses_a_seat() {
        let seats = seats(2, None);
        let (one, two) = (seats.take(address(1)).unwrap(), seats.take(address(2)).unwrap());
        let _call = one.caller().asks(&request(Body::empty()));
        let stream = two.caller().asks(&request(Body::empty()));
        stream.goes_on();
        drop(stream);
        assert!(two.place.waits_since().is_none(), "it has an answer that goes on");
        assert!(seats.take(address(3)).is_none());
        drop(one);
        assert!(seats.take(address(3)).is_some());
    }

    #[tokio::test]
    async fn a_request_counts_once_its_body_has_come() {
        let seats = seats(2, None);
        let seat = seats.take(address(1)).unwrap();
        let asked = request(Body::from("a body"));
        let call = seat.caller().asks(&asked);
        assert!(seat.has_asked() && seat.place.waits_since().is_some(), "its body has not come");
        let mut body = call.hears(asked.into_body());
        let frame = std::future::poll_fn(|cx| Pin::new(&mut body).poll_frame(cx)).await;
        assert!(frame.is_some_and(|frame| frame.is_ok()));
        assert!(seat.place.waits_since().is_none(), "it has");
        drop((body, call));
        assert!(!seat.has_asked() && seat.place.waits_since().is_some(), "it was answered");
    }

    #[tokio::test]
    async fn one_address_takes_no_more_than_its_own_seats() {
        let seats = seats(10, Some(2));
        let first = seats.take(address(1)).unwrap();
        let (other, second) = (seats.take(address(2)).unwrap(), seats.take(address(1)).unwrap());
        let _third = seats.take(address(1)).unwrap();
        assert!(is_lost(&first).await && !is_lost(&other).await && !is_lost(&second).await);
        let here: Vec<_> = (0..5).map(|_| seats.take([127, 0, 0, 1].into())).collect();
        assert!(here.iter().all(Option::is_some), "this machine's are bounded by all alone");
    }
}
