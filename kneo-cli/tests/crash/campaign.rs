//! Two hundred kills over at least twenty runs that share a store.

use std::time::{Duration, Instant};

use kneo_tests::seed::{self, Rng};
use serde_json::Value as Json;

use super::history::wrongs;
use super::site::{Answer, Site, calls, is_dense};

const RUNS: u64 = 20;
const KILLS: u64 = 200;

/// How many runs live at a time.
const DRIVERS: u64 = 2;

/// A run is killed at most this often, so that it is never given up for getting nowhere.
const KILLS_OF_A_RUN: usize = 15;

/// The branches of the fan-out.
const WIDTH: usize = 3;

/// How many calls a run needs: three rounds of two, the branches, and the end.
const CALLS: u64 = 10;

const OUTPUT: &str = "x.d.c.d.c.d.c.l+x.d.c.d.c.d.c.m+x.d.c.d.c.d.c.r.p";

#[test]
fn nothing_committed_is_lost_or_done_again() {
    let site = Site::new();
    let began = Instant::now();
    Life { site: &site, name: "unharmed".to_owned(), kills: 0, run: None }.live(&mut Rng::new(0), None);
    // Kills fall into the first part of what there is to do, whatever the machine's speed: each gets a little further.
    let window = began.elapsed() / 4;

    let drive = &|driver: u64| {
        let (mut rng, mut sum) = (Rng::new(driver), Toll::default());
        while sum.runs < seed::times(RUNS) / DRIVERS || sum.kills < seed::times(KILLS) / DRIVERS {
            let life = Life { site: &site, name: format!("{driver}.{}", sum.runs), kills: 0, run: None };
            sum = sum.and(life.live(&mut rng, Some(window)));
        }
        sum
    };
    let Toll { runs, kills, repeated } = std::thread::scope(|scope| {
        let drivers: Vec<_> = (0..DRIVERS).map(|driver| scope.spawn(move || drive(driver))).collect();
        drivers.into_iter().map(|driver| driver.join().unwrap()).fold(Toll::default(), Toll::and)
    });
    println!("{kills} kills over {runs} runs: {repeated} calls again, {:.1} s", began.elapsed().as_secs_f32());
    assert!(repeated > kills / 20, "the kills hardly ever hit a call in flight");
}

/// What kills did to runs.
#[derive(Default)]
struct Toll {
    runs: u64,
    kills: u64,
    /// Calls that began again.
    repeated: u64,
}

impl Toll {
    fn and(self, other: Toll) -> Toll {
        let Toll { runs, kills, repeated } = other;
        Toll { runs: self.runs + runs, kills: self.kills + kills, repeated: self.repeated + repeated }
    }
}

/// One run, from its first start to its end.
struct Life<'a> {
    site: &'a Site,
    /// Its idempotency key, and the label by which it is found.
    name: String,
    kills: usize,
    run: Option<String>,
}

impl Life<'_> {
    /// Lives through all kills, and is judged.
    fn live(mut self, rng: &mut Rng, window: Option<Duration>) -> Toll {
        let mut task: Option<String> = None;
        loop {
            let answer = match &task {
                // A decision that was written whole when its process was killed may come to stand only after others
                // have looked: SQLite finds it when it recovers. Then this one comes second, and is told so.
                Some(task) => self
                    .step(&["human", "decide", task, "--approve", "--by", "ana"], rng, window)
                    .filter(|answer| answer.json["error"]["code"] != "already_decided"),
                None => self.go_on(rng, window),
            };
            // Whoever was killed says nothing: the store is asked.
            let Some(answer) = answer.or_else(|| self.look()) else { continue };
            self.run = Some(answer.run());
            task = match answer.status() {
                // Decided, but killed before it went on, it asks nothing.
                "blocked" => answer.task().map(|task| task["task_id"].as_str().unwrap().to_owned()),
                "running" | "queued" => None,
                "completed" => break,
                other => panic!("the run is {other}: {}", answer.json),
            };
        }
        self.judge()
    }

    /// Starts the run, or resumes it; starting it again under its key is as good.
    fn go_on(&mut self, rng: &mut Rng, window: Option<Duration>) -> Option<Answer> {
        match self.run.clone() {
            // The last commit of a process that was killed may come to stand late too: then there is nothing to resume.
            Some(run) if rng.one_in(2) => self.step(&["runs", "resume", &run], rng, window).filter(|answer| {
                answer.json["error"]["code"] != "invalid_state" || !answer.stderr.contains("completed")
            }),
            _ => {
                let (key, label) = (self.name.clone(), format!("life={}", self.name));
                let start = ["run", "campaign.yaml", "--input", "x", "--idempotency-key", &key, "--label", &label];
                self.step(&start, rng, window)
            }
        }
    }

    /// Runs the program, and mostly kills it.
    fn step(&mut self, arguments: &[&str], rng: &mut Rng, window: Option<Duration>) -> Option<Answer> {
        let Some(window) = window.filter(|_| self.kills < KILLS_OF_A_RUN) else {
            return Some(self.site.kneo(arguments));
        };
        let moment = window.mul_f64(rng.below(1_000) as f64 / 1_000.0);
        let answer = self.site.kneo_killed(arguments, moment);
        self.kills += usize::from(answer.is_none());
        answer
    }

    /// How the run stands; nothing if it does not exist yet.
    fn look(&self) -> Option<Answer> {
        let run = match &self.run {
            Some(run) => run.clone(),
            None => {
                let list = self.site.kneo(&["runs", "list", "--limit", "10"]);
                let mut runs = list.json["runs"].as_array().unwrap().iter();
                runs.find(|run| run["labels"]["life"] == self.name.as_str())?["run_id"].as_str().unwrap().to_owned()
            }
        };
        Some(self.site.kneo(&["runs", "get", &run]))
    }

    fn judge(&self) -> Toll {
        let run = self.run.as_deref().unwrap();
        let view = self.site.kneo(&["runs", "get", run]);
        assert_eq!((view.status(), &view.json["output"]), ("completed", &Json::from(OUTPUT)));
        let events = self.site.events(run);
        assert!(is_dense(&events));
        let starts = self.site.starts(run);
        let wrongs = wrongs(&starts, &calls(&events), self.kills, WIDTH);
        assert!(wrongs.is_empty(), "{run}, killed {} times: {wrongs:#?}", self.kills);
        let count = |kind: &str| events.iter().filter(|event| event["kind"] == kind).count();
        assert_eq!((count("run_ended"), count("task_opened"), count("task_decided")), (1, 1, 1));
        Toll { runs: 1, kills: self.kills as u64, repeated: starts.len() as u64 - CALLS }
    }
}
