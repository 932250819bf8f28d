//! Lines of a server's output, each in bounded memory.

use tokio::io::{AsyncBufReadExt, AsyncRead, BufReader};

const BUFFER: usize = 64 << 10;

/// Reads lines that have at most so many bytes.
#[derive(Debug)]
pub(super) struct Lines<R> {
    read: BufReader<R>,
    line: Vec<u8>,
    max: usize,
}

/// What came next.
#[derive(PartialEq, Eq, Debug)]
pub(super) enum Next {
    /// A line without its end.
    Line(Vec<u8>),
    /// A line that is longer than the most; what is left of it is not read.
    TooLong,
    /// There is nothing more. A last line without an end is no line.
    End,
}

impl<R: AsyncRead + Unpin> Lines<R> {
    pub(super) fn new(read: R, max: usize) -> Lines<R> {
        Lines { read: BufReader::with_capacity(BUFFER, read), line: Vec::new(), max }
    }

    /// # Cancel safety
    /// Dropping the future loses nothing: what was read of a line is kept for the next call.
    pub(super) async fn next(&mut self) -> Next {
        loop {
            let available = match self.read.fill_buf().await {
                Ok([]) | Err(_) => return Next::End,
                Ok(available) => available,
            };
            let end = available.iter().position(|byte| *byte == b'\n');
            let part = available.get(..end.unwrap_or(available.len())).unwrap_or_default();
            if self.line.len().saturating_add(part.len()) > self.max {
                self.line = Vec::new();
                return Next::TooLong;
            }
            self.line.extend_from_slice(part);
            let used = part.len() + usize::from(end.is_some());
            self.read.consume(used);
            if end.is_some() {
                return Next::Line(std::mem::take(&mut self.line));
            }
        }
    }

    /// Reads and forgets all that still comes, so that who writes it does not wait.
    pub(super) async fn discard(&mut self) {
        loop {
            let read = match self.read.fill_buf().await {
                Ok([]) | Err(_) => return,
                Ok(available) => available.len(),
            };
            self.read.consume(read);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn all(bytes: &[u8], max: usize) -> Vec<Next> {
        let mut lines = Lines::new(bytes, max);
        let mut all = Vec::new();
        loop {
            all.push(lines.next().await);
            if !matches!(all.last(), Some(Next::Line(_))) {
                return all;
            }
        }
    }

    #[tokio::test]
    async fn lines_end_at_line_ends_and_at_the_cap() {
        let line = |text: &str| Next::Line(text.as_bytes().to_vec());
        assert_eq!(all(b"one\n\ntwo\r\nrest", 5).await, [line("one"), line(""), line("two\r"), Next::End]);
        assert_eq!(all(b"12345\n123456\n", 5).await, [line("12345"), Next::TooLong]);
        let long = vec![b'x'; BUFFER * 3];
        assert_eq!(all(&long, BUFFER * 2).await, [Next::TooLong]);
        assert_eq!(all(&long, BUFFER * 3).await, [Next::End]);
    }

    #[tokio::test]
    async fn a_dropped_read_keeps_what_was_read() {
        let (mut writer, reader) = tokio::io::duplex(64);
        let mut lines = Lines::new(reader, 64);
        for part in ["ab", "cd"] {
            tokio::io::AsyncWriteExt::write_all(&mut writer, part.as_bytes()).await.unwrap();
            let dropped = tokio::time::timeout(std::time::Duration::from_millis(1), lines.next()).await;
            assert!(dropped.is_err());
        }
        tokio::io::AsyncWriteExt::write_all(&mut writer, b"\n").await.unwrap();
        assert_eq!(lines.next().await, Next::Line(b"abcd".to_vec()));
    }
}
