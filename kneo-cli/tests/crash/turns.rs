//! A hundred kills of an agent in the middle of its turns and of its tool calls: what was committed is not asked again,
//! as the model's server and the tool's count it.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use kneo::trace::{SpanId, TraceContext, TraceId};
use kneo::{Attempt, RunId};
use kneo_tests::seed::{self, Rng};
use serde_json::{Value as Json, json};

use super::history::{Entry, Fact, Start, wrongs};
use super::models::{INPUT_TOKENS, Models, OUTPUT_TOKENS};
use super::site::{Answer, Site, calls, is_dense};

/// How many kills hit a turn or a call that was in flight.
const KILLS: u64 = 100;

/// How many of them at least hit turns, and calls.
const OF_EACH: u64 = 30;

/// How many runs live at a time, each where no other does.
const DRIVERS: u64 = 2;

/// A run is killed at most this often, so that it is never given up for getting nowhere.
const KILLS_OF_A_RUN: usize = 12;

/// The most calls at a time.
const WIDTH: usize = 2;

/// How many turns and calls a run needs.
const TURNS: u64 = 4;
const CALLS: u64 = 4;

#[test]
fn no_committed_turn_and_no_committed_call_is_asked_again() {
    let began = Instant::now();
    let drive = &|driver: u64| {
        let (mut rng, mut sum) = (Rng::new(driver), Toll::default());
        let models = Models::start();
        let site = Site::with_models(&models.address);
        let is_enough = |sum: &Toll| {
            let of_each = seed::times(OF_EACH) / DRIVERS;
            sum.turns + sum.calls >= seed::times(KILLS) / DRIVERS && sum.turns >= of_each && sum.calls >= of_each
        };
        while !is_enough(&sum) {
            let life = Life { site: &site, models: &models, name: format!("{driver}.{}", sum.runs), kills: 0 };
            sum = sum.and(life.live(&mut rng));
        }
        sum
    };
    let Toll { runs, kills, turns, calls } = std::thread::scope(|scope| {
        let drivers: Vec<_> = (0..DRIVERS).map(|driver| scope.spawn(move || drive(driver))).collect();
        drivers.into_iter().map(|driver| driver.join().unwrap()).fold(Toll::default(), Toll::and)
    });
    let took = began.elapsed().as_secs_f32();
    println!("{kills} kills over {runs} runs: {turns} in a turn, {calls} in a call, {took:.1} s");
}

/// What kills did to runs.
#[derive(Default)]
struct Toll {
    runs: u64,
    kills: u64,
    /// Kills in the middle of a turn.
    turns: u64,
    /// Kills in the middle of a call.
    calls: u64,
}

impl Toll {
    fn and(self, other: Toll) -> Toll {
        let Toll { runs, kills, turns, calls } = other;
        Toll { runs: self.runs + runs, kills: self.kills + kills, turns: self.turns + turns, calls: self.calls + calls }
    }
}

/// One run, from its first start to its end.
struct Life<'a> {
    site: &'a Site,
    models: &'a Models,
    /// Its idempotency key.
    name: String,
    kills: usize,
}

impl Life<'_> {
    /// Lives through all kills, and is judged.
    fn live(mut self, rng: &mut Rng) -> Toll {
        // Starting a run again under its key goes on with it.
        let name = self.name.clone();
        let start = ["run", "turns.yaml", "--input", &name, "--idempotency-key", &name];
        let answer = loop {
            if self.kills == KILLS_OF_A_RUN {
                break self.site.kneo(&start);
            }
            if let Some(answer) = self.site.kneo_killed_when(&start, self.moment(rng)) {
                break answer;
            }
            self.kills += 1;
        };
        self.judge(&answer)
    }

    /// A moment in the middle of the first, the second or the third of what begins from now on.
    fn moment(&self, rng: &mut Rng) -> impl FnMut() -> bool {
        let enough = self.begun().len() as u64 + 1 + rng.below(3);
        let patience = Duration::from_millis(rng.below(25));
        let mut since = None;
        move || {
            if since.is_none() && self.begun().len() as u64 >= enough {
                since = Some(Instant::now());
            }
            since.is_some_and(|since: Instant| since.elapsed() >= patience)
        }
    }

    /// The `traceparent` of every turn and every call that began here.
    fn begun(&self) -> Vec<String> {
        let mut begun = self.models.asked();
        begun.extend(self.site.looks().lines().map(str::to_owned));
        begun
    }

    fn judge(&self, answer: &Answer) -> Toll {
        let what = format!("{}, killed {} times", self.name, self.kills);
        // All that was seen before reached every later turn.
        let output = format!("{0}!l!{0}!r!!", self.name);
        assert_eq!((answer.status(), &answer.json["output"]), ("completed", &Json::from(output)), "{what}");
        // What was lost costs nothing that is known of; what was committed is counted once.
        let usage = json!({"input_tokens": TURNS * INPUT_TOKENS, "output_tokens": TURNS * OUTPUT_TOKENS});
        assert_eq!(answer.json["usage"], usage, "{what}");
        let run = answer.run();
        let events = self.site.events(&run);
        assert!(is_dense(&events), "{what}");
        // The tools that the server offers are asked for too, but not in anybody's name.
        let mut journal = calls(&events);
        journal.retain(|entry| is_turn(&entry.path) || is_call(&entry.path));
        let wrongs = wrongs(&starts(run.parse().unwrap(), &journal, &self.begun()), &journal, self.kills, WIDTH);
        assert!(wrongs.is_empty(), "{what}: {wrongs:#?}");
        let count = |fact: Fact, is_it: fn(&str) -> bool| {
            journal.iter().filter(|entry| entry.fact == fact && is_it(&entry.path)).count() as u64
        };
        assert_eq!((count(Fact::Succeeded, is_turn), count(Fact::Succeeded, is_call)), (TURNS, CALLS), "{what}");
        // Of two calls at a time the first stands for both.
        let (turns, calls) = (count(Fact::Lost, is_turn), count(Fact::Lost, |path| path.ends_with("/c0")));
        Toll { runs: 1, kills: self.kills as u64, turns, calls }
    }
}

/// What of a run began, by the spans that the servers were told: each attempt has one of its own.
fn starts(run: RunId, journal: &[Entry], begun: &[String]) -> Vec<Start> {
    let span = |path: &str, attempt| SpanId::of_attempt(run, &path.parse().unwrap(), attempt);
    let number = |entry: &Entry| Attempt::new(entry.attempt).unwrap();
    let known: BTreeMap<SpanId, Start> = journal
        .iter()
        .map(|entry| {
            let Entry { path, attempt, .. } = entry;
            (span(path, number(entry)), Start { path: path.clone(), attempt: *attempt })
        })
        .collect();
    let start = |line: &String| {
        let context: TraceContext = line.parse().unwrap();
        let unknown = || Start { path: format!("span {}", context.span()), attempt: 0 };
        (context.trace() == TraceId::of_run(run)).then(|| known.get(&context.span()).cloned().unwrap_or_else(unknown))
    };
    begun.iter().filter_map(start).collect()
}

fn is_turn(path: &str) -> bool {
    path.rsplit('/').next().is_some_and(|last| last.starts_with('t'))
}

fn is_call(path: &str) -> bool {
    path.rsplit('/').next().is_some_and(|last| last.starts_with('c'))
}
