//! Variables of a template, from options, a file or stdin.

use std::{collections::BTreeSet, io::Read, path::PathBuf};

use creatify::Variables;
use serde_json::Value;

use crate::{
    args::{self, Pair},
    error::CliError,
};

/// Returns the variables of all options; those of `--vars` win.
pub(super) async fn read(options: &args::Variables) -> Result<Variables, CliError> {
    let mut variables = Variables::new();
    let mut seen = BTreeSet::new();
    type Add = fn(Variables, &str, &str) -> Variables;
    let kinds: [(&[Pair], Add); 6] = [
        (&options.text, |variables, name, value| variables.text(name, value)),
        (&options.image, |variables, name, value| variables.image(name, value)),
        (&options.video, |variables, name, value| variables.video(name, value)),
        (&options.audio, |variables, name, value| variables.audio(name, value)),
        (&options.avatar, |variables, name, value| variables.avatar(name, value)),
        (&options.voice, |variables, name, value| variables.voiceover(name, value)),
    ];
    for (pairs, add) in kinds {
        for pair in pairs {
            if !seen.insert(pair.name.as_str()) {
                return Err(CliError::usage(format!("variable `{}` is given twice", pair.name)));
            }
            variables = add(variables, &pair.name, &pair.value);
        }
    }
    let Some(path) = options.vars.clone() else { return Ok(variables) };
    let shown = path.display().to_string();
    let wrong = |error: &dyn std::fmt::Display| CliError::usage(format!("--vars {shown}: {error}"));
    let text = tokio::task::spawn_blocking(move || read_text(path))
        .await
        .map_err(|error| wrong(&error))?
        .map_err(|error| wrong(&error))?;
    let value: Value = serde_json::from_str(&text).map_err(|error| wrong(&error))?;
    let raw: Variables = serde_json::from_value(value)
        .map_err(|_| wrong(&"it must be a JSON object of variables by name"))?;
    Ok(variables.with(raw))
}

/// Reads a file or stdin, which may block for as long as nobody writes.
fn read_text(path: PathBuf) -> std::io::Result<String> {
    if path.as_os_str() == "-" {
        let mut text = String::new();
        std::io::stdin().read_to_string(&mut text).map(|_| text)
    } else {
        std::fs::read_to_string(path)
    }
}
