//! `kneo spec bundle sign`.

use std::path::{Path, PathBuf};

use kneo::bundle::{Bundle, Signing};
use kneo::clock::Clock as _;
use kneo::seal::SealKey;
use kneo::spec::CompileOptions;
use kneo::spec::source::SourceMap;
use kneo::system::SystemClock;

use crate::dash;
use crate::exit::Exit;
use crate::new_file::{self, IfThere};
use crate::output::Output;
use crate::problem::{Problem, Stop};
use crate::spec_file::SpecFile;
use crate::trust::{bundle_problem, name, of_file, of_variable, seal_key};

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The spec
    spec: PathBuf,

    /// Where the bundle goes
    #[arg(long, short, value_name = "FILE")]
    output: PathBuf,

    /// Replace the file if it is there
    #[arg(long)]
    force: bool,

    /// The key's id, by which those who verify find it, such as `release-1`
    #[arg(long, value_name = "ID")]
    key_id: String,

    #[command(flatten)]
    key: KeyArgs,

    /// Who approved the spec
    #[arg(long, value_name = "NAME")]
    approved_by: String,

    /// Where the spec may run, such as `production`
    #[arg(long, value_name = "NAME")]
    env: String,

    /// Its place in the sequence of the workflow's bundles: a number that your pipeline counts up
    #[arg(long, value_name = "N")]
    sequence: u64,
}

/// Where the key is: it never stands on a command line, where others can read it.
#[derive(Debug, clap::Args)]
#[group(required = true, multiple = false)]
struct KeyArgs {
    /// The variable that holds the key
    #[arg(long, value_name = "VARIABLE")]
    key_env: Option<String>,

    /// The file that holds the key
    #[arg(long, value_name = "FILE")]
    key_file: Option<PathBuf>,
}

impl KeyArgs {
    fn find(&self) -> Result<SealKey, Problem> {
        let secret = match (&self.key_env, &self.key_file) {
            (Some(variable), _) => of_variable("the key", variable)?,
            (None, path) => of_file("the key", path.as_deref().unwrap_or(Path::new("")))?,
        };
        seal_key("the key", &secret)
    }
}

impl Args {
    pub(crate) fn run(self, output: Output) -> Result<Exit, Stop> {
        if dash::is_meant(&self.output) {
            let problem = Problem::new("usage", "a bundle is written to a file, not to standard output");
            return Err(problem.with_help("name the file after `--output`").into());
        }
        let key = self.key.find()?;
        let signing = Signing {
            key: name("the key's id", &self.key_id)?,
            environment: name("the environment", &self.env)?,
            approved_by: name("whoever approved", &self.approved_by)?,
            sequence: self.sequence,
            signed_at: SystemClock.now(),
        };
        let inputs = [("the spec", Some(&self.spec)), ("the key", self.key.key_file.as_ref())];
        for (what, input) in inputs {
            if input.is_some_and(|input| is_one_file(input, &self.output)) {
                let message = format!("`{}` is {what} itself", self.output.display());
                let help = "give the bundle a name of its own";
                return Err(Problem::new("output_exists", message).with_help(help).into());
            }
        }
        let bundle = self.bundle(signing, &key, output)?;
        new_file::write(&self.output, bundle.bytes(), if self.force { IfThere::Replace } else { IfThere::Refuse })?;
        super::tell(&bundle, &self.output, &format!("`{}` is signed", self.output.display()), output)?;
        Ok(Exit::Done)
    }

    /// The bundle, in which the spec has its own name: where it lies on this machine is nobody's business.
    fn bundle(&self, signing: Signing, key: &SealKey, output: Output) -> Result<Bundle, Problem> {
        let spec = SpecFile::read(&self.spec)?;
        let text = spec.sources.file(spec.file).map_or_else(String::new, |file| file.text().to_owned());
        spec.compile(output)?;
        let mut sources = SourceMap::new();
        let file = sources.add(&*self.spec.file_name().unwrap_or_default().to_string_lossy(), text);
        Bundle::sign(&sources, file, &CompileOptions::default(), signing, key)
            .map_err(|error| bundle_problem(&self.spec, error))
    }
}

fn is_one_file(one: &Path, other: &Path) -> bool {
    matches!((one.canonicalize(), other.canonicalize()), (Ok(one), Ok(other)) if one == other)
}
