//! "Did you mean": the nearest of the words that would have been right.

/// The candidate nearest to `word`, if it is near enough to be a slip of the finger.
///
/// Near means: at most one edit for up to four letters, two for up to eight, three beyond. An edit is an inserted,
/// missing, wrong or swapped letter.
pub fn suggest<'a>(word: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let reach = match word.chars().count() {
        0..=1 => return None,
        2..=4 => 1,
        5..=8 => 2,
        // Longer than any name of ours: comparing it would only cost time.
        65.. => return None,
        _ => 3,
    };
    candidates
        .into_iter()
        .filter(|candidate| *candidate != word)
        .map(|candidate| (distance(&word.to_lowercase(), candidate), candidate))
        .filter(|(distance, candidate)| *distance <= reach && *distance < candidate.chars().count())
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| candidate)
}

/// A help sentence for [`suggest`]'s finding.
pub fn did_you_mean<'a>(word: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<String> {
    suggest(word, candidates).map(|near| format!("did you mean `{near}`?"))
}

/// Damerau-Levenshtein distance in its "optimal string alignment" form, with three rows.
fn distance(left: &str, right: &str) -> usize {
    let left: Vec<char> = left.chars().collect();
    let right: Vec<char> = right.chars().collect();
    let mut before: Vec<usize> = vec![0; right.len() + 1];
    let mut above: Vec<usize> = (0..=right.len()).collect();
    for row in 1..=left.len() {
        let mut current = vec![row; right.len() + 1];
        for column in 1..=right.len() {
            let wrong = usize::from(left[row - 1] != right[column - 1]);
            let mut best = (above[column] + 1).min(current[column - 1] + 1).min(above[column - 1] + wrong);
            let swapped = row > 1
                && column > 1
                && left[row - 1] == right[column - 2]
                && left[row - 2] == right[column - 1];
            if swapped {
                best = best.min(before[column - 2] + 1);
            }
            current[column] = best;
        }
        before = std::mem::replace(&mut above, current);
    }
    above[right.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_slips_and_nothing_else() {
        let words = ["limit", "listen", "proxy", "compress", "on"];
        assert_eq!(suggest("lsiten", words), Some("listen"));
        assert_eq!(suggest("limits", words), Some("limit"));
        assert_eq!(suggest("Proxy", words), Some("proxy"));
        assert_eq!(suggest("comprs", words), Some("compress"));
        assert_eq!(suggest("cache", words), None);
        assert_eq!(suggest("x", words), None);
    }
}
