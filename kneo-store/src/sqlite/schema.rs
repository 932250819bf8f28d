//! The tables.
//!
//! A migration that has been released never changes: the database keeps its checksum. Times are microseconds since the
//! epoch, ids and digests are their bytes, and whatever people may want to read with the `sqlite3` shell is text.

/// One step from a version of the schema to the next.
pub(super) struct Migration {
    pub(super) version: u32,
    pub(super) sql: &'static str,
}

/// Every migration, in order, versions dense from 1.
pub(super) const MIGRATIONS: &[Migration] = &[Migration { version: 1, sql: V1 }, Migration { version: 2, sql: V2 }];

/// Marks a database file as Kneo's: `Kneo` in ASCII.
pub(super) const APPLICATION_ID: i32 = 0x4b6e_656f;

const V1: &str = "
create table plans (
  digest blob primary key,
  bytes blob not null
) strict;

-- What every step changes stands first; the rest of a row is written once.
create table runs (
  id integer primary key,
  tail integer not null,
  last_frame integer not null,
  lease_until integer,
  fruitless integer not null,
  fence integer not null,
  worker blob,
  status text not null,
  ready_at integer,
  cancel_requested integer not null,
  ended_at integer,
  ns text not null,
  run blob not null,
  workflow text not null,
  plan blob not null,
  starter text not null,
  started_at integer not null,
  deadline integer
) strict;
create unique index runs_key on runs (ns, run);
create index runs_newest on runs (ns, started_at, run);
create index runs_free on runs (ns, plan, ready_at, run) where ended_at is null and worker is null;
create index runs_lost on runs (ns) where ended_at is null and worker is null and status = 'running';
create index runs_held on runs (ns, worker) where worker is not null;
create index runs_stopping on runs (ns) where ended_at is null and cancel_requested;
create index runs_bounded on runs (ns, deadline, run) where ended_at is null and deadline is not null;
create index runs_ended on runs (ns, ended_at, run) where ended_at is not null;

create table labels (
  run integer not null,
  place integer not null,
  name text not null,
  value text not null,
  primary key (run, place)
) strict, without rowid;
create index labels_of on labels (name, value, run);

-- The records of one commit. `author`: 0 creator, 1 creator that took the lease, 2 holder, 3 holder without a lease
-- afterwards, 4 external. `at` is the store's time of the commit, `last_at` the time of its last record, which for an
-- external commit is the same. The id is the watermark of feeds. The frames of a run are a chain from its last one back,
-- so that a step writes no index; `frames_marks` leads into the middle of a long one.
create table frames (
  id integer primary key,
  prev integer,
  run integer not null,
  first integer not null,
  count integer not null,
  author integer not null,
  at integer not null,
  last_at integer not null,
  v integer not null,
  commit_id blob not null,
  body blob not null
) strict;
create unique index frames_marks on frames (run, first) where (first + count - 1) / 256 > (first - 1) / 256;
create unique index frames_external on frames (commit_id) where author = 4;

create table blobs (
  digest blob primary key,
  bytes blob not null
) strict;
create table blob_refs (
  run integer not null,
  digest blob not null,
  primary key (run, digest)
) strict, without rowid;
create index blob_refs_of on blob_refs (digest);

create table tasks (
  id integer primary key,
  ns text not null,
  task blob not null,
  run integer not null,
  path text not null,
  request text not null,
  digest blob not null,
  assignees text not null,
  opened_at integer not null,
  deadline integer,
  on_timeout text not null,
  escalated_at integer,
  state text not null,
  decided_by text,
  decided_at integer,
  decided_kind text
) strict;
create unique index tasks_key on tasks (ns, task);
create index tasks_open on tasks (ns, opened_at, task) where state = 'open';
create index tasks_of on tasks (run);

create table holds (
  ns text not null,
  scope text not null,
  key text not null,
  slot integer not null,
  run integer not null,
  primary key (ns, scope, key, slot)
) strict, without rowid;
create index holds_of on holds (run);

create table starts (
  ns text not null,
  key text not null,
  digest blob not null,
  run integer not null,
  primary key (ns, key)
) strict, without rowid;
create index starts_of on starts (run);

create table outbox (
  id integer primary key autoincrement,
  ns text not null,
  topic text not null,
  run integer not null,
  seq integer not null
) strict;
create index outbox_of on outbox (ns, id);
create index outbox_run on outbox (run);

create table audit (
  id integer primary key,
  run integer not null,
  seq integer not null,
  at integer not null,
  action text not null,
  actor text not null,
  task blob
) strict;
create index audit_of on audit (run, id);
";

const V2: &str = "
-- The least sequence of a workflow's plans that may start. No run owns a row: it stays when runs are deleted.
-- `environment` is empty for seals that are for any.
create table floors (
  ns text not null,
  workflow text not null,
  environment text not null,
  sequence integer not null,
  primary key (ns, workflow, environment)
) strict, without rowid;
";
