//! TypeScript: openapi-typescript, openapi-fetch, and the compiler at its strictest.

use std::{
    os::unix::fs::symlink,
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::Result;

use super::Program;
use crate::{ci::quiet, tools, workspace::root};

pub struct TypeScript {
    folder: PathBuf,
}

pub fn build(folder: PathBuf) -> Result<TypeScript> {
    let modules = tools::node_modules("typescript", &root().join("clients/typescript"))?;
    symlink(&modules, folder.join("node_modules"))?;
    let tool = |name: &str| {
        let mut command = Command::new(modules.join(".bin").join(name));
        command.current_dir(&folder);
        command
    };
    let mut generate = tool("openapi-typescript");
    generate.arg(root().join("openapi.yaml")).args(["--output", "src/generated/api.ts"]);
    quiet(generate)?;
    quiet(tool("tsc"))?;
    Ok(TypeScript { folder })
}

impl TypeScript {
    fn node(&self, program: &str) -> Command {
        let mut node = Command::new("node");
        node.arg(Path::new("dist").join(program)).current_dir(&self.folder);
        node
    }
}

impl Program for TypeScript {
    fn check_estimates(&self) -> Command {
        self.node("check_estimates.js")
    }

    fn preview(&self) -> Command {
        self.node("preview.js")
    }
}
