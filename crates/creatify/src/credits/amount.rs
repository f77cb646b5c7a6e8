//! Exact amounts of credits.

use std::{fmt, str::FromStr};

use rust_decimal::Decimal;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// An exact amount of credits.
///
/// Shown without trailing zeros; a JSON number in serde. Arithmetic is checked: it returns `None`
/// instead of overflowing.
///
/// ```
/// use creatify::credits::Credits;
///
/// let half: Credits = "0.50".parse()?;
/// assert_eq!(half.to_string(), "0.5");
/// assert_eq!(half.in_words(), "0.5 credits");
/// assert_eq!(half.checked_mul(6), Some(Credits::from(3)));
/// assert_eq!(serde_json::to_string(&half)?, "0.5");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
#[doc(alias = "money")]
#[doc(alias = "cost")]
pub struct Credits(Decimal);

/// Decimal places of the service's amounts that count. It computes with binary floating point, so
/// the digits behind them are noise: `14.000000000000002` is 14 credits.
const SERVICE_DECIMAL_PLACES: u32 = 9;

/// Error for a text or number that is not an amount of credits.
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

    /// Returns the difference, which may be negative, or `None` when it is too large to hold.
    pub fn checked_sub(self, other: Self) -> Option<Self> {
        self.0.checked_sub(other.0).map(Self)
    }

    /// Returns the amount multiplied by `times`, or `None` when it is too large to hold.
    pub fn checked_mul(self, times: u64) -> Option<Self> {
        self.0.checked_mul(Decimal::from(times)).map(Self)
    }

    /// Returns whether the amount is below zero.
    pub fn is_negative(self) -> bool {
        self.0 < Decimal::ZERO
    }

    /// Returns the amount as a decimal, for other arithmetic.
    pub fn as_decimal(self) -> Decimal {
        self.0
    }

    /// Reads an amount in an answer of the service, to 9 decimal places; `None` when it is too
    /// large to hold.
    pub(crate) fn from_number(number: &serde_json::Number) -> Option<Self> {
        let is_noise = || number.as_f64().is_some_and(|amount| amount.abs() < 1e-9);
        exact(number).map(Self::without_noise).or_else(|| is_noise().then_some(Self::ZERO))
    }

    /// Returns the amount without the digits that floating point may have added to it.
    pub(super) fn without_noise(self) -> Self {
        Self(self.0.round_dp(SERVICE_DECIMAL_PLACES).normalize())
    }
}

/// Reads a number that is written as a decimal of up to 28 digits.
fn exact(number: &serde_json::Number) -> Option<Credits> {
    let digits = number.to_string();
    let exact = Decimal::from_str_exact(&digits).or_else(|_| Decimal::from_scientific(&digits));
    exact.ok().map(Credits)
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
        // JSON has no decimals: whole amounts become integers, others the double that prints as the
        // same digits.
        match digits.parse::<i64>() {
            Ok(whole) => serializer.serialize_i64(whole),
            Err(_) => serializer.serialize_f64(digits.parse().map_err(serde::ser::Error::custom)?),
        }
    }
}

impl<'de> Deserialize<'de> for Credits {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let number = serde_json::Number::deserialize(deserializer)?;
        exact(&number).ok_or_else(|| serde::de::Error::custom(InvalidCredits(number.to_string())))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

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
    fn other_texts_and_numbers_are_refused() {
        for text in ["", "x", "1e3", "NaN", "1,5"] {
            assert!(text.parse::<Credits>().is_err(), "{text}");
        }
        assert!(serde_json::from_str::<Credits>("1e300").is_err());
    }

    #[test]
    fn overflowing_arithmetic_returns_none() {
        let huge = Credits::from(Decimal::MAX);
        assert_eq!((huge.checked_add(huge), huge.checked_mul(2)), (None, None));
    }

    #[test]
    fn amounts_have_their_unit() {
        for (amount, words) in [("1", "1 credit"), ("1.0", "1 credit"), ("0.5", "0.5 credits")] {
            assert_eq!(amount.parse::<Credits>().unwrap().in_words(), words);
        }
    }

    fn from_service(json: &str) -> Option<String> {
        Credits::from_number(&serde_json::from_str(json).unwrap()).map(|read| read.to_string())
    }

    #[test]
    fn float_noise_of_the_service_is_rounded_away() {
        for (sent, read) in [
            ("14.000000000000002", "14"),
            ("0.30000000000000004", "0.3"),
            ("99.9999999999986", "100"),
            ("2.5", "2.5"),
            ("0.123456789", "0.123456789"),
            ("1e2", "100"),
            ("1e-12", "0"),
            ("-1e-13", "0"),
            ("5e-324", "0"),
            ("9007199254740993", "9007199254740993"),
        ] {
            assert_eq!(from_service(sent).as_deref(), Some(read), "{sent}");
        }
        assert_eq!(from_service("1e300"), None);
    }

    proptest! {
        #[test]
        fn sums_of_doubles_are_read_as_the_exact_sum(
            parts in proptest::collection::vec(0u32..100_000, 1..200),
        ) {
            let float: f64 = parts.iter().map(|cents| f64::from(*cents) / 100.0).sum();
            let exact: Decimal = parts.iter().map(|cents| Decimal::new((*cents).into(), 2)).sum();
            prop_assert_eq!(from_service(&float.to_string()), Some(Credits(exact).to_string()));
        }
    }
}
