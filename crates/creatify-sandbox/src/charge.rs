//! Charges: the credits of one call.
//!
//! This code is not shared with the client's estimate on purpose: two implementations of the same
//! price list find each other's mistakes.

use std::time::Duration;

use creatify_api::{
    ModelVersion,
    credit_rates::{BillableOperation, Price, RateCard},
};
use rust_decimal::Decimal;

/// Returns the credits for a video of this duration, or `None` when the card has no price for it.
///
/// Aurora renders have no published price: they cost a create less its preview.
pub(crate) fn charge(
    card: &RateCard,
    operation: BillableOperation,
    model: &ModelVersion,
    duration: Duration,
) -> Option<Decimal> {
    let of_operation = || card.rates.iter().filter(|rate| rate.operation == operation);
    let rate = of_operation()
        .find(|rate| rate.model_version.as_ref() == Some(model))
        .or_else(|| of_operation().find(|rate| rate.model_version.is_none()))?;
    match rate.price {
        Price::PerBlock { credits, block_seconds } => {
            let started =
                duration.as_nanos().div_ceil(Duration::from_secs(block_seconds.into()).as_nanos());
            Some(
                Decimal::new(credits.mantissa, credits.scale)
                    * Decimal::from(u64::try_from(started).ok()?),
            )
        }
        Price::Between { .. } => {
            let create = charge(card, BillableOperation::Create, model, duration)?;
            Some(create - charge(card, BillableOperation::Preview, model, duration)?)
        }
    }
}

#[cfg(test)]
mod tests {
    use creatify_api::RATE_CARDS;

    use super::*;

    fn price(
        card: &str,
        operation: BillableOperation,
        model: ModelVersion,
        seconds: u64,
    ) -> String {
        let card = RATE_CARDS.iter().find(|known| known.name == card).unwrap();
        charge(card, operation, &model, Duration::from_secs(seconds))
            .unwrap()
            .normalize()
            .to_string()
    }

    #[test]
    fn prices_match_the_published_table() {
        use BillableOperation::{Create, Preview, Render};
        use ModelVersion::{AuroraV1, AuroraV1Fast, Standard};
        for (card, operation, model, seconds, credits) in [
            ("blocks", Preview, Standard, 1, "1"),
            ("blocks", Preview, Standard, 30, "1"),
            ("blocks", Preview, AuroraV1, 31, "2"),
            ("blocks", Create, Standard, 28, "5"),
            ("blocks", Create, Standard, 60, "10"),
            ("blocks", Create, AuroraV1, 15, "20"),
            ("blocks", Create, AuroraV1, 16, "40"),
            ("blocks", Create, AuroraV1Fast, 28, "20"),
            ("blocks", Render, Standard, 45, "8"),
            ("blocks", Render, AuroraV1, 28, "39"),
            ("per-second", Create, AuroraV1, 28, "28"),
            ("per-second", Create, AuroraV1Fast, 15, "7.5"),
            ("per-second", Render, AuroraV1Fast, 15, "6.5"),
        ] {
            assert_eq!(
                price(card, operation, model.clone(), seconds),
                credits,
                "{card} {operation} {model} {seconds} s"
            );
        }
    }

    #[test]
    fn every_card_prices_every_operation_and_model() {
        for card in RATE_CARDS {
            for operation in BillableOperation::ALL {
                for model in ModelVersion::KNOWN {
                    assert!(
                        charge(card, *operation, model, Duration::from_secs(6)).is_some(),
                        "{} {operation} {model}",
                        card.name
                    );
                }
            }
        }
    }
}
