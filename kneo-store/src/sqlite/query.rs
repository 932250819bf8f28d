//! What is read.

use std::cell::Cell;

use bytes::Bytes;
use kneo_core::commit::{AuditAction, OutboxTopic};
use kneo_core::record::{DecodeError, RECORD_VERSION, Record, Stored, decode_frame};
use kneo_core::run::RunKey;
use kneo_core::store::{
    AuditEntry, FeedItem, OutboxEntry, OutboxId, Page, RunQuery, RunRow, StoreError, TaskQuery, Watermark,
};
use kneo_core::task::TaskRow;
use kneo_core::{Digest, Name, Namespace, RunId, Seq, TaskId};
use rusqlite::types::ToSql;
use rusqlite::{Connection, OptionalExtension, Params, Row, params};

use super::chain::{self, Reach};
use super::error::{Done, Fault};
use super::row::{self, RunAt, int};

/// A run's row and where it stands, without its labels.
pub(super) fn find_run(connection: &Connection, key: &RunKey) -> Done<Option<(RunAt, RunRow)>> {
    let sql = format!("select {} from runs r where r.ns = ?1 and r.run = ?2", row::RUN);
    one(connection, &sql, params![key.namespace.as_str(), key.run.as_bytes()], row::run)
}

pub(super) fn run(connection: &Connection, key: &RunKey) -> Done<Option<RunRow>> {
    find_run(connection, key)?.map(|found| labelled(connection, found)).transpose()
}

pub(super) fn runs(connection: &Connection, query: &RunQuery, page: Page) -> Done<Vec<RunRow>> {
    let mut filter = Filter::new("r.ns = ?", Box::new(query.namespace.as_str().to_owned()));
    if !query.statuses.is_empty() {
        let words = query.statuses.iter().map(|status| status.as_str().to_owned());
        filter.any("r.status", words.collect());
    }
    if let Some(workflow) = &query.workflow {
        filter.and("r.workflow = ?", [workflow.as_str().to_owned()]);
    }
    for (name, value) in &query.labels {
        let has = "exists (select 1 from labels l where l.run = r.id and l.name = ? and l.value = ?)";
        filter.and(has, [name.as_str().to_owned(), value.to_string()]);
    }
    let sql = filter.page(row::RUN, "runs r", "r.started_at desc, r.run desc", page);
    let found = all(connection, &sql, filter.params(), row::run)?;
    found.into_iter().map(|found| labelled(connection, found)).collect()
}

/// The least sequence that may start. The environment of seals for any is the empty text, which no name is.
pub(super) fn floor(
    connection: &Connection,
    namespace: &Namespace,
    workflow: &Name,
    environment: Option<&Name>,
) -> Done<Option<u64>> {
    let sql = "select sequence from floors where ns = ?1 and workflow = ?2 and environment = ?3";
    let environment = environment.map_or("", Name::as_str);
    one(connection, sql, params![namespace.as_str(), workflow.as_str(), environment], |row| {
        let sequence: i64 = row.get(0)?;
        u64::try_from(sequence).map_err(|_| Fault::damaged("a floor is below zero"))
    })
}

pub(super) fn task(connection: &Connection, namespace: &Namespace, task: TaskId) -> Done<Option<TaskRow>> {
    let columns = row::TASK;
    let sql = format!("select {columns} from tasks t join runs r on r.id = t.run where t.ns = ?1 and t.task = ?2");
    one(connection, &sql, params![namespace.as_str(), task.as_bytes()], row::task)
}

pub(super) fn tasks(connection: &Connection, query: &TaskQuery, page: Page) -> Done<Vec<TaskRow>> {
    let mut filter = Filter::new("t.ns = ?", Box::new(query.namespace.as_str().to_owned()));
    if !query.include_closed {
        filter.and::<i64>("t.state = 'open'", []);
    }
    if let Some(run) = query.run {
        filter.and("r.run = ?", [*run.as_bytes()]);
    }
    if let Some(name) = &query.assignee {
        let may = "(t.assignees = '[]' or exists (select 1 from json_each(t.assignees) where value = ?))";
        filter.and(may, [name.as_str().to_owned()]);
    }
    let sql = filter.page(row::TASK, "tasks t join runs r on r.id = t.run", "t.opened_at, t.task", page);
    all(connection, &sql, filter.params(), row::task)
}

/// How much a read may do.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Effort {
    /// So little that it can be done in place: [`LITTLE`] bytes and no blob.
    Little,
    /// Whatever it takes.
    Whole,
}

/// The most bytes of records that are read in place: less than a tenth of a millisecond's work.
const LITTLE: usize = 16 * 1024;

/// A run's records; `None` if reading them takes more than the effort allows.
pub(super) fn records(
    connection: &Connection,
    key: &RunKey,
    after: Option<Seq>,
    max: usize,
    effort: Effort,
) -> Done<Option<Vec<Stored>>> {
    let mut found = Vec::new();
    let Some(at) = run_at(connection, key)? else { return Ok(Some(found)) };
    let after = after.map_or(0, |after| int(after.as_u64()));
    let reach = match effort {
        Effort::Little => Reach::Frames(LITTLE / 256),
        Effort::Whole => Reach::All,
    };
    let wanted = (after, after.saturating_add(limit(max)));
    let Some(frames) = chain::frames(connection, at, wanted, reach)? else { return Ok(None) };
    let mut select = connection.prepare_cached("select first, author, at, v, body from frames where id = ?1")?;
    let mut bytes = 0;
    for id in frames {
        let mut rows = select.query([id])?;
        let row = rows.next()?.ok_or_else(|| Fault::damaged(format!("frame {id} is missing")))?;
        let body = row.get_ref(4)?.as_blob().map_err(Fault::damaged)?;
        bytes += body.len();
        if effort == Effort::Little && bytes > LITTLE {
            return Ok(None);
        }
        let Some(records) = frame(connection, row, body, effort)? else { return Ok(None) };
        let first: i64 = row.get(0)?;
        for (seq, record) in (first..).zip(records) {
            if seq > after && found.len() < max {
                found.push(Stored { seq: row::seq(seq)?, record });
            }
        }
    }
    Ok(Some(found))
}

/// The records of a frame, with the values of their blobs.
fn frame(connection: &Connection, row: &Row<'_>, body: &[u8], effort: Effort) -> Done<Option<Vec<Record>>> {
    let (author, at, version): (u8, i64, u16) = (row.get(1)?, row.get(2)?, row.get(3)?);
    // The decoder knows a blob or knows none: a failure to read one is told afterwards.
    let failure = Cell::new(None);
    let blob = |digest: Digest| match effort {
        Effort::Little => None,
        Effort::Whole => find_blob(connection, digest).map_err(|fault| failure.set(Some(fault))).ok().flatten(),
    };
    let decoded = decode_frame(version, body, &blob);
    if let Some(fault) = failure.take() {
        return Err(fault);
    }
    let mut records = match decoded {
        Ok(records) => records,
        Err(DecodeError::BlobMissing { .. }) if effort == Effort::Little => return Ok(None),
        Err(DecodeError::TooNew { version }) => {
            let (found, known) = (version.into(), RECORD_VERSION.into());
            return Err(Fault::Store(StoreError::TooNew { found, known }));
        }
        Err(error) => return Err(Fault::damaged(error)),
    };
    if author == super::commit::EXTERNAL {
        records.iter_mut().for_each(|record| record.entry.at = row::time(at));
    }
    Ok(Some(records))
}

fn find_blob(connection: &Connection, digest: Digest) -> Done<Option<Bytes>> {
    let mut select = connection.prepare_cached("select bytes from blobs where digest = ?1")?;
    let found: Option<Vec<u8>> = select.query_row([digest.as_bytes()], row::only).optional()?;
    Ok(found.map(Bytes::from))
}

pub(super) fn feed(
    connection: &Connection,
    namespace: &Namespace,
    after: Watermark,
    max: usize,
) -> Done<Vec<FeedItem>> {
    let sql = "select f.id, r.run, f.first, f.count from frames f join runs r on r.id = f.run
               where f.id > ?1 and r.ns = ?2 order by f.id limit ?3";
    all(connection, sql, params![int(after.0), namespace.as_str(), limit(max)], |row| {
        let (first, count): (i64, i64) = (row.get(2)?, row.get(3)?);
        Ok(FeedItem {
            watermark: Watermark(number(row.get(0)?)),
            run: RunKey::new(namespace.clone(), RunId::from_bytes(row.get(1)?)),
            first: row::seq(first)?,
            last: row::seq(first.saturating_add(count).saturating_sub(1))?,
        })
    })
}

pub(super) fn outbox(connection: &Connection, namespace: &Namespace, max: usize) -> Done<Vec<OutboxEntry>> {
    let sql = "select o.id, o.topic, r.run, o.seq from outbox o join runs r on r.id = o.run
               where o.ns = ?1 order by o.id limit ?2";
    all(connection, sql, params![namespace.as_str(), limit(max)], |row| {
        let word = row::text(row, 1)?;
        let topic = OutboxTopic::ALL.iter().find(|topic| topic.as_str() == word);
        Ok(OutboxEntry {
            id: OutboxId(number(row.get(0)?)),
            topic: *topic.ok_or_else(|| Fault::damaged(format!("`{word}` is no outbox topic")))?,
            run: RunKey::new(namespace.clone(), RunId::from_bytes(row.get(2)?)),
            seq: row::seq(row.get(3)?)?,
        })
    })
}

pub(super) fn audit(connection: &Connection, key: &RunKey) -> Done<Vec<AuditEntry>> {
    let Some(RunAt { id: run, .. }) = run_at(connection, key)? else { return Ok(Vec::new()) };
    let sql = "select seq, at, action, actor, task from audit where run = ?1 order by id";
    all(connection, sql, [run], |row| {
        let word = row::text(row, 2)?;
        let action = AuditAction::ALL.iter().find(|action| action.as_str() == word);
        Ok(AuditEntry {
            at: row::time(row.get(1)?),
            action: *action.ok_or_else(|| Fault::damaged(format!("`{word}` is no audited action")))?,
            actor: row::actor(row::text(row, 3)?)?,
            task: row.get::<_, Option<[u8; 16]>>(4)?.map(TaskId::from_bytes),
            seq: row::seq(row.get(0)?)?,
        })
    })
}

pub(super) fn plan(connection: &Connection, digest: Digest) -> Done<Option<Bytes>> {
    let mut select = connection.prepare_cached("select bytes from plans where digest = ?1")?;
    let found: Option<Vec<u8>> = select.query_row([digest.as_bytes()], row::only).optional()?;
    Ok(found.map(Bytes::from))
}

fn run_at(connection: &Connection, key: &RunKey) -> Done<Option<RunAt>> {
    let mut select = connection.prepare_cached("select id, last_frame from runs where ns = ?1 and run = ?2")?;
    let read = |row: &Row<'_>| Ok(RunAt { id: row.get(0)?, last_frame: row.get(1)? });
    Ok(select.query_row(params![key.namespace.as_str(), key.run.as_bytes()], read).optional()?)
}

fn labelled(connection: &Connection, (RunAt { id, .. }, mut row): (RunAt, RunRow)) -> Done<RunRow> {
    let sql = "select name, value from labels where run = ?1 order by place";
    row.labels = all(connection, sql, [id], |row| Ok((row::name(row, 0)?, row::text(row, 1)?.into())))?;
    Ok(row)
}

/// The rows that a query finds.
pub(super) fn all<T>(
    connection: &Connection,
    sql: &str,
    params: impl Params,
    read: impl Fn(&Row<'_>) -> Done<T>,
) -> Done<Vec<T>> {
    let mut statement = connection.prepare_cached(sql)?;
    let mut rows = statement.query(params)?;
    let mut found = Vec::new();
    while let Some(row) = rows.next()? {
        found.push(read(row)?);
    }
    Ok(found)
}

fn one<T>(
    connection: &Connection,
    sql: &str,
    params: impl Params,
    read: impl Fn(&Row<'_>) -> Done<T>,
) -> Done<Option<T>> {
    let mut statement = connection.prepare_cached(sql)?;
    let mut rows = statement.query(params)?;
    rows.next()?.map(read).transpose()
}

fn number(id: i64) -> u64 {
    u64::try_from(id).unwrap_or(0)
}

pub(super) fn limit(max: usize) -> i64 {
    i64::try_from(max).unwrap_or(i64::MAX)
}

/// The conditions of a list; what a caller gives only ever goes into parameters.
struct Filter {
    conditions: Vec<String>,
    params: Vec<Box<dyn ToSql>>,
}

impl Filter {
    fn new(condition: &str, param: Box<dyn ToSql>) -> Filter {
        Filter { conditions: vec![condition.to_owned()], params: vec![param] }
    }

    fn and<T: ToSql + 'static>(&mut self, condition: &str, params: impl IntoIterator<Item = T>) {
        self.conditions.push(condition.to_owned());
        self.params.extend(params.into_iter().map(|param| Box::new(param) as Box<dyn ToSql>));
    }

    fn any<T: ToSql + 'static>(&mut self, column: &str, values: Vec<T>) {
        let places = vec!["?"; values.len()].join(", ");
        self.and(&format!("{column} in ({places})"), values);
    }

    fn page(&mut self, columns: &str, from: &str, order: &str, page: Page) -> String {
        self.params.push(Box::new(limit(page.limit)));
        self.params.push(Box::new(limit(page.offset)));
        let conditions = self.conditions.join(" and ");
        format!("select {columns} from {from} where {conditions} order by {order} limit ? offset ?")
    }

    fn params(&self) -> impl Params + '_ {
        rusqlite::params_from_iter(self.params.iter())
    }
}
