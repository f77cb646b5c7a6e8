//! Entries of the journal in words: status, credits, age, and what to do next.

use chrono::TimeDelta;
use creatify::{
    credits::Credits,
    journal::{Entry, EntryState, JobEnd, Key},
};

use crate::{open_jobs::resume_line, output::shell::shell_word};

/// Returns the status as one word, for machines.
pub(crate) fn status(entry: &Entry) -> &'static str {
    match (entry.state, entry.end) {
        (EntryState::Sending, _) => "sending",
        (EntryState::Submitted, _) => "submitted",
        (EntryState::Settled, Some(JobEnd::Failed)) => "failed",
        (EntryState::Settled, Some(JobEnd::Rejected)) => "rejected",
        (EntryState::Settled, _) => "done",
        (EntryState::Released, _) => "not_accepted",
        _ => "unknown",
    }
}

/// Returns the status for people.
pub(crate) fn status_in_words(entry: &Entry) -> String {
    status(entry).replace('_', " ")
}

/// Returns the credits that it cost or may cost.
pub(crate) fn credits(entry: &Entry) -> String {
    match (entry.charged, entry.state, entry.estimate) {
        (Some(charged), ..) => charged.to_string(),
        (None, EntryState::Released, _) => Credits::ZERO.to_string(),
        (None, _, Some(estimate)) => format!("up to {}", estimate.max),
        (None, _, None) => "not known".to_owned(),
    }
}

/// Returns a time span in its largest unit: `35 s`, `12 min`, `5 h`, `3 d`.
pub(crate) fn age(span: TimeDelta) -> String {
    let seconds = span.num_seconds().max(0); // the clock may have been set back
    match seconds {
        0..60 => format!("{seconds} s"),
        60..3600 => format!("{} min", seconds / 60),
        3600..172_800 => format!("{} h", seconds / 3600),
        _ => format!("{} d", seconds / 86_400),
    }
}

/// Returns the command that settles or ends it, if it needs one.
pub(crate) fn next_step(entry: &Entry) -> Option<String> {
    match (entry.state, entry.handle()) {
        (EntryState::Unknown, _) => Some(reconcile_line(&entry.key)),
        (EntryState::Submitted, Some(handle)) => Some(resume_line(handle)),
        _ => None,
    }
}

/// Returns the command that settles a submission of unknown outcome.
pub(crate) fn reconcile_line(key: &Key) -> String {
    let dashes = if key.as_str().starts_with('-') { "-- " } else { "" };
    format!("creatify reconcile {dashes}{}", shell_word(key.as_str()))
}

/// Says that the outcome of a submission is unknown, and what to do about it.
pub(crate) fn unknown_in_words(entry: &Entry) -> String {
    format!(
        "the outcome of the {} with the key {} is unknown; settle it with: {}",
        entry.operation,
        shell_word(entry.key.as_str()),
        reconcile_line(&entry.key)
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_age_has_one_unit() {
        for (seconds, expected) in [
            (-5, "0 s"),
            (59, "59 s"),
            (60, "1 min"),
            (7199, "1 h"),
            (172_799, "47 h"),
            (172_800, "2 d"),
        ] {
            assert_eq!(age(TimeDelta::seconds(seconds)), expected);
        }
    }

    #[test]
    fn a_key_in_a_command_line_is_one_word_and_no_option() {
        let line = |key: &str| reconcile_line(&key.parse().unwrap());
        assert_eq!(line("spring/1"), "creatify reconcile spring/1");
        assert_eq!(line("-a b"), "creatify reconcile -- '-a b'");
    }
}
