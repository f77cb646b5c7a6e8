//! The end by a signal: the answer under way is awaited for a moment, and what is known is told.

use std::{pin::Pin, time::Duration};

use creatify::ChargeRisk;
use tokio::task::JoinHandle;

use crate::{
    error::{ErrorDocument, ErrorParts},
    open_jobs::Sending,
    report,
    session::Session,
    signals::{Signal, Signals},
};

/// Time for the answer to a billable request that is under way.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(2);
/// Time for the report of a refused submission.
const REPORT_TIMEOUT: Duration = Duration::from_secs(1);

/// Tells what is known, and returns the exit code.
///
/// `working` is the command, which goes on meanwhile.
pub(crate) async fn tell(
    session: &Session,
    signal: Signal,
    signals: &mut Signals,
    working: Pin<&mut JoinHandle<u8>>,
) -> u8 {
    let output = &session.output;
    output.stop_drawing();
    output.line(&format!("interrupted by {}", signal.as_str()));
    if session.open_jobs.is_sending() == Sending::UnderWay {
        output.note(&format!(
            "waiting up to {} s for the answer to the submission; a second signal ends this",
            ANSWER_TIMEOUT.as_secs()
        ));
        tokio::select! {
            () = session.open_jobs.answered(ANSWER_TIMEOUT) => {}
            _ = signals.next() => {}
        }
        if session.open_jobs.is_sending() == Sending::Idle && session.open_jobs.all().is_empty() {
            // It was refused: the command tells why.
            let _ = tokio::time::timeout(REPORT_TIMEOUT, working).await;
        }
    }
    let sending = session.open_jobs.is_sending();
    let jobs = session.open_jobs.all();
    if sending == Sending::UnderWay {
        output.line(
            "a submission was under way: it may or may not have been accepted. It is in the journal; \
             settle it with: creatify reconcile (or find it with: creatify list)",
        );
    }
    report::resume_open_jobs(session);
    if output.is_json() {
        let outcomes = session.outcomes.interrupted_by(signal.as_str());
        let written = if outcomes.is_empty() {
            let error = ErrorParts {
                kind: "interrupted",
                message: format!("interrupted by {}", signal.as_str()),
                status: None,
                job_id: jobs.first().map(|job| job.id),
                request_id: None,
                charge_risk: match (sending, jobs.is_empty()) {
                    (Sending::UnderWay, _) => ChargeRisk::Unknown,
                    (Sending::Idle, false) => ChargeRisk::Charged,
                    (Sending::Idle, true) => ChargeRisk::None,
                },
            };
            output.json(&ErrorDocument { error })
        } else {
            output.json(&outcomes)
        };
        if let Err(error) = written {
            output.line(&format!("error: {}", error.message()));
        }
    }
    signal.exit_code()
}
