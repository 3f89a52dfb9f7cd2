//! Turns numbers over time into the lines of a small picture, as SVG has them.

/// The most points of a picture, and its size.
const POINTS: usize = 60;
const WIDTH: f64 = 120.0;
const HEIGHT: f64 = 24.0;

/// The lines of a picture whose bottom is `low`, the greatest value of neighbours where there are many: one
/// between two gaps, none where there is nothing to be seen.
pub(super) fn lines(values: impl IntoIterator<Item = Option<f64>>, low: f64) -> Vec<String> {
    let values: Vec<_> = values.into_iter().collect();
    let together = values.len().div_ceil(POINTS).max(1);
    let greatest = |values: &[Option<f64>]| values.iter().flatten().copied().reduce(f64::max);
    let points: Vec<_> = values.chunks(together).map(greatest).collect();
    let most = greatest(&points).unwrap_or(low);
    if points.len() < 2 || most <= low {
        return Vec::new();
    }
    let (last, room) = ((points.len() - 1) as f64, HEIGHT - 2.0);
    let point = |(at, value): (usize, &Option<f64>)| {
        let x = (at as f64 / last * WIDTH).round();
        value.map(|value| format!("{x},{:.1}", HEIGHT - 1.0 - room * (value - low) / (most - low)))
    };
    let points: Vec<_> = points.iter().enumerate().map(point).collect();
    let parts = points.split(Option::is_none).filter(|part| part.len() > 1);
    parts.map(|part| part.iter().flatten().cloned().collect::<Vec<_>>().join(" ")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_picture_has_a_line_between_two_gaps() {
        let values = [Some(1.0), Some(2.0), None, Some(2.0), Some(0.0)];
        assert_eq!(lines(values, 0.0), ["0,12.0 30,1.0", "90,1.0 120,23.0"]);
        assert_eq!(lines([Some(5.0), Some(7.0)], 5.0), ["0,23.0 120,1.0"]);
        assert!(lines([Some(1.0)], 0.0).is_empty() && lines([], 0.0).is_empty());
        assert!(lines([Some(4.0), Some(4.0)], 4.0).is_empty(), "a line that nothing is seen of");
    }

    #[test]
    fn many_figures_share_points_and_the_greatest_of_them_is_shown() {
        let figures = (0..3_600).map(|second| Some(if second == 1_801 { 9.0 } else { 1.0 }));
        let lines = lines(figures, 0.0);
        assert_eq!(lines.len(), 1);
        assert_eq!(lines[0].split(' ').count(), 60);
        assert_eq!(lines[0].matches(",1.0").count(), 1, "the peak");
    }
}
