//! Generation of Rust items for enum values, operations, limits, rate cards and plans.

use std::collections::BTreeMap;

use proc_macro2::{Ident, Span, TokenStream};
use quote::{format_ident, quote};
use serde_json::Value;

use crate::spec::{StringEnum, operations_mut, schemas, text};

pub fn tokens(document: &Value, enums: &[StringEnum]) -> TokenStream {
    let enums = enums.iter().map(open_enum);
    let operations = operations(document);
    let limits = limits(document);
    let rates = credit_rates(&document["x-credit-rates"]);
    let plans = plans(&document["x-plans"]);
    quote! { #(#enums)* #operations #limits #rates #plans }
}

fn open_enum(string_enum: &StringEnum) -> TokenStream {
    let StringEnum { name, description, values } = string_enum;
    let name = ident(name);
    let variants = values.iter().map(|value| {
        let variant = variant(value);
        quote!(#variant = #value)
    });
    quote! { crate::open_enum::open_enum! { #[doc = #description] #name { #(#variants),* } } }
}

/// Generates the enum of operations, with the method, path and price of each.
fn operations(document: &Value) -> TokenStream {
    let (mut variants, mut docs, mut ids, mut methods, mut paths, mut billings) =
        (vec![], vec![], vec![], vec![], vec![], vec![]);
    for (path, item) in document["paths"].as_object().expect("paths is an object") {
        for (method, operation) in item.as_object().expect("a path item is an object") {
            let Some(id) = operation["operationId"].as_str() else { continue };
            variants.push(variant(id));
            docs.push(format!(
                "{}: `{} {path}`",
                text(operation, "summary"),
                method.to_uppercase()
            ));
            ids.push(id);
            methods.push(ident(&method.to_uppercase()));
            paths.push(path);
            billings.push(match text(operation, "x-billing") {
                "free" => quote!(None),
                rate => {
                    let rate = variant(rate);
                    quote!(Some(crate::credit_rates::BillableOperation::#rate))
                }
            });
        }
    }
    quote! {
        #[doc = "The operations of `openapi.yaml`."]
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        #[non_exhaustive]
        pub enum OperationId { #(#[doc = #docs] #variants),* }

        impl OperationId {
            #[doc = "All operations."]
            pub const ALL: &'static [Self] = &[#(Self::#variants),*];
            #[doc = "Returns the `operationId`."]
            pub const fn as_str(self) -> &'static str {
                match self { #(Self::#variants => #ids),* }
            }
            #[doc = "Returns the HTTP method."]
            pub const fn method(self) -> ::http::Method {
                match self { #(Self::#variants => ::http::Method::#methods),* }
            }
            #[doc = "Returns the path, with parameters in braces."]
            pub const fn path(self) -> &'static str {
                match self { #(Self::#variants => #paths),* }
            }
            #[doc = "Returns the operation by which it is charged; `None` when it is free."]
            pub const fn billing(self) -> Option<crate::credit_rates::BillableOperation> {
                match self { #(Self::#variants => #billings),* }
            }
        }

        impl std::fmt::Display for OperationId {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.pad(self.as_str())
            }
        }
    }
}

/// Generates the maximum lengths of strings and lists in a request, by the name of the field or
/// parameter.
fn limits(document: &Value) -> TokenStream {
    let mut limits = BTreeMap::new();
    let mut add = |name: &str, limit: &Value, what: &str| {
        let Some(limit) = limit.as_u64() else { return };
        let entry = (limit as usize, what.to_owned());
        let before = limits.insert(name.to_uppercase(), entry.clone());
        assert!(before.is_none_or(|before| before == entry), "two different limits for {name}");
    };
    for schema in schemas(document).values() {
        for (name, property) in schema["properties"].as_object().into_iter().flatten() {
            add(name, &property["maxLength"], "characters");
        }
    }
    for operation in operations_mut(&mut document.clone()) {
        for parameter in operation.get("parameters").and_then(Value::as_array).into_iter().flatten()
        {
            add(text(parameter, "name"), &parameter["schema"]["maxItems"], "items");
        }
    }
    let constants = limits.iter().map(|(name, (limit, what))| {
        let doc = format!("Maximum number of {what} in `{}`.", name.to_lowercase());
        let name = ident(name);
        quote! { #[doc = #doc] pub const #name: usize = #limit; }
    });
    quote! {
        #[doc = "Limits of `openapi.yaml` for requests."]
        pub mod limits { #(#constants)* }
    }
}

fn credit_rates(rates: &Value) -> TokenStream {
    let default = text(rates, "default");
    let cards = rates["cards"].as_object().expect("x-credit-rates.cards is an object");
    let position =
        cards.keys().position(|name| name == default).expect("x-credit-rates.default names a card");
    let cards = cards.iter().map(|(name, card)| {
        let description = text(card, "description");
        let rates = card["rates"].as_array().expect("a card has rates").iter().map(rate);
        quote! { RateCard { name: #name, description: #description, rates: &[#(#rates),*] } }
    });
    quote! {
        #[doc = "Rate cards of `x-credit-rates`, in the order of their names."]
        pub static RATE_CARDS: &[crate::credit_rates::RateCard] = {
            use crate::credit_rates::{
                Amount, BillableOperation, Bound, Price, Provenance, Rate, RateCard,
            };
            &[#(#cards),*]
        };
        #[doc = "Rate card that applies unless another is chosen."]
        pub static DEFAULT_RATE_CARD: &crate::credit_rates::RateCard = &RATE_CARDS[#position];
    }
}

fn rate(rate: &Value) -> TokenStream {
    let operation = variant(text(rate, "operation"));
    let provenance = variant(text(rate, "provenance"));
    let model_version = match rate["model_version"].as_str() {
        Some(model) => {
            let model = variant(model);
            quote!(Some(crate::ModelVersion::#model))
        }
        None => quote!(None),
    };
    let price = match rate["between"].as_array() {
        Some(bounds) => {
            let bounds: Vec<_> = bounds
                .iter()
                .map(|bound| variant(bound.as_str().expect("a bound is a name")))
                .collect();
            let [min, max] = bounds.as_slice() else { panic!("`between` has two bounds") };
            quote!(Price::Between { min: Bound::#min, max: Bound::#max })
        }
        None => {
            let amount = amount(&rate["credits"]);
            let block_seconds =
                rate["block_seconds"].as_u64().expect("a rate has block_seconds") as u32;
            quote!(Price::PerBlock { credits: #amount, block_seconds: #block_seconds })
        }
    };
    quote! {
        Rate {
            operation: BillableOperation::#operation,
            model_version: #model_version,
            price: #price,
            provenance: Provenance::#provenance,
        }
    }
}

fn plans(plans: &Value) -> TokenStream {
    let plans = plans.as_array().expect("x-plans is a list").iter().map(|plan| {
        let name = text(plan, "name");
        let credits = amount(&plan["credits"]);
        let usd_per_month = amount(&plan["usd_per_month"]);
        quote! {
            crate::credit_rates::Plan {
                name: #name,
                credits: #credits,
                usd_per_month: #usd_per_month,
            }
        }
    });
    quote! {
        #[doc = "Plans of `x-plans`."]
        pub static PLANS: &[crate::credit_rates::Plan] = {
            use crate::credit_rates::Amount;
            &[#(#plans),*]
        };
    }
}

/// Generates an exact decimal from the digits in the document.
fn amount(number: &Value) -> TokenStream {
    let digits = number.as_number().expect("an amount is a number").to_string();
    let (whole, fraction) = digits.split_once('.').unwrap_or((&digits, ""));
    let mantissa: i64 = format!("{whole}{fraction}").parse().expect("an amount is a plain decimal");
    let scale = fraction.len() as u32;
    quote!(Amount { mantissa: #mantissa, scale: #scale })
}

/// Returns `AuroraV1Fast` for `aurora_v1_fast`.
fn variant(value: &str) -> Ident {
    let camel: String = value
        .split(['_', '-'])
        .map(|word| {
            word.chars()
                .take(1)
                .flat_map(char::to_uppercase)
                .chain(word.chars().skip(1))
                .collect::<String>()
        })
        .collect();
    format_ident!("{camel}")
}

fn ident(name: &str) -> Ident {
    Ident::new(name, Span::call_site())
}
