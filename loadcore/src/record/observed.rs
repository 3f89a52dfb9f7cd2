//! Holds what an endpoint of the target told of itself in a second of a run, and turns it into bytes and
//! back.
//!
//! Only what has changed is told: a series that is not in a reading has the value that it had in the one
//! before. The bytes of many readings are those of each, one after the other.

use flate2::Compression;
use flate2::read::MultiGzDecoder;
use flate2::write::GzEncoder;
use serde::{Deserialize, Serialize};
use std::io::{Read, Write};

/// The most text that is read of what is stored: what ten endpoints of five hundred series tell in an
/// hour is less.
const LARGEST: u64 = 512 << 20;

/// What one endpoint told in one second.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Reading {
    /// Which endpoint: its place in the scenario.
    #[serde(rename = "e")]
    pub endpoint: usize,
    /// Which second of the measured time it is about.
    #[serde(rename = "s")]
    pub second: u64,
    /// What has changed.
    #[serde(rename = "t", default, skip_serializing_if = "Vec::is_empty")]
    pub told: Vec<Told>,
    /// Why it told nothing, and what to do.
    #[serde(rename = "f", default, skip_serializing_if = "Option::is_none")]
    pub fault: Option<String>,
}

/// A series, and its value.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Told {
    /// Its name, and its labels in braces: `pool_in_use{pool="db"}`.
    #[serde(rename = "n")]
    pub series: String,
    /// What its values are.
    #[serde(rename = "m")]
    pub measure: Measure,
    /// `None`: there is none any more.
    #[serde(rename = "v")]
    pub value: Option<f64>,
    /// What it was all the time before, where this is the first that is told of it.
    #[serde(rename = "b", default, skip_serializing_if = "Option::is_none")]
    pub before: Option<f64>,
}

/// What the values of a series are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Measure {
    /// What the target told.
    Gauge,
    /// By how much a counter grew, per second.
    Rate,
    /// The mean of what a histogram or a summary was told in the time.
    Mean,
    /// A share of what there is, 0 to 1.
    Share,
}

impl Measure {
    /// Its word in documents.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Gauge => "gauge",
            Self::Rate => "rate",
            Self::Mean => "mean",
            Self::Share => "share",
        }
    }
}

impl Reading {
    /// Appends the bytes of these readings to those of others.
    pub(crate) fn pack(readings: &[Self], bytes: &mut Vec<u8>) {
        if readings.is_empty() {
            return;
        }
        let mut packed = GzEncoder::new(bytes, Compression::fast());
        for reading in readings {
            // Neither can fail: the numbers are finite, and there is memory.
            let _ = serde_json::to_writer(&mut packed, reading);
            let _ = packed.write_all(b"\n");
        }
        let _ = packed.finish();
    }

    /// The readings in these bytes.
    ///
    /// # Errors
    /// If they are none.
    pub(crate) fn unpack(bytes: &[u8]) -> Result<Vec<Self>, String> {
        if bytes.is_empty() {
            return Ok(Vec::new());
        }
        let mut text = String::new();
        let mut unpacked = MultiGzDecoder::new(bytes).take(LARGEST);
        unpacked.read_to_string(&mut text).map_err(|error| error.to_string())?;
        text.lines()
            .map(|line| serde_json::from_str(line).map_err(|error| error.to_string()))
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn readings_come_back_also_of_bytes_that_were_put_together() {
        let told = |value| Told {
            series: r#"pool{name="a"}"#.into(),
            measure: Measure::Rate,
            value,
            before: Some(0.5),
        };
        let first = Reading {
            endpoint: 1,
            second: 7,
            told: vec![told(Some(1e300)), told(None)],
            fault: None,
        };
        let then = Reading { second: 8, fault: Some("no answer".into()), ..Reading::default() };
        let mut bytes = Vec::new();
        Reading::pack(std::slice::from_ref(&first), &mut bytes);
        Reading::pack(std::slice::from_ref(&then), &mut bytes);
        assert_eq!(Reading::unpack(&bytes).unwrap(), [first, then]);
        assert_eq!(Reading::unpack(&[]).unwrap(), []);
        assert!(Reading::unpack(&bytes[..bytes.len() - 3]).is_err());
        assert!(Reading::unpack(b"no").is_err());
    }

    #[test]
    fn a_measure_is_written_by_its_name() {
        for measure in [Measure::Gauge, Measure::Rate, Measure::Mean, Measure::Share] {
            assert_eq!(serde_json::to_value(measure).unwrap(), measure.name());
        }
    }
}
