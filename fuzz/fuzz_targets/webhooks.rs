//! Webhook bodies: a delivery yields a job id and a claimed status, or a short refusal.

#![no_main]

use creatify::webhook::{MAX_BODY_BYTES, parse};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|body: &[u8]| {
    match parse(body) {
        Ok(hint) => {
            assert!(body.len() <= MAX_BODY_BYTES);
            // Only these two fields are used.
            let minimal = serde_json::json!({ "id": hint.job, "status": hint.claimed_status });
            assert_eq!(parse(minimal.to_string().as_bytes()).expect("a minimal delivery"), hint);
            // A body that is JSON as it is, with the id at its top, is taken by its word.
            let document = serde_json::from_slice::<serde_json::Value>(body).unwrap_or_default();
            if document["id"] == hint.job.to_string().as_str() && document["status"].is_string() {
                assert_eq!(document["status"], hint.claimed_status.as_str());
            }
        }
        Err(error) => {
            let mut cause: Option<&dyn std::error::Error> = Some(&error);
            while let Some(error) = cause {
                let said = error.to_string();
                assert!(
                    said.chars().count() <= 400 && !said.contains(char::is_control),
                    "{said:?}"
                );
                cause = error.source();
            }
        }
    }
});
