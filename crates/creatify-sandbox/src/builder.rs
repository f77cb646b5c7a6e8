//! Sandbox options.

use std::io;

use chrono::{DateTime, Utc};
use creatify_api::{DEFAULT_RATE_CARD, InvalidCredential, PLANS, RATE_CARDS};
use rust_decimal::Decimal;

use crate::{
    faults::Faults,
    lifecycle::{ProgressProfile, Timing},
    sandbox::Sandbox,
    state::{RenderBody, Settings},
};

/// The default speed: a preview takes one or two seconds, a render a few more.
pub const DEMO_SPEED: f64 = 40.0;

const MAX_SPEED: f64 = 1e6;
const MAX_SIGMA: f64 = 3.0;

/// The options of a [`Sandbox`], created by [`Sandbox::builder`].
#[derive(Debug, Clone)]
#[must_use = "call start"]
pub struct SandboxBuilder {
    pub(crate) speed: f64,
    pub(crate) started_at: Option<DateTime<Utc>>,
    pub(crate) port: u16,
    pub(crate) media_port: u16,
    pub(crate) faults: Faults,
    rate_card: String,
    settings: Settings,
}

/// An error that keeps a sandbox from starting.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StartError {
    /// The port is in use, or not permitted.
    #[error("cannot listen on port {port} of 127.0.0.1")]
    Listen {
        /// The port; 0 means any.
        port: u16,
        /// The error of the operating system.
        source: io::Error,
    },
    /// The speed is not above 0 and at most a million.
    #[error("invalid speed {0}: it must be above 0 and at most 1000000")]
    Speed(f64),
    /// The sigma of [`Timing`] is not between 0 and 3.
    #[error("invalid sigma {0}: it must be between 0 and 3")]
    Sigma(f64),
    /// `openapi.yaml` has no rate card of this name.
    #[error("unknown rate card {0:?}; expected one of {known}", known = known_cards())]
    RateCard(String),
    /// The sandbox's own credentials are not valid. This never happens.
    #[error(transparent)]
    Credentials(#[from] InvalidCredential),
}

fn known_cards() -> String {
    RATE_CARDS.iter().map(|card| card.name).collect::<Vec<_>>().join(", ")
}

impl Default for SandboxBuilder {
    fn default() -> Self {
        let credits = PLANS.first().map_or(Decimal::from(500), |plan| {
            Decimal::new(plan.credits.mantissa, plan.credits.scale)
        });
        Self {
            speed: DEMO_SPEED,
            started_at: None,
            port: 0,
            media_port: 0,
            faults: Faults::default(),
            rate_card: DEFAULT_RATE_CARD.name.to_owned(),
            settings: Settings {
                seed: 1,
                credits,
                card: DEFAULT_RATE_CARD,
                timing: Timing::default(),
                progress: ProgressProfile::default(),
                render_body: RenderBody::default(),
            },
        }
    }
}

impl SandboxBuilder {
    /// Sets how many times faster than real time the sandbox runs. The default is [`DEMO_SPEED`]; 1
    /// is
    /// real time.
    pub fn speed(mut self, speed: f64) -> Self {
        self.speed = speed;
        self
    }

    /// Sets the seed of ids and durations: the same submissions in the same order give the same
    /// jobs.
    /// The default is 1.
    pub fn seed(mut self, seed: u64) -> Self {
        self.settings.seed = seed;
        self
    }

    /// Sets the initial credits of the account. The default is the credits of the smallest plan.
    pub fn credits(mut self, credits: impl Into<Decimal>) -> Self {
        self.settings.credits = credits.into();
        self
    }

    /// Selects the rate card of `openapi.yaml` that calls are charged by.
    pub fn rate_card(mut self, name: impl Into<String>) -> Self {
        self.rate_card = name.into();
        self
    }

    /// Sets the durations of queueing and rendering.
    pub fn timing(mut self, timing: Timing) -> Self {
        self.settings.timing = timing;
        self
    }

    /// Sets the values of the `progress` field.
    pub fn progress(mut self, profile: ProgressProfile) -> Self {
        self.settings.progress = profile;
        self
    }

    /// Requires `template_id` and `variables` in the body of a render, as the service's
    /// documentation shows it. By default the body may be empty, as other clients send it.
    pub fn strict_render(mut self) -> Self {
        self.settings.render_body = RenderBody::Strict;
        self
    }

    /// Sets the faults. The default is none.
    pub fn faults(mut self, faults: Faults) -> Self {
        self.faults = faults;
        self
    }

    /// Sets the date at which the sandbox time starts. The default is now. With a fixed date and
    /// fixed
    /// ports, responses are the same to the last byte.
    pub fn started_at(mut self, date: DateTime<Utc>) -> Self {
        self.started_at = Some(date);
        self
    }

    /// Sets the port of the API. The default is 0: any free port.
    pub fn port(mut self, port: u16) -> Self {
        self.port = port;
        self
    }

    /// Sets the port of the media host. The default is 0: any free port.
    pub fn media_port(mut self, port: u16) -> Self {
        self.media_port = port;
        self
    }

    /// Starts the sandbox on 127.0.0.1, as tasks of the current tokio runtime.
    ///
    /// # Errors
    ///
    /// An option is invalid, or a port is not available.
    ///
    /// # Panics
    ///
    /// Outside of a tokio runtime with I/O and time enabled.
    pub async fn start(self) -> Result<Sandbox, StartError> {
        Sandbox::start_with(self).await
    }

    /// Returns the settings if all options are valid.
    pub(crate) fn settings(&self) -> Result<Settings, StartError> {
        if !(self.speed > 0.0 && self.speed <= MAX_SPEED) {
            return Err(StartError::Speed(self.speed));
        }
        if !(0.0..=MAX_SIGMA).contains(&self.settings.timing.sigma) {
            return Err(StartError::Sigma(self.settings.timing.sigma));
        }
        let card = RATE_CARDS.iter().find(|card| card.name == self.rate_card);
        let card = card.ok_or_else(|| StartError::RateCard(self.rate_card.clone()))?;
        Ok(Settings { card, ..self.settings.clone() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn invalid_options_are_refused_with_the_valid_range() {
        let message = |builder: SandboxBuilder| builder.settings().unwrap_err().to_string();
        for speed in [0.0, -1.0, f64::NAN, f64::INFINITY] {
            assert!(message(SandboxBuilder::default().speed(speed)).contains("above 0"), "{speed}");
        }
        assert!(
            message(SandboxBuilder::default().rate_card("free"))
                .ends_with("expected one of blocks, per-second")
        );
        let timing = Timing { sigma: -0.1, ..Timing::default() };
        assert!(message(SandboxBuilder::default().timing(timing)).contains("between 0 and 3"));
    }
}
