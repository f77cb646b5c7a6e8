//! Credits: exact amounts, prices, estimates, and comparisons with what was charged.
//!
//! ```
//! use creatify::{ModelVersion, credits::{BillableOperation, RateCard}};
//!
//! let card = RateCard::default();
//! let estimate = card.estimate(BillableOperation::Create, &ModelVersion::Standard, 20..=45, 1)?;
//! assert_eq!(estimate.credits.in_words(), "5 to 10 credits");
//! # Ok::<(), creatify::credits::EstimateError>(())
//! ```

mod amount;
mod blocks;
mod card_file;
mod duration_range;
mod estimate;
mod mismatch;
mod plan;
mod rate_card;

pub use amount::{Credits, InvalidCredits};
pub use card_file::InvalidRateCard;
pub use creatify_api::credit_rates::{BillableOperation, Bound, Provenance};
pub use duration_range::{DurationRange, InvalidDuration};
pub use estimate::{Assumption, CreditRange, Estimate, EstimateError};
pub use mismatch::{Charge, Mismatch};
pub use plan::{InvalidPrice, Plan, PlanEstimate, Step, UsdPerCredit, UsdRange};
pub use rate_card::{Price, Rate, RateCard, UnknownRateCard};
