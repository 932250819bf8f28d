//! What was measured, how often, and the spread.

use std::fmt;
use std::time::{Duration, Instant};

/// One figure: what Kneo does, against the raw limit measured in the same run.
pub(crate) struct Figure {
    pub(crate) id: &'static str,
    pub(crate) what: String,
    pub(crate) unit: &'static str,
    /// What was measured, Kneo first.
    pub(crate) rows: Vec<Row>,
    /// The ratio that the goal is about.
    pub(crate) ratio: Option<f64>,
    pub(crate) goal: &'static str,
}

pub(crate) struct Row {
    pub(crate) name: &'static str,
    pub(crate) samples: Samples,
}

/// Samples of one measure, in the figure's unit.
#[derive(Clone, Default)]
pub(crate) struct Samples(Vec<f64>);

impl Samples {
    pub(crate) fn push(&mut self, sample: f64) {
        self.0.push(sample);
    }

    pub(crate) fn median(&self) -> f64 {
        let mut sorted = self.0.clone();
        sorted.sort_by(f64::total_cmp);
        sorted.get(sorted.len() / 2).copied().unwrap_or(f64::NAN)
    }

    fn min(&self) -> f64 {
        self.0.iter().copied().fold(f64::INFINITY, f64::min)
    }

    fn max(&self) -> f64 {
        self.0.iter().copied().fold(f64::NEG_INFINITY, f64::max)
    }
}

impl Figure {
    pub(crate) fn row(&mut self, name: &'static str, samples: Samples) {
        self.rows.push(Row { name, samples });
    }

    pub(crate) fn to_json(&self) -> serde_json::Value {
        let rows = self.rows.iter().map(|row| {
            serde_json::json!({
                "name": row.name, "median": row.samples.median(), "min": row.samples.min(), "max": row.samples.max(),
                "rounds": row.samples.0.len(),
            })
        });
        serde_json::json!({
            "id": self.id, "what": self.what, "unit": self.unit, "rows": rows.collect::<Vec<_>>(),
            "ratio": self.ratio, "goal": self.goal,
        })
    }
}

impl fmt::Display for Figure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}  {}", self.id, self.what)?;
        for row in &self.rows {
            let (samples, unit) = (&row.samples, self.unit);
            let (median, min, max) = (samples.median(), samples.min(), samples.max());
            let rounds = samples.0.len();
            write!(f, "\n    {:<44} {median:>12.2} {unit:<8} ({min:.2} to {max:.2}, {rounds} rounds)", row.name)?;
        }
        match self.ratio {
            Some(ratio) => write!(f, "\n    ratio {ratio:.2}; goal: {}", self.goal),
            None => write!(f, "\n    goal: {}", self.goal),
        }
    }
}

/// Wall time and processor time of a piece of work.
pub(crate) struct Took {
    pub(crate) wall: Duration,
    pub(crate) cpu: Duration,
}

impl Took {
    pub(crate) fn wall_us_per(&self, count: usize) -> f64 {
        self.wall.as_secs_f64() * 1e6 / count as f64
    }

    pub(crate) fn cpu_us_per(&self, count: usize) -> f64 {
        self.cpu.as_secs_f64() * 1e6 / count as f64
    }
}

pub(crate) struct Watch {
    wall: Instant,
    cpu: Duration,
}

impl Watch {
    pub(crate) fn start() -> Watch {
        Watch { wall: Instant::now(), cpu: cpu_time() }
    }

    pub(crate) fn stop(self) -> Took {
        Took { wall: self.wall.elapsed(), cpu: cpu_time().saturating_sub(self.cpu) }
    }
}

/// The processor time that this process has used, on all threads.
fn cpu_time() -> Duration {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::ProcessCPUTime);
    Duration::new(u64::try_from(time.tv_sec).unwrap_or(0), u32::try_from(time.tv_nsec).unwrap_or(0))
}
