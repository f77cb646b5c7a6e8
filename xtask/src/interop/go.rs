//! Go: openapi-generator and the standard library, where Go is installed.

use std::{path::Path, process::Command};

use anyhow::{Context, Result};

use super::program::Programs;
use crate::{process::quiet, tools, workspace::root};

pub fn build(folder: &Path) -> Result<Programs> {
    tools::version(
        "java",
        "-version",
        "install Java 11 or newer (Debian: apt-get install default-jre-headless)",
    )?;
    let mut generate = tools::python("openapi-generator-cli")?;
    generate.current_dir(folder).args(["generate", "--config", "generator.yaml", "--input-spec"]);
    generate.arg(root().join("openapi.yaml"));
    quiet(generate)?;
    for arguments in [["vet", "./..."], ["build", "."]] {
        let mut go = Command::new("go");
        go.args(arguments).current_dir(folder);
        quiet(go).context("see `go version`: 1.19 or newer is needed")?;
    }
    Ok(Programs::new(&folder.join("creatify-from-go"), folder, "check-estimates", "preview"))
}
