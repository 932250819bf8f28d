//! The three pipes of a command, all served at once so that none can block another.

use std::future::Future;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::process::Child;

const CHUNK: usize = 16 << 10;

/// What a command has written so far.
pub(super) struct Captured {
    pub(super) stdout: Vec<u8>,
    pub(super) stderr: Tail,
    max_stdout: usize,
}

/// Standard output is over the cap.
#[derive(Debug)]
pub(super) struct Overflow;

impl Captured {
    pub(super) fn new(max_stdout: usize, max_stderr: usize) -> Captured {
        Captured { stdout: Vec::new(), stderr: Tail::new(max_stderr), max_stdout }
    }
}

/// Feeds a command its input and reads its output until every pipe is closed.
pub(super) fn pump<'a>(
    command: &mut Child,
    input: &'a [u8],
    captured: &'a mut Captured,
) -> impl Future<Output = Result<(), Overflow>> + use<'a> {
    let (stdin, stdout, stderr) = (command.stdin.take(), command.stdout.take(), command.stderr.take());
    async move {
        let Captured { stdout: out, stderr: tail, max_stdout } = captured;
        tokio::try_join!(feed(stdin, input), collect(stdout, out, *max_stdout), follow(stderr, tail))?;
        Ok(())
    }
}

/// Writes the input and closes the pipe.
///
/// A failure is the command's choice: it has read what it wants and closed its end.
async fn feed(pipe: Option<impl AsyncWrite + Unpin>, input: &[u8]) -> Result<(), Overflow> {
    if let Some(mut pipe) = pipe {
        let _ = pipe.write_all(input).await;
    }
    Ok(())
}

async fn collect(pipe: Option<impl AsyncRead + Unpin>, out: &mut Vec<u8>, max: usize) -> Result<(), Overflow> {
    let Some(mut pipe) = pipe else { return Ok(()) };
    loop {
        out.reserve(CHUNK);
        match pipe.read_buf(out).await {
            Ok(0) | Err(_) => return Ok(()),
            Ok(_) if out.len() > max => return Err(Overflow),
            Ok(_) => {}
        }
    }
}

async fn follow(pipe: Option<impl AsyncRead + Unpin>, tail: &mut Tail) -> Result<(), Overflow> {
    let Some(mut pipe) = pipe else { return Ok(()) };
    loop {
        tail.bytes.reserve(CHUNK);
        match pipe.read_buf(&mut tail.bytes).await {
            Ok(0) | Err(_) => return Ok(()),
            Ok(_) => tail.trim(),
        }
    }
}

/// The last bytes of a stream, in bounded memory.
pub(super) struct Tail {
    bytes: Vec<u8>,
    max: usize,
    cut: bool,
}

impl Tail {
    fn new(max: usize) -> Tail {
        Tail { bytes: Vec::new(), max, cut: false }
    }

    /// Forgets what is before the tail, once there is enough of it to be worth the move.
    fn trim(&mut self) {
        if self.bytes.len() > self.max.saturating_add(CHUNK) {
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
    pub(super) fn text(mut self) -> String {
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
        tail.bytes.extend_from_slice("aaäöü".as_bytes());
        assert_eq!(tail.text(), "…öü");
        let mut tail = Tail::new(100);
        tail.bytes.extend_from_slice(b" all of it\n");
        assert_eq!(tail.text(), "all of it");
    }

    #[test]
    fn a_tail_stays_small_however_much_is_written() {
        let mut tail = Tail::new(8);
        for _ in 0..1_000 {
            tail.bytes.extend_from_slice(&[b'x'; 1_000]);
            tail.trim();
            assert!(tail.bytes.len() <= 8 + CHUNK);
        }
        assert_eq!(tail.text(), "…xxxxxxxx");
    }
}
