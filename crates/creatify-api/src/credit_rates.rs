//! Types of `x-credit-rates` and `x-plans` in `openapi.yaml`. The data is in
//! [`RATE_CARDS`](crate::RATE_CARDS) and [`PLANS`](crate::PLANS).

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::ModelVersion;

/// A named set of prices.
#[derive(Debug)]
pub struct RateCard {
    /// Name by which users choose it.
    pub name: &'static str,
    /// Source of the prices.
    pub description: &'static str,
    /// Prices.
    pub rates: &'static [Rate],
}

/// The price of one billable operation with one model.
#[derive(Debug)]
pub struct Rate {
    /// Operation that is charged.
    pub operation: BillableOperation,
    /// Model that the price applies to; `None` for every model without a rate of its own.
    pub model_version: Option<ModelVersion>,
    /// Price.
    pub price: Price,
    /// Provenance of the price.
    pub provenance: Provenance,
}

/// A billable operation, as `x-billing` names it.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum BillableOperation {
    /// A preview, asynchronous or not.
    Preview,
    /// A video without a preview.
    Create,
    /// The video of a job that has a preview.
    Render,
}

/// A price.
#[derive(Debug, Clone, Copy)]
pub enum Price {
    /// A price for every started block of the finished video.
    PerBlock {
        /// Credits for one block.
        credits: Amount,
        /// Length of a block, in seconds.
        block_seconds: u32,
    },
    /// An undocumented price, between two sums of other rates.
    Between {
        /// Lower bound.
        min: Bound,
        /// Upper bound.
        max: Bound,
    },
}

/// A sum of other rates of the same card, for the same model and duration.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Bound {
    /// The create rate less the preview rate.
    CreateLessPreview,
    /// The create rate.
    Create,
}

/// An exact decimal: `mantissa` × 10^-`scale`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Amount {
    /// Digits.
    pub mantissa: i64,
    /// Number of digits behind the decimal point.
    pub scale: u32,
}

/// The provenance of a fact, the most certain first; `openapi.yaml` explains the marks.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum Provenance {
    /// Stated in the vendor's document for the asynchronous preview, which wins over the rest.
    Seed,
    /// Stated on the vendor's public reference page for that endpoint.
    Documented,
    /// Documented for a sister resource of the same API.
    Sibling,
    /// Seen in public client code that runs against the live service.
    Observed,
    /// Our reading, which may be wrong.
    Inferred,
}

/// A subscription plan of the vendor, which sets the price of a credit.
#[derive(Debug)]
pub struct Plan {
    /// Name.
    pub name: &'static str,
    /// Credits a month.
    pub credits: Amount,
    /// US dollars a month.
    pub usd_per_month: Amount,
}

impl BillableOperation {
    /// All operations.
    pub const ALL: &'static [Self] = &[Self::Preview, Self::Create, Self::Render];

    /// Returns the name in `x-credit-rates`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Preview => "preview",
            Self::Create => "create",
            Self::Render => "render",
        }
    }
}

impl std::fmt::Display for BillableOperation {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.pad(self.as_str())
    }
}

impl Provenance {
    /// Returns the mark in `openapi.yaml`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Seed => "seed",
            Self::Documented => "documented",
            Self::Sibling => "sibling",
            Self::Observed => "observed",
            Self::Inferred => "inferred",
        }
    }
}

impl std::fmt::Display for Provenance {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.pad(self.as_str())
    }
}
