//! Open enums: a value that this version does not know is kept and sent back unchanged.

use std::borrow::Cow;

/// Defines one open enum from the values in `openapi.yaml`; `build/spec_data.rs` writes the calls.
macro_rules! open_enum {
    ($(#[$doc:meta])* $name:ident { $($variant:ident = $value:literal),+ }) => {
        $(#[$doc])*
        ///
        /// Values that this version does not know decode as `Other`, unchanged. To test for one of
        /// them, compare [`as_str`](Self::as_str), which stays the same when the value becomes a
        /// variant. `Display` escapes control characters and characters that reorder text.
        #[derive(Debug, Clone)]
        #[non_exhaustive]
        pub enum $name {
            $(#[doc = concat!("`", $value, "`")] $variant,)+
            /// A value that this version does not know.
            Other(String),
        }

        impl $name {
            /// Values that this version knows.
            pub const KNOWN: &'static [Self] = &[$(Self::$variant),+];

            /// Returns the value as the service writes it.
            pub fn as_str(&self) -> &str {
                match self {
                    $(Self::$variant => $value,)+
                    Self::Other(value) => value,
                }
            }
        }

        impl From<&str> for $name {
            fn from(value: &str) -> Self {
                match value {
                    $($value => Self::$variant,)+
                    other => Self::Other(other.to_owned()),
                }
            }
        }

        impl From<String> for $name {
            fn from(value: String) -> Self {
                Self::from(value.as_str())
            }
        }

        impl std::str::FromStr for $name {
            type Err = std::convert::Infallible;

            fn from_str(value: &str) -> Result<Self, Self::Err> {
                Ok(Self::from(value))
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.pad(&$crate::open_enum::printable(self.as_str()))
            }
        }

        // By value, so that a hand-made `Other("done")` equals the variant.
        impl PartialEq for $name {
            fn eq(&self, other: &Self) -> bool {
                self.as_str() == other.as_str()
            }
        }

        impl Eq for $name {}

        impl std::hash::Hash for $name {
            fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
                self.as_str().hash(state);
            }
        }

        impl serde::Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(self.as_str())
            }
        }

        impl<'de> serde::Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                String::deserialize(deserializer).map(Self::from)
            }
        }

        impl schemars::JsonSchema for $name {
            fn schema_name() -> std::borrow::Cow<'static, str> {
                stringify!($name).into()
            }

            fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
                schemars::json_schema!({ "type": "string", "enum": [$($value),+] })
            }
        }
    };
}
pub(crate) use open_enum;

/// Returns a text of the service with its control characters and bidirectional controls escaped, so
/// that it cannot act on a terminal.
pub(crate) fn printable(text: &str) -> Cow<'_, str> {
    if !text.contains(acts_on_terminals) {
        return text.into();
    }
    let escaped = text.chars().map(|character| {
        if acts_on_terminals(character) {
            character.escape_unicode().to_string()
        } else {
            character.to_string()
        }
    });
    escaped.collect::<String>().into()
}

fn acts_on_terminals(character: char) -> bool {
    character.is_control()
        || matches!(
            character,
            '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}'
        )
}

#[cfg(test)]
mod tests {
    use crate::{JobStatus, ModelVersion};

    #[test]
    fn an_unknown_value_is_decoded_and_sent_back_unchanged() {
        let status: JobStatus = serde_json::from_str("\"archived\"").unwrap();
        assert_eq!(status.to_string(), "archived");
        assert_eq!(serde_json::to_string(&status).unwrap(), "\"archived\"");
        assert!(matches!(status, JobStatus::Other(_)));
    }

    #[test]
    fn a_hand_made_known_value_equals_its_variant() {
        assert_eq!(JobStatus::Other("done".into()), JobStatus::Done);
        assert_eq!("aurora_v1_fast".parse(), Ok(ModelVersion::AuroraV1Fast));
        assert_eq!(ModelVersion::KNOWN.len(), 3);
    }

    #[test]
    fn control_and_bidi_characters_are_displayed_escaped_and_kept_unchanged() {
        let text = "done\u{1b}[2J\r\u{202e}\u{9b}";
        let status = JobStatus::from(text);
        assert_eq!(status.to_string(), r"done\u{1b}[2J\u{d}\u{202e}\u{9b}");
        assert_eq!(status.as_str(), text);
        assert_eq!(serde_json::to_value(&status).unwrap(), text);
        assert_eq!(JobStatus::from("Größe – 大").to_string(), "Größe – 大");
    }
}
