//! Turns a description such as `normal(20ms,5ms)` into delays whose exact distribution is known.
//!
//! Every delay is the quantile function at a number between 0 and 1 (inverse transform sampling), so
//! the same function that makes the delays tells a test what p50, p99 and p99.9 have to be. The
//! number is a pure function of the seed and of the index of the request: which delays the first N
//! requests were given is known without having watched them.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use crate::parse::{self, MAX_DURATION, ParseError};
use crate::time::{Nanos, nanos};

/// How long answers are delayed.
///
/// Text form, as in `--latency` and `?latency=`: `none`, `const(20ms)` or just `20ms`,
/// `uniform(1ms,10ms)`, `normal(20ms,5ms)`, `exp(5ms)`, `lognormal(20ms,0.5)`,
/// `bimodal(0.9:1ms,0.1:50ms)`, `table(0:1ms,0.5:2ms,0.99:10ms,1:50ms)`.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum Distribution {
    /// No delay at all: the answer goes out at once.
    None,
    /// Always the same delay.
    Const(Duration),
    /// Every delay from `low` to `high` is equally likely.
    Uniform {
        /// The shortest delay.
        low: Duration,
        /// The longest delay.
        high: Duration,
    },
    /// The normal distribution. What would be below 0 is 0.
    Normal {
        /// The mean, before negative delays are made 0.
        mean: Duration,
        /// The standard deviation.
        deviation: Duration,
    },
    /// The exponential distribution.
    Exp {
        /// The mean.
        mean: Duration,
    },
    /// The log-normal distribution: the logarithm of the delay is normal.
    LogNormal {
        /// The mean of the delay itself; its median is `mean * exp(-sigma^2 / 2)`.
        mean: Duration,
        /// The standard deviation of the logarithm.
        sigma: f64,
    },
    /// Several constant delays, each with its weight. The weights add up to 1.
    Bimodal(Vec<(f64, Duration)>),
    /// Quantiles, ascending; straight lines between them, the first and the last one held.
    Table(Vec<(f64, Duration)>),
}

impl Distribution {
    /// The exact quantile function: the delay that a share `q` (0 to 1) of all answers stay within.
    ///
    /// Where the distribution has steps (`bimodal`) this is the smallest delay that a share `q` stays
    /// within. At 0 and 1 an unbounded distribution answers its value at the last number before.
    #[must_use]
    pub fn quantile(&self, q: f64) -> Duration {
        let q = q.clamp(f64::EPSILON / 2.0, 1.0 - f64::EPSILON / 2.0);
        let seconds = match self {
            Self::None => 0.0,
            Self::Const(delay) => return *delay,
            Self::Uniform { low, high } => {
                let (low, high) = (low.as_secs_f64(), high.as_secs_f64());
                low + q * (high - low)
            }
            Self::Normal { mean, deviation } => {
                mean.as_secs_f64() + deviation.as_secs_f64() * normal_quantile(q)
            }
            Self::Exp { mean } => -mean.as_secs_f64() * (-q).ln_1p(),
            Self::LogNormal { mean, sigma } => {
                mean.as_secs_f64() * (sigma * normal_quantile(q) - sigma * sigma / 2.0).exp()
            }
            Self::Bimodal(modes) => return step(modes, q),
            Self::Table(points) => interpolate(points, q),
        };
        Duration::try_from_secs_f64(seconds.max(0.0)).map_or(MAX_DURATION, |d| d.min(MAX_DURATION))
    }

    /// The delay of the request with this index (0 is the first since the start or the last reset).
    #[must_use]
    pub fn delay(&self, draws: Draws, seed: u64, index: u64) -> Duration {
        self.quantile(draws.unit(seed, Stream::Latency, index))
    }

    pub(crate) fn delay_ns(&self, draws: Draws, seed: u64, index: u64) -> Nanos {
        match self {
            Self::None => 0,
            Self::Const(delay) => nanos(*delay),
            other => nanos(other.delay(draws, seed, index)),
        }
    }

    /// Whether every delay is 0, so that no timer is needed.
    #[must_use]
    pub fn is_none(&self) -> bool {
        matches!(self, Self::None) || matches!(self, Self::Const(Duration::ZERO))
    }
}

/// How the numbers between 0 and 1 are chosen that become delays and failures.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Draws {
    /// Independent pseudo-random numbers: what real services look like.
    #[default]
    Random,
    /// Evenly spread in every long stretch of requests (multiples of the golden ratio, modulo 1): the
    /// sample's quantiles differ from the distribution's by about 1/N instead of 1/sqrt(N), so a test
    /// can be strict about p99.9 after a few seconds.
    Even,
}

impl FromStr for Draws {
    type Err = ParseError;

    fn from_str(text: &str) -> Result<Self, ParseError> {
        match text {
            "random" => Ok(Self::Random),
            "even" => Ok(Self::Even),
            _ => Err(ParseError::new("draws", text, "is neither `random` nor `even`")),
        }
    }
}

/// What a number is drawn for. Streams of one seed are independent of each other.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Stream {
    Latency,
    Failure,
}

impl Draws {
    /// The number for the request `index`: above 0 and below 1.
    #[inline]
    pub(crate) fn unit(self, seed: u64, stream: Stream, index: u64) -> f64 {
        // 2^64 divided by the golden ratio, and by the plastic number: steps that no short multiple
        // brings near a whole turn, and that are independent of each other.
        let (step, salt) = match stream {
            Stream::Latency => (0x9E37_79B9_7F4A_7C15, 0),
            Stream::Failure => (0xC13F_A9A9_02A6_328F, 0x5851_F42D_4C95_7F2D),
        };
        let bits = match self {
            Self::Random => mix(mix(seed ^ salt).wrapping_add(index.wrapping_mul(step))),
            Self::Even => mix(seed ^ salt).wrapping_add(index.wrapping_mul(step)),
        };
        // 53 bits and a half: never 0, never 1.
        ((bits >> 11) as f64 + 0.5) / (1u64 << 53) as f64
    }
}

/// The finalizer of SplitMix64 (Steele, Lea, Flood 2014): every bit of the input moves half of the output.
#[inline]
fn mix(value: u64) -> u64 {
    let mut z = value.wrapping_add(0x9E37_79B9_7F4A_7C15);
    z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    z ^ (z >> 31)
}

fn step(modes: &[(f64, Duration)], q: f64) -> Duration {
    let mut sum = 0.0;
    for (weight, delay) in modes {
        sum += weight;
        if q <= sum {
            return *delay;
        }
    }
    modes.last().map_or(Duration::ZERO, |(_, delay)| *delay)
}

fn interpolate(points: &[(f64, Duration)], q: f64) -> f64 {
    let above = points.partition_point(|(at, _)| *at < q);
    match (above.checked_sub(1).map(|i| &points[i]), points.get(above)) {
        (None, None) => 0.0,
        (Some((_, delay)), None) | (None, Some((_, delay))) => delay.as_secs_f64(),
        (Some((from, low)), Some((to, high))) => {
            let (low, high) = (low.as_secs_f64(), high.as_secs_f64());
            low + (high - low) * (q - from) / (to - from)
        }
    }
}

/// The inverse of the standard normal distribution function, to about 16 digits.
///
/// Algorithm AS 241, PPND16 (Wichura 1988): a rational function of degree 7 in each of three ranges.
#[expect(clippy::excessive_precision, reason = "the digits as they were published")]
fn normal_quantile(q: f64) -> f64 {
    const CENTRE: [[f64; 8]; 2] = [
        [
            3.387_132_872_796_366_608,
            133.141_667_891_784_377_45,
            1_971.590_950_306_551_442_7,
            13_731.693_765_509_461_125,
            45_921.953_931_549_871_457,
            67_265.770_927_008_700_853,
            33_430.575_583_588_128_105,
            2_509.080_928_730_122_672_7,
        ],
        [
            1.0,
            42.313_330_701_600_911_252,
            687.187_007_492_057_908_3,
            5_394.196_021_424_751_107_7,
            21_213.794_301_586_595_867,
            39_307.895_800_092_710_61,
            28_729.085_735_721_942_674,
            5_226.495_278_852_854_561,
        ],
    ];
    const MIDDLE: [[f64; 8]; 2] = [
        [
            1.423_437_110_749_683_577_34,
            4.630_337_846_156_545_295_9,
            5.769_497_221_460_691_405_5,
            3.647_848_324_763_204_605_04,
            1.270_458_252_452_368_382_58,
            0.241_780_725_177_450_611_77,
            0.022_723_844_989_269_184_58,
            7.745_450_142_783_414_076_4e-4,
        ],
        [
            1.0,
            2.053_191_626_637_758_821_87,
            1.676_384_830_183_803_849_4,
            0.689_767_334_985_100_004_55,
            0.148_103_976_427_480_074_59,
            0.015_198_666_563_616_457_2,
            5.475_938_084_995_344_946e-4,
            1.050_750_071_644_416_843_24e-9,
        ],
    ];
    const TAIL: [[f64; 8]; 2] = [
        [
            6.657_904_643_501_103_777_2,
            5.463_784_911_164_114_369_9,
            1.784_826_539_917_291_335_8,
            0.296_560_571_828_504_891_23,
            0.026_532_189_526_576_123_093,
            0.001_242_660_947_388_078_438_6,
            2.711_555_568_743_487_578_15e-5,
            2.010_334_399_292_288_132_65e-7,
        ],
        [
            1.0,
            0.599_832_206_555_887_937_69,
            0.136_929_880_922_735_805_31,
            0.014_875_361_290_850_614_852_5,
            7.868_691_311_456_132_591e-4,
            1.846_318_317_510_054_681_8e-5,
            1.421_511_758_316_445_888_7e-7,
            2.044_263_103_389_939_785_64e-15,
        ],
    ];
    let ratio = |terms: &[[f64; 8]; 2], x: f64| {
        let at = |c: &[f64; 8]| c.iter().rev().fold(0.0, |sum, c| sum * x + c);
        at(&terms[0]) / at(&terms[1])
    };
    let centred = q - 0.5;
    if centred.abs() <= 0.425 {
        return centred * ratio(&CENTRE, 0.180_625 - centred * centred);
    }
    let depth = (-q.min(1.0 - q).ln()).sqrt();
    let size = if depth <= 5.0 { ratio(&MIDDLE, depth - 1.6) } else { ratio(&TAIL, depth - 5.0) };
    size.copysign(centred)
}

const WHAT: &str = "latency";

impl FromStr for Distribution {
    type Err = ParseError;

    fn from_str(text: &str) -> Result<Self, ParseError> {
        let trimmed = text.trim();
        if trimmed == "none" {
            return Ok(Self::None);
        }
        let Some((name, arguments)) = trimmed.split_once('(') else {
            // A bare duration is what most people write first.
            return parse::duration(WHAT, trimmed).map(Self::Const).map_err(|_| unknown(text));
        };
        let Some(arguments) = arguments.strip_suffix(')') else {
            return Err(ParseError::new(WHAT, text, "has no closing bracket"));
        };
        let list: Vec<&str> = arguments.split(',').map(str::trim).collect();
        match (name.trim(), list.as_slice()) {
            ("const", [delay]) => Ok(Self::Const(parse::duration(WHAT, delay)?)),
            ("uniform", [low, high]) => {
                let (low, high) = (parse::duration(WHAT, low)?, parse::duration(WHAT, high)?);
                if low > high {
                    return Err(ParseError::new(WHAT, text, "the low end is above the high end"));
                }
                Ok(Self::Uniform { low, high })
            }
            ("normal", [mean, deviation]) => Ok(Self::Normal {
                mean: parse::duration(WHAT, mean)?,
                deviation: parse::duration(WHAT, deviation)?,
            }),
            ("exp", [mean]) => Ok(Self::Exp { mean: parse::duration(WHAT, mean)? }),
            ("lognormal", [mean, sigma]) => match sigma.parse::<f64>() {
                Ok(sigma) if (0.0..=10.0).contains(&sigma) => {
                    Ok(Self::LogNormal { mean: parse::duration(WHAT, mean)?, sigma })
                }
                _ => Err(ParseError::new(WHAT, text, "sigma is not a number from 0 to 10")),
            },
            ("bimodal", modes) => parse_modes(text, modes).map(Self::Bimodal),
            ("table", points) => parse_table(text, points).map(Self::Table),
            _ => Err(unknown(text)),
        }
    }
}

fn unknown(text: &str) -> ParseError {
    let problem = "is not a distribution; write none, 20ms, const(20ms), uniform(1ms,10ms), \
                   normal(20ms,5ms), exp(5ms), lognormal(20ms,0.5), bimodal(0.9:1ms,0.1:50ms) or \
                   table(0:1ms,0.5:2ms,0.99:10ms,1:50ms)";
    ParseError::new(WHAT, text, problem)
}

/// The most modes or points that a distribution may have.
const MAX_POINTS: usize = 1_000;

fn parse_points(text: &str, list: &[&str]) -> Result<Vec<(f64, Duration)>, ParseError> {
    if list.len() > MAX_POINTS {
        return Err(ParseError::new(WHAT, text, format!("has more than {MAX_POINTS} parts")));
    }
    list.iter()
        .map(|part| match part.split_once(':') {
            Some((share, delay)) => Ok((parse::share(WHAT, share)?, parse::duration(WHAT, delay)?)),
            None => Err(ParseError::new(WHAT, text, "each part is a share and a delay: 0.9:1ms")),
        })
        .collect()
}

fn parse_modes(text: &str, list: &[&str]) -> Result<Vec<(f64, Duration)>, ParseError> {
    let mut modes = parse_points(text, list)?;
    let sum: f64 = modes.iter().map(|(weight, _)| weight).sum();
    if (sum - 1.0).abs() > 1e-6 {
        return Err(ParseError::new(WHAT, text, format!("the weights add up to {sum}, not to 1")));
    }
    modes.sort_by_key(|(_, delay)| *delay);
    Ok(modes)
}

fn parse_table(text: &str, list: &[&str]) -> Result<Vec<(f64, Duration)>, ParseError> {
    let points = parse_points(text, list)?;
    let ascending = points.windows(2).all(|w| w[0].0 < w[1].0 && w[0].1 <= w[1].1);
    if !ascending {
        let problem = "the quantiles must ascend, and their delays must not fall";
        return Err(ParseError::new(WHAT, text, problem));
    }
    Ok(points)
}

impl fmt::Display for Distribution {
    /// The text form, which parses back into the same distribution.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let points = |f: &mut fmt::Formatter<'_>, name: &str, points: &[(f64, Duration)]| {
            write!(f, "{name}(")?;
            for (i, (share, delay)) in points.iter().enumerate() {
                let comma = if i == 0 { "" } else { "," };
                write!(f, "{comma}{share}:{delay:?}")?;
            }
            write!(f, ")")
        };
        match self {
            Self::None => write!(f, "none"),
            Self::Const(delay) => write!(f, "const({delay:?})"),
            Self::Uniform { low, high } => write!(f, "uniform({low:?},{high:?})"),
            Self::Normal { mean, deviation } => write!(f, "normal({mean:?},{deviation:?})"),
            Self::Exp { mean } => write!(f, "exp({mean:?})"),
            Self::LogNormal { mean, sigma } => write!(f, "lognormal({mean:?},{sigma})"),
            Self::Bimodal(modes) => points(f, "bimodal", modes),
            Self::Table(table) => points(f, "table", table),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALL: [&str; 8] = [
        "none",
        "const(20ms)",
        "uniform(1ms,10ms)",
        "normal(20ms,5ms)",
        "exp(5ms)",
        "lognormal(20ms,0.5)",
        "bimodal(0.9:1ms,0.1:50ms)",
        "table(0:1ms,0.5:2ms,0.99:10ms,1:50ms)",
    ];

    fn parsed(text: &str) -> Distribution {
        text.parse().unwrap()
    }

    #[test]
    fn text_forms_parse_back() {
        for text in ALL {
            assert_eq!(parsed(text).to_string(), text);
        }
        assert_eq!(parsed("20ms"), parsed("const(20ms)"));
        assert!(parsed("0").is_none() && parsed("none").is_none());
    }

    #[test]
    fn faulty_texts_are_refused_and_named() {
        for text in [
            "",
            "20",
            "fast",
            "const()",
            "const(1ms,2ms)",
            "const(1ms",
            "uniform(10ms,1ms)",
            "normal(20ms)",
            "normal(-1ms,1ms)",
            "exp(NaNms)",
            "lognormal(20ms,-1)",
            "lognormal(20ms,x)",
            "bimodal(0.9:1ms)",
            "bimodal(1ms,2ms)",
            "bimodal(0.6:1ms,0.6:2ms)",
            "table(0.5:1ms,0.4:2ms)",
            "table(0.5:2ms,0.6:1ms)",
            "table()",
            "const(2h)",
        ] {
            let error = text.parse::<Distribution>().unwrap_err().to_string();
            assert!(error.starts_with("latency `"), "{text}: {error}");
        }
    }

    #[test]
    fn the_normal_quantile_agrees_with_published_values() {
        for (q, z) in [
            (0.5, 0.0),
            (0.975, 1.959_963_984_540_054),
            (0.999, 3.090_232_306_167_813_5),
            (0.25, -0.674_489_750_196_081_7),
            (1e-10, -6.361_340_902_404_056),
            (1e-15, -7.941_345_326_170_997),
        ] {
            assert!((normal_quantile(q) - z).abs() < 1e-9, "{q}: {}", normal_quantile(q));
        }
    }

    #[test]
    fn quantiles_agree_with_the_formulas() {
        for (text, q, seconds) in [
            ("none", 0.5, 0.0),
            ("const(20ms)", 0.99, 0.020),
            ("uniform(1ms,10ms)", 0.5, 0.0055),
            ("normal(20ms,5ms)", 0.975, 0.020 + 0.005 * 1.959_963_985),
            ("normal(1ms,5ms)", 0.01, 0.0),
            ("exp(5ms)", 0.99, 0.005 * 100f64.ln()),
            ("lognormal(20ms,0.5)", 0.5, 0.020 * (-0.125f64).exp()),
            ("bimodal(0.9:1ms,0.1:50ms)", 0.9, 0.001),
            ("bimodal(0.9:1ms,0.1:50ms)", 0.901, 0.050),
            ("table(0:1ms,0.5:2ms,0.99:10ms,1:50ms)", 0.25, 0.0015),
            ("table(0:1ms,0.5:2ms,0.99:10ms,1:50ms)", 0.995, 0.030),
            ("table(0.1:1ms,0.9:2ms)", 0.95, 0.002),
        ] {
            let actual = parsed(text).quantile(q).as_secs_f64();
            assert!((actual - seconds).abs() < 2e-9, "{text} at {q}: {actual}, not {seconds}");
        }
    }

    #[test]
    fn ends_are_finite_and_ordered() {
        for text in ALL {
            let distribution = parsed(text);
            let points = [0.0, 0.001, 0.1, 0.5, 0.9, 0.99, 0.999, 1.0, 2.0];
            let delays: Vec<_> = points.map(|q| distribution.quantile(q)).to_vec();
            assert!(delays.is_sorted(), "{text}: {delays:?}");
        }
    }

    /// The share of samples at or below the quantile `q` is `q`, within five standard deviations for
    /// random draws and within a few samples for even ones.
    #[test]
    fn samples_have_the_quantiles() {
        const SAMPLES: u64 = 200_000;
        for text in ALL {
            let distribution = parsed(text);
            for (draws, tolerance) in [(Draws::Random, None), (Draws::Even, Some(20.0))] {
                for q in [0.01, 0.5, 0.9, 0.99, 0.999] {
                    let bound = distribution.quantile(q);
                    let within = (0..SAMPLES)
                        .filter(|&i| distribution.delay(draws, 42, i) <= bound)
                        .count() as f64;
                    let expected = q * SAMPLES as f64;
                    let tolerance = tolerance.unwrap_or(5.0 * (expected * (1.0 - q)).sqrt());
                    // Where many samples are equal to the bound more than q are within it.
                    assert!(within >= expected - tolerance, "{text} {draws:?} {q}: {within}");
                    let steps = matches!(text.as_bytes()[0], b'n' | b'c' | b'b') && text != ALL[3];
                    assert!(steps || within <= expected + tolerance, "{text} {q}: {within}");
                }
            }
        }
    }

    #[test]
    fn draws_follow_from_the_seed_and_streams_differ() {
        for draws in [Draws::Random, Draws::Even] {
            let take = |seed, stream| {
                (0..100).map(|i| draws.unit(seed, stream, i).to_bits()).collect::<Vec<_>>()
            };
            assert_eq!(take(1, Stream::Latency), take(1, Stream::Latency));
            assert_ne!(take(1, Stream::Latency), take(2, Stream::Latency));
            assert_ne!(take(1, Stream::Latency), take(1, Stream::Failure));
        }
        assert_eq!("even".parse(), Ok(Draws::Even));
        assert!("odd".parse::<Draws>().is_err());
    }
}
