//! The last bytes of an output, in bounded memory.

/// How much more than the tail is kept before it is worth forgetting.
const SLACK: usize = 16 << 10;

/// The last bytes of a stream.
#[derive(Clone, Debug)]
pub struct Tail {
    bytes: Vec<u8>,
    max: usize,
    cut: bool,
}

impl Tail {
    /// An empty tail that keeps at most so many bytes.
    #[must_use]
    pub fn new(max: usize) -> Tail {
        Tail { bytes: Vec::new(), max, cut: false }
    }

    /// Adds what was read next.
    pub fn push(&mut self, bytes: &[u8]) {
        self.bytes.extend_from_slice(bytes);
        if self.bytes.len() > self.max.saturating_add(SLACK) {
            self.cut_to_max();
        }
    }

    fn cut_to_max(&mut self) {
        let over = self.bytes.len().saturating_sub(self.max);
        if over > 0 {
            self.bytes.drain(..over);
            self.cut = true;
        }
    }

    /// The tail as text without white space at its ends; a leading `…` tells that something came before.
    #[must_use]
    pub fn text(mut self) -> String {
        self.cut_to_max();
        // A cut may fall inside a character: its rest is no text.
        let partial = if self.cut { self.bytes.iter().take_while(|byte| **byte & 0xc0 == 0x80).count() } else { 0 };
        let text = String::from_utf8_lossy(self.bytes.get(partial..).unwrap_or_default());
        format!("{}{}", if self.cut { "…" } else { "" }, text.trim())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tail_keeps_the_end_and_whole_characters() {
        let mut tail = Tail::new(5);
        tail.push("aaäöü".as_bytes());
        assert_eq!(tail.text(), "…öü");
        let mut tail = Tail::new(100);
        tail.push(b" all of it\n");
        assert_eq!(tail.text(), "all of it");
    }

    #[test]
    fn a_tail_stays_small_however_much_is_written() {
        let mut tail = Tail::new(8);
        for _ in 0..1_000 {
            tail.push(&[b'x'; 1_000]);
            assert!(tail.bytes.len() <= 8 + SLACK);
        }
        assert_eq!(tail.text(), "…xxxxxxxx");
    }
}
