//! Names as values of metrics' attributes: so many different ones, and no more.

use std::collections::HashSet;
use std::sync::{Arc, PoisonError, RwLock};

use opentelemetry::StringValue;

use crate::attribute::OTHER;

/// The most different values of one attribute.
pub(crate) const MAX_WORDS: usize = 200;

/// The values that an attribute has had: each costs memory here and in whatever keeps the metrics, for ever.
#[derive(Debug)]
pub(crate) struct Vocabulary {
    words: RwLock<HashSet<Arc<str>>>,
    most: usize,
}

impl Default for Vocabulary {
    fn default() -> Vocabulary {
        Vocabulary { words: RwLock::default(), most: MAX_WORDS }
    }
}

impl Vocabulary {
    /// The value that stands for a word: itself, or once there are too many, one for all others.
    pub(crate) fn value(&self, word: &Arc<str>) -> StringValue {
        if self.words.read().unwrap_or_else(PoisonError::into_inner).contains(word) {
            return Arc::clone(word).into();
        }
        let mut words = self.words.write().unwrap_or_else(PoisonError::into_inner);
        if words.contains(word) || (words.len() < self.most && words.insert(Arc::clone(word))) {
            return Arc::clone(word).into();
        }
        OTHER.into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_word_too_many_is_another() {
        let vocabulary = Vocabulary::default();
        let word = |n: usize| Arc::from(format!("w{n}"));
        for n in 0..MAX_WORDS {
            assert_eq!(vocabulary.value(&word(n)).as_str(), format!("w{n}"));
        }
        assert_eq!(vocabulary.value(&word(MAX_WORDS)).as_str(), OTHER);
        assert_eq!(vocabulary.value(&word(0)).as_str(), "w0");
    }
}
