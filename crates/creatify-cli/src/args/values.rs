//! Values of arguments and their parsers.

use chrono::{DateTime, NaiveDate, NaiveTime, Utc};
use clap::{
    ValueEnum,
    builder::{OsStringValueParser, TypedValueParser},
};
use creatify::{
    Goal, JobHandle, JobId,
    credits::{BillableOperation, Credits, RateCard},
    journal::Key,
};
use creatify_sandbox::Faults;
use secrecy::SecretString;

use crate::journal::Place;

pub(super) fn rate_card(text: &str) -> Result<RateCard, String> {
    RateCard::named(text).or_else(|unknown| match std::fs::read_to_string(text) {
        Ok(file) => RateCard::from_yaml(&file).map_err(|error| error.to_string()),
        Err(error) => Err(format!("{unknown}, and as a file it cannot be read: {error}")),
    })
}

pub(super) fn secret(text: &str) -> Result<SecretString, std::convert::Infallible> {
    Ok(text.into())
}

/// Takes any text: an error would print it, and a URL may have a password.
pub(super) fn journal() -> impl TypedValueParser<Value = Place> {
    OsStringValueParser::new().map(Place::named)
}

/// Returns the start of a day, in UTC.
pub(super) fn day(text: &str) -> Result<DateTime<Utc>, String> {
    let day: NaiveDate = text.parse().map_err(|_| "write a day such as 2026-11-01".to_owned())?;
    Ok(day.and_time(NaiveTime::MIN).and_utc())
}

pub(super) fn limit(text: &str) -> Result<Credits, String> {
    match text.parse::<Credits>() {
        Ok(credits) if !credits.is_negative() => Ok(credits),
        Ok(_) => Err("it is below zero".to_owned()),
        Err(error) => Err(error.to_string()),
    }
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

/// A job as it is named on the command line.
#[derive(Debug, Clone)]
pub(crate) enum JobArg {
    /// The ID, or a handle with its goal (`preview:ID`).
    Id { id: JobId, goal: Option<Goal> },
    /// A key or the start of an ID, for the journal to find.
    Name(Key),
}

impl std::str::FromStr for JobArg {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if let Ok(handle) = text.parse::<JobHandle>() {
            return Ok(Self::Id { id: handle.id, goal: Some(handle.goal) });
        }
        if let Ok(id) = text.parse() {
            return Ok(Self::Id { id, goal: None });
        }
        let name = text.parse().map(Self::Name);
        name.map_err(|error| format!("it is neither the ID of a job nor a key: {error}"))
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
