//! Expected durations of videos: exact, or a range.

use std::{fmt, ops::RangeInclusive, str::FromStr, time::Duration};

use rust_decimal::Decimal;
use serde::{Deserialize, Deserializer, Serialize, Serializer, ser::SerializeStruct};

/// The duration of a finished video: exact, or a range with both ends included.
///
/// A request has no length field: the template decides the duration. Text is in seconds: `30`,
/// `28.5` or `20..45`. A range of integers is in whole seconds.
///
/// ```
/// use creatify::credits::DurationRange;
/// use std::time::Duration;
///
/// let range: DurationRange = "20..45".parse()?;
/// assert_eq!(range, DurationRange::from(20..=45));
/// assert_eq!(range.max(), Duration::from_secs(45));
/// assert_eq!(DurationRange::from(Duration::from_millis(28_500)), "28.5".parse()?);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct DurationRange {
    min: Duration,
    max: Duration,
}

/// Error for a text that is not a duration or a range of durations.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{0}` is not a duration in seconds: write 30, 28.5 or a range such as 20..45, smaller first"
)]
pub struct InvalidDuration(String);

impl DurationRange {
    /// Returns the shortest duration.
    pub fn min(self) -> Duration {
        self.min
    }

    /// Returns the longest duration.
    pub fn max(self) -> Duration {
        self.max
    }
}

impl From<Duration> for DurationRange {
    fn from(exact: Duration) -> Self {
        Self { min: exact, max: exact }
    }
}

impl From<RangeInclusive<Duration>> for DurationRange {
    /// Converts a range; the order of its ends does not matter.
    fn from(range: RangeInclusive<Duration>) -> Self {
        let (one, other) = range.into_inner();
        Self { min: one.min(other), max: one.max(other) }
    }
}

impl From<RangeInclusive<u64>> for DurationRange {
    /// Converts a range of whole seconds, such as `20..=45`; the order of its ends does not matter.
    fn from(seconds: RangeInclusive<u64>) -> Self {
        let (one, other) = seconds.into_inner();
        Self::from(Duration::from_secs(one)..=Duration::from_secs(other))
    }
}

impl FromStr for DurationRange {
    type Err = InvalidDuration;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let invalid = || InvalidDuration(text.to_owned());
        let seconds = |text: &str| seconds(text.trim()).ok_or_else(invalid);
        let range = match text.split_once("..") {
            None => Self::from(seconds(text)?),
            Some((min, max)) => Self { min: seconds(min)?, max: seconds(max)? },
        };
        if range.min > range.max { Err(invalid()) } else { Ok(range) }
    }
}

/// Parses plain decimal digits exactly: as a float, 30.000000001 would become 30.
fn seconds(text: &str) -> Option<Duration> {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, "0"));
    let digits = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
    if !digits(whole) || !digits(fraction) || fraction.len() > 9 {
        return None;
    }
    Some(Duration::new(whole.parse().ok()?, format!("{fraction:0<9}").parse().ok()?))
}

impl fmt::Display for DurationRange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.min == self.max {
            write!(f, "{} s", self.min.as_secs_f64())
        } else {
            write!(f, "{} to {} s", self.min.as_secs_f64(), self.max.as_secs_f64())
        }
    }
}

impl Serialize for DurationRange {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut range = serializer.serialize_struct("DurationRange", 2)?;
        range.serialize_field("min", &json_seconds(self.min))?;
        range.serialize_field("max", &json_seconds(self.max))?;
        range.end()
    }
}

impl<'de> Deserialize<'de> for DurationRange {
    /// Deserializes `{"min": 20, "max": 45}`, `30`, and `"20..45"`.
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(untagged, deny_unknown_fields)]
        enum Form {
            Exact(serde_json::Number),
            Text(String),
            Range { min: serde_json::Number, max: serde_json::Number },
        }
        let text = match Form::deserialize(deserializer)? {
            Form::Exact(seconds) => decimal(&seconds),
            Form::Text(text) => text,
            Form::Range { min, max } => format!("{}..{}", decimal(&min), decimal(&max)),
        };
        text.parse().map_err(serde::de::Error::custom)
    }
}

/// Returns a JSON number as a plain decimal, to the nanosecond.
fn decimal(seconds: &serde_json::Number) -> String {
    let text = seconds.to_string();
    Decimal::from_str(&text)
        .or_else(|_| Decimal::from_scientific(&text))
        .map_or(text, |seconds| seconds.round_dp(9).normalize().to_string())
}

/// Returns whole seconds as an integer, others as the decimal that is read back exactly.
fn json_seconds(duration: Duration) -> serde_json::Value {
    if duration.subsec_nanos() == 0 {
        return duration.as_secs().into();
    }
    let text = format!("{}.{:09}", duration.as_secs(), duration.subsec_nanos());
    text.trim_end_matches('0').parse().map_or(serde_json::Value::Null, serde_json::Value::Number)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_parsed_exactly_and_other_text_is_refused() {
        let exact = |text: &str| text.parse::<DurationRange>().unwrap();
        assert_eq!(exact("30.000000001").max(), Duration::new(30, 1));
        assert_eq!(exact("28.5"), Duration::from_millis(28_500).into());
        assert_eq!(exact("20 .. 45"), (Duration::from_secs(20)..=Duration::from_secs(45)).into());
        assert_eq!(exact("20..45"), (20..=45).into());
        assert_eq!(DurationRange::from(RangeInclusive::new(45, 20)), exact("20..45"));
        for text in ["", "-1", "45..20", "1..", "..3", "1e3", "inf", "30s", "1.", "0.0000000001"] {
            assert!(text.parse::<DurationRange>().is_err(), "{text}");
        }
    }

    proptest::proptest! {
        /// A ledger line that cannot be read back loses a charge.
        #[test]
        fn every_duration_of_a_video_survives_json(millis in 0u64..100_000_000, more in 0u64..60_000) {
            let range: DurationRange =
                (Duration::from_millis(millis)..=Duration::from_millis(millis + more)).into();
            let json = serde_json::to_string(&range).unwrap();
            proptest::prop_assert_eq!(serde_json::from_str::<DurationRange>(&json).unwrap(), range);
        }
    }

    #[test]
    fn numbers_of_other_programs_are_read_to_the_nanosecond() {
        let read = |json: &str| serde_json::from_str::<DurationRange>(json).unwrap().max();
        assert_eq!(read("5.5600000000000005"), Duration::from_millis(5_560));
        assert_eq!(read("2.5e1"), Duration::from_secs(25));
    }

    #[test]
    fn json_keeps_whole_seconds_whole() {
        let range: DurationRange = "1..2.5".parse().unwrap();
        let json = serde_json::to_string(&range).unwrap();
        assert_eq!(json, r#"{"min":1,"max":2.5}"#);
        for form in [json.as_str(), "\"1..2.5\""] {
            assert_eq!(serde_json::from_str::<DurationRange>(form).unwrap(), range);
        }
        assert_eq!(
            serde_json::from_str::<DurationRange>("30").unwrap(),
            Duration::from_secs(30).into()
        );
    }
}
