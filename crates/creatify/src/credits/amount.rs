//! Exact amounts of credits.

use std::{fmt, str::FromStr};

use rust_decimal::Decimal;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// An exact amount of credits.
///
/// Shown without trailing zeros; a JSON number in serde. Arithmetic is checked: it returns `None` instead of overflowing.
///
/// ```
/// use creatify::credits::Credits;
///
/// let half: Credits = "0.50".parse()?;
/// assert_eq!(half.to_string(), "0.5");
/// assert_eq!(half.checked_mul(6), Some(Credits::from(3)));
/// assert_eq!(serde_json::to_string(&half)?, "0.5");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Credits(Decimal);

/// A text or number that is not an amount of credits.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not an amount of credits: write a plain decimal such as 12 or 2.5")]
pub struct InvalidCredits(String);

impl Credits {
    /// No credits.
    pub const ZERO: Self = Self(Decimal::ZERO);

    /// Returns the amount with its unit: `1 credit`, `2.5 credits`.
    pub fn in_words(self) -> String {
        let unit = if self.0 == Decimal::ONE { "credit" } else { "credits" };
        format!("{self} {unit}")
    }

    /// Returns the sum, or `None` when it is too large to hold.
    pub fn checked_add(self, other: Self) -> Option<Self> {
        self.0.checked_add(other.0).map(Self)
    }

    /// The difference, which may be negative, or `None` when it is too large to hold.
    pub fn checked_sub(self, other: Self) -> Option<Self> {
        self.0.checked_sub(other.0).map(Self)
    }

    /// So many times the amount, or `None` when it is too large to hold.
    pub fn checked_mul(self, times: u64) -> Option<Self> {
        self.0.checked_mul(Decimal::from(times)).map(Self)
    }

    /// Whether it is below zero.
    pub fn is_negative(self) -> bool {
        self.0 < Decimal::ZERO
    }

    /// The amount as a decimal, for arithmetic of other kinds.
    pub fn as_decimal(self) -> Decimal {
        self.0
    }

    /// Any JSON number that is written as a decimal of up to 28 digits; `None` for others.
    pub(crate) fn from_number(number: &serde_json::Number) -> Option<Self> {
        let digits = number.to_string();
        Decimal::from_str_exact(&digits)
            .or_else(|_| Decimal::from_scientific(&digits))
            .ok()
            .map(Self)
    }
}

impl From<creatify_api::credit_rates::Amount> for Credits {
    fn from(amount: creatify_api::credit_rates::Amount) -> Self {
        Self(Decimal::new(amount.mantissa, amount.scale))
    }
}

impl From<Decimal> for Credits {
    fn from(amount: Decimal) -> Self {
        Self(amount)
    }
}

impl From<u32> for Credits {
    fn from(amount: u32) -> Self {
        Self(amount.into())
    }
}

impl FromStr for Credits {
    type Err = InvalidCredits;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Decimal::from_str_exact(text.trim()).map(Self).map_err(|_| InvalidCredits(text.to_owned()))
    }
}

impl fmt::Display for Credits {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.normalize().fmt(f)
    }
}

impl fmt::Debug for Credits {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Credits({self})")
    }
}

impl Serialize for Credits {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let digits = self.to_string();
        // JSON has no decimals: whole amounts go as integers, others as the double that prints as the same digits.
        match digits.parse::<i64>() {
            Ok(whole) => serializer.serialize_i64(whole),
            Err(_) => serializer.serialize_f64(digits.parse().map_err(serde::ser::Error::custom)?),
        }
    }
}

impl<'de> Deserialize<'de> for Credits {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let number = serde_json::Number::deserialize(deserializer)?;
        Self::from_number(&number)
            .ok_or_else(|| serde::de::Error::custom(InvalidCredits(number.to_string())))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_stay_exact_through_json() {
        for digits in ["0", "1", "0.5", "123.45", "-3", "0.1", "2000", "19.999"] {
            let credits: Credits = digits.parse().unwrap();
            let json = serde_json::to_string(&credits).unwrap();
            assert_eq!(json, digits);
            assert_eq!(serde_json::from_str::<Credits>(&json).unwrap(), credits);
        }
        let tenth: Credits = "0.1".parse().unwrap();
        assert_eq!(
            (0..10).try_fold(Credits::ZERO, |sum, _| sum.checked_add(tenth)),
            Some(Credits::from(1))
        );
    }

    #[test]
    fn what_is_not_an_amount_is_refused() {
        for text in ["", "x", "1e3", "NaN", "1,5"] {
            assert!(text.parse::<Credits>().is_err(), "{text}");
        }
        assert!(serde_json::from_str::<Credits>("1e300").is_err());
    }

    #[test]
    fn arithmetic_that_overflows_says_so() {
        let huge = Credits::from(Decimal::MAX);
        assert_eq!((huge.checked_add(huge), huge.checked_mul(2)), (None, None));
    }
}
