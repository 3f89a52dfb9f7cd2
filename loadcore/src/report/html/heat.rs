//! Turns the latencies of each column into the cells of a heat map: how many took so long, when.

use super::columns::Column;
use super::short::Short;
use crate::record::Distribution;
use crate::result::ms;
use crate::time::Nanos;
use serde::Serialize;

/// The most rows of the map: more are not told apart on a page.
const MOST_ROWS: usize = 44;
/// Rows to a doubling of the latency, from fine to coarse.
const FINENESS: [u64; 5] = [16, 8, 4, 2, 1];
/// Below it buckets are as wide as each other, and all are one row.
const LOWEST: Nanos = 8_192;

/// The map.
#[derive(Debug, PartialEq, Serialize)]
pub(super) struct Heat {
    /// Where the rows begin, in milliseconds, and where the last one ends.
    edges: Vec<Short>,
    /// Of each column the place of its first row with a count, its count, and those that follow.
    cells: Vec<Vec<u64>>,
    /// The highest count of a cell.
    most: u64,
}

impl Heat {
    /// Nothing where no column has its latencies.
    pub(super) fn of(columns: &[Column]) -> Option<Self> {
        let all = || columns.iter().filter_map(|column| column.distribution.as_ref());
        let fineness = FINENESS.into_iter().find(|fineness| {
            range(all(), *fineness).is_some_and(|(first, last)| last - first < MOST_ROWS)
        });
        let fineness = fineness.unwrap_or(1);
        let (first, last) = range(all(), fineness)?;
        let counts = |column: &Column| {
            let distribution = column.distribution.as_ref();
            distribution.map_or_else(Vec::new, |it| counts(it, fineness, first))
        };
        let cells: Vec<Vec<u64>> = columns.iter().map(counts).collect();
        let most = cells.iter().flat_map(|cells| cells.iter().skip(1)).copied().max();
        let edges = (first..=last + 1).map(|row| Short(Some(ms(lowest(row, fineness))))).collect();
        Some(Self { edges, cells, most: most.unwrap_or(0) })
    }
}

fn range<'a>(all: impl Iterator<Item = &'a Distribution>, fineness: u64) -> Option<(usize, usize)> {
    let rows = all.flat_map(|it| it.buckets()).map(|bucket| row(bucket.from_ns, fineness));
    rows.fold(None, |range, row| {
        let (first, last) = range.unwrap_or((row, row));
        Some((first.min(row), last.max(row)))
    })
}

/// The row of a bucket that begins there: row 0 is all below [`LOWEST`].
fn row(from: Nanos, fineness: u64) -> usize {
    if from < LOWEST {
        return 0;
    }
    let doubling = from.ilog2();
    let within = ((from - (1 << doubling)) * fineness) >> doubling;
    1 + (u64::from(doubling - LOWEST.ilog2()) * fineness + within) as usize
}

/// Where a row begins.
fn lowest(row: usize, fineness: u64) -> Nanos {
    let Some(row) = (row as u64).checked_sub(1) else { return 0 };
    let start = LOWEST << (row / fineness);
    start + start / fineness * (row % fineness)
}

fn counts(distribution: &Distribution, fineness: u64, first: usize) -> Vec<u64> {
    let mut cells: Vec<u64> = Vec::new();
    for bucket in distribution.buckets() {
        let row = row(bucket.from_ns, fineness) - first;
        if cells.is_empty() {
            cells.push(row as u64);
        }
        let place = 1 + row - cells[0] as usize;
        cells.resize(cells.len().max(place + 1), 0);
        cells[place] += bucket.count;
    }
    cells
}

#[cfg(test)]
mod tests {
    use super::super::columns::Columns;
    use super::*;
    use crate::record::Histogram;
    use crate::result::fixtures::{empty_run, steady_run};
    use crate::time::{MICROSECOND, MILLISECOND};

    #[test]
    fn every_latency_has_its_cell() {
        let columns = Columns::of(&steady_run()).columns;
        let heat = Heat::of(&columns).unwrap();
        assert!(heat.edges.len() <= MOST_ROWS + 1 && heat.edges.len() > MOST_ROWS / 3);
        for (column, cells) in columns.iter().zip(&heat.cells) {
            assert_eq!(cells[1..].iter().sum::<u64>(), column.ok + column.failed);
            assert!((cells[0] as usize + cells.len() - 1) < heat.edges.len());
        }
        assert_eq!(Heat::of(&Columns::of(&empty_run()).columns), None);
    }

    #[test]
    fn rows_follow_one_another() {
        for fineness in FINENESS {
            for at in 1..300_u64.min(26 * fineness) as usize {
                let (from, to) = (lowest(at, fineness), lowest(at + 1, fineness));
                assert_eq!((row(from, fineness), row(to - 1, fineness)), (at, at));
            }
        }
        assert_eq!((row(0, 16), row(LOWEST - 1, 16), lowest(0, 4)), (0, 0, 0));
    }

    #[test]
    fn from_a_microsecond_to_hours_there_are_few_rows() {
        const HOUR: Nanos = Histogram::HIGHEST;
        let mut histogram = Histogram::new();
        for nanos in [MICROSECOND, MILLISECOND, HOUR, 9 * HOUR] {
            histogram.record(nanos);
        }
        let distribution = Some(Distribution::of(&histogram));
        let heat = Heat::of(&[Column { distribution, ..Column::default() }]).unwrap();
        assert!(heat.edges.len() <= MOST_ROWS + 1, "{}", heat.edges.len());
        assert_eq!(heat.cells[0][1..].iter().sum::<u64>(), 4);
        assert_eq!(heat.most, 2, "what took more than an hour is with what took nearly one");
    }
}
