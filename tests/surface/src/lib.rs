//! Public surface of the generated code as text to be reviewed: each type, the methods, the values
//! of enums, limits, prices and plans.

#![allow(clippy::expect_used, clippy::panic)] // for tests and maintenance only

use std::collections::BTreeMap;

use creatify_api::{
    JobStatus, ModelVersion, OperationId,
    credit_rates::{Amount, Price},
    limits,
};
use quote::ToTokens;
use syn::{File, ImplItem, Item, ItemMod, Signature, Visibility};

/// Returns the texts by the name of their snapshot, such as `types/CustomTemplateJob`.
pub fn surface() -> BTreeMap<String, String> {
    let status: Vec<_> = JobStatus::KNOWN.iter().map(JobStatus::as_str).collect();
    let models: Vec<_> = ModelVersion::KNOWN.iter().map(ModelVersion::as_str).collect();
    let source =
        syn::parse_file(creatify_api::GENERATED_SOURCE).expect("the generated code parses");
    let others = [
        ("JobStatus", status.join("\n")),
        ("ModelVersion", models.join("\n")),
        (
            "limits",
            format!(
                "name {}\nwebhook_url {}\nids {}",
                limits::NAME,
                limits::WEBHOOK_URL,
                limits::IDS
            ),
        ),
        ("methods", methods(&source)),
        ("plans", plans()),
        ("rate_cards", rate_cards()),
    ];
    let others = others.into_iter().map(|(name, text)| (format!("surface/{name}"), text));
    let types =
        types(&source).into_iter().map(|(name, item)| (format!("types/{name}"), formatted(item)));
    types.chain(others).map(|(name, text)| (name, text.trim_end().to_owned() + "\n")).collect()
}

fn items(file: &File, module: &str) -> Vec<Item> {
    let named = |item: &&Item| matches!(item, Item::Mod(ItemMod { ident, .. }) if ident == module);
    let Some(Item::Mod(module)) = file.items.iter().find(named) else {
        panic!("no module {module}")
    };
    module.content.clone().expect("the generated modules are not in files of their own").1
}

fn is_public(visibility: &Visibility) -> bool {
    matches!(visibility, Visibility::Public(_))
}

/// Returns the types of the module `types`, by name.
fn types(source: &File) -> Vec<(String, Item)> {
    let public = |item: Item| match &item {
        Item::Struct(it) if is_public(&it.vis) => Some((it.ident.to_string(), item)),
        Item::Enum(it) if is_public(&it.vis) => Some((it.ident.to_string(), item)),
        _ => None,
    };
    items(source, "types").into_iter().filter_map(public).collect()
}

fn formatted(item: Item) -> String {
    prettyplease::unparse(&File { shebang: None, attrs: Vec::new(), items: vec![item] })
}

/// Returns each operation with the methods of its builder.
fn methods(source: &File) -> String {
    let mut text = String::new();
    let builders = items(source, "builder");
    for operation in source.items.iter().flat_map(|item| public_methods(item, "Client")) {
        let name = operation.ident.to_string();
        let Some(id) = OperationId::ALL.iter().find(|id| id.as_str() == name) else { continue };
        text += &format!("{name}  {} {}\n", id.method(), id.path());
        let builder = operation.output.to_token_stream().to_string();
        let builder = builder
            .split("::")
            .last()
            .and_then(|last| last.split_whitespace().next())
            .unwrap_or_default();
        for setter in builders.iter().flat_map(|item| public_methods(item, builder)) {
            if setter.ident != "new" {
                let bounds = setter
                    .generics
                    .where_clause
                    .as_ref()
                    .and_then(|bounds| bounds.predicates.first());
                text += &format!(
                    "    {}: {} {}\n",
                    setter.ident,
                    tight(&bounds),
                    tight(&setter.output)
                );
            }
        }
    }
    text
}

/// Returns the signatures of an inherent `impl` of this type.
fn public_methods(item: &Item, of: &str) -> Vec<Signature> {
    match item {
        Item::Impl(it)
            if it.trait_.is_none()
                && it.self_ty.to_token_stream().to_string().split(' ').next() == Some(of) =>
        {
            let public = it.items.iter().filter_map(|item| match item {
                ImplItem::Fn(method) if is_public(&method.vis) => Some(method.sig.clone()),
                _ => None,
            });
            public.collect()
        }
        _ => Vec::new(),
    }
}

/// Returns tokens without the spaces between them.
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

fn rate_cards() -> String {
    let mut text = String::new();
    for card in creatify_api::RATE_CARDS {
        let default =
            if card.name == creatify_api::DEFAULT_RATE_CARD.name { " (default)" } else { "" };
        text += &format!("{}{default}\n", card.name);
        for rate in card.rates {
            let model = rate.model_version.as_ref().map_or("any model", ModelVersion::as_str);
            let price = match rate.price {
                Price::PerBlock { credits, block_seconds } => {
                    format!("{} / {block_seconds} s", decimal(credits))
                }
                Price::Between { min, max } => format!("{min:?} to {max:?}"),
            };
            text +=
                &format!("    {:8} {model:15} {price:28} {}\n", rate.operation, rate.provenance);
        }
    }
    text
}

fn plans() -> String {
    let plans = creatify_api::PLANS.iter();
    let plans = plans.map(|plan| {
        format!(
            "{:12} {} credits for {} USD a month\n",
            plan.name,
            decimal(plan.credits),
            decimal(plan.usd_per_month)
        )
    });
    plans.collect()
}

fn decimal(Amount { mantissa, scale }: Amount) -> String {
    let digits = format!("{mantissa:0width$}", width = scale as usize + 1);
    let (whole, fraction) = digits.split_at(digits.len() - scale as usize);
    if fraction.is_empty() { whole.to_owned() } else { format!("{whole}.{fraction}") }
}
