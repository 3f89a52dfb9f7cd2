//! Turns spans of a run, as they come, into rows of equal length: at most so many, however long the
//! run.
//!
//! The length of a row is chosen from the planned duration. A run that outgrows its plan (a pause, a
//! limit on requests instead of time) has its rows merged in pairs, again and again.

use super::Span;
use crate::time::SECOND;

/// The most rows that are kept of a whole run.
pub(crate) const MOST_ROWS: usize = 3_600;

/// What is known of one span of a run.
pub(crate) trait Row {
    /// One that knows nothing yet, and begins with this second.
    fn beginning(second: u64) -> Self;

    /// The second with which it begins.
    fn second(&self) -> u64;

    /// Moves its beginning to this second.
    fn begin(&mut self, second: u64);

    /// Adds the row that follows.
    fn absorb(&mut self, later: &Self);
}

/// The rows so far, and the one that is being filled.
#[derive(Debug)]
pub(crate) struct Rows<R> {
    most: usize,
    row_seconds: u64,
    closed: Vec<R>,
    open: Option<R>,
}

impl<R: Row> Rows<R> {
    /// At most so many, for a run that is planned to last so long.
    pub(crate) fn new(most: usize, planned_seconds: f64) -> Self {
        let row_seconds = (planned_seconds / most as f64).ceil().max(1.0) as u64;
        Self { most, row_seconds, closed: Vec::new(), open: None }
    }

    /// From now on at most so many: there is more in a row than was known when they were made. They come
    /// to that with the next rows.
    pub(crate) fn at_most(&mut self, most: usize) {
        self.most = self.most.min(most);
    }

    /// Seconds in a row.
    pub(crate) fn row_seconds(&self) -> u64 {
        self.row_seconds
    }

    /// Those that nothing comes to any more.
    pub(crate) fn closed(&self) -> &[R] {
        &self.closed
    }

    /// The last one.
    pub(crate) fn open(&self) -> Option<&R> {
        self.open.as_ref()
    }

    /// The row that what was recorded in `span` belongs to: the one in which it began. Where that is a
    /// new one, `close` has the last word on the one before.
    ///
    /// A drain that is shorter than a row belongs to the row before it: a row of its own would look
    /// like a second in which nothing fell due.
    pub(crate) fn at(&mut self, span: Span, close: impl FnOnce(&mut R)) -> &mut R {
        let length = span.to_ns.saturating_sub(span.from_ns);
        let belongs = span.draining && length < self.row_seconds * SECOND;
        let begun = self.begun(span);
        if let Some(mut row) = self.open.take_if(|row| row.second() < begun && !belongs) {
            close(&mut row);
            self.push(row);
            self.shorten();
        }
        let begun = self.begun(span);
        self.open.get_or_insert_with(|| R::beginning(begun))
    }

    /// The second with which the row begins that `span` begins in.
    fn begun(&self, span: Span) -> u64 {
        span.from_ns / SECOND / self.row_seconds * self.row_seconds
    }

    /// Where there are too many, two become one.
    fn shorten(&mut self) {
        if self.closed.len() >= self.most {
            self.row_seconds *= 2;
            for mut row in std::mem::take(&mut self.closed) {
                row.begin(row.second() / self.row_seconds * self.row_seconds);
                self.push(row);
            }
        }
    }

    fn push(&mut self, row: R) {
        match self.closed.last_mut() {
            Some(last) if last.second() == row.second() => last.absorb(&row),
            _ => self.closed.push(row),
        }
    }
}
