//! A folder with specs, scripts, a store, and the log of what began.

use std::fs;
use std::path::PathBuf;
use std::time::Duration;

use serde_json::Value as Json;
use tempfile::TempDir;

use super::history::{Entry, Fact, Start};
use super::process::{End, Process};

const FILES: [(&str, &str); 6] = [
    ("campaign.yaml", include_str!("campaign.yaml")),
    ("desk.sh", include_str!("desk.sh")),
    ("turns.yaml", include_str!("turns.yaml")),
    ("uncertain.yaml", include_str!("uncertain.yaml")),
    ("work.sh", include_str!("work.sh")),
    ("slow.sh", include_str!("slow.sh")),
];

pub(crate) struct Site {
    folder: TempDir,
}

/// What the program said.
pub(crate) struct Answer {
    pub(crate) code: i32,
    pub(crate) json: Json,
    pub(crate) stderr: String,
}

impl Site {
    pub(crate) fn new() -> Site {
        let site = Site { folder: tempfile::tempdir().unwrap() };
        for (name, text) in FILES {
            fs::write(site.path(name), text).unwrap();
        }
        site
    }

    /// A folder whose project has its models at an address, under the name `house`.
    pub(crate) fn with_models(address: &str) -> Site {
        let site = Site::new();
        fs::create_dir(site.path(".kneo")).unwrap();
        let settings = format!("providers: {{house: {{kind: openai, base_url: '{address}'}}}}\n");
        fs::write(site.path(".kneo/config.yaml"), settings).unwrap();
        site
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Starts the program; it works on the site's store and answers as JSON.
    pub(crate) fn start(&self, arguments: &[&str]) -> Process {
        Process::start(self.folder.path(), &[arguments, &["--json", "--quiet", "--store", "sqlite:kneo.db"]].concat())
    }

    /// Runs the program to its end.
    pub(crate) fn kneo(&self, arguments: &[&str]) -> Answer {
        answer(self.start(arguments).wait()).expect("nobody killed it")
    }

    /// Runs the program, and kills it after a while; `None` if it was killed.
    pub(crate) fn kneo_killed(&self, arguments: &[&str], after: Duration) -> Option<Answer> {
        answer(self.start(arguments).kill_after(after))
    }

    /// Runs the program, and kills it when it is time; `None` if it was killed.
    pub(crate) fn kneo_killed_when(&self, arguments: &[&str], is_time: impl FnMut() -> bool) -> Option<Answer> {
        answer(self.start(arguments).kill_when(is_time))
    }

    /// What began for a run, in the order of the log.
    pub(crate) fn starts(&self, run: &str) -> Vec<Start> {
        let start = |line: &str| {
            let words: Vec<&str> = line.split(' ').collect();
            let [of, path, attempt] = words[..] else { panic!("half a line: `{line}`") };
            (of == run).then(|| Start { path: path.to_owned(), attempt: attempt.parse().unwrap() })
        };
        self.log().lines().filter_map(start).collect()
    }

    /// The lines of everything that began.
    pub(crate) fn log(&self) -> String {
        self.lines("starts.log")
    }

    /// The `traceparent` of every call of the desk, one in a line.
    pub(crate) fn looks(&self) -> String {
        self.lines("looks.log")
    }

    fn lines(&self, log: &str) -> String {
        fs::read_to_string(self.path(log)).unwrap_or_default()
    }

    /// A run's journal, as the program tells it.
    pub(crate) fn events(&self, run: &str) -> Vec<Json> {
        match self.start(&["runs", "events", run]).wait() {
            End::Exited { code: 0, stdout, .. } => {
                stdout.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
            }
            End::Exited { code, stderr, .. } => panic!("{code}: {stderr}"),
            End::Killed => panic!("somebody killed it"),
        }
    }
}

fn answer(end: End) -> Option<Answer> {
    match end {
        End::Killed => None,
        End::Exited { code, stdout, stderr } => {
            let json = serde_json::from_str(&stdout).unwrap_or(Json::Null);
            Some(Answer { code, json, stderr })
        }
    }
}

impl Answer {
    /// The status of the run that the answer is about.
    pub(crate) fn status(&self) -> &str {
        self.text("status")
    }

    /// The run that the answer is about.
    pub(crate) fn run(&self) -> String {
        self.text("run_id").to_owned()
    }

    fn text(&self, key: &str) -> &str {
        let text = self.json[key].as_str();
        text.unwrap_or_else(|| panic!("no `{key}`, but {} and {}{}", self.code, self.json, self.stderr))
    }

    /// The question that the run asks, if it does.
    pub(crate) fn task(&self) -> Option<&Json> {
        let pending = self.json["pending"].as_array().unwrap();
        assert!(pending.len() <= 1, "{}", self.json);
        pending.first()
    }
}

/// What a journal says of calls.
pub(crate) fn calls(events: &[Json]) -> Vec<Entry> {
    let entry = |event: &Json| {
        let fact = match event["kind"].as_str().unwrap() {
            "effect_intended" => Fact::Intended,
            "effect_succeeded" => Fact::Succeeded,
            "effect_lost" => Fact::Lost,
            _ => return None,
        };
        let attempt = u32::try_from(event["data"]["attempt"].as_u64().unwrap()).unwrap();
        Some(Entry { path: event["path"].as_str().unwrap().to_owned(), attempt, fact })
    };
    events.iter().filter_map(entry).collect()
}

/// Whether a journal's places are dense from 1.
pub(crate) fn is_dense(events: &[Json]) -> bool {
    events.iter().zip(1..).all(|(event, place)| event["seq"] == place)
}
