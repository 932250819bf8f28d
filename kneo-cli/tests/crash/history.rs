//! Judges what a run did, by its journal and by what the outside saw.

use std::collections::{BTreeMap, BTreeSet};

/// A call that the outside saw begin.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(crate) struct Start {
    pub(crate) path: String,
    pub(crate) attempt: u32,
}

/// What the journal says of a call, in its order.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Entry {
    pub(crate) path: String,
    pub(crate) attempt: u32,
    pub(crate) fact: Fact,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Fact {
    Intended,
    Succeeded,
    Lost,
}

/// Everything that is wrong with a run that has completed.
///
/// - A call begins only after its intent, and once: no start without its intent, none twice.
/// - What was committed never runs again: no start or intent of a path is of a later attempt than its result.
/// - Nothing is lost or made up: every intent leads to a result, and every result has its start.
/// - Only a kill repeats anything, and at most what was in flight: `kills` times `width`.
pub(crate) fn wrongs(starts: &[Start], journal: &[Entry], kills: usize, width: usize) -> Vec<String> {
    let mut wrongs = Vec::new();
    let (intended, results, lost) = read(journal, &mut wrongs);
    let mut seen = BTreeSet::new();
    for start in starts {
        let Start { path, attempt } = start;
        if !seen.insert(start) {
            wrongs.push(format!("{path} attempt {attempt} began twice"));
        }
        if !intended.get(path.as_str()).is_some_and(|attempts| attempts.contains(attempt)) {
            wrongs.push(format!("{path} attempt {attempt} began without an intent"));
        }
        if results.get(path.as_str()).is_some_and(|committed| attempt > committed) {
            wrongs.push(format!("{path} attempt {attempt} began after its result was committed"));
        }
    }
    for (path, attempt) in &results {
        if !seen.contains(&Start { path: (*path).to_owned(), attempt: *attempt }) {
            wrongs.push(format!("{path} attempt {attempt} has a result and never began"));
        }
    }
    for path in intended.keys().filter(|path| !results.contains_key(*path)) {
        wrongs.push(format!("{path} was intended and has no result"));
    }
    let paths: BTreeSet<&str> = starts.iter().map(|start| start.path.as_str()).collect();
    let extra = starts.len() - paths.len();
    if extra > lost {
        wrongs.push(format!("{extra} calls began again, but only {lost} were lost"));
    }
    if lost > kills * width {
        wrongs.push(format!("{lost} calls were lost by {kills} kills of at most {width} in flight"));
    }
    wrongs
}

type Attempts<'a> = BTreeMap<&'a str, BTreeSet<u32>>;

/// The attempts that were intended, those that succeeded, and how many were lost.
fn read<'a>(journal: &'a [Entry], wrongs: &mut Vec<String>) -> (Attempts<'a>, BTreeMap<&'a str, u32>, usize) {
    let (mut intended, mut results, mut lost) = (Attempts::new(), BTreeMap::new(), 0);
    for Entry { path, attempt, fact } in journal {
        let attempts = intended.entry(path.as_str()).or_default();
        match fact {
            Fact::Intended => {
                if results.contains_key(path.as_str()) {
                    wrongs.push(format!("{path} attempt {attempt} was intended after its result"));
                }
                if attempts.last().copied().unwrap_or_default() + 1 != *attempt {
                    wrongs.push(format!("{path} attempt {attempt} does not follow the one before"));
                }
                attempts.insert(*attempt);
            }
            Fact::Succeeded => {
                if attempts.last() != Some(attempt) {
                    wrongs.push(format!("{path} attempt {attempt} succeeded, but is not the last that was intended"));
                }
                if results.insert(path.as_str(), *attempt).is_some() {
                    wrongs.push(format!("{path} has two results"));
                }
            }
            Fact::Lost => lost += 1,
        }
    }
    (intended, results, lost)
}

#[test]
fn a_history_is_judged_by_every_rule() {
    // One line for each history: what began, what the journal says, how many kills, and what is wrong with it.
    let cases: &[(&str, &str, usize, &[&str])] = &[
        ("a1 b1", "a1 a1ok b1 b1ok", 0, &[]),
        ("a1 a2 b1", "a1 a1lost a2 a2ok b1 b1ok", 1, &[]),
        // Killed between intent and start: the attempt never began.
        ("a2", "a1 a1lost a2 a2ok", 1, &[]),
        ("a1 a1", "a1 a1ok", 0, &["a attempt 1 began twice", "1 calls began again, but only 0 were lost"]),
        (
            "a1 a2",
            "a1 a1ok",
            1,
            &[
                "a attempt 2 began without an intent",
                "a attempt 2 began after its result was committed",
                "1 calls began again, but only 0 were lost",
            ],
        ),
        (
            "a1 a2",
            "a1 a1ok a1lost a2",
            1,
            &["a attempt 2 was intended after its result", "a attempt 2 began after its result was committed"],
        ),
        ("", "a1 a1ok", 0, &["a attempt 1 has a result and never began"]),
        ("a1", "a1", 0, &["a was intended and has no result"]),
        (
            "a1 a2",
            "a1 a1lost a2 a1ok a2ok",
            1,
            &["a attempt 1 succeeded, but is not the last that was intended", "a has two results"],
        ),
        ("a1 a3", "a1 a1lost a3 a3ok", 1, &["a attempt 3 does not follow the one before"]),
        ("a1 a2", "a1 a1lost a2 a2ok", 0, &["1 calls were lost by 0 kills of at most 2 in flight"]),
    ];
    for (starts, journal, kills, expected) in cases {
        let starts: Vec<Start> = starts.split_whitespace().map(|word| parse(word).0).collect();
        let entry = |word| {
            let (Start { path, attempt }, fact) = parse(word);
            Entry { path, attempt, fact }
        };
        let journal: Vec<Entry> = journal.split_whitespace().map(entry).collect();
        assert_eq!(wrongs(&starts, &journal, *kills, 2), *expected, "{starts:?} {journal:?}");
    }
}

/// Reads `a1`, `a1ok` and `a1lost`.
#[cfg(test)]
fn parse(word: &str) -> (Start, Fact) {
    let (path, rest) = word.split_at(1);
    let digits = rest.chars().take_while(char::is_ascii_digit).count();
    let (attempt, fact) = rest.split_at(digits);
    let fact = match fact {
        "" => Fact::Intended,
        "ok" => Fact::Succeeded,
        "lost" => Fact::Lost,
        other => panic!("{other}"),
    };
    (Start { path: path.to_owned(), attempt: attempt.parse().unwrap() }, fact)
}
