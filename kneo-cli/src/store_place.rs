//! Which store a command works on.

use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::sync::Arc;

use kneo::store::{SqliteStore, Store, StoreError};

use crate::problem::Problem;
use crate::project::Project;
use crate::shell::quoted;

/// The store of a command.
#[derive(Debug, clap::Args)]
pub(crate) struct StoreArgs {
    /// Where runs live [default: `.kneo/kneo.db` of the project]
    #[arg(long, value_name = "sqlite:PATH")]
    store: Option<Address>,
}

/// The address of a store: `sqlite:PATH`.
#[derive(Clone, Debug)]
struct Address(PathBuf);

impl FromStr for Address {
    type Err = String;

    fn from_str(text: &str) -> Result<Address, String> {
        match text.split_once(':') {
            Some(("sqlite", path)) if !path.is_empty() => Ok(Address(PathBuf::from(path))),
            _ => Err("write it as `sqlite:PATH`".to_owned()),
        }
    }
}

impl StoreArgs {
    /// Opens the store, which is made if it does not exist.
    pub(crate) async fn open_or_make(&self) -> Result<Arc<dyn Store>, Problem> {
        open(&self.path()?).await
    }

    /// Opens the store, which must exist: looking at runs makes no files.
    pub(crate) async fn open(&self) -> Result<Arc<dyn Store>, Problem> {
        let path = self.path()?;
        if !path.exists() {
            let message = format!("there is no store at `{}`", path.display());
            return Err(Problem::new("store_not_found", message));
        }
        open(&path).await
    }

    /// The option to type again so that another command works on the same store; empty for the default.
    pub(crate) fn again(&self) -> String {
        self.store.as_ref().map_or_else(String::new, |Address(path)| {
            format!(" --store {}", quoted(&format!("sqlite:{}", path.display())))
        })
    }

    /// Where it is.
    pub(crate) fn path(&self) -> Result<PathBuf, Problem> {
        match &self.store {
            Some(Address(path)) => Ok(path.clone()),
            None => Ok(Project::here()?.store()),
        }
    }
}

async fn open(path: &Path) -> Result<Arc<dyn Store>, Problem> {
    let store = SqliteStore::open(path).await.map_err(|error| cannot_open(&error))?;
    Ok(Arc::new(store))
}

/// The problem of a store that failed.
pub(crate) fn cannot_open(error: &StoreError) -> Problem {
    Problem::new(error.code(), error.to_string())
}
