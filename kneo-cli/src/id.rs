//! Runs and tasks as somebody types them: by their id, or by a part of it that no other has.

use std::str::FromStr;
use std::sync::Arc;

use kneo::store::{Page, RunQuery, RunRow, Store, TaskQuery};
use kneo::task::TaskRow;
use kneo::{Namespace, RunId, RunKey, TaskId};

use crate::places;
use crate::problem::Problem;
use crate::store_place::cannot_open;

/// The digits of an id.
const DIGITS: usize = 32;

/// Fewer would fit too much.
const FEWEST: usize = 6;

/// How many ids are read at a time.
const PAGE: usize = 1_000;

/// How many of several ids are named.
const NAMED: usize = 5;

/// A run, as somebody types it.
#[derive(Clone, Debug)]
pub(crate) struct RunArg(Part);

/// A task, as somebody types it.
#[derive(Clone, Debug)]
pub(crate) struct TaskArg(Part);

/// The first or last digits of an id.
#[derive(Clone, Debug)]
struct Part(String);

impl Part {
    fn read(text: &str, what: &str, prefix: &str) -> Result<Part, String> {
        let digits = text.strip_prefix(prefix).unwrap_or(text).to_ascii_lowercase();
        let fits = (FEWEST..=DIGITS).contains(&digits.len()) && digits.bytes().all(|digit| digit.is_ascii_hexdigit());
        fits.then_some(Part(digits)).ok_or_else(|| {
            format!("write the id of a {what}, such as `{prefix}0198f2a7c0de7f00a1b2c3d4e5f60718`, or at least {FEWEST} of its first or last digits")
        })
    }

    fn is_whole(&self) -> bool {
        self.0.len() == DIGITS
    }

    /// Whether the text of an id begins or ends with these digits.
    fn fits(&self, id: &str) -> bool {
        let digits = id.rsplit_once('_').map_or(id, |(_, digits)| digits);
        digits.starts_with(&self.0) || digits.ends_with(&self.0)
    }

    /// The one of those that fit.
    fn only<T>(&self, what: &str, not_found: &'static str, mut found: Vec<(String, T)>) -> Result<T, Problem> {
        if found.len() > 1 {
            let names: Vec<&str> = found.iter().take(NAMED).map(|(id, _)| id.as_str()).collect();
            let more = found.len().saturating_sub(NAMED);
            let more = if more > 0 { format!(" and {more} more") } else { String::new() };
            let message = format!("`{}` stands for {} {what}s: {}{more}", self.0, found.len(), names.join(", "));
            return Err(Problem::new("id_ambiguous", message));
        }
        let none = || Problem::new(not_found, format!("no {what} in this store begins or ends with `{}`", self.0));
        found.pop().map(|(_, one)| one).ok_or_else(none)
    }
}

impl FromStr for RunArg {
    type Err = String;

    fn from_str(text: &str) -> Result<RunArg, String> {
        Part::read(text, "run", "run_").map(RunArg)
    }
}

impl FromStr for TaskArg {
    type Err = String;

    fn from_str(text: &str) -> Result<TaskArg, String> {
        Part::read(text, "task", "task_").map(TaskArg)
    }
}

impl RunArg {
    /// The run in a store.
    pub(crate) async fn find(&self, store: &Arc<dyn Store>) -> Result<RunRow, Problem> {
        let namespace = Namespace::default();
        if self.0.is_whole()
            && let Ok(run) = format!("run_{}", self.0.0).parse::<RunId>()
        {
            return places::row(store, &RunKey::new(namespace, run)).await;
        }
        let query = RunQuery::new(namespace);
        let mut page = Page { offset: 0, limit: PAGE };
        let mut found = Vec::new();
        loop {
            let rows = store.runs(&query, page).await.map_err(|error| cannot_open(&error))?;
            page.offset += rows.len();
            let whole = rows.len() < page.limit;
            let named = rows.into_iter().map(|row| (row.key.run.to_string(), row));
            found.extend(named.filter(|(id, _)| self.0.fits(id)));
            if whole {
                return self.0.only("run", "run_not_found", found);
            }
        }
    }
}

impl TaskArg {
    /// The task in a store.
    pub(crate) async fn find(&self, store: &Arc<dyn Store>) -> Result<TaskRow, Problem> {
        let namespace = Namespace::default();
        if self.0.is_whole()
            && let Ok(task) = format!("task_{}", self.0.0).parse::<TaskId>()
        {
            let row = store.task(&namespace, task).await.map_err(|error| cannot_open(&error))?;
            return row.ok_or_else(|| Problem::new("task_not_found", format!("{task} does not exist in this store")));
        }
        let mut query = TaskQuery::new(namespace);
        query.include_closed = true;
        let mut page = Page { offset: 0, limit: PAGE };
        let mut found = Vec::new();
        loop {
            let rows = store.tasks(&query, page).await.map_err(|error| cannot_open(&error))?;
            page.offset += rows.len();
            let whole = rows.len() < page.limit;
            let named = rows.into_iter().map(|row| (row.task.to_string(), row));
            found.extend(named.filter(|(id, _)| self.0.fits(id)));
            if whole {
                return self.0.only("task", "task_not_found", found);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ID: &str = "run_0198f2a7c0de7f00a1b2c3d4e5f60718";

    #[test]
    fn a_part_is_the_first_or_the_last_digits() {
        for text in ["0198f2", "run_0198f2a7", "e5f60718", "run_f60718", "E5F60718", ID] {
            assert!(text.parse::<RunArg>().unwrap().0.fits(ID), "{text}");
        }
        for text in ["198f2a", "run_a1b2c3", "ffffff"] {
            assert!(!text.parse::<RunArg>().unwrap().0.fits(ID), "{text}");
        }
    }

    #[test]
    fn too_little_and_other_text_is_refused() {
        for text in ["", "run_", "60718", "task_0198f2a7", "0198f2a7-c0de", "sixsix", &format!("{ID}0")] {
            assert!(text.parse::<RunArg>().is_err(), "{text}");
        }
    }
}
