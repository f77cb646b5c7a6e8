//! Settlement of a charge: what the status of a job says about one of its billable calls. Pure.

use creatify_api::JobStatus;

use crate::{
    credits::{BillableOperation, Credits},
    job::{Goal, GoalStatus, Job},
    journal::JobEnd,
};

/// The effect of a job's present status on a billable call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Settlement {
    /// Not ended, or its charge is not known yet.
    Open,
    /// Ended, and charged this; a failed job usually nothing.
    Ended { end: JobEnd, charged: Credits },
}

/// Decides what a job's status says about one of its calls. `credits_used` is what the last
/// billable call on the job was charged; 0 or less on a finished job means that the service has not
/// entered the charge yet.
pub(crate) fn settlement(job: &Job, operation: BillableOperation) -> Settlement {
    // A rendered job shows the charge of the render, not of the preview.
    let is_rendered = job.video_url().is_some() || has_failed(job) && job.preview_url().is_some();
    if operation == BillableOperation::Preview && is_rendered {
        return Settlement::Open;
    }
    let charged = job.credits_used().filter(|charged| *charged > Credits::ZERO);
    let end = match (job.goal_status(Goal::of(operation)), charged) {
        (GoalStatus::Reached, Some(_)) => JobEnd::Done,
        (GoalStatus::Failed, _) => JobEnd::Failed,
        (GoalStatus::Rejected, _) => JobEnd::Rejected,
        _ => return Settlement::Open,
    };
    Settlement::Ended { end, charged: charged.unwrap_or(Credits::ZERO) }
}

/// Returns whether a job has ended for the service.
pub(crate) fn has_ended(job: &Job) -> bool {
    matches!(job.status(), JobStatus::Done | JobStatus::Failed | JobStatus::Rejected)
}

fn has_failed(job: &Job) -> bool {
    matches!(job.goal_status(Goal::Video), GoalStatus::Failed | GoalStatus::Rejected)
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn job(fields: Value) -> Job {
        let mut job = json!({ "id": uuid::Uuid::nil(), "status": "done", "preview": "https://p" });
        job.as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
        serde_json::from_value(job).unwrap()
    }

    fn ended(end: JobEnd, charged: u32) -> Settlement {
        Settlement::Ended { end, charged: charged.into() }
    }

    #[test]
    fn a_charge_of_zero_on_a_finished_job_settles_nothing() {
        for credits in [json!(0), json!(-1), Value::Null] {
            let job = job(json!({ "credits_used": credits }));
            assert_eq!(settlement(&job, BillableOperation::Preview), Settlement::Open);
        }
        let job = job(json!({ "credits_used": 1 }));
        assert_eq!(settlement(&job, BillableOperation::Preview), ended(JobEnd::Done, 1));
        assert_eq!(settlement(&job, BillableOperation::Render), Settlement::Open);
    }

    #[test]
    fn a_failed_job_without_a_charge_is_not_charged() {
        for (status, end) in [("failed", JobEnd::Failed), ("rejected", JobEnd::Rejected)] {
            let free = job(json!({ "status": status, "credits_used": 0 }));
            assert_eq!(settlement(&free, BillableOperation::Create), ended(end, 0));
            let charged = job(json!({ "status": status, "credits_used": 2 }));
            assert_eq!(settlement(&charged, BillableOperation::Create), ended(end, 2));
        }
    }

    #[test]
    fn a_preview_is_not_settled_with_the_charge_of_its_render() {
        let rendered = job(json!({ "video_output": "https://v", "credits_used": 4 }));
        assert_eq!(settlement(&rendered, BillableOperation::Preview), Settlement::Open);
        assert_eq!(settlement(&rendered, BillableOperation::Render), ended(JobEnd::Done, 4));
    }
}
