//! The project that a command works in, and what its file says.

mod config;

use std::path::{Path, PathBuf};

pub(crate) use config::{Answers, Config, MaxTokens, McpConfig, ProviderConfig, StructuredOutput};

use crate::problem::Problem;

/// The nearest folder upwards that has a `.kneo`, else the folder itself.
#[derive(Clone, Debug)]
pub(crate) struct Project {
    root: PathBuf,
}

impl Project {
    /// The project of the working directory.
    pub(crate) fn here() -> Result<Project, Problem> {
        let here = std::env::current_dir().map_err(|error| {
            Problem::new("store_unusable", format!("the working directory cannot be read: {error}"))
        })?;
        Ok(Project::of(&here))
    }

    /// The project of a folder.
    pub(crate) fn of(folder: &Path) -> Project {
        let root = folder.ancestors().find(|folder| folder.join(".kneo").is_dir()).unwrap_or(folder);
        Project { root: root.to_owned() }
    }

    /// Where its runs live.
    pub(crate) fn store(&self) -> PathBuf {
        self.root.join(".kneo").join("kneo.db")
    }

    /// Where its settings stand.
    pub(crate) fn config_file(&self) -> PathBuf {
        self.root.join(".kneo").join("config.yaml")
    }

    /// Its settings; those of a project without a file are the defaults.
    pub(crate) fn config(&self) -> Result<Config, Problem> {
        Config::read(&self.root, &self.config_file())
    }
}
