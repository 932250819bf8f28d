//! Brings a database to the schema that this build knows.

use kneo_core::clock::Clock;
use kneo_core::digest::Digest;
use kneo_core::store::StoreError;
use rusqlite::{Connection, OptionalExtension, TransactionBehavior, params};

use super::error::{Done, Fault};
use super::schema::{APPLICATION_ID, MIGRATIONS, Migration};

const TABLE: &str = "create table if not exists kneo_migrations (
  version integer primary key, checksum blob not null, applied_at integer not null
) strict";

/// Applies what is missing, in one transaction; several processes may do so at once.
///
/// # Errors
/// A database of a newer build, of another program, or one whose migrations are not those of this build.
pub(super) fn migrate(connection: &mut Connection, clock: &dyn Clock) -> Done<()> {
    if is_migrated(connection)? && missing(connection)?.is_empty() {
        return Ok(());
    }
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    if !is_migrated(&transaction)? {
        admit_new(&transaction)?;
        transaction.execute_batch(TABLE)?;
        transaction.pragma_update(None, "application_id", APPLICATION_ID)?;
    }
    for migration in missing(&transaction)? {
        transaction.execute_batch(migration.sql)?;
        transaction.execute(
            "insert into kneo_migrations (version, checksum, applied_at) values (?1, ?2, ?3)",
            params![migration.version, checksum(migration).as_bytes(), clock.now().as_unix_micros()],
        )?;
    }
    transaction.commit()?;
    Ok(())
}

/// What the database lacks, once everything that it has was found to be this build's.
fn missing(connection: &Connection) -> Done<&'static [Migration]> {
    let mut statement = connection.prepare("select version, checksum from kneo_migrations order by version")?;
    let mut rows = statement.query([])?;
    let mut lacking = MIGRATIONS;
    while let Some(row) = rows.next()? {
        let (found, sum): (u32, Vec<u8>) = (row.get(0)?, row.get(1)?);
        let Some((known, rest)) = lacking.split_first() else {
            return Err(Fault::Store(StoreError::TooNew { found: newest(connection)?, known: known_version() }));
        };
        if found != known.version || sum != checksum(known).as_bytes() {
            return Err(Fault::damaged(format!(
                "migration {found} of its schema is not the one that this build knows: open it with the build that \
                 wrote it, or restore a backup"
            )));
        }
        lacking = rest;
    }
    Ok(lacking)
}

fn newest(connection: &Connection) -> Done<u32> {
    Ok(connection.query_row("select max(version) from kneo_migrations", [], |row| row.get(0))?)
}

/// The newest version that this build knows.
fn known_version() -> u32 {
    MIGRATIONS.last().map_or(0, |migration| migration.version)
}

fn is_migrated(connection: &Connection) -> Done<bool> {
    let found = connection
        .query_row("select 1 from sqlite_schema where name = 'kneo_migrations'", [], |_| Ok(()))
        .optional()?;
    Ok(found.is_some())
}

/// Refuses to put tables beside those of another program.
fn admit_new(connection: &Connection) -> Done<()> {
    let tables: u32 = connection.query_row("select count(*) from sqlite_schema", [], |row| row.get(0))?;
    match tables {
        0 => Ok(()),
        _ => Err(Fault::Store(StoreError::Unusable {
            message: "its file is a database of another program: name another file".into(),
            source: None,
        })),
    }
}

fn checksum(migration: &Migration) -> Digest {
    Digest::of(migration.sql.as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::SystemClock;

    fn code(fault: Fault) -> &'static str {
        fault.into_store(false).code()
    }

    #[test]
    fn migrating_twice_changes_nothing() {
        let mut connection = Connection::open_in_memory().unwrap();
        migrate(&mut connection, &SystemClock).unwrap();
        migrate(&mut connection, &SystemClock).unwrap();
        let versions: u32 = connection.query_row("select count(*) from kneo_migrations", [], |row| row.get(0)).unwrap();
        assert_eq!(versions as usize, MIGRATIONS.len());
    }

    #[test]
    fn a_newer_schema_is_refused_by_name() {
        let mut connection = Connection::open_in_memory().unwrap();
        migrate(&mut connection, &SystemClock).unwrap();
        connection.execute("insert into kneo_migrations values (40, x'00', 0), (41, x'00', 0)", []).unwrap();
        match migrate(&mut connection, &SystemClock).unwrap_err() {
            Fault::Store(StoreError::TooNew { found: 41, known }) => assert_eq!(known, known_version()),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_changed_migration_is_damage() {
        let mut connection = Connection::open_in_memory().unwrap();
        migrate(&mut connection, &SystemClock).unwrap();
        connection.execute("update kneo_migrations set checksum = x'00'", []).unwrap();
        assert_eq!(code(migrate(&mut connection, &SystemClock).unwrap_err()), "store_damaged");
    }

    #[test]
    fn the_database_of_another_program_is_left_alone() {
        let mut connection = Connection::open_in_memory().unwrap();
        connection.execute_batch("create table theirs (x)").unwrap();
        assert_eq!(code(migrate(&mut connection, &SystemClock).unwrap_err()), "store_unusable");
        let tables: u32 = connection.query_row("select count(*) from sqlite_schema", [], |row| row.get(0)).unwrap();
        assert_eq!(tables, 1);
    }

    #[test]
    fn a_failed_migration_leaves_nothing() {
        let mut connection = Connection::open_in_memory().unwrap();
        // The view's name clashes with a table of the first migration once that is half done.
        connection
            .execute_batch("create table kneo_migrations (version integer primary key, checksum blob, applied_at)")
            .unwrap();
        connection.execute_batch("create view blobs as select 1").unwrap();
        assert!(migrate(&mut connection, &SystemClock).is_err());
        let runs: u32 = connection
            .query_row("select count(*) from sqlite_schema where name = 'runs'", [], |row| row.get(0))
            .unwrap();
        assert_eq!(runs, 0);
    }
}
