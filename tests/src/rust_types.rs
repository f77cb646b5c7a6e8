//! The Rust type of each component, with its JSON Schema and a round trip through it.

use creatify_api::{JobStatus, ModelVersion, types};
use schemars::{JsonSchema, Schema, generate::SchemaSettings};
use serde::{Serialize, de::DeserializeOwned};
use serde_json::Value;

/// The Rust type of a component.
#[derive(Clone, Copy)]
pub struct RustType {
    /// Name of the component.
    pub name: &'static str,
    /// JSON Schema of the type.
    pub schema: fn() -> Schema,
    /// Decodes a value and encodes it again.
    pub round_trip: fn(Value) -> Result<Value, String>,
}

fn schema<T: JsonSchema>() -> Schema {
    SchemaSettings::draft2020_12().into_generator().into_root_schema_for::<T>()
}

fn round_trip<T: DeserializeOwned + Serialize>(value: Value) -> Result<Value, String> {
    let decoded: T = serde_json::from_value(value).map_err(|error| error.to_string())?;
    serde_json::to_value(decoded).map_err(|error| error.to_string())
}

macro_rules! rust_types {
    ($($path:ident :: $name:ident),* ; $($plain:ident),*) => {
        /// All types. A test compares the list with the generated source.
        pub const RUST_TYPES: &[RustType] = &[
            $(RustType { name: stringify!($name), schema: schema::<$path::$name>, round_trip: round_trip::<$path::$name> },)*
            $(RustType { name: stringify!($plain), schema: schema::<$plain>, round_trip: round_trip::<$plain> },)*
        ];
    };
}

rust_types! {
    types::AnyVariable,
    types::AvatarProperties,
    types::CustomTemplate,
    types::CustomTemplateArray,
    types::CustomTemplateJob,
    types::CustomTemplateJobArray,
    types::CustomTemplateJobList,
    types::CustomTemplateJobPage,
    types::CustomTemplateJobRequest,
    types::CustomTemplateList,
    types::CustomTemplatePage,
    types::Error,
    types::ErrorDetail,
    types::ErrorFields,
    types::ErrorList,
    types::JobEvent,
    types::MediaProperties,
    types::Progress,
    types::ProgressText,
    types::RemainingCredits,
    types::RenderCustomTemplateJobRequest,
    types::TextProperties,
    types::TypedVariable,
    types::Variable,
    types::Variables,
    types::VoiceoverProperties;
    JobStatus,
    ModelVersion
}

/// Returns the type of a component.
pub fn rust_type(name: &str) -> Option<&'static RustType> {
    RUST_TYPES.iter().find(|known| known.name == name)
}
