//! Python: openapi-python-client, httpx, and mypy at its strictest.

use std::path::Path;

use anyhow::Result;

use super::program::Programs;
use crate::{process::quiet, tools, workspace::root};

pub fn build(folder: &Path) -> Result<Programs> {
    let mut generate = tools::python("openapi-python-client")?;
    generate.current_dir(folder).args(["generate", "--path"]).arg(root().join("openapi.yaml"));
    generate
        .args("--meta none --output-path creatify_client --overwrite --fail-on-warning".split(' '));
    generate.args(["--config", "generator.yaml", "--custom-template-path", "templates"]);
    quiet(generate)?;
    let mut mypy = tools::python("mypy")?;
    mypy.current_dir(folder).args(["--strict", "--no-incremental", "."]);
    quiet(mypy)?;
    let python = tools::python("python")?;
    let interpreter = Path::new(python.get_program());
    Ok(Programs::new(interpreter, folder, "check_estimates.py", "preview.py"))
}
