//! How is a sandbox set up?

use std::io;

use chrono::{DateTime, Utc};
use creatify_api::{DEFAULT_RATE_CARD, InvalidCredential, PLANS, RATE_CARDS};
use rust_decimal::Decimal;

use crate::{
    faults::Faults,
    lifecycle::{ProgressProfile, Timing},
    sandbox::Sandbox,
    world::Rules,
};

/// The speed at which a demo is pleasant: a preview takes one or two seconds, a render a few more.
pub const DEMO_SPEED: f64 = 40.0;

const MAX_SPEED: f64 = 1e6;
const MAX_SIGMA: f64 = 3.0;

/// The options of a [`Sandbox`]; [`Sandbox::builder`] makes one.
#[derive(Debug, Clone)]
#[must_use = "call start"]
pub struct SandboxBuilder {
    pub(crate) speed: f64,
    pub(crate) started_at: Option<DateTime<Utc>>,
    pub(crate) port: u16,
    pub(crate) media_port: u16,
    pub(crate) faults: Faults,
    rate_card: String,
    rules: Rules,
}

/// Why a sandbox did not start.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StartError {
    /// The port is taken, or not for us.
    #[error("cannot listen on port {port} of 127.0.0.1")]
    Listen {
        /// The port; 0 means any.
        port: u16,
        /// What the system said.
        source: io::Error,
    },
    /// The speed is not a number above 0 and up to a million.
    #[error("a speed of {0} is not possible; give a number above 0, up to 1000000")]
    Speed(f64),
    /// The sigma of [`Timing`] is not a number from 0 to 3.
    #[error("a sigma of {0} is not possible; give a number from 0 to 3")]
    Sigma(f64),
    /// There is no such rate card in `openapi.yaml`.
    #[error("there is no rate card {0:?}; there are {known}", known = known_cards())]
    RateCard(String),
    /// The sandbox's own credentials are not acceptable. This does not happen.
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
            rules: Rules {
                seed: 1,
                credits,
                card: DEFAULT_RATE_CARD,
                timing: Timing::default(),
                progress: ProgressProfile::default(),
            },
        }
    }
}

impl SandboxBuilder {
    /// How many times faster than real time the sandbox's clock runs; [`DEMO_SPEED`] if not given, 1 for the real thing.
    pub fn speed(mut self, speed: f64) -> Self {
        self.speed = speed;
        self
    }

    /// What makes ids and durations come out the same again, for the same submissions in the same order. 1 if not given.
    pub fn seed(mut self, seed: u64) -> Self {
        self.rules.seed = seed;
        self
    }

    /// The account's credits at the start; those of the smallest plan if not given.
    pub fn credits(mut self, credits: impl Into<Decimal>) -> Self {
        self.rules.credits = credits.into();
        self
    }

    /// The rate card of `openapi.yaml` to charge by; its default one if not given.
    pub fn rate_card(mut self, name: impl Into<String>) -> Self {
        self.rate_card = name.into();
        self
    }

    /// How long things take.
    pub fn timing(mut self, timing: Timing) -> Self {
        self.rules.timing = timing;
        self
    }

    /// What `progress` shows.
    pub fn progress(mut self, profile: ProgressProfile) -> Self {
        self.rules.progress = profile;
        self
    }

    /// How it misbehaves; not at all if not given.
    pub fn faults(mut self, faults: Faults) -> Self {
        self.faults = faults;
        self
    }

    /// The date at which the sandbox's time starts; now if not given. With it, and fixed ports, answers are the same to the last byte.
    pub fn started_at(mut self, date: DateTime<Utc>) -> Self {
        self.started_at = Some(date);
        self
    }

    /// The port of the API; any free one if 0 or not given.
    pub fn port(mut self, port: u16) -> Self {
        self.port = port;
        self
    }

    /// The port of previews and videos; any free one if 0 or not given.
    pub fn media_port(mut self, port: u16) -> Self {
        self.media_port = port;
        self
    }

    /// Starts the sandbox on 127.0.0.1, as tasks of the current tokio runtime.
    ///
    /// # Errors
    ///
    /// When an option is not possible, or a port is not free.
    ///
    /// # Panics
    ///
    /// Outside of a tokio runtime with I/O and time.
    pub async fn start(self) -> Result<Sandbox, StartError> {
        Sandbox::start_with(self).await
    }

    /// The rules, if all options are possible.
    pub(crate) fn rules(&self) -> Result<Rules, StartError> {
        if !(self.speed > 0.0 && self.speed <= MAX_SPEED) {
            return Err(StartError::Speed(self.speed));
        }
        if !(0.0..=MAX_SIGMA).contains(&self.rules.timing.sigma) {
            return Err(StartError::Sigma(self.rules.timing.sigma));
        }
        let card = RATE_CARDS.iter().find(|card| card.name == self.rate_card);
        let card = card.ok_or_else(|| StartError::RateCard(self.rate_card.clone()))?;
        Ok(Rules { card, ..self.rules.clone() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_possible_is_refused_with_what_is() {
        let message = |builder: SandboxBuilder| builder.rules().unwrap_err().to_string();
        for speed in [0.0, -1.0, f64::NAN, f64::INFINITY] {
            assert!(message(SandboxBuilder::default().speed(speed)).contains("above 0"), "{speed}");
        }
        assert!(
            message(SandboxBuilder::default().rate_card("free"))
                .ends_with("there are blocks, per-second")
        );
        let timing = Timing { sigma: -0.1, ..Timing::default() };
        assert!(message(SandboxBuilder::default().timing(timing)).contains("from 0 to 3"));
    }
}
