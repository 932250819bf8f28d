//! The three pipes of a command, all served at once so that none can block another.

use std::future::Future;

use kneo_process::Tail;
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
    let mut chunk = vec![0; CHUNK];
    loop {
        match pipe.read(&mut chunk).await {
            Ok(0) | Err(_) => return Ok(()),
            Ok(read) => tail.push(chunk.get(..read).unwrap_or_default()),
        }
    }
}
