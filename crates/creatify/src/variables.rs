//! Variables of a template: typed values, or any other JSON.

use std::collections::BTreeMap;

use creatify_api::types::{
    self, AvatarProperties, MediaProperties, TextProperties, TypedVariable, VoiceoverProperties,
};
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::Value;
use url::Url;

use crate::error::Error;

/// The variables of a template, by name. In serde, the `variables` object of a request, unchanged.
///
/// ```
/// use creatify::Variables;
///
/// let variables = Variables::new()
///     .text("headline", "Summer sale")
///     .image("hero", "https://cdn.example.com/hero.png")
///     .raw("price", serde_json::json!({ "type": "money", "properties": { "amount": "9.90" } }));
/// ```
#[derive(Debug, Clone, Serialize)]
#[serde(transparent)]
#[doc(alias = "placeholders")]
pub struct Variables(types::Variables);

impl Default for Variables {
    fn default() -> Self {
        Self(types::Variables(BTreeMap::new()))
    }
}

impl<'de> Deserialize<'de> for Variables {
    /// Deserializes every value as raw JSON: as a known type, it would lose the properties that
    /// this version does not know.
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let values = BTreeMap::<String, Value>::deserialize(deserializer)?;
        Ok(values
            .into_iter()
            .fold(Self::new(), |variables, (name, value)| variables.raw(name, value)))
    }
}

impl Variables {
    /// Creates an empty set of variables.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a text. It replaces `{{name}}` in an overlay or a scene.
    #[must_use]
    pub fn text(self, name: impl Into<String>, content: impl Into<String>) -> Self {
        self.typed(name, TypedVariable::Text(TextProperties { content: Some(content.into()) }))
    }

    /// Adds an image by its URL.
    #[must_use]
    pub fn image(self, name: impl Into<String>, url: impl Into<String>) -> Self {
        self.typed(name, TypedVariable::Image(MediaProperties { url: url.into() }))
    }

    /// Adds a video clip by its URL.
    #[must_use]
    pub fn video(self, name: impl Into<String>, url: impl Into<String>) -> Self {
        self.typed(name, TypedVariable::Video(MediaProperties { url: url.into() }))
    }

    /// Adds a sound by its URL.
    #[must_use]
    pub fn audio(self, name: impl Into<String>, url: impl Into<String>) -> Self {
        self.typed(name, TypedVariable::Audio(MediaProperties { url: url.into() }))
    }

    /// Adds an avatar by its id.
    #[must_use]
    pub fn avatar(self, name: impl Into<String>, avatar_id: impl Into<String>) -> Self {
        self.typed(name, TypedVariable::Avatar(AvatarProperties { avatar_id: avatar_id.into() }))
    }

    /// Adds a voice by its id.
    #[must_use]
    pub fn voiceover(self, name: impl Into<String>, voice_id: impl Into<String>) -> Self {
        self.typed(
            name,
            TypedVariable::Voiceover(VoiceoverProperties { voice_id: voice_id.into() }),
        )
    }

    /// Adds any JSON value, for types that this version does not know.
    #[must_use]
    pub fn raw(mut self, name: impl Into<String>, value: Value) -> Self {
        self.0.0.insert(name.into(), types::Variable::AnyVariable(value.into()));
        self
    }

    /// Adds all variables of `other`. They replace those with the same name.
    #[must_use]
    pub fn with(mut self, other: Self) -> Self {
        self.0.0.extend(other.0.0);
        self
    }

    /// Returns whether there are no variables.
    pub fn is_empty(&self) -> bool {
        self.0.0.is_empty()
    }

    fn typed(mut self, name: impl Into<String>, variable: TypedVariable) -> Self {
        self.0.0.insert(name.into(), types::Variable::TypedVariable(variable));
        self
    }

    /// Refuses what the service would certainly refuse: media without an absolute URL, empty ids.
    pub(crate) fn check(&self) -> Result<(), Error> {
        for (name, variable) in &self.0.0 {
            let types::Variable::TypedVariable(variable) = variable else { continue };
            let wrong = match variable {
                TypedVariable::Image(media)
                | TypedVariable::Video(media)
                | TypedVariable::Audio(media) => Url::parse(&media.url)
                    .is_err()
                    .then(|| format!("`{}` is not an absolute URL", media.url)),
                TypedVariable::Avatar(avatar) => {
                    avatar.avatar_id.is_empty().then(|| "the avatar id is empty".to_owned())
                }
                TypedVariable::Voiceover(voice) => {
                    voice.voice_id.is_empty().then(|| "the voice id is empty".to_owned())
                }
                TypedVariable::Text(_) => None,
            };
            if let Some(wrong) = wrong {
                return Err(Error::invalid(format!("variable `{name}`: {wrong}")));
            }
        }
        Ok(())
    }

    pub(crate) fn into_api(self) -> types::Variables {
        self.0
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn typed_and_raw_variables_are_sent_in_the_services_form() {
        let variables = Variables::new()
            .text("a", "x")
            .image("b", "https://e.com/b.png")
            .avatar("c", "7")
            .voiceover("d", "8")
            .video("e", "https://e.com/e.mp4")
            .audio("f", "https://e.com/f.mp3")
            .raw("g", json!([1, null]));
        let expected = json!({
            "a": { "type": "text", "properties": { "content": "x" } },
            "b": { "type": "image", "properties": { "url": "https://e.com/b.png" } },
            "c": { "type": "avatar", "properties": { "avatar_id": "7" } },
            "d": { "type": "voiceover", "properties": { "voice_id": "8" } },
            "e": { "type": "video", "properties": { "url": "https://e.com/e.mp4" } },
            "f": { "type": "audio", "properties": { "url": "https://e.com/f.mp3" } },
            "g": [1, null],
        });
        assert_eq!(serde_json::to_value(&variables).unwrap(), expected);
        assert_eq!(
            serde_json::to_value(serde_json::from_value::<Variables>(expected.clone()).unwrap())
                .unwrap(),
            expected
        );
    }

    #[test]
    fn a_value_of_a_known_type_keeps_what_this_version_does_not_know() {
        let properties = json!({ "url": "https://e.com", "crop": "top" });
        let raw = json!({ "hero": { "type": "image", "properties": properties, "locked": true } });
        let variables: Variables = serde_json::from_value(raw.clone()).unwrap();
        assert_eq!(serde_json::to_value(variables).unwrap(), raw);
    }

    #[test]
    fn media_without_a_url_is_refused_by_name() {
        let error = Variables::new().text("ok", "").image("hero", "hero.png").check().unwrap_err();
        assert!(error.to_string().contains("`hero`"), "{error}");
    }
}
