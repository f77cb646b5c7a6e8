//! Estimates: exact, never free, equal to the vendor's sentences and to a count block by block.

#![allow(clippy::unwrap_used, clippy::panic)] // a test file

use std::time::Duration;

use creatify::{
    Client, Credentials, ModelVersion, Variables,
    credits::{
        Assumption, BillableOperation, Bound, Credits, DurationRange, EstimateError, Price,
        Provenance, RateCard, Step,
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

/// Sentences of the vendor, each with the operation and model that it describes.
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

/// Returns the price and the seconds in a sentence.
fn numbers(sentence: &str) -> (u32, u64) {
    let numbers: Vec<u64> =
        sentence.split_whitespace().filter_map(|word| word.parse().ok()).collect();
    let [credits, seconds] = numbers[..] else { panic!("not a price: {sentence}") };
    (u32::try_from(credits).unwrap(), seconds)
}

#[test]
fn the_default_card_has_the_prices_of_the_seed() {
    let card = RateCard::default();
    let seconds = [0, 1, 14, 15, 16, 29, 30, 31, 45, 60, 61, 3600];
    for (sentence, operation, model) in SEED {
        let (price, block) = numbers(sentence);
        for seconds in seconds {
            let mut blocks = 1; // counted, not divided; the first block is always charged
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
fn an_unknown_model_or_a_huge_amount_is_an_error() {
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

#[test]
fn a_duration_of_zero_is_charged_one_block() {
    for card in RateCard::known() {
        for operation in BillableOperation::ALL {
            for model in ModelVersion::KNOWN {
                let estimate = |seconds: DurationRange| {
                    card.estimate(*operation, model, seconds, 1).unwrap().credits
                };
                let zero = estimate(Duration::ZERO.into());
                // The minimum of a derived price is create - preview, which may be nothing.
                assert!(zero.max > Credits::ZERO, "{} {operation} {model}", card.name());
                assert_eq!(zero, estimate(Duration::from_nanos(1).into()));
                assert_eq!(estimate((0..=0).into()), zero);
                if let Price::PerBlock { .. } = card.rate(*operation, model).unwrap().price {
                    assert_eq!(estimate((0..=45).into()).min, zero.min);
                }
            }
        }
    }
}

#[test]
fn a_range_of_integers_is_in_whole_seconds() {
    let card = RateCard::default();
    let estimate = |seconds: DurationRange| {
        card.estimate(BillableOperation::Create, &ModelVersion::Standard, seconds, 1).unwrap()
    };
    assert_eq!(
        estimate((20..=45).into()),
        estimate((Duration::from_secs(20)..=Duration::from_secs(45)).into())
    );
}

/// Every method that takes a duration takes `20..=45`. It only has to compile; nothing is sent.
#[test]
fn a_range_of_integers_is_accepted_by_every_method_with_a_duration() {
    let client = Client::builder()
        .credentials(Credentials::new("id", "key").unwrap())
        .default_duration(20..=45)
        .build()
        .unwrap();
    let template = "3f1c9a52-7d0e-4b51-9c8a-0e6f5b7a2d10".parse().unwrap();
    let _ = client.create(template, Variables::new()).expected_duration(20..=45);
    let (operation, model) = (BillableOperation::Create, ModelVersion::Standard);
    let estimate = client.estimate(operation, &model, 20..=45, 1).unwrap();
    assert_eq!(estimate.credits.in_words(), "5 to 10 credits");
    assert_eq!(Step::new(operation, 20..=45).seconds, estimate.seconds);
}

#[test]
fn without_a_model_the_estimate_spans_all_models() {
    let card = RateCard::default();
    let estimate = card.estimate_any_model(BillableOperation::Render, 30..=30, 2).unwrap();
    // From 4 with `standard` to 40 with `aurora_v1`, twice.
    assert_eq!(estimate.credits.in_words(), "8 to 80 credits");
    assert_eq!(estimate.model_version, ModelVersion::AuroraV1);
    assert_eq!(estimate.basis, Provenance::Inferred, "the least certain price counts");
    assert!(estimate.assumptions.contains(&Assumption::AnyModel));
    assert!(estimate.assumptions.contains(&Assumption::PriceDerivedFromCreate));
    let preview = card.estimate_any_model(BillableOperation::Preview, 30..=30, 1).unwrap();
    assert_eq!(preview.credits.in_words(), "1 credit");
}

#[test]
fn without_a_model_the_models_of_the_users_card_count() {
    let card = |model: &str| {
        RateCard::from_yaml(&format!(
            "name: mine\nrates:\n  \
             - {{ operation: create, model_version: {model}, credits: 90, block_seconds: 30 }}\n  \
             - {{ operation: create, credits: 5, block_seconds: 30 }}\n"
        ))
        .unwrap()
    };
    let most = |model: &str| {
        card(model).estimate_any_model(BillableOperation::Create, 30..=30, 1).unwrap().credits
    };
    for model in ["standard", "aurora_v1", "aurora_v9"] {
        assert_eq!(most(model).in_words(), "5 to 90 credits", "{model}");
    }
    let incomplete = RateCard::from_yaml(
        "name: mine\nrates:\n  \
         - { operation: create, model_version: standard, credits: 5, block_seconds: 30 }",
    )
    .unwrap()
    .estimate_any_model(BillableOperation::Create, 30..=30, 1);
    assert!(matches!(incomplete, Err(EstimateError::NoRate { .. })), "it may be another model");
}

#[test]
fn a_model_without_a_price_is_never_estimated_as_standard() {
    for card in RateCard::known() {
        for operation in [BillableOperation::Create, BillableOperation::Render] {
            let unknown = card.estimate(operation, &"aurora_v9".into(), 30..=30, 1);
            assert!(matches!(unknown, Err(EstimateError::NoRate { .. })), "{operation}");
        }
    }
}

#[test]
fn an_estimate_has_those_of_the_cards_that_differ() {
    let create = BillableOperation::Create;
    let others = |card: &RateCard, model: &ModelVersion| {
        let others = card.estimate(create, model, 16..=16, 2).unwrap().by_other_cards();
        let named = others.iter().map(|other| format!("{} {}", other.rate_card, other.credits));
        named.collect::<Vec<_>>()
    };
    let (blocks, per_second) = (RateCard::default(), RateCard::named("per-second").unwrap());
    assert_eq!(others(&blocks, &ModelVersion::AuroraV1), ["per-second 32"]);
    assert_eq!(others(&per_second, &ModelVersion::AuroraV1), ["blocks 80"]);
    assert!(others(&blocks, &ModelVersion::Standard).is_empty());
    let any = blocks.estimate_any_model(create, 16..=16, 1).unwrap().by_other_cards();
    assert_eq!(any[0].credits.in_words(), "5 to 16 credits");
    let own = RateCard::from_yaml(
        "name: mine\nrates:\n  - { operation: create, credits: 5, block_seconds: 30 }",
    );
    assert!(others(&own.unwrap(), &ModelVersion::AuroraV1).is_empty());
}

fn any_card() -> impl Strategy<Value = RateCard> {
    proptest::sample::select(RateCard::known())
}

/// A rate card, an operation and a model.
fn any_price() -> impl Strategy<Value = (RateCard, BillableOperation, ModelVersion)> {
    let operation = proptest::sample::select(BillableOperation::ALL);
    (any_card(), operation, proptest::sample::select(ModelVersion::KNOWN))
}

/// Up to ten minutes, to the nanosecond, often just around a whole second.
fn any_duration() -> impl Strategy<Value = Duration> {
    let around = (0u64..600, prop_oneof![Just(0u32), Just(1), Just(999_999_999)])
        .prop_map(|(s, n)| Duration::new(s, n));
    prop_oneof![around, (0u64..600_000_000_000).prop_map(Duration::from_nanos)]
}

proptest! {
    #[test]
    fn the_minimum_is_never_above_the_maximum_which_is_never_free(
        (card, operation, model) in any_price(),
        a in any_duration(),
        b in any_duration(),
        count in 1u32..1000,
    ) {
        let estimate = card.estimate(operation, &model, a..=b, count).unwrap();
        prop_assert!(Credits::ZERO < estimate.credits.max);
        prop_assert!(estimate.credits.min <= estimate.credits.max);
    }

    #[test]
    fn the_maximum_grows_with_duration_and_count(
        (card, operation, model) in any_price(),
        a in any_duration(),
        more in any_duration(),
        count in 0u32..1000,
        extra in 0u32..1000,
    ) {
        let most = |duration: Duration, count| {
            card.estimate(operation, &model, duration, count).unwrap().credits.max
        };
        prop_assert!(most(a, count) <= most(a + more, count));
        prop_assert!(most(a, count) <= most(a, count + extra));
    }

    /// The minimum of a price per block grows too. The minimum of `create - preview` does not: it
    /// falls where a preview block starts.
    #[test]
    fn the_minimum_of_a_price_per_block_grows_with_duration(
        (card, operation, model) in any_price(),
        a in any_duration(),
        more in any_duration(),
    ) {
        if let Price::PerBlock { .. } = card.rate(operation, &model).unwrap().price {
            let least = |duration: Duration| {
                card.estimate(operation, &model, duration, 1).unwrap().credits.min
            };
            prop_assert!(least(a) <= least(a + more));
        }
    }

    #[test]
    fn the_estimate_of_a_range_includes_that_of_every_duration_in_it(
        (card, operation, model) in any_price(),
        a in any_duration(),
        b in any_duration(),
        at in 0.0f64..1.0,
    ) {
        let range = DurationRange::from(a..=b);
        let length = range.max() - range.min();
        let inside = range.min() + length.mul_f64(at).min(length);
        let of_range = card.estimate(operation, &model, range, 1).unwrap().credits;
        let of_one = card.estimate(operation, &model, inside, 1).unwrap().credits;
        prop_assert!(of_range.min <= of_one.min, "{of_range} {of_one}");
        prop_assert!(of_one.max <= of_range.max, "{of_range} {of_one}");
    }

    #[test]
    fn the_estimate_without_a_model_includes_that_of_every_model(
        (card, operation, model) in any_price(),
        a in any_duration(),
        b in any_duration(),
        count in 0u32..1000,
    ) {
        let any = card.estimate_any_model(operation, a..=b, count).unwrap().credits;
        let one = card.estimate(operation, &model, a..=b, count).unwrap().credits;
        prop_assert!(any.min <= one.min && one.max <= any.max, "{any} {one}");
    }

    #[test]
    fn preview_and_render_cost_what_create_costs(card in any_card(), duration in any_duration()) {
        let cost = |operation| most(&card, operation, &ModelVersion::Standard, duration);
        let parts = cost(BillableOperation::Preview).checked_add(cost(BillableOperation::Render));
        prop_assert_eq!(parts, Some(cost(BillableOperation::Create)));
    }

    #[test]
    fn the_whole_costs_what_its_parts_cost(
        (card, operation, model) in any_price(),
        range in (any_duration(), any_duration()),
        one in 0u32..1000,
        other in 0u32..1000,
    ) {
        let cost = |count| {
            card.estimate(operation, &model, range.0..=range.1, count).unwrap().credits
        };
        prop_assert_eq!(cost(one).max.checked_add(cost(other).max), Some(cost(one + other).max));
        prop_assert_eq!(cost(one).min.checked_add(cost(other).min), Some(cost(one + other).min));
    }

    #[test]
    fn an_estimate_equals_a_count_block_by_block(
        (card, operation, model) in any_price(),
        duration in any_duration(),
    ) {
        let count = |operation| {
            let price = card.rate(operation, &model).unwrap().price;
            let Price::PerBlock { credits, block } = price else { unreachable!() };
            let (mut total, mut covered) = (credits, block);
            while covered < duration {
                total = total.checked_add(credits).unwrap();
                covered += block;
            }
            total
        };
        let estimate = card.estimate(operation, &model, duration, 1).unwrap().credits;
        match card.rate(operation, &model).unwrap().price {
            Price::PerBlock { .. } => {
                prop_assert_eq!(estimate.min, count(operation));
                prop_assert_eq!(estimate.max, count(operation));
            }
            Price::Between { min: Bound::CreateLessPreview, max: Bound::Create } => {
                let create = count(BillableOperation::Create);
                let less = create.checked_sub(count(BillableOperation::Preview)).unwrap();
                prop_assert_eq!(estimate.max, create);
                prop_assert_eq!(estimate.min, less.max(Credits::ZERO));
            }
            other => prop_assert!(false, "{other:?}"),
        }
    }
}

/// Derived prices are found by trying the starts of blocks, of which there must be few.
#[test]
fn the_longest_durations_are_estimated_or_refused_quickly() {
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
