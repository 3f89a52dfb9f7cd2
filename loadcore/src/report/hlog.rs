//! Turns intervals into an HdrHistogram interval log, version 1.3, which keeps every interval's
//! whole distribution: `HistogramLogProcessor` and HdrHistogram's log analyzers read it.
//!
//! Lines without a tag are response times (in closed loop service times), because that is what tools
//! take if they are not asked for a tag. `Tag=service` are service times and `Tag=lag` schedule lags.
//! Values are nanoseconds, and the column of maxima is milliseconds, as in the Java implementation's
//! logs. Times are seconds since the log's base time, the start of the measured time.
//!
//! The lines are written here and not by `hdrhistogram`'s own log writer: that one leaves out the
//! format's version and legend, and would repeat a comment before every line.

use super::{Format, IntervalWriter};
use crate::record::{Histogram, Interval};
use crate::result::{Span, ms};
use crate::time::seconds;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use std::io::{self, Write};

/// The whole distribution of each interval, which a result does not hold.
pub const FORMAT: Format = Format {
    name: "hlog",
    media_type: "text/plain; charset=utf-8",
    extension: "hlog",
    document: None,
    stream: Some(|out, run| Ok(Box::new(HlogWriter::new(out, run.started_unix_ms)?))),
};

/// Writes each interval as it comes, however many there will be.
#[derive(Debug)]
pub struct HlogWriter<W> {
    out: W,
}

impl<W: Write> HlogWriter<W> {
    /// Writes the head of the log.
    ///
    /// # Errors
    ///
    /// If the writer fails.
    pub fn new(mut out: W, started_unix_ms: u64) -> io::Result<Self> {
        let (start_s, start_ms) = (started_unix_ms / 1_000, started_unix_ms % 1_000);
        writeln!(out, "#[Logged by loadcore {}]", env!("CARGO_PKG_VERSION"))?;
        writeln!(out, "#[Histogram log format version 1.3]")?;
        writeln!(out, "#[StartTime: {start_s}.{start_ms:03} (seconds since epoch)]")?;
        writeln!(out, "#[BaseTime: {start_s}.{start_ms:03} (seconds since epoch)]")?;
        writeln!(
            out,
            "\"StartTimestamp\",\"Interval_Length\",\"Interval_Max\",\
             \"Interval_Compressed_Histogram\""
        )?;
        Ok(Self { out })
    }

    /// Writes an interval: its latencies always, service times and schedule lags if it has any.
    ///
    /// # Errors
    ///
    /// If the writer fails.
    pub fn interval(&mut self, interval: &Interval, span: Span) -> io::Result<()> {
        let histograms = &interval.histograms;
        self.line("", &histograms.response, span)?;
        for (tag, histogram) in
            [("Tag=service,", &histograms.service), ("Tag=lag,", &histograms.lag)]
        {
            if !histogram.is_empty() {
                self.line(tag, histogram, span)?;
            }
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

    fn line(&mut self, tag: &str, histogram: &Histogram, span: Span) -> io::Result<()> {
        let above = histogram.overflow();
        if above.count > 0 {
            // The format has no place for them; what is not in the next line is told before it.
            let (count, max) = (above.count, ms(above.max));
            writeln!(self.out, "#[AboveRange: {count} values up to {max} ms are not in the next]")?;
        }
        let from = seconds(span.from_ns);
        let length = seconds(span.to_ns.saturating_sub(span.from_ns));
        let max = histogram.max().map_or(0.0, ms);
        let encoded = BASE64.encode(histogram.encode());
        writeln!(self.out, "{tag}{from:.3},{length:.3},{max:.3},{encoded}")
    }
}

impl<W: Write + Send> IntervalWriter for HlogWriter<W> {
    fn interval(&mut self, interval: &Interval, span: Span) -> io::Result<()> {
        HlogWriter::interval(self, interval, span)
    }

    fn finish(self: Box<Self>) -> io::Result<()> {
        HlogWriter::finish(*self).map(drop)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::time::{MILLISECOND, SECOND};
    use hdrhistogram::Histogram as Hdr;
    use hdrhistogram::serialization::Deserializer;
    use hdrhistogram::serialization::interval_log::{IntervalLogIterator, LogEntry};
    use std::time::Duration;

    fn log(interval: &Interval) -> String {
        let mut writer = HlogWriter::new(Vec::new(), 1_767_225_600_250).unwrap();
        let span = Span { from_ns: 3 * SECOND, to_ns: 4 * SECOND, draining: false };
        writer.interval(interval, span).unwrap();
        String::from_utf8(writer.finish().unwrap()).unwrap()
    }

    fn decoded(text: &str) -> Hdr<u64> {
        let bytes = BASE64.decode(text).unwrap();
        Deserializer::new().deserialize(&mut bytes.as_slice()).unwrap()
    }

    #[test]
    fn hdrhistogram_reads_it() {
        let mut interval = Interval::new();
        interval.histograms.response.record(20 * MILLISECOND);
        interval.histograms.service.record(5 * MILLISECOND);
        let text = log(&interval);
        let entries: Vec<_> =
            IntervalLogIterator::new(text.as_bytes()).map(Result::unwrap).collect();
        let started = Duration::from_millis(1_767_225_600_250);
        assert_eq!(entries[..2], [LogEntry::StartTime(started), LogEntry::BaseTime(started)]);
        let [LogEntry::Interval(response), LogEntry::Interval(service)] = &entries[2..] else {
            panic!("{text}");
        };
        assert_eq!((response.tag(), response.duration()), (None, Duration::from_secs(1)));
        assert_eq!(response.start_timestamp(), Duration::from_secs(3));
        assert!((20.0..20.1).contains(&response.max()), "in milliseconds");
        assert_eq!(&decoded(response.encoded_histogram()), interval.histograms.response.hdr());
        assert_eq!(service.tag().unwrap().as_str(), "service");
        assert_eq!(&decoded(service.encoded_histogram()), interval.histograms.service.hdr());
    }

    #[test]
    fn an_interval_without_outcomes_has_a_line_too() {
        let text = log(&Interval::new());
        assert!(text.lines().nth(5).unwrap().starts_with("3.000,1.000,0.000,HISTFAAA"), "{text}");
        assert_eq!(text.lines().count(), 6);
    }

    #[test]
    fn what_the_format_cannot_hold_is_told() {
        let mut interval = Interval::new();
        interval.histograms.response.record(2 * Histogram::HIGHEST);
        let text = log(&interval);
        let told = "#[AboveRange: 1 values up to 7200000 ms are not in the next]\n3.000,1.000,";
        assert!(text.contains(told), "{text}");
        assert!(IntervalLogIterator::new(text.as_bytes()).all(|entry| entry.is_ok()));
    }
}
