//! A change of the specification shows in exactly the types that it touches: one snapshot for each, reviewed like code.

#![allow(clippy::unwrap_used)] // a test file

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::Path,
};

use creatify_api::{
    JobStatus, ModelVersion, OperationId,
    credit_rates::{Amount, Price},
    limits,
};
use creatify_tests::{
    document::{DOCUMENT, enums},
    rust_types::RUST_TYPES,
};
use insta::{Settings, assert_snapshot};
use quote::ToTokens;
use syn::{File, ImplItem, Item, ItemMod, Visibility};

/// What is reviewed beside the types.
const SURFACE: [&str; 6] = ["methods", "JobStatus", "ModelVersion", "limits", "rate_cards", "plans"];

fn source() -> File {
    syn::parse_file(creatify_api::GENERATED_SOURCE).unwrap()
}

fn items(file: &File, module: &str) -> Vec<Item> {
    let named = |item: &&Item| matches!(item, Item::Mod(ItemMod { ident, .. }) if ident == module);
    let Some(Item::Mod(module)) = file.items.iter().find(named) else { panic!("no module {module}") };
    module.content.clone().unwrap().1
}

fn is_public(visibility: &Visibility) -> bool {
    matches!(visibility, Visibility::Public(_))
}

/// The types of the module `types`, by name.
fn generated() -> Vec<(String, Item)> {
    let public = |item: Item| match &item {
        Item::Struct(it) if is_public(&it.vis) => Some((it.ident.to_string(), item)),
        Item::Enum(it) if is_public(&it.vis) => Some((it.ident.to_string(), item)),
        _ => None,
    };
    items(&source(), "types").into_iter().filter_map(public).collect()
}

fn formatted(item: Item) -> String {
    prettyplease::unparse(&File { shebang: None, attrs: Vec::new(), items: vec![item] })
}

fn snapshots(folder: &str) -> Settings {
    let mut settings = Settings::new();
    settings.set_snapshot_path(format!("../snapshots/{folder}"));
    settings.set_prepend_module_to_snapshot(false);
    settings.set_omit_expression(true);
    settings
}

#[test]
fn every_generated_type_is_as_it_was_reviewed() {
    let types = generated();
    assert!(types.len() > 20, "the generated types were not found");
    let mut changed = Vec::new();
    for (name, item) in &types {
        let compare = || snapshots("types").bind(|| assert_snapshot!(name.as_str(), formatted(item.clone())));
        if std::panic::catch_unwind(std::panic::AssertUnwindSafe(compare)).is_err() {
            changed.push(name.as_str());
        }
    }
    assert!(changed.is_empty(), "changed or new: {}; see `cargo xtask regen`", changed.join(", "));
}

#[test]
fn no_snapshot_is_left_of_a_type_that_is_gone() {
    let types: BTreeSet<_> = generated().into_iter().map(|(name, _)| name).collect();
    let surface: BTreeSet<_> = SURFACE.map(str::to_owned).into();
    let mut gone = Vec::new();
    for (folder, there) in [("types", types), ("surface", surface)] {
        for file in fs::read_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("snapshots").join(folder)).unwrap() {
            let file = file.unwrap().file_name().into_string().unwrap();
            if file.strip_suffix(".snap").is_some_and(|name| !there.contains(name)) {
                gone.push(format!("{folder}/{file} is of a type that is gone; see `cargo xtask regen`"));
            }
        }
    }
    assert!(gone.is_empty(), "{}", gone.join("\n"));
}

#[test]
fn the_list_of_rust_types_is_complete() {
    let generated: BTreeSet<_> = generated().into_iter().map(|(name, _)| name).collect();
    let listed: BTreeSet<_> = RUST_TYPES.iter().map(|known| known.name.to_owned()).collect();
    let open_enums = enums(&DOCUMENT).map(|(name, _)| name.to_owned()).collect();
    assert_eq!(listed, generated.union(&open_enums).cloned().collect());
}

#[test]
fn the_methods_of_the_client_are_as_they_were_reviewed() {
    let source = source();
    let mut surface = String::new();
    let methods = |item: &Item, wanted: &str| match item {
        Item::Impl(it) if it.trait_.is_none() && it.self_ty.to_token_stream().to_string().split(' ').next() == Some(wanted) => {
            let public = it.items.iter().filter_map(|item| match item {
                ImplItem::Fn(method) if is_public(&method.vis) => Some(method.sig.clone()),
                _ => None,
            });
            public.collect()
        }
        _ => Vec::new(),
    };
    let builders = items(&source, "builder");
    for operation in source.items.iter().flat_map(|item| methods(item, "Client")) {
        let name = operation.ident.to_string();
        let Some(id) = OperationId::ALL.iter().find(|id| id.as_str() == name) else { continue };
        surface += &format!("{name}  {} {}\n", id.method(), id.path());
        let builder = operation.output.to_token_stream().to_string();
        let builder = builder.split("::").last().unwrap().trim().split(' ').next().unwrap().to_owned();
        for setter in builders.iter().flat_map(|item| methods(item, &builder)) {
            if setter.ident != "new" {
                let bounds = setter.generics.where_clause.as_ref().and_then(|bounds| bounds.predicates.first());
                surface += &format!("    {}: {} {}\n", setter.ident, tight(&bounds), tight(&setter.output));
            }
        }
    }
    snapshots("surface").bind(|| assert_snapshot!("methods", surface));
}

/// Tokens without the spaces between them.
fn tight(tokens: &impl ToTokens) -> String {
    tokens
        .to_token_stream()
        .to_string()
        .replace(" :: ", "::")
        .replace(" < ", "<")
        .replace(" >", ">")
        .replace(" ,", ",")
        .replace(":: ", "")
}

#[test]
fn the_open_enums_know_every_value_of_the_specification() {
    let status: Vec<_> = JobStatus::KNOWN.iter().map(JobStatus::as_str).collect();
    let models: Vec<_> = ModelVersion::KNOWN.iter().map(ModelVersion::as_str).collect();
    let known = BTreeMap::from([("JobStatus", status), ("ModelVersion", models)]);
    let mut changed = Vec::new();
    for (name, values) in &known {
        let compare = || snapshots("surface").bind(|| assert_snapshot!(*name, values.join("\n")));
        if std::panic::catch_unwind(compare).is_err() {
            changed.push(*name);
        }
    }
    assert!(changed.is_empty(), "changed or new: {}; see `cargo xtask regen`", changed.join(", "));
    assert_eq!(known, enums(&DOCUMENT).collect());
}

#[test]
fn the_limits_are_as_they_were_reviewed() {
    let limits = format!("name {}\nwebhook_url {}\nids {}", limits::NAME, limits::WEBHOOK_URL, limits::IDS);
    snapshots("surface").bind(|| assert_snapshot!("limits", limits));
}

#[test]
fn the_prices_are_as_they_were_reviewed() {
    let mut prices = String::new();
    for card in creatify_api::RATE_CARDS {
        let default = if card.name == creatify_api::DEFAULT_RATE_CARD.name { " (default)" } else { "" };
        prices += &format!("{}{default}\n", card.name);
        for rate in card.rates {
            let model = rate.model_version.as_ref().map_or("any model", ModelVersion::as_str);
            let price = match rate.price {
                Price::PerBlock { credits, block_seconds } => {
                    format!("{} / {block_seconds} s", decimal(credits))
                }
                Price::Between { min, max } => format!("{min:?} to {max:?}"),
            };
            prices += &format!("    {:8} {model:15} {price:28} {}\n", rate.operation, rate.provenance);
        }
    }
    snapshots("surface").bind(|| assert_snapshot!("rate_cards", prices));
}

#[test]
fn the_plans_are_as_they_were_reviewed() {
    let plans = creatify_api::PLANS.iter();
    let plans = plans.map(|plan| {
        format!("{:12} {} credits for {} USD a month\n", plan.name, decimal(plan.credits), decimal(plan.usd_per_month))
    });
    snapshots("surface").bind(|| assert_snapshot!("plans", plans.collect::<String>()));
}

fn decimal(Amount { mantissa, scale }: Amount) -> String {
    let digits = format!("{mantissa:0width$}", width = scale as usize + 1);
    let (whole, fraction) = digits.split_at(digits.len() - scale as usize);
    if fraction.is_empty() { whole.to_owned() } else { format!("{whole}.{fraction}") }
}
