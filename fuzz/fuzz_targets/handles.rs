//! Handles and submission records: written ones are read back equal, others refused briefly.

#![no_main]

use creatify::{JobHandle, JobId, SubmissionRecord, TemplateId, fuzzing};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    if let Ok(text) = std::str::from_utf8(bytes) {
        match text.parse::<JobHandle>() {
            Ok(handle) => {
                assert_eq!(handle.to_string().parse(), Ok(handle));
                let json = serde_json::to_string(&handle).expect("a handle is JSON");
                assert_eq!(serde_json::from_str::<JobHandle>(&json).expect("its own JSON"), handle);
                assert_eq!(
                    text.trim().split_once(':').expect("a goal and an id").1.parse(),
                    Ok(handle.id)
                );
            }
            Err(error) => assert!(error.to_string().chars().count() <= 200),
        }
        match text.parse::<JobId>() {
            Ok(id) => assert_eq!(id.to_string().parse(), Ok(id)),
            Err(error) => assert!(error.to_string().chars().count() <= 200),
        }
        assert_eq!(text.parse::<TemplateId>().is_ok(), text.parse::<JobId>().is_ok());
    }
    if let Ok(sent) = serde_json::from_slice::<SubmissionRecord>(bytes) {
        let json = serde_json::to_string(&sent).expect("a record is JSON");
        let again: SubmissionRecord = serde_json::from_str(&json).expect("its own JSON");
        assert_eq!(serde_json::to_string(&again).expect("still JSON"), json);
        // A list that was read before the client gave up proves nothing.
        assert!(fuzzing::proves_something_at(&sent) >= sent.given_up_at);
    }
});
