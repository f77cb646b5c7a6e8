//! Lists that come whole or in pages.

use creatify_api::{OperationId, types};
use serde::de::DeserializeOwned;
use url::Url;

use super::{CallError, Executor};
use crate::error::{Error, ErrorKind};

/// Pages that lead in circles, or on and on, end here.
const MAX_PAGES: usize = 100;

/// A list that may be one page of several.
pub(crate) trait ListPage: DeserializeOwned {
    type Item;

    /// Returns its items, and the URL of the next page.
    fn split(self) -> (Vec<Self::Item>, Option<String>);
}

impl ListPage for types::CustomTemplateJobList {
    type Item = types::CustomTemplateJob;

    fn split(self) -> (Vec<Self::Item>, Option<String>) {
        match self {
            Self::Array(jobs) => (jobs.0, None),
            Self::Page(page) => (page.results, next_of(page.next)),
        }
    }
}

impl ListPage for types::CustomTemplateList {
    type Item = types::CustomTemplate;

    fn split(self) -> (Vec<Self::Item>, Option<String>) {
        match self {
            Self::Array(templates) => (templates.0, None),
            Self::Page(page) => (page.results, next_of(page.next)),
        }
    }
}

fn next_of(next: Option<String>) -> Option<String> {
    next.filter(|next| !next.is_empty())
}

impl Executor {
    /// Returns the items of a first page and of all that follow it. A list with more pages than
    /// are followed is cut there, with a warning.
    pub(crate) async fn all_pages<L: ListPage>(
        &self,
        operation: OperationId,
        first: L,
    ) -> Result<Vec<L::Item>, Error> {
        let (mut items, mut next) = first.split();
        let mut path = operation.path().to_owned();
        for _ in 1..MAX_PAGES {
            let Some(url) = next else { return Ok(items) };
            path = page_path(&self.base_url, &path, &url).ok_or_else(|| {
                let message = "the URL of the next page cannot be used";
                Error::new(ErrorKind::Undecodable, message).during(operation)
            })?;
            let page: L = self
                .call(operation, self.options(), |api| {
                    let path = path.clone();
                    async move { api.next_page(operation, &path).await }
                })
                .await
                .map_err(CallError::into_error)?;
            let (more, after) = page.split();
            items.extend(more);
            next = after;
        }
        if next.is_some() {
            tracing::warn!(%operation, items = items.len(), "the list has too many pages and is cut");
        }
        Ok(items)
    }
}

/// Resolves the URL of a next page against that of the present one, and returns its path and query
/// below the base URL. Its host is not used: services behind proxies name their inner one, and the
/// credentials must not follow.
fn page_path(base: &Url, present: &str, next: &str) -> Option<String> {
    let prefix = base.path().trim_end_matches('/');
    let mut here = base.clone();
    let (path, query) = present.split_once('?').unwrap_or((present, ""));
    here.set_path(&format!("{prefix}/{}", path.trim_start_matches('/')));
    here.set_query(Some(query));
    let next = here.join(next).ok()?;
    let path = &next[url::Position::BeforePath..url::Position::AfterQuery];
    let below = path.strip_prefix(prefix).filter(|below| below.starts_with('/'));
    Some(below.unwrap_or(path).to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_path_of_a_next_page_is_used() {
        let path = |base: &str, next: &str| {
            page_path(&base.parse().unwrap(), "/api/custom_templates/", next)
        };
        let (plain, behind_a_prefix) = ("https://any.example", "https://any.example/creatify");
        let page_2 = Some("/api/custom_templates/?page=2".to_owned());
        for (base, next) in [
            (plain, "http://10.0.0.7:8000/api/custom_templates/?page=2"),
            (plain, "/api/custom_templates/?page=2"),
            (plain, "?page=2"),
            (behind_a_prefix, "?page=2"),
            (behind_a_prefix, "/api/custom_templates/?page=2"),
            (behind_a_prefix, "https://any.example/creatify/api/custom_templates/?page=2"),
        ] {
            assert_eq!(path(base, next), page_2, "{base} {next}");
        }
        assert_eq!(path(plain, "https://user:pw@evil.example/x#y").as_deref(), Some("/x"));
    }
}
