//! TypeScript: openapi-typescript, openapi-fetch, and the compiler at its strictest.

use std::{os::unix::fs::symlink, path::Path, process::Command};

use anyhow::Result;

use super::program::Programs;
use crate::{process::quiet, tools, workspace::root};

pub fn build(folder: &Path) -> Result<Programs> {
    let modules = tools::node_modules("typescript", &root().join("clients/typescript"))?;
    symlink(&modules, folder.join("node_modules"))?;
    let tool = |name: &str| {
        let mut command = Command::new(modules.join(".bin").join(name));
        command.current_dir(folder);
        command
    };
    let mut generate = tool("openapi-typescript");
    generate.arg(root().join("openapi.yaml")).args(["--output", "src/generated/api.ts"]);
    quiet(generate)?;
    quiet(tool("tsc"))?;
    let node = Path::new("node");
    Ok(Programs::new(node, folder, "dist/check_estimates.js", "dist/preview.js"))
}
