//! Files of this repository, in the working tree or at a revision.

use std::fs;

use anyhow::{Context, Result, bail, ensure};

use crate::{
    surface::{SNAPSHOTS, Surface},
    workspace::{git, root},
};

/// The document.
pub const OPENAPI: &str = "openapi.yaml";

#[derive(Debug, Clone)]
pub enum Tree {
    WorkTree,
    Revision(String),
}

/// The revision to compare with.
#[derive(Debug)]
pub struct Base {
    pub commit: String,
    /// Description of the revision.
    pub name: String,
    pub is_release: bool,
}

impl Base {
    /// Chooses the revision if none is named.
    pub fn default() -> Result<Self> {
        if let Ok(tag) = git(&["describe", "--tags", "--abbrev=0", "--match", "v[0-9]*"]) {
            return Ok(Self {
                name: format!("{tag}, the last release"),
                commit: tag,
                is_release: true,
            });
        }
        for main in ["origin/HEAD", "origin/main", "main"] {
            let Ok(base) = git(&["merge-base", "HEAD", main]) else { continue };
            let short = base.get(..12).unwrap_or(&base).to_owned();
            let name = if git(&["rev-parse", "HEAD"])? == base {
                format!(
                    "{short}, HEAD: nothing is released yet, and HEAD is in {main}, so that only uncommitted changes show"
                )
            } else {
                format!("{short}, the fork point from {main}: nothing is released yet")
            };
            return Ok(Self { commit: base, name, is_release: false });
        }
        bail!(
            "nothing is released yet (no tag v…), and there is no branch main: name a revision to compare with"
        )
    }

    pub fn named(revision: &str) -> Result<Self> {
        let commit = format!("{revision}^{{commit}}");
        let commit = git(&["rev-parse", "--verify", "--quiet", "--end-of-options", &commit])
            .ok()
            .with_context(|| format!("there is no revision `{revision}`"))?;
        Ok(Self { commit, name: revision.to_owned(), is_release: false })
    }

    pub fn tree(&self) -> Tree {
        Tree::Revision(self.commit.clone())
    }
}

impl Tree {
    /// Reads a file, if it exists.
    pub fn read(&self, path: &str) -> Result<Option<String>> {
        match self {
            Self::WorkTree => match fs::read_to_string(root().join(path)) {
                Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
                read => Ok(Some(read.with_context(|| path.to_owned())?)),
            },
            Self::Revision(revision) => {
                let listed = git(&["ls-tree", "--name-only", revision, path])?;
                let show = || git(&["show", &format!("{revision}:{path}")]);
                Ok((!listed.is_empty()).then(show).transpose()?.map(|text| text + "\n"))
            }
        }
    }

    pub fn openapi(&self) -> Result<String> {
        self.read(OPENAPI)?.with_context(|| format!("there is no {OPENAPI} in {self:?}"))
    }

    /// Lists the names in a folder.
    pub fn list(&self, folder: &str) -> Result<Vec<String>> {
        let mut names: Vec<_> = match self {
            Self::WorkTree => {
                let entries = fs::read_dir(root().join(folder))?;
                entries.filter_map(|entry| entry.ok()?.file_name().into_string().ok()).collect()
            }
            Self::Revision(revision) => {
                let listed = git(&["ls-tree", "--name-only", revision, &format!("{folder}/")])?;
                listed
                    .lines()
                    .filter_map(|path| Some(path.rsplit_once('/')?.1.to_owned()))
                    .collect()
            }
        };
        names.sort();
        Ok(names)
    }

    /// Reads the snapshots of the generated surface.
    pub fn surface(&self) -> Result<Surface> {
        let mut surface = Surface::new();
        for folder in ["surface", "types"] {
            for file in self.list(&format!("{SNAPSHOTS}/{folder}"))? {
                let Some(name) = file.strip_suffix(".snap") else { continue };
                let text = self.read(&format!("{SNAPSHOTS}/{folder}/{file}"))?.unwrap_or_default();
                // Older snapshots begin with three lines that name their test.
                let body = text
                    .strip_prefix("---\n")
                    .and_then(|text| text.split_once("\n---\n"))
                    .map(|(_, body)| body);
                surface.insert(
                    format!("{folder}/{name}"),
                    body.unwrap_or(&text).trim_end().to_owned() + "\n",
                );
            }
        }
        ensure!(!surface.is_empty(), "there are no snapshots in {SNAPSHOTS} of {self:?}");
        Ok(surface)
    }
}
