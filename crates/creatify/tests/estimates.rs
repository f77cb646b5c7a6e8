//! Estimates are exact, agree with the seed's sentences and with a count made block by block.

#![allow(clippy::unwrap_used)] // a test file

use std::time::Duration;

use creatify::{
    ModelVersion,
    credits::{
        BillableOperation, Bound, Credits, DurationRange, EstimateError, Price, Provenance,
        RateCard,
    },
};
use proptest::prelude::*;

fn most(
    card: &RateCard,
    operation: BillableOperation,
    model: &ModelVersion,
    duration: Duration,
) -> Credits {
    let estimate = card.estimate(operation, model, duration, 1).unwrap();
    estimate.credits.max
}

fn credits(text: &str) -> Credits {
    text.parse().unwrap()
}

/// The vendor's own sentences, each with what it speaks of.
const SEED: [(&str, BillableOperation, ModelVersion); 4] = [
    (
        "Generating a preview through this endpoint costs 1 credit for every 30 seconds.",
        BillableOperation::Preview,
        ModelVersion::Standard,
    ),
    (
        "Standard model costs 5 credits per 30 seconds video",
        BillableOperation::Create,
        ModelVersion::Standard,
    ),
    (
        "Aurora_v1 model costs 20 credits per 15 seconds video",
        BillableOperation::Create,
        ModelVersion::AuroraV1,
    ),
    (
        "renders faster with lower quality for 10 credits per 15 seconds video",
        BillableOperation::Create,
        ModelVersion::AuroraV1Fast,
    ),
];

/// The price and the seconds that a sentence names.
fn numbers(sentence: &str) -> (u32, u64) {
    let numbers: Vec<u64> =
        sentence.split_whitespace().filter_map(|word| word.parse().ok()).collect();
    let [credits, seconds] = numbers[..] else { panic!("not a price: {sentence}") };
    (u32::try_from(credits).unwrap(), seconds)
}

#[test]
fn the_default_card_says_what_the_seed_says() {
    let card = RateCard::default();
    let seconds = [0, 1, 14, 15, 16, 29, 30, 31, 45, 60, 61, 3600];
    for (sentence, operation, model) in SEED {
        let (price, block) = numbers(sentence);
        for seconds in seconds {
            let mut blocks = 0; // counted, not divided
            while u64::from(blocks) * block < seconds {
                blocks += 1;
            }
            let expected = Credits::from(price * blocks);
            assert_eq!(
                most(&card, operation, &model, Duration::from_secs(seconds)),
                expected,
                "{operation} {model} {seconds} s"
            );
        }
        assert_eq!(card.rate(operation, &model).unwrap().provenance, Provenance::Seed);
    }
    let just_over = Duration::from_millis(30_001);
    assert_eq!(
        most(&card, BillableOperation::Preview, &ModelVersion::Standard, just_over),
        credits("2")
    );
    assert_eq!(
        most(&card, BillableOperation::Render, &ModelVersion::Standard, Duration::from_secs(60)),
        credits("8")
    );
}

#[test]
fn the_card_of_the_public_pages_charges_by_the_second() {
    let card = RateCard::named("per-second").unwrap();
    let cost = |model, seconds| {
        most(&card, BillableOperation::Create, &model, Duration::from_secs_f64(seconds))
    };
    assert_eq!(cost(ModelVersion::AuroraV1, 31.0), credits("31"));
    assert_eq!(cost(ModelVersion::AuroraV1Fast, 31.0), credits("15.5"));
    assert_eq!(cost(ModelVersion::AuroraV1Fast, 30.5), credits("15.5"));
    assert_eq!(cost(ModelVersion::Standard, 31.0), credits("10"));
}

#[test]
fn an_undocumented_render_is_a_range_and_says_so() {
    let estimate = RateCard::default()
        .estimate(BillableOperation::Render, &ModelVersion::AuroraV1, Duration::from_secs(45), 1)
        .unwrap();
    assert_eq!((estimate.credits.min, estimate.credits.max), (credits("58"), credits("60")));
    assert_eq!(estimate.basis, Provenance::Inferred);
}

#[test]
fn what_cannot_be_estimated_is_an_error_never_a_guess() {
    let card = RateCard::default();
    let unknown =
        card.estimate(BillableOperation::Create, &"aurora_v9".into(), Duration::from_secs(1), 1);
    assert!(matches!(unknown, Err(EstimateError::NoRate { .. })));
    let huge =
        card.estimate(BillableOperation::Create, &ModelVersion::Standard, Duration::MAX, u32::MAX);
    assert!(huge.is_ok() || huge == Err(EstimateError::Overflow)); // 28 digits hold it
    let nanosecond_blocks = card.estimate(
        BillableOperation::Render,
        &ModelVersion::AuroraV1,
        Duration::ZERO..=Duration::MAX,
        u32::MAX,
    );
    assert!(nanosecond_blocks.is_ok() || nanosecond_blocks == Err(EstimateError::Overflow));
}

fn any_card() -> impl Strategy<Value = RateCard> {
    proptest::sample::select(RateCard::known())
}

fn any_model() -> impl Strategy<Value = ModelVersion> {
    proptest::sample::select(ModelVersion::KNOWN)
}

fn any_operation() -> impl Strategy<Value = BillableOperation> {
    proptest::sample::select(BillableOperation::ALL)
}

/// Up to ten minutes, to the nanosecond, often just around a whole second.
fn any_duration() -> impl Strategy<Value = Duration> {
    let around = (0u64..600, prop_oneof![Just(0u32), Just(1), Just(999_999_999)])
        .prop_map(|(s, n)| Duration::new(s, n));
    prop_oneof![around, (0u64..600_000_000_000).prop_map(Duration::from_nanos)]
}

proptest! {
    #[test]
    fn the_least_is_never_above_the_most(card in any_card(), operation in any_operation(), model in any_model(), a in any_duration(), b in any_duration(), count in 0u32..1000) {
        let estimate = card.estimate(operation, &model, a..=b, count).unwrap();
        prop_assert!(estimate.credits.min <= estimate.credits.max);
    }

    #[test]
    fn the_most_grows_with_duration_and_count(card in any_card(), operation in any_operation(), model in any_model(), a in any_duration(), more in any_duration(), count in 0u32..1000, extra in 0u32..1000) {
        let most = |duration: Duration, count| card.estimate(operation, &model, duration, count).unwrap().credits.max;
        prop_assert!(most(a, count) <= most(a + more, count));
        prop_assert!(most(a, count) <= most(a, count + extra));
    }

    /// The least of a price per block grows too. The least of `create - preview` does not: it falls where a preview block starts.
    #[test]
    fn the_least_grows_with_duration_where_there_is_a_price(card in any_card(), operation in any_operation(), model in any_model(), a in any_duration(), more in any_duration()) {
        if let Price::PerBlock { .. } = card.rate(operation, &model).unwrap().price {
            let least = |duration: Duration| card.estimate(operation, &model, duration, 1).unwrap().credits.min;
            prop_assert!(least(a) <= least(a + more));
        }
    }

    #[test]
    fn a_range_holds_the_estimate_of_every_duration_in_it(card in any_card(), operation in any_operation(), model in any_model(), a in any_duration(), b in any_duration(), at in 0.0f64..1.0) {
        let range = DurationRange::from(a..=b);
        let inside = range.min() + (range.max() - range.min()).mul_f64(at).min(range.max() - range.min());
        let of_range = card.estimate(operation, &model, range, 1).unwrap().credits;
        let of_one = card.estimate(operation, &model, inside, 1).unwrap().credits;
        prop_assert!(of_range.min <= of_one.min && of_one.max <= of_range.max, "{of_range} {of_one}");
    }

    #[test]
    fn preview_and_render_cost_what_create_costs(card in any_card(), duration in any_duration()) {
        let model = ModelVersion::Standard;
        let parts = most(&card, BillableOperation::Preview, &model, duration).checked_add(most(&card, BillableOperation::Render, &model, duration));
        prop_assert_eq!(parts, Some(most(&card, BillableOperation::Create, &model, duration)));
    }

    #[test]
    fn the_whole_costs_what_its_parts_cost(card in any_card(), operation in any_operation(), model in any_model(), range in (any_duration(), any_duration()), one in 0u32..1000, other in 0u32..1000) {
        let cost = |count| card.estimate(operation, &model, range.0..=range.1, count).unwrap().credits;
        prop_assert_eq!(cost(one).max.checked_add(cost(other).max), Some(cost(one + other).max));
        prop_assert_eq!(cost(one).min.checked_add(cost(other).min), Some(cost(one + other).min));
    }

    #[test]
    fn an_estimate_equals_a_count_made_block_by_block(card in any_card(), operation in any_operation(), model in any_model(), duration in any_duration()) {
        let count = |operation| {
            let Price::PerBlock { credits, block } = card.rate(operation, &model).unwrap().price else { unreachable!() };
            let (mut total, mut covered) = (Credits::ZERO, Duration::ZERO);
            while covered < duration {
                total = total.checked_add(credits).unwrap();
                covered += block;
            }
            total
        };
        let estimate = card.estimate(operation, &model, duration, 1).unwrap().credits;
        match card.rate(operation, &model).unwrap().price {
            Price::PerBlock { .. } => prop_assert_eq!((estimate.min, estimate.max), (count(operation), count(operation))),
            Price::Between { min: Bound::CreateLessPreview, max: Bound::Create } => {
                let create = count(BillableOperation::Create);
                prop_assert_eq!(estimate.max, create);
                prop_assert_eq!(estimate.min, create.checked_sub(count(BillableOperation::Preview)).unwrap().max(Credits::ZERO));
            }
            other => prop_assert!(false, "{other:?}"),
        }
    }
}

/// Derived prices are found by trying the starts of blocks; there must be few to try.
#[test]
fn no_duration_is_too_long_to_be_priced_or_refused_at_once() {
    let started = std::time::Instant::now();
    for seconds in [u64::MAX, u64::MAX / 2, 30 * u64::from(u32::MAX) + 31] {
        let estimate = RateCard::default().estimate(
            BillableOperation::Render,
            &ModelVersion::AuroraV1,
            Duration::from_secs(seconds),
            1,
        );
        assert!(estimate.is_err() || estimate.unwrap().credits.min > Credits::ZERO);
    }
    assert!(started.elapsed() < Duration::from_secs(10));
}
