//! Turns straight lines of rate into demand and its inverse, in closed form.
//!
//! CONSTANT, RAMP, BURST, SPIKE, STEPS and REPLAY are all made of such lines, and so is a change
//! of rate while a run goes on: one formula, tested once.

use super::Profile;

/// Lines shorter than this, in seconds, only make a jump. Their slope could be infinite, and at the
/// highest rate of all they hold a thousandth of an arrival.
const SHORTEST: f64 = 1e-12;

/// A straight line of rate, from the end of the line before (or from 0) to `until`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Line {
    /// Where the line ends, in seconds. A line that ends where it begins only makes a jump.
    pub until: f64,
    /// The rate where it begins, in arrivals per second.
    pub from: f64,
    /// The rate where it ends.
    pub to: f64,
}

/// A profile made of straight lines; after the last one its last rate holds for ever.
#[derive(Debug, Clone, PartialEq)]
pub struct Piecewise {
    /// In order of their starts, never empty; the last one has no end and a constant rate.
    pieces: Vec<Piece>,
    peak: f64,
}

/// One line, seen from its lower end, the anchor:
///
/// ```text
/// x      = t − anchor                            (negative where the rate falls)
/// rate   = anchor_rate + 2·half_slope·x
/// demand = demand_start + (to_anchor + x·(anchor_rate + half_slope·x))
/// ```
///
/// From the lower end `half_slope·x` is never negative, so every step of the reckoning rises with
/// `t`: the computed demand cannot fall, not even by a rounding error. At the start it is
/// `demand_start` to the bit, because there both terms in the parentheses are the same product.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Piece {
    start: f64,
    demand_start: f64,
    anchor: f64,
    /// Arrivals from the start to the anchor: 0 where the rate rises.
    to_anchor: f64,
    anchor_rate: f64,
    half_slope: f64,
}

impl Piece {
    fn constant(start: f64, demand_start: f64, rate: f64) -> Self {
        Self {
            start,
            demand_start,
            anchor: start,
            to_anchor: 0.0,
            anchor_rate: rate,
            half_slope: 0.0,
        }
    }

    fn line(start: f64, demand_start: f64, line: Line) -> Self {
        let length = line.until - start;
        let half_slope = (line.to - line.from) / length / 2.0;
        let rising = Self { half_slope, ..Self::constant(start, demand_start, line.from) };
        if line.to >= line.from {
            return rising;
        }
        let to_anchor = length * (line.to - half_slope * length);
        Self { anchor: line.until, to_anchor, anchor_rate: line.to, ..rising }
    }

    #[inline]
    fn rate(&self, seconds: f64) -> f64 {
        self.anchor_rate + 2.0 * self.half_slope * (seconds - self.anchor)
    }

    #[inline]
    fn demand(&self, seconds: f64) -> f64 {
        let x = seconds - self.anchor;
        self.demand_start + (self.to_anchor + x * (self.anchor_rate + self.half_slope * x))
    }

    /// Solves `x·(r + h·x) = d` for `x`, which has the sign of `d`, as
    /// `x = 2d / (r + √(r² + 4hd))`: the usual form subtracts nearly equal numbers where `h` is
    /// small (Press et al., Numerical Recipes, 5.6).
    #[inline]
    fn inverse(&self, arrivals: f64) -> f64 {
        let d = (arrivals - self.demand_start) - self.to_anchor;
        if d == 0.0 {
            return self.anchor;
        }
        let r = self.anchor_rate;
        let x = if self.half_slope == 0.0 {
            d / r
        } else {
            2.0 * d / (r + (r * r + 4.0 * self.half_slope * d).max(0.0).sqrt())
        };
        (self.anchor + x).max(self.start)
    }
}

impl Piecewise {
    /// The same rate for ever.
    ///
    /// # Panics
    ///
    /// If the rate is negative or not finite.
    #[must_use]
    pub fn constant(rate: f64) -> Self {
        Self::starting(0.0, 0.0, rate)
    }

    /// Lines one after the other, the first from 0.
    ///
    /// # Panics
    ///
    /// If there is no line, or one ends before it begins, or a number is negative or not finite.
    /// Numbers that come from people go through [`LoadProfile`](super::LoadProfile), which says
    /// what is wrong with them.
    #[must_use]
    pub fn new(lines: impl IntoIterator<Item = Line>) -> Self {
        let mut lines = lines.into_iter().peekable();
        let first = lines.peek().expect("a profile has at least one line").from;
        let mut profile = Self::starting(0.0, 0.0, first);
        for line in lines {
            profile.push(line);
        }
        profile
    }

    /// A constant rate from `start` on, by which `demand` arrivals were due already.
    pub(super) fn starting(start: f64, demand: f64, rate: f64) -> Self {
        assert!(rate.is_finite() && rate >= 0.0, "a rate of {rate} arrivals per second");
        Self { pieces: vec![Piece::constant(start, demand, rate)], peak: rate }
    }

    /// Puts a line after those there are; its last rate holds from its end on.
    pub(super) fn push(&mut self, line: Line) {
        let Line { until, from, to } = line;
        let Some(held) = self.pieces.pop() else { return };
        assert!(until.is_finite() && until >= held.start, "a line from {} to {until}", held.start);
        assert!(from.is_finite() && from >= 0.0, "a rate of {from} arrivals per second");
        assert!(to.is_finite() && to >= 0.0, "a rate of {to} arrivals per second");

        let mut next = (held.start, held.demand_start);
        if until - held.start >= SHORTEST {
            let piece = Piece::line(held.start, held.demand_start, line);
            next = (until, piece.demand(until));
            self.pieces.push(piece);
        }
        self.pieces.push(Piece::constant(next.0, next.1, to));
        self.peak = self.peak.max(from).max(to);
    }

    /// Forgets what comes after `seconds`; the demand up to there stays as it is, bit for bit.
    /// Where the last line was cut its present rate holds, until another line is pushed.
    pub(super) fn cut(&mut self, seconds: f64) {
        let (rate, demand) = (self.rate(seconds), self.demand(seconds));
        self.pieces.retain(|piece| piece.start < seconds);
        self.pieces.push(Piece::constant(seconds, demand, rate));
    }

    /// The highest rate between two moments, in seconds: the later one is not reached.
    pub(super) fn peak_between(&self, from: f64, to: f64) -> f64 {
        let ends = self.pieces.iter().skip(1).map(|next| next.start).chain([f64::INFINITY]);
        let pieces = self.pieces.iter().zip(ends);
        let within = pieces.filter(|(piece, end)| piece.start < to && *end > from);
        // A line is highest at one of its ends.
        let highest = within.map(|(piece, end)| {
            let (first, last) = (piece.start.max(from), end.min(to));
            piece.rate(first).max(piece.rate(last))
        });
        let highest = highest.fold(0.0, f64::max);
        // What it is to the last bit stands in the numbers from which the lines were made.
        if highest > self.peak * (1.0 - 1e-12) { self.peak } else { highest }
    }

    /// When the first line begins, in seconds, and the demand there.
    pub(super) fn origin(&self) -> (f64, f64) {
        (self.pieces[0].start, self.pieces[0].demand_start)
    }

    /// The piece that holds at `seconds`: the last one that has begun.
    #[inline]
    fn at(&self, seconds: f64) -> &Piece {
        let begun = self.pieces.partition_point(|piece| piece.start <= seconds);
        &self.pieces[begun.saturating_sub(1)]
    }
}

impl Profile for Piecewise {
    #[inline]
    fn rate(&self, seconds: f64) -> f64 {
        self.at(seconds).rate(seconds)
    }

    #[inline]
    fn demand(&self, seconds: f64) -> f64 {
        self.at(seconds).demand(seconds)
    }

    #[inline]
    fn inverse(&self, arrivals: f64) -> f64 {
        // The last piece that begins with less: of a stretch without arrivals, the start of it.
        let below = self.pieces.partition_point(|piece| piece.demand_start < arrivals);
        let Some(index) = below.checked_sub(1) else { return self.pieces[0].start };
        let t = self.pieces[index].inverse(arrivals);
        // Its own formula may overshoot its end by a rounding error.
        self.pieces.get(below).map_or(t, |next| t.min(next.start))
    }

    fn peak_rate(&self) -> f64 {
        self.peak
    }
}

#[cfg(test)]
mod tests {
    use super::super::laws;
    use super::*;
    use proptest::prelude::*;

    fn lines() -> impl Strategy<Value = Vec<Line>> {
        let rate = prop_oneof![Just(0.0), 0.0..5_000.0f64];
        let length = prop_oneof![Just(0.0), 0.001..20.0f64];
        prop::collection::vec((length, rate.clone(), rate), 1..12).prop_map(|parts| {
            let mut until = 0.0;
            let line = |(length, from, to)| {
                until += length;
                Line { until, from, to }
            };
            parts.into_iter().map(line).collect()
        })
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        #[test]
        fn formulas_hold(lines in lines()) {
            let end = lines.last().unwrap().until + 1.0;
            let mut jump = 0.0;
            for pair in lines.windows(2) {
                jump += (pair[1].from - pair[0].to).abs() + (pair[1].to - pair[1].from).abs();
            }
            let profile = Piecewise::new(lines.clone());
            laws::demand_is_the_integral_of_the_rate(&profile, end, jump + 1.0);
            laws::inverse_undoes_demand(&profile, end);
            for line in &lines {
                laws::demand_never_falls_around(&profile, line.until);
            }
        }

        #[test]
        fn a_cut_leaves_the_past_alone(lines in lines(), part in 0.0..1.2f64) {
            let whole = Piecewise::new(lines.clone());
            let at = lines.last().unwrap().until * part;
            let mut cut = whole.clone();
            cut.cut(at);
            for i in 0..100 {
                let t = at * f64::from(i) / 100.0;
                prop_assert_eq!(cut.demand(t).to_bits(), whole.demand(t).to_bits());
            }
            prop_assert_eq!(cut.demand(at), whole.demand(at));
            prop_assert_eq!(cut.rate(at + 5.0), whole.rate(at));
        }
    }

    #[test]
    fn constant_is_rate_times_time() {
        let p = Piecewise::constant(1_000.0);
        assert_eq!(p.demand(2.5), 2_500.0);
        assert_eq!(p.inverse(2_500.0), 2.5);
        assert_eq!(p.peak_rate(), 1_000.0);
    }

    #[test]
    fn a_line_without_length_is_a_jump() {
        let p = Piecewise::new([
            Line { until: 1e-310, from: 0.0, to: 1e9 },
            Line { until: 1.0, from: 10.0, to: 10.0 },
        ]);
        assert_eq!((p.demand(0.0), p.rate(0.0)), (0.0, 10.0));
        assert_eq!((p.demand(1.0), p.rate(0.5)), (10.0, 10.0));
        assert_eq!(p.inverse(5.0), 0.5);
    }

    #[test]
    fn a_rate_of_zero_never_gets_there() {
        let p = Piecewise::new([
            Line { until: 1.0, from: 10.0, to: 10.0 },
            Line { until: 3.0, from: 0.0, to: 0.0 },
        ]);
        assert_eq!(p.inverse(10.0), 1.0, "the first moment, not the last of the stretch");
        assert_eq!(p.inverse(10.5), f64::INFINITY);
        assert_eq!(p.rate(1.0), 0.0, "after the jump");
    }
}
