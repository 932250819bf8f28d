//! Tables of text.

use crate::visible::line;

/// Columns as wide as their widest cell, two spaces apart.
pub(crate) fn table(head: &[&str], rows: impl Iterator<Item = Vec<String>>) -> String {
    let head = head.iter().map(|cell| (*cell).to_owned()).collect();
    let seen = |row: Vec<String>| row.iter().map(|cell| line(cell).into_owned()).collect();
    let rows: Vec<Vec<String>> = std::iter::once(head).chain(rows).map(seen).collect();
    let columns = rows.iter().map(Vec::len).max().unwrap_or(0);
    let width = |column: usize| rows.iter().filter_map(|row| row.get(column)).map(|cell| cell.chars().count()).max();
    let widths: Vec<usize> = (0..columns).map(|column| width(column).unwrap_or(0)).collect();
    let joined = |row: &Vec<String>| {
        let cells = row.iter().zip(&widths).map(|(cell, width)| format!("{cell:<width$}"));
        cells.collect::<Vec<_>>().join("  ").trim_end().to_owned()
    };
    rows.iter().map(joined).collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_as_wide_as_their_widest_cell() {
        let rows = [vec!["a".to_owned(), "é".to_owned(), "z".to_owned()], vec!["long".to_owned(), "b".to_owned()]];
        let acting = [vec!["a\r\nb\t\u{1b}[2J".to_owned(), "c".to_owned()]];
        assert_eq!(table(&["X"], acting.into_iter()), "X\na\\r\\nb\\t\\u{1b}[2J  c");
        assert_eq!(table(&["X", "YY"], rows.into_iter()), "X     YY\na     é   z\nlong  b");
    }
}
