//! How are lists read, that come whole or in pages?

use creatify_api::{OperationId, types};
use serde::de::DeserializeOwned;
use url::Url;

use crate::{
    client::Client,
    error::{Error, ErrorKind},
};

/// Pages that lead in circles, or on and on, end here.
const MAX_PAGES: usize = 100;

/// A list that may be one page of several.
pub(crate) trait Listing: DeserializeOwned {
    type Item;

    /// Its items, and the URL of the next page.
    fn split(self) -> (Vec<Self::Item>, Option<String>);
}

impl Listing for types::CustomTemplateJobList {
    type Item = types::CustomTemplateJob;

    fn split(self) -> (Vec<Self::Item>, Option<String>) {
        match self {
            Self::Array(jobs) => (jobs.0, None),
            Self::Page(page) => (page.results, page.next),
        }
    }
}

impl Listing for types::CustomTemplateList {
    type Item = types::CustomTemplate;

    fn split(self) -> (Vec<Self::Item>, Option<String>) {
        match self {
            Self::Array(templates) => (templates.0, None),
            Self::Page(page) => (page.results, page.next),
        }
    }
}

impl Client {
    /// The items of a first page and of all that follow it.
    pub(crate) async fn all_pages<L: Listing>(
        &self,
        operation: OperationId,
        first: L,
    ) -> Result<Vec<L::Item>, Error> {
        let (mut items, mut next) = first.split();
        for _ in 1..MAX_PAGES {
            let Some(url) = next.filter(|url| !url.is_empty()) else { return Ok(items) };
            let path = path_and_query(&url)
                .ok_or_else(|| unusable(operation, "the URL of the next page is not one"))?;
            let page: L = self
                .call(operation, self.patience(), |api| {
                    let path = path.clone();
                    async move { api.next_page(operation, &path).await }
                })
                .await
                .map_err(|failed| failed.into_error())?;
            let (more, after) = page.split();
            items.extend(more);
            next = after;
        }
        match next {
            None => Ok(items),
            Some(_) => {
                Err(unusable(operation, "the list has too many pages, or they lead in circles"))
            }
        }
    }
}

fn unusable(operation: OperationId, message: &str) -> Error {
    Error::new(ErrorKind::Undecodable, message).during(operation)
}

/// Without its host: services behind proxies name their inner one, and the credentials must not follow.
fn path_and_query(url: &str) -> Option<String> {
    let base = Url::parse("https://any.invalid/").ok()?;
    let url = base.join(url).ok()?;
    Some(url[url::Position::BeforePath..url::Position::AfterQuery].to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_path_of_a_next_page_is_used() {
        let path = |url| path_and_query(url);
        assert_eq!(
            path("http://10.0.0.7:8000/api/custom_templates/?page=2").as_deref(),
            Some("/api/custom_templates/?page=2")
        );
        assert_eq!(
            path("/api/custom_templates/?page=2").as_deref(),
            Some("/api/custom_templates/?page=2")
        );
        assert_eq!(path("https://user:pw@evil.example/x#y").as_deref(), Some("/x"));
    }
}
