//! Follows a request from hop to hop until a reply leads nowhere else, and to origins that are not the
//! lane's own.

use super::plan::Prepared;
use super::{HttpLane, redirect};
use crate::request::{ErrorClass, Failure, Outcome};
use crate::transport::Lane;
use std::future::poll_fn;
use std::task::Poll;

/// An outcome, and the Location of its reply.
pub(super) type Hop = (Outcome, Option<Box<[u8]>>);

impl HttpLane {
    /// Follows redirects within one request. Hops to the lane's own origin use its connection; for
    /// hops elsewhere the lane keeps others, to the origins of the mix and to the one that it was sent
    /// to last.
    pub(super) async fn follow(&self, first: &Prepared) -> Outcome {
        let plan = &self.shared.plan;
        let follows = plan.options.max_redirects > 0;
        let (mut outcome, mut location) = self.first_hop(first, follows).await;
        let mut request = None;
        for _ in 0..plan.options.max_redirects {
            let Some((status, to)) = redirect_of(&outcome, location.take()) else { return outcome };
            let previous = request.as_ref().unwrap_or(first);
            let next = match redirect::next(plan, (first, previous), status, &to) {
                Ok(next) => next,
                Err(failure) => return Outcome { failure: Some(failure), ..outcome },
            };
            let (then, found) = self.hop_to(&next, first).await;
            outcome = Outcome {
                first_byte_at: outcome.first_byte_at,
                further_connects: outcome.further_connects + then.further_connects,
                ..then
            };
            (location, request) = (found, Some(next));
        }
        if follows && redirect_of(&outcome, location).is_some() {
            outcome.failure = Some(Failure::text(
                ErrorClass::RedirectLimit,
                format_args!("more than {} redirects", plan.options.max_redirects),
            ));
        }
        outcome
    }

    /// Sends a request whose origin may not be the lane's own. A lane of a mix of several origins has
    /// none of its own.
    pub(super) async fn first_hop(&self, request: &Prepared, wants_location: bool) -> Hop {
        if !self.is_scattered() {
            return self.hop(request, wants_location).await;
        }
        let mut hop = Box::pin(self.hop_elsewhere(request)).await;
        // Nothing was sent before it: what this machine lacks does not fail it.
        if let Some(shortage) = self.shortage.take() {
            hop.0.failure = Some(shortage);
        }
        hop
    }

    async fn hop_to(&self, request: &Prepared, first: &Prepared) -> Hop {
        // A closed lane is opened by the engine alone.
        if request.origin == first.origin && !self.is_scattered() && self.is_open() {
            let ended = self.hop(request, true).await;
            if !ended.0.not_begun {
                return ended;
            }
        }
        let mut ended = self.hop_elsewhere(request).await;
        // As often as the request's timeout lets it be.
        while ended.0.not_begun {
            let opened = ended.0.further_connects;
            ended = self.hop_elsewhere(request).await;
            ended.0.further_connects += opened;
        }
        ended
    }

    async fn hop_elsewhere(&self, request: &Prepared) -> Hop {
        // While it is used it is nobody else's: of requests side by side the others open their own.
        let kept = {
            let mut all = self.kept.borrow_mut();
            let place = all.iter().position(|(origin, _)| *origin == request.origin);
            place.map(|place| all.remove(place).1)
        };
        let (lane, opened) = match kept {
            Some(lane) if lane.is_still_open().await => (lane, 0),
            _ => (Box::new(self.beside()), 1),
        };
        if opened > 0 {
            self.opens_elsewhere.set(true);
            let connected = lane.connect(request).await;
            self.opens_elsewhere.set(false);
            match connected {
                Ok((connection, ..)) => drop(lane.connection.replace(connection)),
                // The hops before it were sent: what this machine lacks now fails the request.
                Err(failure) if failure.is_shortage() => {
                    let failed = Failure::text(ErrorClass::Internal, &failure);
                    self.shortage.replace(Some(failure));
                    return (Outcome::failed(failed), None);
                }
                Err(failure) => return (Outcome::failed(failure), None),
            }
        }
        let (mut outcome, location) = lane.hop(request, true).await;
        outcome.further_connects = opened;
        if lane.is_open() {
            let mut all = self.kept.borrow_mut();
            if all.len() > self.shared.plan.origins.len() {
                all.remove(0);
            }
            all.push((request.origin.clone(), lane));
        }
        (outcome, location)
    }

    /// Whether the other side has not closed the connection since it was used last.
    async fn is_still_open(&self) -> bool {
        poll_fn(|cx| Poll::Ready(self.poll_closed(cx).is_pending())).await && self.is_open()
    }
}

fn redirect_of(outcome: &Outcome, location: Option<Box<[u8]>>) -> Option<(u16, Box<[u8]>)> {
    let status = outcome.status.filter(|status| redirect::is_redirect(*status))?;
    if outcome.failure.is_some() {
        return None;
    }
    Some((status, location?))
}
