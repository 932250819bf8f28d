//! What is wrong with a command is said before it is called.

use std::os::unix::fs::symlink;

use kneo_core::Value;
use kneo_tools::{BuildError, CommandTools};

use super::support::{Host, command, env, hole, literal, text};

#[test]
fn a_missing_program_is_found_at_binding() {
    let host = Host::with(|builder| builder.search_path(["/usr/bin", "/bin"]));
    let error = host.bind(&literal(&["no-such-program-here"])).unwrap_err();
    assert_eq!((&*error.code, error.retryable), ("tool_program_missing", false));
    let expected = "the program `no-such-program-here` is not on the search path `/usr/bin:/bin`; \
                    install it there, or write its path in `argv`";
    assert_eq!(&*error.message, expected);

    std::fs::write(host.path("data.txt"), "").unwrap();
    for program in ["./data.txt", "./absent", "/etc/passwd", "/", "bin/"] {
        let error = host.bind(&literal(&[program])).unwrap_err();
        assert_eq!(&*error.code, "tool_program_missing", "{program}");
    }
    host.bind(&literal(&["sh"])).unwrap();
}

#[test]
fn a_command_that_means_nothing_is_refused() {
    let host = Host::new();
    let bad_cwd = |cwd: &str| kneo_core::plan::CommandDef { cwd: Some(cwd.into()), ..literal(&["true"]) };
    for (command, code, says) in [
        (command([]), "tool_command_invalid", "`argv` is empty"),
        (env(literal(&["true"]), "KNEO_RUN_ID", text("x")), "tool_command_invalid", "`KNEO_RUN_ID`"),
        (env(literal(&["true"]), "A=B", text("x")), "tool_command_invalid", "`A=B`"),
        (env(literal(&["true"]), "1A", text("x")), "tool_command_invalid", "`1A`"),
        (env(literal(&["true"]), "LD_PRELOAD", hole("x")), "tool_command_invalid", "which code runs"),
        (env(literal(&["true"]), "BASH_ENV", hole("x")), "tool_command_invalid", "which code runs"),
        (env(literal(&["true"]), "PATH", hole("x")), "tool_command_invalid", "which code runs"),
        (bad_cwd("../elsewhere"), "tool_directory_missing", "`../elsewhere`"),
        (bad_cwd("/etc"), "tool_directory_missing", "`/etc`"),
    ] {
        let error = host.bind(&command).unwrap_err();
        assert_eq!(&*error.code, code, "{error}");
        assert!(error.message.contains(says), "{error}");
    }
    host.bind(&env(literal(&["true"]), "LD_PRELOAD", text("/lib/known.so"))).unwrap();
}

#[tokio::test]
async fn a_working_directory_is_within_the_hosts() {
    let host = Host::new();
    std::fs::create_dir_all(host.path("a/b")).unwrap();
    symlink("/etc", host.path("out")).unwrap();
    symlink("a/b", host.path("in")).unwrap();
    let here = host.directory.path().canonicalize().unwrap();
    let pwd = |cwd: Option<&str>| kneo_core::plan::CommandDef { cwd: cwd.map(Into::into), ..literal(&["pwd", "-P"]) };
    for (cwd, expected) in [(None, here.clone()), (Some("a/b"), here.join("a/b")), (Some("in"), here.join("a/b"))] {
        let shown = host.call(&pwd(cwd), Value::Null).await.unwrap();
        assert_eq!(shown, Value::from(expected.to_str().unwrap()));
    }
    for cwd in ["out", "absent"] {
        let error = host.call(&pwd(Some(cwd)), Value::Null).await.unwrap_err();
        assert_eq!(&*error.code, "tool_directory_missing", "{cwd}");
    }
}

#[test]
fn a_host_is_told_what_it_got_wrong() {
    let here = tempfile::tempdir().unwrap();
    let build = |change: fn(kneo_tools::CommandToolsBuilder) -> kneo_tools::CommandToolsBuilder| {
        change(CommandTools::builder(here.path())).build().unwrap_err()
    };
    assert!(matches!(CommandTools::builder("/no/such/place").build(), Err(BuildError::Directory { .. })));
    assert!(matches!(CommandTools::builder("/etc/passwd").build(), Err(BuildError::Directory { .. })));
    assert!(matches!(build(|b| b.search_path(["bin"])), BuildError::SearchPath(_)));
    assert!(matches!(build(|b| b.search_path(["/a:/b"])), BuildError::SearchPath(_)));
    for error in [
        build(|b| b.variable("PATH", "/bin")),
        build(|b| b.variable("KNEO_PATH", "x")),
        build(|b| b.variable("a b", "x")),
        build(|b| b.variable("A", "x\0")),
    ] {
        assert!(matches!(error, BuildError::Variable { .. }), "{error}");
    }
}

#[test]
fn debugging_shows_no_value_of_a_variable() {
    let host = Host::with(|builder| builder.variable("API_TOKEN", "canary-5d1f"));
    let bound = host.bind(&literal(&["true"])).unwrap();
    let shown = format!("{:?} {bound:?}", host.tools);
    assert!(shown.contains("API_TOKEN") && !shown.contains("canary-5d1f"), "{shown}");
}
