//! Randomness without a system call for each draw.

use kneo_core::clock::Entropy;

/// Gives random bytes from a generator that the host's entropy has seeded: xoshiro256++, one for each actor.
///
/// Ids and delays need bytes that differ, not bytes that nobody can guess.
#[derive(Debug)]
pub(crate) struct Draws([u64; 4]);

impl Draws {
    pub(crate) fn new(entropy: &dyn Entropy) -> Draws {
        let mut seed = [0; 32];
        entropy.fill(&mut seed);
        let mut state = [0; 4];
        for (to, from) in state.iter_mut().zip(seed.chunks_exact(8)) {
            *to = from.iter().fold(0, |word, byte| word << 8 | u64::from(*byte));
        }
        // The generator stays at zero for ever if it starts there.
        if state == [0; 4] {
            state = [1, 2, 3, 4];
        }
        Draws(state)
    }

    fn next(&mut self) -> u64 {
        let [a, b, c, d] = self.0;
        let result = a.wrapping_add(d).rotate_left(23).wrapping_add(a);
        let (c, d) = (c ^ a, d ^ b);
        self.0 = [a ^ d, b ^ c, c ^ b << 17, d.rotate_left(45)];
        result
    }

    pub(crate) fn bytes<const N: usize>(&mut self) -> [u8; N] {
        let mut bytes = [0; N];
        for chunk in bytes.chunks_mut(8) {
            chunk.iter_mut().zip(self.next().to_le_bytes()).for_each(|(to, from)| *to = from);
        }
        bytes
    }
}

/// The finaliser of SplitMix64.
pub(crate) fn mix(mut word: u64) -> u64 {
    word = (word ^ word >> 30).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    word = (word ^ word >> 27).wrapping_mul(0x94D0_49BB_1331_11EB);
    word ^ word >> 31
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug)]
    struct Fixed([u8; 32]);

    impl Entropy for Fixed {
        fn fill(&self, buffer: &mut [u8]) {
            buffer.iter_mut().zip(self.0).for_each(|(to, from)| *to = from);
        }
    }

    #[test]
    fn the_generator_is_xoshiro256_plus_plus() {
        // The first outputs of the authors' reference code for the state {1, 2, 3, 4}.
        let mut draws = Draws::new(&Fixed([0; 32]));
        let first: Vec<u64> = (0..4).map(|_| draws.next()).collect();
        assert_eq!(first, [41_943_041, 58_720_359, 3_588_806_011_781_223, 3_591_011_842_654_386]);
    }
}
