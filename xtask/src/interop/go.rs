//! Go: openapi-generator and the standard library, where Go is installed.

use std::{path::Path, process::Command};

use anyhow::{Context, Result};

use super::program::Programs;
use crate::{process::quiet, tools, workspace::root};

/// Go has no unions; `clients/go/creatify/unions.go` has the types that replace them.
const UNIONS: [&str; 5] =
    ["Progress", "Variable", "TypedVariable", "CustomTemplateJobList", "CustomTemplateList"];

pub fn build(folder: &Path) -> Result<Programs> {
    tools::version(
        "java",
        "-version",
        "install Java 11 or newer (Debian: apt-get install default-jre-headless)",
    )?;
    let mut generate = tools::python("openapi-generator-cli")?;
    generate.current_dir(folder).args([
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
    // By default every model refuses undocumented fields.
    generate.args([
        "--additional-properties",
        "disallowAdditionalPropertiesIfNotPresent=false",
        "--schema-mappings",
    ]);
    generate.arg(UNIONS.map(|union| format!("{union}={union}")).join(","));
    quiet(generate)?;
    for arguments in [["vet", "./..."], ["build", "."]] {
        let mut go = Command::new("go");
        go.args(arguments).current_dir(folder);
        quiet(go).context("see `go version`: 1.19 or newer is needed")?;
    }
    Ok(Programs::new(&folder.join("creatify-from-go"), folder, "check-estimates", "preview"))
}
