//! Custom templates of the account.

use creatify_api::types;
use serde::{Deserialize, Serialize};

use crate::job::{InvalidId, TemplateId};

/// A custom template, as the service describes it. In serde it has the service's own form, unknown
/// fields included.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Template(types::CustomTemplate);

impl Template {
    /// Returns its id, for [`Client::preview`](crate::Client::preview) and
    /// [`Client::create`](crate::Client::create).
    ///
    /// # Errors
    ///
    /// When the service's id is not a UUID, as every id is documented to be.
    pub fn id(&self) -> Result<TemplateId, InvalidId> {
        self.0.template_id.parse()
    }

    /// Returns its name.
    pub fn name(&self) -> Option<&str> {
        self.0.name.as_deref().filter(|name| !name.is_empty())
    }

    /// Returns the whole answer of the service about it, in the generated type.
    pub fn as_api(&self) -> &types::CustomTemplate {
        &self.0
    }
}

impl From<types::CustomTemplate> for Template {
    fn from(template: types::CustomTemplate) -> Self {
        Self(template)
    }
}
