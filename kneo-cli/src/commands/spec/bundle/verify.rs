//! `kneo spec bundle verify`.

use std::path::PathBuf;

use kneo::bundle::MAX_BUNDLE_BYTES;
use kneo::spec::CompileOptions;

use crate::exit::Exit;
use crate::given_file;
use crate::output::Output;
use crate::problem::Stop;
use crate::trust::{TrustArgs, WantedArgs, bundle_problem};

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The bundle
    bundle: PathBuf,

    #[command(flatten)]
    trust: TrustArgs,

    #[command(flatten)]
    wanted: WantedArgs,
}

impl Args {
    pub(crate) fn run(self, output: Output) -> Result<Exit, Stop> {
        let trusted = self.trust.find()?;
        let bytes = given_file::read(&self.bundle, MAX_BUNDLE_BYTES)?;
        let bundle = trusted.verify(&self.bundle, &bytes, &self.wanted)?;
        bundle.check_spec(&CompileOptions::default()).map_err(|error| bundle_problem(&self.bundle, error))?;
        super::tell(&bundle, &self.bundle, &format!("`{}` is good", self.bundle.display()), output)?;
        Ok(Exit::Done)
    }
}
