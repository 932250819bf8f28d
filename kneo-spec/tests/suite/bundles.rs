//! Bundles: what they hold, and that whatever is wrong with one is told, each by its own code.
//!
//! Some attackers have no key: whatever they change, the code no longer fits. Others have one, or are a mistake in a
//! pipeline: [`resigned`] makes what they make, and it is refused for what it is.

use kneo_core::seal::{Claim, MAX_SEQUENCE, Mac, MacDomain, Seal, SealKey};
use kneo_core::secret::Secret;
use kneo_core::{Digest, Name, Timestamp};
use kneo_spec::bundle::{BUNDLE_FORMAT, Bundle, BundleError, MAX_BUNDLE_BYTES, Signing, Trust};
use kneo_spec::source::SourceMap;
use kneo_spec::{CompileOptions, compile_str};
use serde_json::{Value as Json, json};

/// Texts that are easily changed without notice: a composed letter, a sign beyond 16 bits, quotes and line ends.
pub(super) const SPEC: &str = "version: v1
name: report
workflow:
  type: sequential
  steps:
    - {id: a, kind: set, set: {text: \"größe 😀 'x' \\\"y\\\"\", number: 1.5}}
    - {id: b, kind: human, ref: {description: Send it?, assignee: ana}}
";

const OTHER: &str = "version: v1
name: letter
workflow: {type: sequential, steps: [{id: a, kind: set, set: {x: 1}}]}
";

pub(super) fn name(text: &str) -> Name {
    Name::new(text).unwrap()
}

/// The key of an id: any text, 32 times.
pub(super) fn key(text: &str) -> SealKey {
    SealKey::new(&Secret::new(text.repeat(32))).unwrap()
}

pub(super) fn signing() -> Signing {
    Signing {
        key: name("release-1"),
        environment: name("production"),
        approved_by: name("ana"),
        sequence: 7,
        signed_at: Timestamp::from_unix_micros(1_800_000_000_000_000),
    }
}

pub(super) fn sign_as(spec: &str, signing: Signing, key: &SealKey) -> Result<Bundle, BundleError> {
    let mut sources = SourceMap::new();
    let file = sources.add("report.yaml", spec);
    Bundle::sign(&sources, file, &CompileOptions::default(), signing, key)
}

pub(super) fn signed() -> Bundle {
    sign_as(SPEC, signing(), &key("k")).unwrap()
}

pub(super) fn trust() -> Trust {
    Trust::new().key(name("release-1"), key("k")).environment(name("production"))
}

/// What a file is refused for, or `ok`.
pub(super) fn code(bytes: impl AsRef<[u8]>) -> &'static str {
    verdict(bytes, &trust())
}

fn verdict(bytes: impl AsRef<[u8]>, trust: &Trust) -> &'static str {
    match Bundle::verify(bytes.as_ref(), trust) {
        Ok(_) => "ok",
        Err(error) => {
            assert!(!error.to_string().contains("kkk"), "{error}");
            error.code()
        }
    }
}

/// The body's bytes.
fn body_of(bundle: &Bundle) -> String {
    let text = std::str::from_utf8(bundle.bytes()).unwrap();
    let end = text.rfind(",\"key\":").unwrap();
    text["{\"body\":".len()..end].to_owned()
}

fn envelope(body: &[u8], key_id: &str, mac: impl std::fmt::Display) -> Vec<u8> {
    [b"{\"body\":", body, format!(",\"key\":\"{key_id}\",\"mac\":\"{mac}\"}}").as_bytes()].concat()
}

/// A body with a code that fits.
pub(super) fn authentic(body: impl AsRef<[u8]>) -> Vec<u8> {
    envelope(body.as_ref(), "release-1", key("k").mac(MacDomain::Bundle, body.as_ref()))
}

/// The bundle with a change by somebody who has the key.
fn resigned(change: impl FnOnce(&mut Json)) -> Vec<u8> {
    let mut body: Json = serde_json::from_str(&body_of(&signed())).unwrap();
    change(&mut body);
    authentic(serde_json_canonicalizer::to_vec(&body).unwrap())
}

/// The seal of a claim about the bundle's plan, as JSON.
fn sealed(change: impl FnOnce(&mut Claim)) -> Json {
    let mut claim = signed().claim().clone();
    change(&mut claim);
    serde_json::to_value(Seal::new(claim, &key("k")).unwrap()).unwrap()
}

#[test]
fn what_was_signed_is_what_is_verified() {
    let signed = signed();
    let bundle = Bundle::verify(signed.bytes(), &trust()).unwrap();
    let plan = compile_str("report.yaml", SPEC).unwrap();
    assert_eq!((bundle.plan().digest(), bundle.plan().bytes()), (plan.digest(), plan.bytes()));
    assert_eq!(bundle.plan().plan(), plan.plan());
    assert_eq!((&**bundle.spec(), bundle.spec_digest()), (SPEC, Digest::of(SPEC.as_bytes())));
    assert_eq!(bundle.files().iter().collect::<Vec<_>>(), [("report.yaml", bundle.spec_digest())]);
    assert_eq!(bundle.compiler(), env!("CARGO_PKG_VERSION"));
    let claim = Claim {
        key: name("release-1"),
        workflow: name("report"),
        plan: plan.digest(),
        sequence: 7,
        environment: Some(name("production")),
        approved_by: name("ana"),
        sealed_at: signing().signed_at,
    };
    assert_eq!(bundle.claim(), &claim);
    let seal = bundle.plan().seal().unwrap();
    assert_eq!(seal.claim(), &claim);
    seal.verify(bundle.plan(), &key("k")).unwrap();
    bundle.check_spec(&CompileOptions::default()).unwrap();
    assert_eq!(bundle.bytes(), signed.bytes());
    assert_eq!(self::signed().bytes(), signed.bytes(), "the same words give the same bytes");
}

/// Made by another program, Python with `json`, `hashlib` and `hmac`, of the spec and the bytes of its plan. A file of
/// this format is read for ever.
#[test]
fn what_another_program_signed_is_verified() {
    let golden = include_bytes!("../golden/bundle-v1.json");
    let bundle = Bundle::verify(golden, &trust()).unwrap();
    assert_eq!((&**bundle.spec(), bundle.claim().sequence), (SPEC, 7));
    bundle.plan().seal().unwrap().verify(bundle.plan(), &key("k")).unwrap();
}

#[test]
fn one_line_end_is_borne_and_no_other_byte() {
    let bytes = signed().bytes().to_vec();
    let with = |end: &[u8]| [&bytes, end].concat();
    assert_eq!(code(with(b"\n")), "ok");
    assert_eq!(Bundle::verify(&with(b"\n"), &trust()).unwrap().bytes(), bytes);
    for (end, refused) in [
        (&b"\n\n"[..], "bundle_not_canonical"),
        (b"\r\n", "bundle_not_canonical"),
        (b" ", "bundle_not_canonical"),
        (b"\0", "bundle_trailing"),
        (b"{}", "bundle_trailing"),
        (b"\n{}", "bundle_trailing"),
        (b"garbage", "bundle_trailing"),
        (b"\xff", "bundle_not_utf8"),
    ] {
        assert_eq!(code(with(end)), refused, "{}", String::from_utf8_lossy(end));
    }
    let twice = with(&bytes);
    assert_eq!(code(twice), "bundle_altered");
    let before = |start: &[u8]| [start, &bytes].concat();
    assert_eq!(code(before(b"\xef\xbb\xbf")), "bundle_malformed");
    assert_eq!(code(before(b" ")), "bundle_not_canonical");
}

#[test]
fn what_is_no_bundle_is_said_to_be_none() {
    for (text, refused) in [
        ("", "bundle_truncated"),
        ("\n", "bundle_truncated"),
        ("{", "bundle_truncated"),
        ("{}", "bundle_malformed"),
        ("null", "bundle_malformed"),
        ("[]", "bundle_malformed"),
        (SPEC, "bundle_malformed"),
        ("{\"body\":{}}", "bundle_malformed"),
        ("{\"body\":{},\"key\":\"release-1\"}", "bundle_malformed"),
        ("{\"body\":{},\"mac\":\"\"}", "bundle_malformed"),
    ] {
        assert_eq!(code(text), refused, "{text}");
    }
    let huge = vec![b' '; MAX_BUNDLE_BYTES + 1];
    assert_eq!(code(huge), "bundle_too_large");
}

/// Missing codes, codes of no or another algorithm, a second code, and ids that are none.
#[test]
fn there_is_one_way_to_vouch_for_a_body() {
    let body = body_of(&signed());
    let mac = key("k").mac(MacDomain::Bundle, body.as_bytes()).to_string();
    assert_eq!(code(envelope(body.as_bytes(), "release-1", &mac)), "ok");
    for (mac, refused) in [
        (String::new(), "bundle_malformed"),
        ("none".to_owned(), "bundle_malformed"),
        ("0".repeat(64), "bundle_altered"),
        (mac.to_uppercase(), "bundle_malformed"),
        (mac[..32].to_owned(), "bundle_malformed"),
        (format!("{mac}{mac}"), "bundle_malformed"),
        (format!("+{}", &mac[1..]), "bundle_malformed"),
        (format!("sha256={mac}"), "bundle_malformed"),
    ] {
        assert_eq!(code(envelope(body.as_bytes(), "release-1", &mac)), refused, "{mac}");
    }
    for id in ["", "release 1", "-1", "größe", "a\\", &"x".repeat(65)] {
        assert_eq!(code(envelope(body.as_bytes(), id, &mac)), "bundle_malformed", "{id}");
    }
    let text = |tail: &str| format!("{{\"body\":{body}{tail}}}");
    for (tail, refused) in [
        (format!(",\"alg\":\"none\",\"key\":\"release-1\",\"mac\":\"{mac}\""), "bundle_altered"),
        (format!(",\"key\":\"release-1\",\"mac\":\"{mac}\",\"zip\":\"none\""), "bundle_malformed"),
        (format!(",\"key\":\"release-1\",\"mac\":\"{mac}\",\"mac\":\"{mac}\""), "bundle_duplicate_key"),
        (format!(",\"key\":\"release-2\",\"key\":\"release-1\",\"mac\":\"{mac}\""), "bundle_altered"),
        (format!(",\"body\":{body},\"key\":\"release-1\",\"mac\":\"{mac}\""), "bundle_altered"),
        (format!(",\"key\":null,\"mac\":\"{mac}\""), "bundle_malformed"),
        (format!(",\"key\":\"release-1\",\"mac\":[\"{mac}\"]"), "bundle_malformed"),
        (format!(",\"mac\":\"{mac}\",\"key\":\"release-1\""), "bundle_not_canonical"),
    ] {
        assert_eq!(code(text(&tail)), refused, "{tail}");
    }
}

/// Nothing inside is parsed before the code has been checked: whatever a body is, without its code it is altered.
#[test]
fn nobody_reads_what_nobody_vouches_for() {
    let bodies: &[&[u8]] = &[
        b"{}",
        b"",
        b"garbage",
        b"{\"a\":1,\"a\":2}",
        b"1e400",
        b"\"\\ud83d\"",
        b"\xff\xfe",
        &[b'['; 100_000],
        b"{\"format\":99}",
    ];
    let strange = "0".repeat(64);
    for body in bodies {
        assert_eq!(code(envelope(body, "release-1", &strange)), "bundle_altered");
    }
}

/// The same bodies, signed: a key may be in wrong hands, and two programs must not read two things.
#[test]
fn what_is_signed_is_read_strictly() {
    let body = body_of(&signed());
    let inside = |more: &str| authentic(body.replacen('{', &format!("{{{more},"), 1));
    for (bytes, refused) in [
        (authentic("{}"), "bundle_body"),
        (authentic(""), "bundle_truncated"),
        (authentic("garbage"), "bundle_malformed"),
        (authentic("null"), "bundle_body"),
        (authentic(&body[..body.len() - 1]), "bundle_truncated"),
        (authentic(format!("{body}{body}")), "bundle_trailing"),
        (authentic(b"{\"a\":\"\xff\"}"), "bundle_not_utf8"),
        (authentic("[".repeat(100_000)), "bundle_too_deep"),
        (inside("\"a\":1,\"a\":2"), "bundle_duplicate_key"),
        (inside("\"compiler\":\"0\""), "bundle_duplicate_key"),
        (inside("\"a\":1e400"), "bundle_number"),
        (inside("\"a\":\"\\ud83d\""), "bundle_surrogate"),
        (inside("\"a\":\"\\u0041\""), "bundle_not_canonical"),
        (inside("\"a\":1.0"), "bundle_not_canonical"),
        (inside("\"z\":1"), "bundle_not_canonical"),
        (inside("\"a\":1"), "bundle_body"),
        (authentic(body.replace(",\"format\":1,", ", \"format\":1,")), "bundle_not_canonical"),
        (authentic(body.replace("\"format\":1,", "\"format\":2,")), "bundle_format"),
        (authentic(body.replace("\"format\":1,", "\"format\":0,")), "bundle_format"),
        (authentic(body.replace("\"format\":1,", "\"format\":-1,")), "bundle_body"),
        (authentic(body.replace("\"format\":1,", "")), "bundle_body"),
    ] {
        assert_eq!(code(&bytes), refused, "{}", String::from_utf8_lossy(&bytes[..bytes.len().min(200)]));
    }
    assert_eq!(BUNDLE_FORMAT, 1, "a new format has cases of its own");
}

/// A tool that reads JSON and writes it again, or normalises text, breaks the file, and nobody runs what it wrote.
#[test]
fn a_file_that_was_written_anew_is_refused() {
    let text = String::from_utf8(signed().bytes().to_vec()).unwrap();
    let value: Json = serde_json::from_str(&text).unwrap();
    assert_eq!(code(serde_json::to_string_pretty(&value).unwrap()), "bundle_not_canonical");
    for (from, to, refused) in [
        (",\"mac\":\"", ", \"mac\":\"", "bundle_not_canonical"),
        // Within the body that is only seen by the code.
        ("{\"compiler\"", "{ \"compiler\"", "bundle_altered"),
        ("größe", "gr\\u00f6\\u00dfe", "bundle_altered"),
        ("ö", "o\u{308}", "bundle_altered"),
        ("\\n", "\\r\\n", "bundle_altered"),
        ("{\"v\":1.5}", "{\"v\":1.50}", "bundle_altered"),
    ] {
        let anew = text.replace(from, to);
        assert_ne!(anew, text, "{from}");
        assert_eq!(code(anew), refused, "{from}");
    }
}

/// Another key of the same id, an id that does not count, and an id that is another's.
#[test]
fn only_the_key_of_the_id_will_do() {
    let theirs = sign_as(SPEC, signing(), &key("x")).unwrap();
    assert_eq!(code(theirs.bytes()), "bundle_altered");
    let other = sign_as(SPEC, Signing { key: name("release-9"), ..signing() }, &key("k")).unwrap();
    assert_eq!(code(other.bytes()), "bundle_key_unknown");
    assert_eq!(verdict(signed().bytes(), &Trust::new()), "bundle_key_unknown");
    let said = Bundle::verify(other.bytes(), &trust()).unwrap_err().to_string();
    assert_eq!(
        said,
        "the bundle is signed with key `release-9`, which does not count here; those that do: `release-1`"
    );
    // The id outside is a hint; what counts is the one that was signed.
    let body = body_of(&signed());
    let mac = key("k").mac(MacDomain::Bundle, body.as_bytes());
    let confused = envelope(body.as_bytes(), "release-2", mac);
    let both = || trust().key(name("release-2"), key("k"));
    assert_eq!(verdict(&confused, &both()), "bundle_key_mismatch");
    assert_eq!(verdict(&confused, &trust().key(name("release-2"), key("n"))), "bundle_altered");
}

#[test]
fn keys_rotate_by_id() {
    let old = signed();
    let new = sign_as(SPEC, Signing { key: name("release-2"), ..signing() }, &key("n")).unwrap();
    let both = trust().key(name("release-2"), key("n"));
    let after = Trust::new().key(name("release-2"), key("n"));
    assert_eq!((verdict(old.bytes(), &both), verdict(new.bytes(), &both)), ("ok", "ok"));
    assert_eq!((verdict(old.bytes(), &after), verdict(new.bytes(), &after)), ("bundle_key_unknown", "ok"));
}

/// A code that was made for one purpose is worth nothing for another.
#[test]
fn a_plans_code_is_no_bundles_code_and_neither_way_round() {
    let body = body_of(&signed());
    let of_plan = key("k").mac(MacDomain::Plan, body.as_bytes());
    assert_eq!(code(envelope(body.as_bytes(), "release-1", of_plan)), "bundle_altered");
    let seal_mac = serde_json::to_value(&**signed().plan().seal().unwrap()).unwrap()["mac"].clone();
    assert_eq!(code(envelope(body.as_bytes(), "release-1", seal_mac.as_str().unwrap())), "bundle_altered");
    // The claim's own bytes as a body, under the code that its seal has.
    let claim = serde_json_canonicalizer::to_vec(signed().claim()).unwrap();
    assert_eq!(code(envelope(&claim, "release-1", seal_mac.as_str().unwrap())), "bundle_altered");
    let of_bundle: Mac = key("k").mac(MacDomain::Bundle, &claim);
    let bytes = resigned(|body| body["seal"]["mac"] = json!(of_bundle.to_string()));
    assert_eq!(code(bytes), "bundle_seal");
}

/// Parts of two bundles of the same key: as they are, and signed anew by somebody who has it.
#[test]
fn parts_of_two_bundles_are_no_third() {
    let other = sign_as(OTHER, signing(), &key("k")).unwrap();
    assert_eq!(code(other.bytes()), "ok");
    let mac_of = |bundle: &Bundle| key("k").mac(MacDomain::Bundle, body_of(bundle).as_bytes());
    assert_eq!(code(envelope(body_of(&signed()).as_bytes(), "release-1", mac_of(&other))), "bundle_altered");
    let theirs: Json = serde_json::from_str(&body_of(&other)).unwrap();
    let ours: Json = serde_json::from_str(&body_of(&signed())).unwrap();
    for (parts, refused) in [
        (&["plan"][..], "bundle_plan_mismatch"),
        (&["seal"], "bundle_plan_mismatch"),
        (&["spec"], "bundle_spec_digest"),
        (&["spec_digest"], "bundle_spec_digest"),
        (&["plan", "spec", "spec_digest"], "bundle_plan_mismatch"),
        (&["plan", "seal"], "ok"),
    ] {
        let mut mixed = ours.clone();
        for part in parts {
            mixed[*part] = theirs[*part].clone();
        }
        let mixed = serde_json_canonicalizer::to_vec(&mixed).unwrap();
        let taken = envelope(&mixed, "release-1", mac_of(&signed()));
        assert_eq!(code(taken), "bundle_altered", "{parts:?} without the key");
        assert_eq!(code(authentic(&mixed)), refused, "{parts:?} with the key");
    }
}

/// Whoever has the key can vouch for a plan that does not do what the spec beside it says: reviewers ask.
#[test]
fn a_spec_that_says_something_else_than_the_plan_is_found_by_asking() {
    let bytes = resigned(|body| {
        body["spec"] = json!(OTHER);
        body["spec_digest"] = json!(Digest::of(OTHER.as_bytes()).to_string());
    });
    let bundle = Bundle::verify(&bytes, &trust()).unwrap();
    let error = bundle.check_spec(&CompileOptions::default()).unwrap_err();
    assert_eq!(error.code(), "bundle_spec_mismatch");
    let digests = [bundle.plan().digest(), compile_str("x", OTHER).unwrap().digest()].map(|digest| digest.to_string());
    assert!(digests.iter().all(|digest| error.to_string().contains(digest)), "{error}");
    let bytes = resigned(|body| {
        body["spec"] = json!("version: v1\n");
        body["spec_digest"] = json!(Digest::of(b"version: v1\n").to_string());
    });
    let bundle = Bundle::verify(&bytes, &trust()).unwrap();
    let error = bundle.check_spec(&CompileOptions::default()).unwrap_err();
    assert_eq!(error.code(), "spec_invalid");
    assert!(error.to_string().contains("report.yaml:1"), "{error}");
}

#[test]
fn a_seal_says_what_it_is_of() {
    for (seal, refused) in [
        (sealed(|claim| claim.workflow = name("letter")), "bundle_plan_mismatch"),
        (sealed(|claim| claim.plan = Digest::of(b"other")), "bundle_plan_mismatch"),
        (sealed(|claim| claim.key = name("release-2")), "bundle_key_mismatch"),
        (sealed(|claim| claim.environment = None), "bundle_body"),
        (sealed(|claim| claim.environment = Some(name("staging"))), "bundle_other_environment"),
        (sealed(|claim| claim.sequence = MAX_SEQUENCE), "ok"),
        (json!(null), "bundle_body"),
    ] {
        assert_eq!(code(resigned(|body| body["seal"] = seal.clone())), refused, "{seal}");
    }
    // A claim that was changed after it was sealed.
    for (at, value) in [
        ("/claim/approved_by", json!("bo")),
        ("/claim/sequence", json!(8)),
        ("/claim/sequence", json!(1u64 << 53)),
        ("/claim/sealed_at", json!("2030-01-01T00:00:00Z")),
        ("/mac", json!("0".repeat(64))),
    ] {
        let bytes = resigned(|body| *body["seal"].pointer_mut(at).unwrap() = value.clone());
        assert_eq!(code(bytes), "bundle_seal", "{at}");
    }
    for (at, value) in [("/claim/sequence", json!(-1)), ("/mac", json!("none")), ("/claim/alg", json!("none"))] {
        let bytes = resigned(|body| {
            body["seal"]["claim"]["alg"] = Json::Null;
            *body["seal"].pointer_mut(at).unwrap() = value.clone();
        });
        assert_eq!(code(bytes), "bundle_body", "{at}");
    }
}

#[test]
fn a_plan_that_is_none_is_refused() {
    for plan in [json!({}), json!({"plan_version": 1}), json!({"plan_version": 2}), json!("text"), json!(null)] {
        let digest = Digest::of(&serde_json_canonicalizer::to_vec(&plan).unwrap());
        let bytes = resigned(|body| {
            body["seal"] = sealed(|claim| claim.plan = digest);
            body["plan"] = plan.clone();
        });
        assert_eq!(code(bytes), "bundle_plan", "{plan}");
    }
}

#[test]
fn the_list_of_files_is_signed_and_plain() {
    let text = String::from_utf8(signed().bytes().to_vec()).unwrap();
    assert_eq!(code(text.replace("\"report.yaml\"", "\"other.yaml\"")), "bundle_altered");
    let digest = Digest::of(b"").to_string();
    let more = text.replace("\"files\":{", &format!("\"files\":{{\"decoy.yaml\":\"{digest}\","));
    assert_ne!(more, text);
    assert_eq!(code(more), "bundle_altered");
    let files = |names: &[&str]| -> Json {
        names.iter().map(|name| ((*name).to_owned(), json!(digest))).collect::<serde_json::Map<_, _>>().into()
    };
    for (files, refused) in [
        (files(&["report.yaml", "common/base.yaml"]), "ok"),
        (files(&[]), "bundle_body"),
        (files(&["../report.yaml"]), "bundle_body"),
        (files(&["/etc/passwd"]), "bundle_body"),
        (files(&["a\\b"]), "bundle_body"),
        (files(&["app", "App"]), "bundle_body"),
        (files(&["a\u{0}b"]), "bundle_body"),
        (json!({"report.yaml": "none"}), "bundle_body"),
        (json!(["report.yaml"]), "bundle_body"),
    ] {
        assert_eq!(code(resigned(|body| body["files"] = files.clone())), refused, "{files}");
    }
}

/// Older ones, those for elsewhere, and one that takes another's place.
#[test]
fn what_is_not_meant_for_this_place_is_refused() {
    let bytes = signed().bytes().to_vec();
    assert_eq!(verdict(&bytes, &trust().environment(name("staging"))), "bundle_other_environment");
    assert_eq!(verdict(&bytes, &Trust::new().key(name("release-1"), key("k"))), "ok");
    assert_eq!(verdict(&bytes, &trust().workflow(name("report"))), "ok");
    assert_eq!(verdict(&bytes, &trust().workflow(name("letter"))), "bundle_other_workflow");
    assert_eq!(verdict(&bytes, &trust().least(7)), "ok");
    assert_eq!(verdict(&bytes, &trust().least(8)), "bundle_rolled_back");
}

#[test]
fn what_a_bundle_cannot_hold_is_not_signed() {
    let refused = |signing| sign_as(SPEC, signing, &key("k")).unwrap_err().code();
    for id in ["release 1", "größe", "a\"b", ".hidden", &"x".repeat(65)] {
        assert_eq!(refused(Signing { key: name(id), ..signing() }), "bundle_key_id", "{id}");
    }
    assert_eq!(refused(Signing { sequence: MAX_SEQUENCE + 1, ..signing() }), "bundle_sequence");
    assert!(sign_as(SPEC, Signing { sequence: MAX_SEQUENCE, ..signing() }, &key("k")).is_ok());
    assert_eq!(sign_as("version: v1\n", signing(), &key("k")).unwrap_err().code(), "spec_invalid");
    let mut sources = SourceMap::new();
    let file = sources.add("/home/ana/report.yaml", SPEC);
    let error = Bundle::sign(&sources, file, &CompileOptions::default(), signing(), &key("k")).unwrap_err();
    assert_eq!(error.code(), "bundle_file_name");
}

/// A spec as large as specs may be fits, with its plan.
#[test]
fn a_large_spec_has_a_bundle() {
    let text = "x \\\\\\\" ".repeat(50_000);
    let spec =
        format!("version: v1\nworkflow: {{type: sequential, steps: [{{id: a, kind: set, set: {{x: \"{text}\"}}}}]}}\n");
    let bundle = sign_as(&spec, signing(), &key("k")).unwrap();
    assert_eq!(code(bundle.bytes()), "ok");
}
