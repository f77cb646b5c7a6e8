//! Custom rate cards: refused with a line, or usable without panic and with monotonic prices.

#![no_main]

use std::time::Duration;

use creatify::{
    ModelVersion,
    credits::{BillableOperation, Credits, RateCard},
};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    let card = match RateCard::from_yaml(text) {
        Ok(card) => card,
        Err(error) => {
            // A carriage return is a line break too; a missing key is reported after the last line.
            let lines = text.matches(['\n', '\r']).count() as u64 + 2;
            assert!((1..=lines).contains(&error.line), "{error}");
            assert!(error.problem.chars().count() <= 301);
            return;
        }
    };
    assert!(!card.name().trim().is_empty() && !card.rates().is_empty());
    let known = card.rates().iter().filter_map(|rate| rate.model_version.clone());
    let models: Vec<_> = ModelVersion::KNOWN.iter().cloned().chain(known).collect();
    for operation in BillableOperation::ALL {
        for model in &models {
            let mut shorter = Credits::ZERO;
            for seconds in [0, 1, 29, 30, 31, 3_600, u64::MAX] {
                let Ok(estimate) =
                    card.estimate(*operation, model, Duration::from_secs(seconds), 1)
                else {
                    continue;
                };
                let (min, max) = (estimate.credits.min, estimate.credits.max);
                assert!(!min.is_negative() && min <= max, "{min} to {max}");
                assert!(max >= shorter, "{seconds} s for {max}, a shorter video for {shorter}");
                assert_eq!(max.to_string().parse().ok(), Some(max));
                shorter = max;
            }
        }
    }
});
