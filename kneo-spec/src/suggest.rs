//! The nearest name to one that does not exist.

/// Finds the candidate that `word` most likely meant.
///
/// A candidate counts only when it is within a third of the word's length (at least one, at most
/// three edits; swapped neighbours are one edit), or when it differs in case, hyphens and
/// underscores alone. Of equals the first wins.
pub(crate) fn nearest<'a>(word: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    /// A longer word is no typing mistake, and comparing it would cost its square.
    const LONGEST: usize = 64;

    let word: Vec<char> = fold(word);
    if word.is_empty() || word.len() > LONGEST {
        return None;
    }
    let limit = (word.len() / 3).clamp(1, 3);
    let mut best: Option<(usize, &str)> = None;
    for candidate in candidates {
        let folded = fold(candidate);
        if folded.len().abs_diff(word.len()) > limit {
            continue;
        }
        let distance = distance(&word, &folded);
        if distance <= limit && best.is_none_or(|(least, _)| distance < least) {
            best = Some((distance, candidate));
        }
    }
    best.map(|(_, name)| name)
}

fn fold(word: &str) -> Vec<char> {
    word.chars().filter(|c| !matches!(c, '-' | '_')).flat_map(char::to_lowercase).collect()
}

/// Counts the insertions, deletions, replacements and swaps of neighbours between two words.
fn distance(left: &[char], right: &[char]) -> usize {
    let mut before: Vec<usize> = Vec::new();
    let mut above: Vec<usize> = (0..=right.len()).collect();
    let mut last_left = None;
    for (row, &l) in left.iter().enumerate() {
        let mut current = Vec::with_capacity(right.len() + 1);
        current.push(row + 1);
        let mut last_right = None;
        for (column, &r) in right.iter().enumerate() {
            let at = |line: &[usize], index: usize| line.get(index).copied().unwrap_or(usize::MAX);
            let replaced = at(&above, column) + usize::from(l != r);
            let mut least = replaced.min(at(&above, column + 1) + 1).min(at(&current, column) + 1);
            if last_left == Some(r) && last_right == Some(l) && column > 0 {
                least = least.min(at(&before, column - 1).saturating_add(1));
            }
            current.push(least);
            last_right = Some(r);
        }
        last_left = Some(l);
        before = std::mem::replace(&mut above, current);
    }
    above.last().copied().unwrap_or(usize::MAX)
}

#[cfg(test)]
mod tests {
    use super::nearest;

    #[test]
    fn near_names_are_found_and_far_ones_are_not() {
        let names = ["system_prompt", "strategy", "tools", "name"];
        for (word, expected) in [
            ("systemprompt", Some("system_prompt")),
            ("system-prompt", Some("system_prompt")),
            ("sytsem_prompt", Some("system_prompt")),
            ("stratgey", Some("strategy")),
            ("Tools", Some("tools")),
            ("tool", Some("tools")),
            ("nme", Some("name")),
            ("colour", None),
            ("x", None),
            ("", None),
        ] {
            assert_eq!(nearest(word, names), expected, "{word}");
        }
    }
}
