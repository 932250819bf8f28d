//! A command sees the declared variables and no other.

use kneo_core::Value;

use super::support::{Host, env, hole, literal, map, text};

#[tokio::test]
async fn the_environment_holds_what_is_declared() {
    // Set by cargo for every test, so this process has it.
    assert!(std::env::var_os("CARGO_MANIFEST_DIR").is_some());
    let host = Host::with(|builder| {
        builder.search_path(["/usr/bin", "/bin"]).variable("HOME", "/nowhere").variable("REGION", "host")
    });
    let command = env(env(literal(&["env"]), "REGION", text("spec")), "ASKED", hole("x"));
    let shown = host.call(&command, map(&[("x", "a b")])).await.unwrap();
    let mut lines: Vec<&str> = shown.as_str().unwrap().lines().collect();
    lines.sort_unstable();
    assert_eq!(
        lines,
        [
            "ASKED=a b",
            "HOME=/nowhere",
            "KNEO_ATTEMPT=2",
            "KNEO_IDEMPOTENCY_KEY=run_07070707070707070707070707070707/3#1/b0/4#2",
            "KNEO_PATH=3#1/b0/4#2",
            "KNEO_RUN_ID=run_07070707070707070707070707070707",
            "KNEO_STEP=3#1/b0/4#2",
            "LANG=C.UTF-8",
            "PATH=/usr/bin:/bin",
            "REGION=spec",
        ]
    );
}

#[tokio::test]
async fn no_descriptor_leaks_into_a_command() {
    let host = Host::new();
    let _mine = std::fs::File::open("/dev/null").unwrap();
    // Another command's pipes are open in this process at the same time; `ls` has one descriptor for the listing.
    let (left, right) = tokio::join!(host.sh("echo /proc/$$/fd/*"), host.sh("echo /proc/$$/fd/*"));
    for shown in [left.unwrap(), right.unwrap()] {
        let numbers: Vec<&str> = shown.as_str().unwrap().split(' ').map(|p| p.rsplit('/').next().unwrap()).collect();
        let inherited: Vec<_> = numbers.into_iter().filter(|n| n.parse::<u32>().unwrap() < 10).collect();
        assert!(inherited.len() <= 4 && inherited.starts_with(&["0", "1", "2"]), "{shown:?}");
    }
    assert_eq!(host.call(&literal(&["true"]), Value::Null).await.unwrap(), Value::from(""));
}
