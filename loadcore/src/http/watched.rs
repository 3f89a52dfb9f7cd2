//! Turns a reply as a reader of HTTP sees it into what is checked of it.

use super::reader::Watch;
use crate::request::{Checks, Inspection};

/// The checks of a request, and what they have seen of its reply.
#[derive(Debug)]
pub(super) struct Watched<'a> {
    pub(super) checks: &'a Checks,
    pub(super) inspection: &'a mut Inspection,
}

impl Watch for Watched<'_> {
    fn head(&mut self, status: u16, fields: &[httparse::Header<'_>]) {
        let fields = || fields.iter().map(|field| (field.name, field.value));
        self.inspection.head(self.checks, status, fields);
    }

    fn body(&mut self, piece: &[u8]) {
        self.inspection.body(self.checks, piece);
    }
}
