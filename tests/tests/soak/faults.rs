//! Faults of the soak test, by their probabilities.

use std::num::NonZeroU32;

use creatify::OperationId;
use creatify_sandbox::{BodyForm, Fault, Faults, Field, Rule};

/// Share of the requests with a fault of a connection, a status or an old answer.
const FAULTED: f64 = 0.2;
/// Share of the successful answers with an odd body or value.
const ODD: f64 = 0.1;
/// Share of the renders whose work fails or is rejected, and of those that show an old status.
const FAILING: f64 = 0.1;
const OLD_STATUS: f64 = 0.2;

const FAULTS: [Fault; 17] = [
    Fault::DropBefore,
    Fault::DropAfter,
    Fault::CloseAfter,
    Fault::HangBefore,
    Fault::HangAfter,
    Fault::Truncate,
    Fault::TruncateSilently,
    Fault::Trickle(NonZeroU32::MIN),
    Fault::Html(499),
    Fault::Html(502),
    Fault::Xml(503),
    Fault::Empty(503),
    Fault::Throttle(2),
    Fault::Unavailable(1),
    Fault::ErrorAfter(500),
    Fault::WrongTypes,
    Fault::UnknownStatus,
];

/// Odd answers of any operation.
const EDITS: [Fault; 10] = [
    Fault::Body(BodyForm::ByteOrderMark),
    Fault::Body(BodyForm::Utf16),
    Fault::Body(BodyForm::XssiPrefix),
    Fault::Body(BodyForm::InData),
    Fault::Body(BodyForm::InArray),
    Fault::Body(BodyForm::Nan),
    Fault::Body(BodyForm::NumbersAsText),
    Fault::Body(BodyForm::TimesWithoutZone),
    Fault::IdInLocation,
    Fault::Set(Field::CreditsUsed(Some(0))),
];

/// Odd names, which are kept out of lists: a marker that is not shown proves nothing, and the
/// careful caller would believe that there is no job.
const EDITS_OF_NAMES: [Fault; 3] = [
    Fault::Body(BodyForm::LoneSurrogate),
    Fault::Body(BodyForm::ControlCharacters),
    Fault::Body(BodyForm::InvalidUtf8),
];

/// Answers that leave the outcome of a billable request unknown.
const EDITS_OF_POSTS: [Fault; 1] = [Fault::Body(BodyForm::SuccessFalse)];
const FAULTS_OF_POSTS: [Fault; 1] = [Fault::Html(403)];

const POSTS: [OperationId; 2] =
    [OperationId::PreviewCustomTemplateJobAsync, OperationId::RenderCustomTemplateJob];

pub fn faults() -> Faults {
    let render = OperationId::RenderCustomTemplateJob;
    let of_renders = [
        (Fault::WorkFails, FAILING / 2.0),
        (Fault::WorkRejected, FAILING / 2.0),
        (Fault::OldStatus(1), OLD_STATUS),
    ];
    let mut faults = of_renders.into_iter().fold(Faults::new(42), |faults, (fault, share)| {
        faults.with(Rule::new(fault).on(render).probability(share))
    });
    // Each fault hits its share of the requests that the ones before it left.
    let share = FAULTED / (FAULTS.len() + FAULTS_OF_POSTS.len()) as f64;
    let mut left = 1.0;
    let mut add = |faults: Faults, rule: Rule| {
        let rule = rule.probability(share / left);
        left -= share;
        faults.with(rule)
    };
    let on_posts = |fault| POSTS.into_iter().fold(Rule::new(fault), Rule::on);
    for fault in FAULTS_OF_POSTS {
        faults = add(faults, on_posts(fault));
    }
    for fault in FAULTS {
        faults = add(faults, Rule::new(fault));
    }
    let share = ODD / (EDITS.len() + EDITS_OF_NAMES.len()) as f64;
    for edit in EDITS {
        faults = faults.with(Rule::new(edit).probability(share));
    }
    for edit in EDITS_OF_NAMES {
        let rule = on_posts(edit).on(OperationId::GetCustomTemplateJob);
        faults = faults.with(rule.probability(share));
    }
    for edit in EDITS_OF_POSTS {
        faults = faults.with(on_posts(edit).probability(share));
    }
    let foreign = Rule::new(Fault::Body(BodyForm::ForeignId)).probability(share);
    faults.with(foreign.on(OperationId::GetCustomTemplateJob).on(render))
}
