//! Python: openapi-python-client, httpx, and mypy at its strictest.

use std::{path::PathBuf, process::Command};

use anyhow::Result;

use super::Program;
use crate::{ci::quiet, tools, workspace::root};

pub struct Python {
    /// The interpreter, and where it runs.
    interpreter: PathBuf,
    folder: PathBuf,
}

pub fn build(folder: PathBuf) -> Result<Python> {
    let mut generate = tools::python("openapi-python-client")?;
    generate.current_dir(&folder).args(["generate", "--path"]).arg(root().join("openapi.yaml"));
    generate.args([
        "--meta",
        "none",
        "--output-path",
        "creatify_client",
        "--overwrite",
        "--fail-on-warning",
    ]);
    generate.args(["--config", "generator.yaml", "--custom-template-path", "templates"]);
    quiet(generate)?;
    let mut mypy = tools::python("mypy")?;
    mypy.current_dir(&folder).args(["--strict", "--no-incremental", "."]);
    quiet(mypy)?;
    Ok(Python { interpreter: tools::python("python")?.get_program().into(), folder })
}

impl Python {
    fn script(&self, name: &str) -> Command {
        let mut python = Command::new(&self.interpreter);
        python.arg(name).current_dir(&self.folder);
        python
    }
}

impl Program for Python {
    fn check_estimates(&self) -> Command {
        self.script("check_estimates.py")
    }

    fn preview(&self) -> Command {
        self.script("preview.py")
    }
}
