//! How much? Amounts of credits, what things cost, and what a submission will cost.

mod amount;
mod budget;
mod card_file;
mod duration_range;
mod estimate;
pub mod ledger;
mod mismatch;
mod plan;
mod rate_card;

pub use amount::{Credits, InvalidCredits};
pub use budget::{Budget, BudgetState, OverBudget, Reservation};
pub use card_file::InvalidRateCard;
pub use creatify_api::credit_rates::{BillableOperation, Bound, Provenance};
pub use duration_range::{DurationRange, InvalidDuration};
pub use estimate::{Assumption, CreditRange, Estimate, EstimateError};
pub use ledger::Ledger;
pub use mismatch::{Charge, Mismatch};
pub use plan::{InvalidPrice, Plan, PlanEstimate, Step, UsdPerCredit, UsdRange};
pub use rate_card::{Price, Rate, RateCard, UnknownRateCard};
