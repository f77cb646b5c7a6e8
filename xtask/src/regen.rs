//! `cargo xtask regen`: the effect of a change of `openapi.yaml` on the generated surface.

use std::fs;

use anyhow::{Result, bail};
use clap::Args;

use crate::{
    prepared,
    surface::{Report, SNAPSHOTS, Surface, broken, generated, reviewed},
    workspace::root,
};

#[derive(Args)]
pub struct Options {
    /// Write the changes to the snapshots, after review
    #[arg(long)]
    accept: bool,
    /// Check the reports on the prepared changes in xtask/tests/changes; with --accept, write them
    #[arg(long)]
    self_test: bool,
}

pub fn run(options: &Options) -> Result<()> {
    if options.self_test {
        prepared::self_test(options.accept)?;
        println!("the reports on the prepared changes are as reviewed");
        return Ok(());
    }
    let reviewed = reviewed(&root())?;
    let generated = generated(&root())?;
    let report = Report::of(&reviewed, &generated, broken(&root())?);
    print!("{report}");
    if options.accept {
        accept(&reviewed, &generated)?;
        println!("{} snapshots updated", report.snapshots);
    } else if report.snapshots > 0 {
        bail!(
            "{} snapshots would change; after review: cargo xtask regen --accept",
            report.snapshots
        );
    }
    Ok(())
}

fn accept(reviewed: &Surface, generated: &Surface) -> Result<()> {
    let file = |name: &str| root().join(SNAPSHOTS).join(format!("{name}.snap"));
    for name in reviewed.keys().filter(|name| !generated.contains_key(*name)) {
        fs::remove_file(file(name))?;
    }
    for (name, text) in generated.iter().filter(|(name, text)| reviewed.get(*name) != Some(text)) {
        fs::write(file(name), text)?;
    }
    Ok(())
}
