//! The nearest name to one that does not exist.

/// The work that suggestions may cost one compilation, in characters looked at.
///
/// Far beyond what a spec of a person takes; one with thousands of names and thousands of mistakes gets suggestions for
/// the first of them.
const MOST_WORK: usize = 4_000_000;

/// A longer word is no typing mistake, and comparing it would cost its square.
const LONGEST: usize = 64;

/// A shorter word is no beginning of another.
const SHORTEST: usize = 3;

/// Finds near names until it has looked at enough.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Suggestions {
    left: usize,
}

impl Default for Suggestions {
    fn default() -> Self {
        Self { left: MOST_WORK }
    }
}

impl Suggestions {
    /// Finds the candidate that `word` most likely meant; none after the work of the compilation is spent.
    ///
    /// A candidate counts only when it is within a third of the word's length (at most three edits; swapped
    /// neighbours are one edit), or when it differs in case, hyphens and underscores alone; without one, when it alone
    /// begins with the word. Of equals the first wins.
    pub(crate) fn nearest<'a>(&mut self, word: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
        if word.len() > LONGEST * 4 {
            return None;
        }
        let word: Vec<char> = fold(word).collect();
        if word.is_empty() || word.len() > LONGEST {
            return None;
        }
        let letters = letters(&word);
        let mut limit = (word.len() / 3).min(3);
        let mut best: Option<&str> = None;
        let (mut beginning, mut begun): (Option<&str>, usize) = (None, 0);
        for candidate in candidates {
            self.left = self.left.checked_sub(1 + candidate.len().min(LONGEST))?;
            if candidate.len() > LONGEST * 4 {
                continue;
            }
            let folded: Vec<char> = fold(candidate).collect();
            if word.len() >= SHORTEST && folded.starts_with(&word) {
                begun += 1;
                beginning = Some(candidate);
            }
            // An edit changes the length by one at most, and the set of letters by two.
            let far = self::letters(&folded) ^ letters;
            if folded.len().abs_diff(word.len()) > limit || far.count_ones() as usize > limit * 2 {
                continue;
            }
            let Some(distance) = distance(&word, &folded, limit, &mut self.left) else {
                continue;
            };
            best = Some(candidate);
            match distance.checked_sub(1) {
                // Only a nearer one is of interest from here.
                Some(nearer) => limit = nearer,
                None => break,
            }
        }
        best.or(beginning.filter(|_| begun == 1))
    }

    /// The work that is left.
    #[cfg(test)]
    pub(crate) fn left(self) -> usize {
        self.left
    }
}

fn fold(word: &str) -> impl Iterator<Item = char> {
    word.chars().filter(|c| !matches!(c, '-' | '_')).flat_map(char::to_lowercase)
}

/// The letters of a word as a set of 64; letters that share a place make words look nearer, never farther.
fn letters(word: &[char]) -> u64 {
    word.iter().fold(0, |set, c| set | 1 << (u32::from(*c) % 64))
}

/// Counts the insertions, deletions, replacements and swaps of neighbours between two words; `None` when they are more
/// than `limit`, or when the work is spent.
fn distance(left: &[char], right: &[char], limit: usize, work: &mut usize) -> Option<usize> {
    let mut before: Vec<usize> = Vec::new();
    let mut above: Vec<usize> = (0..=right.len()).collect();
    let mut last_left = None;
    for (row, &l) in left.iter().enumerate() {
        *work = work.checked_sub(right.len())?;
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
        // A swap reaches over one row, so that one good row of two is enough to go on.
        let out_of_reach = |line: &[usize]| line.iter().all(|cell| *cell > limit);
        if out_of_reach(&current) && out_of_reach(&above) {
            return None;
        }
        last_left = Some(l);
        before = std::mem::replace(&mut above, current);
    }
    above.last().copied().filter(|distance| *distance <= limit)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn near_names_are_found_and_far_ones_are_not() {
        let names = ["system_prompt", "strategy", "tools", "name", "b", "id"];
        for (word, expected) in [
            ("systemprompt", Some("system_prompt")),
            ("system-prompt", Some("system_prompt")),
            ("sytsem_prompt", Some("system_prompt")),
            ("syst_prompt", Some("system_prompt")),
            ("system_prmoptt", Some("system_prompt")),
            ("stratgey", Some("strategy")),
            ("Tools", Some("tools")),
            ("tool", Some("tools")),
            ("nme", Some("name")),
            ("colour", None),
            ("system_pr", Some("system_prompt")),
            ("sys", Some("system_prompt")),
            ("sy", None),
            ("too", Some("tools")),
            // One letter is no hint of another.
            ("x", None),
            ("a", None),
            ("ie", None),
            ("ID", Some("id")),
            ("B", Some("b")),
            ("", None),
        ] {
            assert_eq!(Suggestions::default().nearest(word, names), expected, "{word}");
        }
        assert_eq!(Suggestions::default().nearest("step_4", ["step_41", "step_4x", "step-4"]), Some("step-4"));
    }

    /// However many names and mistakes there are, the work ends.
    #[test]
    fn the_work_of_a_compilation_is_bounded() {
        let names: Vec<String> = (0..5_000).map(|at| format!("function_{at}y")).collect();
        let mut suggestions = Suggestions::default();
        let found: Vec<Option<&str>> = (0..5_000)
            .map(|at| suggestions.nearest(&format!("functionn_{at}x"), names.iter().map(String::as_str)))
            .collect();
        assert_eq!(found[0], Some("function_0y"));
        assert_eq!(found[4_999], None);
        assert!(suggestions.left() < 10_000, "{}", suggestions.left());
    }
}
