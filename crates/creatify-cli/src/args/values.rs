//! Values of arguments and their parsers.

use clap::ValueEnum;
use creatify::{
    Goal, JobHandle, JobId,
    credits::{BillableOperation, RateCard},
};
use creatify_sandbox::Faults;
use secrecy::SecretString;

pub(super) fn rate_card(text: &str) -> Result<RateCard, String> {
    RateCard::named(text).or_else(|unknown| match std::fs::read_to_string(text) {
        Ok(file) => RateCard::from_yaml(&file).map_err(|error| error.to_string()),
        Err(error) => Err(format!("{unknown}, and as a file it cannot be read: {error}")),
    })
}

pub(super) fn secret(text: &str) -> Result<SecretString, std::convert::Infallible> {
    Ok(text.into())
}

pub(super) fn operation(text: &str) -> Result<BillableOperation, String> {
    let known = || {
        BillableOperation::ALL
            .iter()
            .map(|operation| operation.as_str())
            .collect::<Vec<_>>()
            .join(", ")
    };
    BillableOperation::ALL
        .iter()
        .copied()
        .find(|operation| operation.as_str() == text)
        .ok_or_else(|| format!("known are {}", known()))
}

pub(super) fn faults(path: &str) -> Result<Faults, String> {
    let text = std::fs::read_to_string(path).map_err(|error| error.to_string())?;
    Faults::from_yaml(&text).map_err(|error| error.to_string())
}

pub(super) fn speed(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(speed) if speed.is_finite() && speed > 0.0 => Ok(speed),
        _ => Err("write a number above 0".to_owned()),
    }
}

/// A `NAME=VALUE` argument.
#[derive(Debug, Clone)]
pub(crate) struct Pair {
    pub(crate) name: String,
    pub(crate) value: String,
}

impl std::str::FromStr for Pair {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text.split_once('=') {
            Some((name, value)) if !name.is_empty() => {
                Ok(Self { name: name.to_owned(), value: value.to_owned() })
            }
            _ => Err("write NAME=VALUE"),
        }
    }
}

/// A job as it is named on the command line: its ID, or a handle with its goal (`preview:ID`).
#[derive(Debug, Clone, Copy)]
pub(crate) struct JobArg {
    pub(crate) id: JobId,
    pub(crate) goal: Option<Goal>,
}

impl std::str::FromStr for JobArg {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if let Ok(handle) = text.parse::<JobHandle>() {
            return Ok(Self { id: handle.id, goal: Some(handle.goal) });
        }
        text.parse()
            .map(|id| Self { id, goal: None })
            .map_err(|error: creatify::InvalidId| error.to_string())
    }
}

#[derive(Debug, Clone, Copy, ValueEnum)]
pub(crate) enum GoalArg {
    Preview,
    Video,
}

impl From<GoalArg> for Goal {
    fn from(goal: GoalArg) -> Self {
        match goal {
            GoalArg::Preview => Self::Preview,
            GoalArg::Video => Self::Video,
        }
    }
}
