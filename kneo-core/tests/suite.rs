//! The tests of `kneo-core` that use it as others do: through its public words.

#[cfg(test)]
mod suite {
    mod arbitrary;
    mod cancel;
    mod damaged_frames;
    mod frames;
    mod golden_frames;
    mod samples;
}
