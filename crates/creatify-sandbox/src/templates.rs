//! Templates of the sandbox's account.

use std::time::Duration;

use uuid::{Uuid, uuid};

use crate::lifecycle::Outcome;

/// A template of the sandbox's account. Its id and duration never change.
#[derive(Debug)]
#[non_exhaustive]
pub struct Template {
    /// Template id, for `template_id` of a request.
    pub id: Uuid,
    /// Template name.
    pub name: &'static str,
    /// Duration of its videos, in whole seconds. It depends on the template alone.
    pub duration: Duration,
    /// Aspect ratio, for example `9x16`.
    pub aspect_ratio: &'static str,
    /// The outcome of the first call of a job: a preview or a create.
    pub(crate) first_call: Outcome,
    /// The outcome of a render of its previews.
    pub(crate) render: Outcome,
}

const fn succeeding(
    id: Uuid,
    name: &'static str,
    seconds: u64,
    aspect_ratio: &'static str,
) -> Template {
    Template {
        id,
        name,
        duration: Duration::from_secs(seconds),
        aspect_ratio,
        first_call: Outcome::Done,
        render: Outcome::Done,
    }
}

const fn failing(id: Uuid, name: &'static str, first_call: Outcome, render: Outcome) -> Template {
    Template {
        id,
        name,
        duration: Duration::from_secs(20),
        aspect_ratio: "9x16",
        first_call,
        render,
    }
}

const FAILED: Outcome =
    Outcome::Failed("Could not fetch the image of a variable. This template always fails.");
const RENDER_FAILED: Outcome =
    Outcome::Failed("The renderer stopped. This template fails whenever it is rendered.");
const REJECTED: Outcome =
    Outcome::Rejected("The content was rejected by moderation. This template is always rejected.");

static TEMPLATES: [Template; 8] = [
    succeeding(uuid!("3f1c9a52-7d0e-4b51-9c8a-0e6f5b7a2d10"), "Seasonal sale", 28, "9x16"),
    succeeding(uuid!("b2a4d7c1-5e83-4f0a-8d26-91c3f7e05a44"), "Product launch", 45, "16x9"),
    succeeding(uuid!("6c0f2e98-31b7-4d5c-a9e4-2f8b70d1c613"), "Testimonial", 15, "1x1"),
    succeeding(uuid!("e81d5b30-94fa-4c27-b6d8-7a05c2e9f381"), "Teaser", 6, "9x16"),
    succeeding(uuid!("09a7c4f6-d25b-4e18-8f93-c6b1e4720d5f"), "Explainer", 60, "16x9"),
    failing(uuid!("fa11ed00-0000-4000-8000-000000000001"), "Always fails", FAILED, FAILED),
    failing(uuid!("de1ec7ed-0000-4000-8000-000000000002"), "Always rejected", REJECTED, REJECTED),
    failing(
        uuid!("fa11ed00-0000-4000-8000-000000000003"),
        "Fails when rendered",
        Outcome::Done,
        RENDER_FAILED,
    ),
];

/// Returns all templates of the sandbox.
///
/// Five succeed and differ in duration. Every call of `Always fails` fails, every call of
/// `Always rejected` is rejected. Previews of `Fails when rendered` succeed and their renders fail.
pub fn templates() -> &'static [Template] {
    &TEMPLATES
}

/// Returns the template with this id.
pub(crate) fn find(id: Uuid) -> Option<&'static Template> {
    TEMPLATES.iter().find(|template| template.id == id)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_template_is_found_by_its_id() {
        for template in templates() {
            assert_eq!(find(template.id).map(|found| found.name), Some(template.name));
            assert_eq!(template.id.get_version_num(), 4, "{}", template.name);
        }
        assert!(find(Uuid::nil()).is_none());
    }
}
