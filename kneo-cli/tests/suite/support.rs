//! A folder in which the program is run, and what it answered.

use std::ffi::OsStr;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Output, Stdio};

use serde_json::Value;
use tempfile::TempDir;

/// A folder with specs and a store.
pub(crate) struct Project {
    folder: TempDir,
}

/// What a command answered.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) code: i32,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Project {
    /// An empty folder.
    pub(crate) fn new() -> Project {
        Project { folder: tempfile::tempdir().unwrap() }
    }

    /// A folder with a spec `flow.yaml`.
    pub(crate) fn with(spec: &str) -> Project {
        Project::new().file("flow.yaml", spec)
    }

    /// The folder with another file.
    pub(crate) fn file(self, name: &str, text: &str) -> Project {
        std::fs::write(self.path(name), text).unwrap();
        self
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// The program in this folder, with no environment but what it needs to find programs, and a user called `uma`.
    pub(crate) fn command<A: AsRef<OsStr>>(&self, arguments: &[A]) -> Command {
        self.command_of(Path::new(env!("CARGO_BIN_EXE_kneo")), arguments)
    }

    /// The same of another copy of the program.
    pub(crate) fn command_of<A: AsRef<OsStr>>(&self, program: &Path, arguments: &[A]) -> Command {
        let mut command = Command::new(program);
        command.args(arguments).current_dir(self.folder.path()).env_clear();
        command.env("PATH", "/usr/local/bin:/usr/bin:/bin").env("USER", "uma").stdin(Stdio::null());
        command
    }

    /// Runs the program to its end.
    pub(crate) fn kneo(&self, arguments: &[&str]) -> Answer {
        self.command(arguments).output().unwrap().into()
    }

    /// Runs the program with `--json`, and reads the one object that it prints.
    pub(crate) fn json(&self, arguments: &[&str]) -> (i32, Value) {
        let answer = self.kneo(&[arguments, &["--json"]].concat());
        (answer.code, answer.object())
    }

    /// Starts the program.
    pub(crate) fn spawn(&self, arguments: &[&str]) -> Running {
        Running::start(self.command(arguments))
    }

    /// Starts the program, and gives its process and the run's id.
    pub(crate) fn spawn_run(&self, arguments: &[&str]) -> (Running, String) {
        let mut running = Running::start(self.command(&[&["run", "flow.yaml"], arguments].concat()));
        let first = running.line();
        let run = first.split(' ').next().unwrap().to_owned();
        assert!(run.starts_with("run_"), "{first}");
        (running, run)
    }

    /// Waits until an event of a run happens: of this kind, at this place.
    pub(crate) fn until(&self, run: &str, kind: &str, place: &str) {
        let mut follow = self.command(&["runs", "events", run, "--follow", "--json"]);
        let mut child = follow.stdout(Stdio::piped()).spawn().unwrap();
        let events = BufReader::new(child.stdout.take().unwrap()).lines();
        let mut events = events.map(|line| serde_json::from_str::<Value>(&line.unwrap()).unwrap());
        let happened = events.any(|event| event["kind"] == kind && event["place"] == place);
        child.kill().unwrap();
        child.wait().unwrap();
        assert!(happened, "`{kind}` never happened at `{place}`");
    }

    /// The kinds of a run's events, in order.
    pub(crate) fn kinds(&self, run: &str) -> Vec<String> {
        let answer = self.kneo(&["runs", "events", run, "--json"]);
        answer.objects().iter().map(|event| event["kind"].as_str().unwrap().to_owned()).collect()
    }

    /// The open tasks of a run, or of all runs.
    pub(crate) fn tasks(&self) -> Vec<Value> {
        let (code, answer) = self.json(&["human", "list"]);
        assert_eq!(code, 0);
        answer["tasks"].as_array().unwrap().clone()
    }

    /// A pipe with a name, at which a command can be made to wait.
    pub(crate) fn pipe(&self, name: &str) -> PathBuf {
        let path = self.path(name);
        assert!(Command::new("mkfifo").arg(&path).status().unwrap().success());
        path
    }
}

impl Answer {
    /// The one object on standard output.
    pub(crate) fn object(&self) -> Value {
        let objects = self.objects();
        assert_eq!(objects.len(), 1, "{self:?}");
        objects.into_iter().next().unwrap()
    }

    /// The objects on standard output, one a line.
    pub(crate) fn objects(&self) -> Vec<Value> {
        self.stdout.lines().map(|line| serde_json::from_str(line).unwrap_or_else(|_| panic!("{self:?}"))).collect()
    }

    /// The exit code and everything written, for a snapshot.
    pub(crate) fn whole(&self) -> String {
        format!("exit {}\n--- stdout\n{}--- stderr\n{}", self.code, self.stdout, self.stderr)
    }
}

impl From<Output> for Answer {
    fn from(output: Output) -> Answer {
        Answer {
            code: output.status.code().unwrap_or(-1),
            stdout: String::from_utf8(output.stdout).unwrap(),
            stderr: String::from_utf8(output.stderr).unwrap(),
        }
    }
}

/// The program while it runs; killed when the test ends.
pub(crate) struct Running {
    child: Child,
    stderr: BufReader<std::process::ChildStderr>,
}

impl Running {
    fn start(mut command: Command) -> Running {
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let stderr = BufReader::new(child.stderr.take().unwrap());
        Running { child, stderr }
    }

    /// The next line on standard error.
    pub(crate) fn line(&mut self) -> String {
        let mut line = String::new();
        self.stderr.read_line(&mut line).unwrap();
        line
    }

    /// Reads standard error up to a line that has a text.
    pub(crate) fn line_with(&mut self, text: &str) {
        loop {
            let line = self.line();
            assert!(!line.is_empty(), "`{text}` never came");
            if line.contains(text) {
                return;
            }
        }
    }

    /// Ends the process as a power cut would.
    pub(crate) fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// Presses Ctrl-C.
    pub(crate) fn press_ctrl_c(&self) {
        self.signal("INT");
    }

    pub(crate) fn signal(&self, name: &str) {
        let pid = self.child.id().to_string();
        assert!(Command::new("kill").args([&format!("-{name}"), &pid]).status().unwrap().success());
    }

    pub(crate) fn wait(&mut self) -> ExitStatus {
        self.child.wait().unwrap()
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Compares with the snapshot of this name; ids, times and the folder are replaced by words.
pub(crate) fn snapshot(project: &Project, name: &str, text: &str) {
    let mut settings = insta::Settings::clone_current();
    settings.set_snapshot_path("snapshots");
    settings.set_prepend_module_to_snapshot(false);
    settings.set_omit_expression(true);
    let folder = project.folder.path().canonicalize().unwrap();
    settings.add_filter(&escaped(&folder), "[folder]");
    settings.add_filter(&escaped(project.folder.path()), "[folder]");
    settings.add_filter("run_[0-9a-f]{32}", "[run]");
    settings.add_filter("task_[0-9a-f]{32}", "[task]");
    settings.add_filter("worker_[0-9a-f]{32}", "[worker]");
    settings.add_filter(r"(\[task\] +)[0-9a-f]{8} ", "$1[digits] ");
    settings.add_filter(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z", "[time]");
    settings.add_filter(r"[0-9a-f]{64}", "[digest]");
    settings.add_filter(r"\((\d+ ms|\d+\.\d s)", "([ms]");
    settings.bind(|| insta::assert_snapshot!(name, text));
}

fn escaped(path: &Path) -> String {
    path.to_str().unwrap().replace('.', r"\.")
}

/// A run that asks Ana and then says what she decided.
pub(crate) const APPROVAL: &str = "
version: v1
templates: true
workflow:
  type: sequential
  steps:
    - {id: text, kind: set, set: {draft: 'About {{ input }}'}}
    - id: agree
      kind: human
      ref: {description: 'Publish {{ input }}?', assignee: ana, request_type: approval}
      input: '{{ steps.text.output.draft }}'
    - {id: say, kind: set, set: {by: '{{ steps.agree.decision.by }}', kind: '{{ steps.agree.decision.kind }}'}}
";

/// A run whose second step waits at a pipe called `pipe`.
pub(crate) const WAITS_AT_PIPE: &str = "
version: v1
workflow:
  type: sequential
  steps:
    - {id: first, kind: function, ref: {effect: read, command: {argv: [echo, first]}}}
    - {id: second, kind: function, ref: {effect: read, command: {argv: [cat, pipe]}}}
";
