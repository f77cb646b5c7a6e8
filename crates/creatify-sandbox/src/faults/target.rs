//! Fault targets: one operation, the media host, or the webhook deliveries.

use std::fmt;

use creatify_api::OperationId;
use serde::{Deserialize, Deserializer, de::Error as _};

/// The requests or deliveries that a fault applies to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Target {
    /// Requests of one operation.
    Operation(OperationId),
    /// Requests to the media host, for previews and videos: `media`.
    Media,
    /// Webhook deliveries, one for each status change of a job: `webhooks`.
    Webhooks,
}

impl Target {
    fn as_str(&self) -> &'static str {
        match self {
            Self::Operation(operation) => operation.as_str(),
            Self::Media => "media",
            Self::Webhooks => "webhooks",
        }
    }

    fn all() -> impl Iterator<Item = Self> {
        [Self::Media, Self::Webhooks]
            .into_iter()
            .chain(OperationId::ALL.iter().copied().map(Self::Operation))
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl<'de> Deserialize<'de> for Target {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let name = String::deserialize(deserializer)?;
        Self::all().find(|target| target.as_str() == name).ok_or_else(|| {
            let known: Vec<_> = Self::all().map(|target| target.as_str()).collect();
            D::Error::custom(format!(
                "unknown operation `{name}`; expected one of {}",
                known.join(", ")
            ))
        })
    }
}
