//! Cost of several submissions together, in credits and US dollars. Pure and exact.

use std::{fmt, num::NonZeroU32};

use creatify_api::{ModelVersion, PLANS};
use rust_decimal::{Decimal, RoundingStrategy};
use serde::{Deserialize, Serialize};

use super::{
    BillableOperation, CreditRange, Credits, DurationRange, Estimate, EstimateError, Provenance,
    RateCard,
};

/// Several submissions, such as "preview all, render some".
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct Plan {
    /// Submissions of the plan.
    pub steps: Vec<Step>,
}

/// Equal submissions in a plan.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct Step {
    /// Operation that is charged.
    pub operation: BillableOperation,
    /// Model of the videos.
    #[serde(default = "standard")]
    pub model_version: ModelVersion,
    /// Duration of each video, in seconds.
    pub seconds: DurationRange,
    /// Number of jobs to choose from.
    #[serde(default = "one")]
    pub count: u32,
    /// Percentage of them to submit, rounded up; all unless set.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub percent: Option<NonZeroU32>,
}

fn standard() -> ModelVersion {
    ModelVersion::Standard
}

fn one() -> u32 {
    1
}

/// The estimated cost of a plan.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct PlanEstimate {
    /// Cost of each step.
    pub steps: Vec<Estimate>,
    /// Cost of all steps together.
    pub credits: CreditRange,
    /// Provenance of the least certain price used.
    pub basis: Option<Provenance>,
}

/// The price of a credit in US dollars, exact.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct UsdPerCredit(Decimal);

/// A range of US dollars, exact. Shown to the cent: `$9.50`, `$5.15 to $8.32`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct UsdRange {
    /// Lowest amount.
    pub min: Decimal,
    /// Highest amount.
    pub max: Decimal,
}

impl fmt::Display for UsdRange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let cents = |usd: Decimal| usd.round_dp_with_strategy(2, RoundingStrategy::AwayFromZero);
        let (min, max) = (cents(self.min), cents(self.max));
        if min == max { write!(f, "${max:.2}") } else { write!(f, "${min:.2} to ${max:.2}") }
    }
}

/// Error for a text that is not the price of a credit.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum InvalidPrice {
    /// The text is not a decimal from 0.
    #[error("`{0}` is not a price in US dollars: write a plain decimal such as 0.15")]
    NotAPrice(String),
    /// The vendor has no plan with this name.
    #[error("there is no plan `{0}`; the known plans are {1}")]
    UnknownPlan(String, String),
}

impl Step {
    /// Creates a step of one submission for a video of this duration.
    pub fn new(operation: BillableOperation, seconds: impl Into<DurationRange>) -> Self {
        Self {
            operation,
            model_version: standard(),
            seconds: seconds.into(),
            count: 1,
            percent: None,
        }
    }

    /// Returns the number of submissions.
    pub fn submissions(&self) -> u32 {
        let percent = self.percent.map_or(100, NonZeroU32::get);
        let submissions = (u64::from(self.count) * u64::from(percent)).div_ceil(100);
        u32::try_from(submissions).unwrap_or(u32::MAX)
    }
}

impl Plan {
    /// Creates a plan of these steps.
    pub fn new(steps: impl IntoIterator<Item = Step>) -> Self {
        Self { steps: steps.into_iter().collect() }
    }

    /// Estimates the cost by a rate card. Offline and free.
    ///
    /// # Errors
    ///
    /// When the card has no rate for a step, or the amount is too large to hold.
    ///
    /// ```
    /// use creatify::credits::{BillableOperation, Plan, RateCard, Step, UsdPerCredit};
    ///
    /// let preview = Step::new(BillableOperation::Preview, 20..=30);
    /// let render = Step::new(BillableOperation::Render, 20..=30);
    /// let estimate = Plan::new([preview, render]).estimate(&RateCard::default())?;
    /// assert_eq!(estimate.credits.in_words(), "5 credits");
    /// let usd = UsdPerCredit::of_plan("API Starter")?.price(estimate.credits);
    /// assert_eq!(usd.map(|usd| usd.to_string()).as_deref(), Some("$0.99"));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn estimate(&self, card: &RateCard) -> Result<PlanEstimate, EstimateError> {
        let mut credits = CreditRange::ZERO;
        let mut steps = Vec::with_capacity(self.steps.len());
        for step in &self.steps {
            let estimate = card.estimate(
                step.operation,
                &step.model_version,
                step.seconds,
                step.submissions(),
            )?;
            credits.min =
                credits.min.checked_add(estimate.credits.min).ok_or(EstimateError::Overflow)?;
            credits.max =
                credits.max.checked_add(estimate.credits.max).ok_or(EstimateError::Overflow)?;
            steps.push(estimate);
        }
        let basis = steps.iter().map(|estimate| estimate.basis).max();
        Ok(PlanEstimate { steps, credits, basis })
    }
}

impl UsdPerCredit {
    /// Returns the price of a credit in a plan of the vendor, such as `API Starter`.
    ///
    /// # Errors
    ///
    /// When there is no such plan; the error lists the known ones.
    pub fn of_plan(name: &str) -> Result<Self, InvalidPrice> {
        let plan =
            PLANS.iter().find(|plan| plan.name.eq_ignore_ascii_case(name)).ok_or_else(|| {
                let known: Vec<_> = PLANS.iter().map(|plan| plan.name).collect();
                InvalidPrice::UnknownPlan(name.to_owned(), known.join(", "))
            })?;
        let decimal = |amount: creatify_api::credit_rates::Amount| {
            Decimal::new(amount.mantissa, amount.scale)
        };
        let price = decimal(plan.usd_per_month).checked_div(decimal(plan.credits));
        price.map(Self).ok_or_else(|| InvalidPrice::NotAPrice(name.to_owned()))
    }

    /// Converts credits to US dollars; `None` when the amount is too large to hold.
    pub fn price(self, credits: CreditRange) -> Option<UsdRange> {
        let price =
            |credits: Credits| credits.as_decimal().checked_mul(self.0).map(|usd| usd.normalize());
        Some(UsdRange { min: price(credits.min)?, max: price(credits.max)? })
    }
}

impl std::str::FromStr for UsdPerCredit {
    type Err = InvalidPrice;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match Decimal::from_str_exact(text.trim()) {
            Ok(price) if price >= Decimal::ZERO => Ok(Self(price)),
            _ => Err(InvalidPrice::NotAPrice(text.to_owned())),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn the_steps_of_a_plan_are_added_up() {
        let thirty = Duration::from_secs(30);
        let preview = Step { count: 10, ..Step::new(BillableOperation::Preview, thirty) };
        let render = Step {
            count: 10,
            percent: NonZeroU32::new(40),
            ..Step::new(BillableOperation::Render, thirty)
        };
        let estimate = Plan::new([preview, render]).estimate(&RateCard::default()).unwrap();
        assert_eq!(estimate.credits.max, 26.into()); // 10 × 1 + 4 × 4
        assert_eq!(estimate.basis, Some(Provenance::Documented));
    }

    #[test]
    fn a_percentage_is_rounded_up_to_whole_submissions() {
        let step = |count, percent| Step {
            count,
            percent: NonZeroU32::new(percent),
            ..Step::new(BillableOperation::Preview, Duration::ZERO)
        };
        assert_eq!(step(10, 35).submissions(), 4);
        assert_eq!(step(1, 1).submissions(), 1);
        assert_eq!(step(0, 50).submissions(), 0);
        assert_eq!(step(u32::MAX, 1000).submissions(), u32::MAX);
    }

    #[test]
    fn dollars_are_shown_to_the_cent_rounded_up() {
        let usd = |min: &str, max: &str| {
            UsdRange { min: min.parse().unwrap(), max: max.parse().unwrap() }.to_string()
        };
        assert_eq!(usd("9.5", "9.5"), "$9.50");
        assert_eq!(usd("5.148", "8.316"), "$5.15 to $8.32");
        assert_eq!(usd("0", "0.00001"), "$0.00 to $0.01");
        assert_eq!(usd("1.495", "1.4951"), "$1.50");
    }

    #[test]
    fn dollars_are_exact() {
        let estimate = RateCard::default()
            .estimate(
                BillableOperation::Create,
                &ModelVersion::Standard,
                Duration::from_secs(60),
                1,
            )
            .unwrap();
        let usd = |price: UsdPerCredit| price.price(estimate.credits).unwrap().max.to_string();
        assert_eq!(usd(UsdPerCredit::of_plan("API Starter").unwrap()), "1.98"); // 0.198 a credit
        assert_eq!(usd(UsdPerCredit::of_plan("api pro").unwrap()), "1.495"); // 0.1495 a credit
        assert_eq!(usd("0.1".parse().unwrap()), "1");
        assert!(UsdPerCredit::of_plan("Gold").unwrap_err().to_string().contains("API Pro"));
        assert!("-1".parse::<UsdPerCredit>().is_err());
    }
}
