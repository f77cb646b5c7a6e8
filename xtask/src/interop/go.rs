//! Go: openapi-generator and the standard library, where Go is installed.

use std::{
    path::PathBuf,
    process::{Command, Stdio},
};

use anyhow::{Context, Result};

use super::Program;
use crate::{ci::quiet, tools, workspace::root};

/// Go has no unions; `clients/go/creatify/unions.go` says what stands for them.
const UNIONS: [&str; 5] =
    ["Progress", "Variable", "TypedVariable", "CustomTemplateJobList", "CustomTemplateList"];

pub struct Go {
    folder: PathBuf,
}

pub fn is_there() -> bool {
    Command::new("go")
        .arg("version")
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .is_ok_and(|status| status.success())
}

pub fn build(folder: PathBuf) -> Result<Go> {
    tools::version(
        "java",
        "-version",
        "install Java 11 or newer (Debian: apt-get install default-jre-headless)",
    )?;
    let mut generate = tools::python("openapi-generator-cli")?;
    generate.current_dir(&folder).args([
        "generate",
        "--generator-name",
        "go",
        "--output",
        "creatify",
        "--input-spec",
    ]);
    generate.arg(root().join("openapi.yaml")).args([
        "--template-dir",
        "templates",
        "--global-property",
    ]);
    generate.arg(
        "apis,models,supportingFiles,apiDocs=false,modelDocs=false,apiTests=false,modelTests=false",
    );
    generate.args([
        "--additional-properties",
        "packageName=creatify,withGoMod=false,enumClassPrefix=true",
    ]);
    // Otherwise every model refuses fields that are not documented.
    generate.args([
        "--additional-properties",
        "disallowAdditionalPropertiesIfNotPresent=false",
        "--schema-mappings",
    ]);
    generate.arg(UNIONS.map(|union| format!("{union}={union}")).join(","));
    quiet(generate)?;
    for arguments in [["vet", "./..."], ["build", "."]] {
        let mut go = Command::new("go");
        go.args(arguments).current_dir(&folder);
        quiet(go).context("see `go version`: 1.19 or newer is needed")?;
    }
    Ok(Go { folder })
}

impl Go {
    fn program(&self, task: &str) -> Command {
        let mut program = Command::new(self.folder.join("creatify-from-go"));
        program.arg(task).current_dir(&self.folder);
        program
    }
}

impl Program for Go {
    fn check_estimates(&self) -> Command {
        self.program("check-estimates")
    }

    fn preview(&self) -> Command {
        self.program("preview")
    }
}
