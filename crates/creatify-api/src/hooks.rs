//! What happens around every generated call: credentials on, version header off, body bounded, the answer's head kept.

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use bytes::Bytes;
use http::{HeaderMap, HeaderName, StatusCode};
use http_body_util::BodyExt;
use progenitor_client::{ClientHooks, ClientInfo, Error, OperationInfo};
use reqwest::ResponseBuilderExt as _;

use crate::{Client, Credentials};

/// The most bytes of a response body that are read; the rest of a longer one is cut off.
pub const MAX_BODY_BYTES: usize = 10 * 1024 * 1024;

static API_VERSION: HeaderName = HeaderName::from_static("api-version");

/// What a [`Client`] carries besides its URL and its HTTP client.
///
/// A clone shares the kept answer with its original. Make a new context for each call whose answer matters.
#[derive(Debug, Clone)]
pub struct Context {
    credentials: Credentials,
    timeout: Option<Duration>,
    received: Arc<Mutex<Option<Received>>>,
}

/// The head of an answer, kept even when its body did not arrive whole or did not decode.
#[derive(Debug, Clone, Default)]
#[non_exhaustive]
pub struct Received {
    /// Its status.
    pub status: StatusCode,
    /// Its headers.
    pub headers: HeaderMap,
    /// How much of its body arrived.
    pub body: BodyExtent,
}

/// How much of a body arrived.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum BodyExtent {
    /// All of it.
    #[default]
    Whole,
    /// The connection broke or the time-out passed in the middle of it.
    Cut,
    /// It had more than [`MAX_BODY_BYTES`].
    TooLong,
}

impl Context {
    /// A context that sends these credentials and has received nothing yet.
    pub fn new(credentials: Credentials) -> Self {
        Self { credentials, timeout: None, received: Arc::default() }
    }

    /// The same context with a time-out for each request, from connecting to the last byte of the body.
    #[must_use]
    pub fn with_timeout(mut self, timeout: Duration) -> Self {
        self.timeout = Some(timeout);
        self
    }

    /// The head of the last answer.
    ///
    /// `None` means that no answer arrived. It does not mean that the request did not.
    pub fn received(&self) -> Option<Received> {
        self.received.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl ClientHooks<Context> for Client {
    async fn pre<E>(
        &self,
        request: &mut reqwest::Request,
        info: &OperationInfo,
    ) -> Result<(), Error<E>> {
        let headers = request.headers_mut();
        headers.remove(&API_VERSION); // progenitor's; the service has no such header
        self.inner()
            .credentials
            .add_to(headers)
            .map_err(|error| Error::Custom(error.to_string()))?;
        if let Some(timeout) = self.inner().timeout {
            *request.timeout_mut() = Some(timeout);
        }
        tracing::debug!(operation = info.operation_id, method = %request.method(), path = request.url().path(), "request");
        Ok(())
    }

    async fn exec(
        &self,
        request: reqwest::Request,
        info: &OperationInfo,
    ) -> reqwest::Result<reqwest::Response> {
        let response = self.client().execute(request).await.inspect_err(|error| {
            tracing::debug!(
                operation = info.operation_id,
                timeout = error.is_timeout(),
                connect = error.is_connect(),
                "no answer"
            );
        })?;
        let url = response.url().clone();
        let (parts, body) = http::Response::<reqwest::Body>::from(response).into_parts();
        let (bytes, extent) = read(body).await;
        tracing::debug!(
            operation = info.operation_id,
            status = parts.status.as_u16(),
            bytes = bytes.len(),
            ?extent,
            "answer"
        );
        let received =
            Received { status: parts.status, headers: parts.headers.clone(), body: extent };
        *self.inner().received.lock().unwrap_or_else(PoisonError::into_inner) = Some(received);
        let mut response = http::Response::new(bytes);
        *response.status_mut() = parts.status;
        *response.headers_mut() = parts.headers;
        // Without its URL, reqwest would parse a made-up one for every answer.
        if let Ok(with_url) = http::Response::builder().url(url).body(()) {
            *response.extensions_mut() = with_url.into_parts().0.extensions;
        }
        Ok(response.into())
    }
}

/// Reads a body here, not in the generated code, which would throw away what arrived of a cut one: the id of a paid job may be in it.
async fn read(mut body: reqwest::Body) -> (Bytes, BodyExtent) {
    let (mut pieces, mut room) = (Vec::with_capacity(1), MAX_BODY_BYTES);
    let extent = loop {
        match body.frame().await {
            None => break BodyExtent::Whole,
            Some(Err(_)) => break BodyExtent::Cut,
            Some(Ok(frame)) => {
                let Ok(mut data) = frame.into_data() else { continue }; // trailers
                let is_too_long = data.len() > room;
                data.truncate(room);
                room -= data.len();
                pieces.push(data);
                if is_too_long {
                    break BodyExtent::TooLong;
                }
            }
        }
    };
    // Most bodies come in one piece, which is taken as it is.
    let whole = if pieces.len() == 1 { pieces.swap_remove(0) } else { pieces.concat().into() };
    (whole, extent)
}
