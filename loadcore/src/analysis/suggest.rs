//! Turns a mistyped word into the one that was probably meant.

/// The candidate that is nearest to `word`, if it is near enough to have been meant: at most a third
/// of its letters wrong.
pub(crate) fn nearest<'a>(word: &str, candidates: &[&'a str]) -> Option<&'a str> {
    let word = word.to_lowercase();
    let (distance, nearest) =
        candidates.iter().map(|candidate| (distance(&word, candidate), *candidate)).min()?;
    (distance <= nearest.len().max(3) / 3).then_some(nearest)
}

/// Letters to be inserted, deleted or replaced to make `b` of `a` (Levenshtein, by Wagner and
/// Fischer's table, of which one row is kept).
fn distance(a: &str, b: &str) -> usize {
    let mut row: Vec<usize> = (0..=b.chars().count()).collect();
    for (i, x) in a.chars().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, y) in b.chars().enumerate() {
            let replaced = diagonal + usize::from(x != y);
            diagonal = row[j + 1];
            row[j + 1] = replaced.min(row[j] + 1).min(diagonal + 1);
        }
    }
    row[b.chars().count()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_word_is_offered_if_it_is_near() {
        let words = ["mean", "max", "error_rate", "achieved_rate"];
        assert_eq!(nearest("errorrate", &words), Some("error_rate"));
        assert_eq!(nearest("Acheived_rate", &words), Some("achieved_rate"));
        assert_eq!(nearest("latency", &words), None);
        assert_eq!(nearest("x", &[]), None);
    }

    #[test]
    fn distances_are_levenshtein_s() {
        assert_eq!(distance("kitten", "sitting"), 3);
        assert_eq!((distance("", "abc"), distance("abc", "")), (3, 3));
    }
}
