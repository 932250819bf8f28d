//! Servers of others, started as programs.

use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// How long a server may take until it answers; one written in Python imports for seconds on a busy machine.
const STARTS_WITHIN: Duration = Duration::from_secs(120);

/// How often a server is started that ends before it is up, as one does whose port somebody else has taken.
const STARTS: usize = 3;

/// A program that serves on a port of this machine until it is dropped.
#[derive(Debug)]
pub(crate) struct Program {
    child: Child,
    port: u16,
    /// Its configuration, and what it said.
    folder: tempfile::TempDir,
}

impl Program {
    /// Starts a program whose command the closure completes, in a folder of its own with these files, and waits until it
    /// answers at a path.
    pub(crate) async fn serve(
        program: &Path,
        files: &[(&str, String)],
        path: &str,
        complete: impl Fn(&mut Command, u16),
    ) -> Program {
        let mut starts = 0;
        loop {
            let mut server = Program::start(program, files, &complete);
            if server.is_up(path).await {
                return server;
            }
            starts += 1;
            assert!(starts < STARTS, "the server does not come up:\n{}", server.said());
        }
    }

    fn start(program: &Path, files: &[(&str, String)], complete: impl Fn(&mut Command, u16)) -> Program {
        let folder = tempfile::tempdir().unwrap();
        for (name, text) in files {
            std::fs::write(folder.path().join(name), text).unwrap();
        }
        // A port that was free a moment ago.
        let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let said = std::fs::File::create(folder.path().join("said")).unwrap();
        let mut command = Command::new(program);
        command.current_dir(folder.path()).stdin(Stdio::null()).stdout(said.try_clone().unwrap()).stderr(said);
        complete(&mut command, port);
        Program { child: command.spawn().unwrap(), port, folder }
    }

    /// Waits until the server answers at a path, or has ended.
    async fn is_up(&mut self, path: &str) -> bool {
        let begun = Instant::now();
        while self.child.try_wait().unwrap().is_none() {
            if self.answers(path).await {
                return true;
            }
            assert!(begun.elapsed() < STARTS_WITHIN, "the server is not up:\n{}", self.said());
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        false
    }

    pub(crate) fn base_url(&self) -> String {
        format!("http://127.0.0.1:{}/v1", self.port)
    }

    async fn answers(&self, path: &str) -> bool {
        use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
        let Ok(mut stream) = tokio::net::TcpStream::connect(("127.0.0.1", self.port)).await else { return false };
        let request = format!("GET {path} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n");
        let mut answer = String::new();
        stream.write_all(request.as_bytes()).await.is_ok()
            && stream.read_to_string(&mut answer).await.is_ok()
            && answer.starts_with("HTTP/1.1 200")
    }

    /// What the program printed.
    fn said(&self) -> String {
        std::fs::read_to_string(self.folder.path().join("said")).unwrap_or_default()
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
