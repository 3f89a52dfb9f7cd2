//! Turns figures and judgements into sentences that a person understands.

use super::{Change, Comparison, Judgement, Tolerance};

/// `p99 rose from 41.2 ms to 47.9 ms (+16%, 95% interval +12% to +21%): a regression beyond ...`
pub(super) fn explanation(change: &Change, why_unknown: &str, tolerance: Tolerance) -> String {
    let figure = change.figure.replace('_', " ");
    let (Some(base), Some(candidate), Some(difference)) =
        (change.base, change.candidate, change.difference)
    else {
        return nothing(&figure, change);
    };
    let unit = match change.unit.as_str() {
        "ms" => " ms",
        unit => unit,
    };
    let [from, to] = [base, candidate].map(|value| format!("{}{unit}", number(value)));
    let change_by = format!("({}{})", by(change, difference), interval(change));
    match change.judgement {
        Judgement::NoDifference => {
            let open = still_open(change, tolerance)
                .map_or_else(String::new, |worse| format!(", though one {worse} is not excluded"));
            format!("{figure}: {from} before, {to} now {change_by}: no difference shown{open}")
        }
        Judgement::Unknown => {
            format!(
                "{figure}: {from} before, {to} now {change_by}: not judged, since {why_unknown}"
            )
        }
        different => {
            let moved = if difference > 0.0 { "rose" } else { "fell" };
            format!(
                "{figure} {moved} from {from} to {to} {change_by}: {}",
                said(different, tolerance)
            )
        }
    }
}

/// What came of all figures.
pub(super) fn conclusion(comparison: &Comparison) -> String {
    let tolerance = comparison.tolerance;
    let of = |judgement: Judgement| {
        let all = comparison.all_changes().filter(|(_, change)| change.judgement == judgement);
        let named = all.map(|(name, change)| {
            let figure = change.figure.replace('_', " ");
            name.map_or(figure.clone(), |name| format!("{figure} of {name}"))
        });
        some_of(named.collect())
    };
    let worst = comparison.judgement;
    match worst {
        Judgement::Regression => {
            format!("Regression beyond the tolerance of {tolerance}: {}", of(worst))
        }
        Judgement::Worse => format!("Worse, within the tolerance of {tolerance}: {}", of(worst)),
        Judgement::Improvement => format!("Better by more than {tolerance}: {}", of(worst)),
        Judgement::Better => format!("Better, by no more than {tolerance}: {}", of(worst)),
        Judgement::NoDifference => {
            let open = comparison.changes.iter().any(|it| still_open(it, tolerance).is_some());
            let but = if open {
                format!(
                    "; one beyond the tolerance of {tolerance} is not excluded for every figure: longer runs or repeats tell more"
                )
            } else {
                String::new()
            };
            format!("No difference shown{but}")
        }
        Judgement::Unknown => "Nothing could be judged".into(),
    }
}

/// At most three of them by name.
fn some_of(named: Vec<String>) -> String {
    const SHOWN: usize = 3;
    match named.len().saturating_sub(SHOWN) {
        0 => named.join(", "),
        more => format!("{} and {more} more", named[..SHOWN].join(", ")),
    }
}

fn said(judgement: Judgement, tolerance: Tolerance) -> String {
    match judgement {
        Judgement::Regression => format!("a regression beyond the tolerance of {tolerance}"),
        Judgement::Worse => format!("worse, within the tolerance of {tolerance}"),
        Judgement::Improvement => format!("better by more than {tolerance}"),
        _ => format!("better, by no more than {tolerance}"),
    }
}

fn nothing(figure: &str, change: &Change) -> String {
    let missing = match (change.base, change.candidate) {
        (None, None) => "either side",
        (None, Some(_)) => "the base",
        _ => "the candidate",
    };
    format!("{figure}: not judged, since there is no value in {missing}")
}

/// The difference: of shares in points, of all else relative.
fn by(change: &Change, difference: f64) -> String {
    match (change.unit.as_str(), change.change_percent) {
        ("%", _) => format!("{} points", signed(difference)),
        (_, Some(percent)) => format!("{}%", signed(percent)),
        (unit, None) => format!("{} {unit}", signed(difference)),
    }
}

fn interval(change: &Change) -> String {
    let (ends, unit) = match (change.unit.as_str(), change.change_interval) {
        ("%", _) => (change.difference_interval, ""),
        (_, interval) => (interval, "%"),
    };
    ends.map_or_else(String::new, |[low, high]| {
        format!(", 95% interval {}{unit} to {}{unit}", signed(low), signed(high))
    })
}

/// How much worse it may be without having been seen, where that is beyond the tolerance.
fn still_open(change: &Change, tolerance: Tolerance) -> Option<String> {
    if change.judgement != Judgement::NoDifference {
        return None;
    }
    let [low, high] = change.change_interval?;
    let is_less_worse = matches!(change.figure.as_str(), "achieved_rate" | "rps");
    let (end, worse) = if is_less_worse { (low, -low) } else { (high, high) };
    (worse > tolerance.percent()).then(|| format!("up to {}%", signed(end)))
}

/// Three digits, and no more than three decimals.
fn number(value: f64) -> String {
    let decimals = match value.abs() {
        size if size >= 99.95 || size == 0.0 => 0,
        size if size >= 9.995 => 1,
        size if size >= 0.9995 => 2,
        _ => 3,
    };
    let text = format!("{value:.decimals$}");
    // A digit after the point that says nothing.
    if text.contains('.') {
        text.trim_end_matches('0').trim_end_matches('.').to_owned()
    } else {
        text
    }
}

/// Two digits are enough of how much something changed, and beyond a thousand none.
fn signed(value: f64) -> String {
    const MOST: f64 = 1_000.0;
    if value > MOST {
        return format!("more than +{MOST}");
    }
    let decimals = match value.abs() {
        size if size >= 9.95 || size == 0.0 => 0,
        size if size >= 0.095 => 1,
        _ => 3,
    };
    let text = format!("{value:+.decimals$}");
    match text.trim_start_matches(['+', '-', '0', '.']) {
        "" => "0".into(),
        _ => text,
    }
}
