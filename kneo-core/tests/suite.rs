//! The tests of `kneo-core` that use it as others do: through its public words.

#[cfg(test)]
mod suite {
    mod arbitrary;
    mod cancel;
    mod canonical;
    mod commit;
    mod damaged_frames;
    mod frames;
    mod golden_frames;
    mod index_changes;
    mod plans;
    mod requests;
    mod samples;
    mod seals;
    mod values;
    mod words;
}
