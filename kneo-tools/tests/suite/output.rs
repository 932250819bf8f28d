//! What a command gives, and how it fails.

use kneo_core::Value;

use super::support::{Host, literal, map, sh};

#[tokio::test]
async fn input_goes_in_as_json_and_json_comes_out_as_a_value() {
    let host = Host::new();
    let input = Value::from_json_text(r#"{"z":1,"a":[true,null,1.5,"é\n"]}"#).unwrap();
    assert_eq!(host.call(&literal(&["cat"]), input.clone()).await.unwrap(), input);
    // A reader by lines gets a whole line.
    let by_line = sh("read -r line && printf '%s' \"got $line\"");
    assert_eq!(host.call(&by_line, map(&[("k", "v")])).await.unwrap(), Value::from("got {\"k\":\"v\"}"));
}

#[tokio::test]
async fn text_comes_out_without_its_last_line_end() {
    let host = Host::new();
    for (script, value) in
        [("echo hi", "hi"), ("printf 'a\\n\\n'", "a\n"), ("true", ""), ("echo 42", "42"), ("printf '  x '", "  x ")]
    {
        assert_eq!(host.sh(script).await.unwrap(), Value::from(value), "{script}");
    }
}

#[tokio::test]
async fn another_exit_code_than_zero_is_an_error_with_the_end_of_stderr() {
    let host = Host::with(|builder| builder.max_stderr_bytes(10));
    let error = host.sh("echo no; exit 3").await.unwrap_err();
    assert_eq!((&*error.code, error.retryable), ("tool_exit", true));
    assert_eq!(&*error.message, "`sh` exited with code 3 and wrote nothing to standard error");
    let error = host.sh("echo 'a long story: no disk' >&2; exit 255").await.unwrap_err();
    assert_eq!(&*error.message, "`sh` exited with code 255: …: no disk");
}

#[tokio::test]
async fn a_signal_is_an_error() {
    let host = Host::new();
    let error = host.sh("echo dying >&2; kill -SEGV $$").await.unwrap_err();
    assert_eq!((&*error.code, error.retryable), ("tool_signal", true));
    assert_eq!(&*error.message, "`sh` was ended by signal 11: dying");
}

#[tokio::test]
async fn a_missing_interpreter_is_said() {
    let host = Host::new();
    // Written by another process: a file that this one has open for writing cannot be executed by a child.
    host.sh("printf '#!/no/such/interpreter\n' > script; chmod +x script").await.unwrap();
    let error = host.call(&literal(&["./script"]), Value::Null).await.unwrap_err();
    assert_eq!(&*error.code, "tool_program_missing");
    assert!(error.message.contains("interpreter"), "{error}");
}

#[tokio::test]
async fn output_over_the_cap_is_an_error_and_never_cut() {
    let host = Host::with(|builder| builder.max_output_bytes(1_000));
    let exact = host.sh("head -c 1000 /dev/zero | tr '\\0' x").await.unwrap();
    assert_eq!(exact, Value::from("x".repeat(1_000)));
    for script in ["head -c 1001 /dev/zero", "yes", "head -c 100000000 /dev/zero", "echo $(yes | head -c 1001); exit 4"]
    {
        let error = host.sh(script).await.unwrap_err();
        assert_eq!((&*error.code, error.retryable), ("tool_output_too_large", false), "{script}");
        assert!(error.message.contains("1000 bytes"), "{error}");
    }
}

#[tokio::test]
async fn the_default_cap_is_a_mebibyte() {
    let host = Host::new();
    let whole = host.sh("head -c 1048576 /dev/zero | tr '\\0' x").await.unwrap();
    assert_eq!(whole.as_str().unwrap().len(), 1 << 20);
    assert_eq!(&*host.sh("head -c 1048577 /dev/zero").await.unwrap_err().code, "tool_output_too_large");
}

#[tokio::test]
async fn output_that_no_value_can_hold_is_an_error() {
    let host = Host::new();
    for script in ["printf '\\377'", "echo '{\"id\": 9007199254740993}'"] {
        let error = host.sh(script).await.unwrap_err();
        assert_eq!(&*error.code, "tool_output_invalid", "{script}");
    }
}
