//! Turns a row of figures over time into the lines of a small picture, as SVG has them.

/// The most points of a picture, and its size.
const POINTS: usize = 60;
const WIDTH: f64 = 120.0;
const HEIGHT: f64 = 24.0;

/// One line between two gaps. Of neighbours that share a point the greatest is shown.
pub(super) fn lines(figures: impl ExactSizeIterator<Item = Option<f64>>) -> Vec<String> {
    let together = figures.len().div_ceil(POINTS).max(1);
    let figures: Vec<_> = figures.collect();
    let greatest = |of: &[Option<f64>]| of.iter().flatten().copied().reduce(f64::max);
    let points: Vec<_> = figures.chunks(together).map(greatest).collect();
    let most = greatest(&points).unwrap_or(0.0);
    if points.len() < 2 || most <= 0.0 {
        return Vec::new();
    }
    let (last, room) = ((points.len() - 1) as f64, HEIGHT - 2.0);
    let point = |(at, value): (usize, &Option<f64>)| {
        let x = (at as f64 / last * WIDTH).round();
        value.map(|value| format!("{x},{:.1}", HEIGHT - 1.0 - room * value / most))
    };
    let points: Vec<_> = points.iter().enumerate().map(point).collect();
    let parts = points.split(Option::is_none).filter(|part| part.len() > 1);
    parts.map(|part| part.iter().flatten().cloned().collect::<Vec<_>>().join(" ")).collect()
}

#[cfg(test)]
mod tests {
    use super::lines;

    #[test]
    fn a_picture_has_a_line_between_two_gaps() {
        let figures = [Some(1.0), Some(2.0), None, Some(2.0), Some(0.0)];
        assert_eq!(lines(figures.into_iter()), ["0,12.0 30,1.0", "90,1.0 120,23.0"]);
        assert!(lines([Some(1.0)].into_iter()).is_empty());
        assert!(lines([].into_iter()).is_empty());
    }

    #[test]
    fn many_figures_share_points_and_the_greatest_of_them_is_shown() {
        let figures = (0..3_600).map(|second| Some(if second == 1_801 { 9.0 } else { 1.0 }));
        let lines = lines(figures);
        assert_eq!(lines.len(), 1);
        assert_eq!(lines[0].split(' ').count(), 60);
        assert_eq!(lines[0].matches(",1.0").count(), 1, "the peak");
    }
}
