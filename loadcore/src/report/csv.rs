//! Turns the series into CSV (RFC 4180): a header with the names of the result document, and a line
//! for each row. A number that does not exist is an empty field.
//!
//! Where the run has a mix there is one column more, the request's name: it is empty in the rows of the
//! whole, and behind each of these come the rows of the requests that begin with the same second.

use super::{Format, IntervalWriter};
use crate::record::Interval;
use crate::result::{RunResult, SeriesRow, Span};
use std::io::{self, Write};

/// The series, or each interval of a run as it comes.
pub const FORMAT: Format = Format {
    name: "csv",
    media_type: "text/csv; charset=utf-8",
    extension: "csv",
    document: Some(|result, _| Ok(render(result))),
    stream: Some(|out, run| Ok(Box::new(CsvWriter::new(out, run.names)?))),
};

/// The names of the columns.
const HEADER: &str = "second,due,sent,ok,failed,dropped,p50Ms,p95Ms,p99Ms,maxMs";

/// The series of a result.
#[must_use]
pub fn render(result: &RunResult) -> String {
    let has_mix = !result.requests.is_empty();
    let mut text = head(has_mix);
    for (place, row) in result.series.iter().enumerate() {
        text.push_str(&line(row, has_mix.then_some("")));
        let until = result.series.get(place + 1).map_or(u64::MAX, |next| next.second);
        for request in &result.requests {
            let here = |it: &&SeriesRow| (row.second..until).contains(&it.second);
            let rows = request.series.iter().filter(here);
            rows.for_each(|row| text.push_str(&line(row, Some(&request.name))));
        }
    }
    text
}

fn head(has_mix: bool) -> String {
    if has_mix { format!("{HEADER},request\n") } else { format!("{HEADER}\n") }
}

/// Writes a line for each interval as it comes, however many there will be.
#[derive(Debug)]
pub struct CsvWriter<W> {
    out: W,
    names: Vec<String>,
}

impl<W: Write> CsvWriter<W> {
    /// Writes the header, for the named requests of a mix; none without one.
    ///
    /// # Errors
    ///
    /// If the writer fails.
    pub fn new(mut out: W, names: Vec<String>) -> io::Result<Self> {
        out.write_all(head(!names.is_empty()).as_bytes())?;
        Ok(Self { out, names })
    }

    /// Writes an interval, whose line begins with the second in which it began.
    ///
    /// # Errors
    ///
    /// If the writer fails.
    pub fn interval(&mut self, interval: &Interval, span: Span) -> io::Result<()> {
        let has_mix = !self.names.is_empty();
        let row = line(&SeriesRow::of(interval, span), has_mix.then_some(""));
        self.out.write_all(row.as_bytes())?;
        for (name, named) in self.names.iter().zip(&interval.named) {
            let row = SeriesRow::of_named(named, span);
            self.out.write_all(line(&row, Some(name)).as_bytes())?;
        }
        Ok(())
    }

    /// Flushes, and gives the writer back.
    ///
    /// # Errors
    ///
    /// If the writer fails.
    pub fn finish(mut self) -> io::Result<W> {
        self.out.flush()?;
        Ok(self.out)
    }
}

impl<W: Write + Send> IntervalWriter for CsvWriter<W> {
    fn interval(&mut self, interval: &Interval, span: Span) -> io::Result<()> {
        CsvWriter::interval(self, interval, span)
    }

    fn finish(self: Box<Self>) -> io::Result<()> {
        CsvWriter::finish(*self).map(drop)
    }
}

fn line(row: &SeriesRow, request: Option<&str>) -> String {
    let SeriesRow { second, due, sent, ok, failed, dropped, .. } = row;
    let [p50, p95, p99, max] = [row.p50_ms, row.p95_ms, row.p99_ms, row.max_ms]
        .map(|number| number.map_or(String::new(), |number| number.to_string()));
    let request = request.map_or(String::new(), |name| format!(",{}", field(name)));
    format!("{second},{due},{sent},{ok},{failed},{dropped},{p50},{p95},{p99},{max}{request}\n")
}

/// Text as a field: in quotes where it holds what ends one.
fn field(text: &str) -> String {
    if text.contains([',', '"', '\n', '\r']) {
        return format!("\"{}\"", text.replace('"', "\"\""));
    }
    text.to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::result::fixtures::{Run, empty_run, request, run_start, steady_run};
    use crate::result::{LoopKind, RunEnd};
    use crate::time::{MILLISECOND, SECOND};

    #[test]
    fn a_line_for_each_row_with_empty_fields_for_what_is_not_there() {
        assert_eq!(render(&empty_run()), format!("{HEADER}\n"));
        let text = render(&steady_run());
        assert_eq!(text.lines().count(), 11);
        assert!(text.lines().nth(1).unwrap().starts_with("0,1000,1000,1000,0,0,0."));
        let mut row = SeriesRow { second: 3, dropped: 2, ..SeriesRow::default() };
        assert_eq!(line(&row, None), "3,0,0,0,0,2,,,,\n");
        row.max_ms = Some(1.5);
        assert_eq!(line(&row, Some("")), "3,0,0,0,0,2,,,,1.5,\n");
        assert_eq!(line(&row, Some("a, \"b\"")), "3,0,0,0,0,2,,,,1.5,\"a, \"\"b\"\"\"\n");
    }

    #[test]
    fn what_is_streamed_equals_what_is_rendered() {
        let mut run = Run::new(run_start(LoopKind::Open));
        for second in 0..3 {
            run.second(false, |recorder, _| {
                request(recorder, Some(second * SECOND), 0, MILLISECOND, Ok(200));
            });
        }
        let mut writer = CsvWriter::new(Vec::new(), Vec::new()).unwrap();
        for (interval, span) in &run.intervals {
            writer.interval(interval, *span).unwrap();
        }
        let streamed = String::from_utf8(writer.finish().unwrap()).unwrap();
        let ending = RunEnd { duration_ns: 3 * SECOND, ..RunEnd::default() };
        assert_eq!(streamed, render(&run.end(ending, 0)));
    }
}
