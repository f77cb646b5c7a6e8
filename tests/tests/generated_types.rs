//! Snapshots of the generated types, one for each, so that a change of the specification shows in
//! exactly the types that it touches.

#![allow(clippy::unwrap_used)] // a test file

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::Path,
};

use creatify_api::{JobStatus, ModelVersion};
use creatify_surface::surface;
use creatify_tests::{
    document::{DOCUMENT, enums},
    rust_types::RUST_TYPES,
};

/// Returns the reviewed texts by name.
fn reviewed() -> BTreeMap<String, String> {
    let mut reviewed = BTreeMap::new();
    for folder in ["surface", "types"] {
        for file in
            fs::read_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("snapshots").join(folder))
                .unwrap()
        {
            let file = file.unwrap().path();
            let name = file.file_stem().unwrap().to_str().unwrap();
            reviewed.insert(format!("{folder}/{name}"), fs::read_to_string(&file).unwrap());
        }
    }
    reviewed
}

#[test]
fn the_generated_surface_is_as_it_was_reviewed() {
    let (reviewed, surface) = (reviewed(), surface());
    assert!(surface.len() > 20, "the generated types were not found");
    let names: BTreeSet<_> = reviewed.keys().chain(surface.keys()).collect();
    let changed: Vec<_> =
        names.into_iter().filter(|name| reviewed.get(*name) != surface.get(*name)).collect();
    assert!(changed.is_empty(), "changed, new or gone: {changed:?}; see `cargo xtask regen`");
}

#[test]
fn the_list_of_rust_types_is_complete() {
    let generated: BTreeSet<_> = surface()
        .into_keys()
        .filter_map(|name| Some(name.strip_prefix("types/")?.to_owned()))
        .collect();
    let listed: BTreeSet<_> = RUST_TYPES.iter().map(|known| known.name.to_owned()).collect();
    let open_enums = enums(&DOCUMENT).map(|(name, _)| name.to_owned()).collect();
    assert_eq!(listed, generated.union(&open_enums).cloned().collect());
}

#[test]
fn the_open_enums_know_every_value_of_the_specification() {
    let status = JobStatus::KNOWN.iter().map(JobStatus::as_str).collect();
    let models = ModelVersion::KNOWN.iter().map(ModelVersion::as_str).collect();
    assert_eq!(
        BTreeMap::<_, Vec<_>>::from([("JobStatus", status), ("ModelVersion", models)]),
        enums(&DOCUMENT).collect()
    );
}
