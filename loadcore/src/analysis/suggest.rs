//! Turns a mistyped word into the one that was probably meant.

/// The candidate that is nearest to `word`, if it is near enough to have been meant: at most a third
/// of its letters wrong.
pub(crate) fn nearest<'a>(word: &str, candidates: &[&'a str]) -> Option<&'a str> {
    let word = word.to_lowercase();
    let (distance, nearest) =
        candidates.iter().map(|candidate| (distance(&word, candidate), *candidate)).min()?;
    (distance <= nearest.len().max(3) / 3).then_some(nearest)
}

/// Letters to be inserted, deleted or replaced, or neighbours to be swapped, to make `b` of `a`
/// (Damerau, by Wagner and Fischer's table, of which three rows are kept).
fn distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    let (mut before, mut last) = (row.clone(), None);
    for (i, x) in a.chars().enumerate() {
        let above = std::mem::replace(&mut row, vec![i + 1]);
        for (j, y) in b.iter().enumerate() {
            let replaced = above[j] + usize::from(x != *y);
            let mut least = replaced.min(row[j] + 1).min(above[j + 1] + 1);
            if j > 0 && last == Some(*y) && x == b[j - 1] {
                least = least.min(before[j - 1] + 1);
            }
            row.push(least);
        }
        (before, last) = (above, Some(x));
    }
    row[b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_word_is_offered_if_it_is_near() {
        let words = ["mean", "max", "error_rate", "achieved_rate"];
        assert_eq!(nearest("errorrate", &words), Some("error_rate"));
        assert_eq!(nearest("Acheived_rate", &words), Some("achieved_rate"));
        assert_eq!(nearest("maen", &words), Some("mean"), "neighbours are swapped");
        assert_eq!(nearest("latency", &words), None);
        assert_eq!(nearest("x", &[]), None);
    }

    #[test]
    fn distances_are_damerau_s() {
        assert_eq!((distance("kitten", "sitting"), distance("crat", "cart")), (3, 1));
        assert_eq!((distance("", "abc"), distance("abc", "")), (3, 3));
    }
}
