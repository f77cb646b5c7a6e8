//! Faults of any request.

use std::num::NonZeroU32;

use creatify_sandbox::{BodyForm, ContentType, Fault, Field};

/// Faults by the names under which they are documented.
pub const FAULTS: &[(&str, Fault)] = &[
    // Connections.
    ("connections refused", Fault::Refuse(0.1)),
    ("connection closed, not processed", Fault::DropBefore),
    ("connection closed, processed", Fault::DropAfter),
    ("connection closed after the answer", Fault::CloseAfter),
    ("no answer, not processed", Fault::HangBefore),
    ("no answer, processed", Fault::HangAfter),
    ("answer late by 5 s", Fault::Delay(5.0)),
    ("answer cut off", Fault::Truncate),
    ("answer cut off, length not announced", Fault::TruncateSilently),
    ("answer at one byte a second", Fault::Trickle(NonZeroU32::MIN)),
    // Gateways.
    ("HTML 400", Fault::Html(400)),
    ("HTML 401", Fault::Html(401)),
    ("HTML 403", Fault::Html(403)),
    ("HTML 405", Fault::Html(405)),
    ("HTML 460", Fault::Html(460)),
    ("HTML 499", Fault::Html(499)),
    ("HTML 502", Fault::Html(502)),
    ("HTML 504", Fault::Html(504)),
    ("XML 503", Fault::Xml(503)),
    ("empty 503", Fault::Empty(503)),
    // Slowing down.
    ("503, Retry-After 2", Fault::Unavailable(2)),
    ("503, Retry-After 2^64 - 1", Fault::Unavailable(u64::MAX)),
    ("429, Retry-After 2", Fault::Throttle(2)),
    ("429, Retry-After a date", Fault::ThrottleUntil(2)),
    ("429, no Retry-After", Fault::ThrottleSilently),
    ("429, Retry-After 1000", Fault::Throttle(1000)),
    ("429, Retry-After 2^64 - 1", Fault::Throttle(u64::MAX)),
    // Errors of the service.
    ("500, not processed", Fault::ErrorBefore(500)),
    ("500, processed", Fault::ErrorAfter(500)),
    ("400", Fault::ErrorBefore(400)),
    ("401", Fault::ErrorBefore(401)),
    ("403", Fault::ErrorBefore(403)),
    ("404, not offered or not found", Fault::ErrorBefore(404)),
    ("405, not offered", Fault::ErrorBefore(405)),
    ("408", Fault::ErrorBefore(408)),
    ("302", Fault::Redirect(302)),
    ("303", Fault::Redirect(303)),
    ("307", Fault::Redirect(307)),
    ("`success: false` in a 200", Fault::Body(BodyForm::SuccessFalse)),
    // Forms of the body.
    ("empty body", Fault::Body(BodyForm::Empty)),
    ("empty body, id in `Location`", Fault::IdInLocation),
    ("byte-order mark", Fault::Body(BodyForm::ByteOrderMark)),
    ("UTF-16", Fault::Body(BodyForm::Utf16)),
    ("prefix `)]}'`", Fault::Body(BodyForm::XssiPrefix)),
    ("in an envelope", Fault::Body(BodyForm::InData)),
    ("in an array", Fault::Body(BodyForm::InArray)),
    ("lone surrogate", Fault::Body(BodyForm::LoneSurrogate)),
    ("NaN", Fault::Body(BodyForm::Nan)),
    ("control characters", Fault::Body(BodyForm::ControlCharacters)),
    ("invalid UTF-8", Fault::Body(BodyForm::InvalidUtf8)),
    ("terminal escape sequences", Fault::Body(BodyForm::EscapeSequences)),
    ("API key in texts", Fault::Body(BodyForm::EchoedKey)),
    ("JSON declared as HTML", Fault::ContentType(ContentType::Html)),
    // Values.
    ("numbers as text", Fault::Body(BodyForm::NumbersAsText)),
    ("times without zone", Fault::Body(BodyForm::TimesWithoutZone)),
    ("one bad item in a list", Fault::Body(BodyForm::BadItem)),
    ("id of another job", Fault::Body(BodyForm::ForeignId)),
    ("`credits_used: 0`", Fault::Set(Field::CreditsUsed(Some(0)))),
    ("`credits_used: -1`", Fault::Set(Field::CreditsUsed(Some(-1)))),
    ("`duration: 0`", Fault::Set(Field::Duration(Some(0)))),
    ("`duration: null`", Fault::Set(Field::Duration(None))),
    ("`model_version: null`", Fault::Set(Field::ModelVersion(None))),
    ("`status: null`", Fault::Set(Field::Status(None))),
    ("`remaining_credits: null`", Fault::Set(Field::RemainingCredits(None))),
    ("wrong types", Fault::WrongTypes),
    ("null everywhere", Fault::Nulls),
    ("unknown status", Fault::UnknownStatus),
    ("unknown enum value", Fault::UnknownEnum),
    ("extra fields", Fault::ExtraFields),
    ("done before the output appears", Fault::MissingOutput),
    // Lists and old answers.
    ("stale answer", Fault::Stale),
    ("list ignores ids", Fault::IgnoreIds),
    ("list in pages of 1", Fault::Pages(1)),
];

/// Returns the fault for a test in which it does not go away.
pub fn for_good(fault: Fault) -> Fault {
    match fault {
        Fault::Refuse(_) => Fault::Refuse(86_400.0),
        other => other,
    }
}
