//! Hooks around every generated call: credentials, time-out, bounded body, received answer.

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

/// Credentials, time-out and received answer of one call, carried by a [`Client`].
///
/// Clones share the received answer. Make a new context for each call whose answer matters.
#[derive(Debug, Clone)]
pub struct Context {
    credentials: Credentials,
    timeout: Option<Duration>,
    received: Arc<Mutex<Option<Received>>>,
}

/// An answer as far as it has arrived, kept even when its body breaks off or does not decode.
#[derive(Debug, Clone, Default)]
#[non_exhaustive]
pub struct Received {
    /// Status code.
    pub status: StatusCode,
    /// Headers.
    pub headers: HeaderMap,
    /// Extent of the body that has arrived.
    pub extent: BodyExtent,
    pieces: Vec<Bytes>,
}

impl Received {
    /// Returns the body as far as it has arrived, decompressed.
    pub fn body(&self) -> Bytes {
        match self.pieces.as_slice() {
            [whole] => whole.clone(),
            pieces => pieces.concat().into(),
        }
    }
}

/// The extent to which a body arrived.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum BodyExtent {
    /// The whole body.
    Whole,
    /// A part: the connection broke, or the time-out passed, before its end.
    #[default]
    Cut,
    /// The first [`MAX_BODY_BYTES`] of a longer one.
    TooLong,
}

impl Context {
    /// Returns a context that sends these credentials and has received nothing yet.
    pub fn new(credentials: Credentials) -> Self {
        Self { credentials, timeout: None, received: Arc::default() }
    }

    /// Sets a time-out for each request, from connecting to the last byte of the body.
    #[must_use]
    pub fn with_timeout(mut self, timeout: Duration) -> Self {
        self.timeout = Some(timeout);
        self
    }

    /// Returns what `read` makes of the last answer, as far as it has arrived.
    ///
    /// `None` means that no answer arrived. It does not mean that the request did not.
    pub fn received<T>(&self, read: impl FnOnce(&Received) -> T) -> Option<T> {
        self.received.lock().unwrap_or_else(PoisonError::into_inner).as_ref().map(read)
    }

    fn update(&self, change: impl FnOnce(&mut Received)) {
        let mut received = self.received.lock().unwrap_or_else(PoisonError::into_inner);
        change(received.get_or_insert_default());
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
        tracing::debug!(
            operation = info.operation_id,
            method = %request.method(),
            path = request.url().path(),
            "request"
        );
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
        let context = self.inner();
        context.update(|received| {
            *received = Received {
                status: parts.status,
                headers: parts.headers.clone(),
                ..Received::default()
            };
        });
        let bytes = read(body, context).await;
        tracing::debug!(
            operation = info.operation_id,
            status = parts.status.as_u16(),
            bytes = bytes.len(),
            "answer"
        );
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

/// Reads a body piece by piece into the context. The generated code would throw away what arrived
/// of a body that breaks off, and with it the id of a paid job.
async fn read(mut body: reqwest::Body, context: &Context) -> Bytes {
    let mut room = MAX_BODY_BYTES;
    let extent = loop {
        match body.frame().await {
            None => break BodyExtent::Whole,
            Some(Err(_)) => break BodyExtent::Cut,
            Some(Ok(frame)) => {
                let Ok(mut data) = frame.into_data() else { continue }; // trailers
                let is_too_long = data.len() > room;
                data.truncate(room);
                room -= data.len();
                context.update(|received| received.pieces.push(data));
                if is_too_long {
                    break BodyExtent::TooLong;
                }
            }
        }
    };
    let mut whole = Bytes::new();
    context.update(|received| {
        received.extent = extent;
        whole = received.body();
        received.pieces = vec![whole.clone()];
    });
    whole
}
