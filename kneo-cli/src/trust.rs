//! Whose bundles count here, and where here is.

use std::collections::BTreeMap;
use std::fmt;
use std::path::Path;
use std::sync::Arc;

use clap::ArgAction;
use kneo::Name;
use kneo::bundle::{Bundle, BundleError, Trust};
use kneo::event::Event;
use kneo::plan::CompiledPlan;
use kneo::seal::{Claim, MIN_KEY_BYTES, SealKey, SealVerifier};
use kneo::secret::{MemorySecrets, Secret, Secrets};
use kneo::store::{RunRow, Store};

use crate::given_file;
use crate::problem::Problem;
use crate::store_place::cannot_open;
use crate::variable::said;

const KEYS: &str = "KNEO_BUNDLE_KEYS";
const ENVIRONMENT: &str = "KNEO_ENVIRONMENT";

/// The options that say whose bundles count here.
#[derive(Debug, Default, clap::Args)]
pub(crate) struct TrustArgs {
    /// A key whose bundles count, by its id, and the variable or file that holds it: only bundles run then
    /// [default: those in KNEO_BUNDLE_KEYS, with commas between]
    #[arg(
        long = "key-id",
        value_name = "ID=env:VARIABLE|ID=file:PATH",
        action = ArgAction::Append,
        help_heading = "Bundles"
    )]
    keys: Vec<String>,

    /// Where this is: bundles for another environment are refused [default: KNEO_ENVIRONMENT]
    #[arg(long = "env", value_name = "NAME", help_heading = "Bundles")]
    environment: Option<String>,
}

/// The options that say which bundle is meant.
#[derive(Debug, Default, clap::Args)]
pub(crate) struct WantedArgs {
    /// The least sequence: bundles with a lower one are older, and refused
    #[arg(long, value_name = "N", help_heading = "Bundles")]
    least: Option<u64>,

    /// The workflow that is meant: bundles of another one are refused
    #[arg(long, value_name = "NAME", help_heading = "Bundles")]
    workflow: Option<String>,
}

impl WantedArgs {
    /// Whether a bundle is meant at all.
    pub(crate) fn are_given(&self) -> bool {
        self.least.is_some() || self.workflow.is_some()
    }
}

/// What counts here.
#[derive(Debug)]
pub(crate) struct Trusted {
    keys: BTreeMap<Name, Secret>,
    environment: Option<Name>,
    /// Whether only bundles run.
    is_asked_for: bool,
}

impl TrustArgs {
    /// Finds the keys.
    pub(crate) fn find(&self) -> Result<Trusted, Problem> {
        let given = match self.keys.is_empty() {
            false => self.keys.clone(),
            true => said(KEYS)?.iter().flat_map(|keys| keys.split(',')).map(|key| key.trim().to_owned()).collect(),
        };
        let mut keys = BTreeMap::new();
        for given in &given {
            let (id, secret) = key(given)?;
            if keys.insert(id.clone(), secret).is_some() {
                return Err(Problem::new("usage", format!("the key id `{id}` is given twice"))
                    .with_help("give every key an id of its own"));
            }
        }
        let environment = match &self.environment {
            Some(here) => Some(here.clone()),
            None => said(ENVIRONMENT)?,
        };
        Ok(Trusted {
            is_asked_for: !keys.is_empty() || self.environment.is_some(),
            environment: environment.map(|name| self::name("the environment", &name)).transpose()?,
            keys,
        })
    }
}

impl Trusted {
    /// Whether only bundles run: keys were given, or what they are bound to.
    pub(crate) fn is_asked_for(&self) -> bool {
        self.is_asked_for
    }

    /// Verifies a bundle.
    pub(crate) fn verify(&self, path: &Path, bytes: &[u8], wanted: &WantedArgs) -> Result<Bundle, Problem> {
        let mut trust = Trust::new().least(wanted.least.unwrap_or(0));
        for (id, secret) in &self.keys {
            trust = trust.key(id.clone(), seal_key(&format!("key `{id}`"), secret)?);
        }
        if let Some(here) = &self.environment {
            trust = trust.environment(here.clone());
        }
        if let Some(workflow) = &wanted.workflow {
            trust = trust.workflow(name("the workflow", workflow)?);
        }
        Bundle::verify(bytes, &trust).map_err(|error| bundle_problem(path, error))
    }

    /// What asks whether a plan from a file may start here; `None` if it is a spec's, and any may.
    pub(crate) fn for_start(&self, path: &Path, plan: &CompiledPlan) -> Result<Option<SealVerifier>, Problem> {
        let seal = plan.seal().map(|seal| self.verifier(&format!("`{}`", path.display()), seal.claim()));
        seal.transpose()
    }

    /// What asks whether plans may run here, now that one with this claim shall; `what` it is stands in problems.
    ///
    /// # Errors
    /// No key was given, or nobody said where this is: a bundle for another place would run.
    fn verifier(&self, what: &str, claim: &Claim) -> Result<SealVerifier, Problem> {
        if self.keys.is_empty() {
            let message = format!("{what} is signed with key `{}`, and no key was given to check it with", claim.key);
            return Err(Problem::new("bundle_key_unknown", message).with_help(format!(
                "give it with `--key-id {0}=env:VARIABLE` or `--key-id {0}=file:PATH`",
                claim.key
            )));
        }
        if let (None, Some(bound)) = (&self.environment, &claim.environment) {
            let message = format!("{what} is for `{bound}`, and nobody said where this is");
            return Err(Problem::new("bundle_environment_unsaid", message)
                .with_help(format!("say `--env {bound}` if this is it; KNEO_ENVIRONMENT says so once and for all")));
        }
        Ok(self.strict())
    }

    /// What lets only those plans run that somebody vouches for whose key counts.
    fn strict(&self) -> SealVerifier {
        let secrets = self.keys.iter().fold(MemorySecrets::new(), |secrets, (id, secret)| {
            secrets.with(id.clone(), Secret::new(secret.reveal().to_owned()))
        });
        let verifier = SealVerifier::new(Secrets::of(Arc::new(secrets)));
        let verifier = self.keys.keys().fold(verifier, |verifier, id| verifier.key(id.clone(), id.clone()));
        match &self.environment {
            Some(here) => verifier.environment(here.clone()),
            None => verifier,
        }
    }

    /// What asks whether a run may go on here; `None` lets any, as long as it did not start from a bundle.
    pub(crate) async fn of_run(&self, store: &Arc<dyn Store>, row: &RunRow) -> Result<Option<SealVerifier>, Problem> {
        let first = store.records(&row.key, None, 1).await.map_err(|error| cannot_open(&error))?;
        let seal = first.first().and_then(|first| match first.record.event() {
            Event::RunStarted(start) => start.seal.clone(),
            _ => None,
        });
        match seal {
            Some(seal) => self.verifier(&format!("the plan of {}", row.key.run), seal.claim()).map(Some),
            None => Ok(self.is_asked_for().then(|| self.strict())),
        }
    }
}

impl fmt::Display for Trusted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let keys: Vec<String> = self.keys.keys().map(|id| format!("`{id}`")).collect();
        match keys.is_empty() {
            true => f.write_str("none counts")?,
            false => write!(f, "{}", keys.join(", "))?,
        }
        match &self.environment {
            Some(here) => write!(f, "; this is `{here}`"),
            None => f.write_str("; nobody said where this is"),
        }
    }
}

/// Where a key is.
enum Place<'a> {
    Variable(&'a str),
    File(&'a Path),
}

impl<'a> Place<'a> {
    fn of(said: &'a str) -> Option<Place<'a>> {
        match said.split_once(':') {
            Some(("env", variable)) if !variable.is_empty() => Some(Place::Variable(variable)),
            Some(("file", path)) if !path.is_empty() => Some(Place::File(Path::new(path))),
            _ => None,
        }
    }
}

/// A key as `ID=env:VARIABLE` or `ID=file:PATH` says. What else stands there may be a key: it is not repeated.
fn key(said: &str) -> Result<(Name, Secret), Problem> {
    let parts = said.split_once('=').and_then(|(id, rest)| Some((Name::new(id).ok()?, rest)));
    let Some((id, place)) = parts.and_then(|(id, rest)| Some((id, Place::of(rest)?))) else {
        return Err(Problem::new("usage", "a key id does not say where its key is")
            .with_help("write it as `ID=env:VARIABLE` or `ID=file:PATH`; the key itself never stands there"));
    };
    let secret = match place {
        Place::Variable(variable) => of_variable(&format!("key `{id}`"), variable)?,
        Place::File(path) => of_file(&format!("key `{id}`"), path)?,
    };
    Ok((id, secret))
}

/// The key in a variable.
pub(crate) fn of_variable(what: &str, variable: &str) -> Result<Secret, Problem> {
    // Whoever writes the key in the place of the variable's name does not read it on the terminal: no key is this short.
    let shown = if variable.len() < MIN_KEY_BYTES { format!("`{variable}`") } else { "of the given name".to_owned() };
    match std::env::var(variable) {
        Ok(value) => Ok(Secret::new(value)),
        Err(std::env::VarError::NotPresent) => {
            let message = format!("{what} is not there: the environment has no variable {shown}");
            let help = "set it from where your secrets are kept, such as the secrets of the pipeline";
            Err(Problem::new("secret_missing", message).with_help(help))
        }
        Err(std::env::VarError::NotUnicode(_)) => {
            Err(Problem::new("bundle_key_unusable", format!("{what} is not text: the variable {shown} is not UTF-8")))
        }
    }
}

/// The key in a file, without the line end after it.
pub(crate) fn of_file(what: &str, path: &Path) -> Result<Secret, Problem> {
    let bytes = given_file::read_file(path, MAX_KEY_FILE)?;
    match String::from_utf8(bytes) {
        Ok(text) if text.len() <= MAX_KEY_FILE => Ok(Secret::new(text.trim_end_matches(['\n', '\r']).to_owned())),
        _ => {
            let message = format!("{what} is not text of at most {MAX_KEY_FILE} bytes: look at `{}`", path.display());
            Err(Problem::new("bundle_key_unusable", message))
        }
    }
}

/// The most bytes of a file with a key.
const MAX_KEY_FILE: usize = 4_096;

/// A key of a secret that is long enough.
pub(crate) fn seal_key(what: &str, secret: &Secret) -> Result<SealKey, Problem> {
    SealKey::new(secret).map_err(|_| {
        let bytes = secret.reveal().len();
        let message = format!("{what} has {bytes} bytes, and needs at least {MIN_KEY_BYTES}");
        Problem::new("bundle_key_unusable", message)
    })
}

/// A name that an option gives.
pub(crate) fn name(what: &str, text: &str) -> Result<Name, Problem> {
    Name::new(text).map_err(|error| Problem::new("name_invalid", format!("{what} cannot be `{text}`: {error}")))
}

/// The problem of a file that is no bundle that may be used here.
pub(crate) fn bundle_problem(path: &Path, error: BundleError) -> Problem {
    let code = error.code();
    match error {
        BundleError::Spec(report) => {
            let mut problem = Problem::new(code, format!("the spec in `{}` does not compile", path.display()));
            problem.report = Some(Box::new((report.sources, report.diagnostics)));
            problem
        }
        error => Problem::new(code, format!("`{}`: {error}", path.display())),
    }
}
