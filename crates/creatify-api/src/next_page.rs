//! Requests for the `next` page of a list: the only requests that `openapi.yaml` does not describe,
//! since pages are not documented.

use progenitor_client::{ClientHooks, ClientInfo, Error, OperationInfo, ResponseValue};
use serde::de::DeserializeOwned;

use crate::{Client, OperationId};

impl Client {
    /// Fetches `path_and_query` of the service as a further page of a list, with the same hooks as
    /// any other call. Free; one request.
    ///
    /// It takes a path, not a URL, so that the credentials are sent to no other host.
    ///
    /// # Errors
    ///
    /// The errors of the generated calls.
    pub async fn next_page<T: DeserializeOwned>(
        &self,
        list: OperationId,
        path_and_query: &str,
    ) -> Result<ResponseValue<T>, Error<()>> {
        let url = format!("{}/{}", self.baseurl(), path_and_query.trim_start_matches('/'));
        let mut request =
            self.client().get(url).header(http::header::ACCEPT, "application/json").build()?;
        let info = OperationInfo { operation_id: list.as_str() };
        self.pre::<()>(&mut request, &info).await?;
        let response = self.exec(request, &info).await?;
        if response.status().is_success() {
            ResponseValue::from_response(response).await
        } else {
            Err(Error::UnexpectedResponse(response))
        }
    }
}
