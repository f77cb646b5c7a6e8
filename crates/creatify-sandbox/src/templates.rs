//! Which templates does the sandbox's account have?

use std::time::Duration;

use uuid::{Uuid, uuid};

use crate::lifecycle::Ending;

/// A template of the sandbox's account. Its id and duration never change.
#[derive(Debug)]
#[non_exhaustive]
pub struct Template {
    /// What a job refers to.
    pub id: Uuid,
    /// Its name.
    pub name: &'static str,
    /// How long its videos are, in whole seconds. The template decides that, never the request.
    pub duration: Duration,
    /// For example `9x16`.
    pub aspect_ratio: &'static str,
    /// How the first call of a job ends: a preview or a create.
    pub(crate) first_call: Ending,
    /// How a render of its previews ends.
    pub(crate) render: Ending,
}

const fn works(id: Uuid, name: &'static str, seconds: u64, aspect_ratio: &'static str) -> Template {
    Template {
        id,
        name,
        duration: Duration::from_secs(seconds),
        aspect_ratio,
        first_call: Ending::Done,
        render: Ending::Done,
    }
}

const fn ends(id: Uuid, name: &'static str, first_call: Ending, render: Ending) -> Template {
    Template {
        id,
        name,
        duration: Duration::from_secs(20),
        aspect_ratio: "9x16",
        first_call,
        render,
    }
}

const FAILED: Ending =
    Ending::Failed("Could not fetch the image of a variable. This template always fails.");
const RENDER_FAILED: Ending =
    Ending::Failed("The renderer stopped. This template fails whenever it is rendered.");
const REJECTED: Ending =
    Ending::Rejected("The content was rejected by moderation. This template is always rejected.");

static TEMPLATES: [Template; 8] = [
    works(uuid!("3f1c9a52-7d0e-4b51-9c8a-0e6f5b7a2d10"), "Seasonal sale", 28, "9x16"),
    works(uuid!("b2a4d7c1-5e83-4f0a-8d26-91c3f7e05a44"), "Product launch", 45, "16x9"),
    works(uuid!("6c0f2e98-31b7-4d5c-a9e4-2f8b70d1c613"), "Testimonial", 15, "1x1"),
    works(uuid!("e81d5b30-94fa-4c27-b6d8-7a05c2e9f381"), "Teaser", 6, "9x16"),
    works(uuid!("09a7c4f6-d25b-4e18-8f93-c6b1e4720d5f"), "Explainer", 60, "16x9"),
    ends(uuid!("fa11ed00-0000-4000-8000-000000000001"), "Always fails", FAILED, FAILED),
    ends(uuid!("de1ec7ed-0000-4000-8000-000000000002"), "Always rejected", REJECTED, REJECTED),
    ends(
        uuid!("fa11ed00-0000-4000-8000-000000000003"),
        "Fails when rendered",
        Ending::Done,
        RENDER_FAILED,
    ),
];

/// All templates of the sandbox.
///
/// Five work and differ in duration. `Always fails` and `Always rejected` end so, whatever is asked of them; previews of
/// `Fails when rendered` work and their renders fail.
pub fn templates() -> &'static [Template] {
    &TEMPLATES
}

/// The template with this id.
pub(crate) fn find(id: Uuid) -> Option<&'static Template> {
    TEMPLATES.iter().find(|template| template.id == id)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_template_is_found_by_its_own_id() {
        for template in templates() {
            assert_eq!(find(template.id).map(|found| found.name), Some(template.name));
            assert_eq!(template.id.get_version_num(), 4, "{}", template.name);
        }
        assert!(find(Uuid::nil()).is_none());
    }
}
