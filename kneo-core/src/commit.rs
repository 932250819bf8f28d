//! The one unit of change of a run.

mod floor;
mod index;

pub use floor::Floor;
pub use index::{
    AuditAction, AuditRow, BlobChange, HoldChange, IndexChanges, NewRun, OutboxRow, OutboxTopic, TaskChange,
};

use std::sync::Arc;

use crate::actor::Actor;
use crate::event::Event;
use crate::id::{CommitId, WorkerId};
use crate::record::Record;
use crate::run::{Fence, RunKey, Seq};
use crate::seal::MAX_SEQUENCE;

/// Records of one run that become durable together, with every index change that follows from them.
///
/// The changes are derived from the records when the commit is made, so the two cannot disagree. Whether somebody has
/// verified what a record says of its seal is in no record: [`Commit::with_floor`]. Cheap to clone: the records are
/// shared.
#[derive(Clone, PartialEq, Debug)]
pub struct Commit {
    id: CommitId,
    run: RunKey,
    author: Author,
    lease: LeaseChange,
    records: Arc<[Record]>,
    changes: Arc<IndexChanges>,
}

/// Who commits, and what must hold for the commit to succeed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[expect(clippy::exhaustive_enums, reason = "a store must guard each author")]
pub enum Author {
    /// Makes the run: no run with this key may exist.
    Creator,
    /// Advances the run: the fence must be the run's, the lease not taken by another, and the run's last record the
    /// expected one.
    Holder {
        /// The holder.
        worker: WorkerId,
        /// The epoch of its lease.
        fence: Fence,
        /// The last record that the holder knows.
        expected: Seq,
    },
    /// Adds a fact from outside: the run must be live, a task that is decided must be open.
    External,
}

/// What a commit does with the lease.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[expect(clippy::exhaustive_enums, reason = "a store must handle each")]
pub enum LeaseChange {
    /// Nothing new: the lease stays, and a store extends it when little of it is left.
    Keep,
    /// The creator takes the lease at once.
    Take {
        /// The worker that holds the run from now on.
        worker: WorkerId,
    },
    /// The holder gives the lease back.
    Release,
}

/// Why records do not make a commit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum InvalidCommit {
    /// There is no record.
    #[error("a commit holds at least one record")]
    Empty,
    /// A creator's first record, and no other, says that the run started.
    #[error("a creator's first record, and no other record of the run, is `run_started`")]
    Start,
    /// An external author adds one external record; nobody else adds any.
    #[error("an external author adds exactly one record, of a kind that comes from outside")]
    External,
    /// Only a creator takes the lease with its commit, and only a holder releases one.
    #[error("only a creator takes a lease with its commit, and only a holder releases one")]
    Lease,
    /// A floor is raised by a start under a seal that is of the same plan and workflow, with a sequence that may be.
    #[error("only a start raises a floor, under a seal of its own plan and workflow with a sequence in range")]
    Floor,
}

impl Commit {
    /// Makes a commit; the index changes are derived here.
    ///
    /// # Errors
    /// Records that do not fit the author.
    pub fn new(
        id: CommitId,
        run: RunKey,
        author: Author,
        lease: LeaseChange,
        records: impl Into<Arc<[Record]>>,
    ) -> Result<Commit, InvalidCommit> {
        let records = records.into();
        let (first, rest) = records.split_first().ok_or(InvalidCommit::Empty)?;
        let starts = |record: &Record| matches!(record.event(), Event::RunStarted(_));
        let external = |record: &Record| record.event().is_external();
        if starts(first) != (author == Author::Creator) || rest.iter().any(starts) {
            return Err(InvalidCommit::Start);
        }
        match author {
            Author::External if !external(first) || !rest.is_empty() => return Err(InvalidCommit::External),
            Author::Creator | Author::Holder { .. } if records.iter().any(external) => {
                return Err(InvalidCommit::External);
            }
            Author::External | Author::Creator | Author::Holder { .. } => {}
        }
        match (author, lease) {
            (_, LeaseChange::Keep)
            | (Author::Creator, LeaseChange::Take { .. })
            | (Author::Holder { .. }, LeaseChange::Release) => {}
            _ => return Err(InvalidCommit::Lease),
        }
        let changes = Arc::new(index::derive(&run, &records));
        Ok(Commit { id, run, author, lease, records, changes })
    }

    /// The same start, by somebody who has verified its seal: the seal's sequence counts from now on.
    ///
    /// The store compares the sequence with the floor of the run's namespace, and of the workflow and environment of the
    /// seal, and raises that floor, both together with the rest of the commit. A seal that nobody verified must never
    /// come here: whoever can write one could keep every later plan from starting.
    ///
    /// # Errors
    /// [`InvalidCommit::Floor`] if it is not the commit of a creator, or the start has no seal of its plan and workflow,
    /// or one whose sequence is greater than [`MAX_SEQUENCE`].
    pub fn with_floor(mut self) -> Result<Commit, InvalidCommit> {
        let Some(Event::RunStarted(start)) = self.records.first().map(Record::event) else {
            return Err(InvalidCommit::Floor);
        };
        let claim = start.seal.as_ref().map(|seal| seal.claim()).ok_or(InvalidCommit::Floor)?;
        if claim.plan != start.plan || claim.workflow != start.workflow || claim.sequence > MAX_SEQUENCE {
            return Err(InvalidCommit::Floor);
        }
        Arc::make_mut(&mut self.changes).floor = Some(Floor::of(claim));
        Ok(self)
    }

    /// The commit's id: the same id again gives the first result.
    #[must_use]
    pub fn id(&self) -> CommitId {
        self.id
    }

    /// The run.
    #[must_use]
    pub fn run(&self) -> &RunKey {
        &self.run
    }

    /// Who commits.
    #[must_use]
    pub fn author(&self) -> Author {
        self.author
    }

    /// What happens to the lease.
    #[must_use]
    pub fn lease(&self) -> LeaseChange {
        self.lease
    }

    /// The records; at least one.
    #[must_use]
    pub fn records(&self) -> &Arc<[Record]> {
        &self.records
    }

    /// What the records change in the indexes.
    #[must_use]
    pub fn changes(&self) -> &IndexChanges {
        &self.changes
    }

    /// Who is behind the first record.
    #[must_use]
    pub fn actor(&self) -> Option<&Actor> {
        self.records.first().map(|record| &record.actor)
    }
}
