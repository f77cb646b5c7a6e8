//! The form of `x-credit-rates` and `x-plans` in `openapi.yaml`; the data is in [`RATE_CARDS`](crate::RATE_CARDS) and
//! [`PLANS`](crate::PLANS).

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::ModelVersion;

/// A named set of prices.
#[derive(Debug)]
pub struct RateCard {
    /// What users choose it by.
    pub name: &'static str,
    /// Where its prices come from.
    pub description: &'static str,
    /// Its prices.
    pub rates: &'static [Rate],
}

/// What one billable operation costs with one model.
#[derive(Debug)]
pub struct Rate {
    /// What is charged.
    pub operation: BillableOperation,
    /// The model it holds for; `None` for every model without a rate of its own.
    pub model_version: Option<ModelVersion>,
    /// How it is charged.
    pub price: Price,
    /// How this is known.
    pub provenance: Provenance,
}

/// A billable operation, as `x-billing` names it.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum BillableOperation {
    /// A preview, whether waited for or not.
    Preview,
    /// A video without a preview.
    Create,
    /// The video of a previewed job.
    Render,
}

/// How an operation is charged.
#[derive(Debug, Clone, Copy)]
pub enum Price {
    /// So many credits for every started block of the finished video.
    PerBlock {
        /// Credits for a block.
        credits: Amount,
        /// Length of a block, in seconds.
        block_seconds: u32,
    },
    /// Not known; somewhere between two sums of other rates.
    Between {
        /// The least it may be.
        min: Bound,
        /// The most it may be.
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
    /// The digits.
    pub mantissa: i64,
    /// How many of them stand behind the point.
    pub scale: u32,
}

/// How a fact is known, the surest first; `openapi.yaml` explains the marks.
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

/// A subscription, and so the price of a credit.
#[derive(Debug)]
pub struct Plan {
    /// The vendor's name for it.
    pub name: &'static str,
    /// Credits a month.
    pub credits: Amount,
    /// US dollars a month.
    pub usd_per_month: Amount,
}

impl BillableOperation {
    /// All of them.
    pub const ALL: &'static [Self] = &[Self::Preview, Self::Create, Self::Render];

    /// As `x-credit-rates` writes it.
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
    /// As `openapi.yaml` writes it.
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
