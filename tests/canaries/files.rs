//! What a host leaves on its disk.

use std::path::Path;

use super::sights::{Place, Sights};

/// Columns that hold what was said: plans, records, blobs, and the question of a task.
const CONTENTS: [&str; 4] = ["plans.bytes", "frames.body", "blobs.bytes", "tasks.request"];

/// The bytes of the store's files, whatever else SQLite left in them.
pub(crate) fn add(sights: &mut Sights, place: Place, name: &str, folder: &Path) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let file = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        if file.starts_with("kneo.db") && path.is_file() {
            let bytes = std::fs::read(&path).unwrap();
            sights.add(place, format!("{name}: {file}"), String::from_utf8_lossy(&bytes));
        }
    }
}

/// Every column of every table but those with contents, as operators query them.
pub(crate) fn add_columns(sights: &mut Sights, store: &Path) {
    let store = rusqlite::Connection::open(store).unwrap();
    let list = |query: &str| -> Vec<String> {
        let mut query = store.prepare(query).unwrap();
        let rows = query.query_map([], |row| row.get(0)).unwrap();
        rows.map(Result::unwrap).collect()
    };
    let mut left_out = Vec::new();
    for table in list("select name from sqlite_master where type = 'table' and name not like 'sqlite_%'") {
        for column in list(&format!("select name from pragma_table_info('{table}')")) {
            let name = format!("{table}.{column}");
            if CONTENTS.contains(&&*name) {
                left_out.push(name);
                continue;
            }
            // Bytes in the form that the shell shows.
            let rows = list(&format!("select quote({column}) from {table}"));
            sights.add(Place::Operators, format!("column {name}"), rows.join("\n"));
        }
    }
    left_out.sort();
    let mut contents = CONTENTS;
    contents.sort_unstable();
    assert_eq!(left_out, contents, "each column with contents is there");
}
