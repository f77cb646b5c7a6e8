//! Options of every submission, checked by the limits of `openapi.yaml` and those of the caller.

use std::time::Duration;

use creatify_api::limits;
use url::Url;

use crate::{
    credits::{BillableOperation, Credits, DurationRange, Estimate, RateCard},
    error::{Error, ErrorKind, OverLimit},
    http::CallOptions,
    journal::{Key, Repetition},
};

/// Options that every submission has.
#[derive(Debug, Clone, Default)]
pub(super) struct Options {
    pub(super) name: Option<String>,
    pub(super) webhook_url: Option<String>,
    pub(super) model_version: Option<creatify_api::ModelVersion>,
    pub(super) is_hidden: Option<bool>,
    pub(super) seconds: Option<DurationRange>,
    pub(super) max_credits: Option<Credits>,
    pub(super) marker: Option<Marker>,
    pub(super) timeout: Option<Duration>,
    pub(super) key: Option<String>,
    pub(super) label: Option<String>,
    pub(super) repetition: Option<Repetition>,
}

/// Place of a marker that makes the job recognisable. The service returns both.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Marker {
    Name,
    WebhookUrl,
}

/// Defines the setters, for each builder that has options.
macro_rules! options {
    ($type:ident) => {
        impl $type<'_> {
            /// Names the video; at most 255 characters.
            pub fn name(mut self, name: impl Into<String>) -> Self {
                self.options.name = Some(name.into());
                self
            }

            /// Sets the URL to which the service sends events; http or https, at most 200
            /// characters. See [`webhook`](crate::webhook).
            pub fn webhook_url(mut self, url: impl Into<String>) -> Self {
                self.options.webhook_url = Some(url.into());
                self
            }

            /// Chooses the avatar's model, and with it the price; `standard` by default.
            pub fn model_version(mut self, model_version: $crate::ModelVersion) -> Self {
                self.options.model_version = Some(model_version);
                self
            }

            /// Hides the job.
            pub fn hidden(mut self) -> Self {
                self.options.is_hidden = Some(true);
                self
            }

            /// Sets the expected duration of the video, for the estimate. It is not sent: the
            /// template decides the duration. Unless set, the durations of earlier videos of the
            /// template in this process are expected, or else the client's default.
            pub fn expected_duration(
                mut self,
                seconds: impl Into<$crate::credits::DurationRange>,
            ) -> Self {
                self.options.seconds = Some(seconds.into());
                self
            }

            /// Bounds the submission: requests, retries and pauses. When it passes after the
            /// billable request was sent, the outcome is unknown. Unless set, the client's
            /// time-outs apply.
            pub fn timeout(mut self, timeout: std::time::Duration) -> Self {
                self.options.timeout = Some(timeout);
                self
            }

            /// Sends it at most once: by any process that shares the client's
            /// [journal](crate::ClientBuilder::journal), before and after crashes. A submission
            /// that was sent with this key before is not sent again; its job is the result. A key
            /// is unique for an account and operation, so a preview and its render may share one.
            ///
            /// Without a name, the job is named after the key, by which it is recognised if its
            /// answer is lost; with a name and a webhook URL, a marker goes into the URL.
            ///
            /// The errors are [`KeyReused`](crate::ErrorKind::KeyReused) for another request, and
            /// [`KeyInUse`](crate::ErrorKind::KeyInUse) while another process sends it. What was
            /// sent by a process that died is looked for, which is free; unless its job is found,
            /// the outcome is [unknown](crate::ErrorKind::OutcomeUnknown).
            #[doc(alias = "idempotency")]
            pub fn key(mut self, key: impl Into<String>) -> Self {
                self.options.key = Some(key.into());
                self
            }

            /// Sets the label under which the journal has it, such as the name of a campaign.
            /// Budgets may be limited to a label.
            pub fn label(mut self, label: impl Into<String>) -> Self {
                self.options.label = Some(label.into());
                self
            }

            /// Submits it once more if the job of its [key](Self::key) failed or was rejected.
            /// **That is charged again.** Otherwise the failed job is the result.
            pub fn retry_failed(mut self) -> Self {
                self.options.repetition = Some($crate::journal::Repetition::AfterFailure);
                self
            }

            /// Refuses to send when the estimate's maximum is above this.
            pub fn max_credits(mut self, limit: $crate::credits::Credits) -> Self {
                self.options.max_credits = Some(limit);
                self
            }
        }
    };
}
pub(super) use options;

/// Defines the setters of a marker, for each builder whose job may have to be looked for.
macro_rules! markers {
    ($type:ident) => {
        impl $type<'_> {
            /// Makes the job recognisable if the answer is lost: a short random marker becomes its
            /// name. A submission that has a name is refused; use
            /// [`marked_in_webhook_url`](Self::marked_in_webhook_url).
            #[doc(alias = "idempotency")]
            pub fn marked_in_name(mut self) -> Self {
                self.options.marker = Some($crate::submission::options::Marker::Name);
                self
            }

            /// Makes the job recognisable if the answer is lost: a short random marker becomes a
            /// query parameter of the webhook URL.
            pub fn marked_in_webhook_url(mut self) -> Self {
                self.options.marker = Some($crate::submission::options::Marker::WebhookUrl);
                self
            }
        }
    };
}
pub(super) use markers;

impl Options {
    /// Bounds a call by the time-out of the submission.
    pub(super) fn bound(&self, call: CallOptions) -> CallOptions {
        match self.timeout {
            Some(timeout) => call.within(timeout),
            None => call,
        }
    }

    /// Parses the key, or makes a random one.
    pub(super) fn parsed_key(&self) -> Result<Key, Error> {
        match &self.key {
            Some(key) => key.parse().map_err(|error| Error::invalid("the key").because(error)),
            None => Ok(Key::random()),
        }
    }

    /// Adds the marker, if one is wanted, and returns it. With a key, the job is made recognisable
    /// wherever there is room.
    pub(super) fn put_marker(&mut self) -> Result<Option<String>, Error> {
        let has_name = self.name.as_ref().is_some_and(|name| !name.is_empty());
        let marker = format!(
            "cr-{}",
            std::iter::repeat_with(fastrand::alphanumeric).take(12).collect::<String>()
        );
        match (self.marker, &self.key) {
            (Some(Marker::Name), _) if has_name => Err(Error::invalid(
                "the marker would take the place of the name; leave the name out, or use \
                 `marked_in_webhook_url`",
            )),
            (Some(Marker::Name), _) => {
                self.name = Some(marker.clone());
                Ok(Some(marker))
            }
            (Some(Marker::WebhookUrl), _) => {
                let Some(url) = &self.webhook_url else {
                    return Err(Error::invalid("the marker needs a webhook URL to be put into"));
                };
                self.webhook_url = Some(marked(url, &marker)?);
                Ok(Some(marker))
            }
            (None, Some(key)) if !has_name => {
                self.name = Some(key.clone());
                Ok(self.name.clone())
            }
            (None, Some(_)) => {
                let url = self.webhook_url.as_ref().and_then(|url| marked(url, &marker).ok());
                Ok(match url.filter(|url| url.chars().count() <= limits::WEBHOOK_URL) {
                    Some(url) => {
                        self.webhook_url = Some(url);
                        Some(marker)
                    }
                    None => None,
                })
            }
            (None, None) => Ok(None),
        }
    }

    /// Refuses options that the service would certainly refuse, by the limits of `openapi.yaml`.
    pub(super) fn check(&self) -> Result<(), Error> {
        let too_long = |what: &str, text: &str, limit: usize| match text.chars().count() {
            length if length > limit => Err(Error::invalid(format!(
                "the {what} has {length} characters; at most {limit} are taken"
            ))),
            _ => Ok(()),
        };
        if let Some(name) = &self.name {
            too_long("name", name, limits::NAME)?;
        }
        if let Some(url) = &self.webhook_url {
            too_long("webhook URL", url, limits::WEBHOOK_URL)?;
            match Url::parse(url) {
                Ok(url) if matches!(url.scheme(), "http" | "https") => {}
                _ => {
                    return Err(Error::invalid(format!(
                        "the webhook URL `{url}` is not an http or https URL"
                    )));
                }
            }
        }
        if let Some(limit) = self.max_credits.filter(|limit| limit.is_negative()) {
            return Err(Error::invalid(format!("the limit of {} is below zero", limit.in_words())));
        }
        Ok(())
    }

    /// Estimates the cost, if the duration is known. Fails if a limit is set and the estimate is
    /// above it or cannot be made. Without a model, it covers any model.
    pub(super) fn estimate(
        &self,
        rate_card: &RateCard,
        operation: BillableOperation,
        model_version: Option<&creatify_api::ModelVersion>,
        seconds: Option<DurationRange>,
    ) -> Result<Option<Estimate>, Error> {
        let Some(seconds) = seconds else {
            return match self.max_credits {
                None => Ok(None),
                Some(limit) => Err(Error::invalid(format!(
                    "a limit of {} is set, so the expected duration of the video is needed",
                    limit.in_words()
                ))),
            };
        };
        let estimate = match model_version {
            Some(model_version) => rate_card.estimate(operation, model_version, seconds, 1),
            None => rate_card.estimate_any_model(operation, seconds, 1),
        };
        let estimate = match (estimate, self.max_credits) {
            (Ok(estimate), _) => estimate,
            // The service may know a model that the rate card does not. Only a limit needs its
            // price.
            (Err(_), None) => return Ok(None),
            (Err(error), Some(_)) => {
                return Err(Error::invalid("a limit is set, but the cost cannot be estimated")
                    .because(error));
            }
        };
        match self.max_credits {
            Some(limit) if estimate.credits.max > limit => {
                let message = format!(
                    "the submission may cost {}, but the limit is {limit}; nothing was sent",
                    estimate.credits.max.in_words()
                );
                Err(Error::new(
                    ErrorKind::OverLimit(Box::new(OverLimit { estimate, limit })),
                    message,
                ))
            }
            _ => Ok(Some(estimate)),
        }
    }
}

/// Query parameter of a webhook URL that has the marker.
const MARKER_PARAMETER: &str = "creatify_marker";

/// Returns a webhook URL with a marker.
fn marked(url: &str, marker: &str) -> Result<String, Error> {
    let wrong = |_| Error::invalid(format!("the webhook URL `{url}` is not an http or https URL"));
    let mut marked = Url::parse(url).map_err(wrong)?;
    marked.query_pairs_mut().append_pair(MARKER_PARAMETER, marker);
    Ok(marked.into())
}

/// Returns whether a webhook URL has this marker.
pub(super) fn is_marked(url: &str, marker: &str) -> bool {
    Url::parse(url).is_ok_and(|url| {
        url.query_pairs().any(|(name, value)| name == MARKER_PARAMETER && value == marker)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(options: Options) -> Result<(), String> {
        options.check().map_err(|error| error.to_string())
    }

    #[test]
    fn a_marker_goes_where_it_was_asked_for_and_never_over_a_name() {
        let marked = |name: Option<&str>, url: Option<&str>, marker| {
            let mut options = Options {
                name: name.map(str::to_owned),
                webhook_url: url.map(str::to_owned),
                ..Options::default()
            };
            options.marker = Some(marker);
            options.put_marker().map(|marker| (options, marker.unwrap()))
        };
        let keyed = |name: Option<&str>, url: Option<&str>| {
            let mut options = Options {
                key: Some("sku/1".to_owned()),
                name: name.map(str::to_owned),
                webhook_url: url.map(str::to_owned),
                ..Options::default()
            };
            let marker = options.put_marker().unwrap();
            (options.name, options.webhook_url, marker)
        };
        let key = Some("sku/1".to_owned());
        assert_eq!(keyed(None, None), (key.clone(), None, key));
        let (name, url, marker) = keyed(Some("Sale"), Some("https://h.example.com/"));
        assert_eq!(name.as_deref(), Some("Sale"));
        assert!(url.unwrap().ends_with(&marker.unwrap()));
        let long = format!("https://h.example.com/{}", "a".repeat(limits::WEBHOOK_URL - 25));
        assert_eq!(keyed(Some("Sale"), Some(&long)).2, None, "no room for a marker");
        assert_eq!(keyed(Some("Sale"), None).2, None);
        let (options, marker) = marked(None, None, Marker::Name).unwrap();
        assert_eq!(options.name, Some(marker));
        let (options, marker) =
            marked(Some("Sale"), Some("https://h.example.com/?a=1"), Marker::WebhookUrl).unwrap();
        assert_eq!(
            options.webhook_url.unwrap(),
            format!("https://h.example.com/?a=1&creatify_marker={marker}")
        );
        assert!(marked(Some("Sale"), None, Marker::Name).is_err());
        assert!(marked(None, None, Marker::WebhookUrl).is_err());
    }

    #[test]
    fn what_the_service_would_refuse_is_refused_here() {
        let name = |name: String| check(Options { name: Some(name), ..Options::default() });
        assert_eq!(name("ä".repeat(limits::NAME)), Ok(())); // characters, not bytes
        assert!(name("a".repeat(limits::NAME + 1)).unwrap_err().contains("256 characters"));

        let webhook =
            |url: &str| check(Options { webhook_url: Some(url.to_owned()), ..Options::default() });
        assert_eq!(webhook("https://hooks.example.com/creatify"), Ok(()));
        for wrong in [
            "",
            "hooks.example.com",
            "ftp://hooks.example.com",
            &format!("https://e.com/{}", "a".repeat(200)),
        ] {
            assert!(webhook(wrong).is_err(), "{wrong}");
        }
        assert!(
            check(Options { max_credits: Some("-1".parse().unwrap()), ..Options::default() })
                .is_err()
        );
    }
}
