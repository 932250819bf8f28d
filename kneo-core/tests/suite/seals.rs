//! Seals: what they prove, and every way in which they do not fit.

use std::sync::Arc;

use kneo_core::plan::CompiledPlan;
use kneo_core::seal::{Claim, MAX_SEQUENCE, MacDomain, PlanVerifier, Seal, SealError, SealKey, SealVerifier, Vouched};
use kneo_core::secret::{MemorySecrets, Secret, Secrets};
use kneo_core::{Digest, Name};
use serde_json::{Value as Json, json};

use super::samples::{claim, name, seal, seal_key};

/// Made by another program: HMAC-SHA256 under 32 times `k`.
const MAC: &str = "bbe7274046d75c0928611b475c6ce9a26ee1643bd21f1d5edf12e9166b129367";

const GOLDEN: &str = include_str!("../golden/plan-v1.json");

fn plan() -> CompiledPlan {
    CompiledPlan::new(serde_json::from_str(GOLDEN).unwrap()).unwrap()
}

fn key(text: &str) -> SealKey {
    SealKey::new(&Secret::new(text.repeat(32))).unwrap()
}

fn verifier() -> SealVerifier {
    let secrets = MemorySecrets::new()
        .with(name("first"), Secret::new("k".repeat(32)))
        .with(name("second"), Secret::new("n".repeat(32)))
        .with(name("short"), Secret::new("k".repeat(31)));
    SealVerifier::new(Secrets::of(Arc::new(secrets))).key(name("release-1"), name("first"))
}

#[test]
fn a_seal_is_what_another_program_makes_of_it() {
    let sealed = serde_json::to_value(seal(Digest::from_bytes([0x11; 32]))).unwrap();
    assert_eq!(sealed["mac"], json!(MAC));
    let again: Seal = serde_json::from_value(sealed).unwrap();
    assert_eq!(again, seal(Digest::from_bytes([0x11; 32])));
}

#[test]
fn seals_are_the_same_with_the_same_claim_and_code() {
    let (one, plan) = (seal(Digest::of(b"one")), Digest::of(b"one"));
    assert_eq!(one, one.clone());
    assert_ne!(one, seal(Digest::of(b"other")));
    assert_ne!(one, Seal::new(claim(plan), &key("n")).unwrap());
    // Each byte of the code counts.
    let whole = serde_json::to_value(&one).unwrap();
    for byte in 0..32 {
        let mut mac = whole["mac"].as_str().unwrap().to_owned();
        let digit = if mac.as_bytes()[byte * 2] == b'0' { "1" } else { "0" };
        mac.replace_range(byte * 2..=byte * 2, digit);
        let changed: Seal = serde_json::from_value(json!({ "claim": whole["claim"], "mac": mac })).unwrap();
        assert_ne!(one, changed, "byte {byte}");
    }
}

#[test]
fn a_seal_fits_its_plan_and_no_other() {
    let plan = plan();
    seal(plan.digest()).verify(&plan, &seal_key()).unwrap();
    let other = seal(Digest::of(b"other")).verify(&plan, &seal_key());
    assert!(matches!(other, Err(SealError::OtherPlan { .. })), "{other:?}");
    // The same bytes under another name would be another workflow's rollout.
    let renamed = Seal::new(Claim { workflow: name("letter"), ..claim(plan.digest()) }, &seal_key()).unwrap();
    assert!(matches!(renamed.verify(&plan, &seal_key()), Err(SealError::OtherPlan { .. })));
}

#[test]
fn whatever_is_changed_is_seen() {
    let plan = plan();
    let whole = serde_json::to_value(seal(plan.digest())).unwrap();
    let changes: &[(&str, Json)] = &[
        ("/claim/key", json!("release-2")),
        ("/claim/workflow", json!("reports")),
        ("/claim/plan", json!(Digest::of(b"other").to_string())),
        ("/claim/sequence", json!(8)),
        ("/claim/environment", json!("staging")),
        ("/claim/approved_by", json!("bo")),
        ("/claim/sealed_at", json!("2027-01-15T08:00:00.000001Z")),
        ("/mac", json!("0".repeat(64))),
    ];
    for (at, value) in changes {
        let mut changed = whole.clone();
        *changed.pointer_mut(at).unwrap() = value.clone();
        let changed: Seal = serde_json::from_value(changed).unwrap();
        let verified = changed.verify(&plan, &seal_key());
        assert!(matches!(verified, Err(SealError::Altered { .. })), "{at}: {verified:?}");
    }
    let mut bare = whole.clone();
    bare["claim"].as_object_mut().unwrap().remove("environment");
    let bare: Seal = serde_json::from_value(bare).unwrap();
    assert!(bare.verify(&plan, &seal_key()).is_err());
    for byte in 0..32 {
        let mut mac: Vec<u8> = whole["mac"].as_str().unwrap().bytes().collect();
        mac[byte * 2] = if mac[byte * 2] == b'0' { b'1' } else { b'0' };
        let mut changed = whole.clone();
        changed["mac"] = json!(String::from_utf8(mac).unwrap());
        let changed: Seal = serde_json::from_value(changed).unwrap();
        assert!(changed.verify(&plan, &seal_key()).is_err(), "byte {byte}");
    }
}

#[test]
fn what_is_no_seal_is_not_read_as_one() {
    let whole = serde_json::to_value(seal(plan().digest())).unwrap();
    for (at, value) in
        [("/mac", json!("")), ("/mac", json!("none")), ("/mac", json!(null)), ("/claim/sequence", json!(-1))]
    {
        let mut changed = whole.clone();
        *changed.pointer_mut(at).unwrap() = value.clone();
        assert!(serde_json::from_value::<Seal>(changed).is_err(), "{at} = {value}");
    }
    let mut more = whole.clone();
    more["claim"]["alg"] = json!("none");
    assert!(serde_json::from_value::<Seal>(more).is_err());
    let mut less = whole;
    less.as_object_mut().unwrap().remove("mac");
    assert!(serde_json::from_value::<Seal>(less).is_err());
}

#[test]
fn a_code_for_one_purpose_is_worth_nothing_for_another() {
    let key = seal_key();
    let mac = key.mac(MacDomain::Plan, b"text");
    assert!(key.is_mac(MacDomain::Plan, b"text", &mac));
    assert!(!key.is_mac(MacDomain::Bundle, b"text", &mac));
    assert!(!key.is_mac(MacDomain::Plan, b"texts", &mac));
}

#[test]
fn keys_and_sequences_have_bounds() {
    let error = SealKey::new(&Secret::new("k".repeat(31))).unwrap_err();
    assert_eq!(error, SealError::WeakKey { bytes: 31 });
    let claim = |sequence| Claim { sequence, ..claim(plan().digest()) };
    assert!(Seal::new(claim(MAX_SEQUENCE), &seal_key()).is_ok());
    assert_eq!(Seal::new(claim(MAX_SEQUENCE + 1), &seal_key()).unwrap_err(), SealError::Sequence);
    assert!(!format!("{:?}", key("k")).contains("kkk"));
}

/// Runs a future that never waits.
fn now<T>(future: impl Future<Output = T>) -> T {
    let mut context = std::task::Context::from_waker(std::task::Waker::noop());
    match std::pin::pin!(future).poll(&mut context) {
        std::task::Poll::Ready(value) => value,
        std::task::Poll::Pending => panic!("it waits"),
    }
}

fn verified(verifier: &SealVerifier, plan: &CompiledPlan, seal: Option<&Seal>) -> Result<(), SealError> {
    // What it lets run has a seal that it verified.
    now(verifier.verify(plan, seal)).map(|grounds| assert_eq!(grounds, Vouched::BySeal))
}

#[test]
fn a_verifier_lets_sealed_plans_run_and_no_others() {
    let plan = plan();
    let sealed = seal(plan.digest());
    verified(&verifier(), &plan, Some(&sealed)).unwrap();
    assert_eq!(verified(&verifier(), &plan, None), Err(SealError::Missing));
    // No key counts unless the host says so.
    let none = SealVerifier::new(Secrets::default());
    assert!(matches!(verified(&none, &plan, Some(&sealed)), Err(SealError::UnknownKey { .. })));
    // The secret behind the id is another: another tenant's key of the same name.
    let other = verifier().key(name("release-1"), name("second"));
    assert!(matches!(verified(&other, &plan, Some(&sealed)), Err(SealError::Altered { .. })));
    let gone = verifier().key(name("release-1"), name("gone"));
    assert!(matches!(verified(&gone, &plan, Some(&sealed)), Err(SealError::Key(_))));
    let weak = verifier().key(name("release-1"), name("short"));
    assert_eq!(verified(&weak, &plan, Some(&sealed)), Err(SealError::WeakKey { bytes: 31 }));
}

#[test]
fn keys_rotate_by_id() {
    let plan = plan();
    let old = seal(plan.digest());
    let new = Seal::new(Claim { key: name("release-2"), ..claim(plan.digest()) }, &key("n")).unwrap();
    let both = verifier().key(name("release-2"), name("second"));
    verified(&both, &plan, Some(&old)).unwrap();
    verified(&both, &plan, Some(&new)).unwrap();
    let secrets = MemorySecrets::new().with(name("second"), Secret::new("n".repeat(32)));
    let after = SealVerifier::new(Secrets::of(Arc::new(secrets))).key(name("release-2"), name("second"));
    verified(&after, &plan, Some(&new)).unwrap();
    let error = verified(&after, &plan, Some(&old)).unwrap_err();
    assert_eq!(
        error.to_string(),
        "its seal is of key `release-1`, which does not count here: sign it with one of `release-2`"
    );
}

#[test]
fn environments_and_the_least_sequence_are_held() {
    let plan = plan();
    let sealed = seal(plan.digest());
    let anywhere = Seal::new(Claim { environment: None, ..claim(plan.digest()) }, &seal_key()).unwrap();
    let here = |text: &str| verifier().environment(Name::new(text).unwrap());
    verified(&here("production"), &plan, Some(&sealed)).unwrap();
    for (verifier, seal) in [(here("staging"), &sealed), (here("production"), &anywhere)] {
        assert!(matches!(verified(&verifier, &plan, Some(seal)), Err(SealError::OtherEnvironment { .. })));
    }
    verified(&verifier().least(name("report"), 7), &plan, Some(&sealed)).unwrap();
    verified(&verifier().least(name("letter"), 8), &plan, Some(&sealed)).unwrap();
    let error = verified(&verifier().least(name("report"), 8), &plan, Some(&sealed)).unwrap_err();
    assert_eq!(error, SealError::RolledBack { sequence: 7, least: 8 });
}
