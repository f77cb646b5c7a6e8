//! Enums that stay open: a value that this version does not know is kept, shown and sent back as it is.

/// Defines one open enum from the values in `openapi.yaml`; `build/spec_data.rs` writes the calls.
macro_rules! open_enum {
    ($(#[$doc:meta])* $name:ident { $($variant:ident = $value:literal),+ }) => {
        $(#[$doc])*
        ///
        /// Values that this version does not know decode as `Other` and stay as they are. To test for one of those, compare
        /// [`as_str`](Self::as_str): the day it becomes a variant, `as_str` still says the same.
        #[derive(Debug, Clone)]
        #[non_exhaustive]
        pub enum $name {
            $(#[doc = concat!("`", $value, "`")] $variant,)+
            /// A value that this version does not know.
            Other(String),
        }

        impl $name {
            /// The values that this version knows.
            pub const KNOWN: &'static [Self] = &[$(Self::$variant),+];

            /// The value as the service writes it.
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
                f.pad(self.as_str())
            }
        }

        // By value, so that `Other("done")` made by hand equals the variant.
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

#[cfg(test)]
mod tests {
    use crate::{JobStatus, ModelVersion};

    #[test]
    fn an_unknown_value_decodes_shows_and_goes_back_as_it_came() {
        let status: JobStatus = serde_json::from_str("\"archived\"").unwrap();
        assert_eq!(status.to_string(), "archived");
        assert_eq!(serde_json::to_string(&status).unwrap(), "\"archived\"");
        assert!(matches!(status, JobStatus::Other(_)));
    }

    #[test]
    fn a_known_value_made_by_hand_equals_its_variant() {
        assert_eq!(JobStatus::Other("done".into()), JobStatus::Done);
        assert_eq!("aurora_v1_fast".parse(), Ok(ModelVersion::AuroraV1Fast));
        assert_eq!(ModelVersion::KNOWN.len(), 3);
    }
}
