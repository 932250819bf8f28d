//! A frame that is not as it was written is refused with a typed error, or reads as other records; it never panics.

use kneo_core::Digest;
use kneo_core::payload::PayloadError;
use kneo_core::record::{DecodeError, Record, decode_frame, encode_frame};
use serde_json::{Value as Json, json};

use super::{golden_frames, samples};

fn decode(frame: &Json) -> Result<Vec<Record>, DecodeError> {
    decode_frame(1, frame.to_string().as_bytes(), &samples::blob)
}

fn golden() -> impl Iterator<Item = Json> {
    golden_frames::FRAMES.lines().map(|line| serde_json::from_str(line).unwrap())
}

/// The golden frame whose first record has this kind.
fn frame_of(kind: &str) -> Json {
    let of_kind = |frame: &Json| decode(frame).is_ok_and(|records| records[0].event().kind() == kind);
    golden().find(of_kind).unwrap()
}

/// That the frame reads as records which can be stored again, or is refused in words.
fn check(bytes: &[u8]) {
    match decode_frame(1, bytes, &samples::blob) {
        Ok(records) => {
            let again = encode_frame(&records).unwrap();
            assert_eq!(decode_frame(1, &again, &samples::blob), Ok(records));
        }
        Err(error) => assert!(!error.to_string().is_empty()),
    }
}

#[test]
fn flipped_bytes_never_panic() {
    for frame in golden_frames::FRAMES.lines() {
        let mut bytes = frame.as_bytes().to_vec();
        for at in 0..bytes.len() {
            let whole = bytes[at];
            for flip in [0x01, 0x02, 0x10, 0x20, 0x80, 0xff] {
                bytes[at] = whole ^ flip;
                check(&bytes);
            }
            bytes[at] = whole;
        }
    }
}

#[test]
fn frames_cut_short_or_grown_are_refused() {
    for frame in golden_frames::FRAMES.lines() {
        for end in 0..frame.len() {
            let cut = decode_frame(1, &frame.as_bytes()[..end], &samples::blob);
            assert!(matches!(cut, Err(DecodeError::Syntax(_))), "{end} bytes of {frame}");
        }
        for more in ["x", "{}", "]", frame] {
            let grown = decode_frame(1, format!("{frame}{more}").as_bytes(), &samples::blob);
            assert!(matches!(grown, Err(DecodeError::Syntax(_))), "{frame}{more}");
        }
    }
}

#[test]
fn a_newer_version_is_refused_before_the_bytes_are_read() {
    for version in [2, 3, u16::MAX] {
        assert_eq!(decode_frame(version, b"\xff", &samples::blob), Err(DecodeError::TooNew { version }));
    }
    let text = DecodeError::TooNew { version: 2 }.to_string();
    assert_eq!(text, "the record has format version 2; this build reads up to 1: upgrade it");
}

#[test]
fn unknown_kinds_are_refused_by_name() {
    let mut frame = frame_of("branch_completed");
    frame["e"][0]["t"] = json!("run_teleported");
    let error = decode(&frame).unwrap_err();
    assert!(matches!(&error, DecodeError::Record { kind, .. } if kind == "run_teleported"), "{error}");
    assert!(error.to_string().contains("upgrade"), "{error}");
}

#[test]
fn unknown_fields_are_refused_at_every_level() {
    for frame in golden() {
        let mut outer = frame.clone();
        outer["zz"] = json!(1);
        assert!(matches!(decode(&outer), Err(DecodeError::Syntax(_))), "{outer}");
        let mut envelope = frame.clone();
        envelope["e"][0]["zz"] = json!(1);
        assert!(matches!(decode(&envelope), Err(DecodeError::Syntax(_))), "{envelope}");
        for mut grown in with_key_in_every_object(&frame["e"][0]["d"]) {
            let mut body = frame.clone();
            body["e"][0]["d"] = grown.take();
            assert!(matches!(decode(&body), Err(DecodeError::Record { .. })), "{body}");
        }
    }
}

/// Copies of a body, each with one more key in one of its objects; values of the author are left alone.
fn with_key_in_every_object(body: &Json) -> Vec<Json> {
    let mut copies = Vec::new();
    let mut own = body.clone();
    if own.is_null() {
        own = json!({});
    }
    own["zz"] = json!(1);
    copies.push(own);
    for key in ["o", "i", "f", "rq", "dn", "cause"] {
        if body[key].is_object() {
            for inner in with_key_in_every_object(&body[key]) {
                let mut copy = body.clone();
                copy[key] = inner;
                // `i` of a payload is the author's value, in which every key is known.
                if !(key == "i" && body.get("wf").is_none()) {
                    copies.push(copy);
                }
            }
        }
    }
    copies
}

#[test]
fn missing_fields_are_refused() {
    let required: &[(&str, &[&str])] = &[
        ("run_started", &["/wf", "/pl", "/i", "/i/i"]),
        ("run_claimed", &["/w", "/f"]),
        ("run_parked", &["/s"]),
        ("run_ended", &["/s", "/o", "/o/i"]),
        ("cancel_requested", &["/m"]),
        ("step_computed", &["/o", "/o/i"]),
        ("step_failed", &["/f", "/f/k", "/f/m", "/th"]),
        ("bound_reached", &["/th"]),
        ("fork_taken", &["/b"]),
        ("branch_failed", &["/f", "/f/k", "/f/m"]),
        ("effect_intended", &["/k"]),
        ("effect_succeeded", &["/o", "/o/i"]),
        ("effect_failed", &["/f", "/f/k", "/f/m"]),
        ("effect_lost", &["/th"]),
        ("late_outcome", &["/m"]),
        ("call_refused", &["/rs", "/m"]),
        ("call_failed", &["/f", "/f/k", "/f/m"]),
        ("answer_refused", &["/m"]),
        ("task_opened", &["/id", "/rq", "/rq/cause", "/rq/description", "/rq/subject", "/rq/actions", "/dg", "/ot"]),
        ("task_decided", &["/id", "/dn", "/dn/k", "/dg"]),
        ("task_reassigned", &["/id", "/to"]),
        ("task_expired", &["/id"]),
        ("task_escalated", &["/id"]),
        ("task_withdrawn", &["/id"]),
    ];
    for (kind, fields) in required {
        for field in *fields {
            let mut frame = frame_of(kind);
            let (above, key) = field.rsplit_once('/').unwrap();
            let body = frame["e"][0]["d"].pointer_mut(above).unwrap();
            body.as_object_mut().unwrap().remove(key).unwrap();
            let refused = matches!(decode(&frame), Err(DecodeError::Record { kind: at, .. }) if at == *kind);
            assert!(refused, "`{kind}` without `{field}`: {:?}", decode(&frame));
        }
        let mut bare = frame_of(kind);
        bare["e"][0].as_object_mut().unwrap().remove("d");
        assert!(matches!(decode(&bare), Err(DecodeError::Record { .. })), "{bare}");
    }
    for field in ["at", "r", "w"] {
        let mut frame = frame_of("fork_taken");
        frame["e"][0].as_object_mut().unwrap().remove(field);
        let error = decode(&frame).unwrap_err().to_string();
        assert!(error.contains(&format!("no `{field}`")), "{error}");
    }
    let mut frame = frame_of("fork_taken");
    frame["e"][0].as_object_mut().unwrap().remove("t");
    assert!(matches!(decode(&frame), Err(DecodeError::Syntax(_))));
}

#[test]
fn words_and_numbers_outside_their_range_are_refused() {
    let wrong: &[(&str, &str, Json)] = &[
        ("run_started", "/d/wf", json!("")),
        ("run_started", "/d/pl", json!("11")),
        ("run_started", "/d/h/0/2", json!(-1)),
        ("run_claimed", "/d/w", json!("task_0198f2a7c0de7f00a1b2c3d4e5f60719")),
        ("run_claimed", "/d/f", json!(1.5)),
        ("run_parked", "/d/s", json!("completed")),
        ("run_ended", "/d/s", json!("blocked")),
        ("step_failed", "/d/f/k", json!("bad_luck")),
        ("step_failed", "/d/th", json!("explode")),
        ("bound_reached", "/d/th", json!("to")),
        ("effect_intended", "/d/a", json!(0)),
        ("effect_intended", "/d/k", json!("z")),
        ("effect_lost", "/d/th", json!("maybe")),
        ("call_refused", "/d/rs", json!("bored")),
        ("task_opened", "/d/rq/actions/0", json!("shrugged")),
        ("task_opened", "/d/ot", json!("panic")),
        ("task_decided", "/d/dn/k", json!("edited")),
        ("task_decided", "/d/dn/k", json!("selected")),
        ("task_withdrawn", "/d/id", json!("task_")),
        ("fork_taken", "/p", json!("1#")),
        ("fork_taken", "/w", json!("q:ana")),
        ("fork_taken", "/x", json!("00-0-0-0")),
    ];
    for (kind, at, value) in wrong {
        let mut frame = frame_of(kind);
        let (above, key) = at.rsplit_once('/').unwrap();
        match frame["e"][0].pointer_mut(above).unwrap() {
            // A field that the golden frame leaves out is put there.
            Json::Object(fields) => drop(fields.insert(key.to_owned(), value.clone())),
            list => list[key.parse::<usize>().unwrap()] = value.clone(),
        }
        assert!(matches!(decode(&frame), Err(DecodeError::Record { .. })), "`{at}` of {frame}: {:?}", decode(&frame));
    }
}

#[test]
fn fields_that_do_not_go_together_are_refused() {
    let wrong: &[(&str, Json)] = &[
        ("run_ended", json!({"s": "completed"})),
        ("run_ended", json!({"s": "cancelled", "o": {"i": 1}})),
        ("run_ended", json!({"s": "failed", "o": {"i": 1}, "f": {"k": "tool", "m": "x"}})),
        ("step_completed", json!({"e": 1, "o": {"i": 1}})),
        ("step_failed", json!({"f": {"k": "tool", "m": "x"}, "th": "fallback"})),
        ("step_failed", json!({"f": {"k": "tool", "m": "x"}, "th": "continue", "n": 1})),
        ("bound_reached", json!({"th": "to", "mk": "x"})),
        ("bound_reached", json!({"th": "fail", "n": 1})),
        ("bound_reached", json!({"th": "continue", "mk": "x"})),
    ];
    for (kind, body) in wrong {
        let mut frame = frame_of(kind);
        frame["e"][0]["d"] = body.clone();
        assert!(matches!(decode(&frame), Err(DecodeError::Record { .. })), "`{kind}` of {body}: {:?}", decode(&frame));
    }
    for decision in [
        json!({"k": "approved", "o": {"i": 1}}),
        json!({"k": "rejected", "m": "x", "o": {"i": 1}}),
        json!({"k": "edited"}),
        json!({"k": "edited", "m": "x", "o": {"i": 1}}),
        json!({"k": "selected"}),
        json!({"k": "provided"}),
        json!({"k": "retried", "m": "x"}),
    ] {
        let mut frame = frame_of("task_decided");
        frame["e"][0]["d"]["dn"] = decision.clone();
        assert!(matches!(decode(&frame), Err(DecodeError::Record { .. })), "{decision}: {:?}", decode(&frame));
    }
}

#[test]
fn a_payload_is_a_value_or_a_blob() {
    let mut frame = frame_of("effect_succeeded");
    let large = samples::large();
    let digest = large.blob().unwrap().digest();
    for wrong in [
        json!({}),
        json!({"n": 4}),
        json!({"b": digest.to_string()}),
        json!({"i": 1, "b": digest.to_string(), "n": 5002}),
    ] {
        frame["e"][0]["d"]["o"] = wrong;
        assert!(matches!(decode(&frame), Err(DecodeError::Record { .. })), "{frame}: {:?}", decode(&frame));
    }
    frame["e"][0]["d"]["o"] = json!({"b": digest.to_string(), "n": 5002});
    assert!(decode(&frame).is_ok());
}

#[test]
fn missing_and_damaged_blobs_are_told_apart() {
    let frame = golden_frames::FRAMES.lines().find(|line| line.contains("\"b\":\"")).unwrap();
    let digest: Digest = samples::large().blob().unwrap().digest();
    let missing = decode_frame(1, frame.as_bytes(), &|_| None);
    assert_eq!(missing, Err(DecodeError::BlobMissing { digest }));
    let damaged = decode_frame(1, frame.as_bytes(), &|_| Some("\"xx\"".into()));
    assert_eq!(damaged, Err(DecodeError::Payload(PayloadError::Damaged { digest })));
}

#[test]
fn deep_nesting_is_refused() {
    for depth in [129, 10_000, 1_000_000] {
        let deep = format!("{}{}", "[".repeat(depth), "]".repeat(depth));
        let frame = frame_of("effect_succeeded").to_string().replace("\"answer\"", &deep);
        assert!(decode_frame(1, frame.as_bytes(), &samples::blob).is_err(), "{depth} levels");
    }
}
