//! Seeds: a test that draws says what it drew from, and can be run again from there.

/// The generator SplitMix64: one seed, one sequence.
#[derive(Clone, Debug)]
pub struct Rng(u64);

impl Rng {
    /// The sequence of a seed.
    #[must_use]
    pub fn new(seed: u64) -> Rng {
        Rng(seed)
    }

    /// The next number.
    pub fn draw(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    /// A number below `n`; 0 if there is none.
    pub fn below(&mut self, n: u64) -> u64 {
        self.draw() % n.max(1)
    }

    /// True once in `n` times.
    pub fn one_in(&mut self, n: u64) -> bool {
        self.below(n) == 0
    }

    /// One of these; `None` of none.
    pub fn pick<'a, T>(&mut self, from: &'a [T]) -> Option<&'a T> {
        let at = self.below(from.len() as u64);
        usize::try_from(at).ok().and_then(|at| from.get(at))
    }

    /// Random bytes.
    pub fn bytes<const N: usize>(&mut self) -> [u8; N] {
        let mut bytes = [0; N];
        for chunk in bytes.chunks_mut(8) {
            let drawn = self.draw().to_be_bytes();
            chunk.iter_mut().zip(drawn).for_each(|(to, from)| *to = from);
        }
        bytes
    }
}

/// Runs a test for so many seeds: from 0, or only the one that `KNEO_TEST_SEED` names.
///
/// `KNEO_TEST_LONG=1` takes ten times as many. A test that fails says its seed.
pub fn each(count: u64, mut test: impl FnMut(u64)) {
    let only = std::env::var("KNEO_TEST_SEED").ok();
    let only: Option<u64> = only.and_then(|seed| seed.parse().ok());
    let seeds = only.map_or(0..times(count), |seed| seed..seed.saturating_add(1));
    for seed in seeds {
        let blame = Blame { seed };
        test(seed);
        drop(blame);
    }
}

/// Whether one seed is looked into alone, so that nothing can be said about all of them.
#[must_use]
pub fn is_alone() -> bool {
    std::env::var_os("KNEO_TEST_SEED").is_some()
}

/// A count, or ten times as many with `KNEO_TEST_LONG=1`.
#[must_use]
pub fn times(count: u64) -> u64 {
    match std::env::var("KNEO_TEST_LONG").as_deref() {
        Ok("1") => count.saturating_mul(10),
        _ => count,
    }
}

/// Says, if a test fails while it lives, how to run the same again.
struct Blame {
    seed: u64,
}

impl Drop for Blame {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("failed at seed {}: run it alone with KNEO_TEST_SEED={}", self.seed, self.seed);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seed_gives_the_same_again_and_another_something_else() {
        let draw = |seed| Rng::new(seed).bytes::<20>();
        assert_eq!(draw(7), draw(7));
        assert_ne!(draw(7), draw(8));
    }

    #[test]
    fn every_number_below_a_bound_comes_up() {
        let mut rng = Rng::new(1);
        let mut seen = [false; 6];
        for _ in 0..200 {
            seen[usize::try_from(rng.below(6)).unwrap()] = true;
        }
        assert_eq!(seen, [true; 6]);
        assert_eq!(rng.below(0), 0);
        assert_eq!(rng.pick::<u8>(&[]), None);
    }
}
