//! The codes are listed wherever people look for them.

use kneo_mcp::ErrorCode;

/// The rows of the table of codes, as the guide has them.
#[test]
fn the_guide_and_the_documentation_list_every_code() {
    let guide = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/guide/mcp.md");
    let guide = std::fs::read_to_string(guide).unwrap();
    let documentation = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/src/lib.rs")).unwrap();
    let rows = ErrorCode::ALL.iter().map(|known| {
        let again = known.retryable.map_or("it depends", |again| if again { "yes" } else { "no" });
        format!("| `{}` | {again} | {} | {} |", known.code, known.meaning, known.remedy)
    });
    let rows: Vec<String> = rows.collect();
    let (_, listed) = guide.split_once("`kneo::mcp::ErrorCode`").unwrap();
    let listed: Vec<&str> = listed.lines().filter(|line| line.starts_with("| `mcp_")).collect();
    assert_eq!(listed, rows, "the guide's table is to be:\n{}\n", rows.join("\n"));
    for known in ErrorCode::ALL {
        let again = known.retryable.map_or("", |again| if again { "yes |" } else { "no |" });
        let row = format!("//! | `{}` | {again}", known.code);
        assert!(documentation.lines().any(|line| line.starts_with(&row)), "{row}");
    }
}
