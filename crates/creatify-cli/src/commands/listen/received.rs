//! Deliveries as they are shown.

use chrono::{DateTime, SecondsFormat, Utc};
use creatify::{
    JobId,
    webhook::{Delivery, Hint},
};
use serde::Serialize;

use crate::output::{ResultText, visible};

/// A delivery with the time of its arrival.
pub(super) struct Received {
    at: DateTime<Utc>,
    pub(super) body: Vec<u8>,
    hint: Result<Hint, String>,
}

/// A delivery in JSON.
#[derive(Serialize)]
pub(super) struct Document<'a> {
    delivery: DeliveryParts<'a>,
}

#[derive(Serialize)]
struct DeliveryParts<'a> {
    received_at: String,
    job_id: Option<JobId>,
    claimed_status: Option<&'a str>,
    error: Option<&'a str>,
}

impl Received {
    pub(super) fn new(delivery: &Delivery) -> Self {
        Self {
            at: Utc::now(),
            body: delivery.body.to_vec(),
            hint: delivery.hint.clone().map_err(|error| error.to_string()),
        }
    }

    fn time(&self) -> String {
        self.at.to_rfc3339_opts(SecondsFormat::Millis, true)
    }

    pub(super) fn document(&self) -> Document<'_> {
        let hint = self.hint.as_ref();
        Document {
            delivery: DeliveryParts {
                received_at: self.time(),
                job_id: hint.ok().map(|hint| hint.job),
                claimed_status: hint.ok().map(|hint| hint.claimed_status.as_str()),
                error: hint.err().map(String::as_str),
            },
        }
    }

    pub(super) fn text(&self) -> ResultText {
        let (short, rest) = match &self.hint {
            Ok(hint) => (hint.job.to_string(), visible(hint.claimed_status.as_str()).into_owned()),
            Err(error) => (String::from("-"), visible(error).into_owned()),
        };
        ResultText { full: format!("{}  {short}  {rest}", self.time()), short }
    }
}
