//! Build script: generates the client, the open enums, the limits and the rate cards from
//! `openapi.yaml`.
//!
//! `codegen.rs` is progenitor's output, `spec_data.rs` the rest. Both are formatted for snapshots
//! and readers.

// A build script reports by panicking and printing.
#![allow(clippy::expect_used, clippy::unwrap_used, clippy::print_stdout)]

mod for_progenitor;
mod spec;
mod spec_data;

use std::{env, fs, path::Path};

use proc_macro2::TokenStream;
use progenitor::{GenerationSettings, Generator, HooksMode, InterfaceStyle, TypeImpl};
use quote::quote;

fn main() {
    let root = env::var("CARGO_MANIFEST_DIR").expect("cargo sets CARGO_MANIFEST_DIR");
    let path = Path::new(&root).join("openapi.yaml");
    println!("cargo::rerun-if-changed=build");
    println!("cargo::rerun-if-changed={}", path.display());

    let text = fs::read_to_string(&path).expect("openapi.yaml is readable");
    let document: serde_json::Value =
        serde_saphyr::from_str(&text).unwrap_or_else(|error| panic!("openapi.yaml: {error}"));
    let enums = spec::string_enums(&document);

    let out = env::var("OUT_DIR").expect("cargo sets OUT_DIR");
    let write = |name: &str, tokens: TokenStream| {
        let file =
            syn::parse2(tokens).unwrap_or_else(|error| panic!("{name} does not parse: {error}"));
        fs::write(Path::new(&out).join(name), prettyplease::unparse(&file))
            .expect("OUT_DIR is writable");
    };
    write(
        "codegen.rs",
        client(for_progenitor::adapt(document.clone()), &enums, &spec::numbers(&document)),
    );
    write("spec_data.rs", spec_data::tokens(&document, &enums));
}

/// Generates the client and its types with progenitor.
fn client(
    document: serde_json::Value,
    enums: &[spec::StringEnum],
    numbers: &[String],
) -> TokenStream {
    let mut settings = GenerationSettings::default();
    settings
        .with_interface(InterfaceStyle::Builder)
        .with_hooks(HooksMode::Expected)
        .with_inner_type(quote!(crate::Context))
        .with_map_type("::std::collections::BTreeMap") // the same request has the same bytes
        .with_derive("schemars::JsonSchema");
    for number in numbers {
        // Keeps the digits: 28 does not become 28.0, and amounts of money can be exact decimals.
        settings.with_replacement(number, "::serde_json::Number", [TypeImpl::Display].into_iter());
    }
    for string_enum in enums {
        settings.with_replacement(
            &string_enum.name,
            format!("crate::{}", string_enum.name),
            [TypeImpl::Display, TypeImpl::FromStr].into_iter(),
        );
    }
    let api = serde_json::from_value(document).expect("openapi.yaml is an OpenAPI 3.0 document");
    Generator::new(&settings)
        .generate_tokens(&api)
        .unwrap_or_else(|error| panic!("progenitor: {error}"))
}
