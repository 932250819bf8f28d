//! The crates of the workspace and the edges between them, as cargo sees them.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::process::Command;

use serde_json::Value;

use crate::{Outcome, files};

/// A crate of the workspace.
#[derive(Debug, PartialEq, Eq)]
pub struct Member {
    /// The package's name.
    pub name: String,
    /// Its folder.
    pub folder: PathBuf,
    /// Whether it is published.
    pub published: bool,
    /// The members that it depends on; dev-dependencies are left out.
    pub needs: BTreeSet<String>,
    /// Its targets.
    pub targets: Vec<Target>,
}

/// A target of a [`Member`].
#[derive(Debug, PartialEq, Eq)]
pub struct Target {
    /// The kind: `lib`, `bin`, `test`, `bench`, `example`, `custom-build`.
    pub kind: String,
    /// The name.
    pub name: String,
    /// The root file.
    pub root: PathBuf,
}

/// Which member may depend on which.
pub type Rule<'a> = BTreeMap<&'a str, &'a [&'a str]>;

/// Asks cargo for the members.
///
/// # Errors
/// What cargo says.
pub fn members() -> Outcome<Vec<Member>> {
    read(&cargo(&["metadata", "--format-version", "1", "--no-deps", "--offline", "--locked"])?)
}

/// The names of all packages that a member's own build needs on this machine, itself included.
///
/// # Errors
/// What cargo says.
pub fn tree(member: &str) -> Outcome<BTreeSet<String>> {
    let edges = ["tree", "-p", member, "--edges", "normal,build", "--prefix", "none", "--format", "{p}"];
    let text = cargo(&[&edges[..], &["--offline", "--locked"]].concat())?;
    Ok(text.lines().filter_map(|line| line.split_whitespace().next()).map(str::to_owned).collect())
}

fn cargo(arguments: &[&str]) -> Outcome<String> {
    let output = Command::new(env!("CARGO")).args(arguments).current_dir(files::root()).output()?;
    if !output.status.success() {
        let said = String::from_utf8_lossy(&output.stderr);
        return Err(format!("cargo {}: {said}", arguments.join(" ")).into());
    }
    Ok(String::from_utf8(output.stdout)?)
}

/// Reads the output of `cargo metadata --no-deps`.
///
/// # Errors
/// A text that is not such an output.
pub fn read(metadata: &str) -> Outcome<Vec<Member>> {
    let metadata: Value = serde_json::from_str(metadata)?;
    let packages = list(&metadata, "packages")?;
    packages.iter().map(member).collect()
}

fn member(package: &Value) -> Outcome<Member> {
    let manifest = PathBuf::from(text(package, "manifest_path")?);
    // A dependency with a path is a member; a build script's dependency is an edge like any other.
    let edge = |needed: &&Value| {
        needed.get("path").is_some_and(Value::is_string) && needed.get("kind").is_none_or(|kind| kind != "dev")
    };
    Ok(Member {
        name: text(package, "name")?,
        folder: manifest.parent().ok_or("a manifest without a folder")?.to_owned(),
        published: package.get("publish").is_none_or(Value::is_null),
        needs: list(package, "dependencies")?
            .iter()
            .filter(edge)
            .map(|needed| text(needed, "name"))
            .collect::<Result<_, _>>()?,
        targets: list(package, "targets")?.iter().map(target).collect::<Result<_, _>>()?,
    })
}

fn target(target: &Value) -> Outcome<Target> {
    let kind = list(target, "kind")?.first().and_then(Value::as_str).ok_or("a target without a kind")?;
    Ok(Target { kind: kind.to_owned(), name: text(target, "name")?, root: text(target, "src_path")?.into() })
}

fn list<'a>(of: &'a Value, key: &str) -> Outcome<&'a Vec<Value>> {
    Ok(of.get(key).and_then(Value::as_array).ok_or_else(|| format!("cargo's metadata lacks the list `{key}`"))?)
}

fn text(of: &Value, key: &str) -> Outcome<String> {
    let text = of.get(key).and_then(Value::as_str);
    Ok(text.ok_or_else(|| format!("cargo's metadata lacks the text `{key}`"))?.to_owned())
}

/// What of the members' edges breaks a rule.
#[must_use]
pub fn forbidden_edges(members: &[Member], rule: &Rule<'_>) -> Vec<String> {
    let mut broken = Vec::new();
    for member in members {
        let Some(allowed) = rule.get(&*member.name) else {
            if member.published {
                broken.push(format!("`{}` is not in the rule: a new crate needs a decision note", member.name));
            }
            continue;
        };
        let beyond = member.needs.iter().filter(|needed| !allowed.contains(&&***needed));
        broken.extend(beyond.map(|needed| format!("`{}` may not depend on `{needed}`", member.name)));
    }
    let published: BTreeSet<&str> =
        members.iter().filter(|member| member.published).map(|member| &*member.name).collect();
    for member in members {
        let unpublished = member.needs.iter().filter(|needed| !published.contains(&***needed));
        broken
            .extend(unpublished.map(|needed| format!("`{}` depends on `{needed}`, which is unpublished", member.name)));
    }
    let gone = rule.keys().filter(|name| members.iter().all(|member| member.name != **name));
    broken.extend(gone.map(|name| format!("`{name}` is in the rule and not in the workspace")));
    broken
}

#[cfg(test)]
mod tests {
    use super::*;

    const METADATA: &str = r#"{"packages": [
        {"name": "core", "manifest_path": "/w/core/Cargo.toml", "publish": null, "targets": [
            {"kind": ["lib"], "name": "core", "src_path": "/w/core/src/lib.rs"}],
         "dependencies": [{"name": "serde", "kind": null}]},
        {"name": "store", "manifest_path": "/w/store/Cargo.toml", "publish": null, "targets": [], "dependencies": [
            {"name": "core", "kind": null, "path": "/w/core"}, {"name": "spec", "kind": "dev", "path": "/w/spec"}]},
        {"name": "spec", "manifest_path": "/w/spec/Cargo.toml", "publish": null, "targets": [], "dependencies": [
            {"name": "core", "kind": null, "path": "/w/core"}, {"name": "store", "kind": "build", "path": "/w/store"}]},
        {"name": "tests", "manifest_path": "/w/tests/Cargo.toml", "publish": [], "targets": [], "dependencies": [
            {"name": "spec", "kind": null, "path": "/w/spec"}]}
    ]}"#;

    #[test]
    fn metadata_gives_members_and_their_edges() {
        let members = read(METADATA).unwrap();
        assert_eq!(members[0].targets[0].root, PathBuf::from("/w/core/src/lib.rs"));
        assert_eq!(members[1].needs, BTreeSet::from(["core".to_owned()]), "a dev-dependency is no edge");
        assert_eq!(members[2].needs, BTreeSet::from(["core".to_owned(), "store".to_owned()]));
        assert!(members[2].published && !members[3].published);
    }

    #[test]
    fn a_forbidden_edge_is_reported() {
        let members = read(METADATA).unwrap();
        let rule = |spec: &'static [&'static str]| {
            Rule::from([("core", &[] as &[&str]), ("store", &["core"]), ("spec", spec)])
        };
        assert_eq!(forbidden_edges(&members, &rule(&["core", "store"])), [""; 0]);
        assert_eq!(forbidden_edges(&members, &rule(&["core"])), ["`spec` may not depend on `store`"]);
    }

    #[test]
    fn a_crate_beyond_the_rule_and_an_edge_to_the_unpublished_are_reported() {
        let mut members = read(METADATA).unwrap();
        members[0].needs.insert("tests".to_owned());
        let rule = Rule::from([("core", &["tests"] as &[&str]), ("spec", &["core", "store"]), ("gone", &[])]);
        let expected = [
            "`store` is not in the rule: a new crate needs a decision note",
            "`core` depends on `tests`, which is unpublished",
            "`gone` is in the rule and not in the workspace",
        ];
        assert_eq!(forbidden_edges(&members, &rule), expected);
    }
}
