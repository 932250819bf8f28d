//! One hole is one argument, and no hole makes an option.

use kneo_core::Value;
use kneo_core::expr::{Expr, Root, TextPart, TextTemplate};

use super::support::{Host, after, command, hole, literal, map, root, text};

/// Prints each argument in brackets, so that a split or an expansion shows.
fn show(arguments: impl IntoIterator<Item = TextTemplate>) -> kneo_core::plan::CommandDef {
    command([text("printf"), text("[%s]")].into_iter().chain(arguments))
}

#[tokio::test]
async fn an_argument_arrives_as_it_is() {
    let host = Host::new();
    for nasty in [
        "two words",
        "it's \"quoted\"",
        "$(touch M)",
        "`touch M`",
        "; touch M",
        "a\nb",
        "*",
        "~",
        "",
        "\\",
        "größe",
        "%s",
    ] {
        let shown = host.call(&show([hole("x"), text("end")]), map(&[("x", nasty)])).await.unwrap();
        assert_eq!(shown, Value::from(format!("[{nasty}][end]")));
    }
    assert!(!host.path("M").exists());
}

#[tokio::test]
async fn holes_see_the_input_and_the_run() {
    let host = Host::new();
    let command = show([root(Root::Input), root(Root::RunId), root(Root::RunStartedAt)]);
    let expected = "[{\"a\":\"b\"}][run_07070707070707070707070707070707][2026-11-20T12:00:00.000000Z]";
    assert_eq!(host.call(&command, map(&[("a", "b")])).await.unwrap(), Value::from(expected));
}

#[tokio::test]
async fn a_hole_makes_no_option_unless_the_author_said_where_options_end() {
    let host = Host::new();
    let dash = map(&[("x", "-rf")]);

    let error = host.call(&show([text("a"), hole("x")]), dash.clone()).await.unwrap_err();
    assert_eq!(&*error.code, "tool_argument_refused");
    assert!(error.message.starts_with("argument 3 of the command") && error.message.contains("`--`"), "{error}");
    assert!(!error.retryable);

    // Nor by an empty hole before a written dash's neighbour, nor by a `--` that itself came from a hole.
    let two = TextTemplate::new(hole("empty").parts().iter().chain(hole("x").parts()).cloned());
    let error = host.call(&show([two]), map(&[("empty", ""), ("x", "-rf")])).await.unwrap_err();
    assert_eq!(&*error.code, "tool_argument_refused");
    let error = host.call(&show([hole("x"), hole("y")]), map(&[("x", "--"), ("y", "-rf")])).await.unwrap_err();
    assert_eq!(&*error.code, "tool_argument_refused");

    for (arguments, shown) in [
        (vec![text("--"), hole("x")], "[--][-rf]"),
        (vec![after("-", "x")], "[--rf]"),
        (vec![after("--file=", "x")], "[--file=-rf]"),
        (vec![text("-n")], "[-n]"),
    ] {
        assert_eq!(host.call(&show(arguments), dash.clone()).await.unwrap(), Value::from(shown));
    }
}

#[tokio::test]
async fn what_cannot_be_filled_or_passed_is_named() {
    let host = Host::new();
    let error = host.call(&show([hole("missing")]), map(&[])).await.unwrap_err();
    assert_eq!(&*error.code, "tool_argument_invalid");
    assert!(
        error.message.starts_with("argument 2 of the command cannot be filled") && error.message.contains("missing")
    );

    let error = host.call(&show([hole("x")]), map(&[("x", "a\0b")])).await.unwrap_err();
    assert_eq!(&*error.code, "tool_argument_refused");

    let large = "x".repeat(900_000);
    let error = host.call(&show([hole("x")]), map(&[("x", &large)])).await.unwrap_err();
    assert_eq!(&*error.code, "tool_argument_invalid");
    assert!(error.message.contains("standard input"), "{error}");

    let divided = Expr::Arithmetic(
        kneo_core::expr::ArithmeticOp::Divide,
        vec![Expr::Literal(Value::from(1)), Expr::Literal(Value::from(0))],
    );
    let error = host.call(&show([TextTemplate::new([TextPart::Hole(divided)])]), Value::Null).await.unwrap_err();
    assert_eq!(&*error.code, "tool_argument_invalid");
}

#[tokio::test]
async fn a_program_from_a_hole_is_a_bare_name() {
    let host = Host::new();
    let chosen = command([hole("program"), text("hello")]);
    assert_eq!(host.call(&chosen, map(&[("program", "echo")])).await.unwrap(), Value::from("hello"));
    for (program, code) in [
        ("/bin/echo", "tool_argument_refused"),
        ("./echo", "tool_argument_refused"),
        ("-echo", "tool_argument_refused"),
        ("no-such-program", "tool_program_missing"),
        ("", "tool_program_missing"),
        ("..", "tool_program_missing"),
    ] {
        let error = host.call(&chosen, map(&[("program", program)])).await.unwrap_err();
        assert_eq!(&*error.code, code, "{program}");
    }
}

#[tokio::test]
async fn a_name_means_the_hosts_program_and_never_the_workspaces() {
    let host = Host::new();
    std::fs::write(host.path("echo"), "#!/bin/sh\nprintf impostor\n").unwrap();
    make_executable(&host.path("echo"));
    assert_eq!(host.call(&literal(&["echo", "real"]), Value::Null).await.unwrap(), Value::from("real"));
}

#[tokio::test]
async fn a_written_path_counts_from_the_hosts_directory() {
    let host = Host::new();
    std::fs::create_dir(host.path("bin")).unwrap();
    std::os::unix::fs::symlink("/bin/echo", host.path("bin/say")).unwrap();
    assert_eq!(host.call(&literal(&["bin/say", "hi"]), Value::Null).await.unwrap(), Value::from("hi"));
}

fn make_executable(path: &std::path::Path) {
    use std::os::unix::fs::PermissionsExt;
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o755)).unwrap();
}
