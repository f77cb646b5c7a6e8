//! HTTP service that receives webhook deliveries.

use std::{
    convert::Infallible,
    error::Error as StdError,
    fmt,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};

use bytes::Bytes;
use creatify_api::limits;
use http::{HeaderValue, Method, Request, Response, StatusCode, header};
use http_body::Body;
use http_body_util::{BodyExt, Empty, Limited};
use secrecy::SecretString;
use tokio::time::timeout;
use tower_service::Service;
use url::Url;

use super::{Hint, MAX_BODY_BYTES, parse, secret::Secret};
use crate::{client::Client, error::Error};

/// Time for the body of a delivery to arrive.
const BODY_TIMEOUT: Duration = Duration::from_secs(10);

/// A service that receives webhook deliveries, for axum, hyper and everything else that takes a
/// `tower` service. Needs the feature `webhook`.
///
/// A delivery about the end of a job ends the waits of the client, and of its clones, early: the
/// job is polled at once. The delivery itself is never trusted, since anyone who knows the URL can
/// post to it; deliveries that are forged, late, repeated or out of order cost at most one free
/// request a job a minute, and none for jobs that nobody waits for. Polling goes on, so that a
/// delivery that is lost costs nothing but time.
///
/// The last segment of the path is a secret. Requests without it are answered 404, unread. Those
/// with it are answered 204 whatever they say, and 405 if they are no POST. Bodies of more than
/// [`MAX_BODY_BYTES`], or that take longer than 10 s, are dropped. Clones share everything.
///
/// ```
/// # use creatify::Client;
/// # use tokio::net::TcpListener;
/// # type Result = std::result::Result<(), Box<dyn std::error::Error>>;
/// # async fn example(client: Client, listener: TcpListener) -> Result {
/// use axum::Router;
/// use creatify::{Variables, webhook::Receiver};
///
/// let receiver = Receiver::new(&client)?;
/// let webhook_url = receiver.url("https://hooks.example.com")?;
/// let router: Router = Router::new().route_service(&receiver.path(), receiver);
/// tokio::spawn(async move { axum::serve(listener, router).await });
///
/// let template = "3f1c9a52-7d0e-4b51-9c8a-0e6f5b7a2d10".parse()?;
/// let create = client.create(template, Variables::new()).webhook_url(webhook_url);
/// let job = create.send().await?.wait().await?;
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
#[doc(alias = "callback")]
pub struct Receiver {
    client: Client,
    secret: Arc<Secret>,
    on_delivery: Option<Arc<OnDelivery>>,
}

type OnDelivery = dyn Fn(&Delivery) + Send + Sync;

/// A body that was posted to the secret path.
#[derive(Debug)]
#[non_exhaustive]
pub struct Delivery {
    /// Body as it was posted. Anyone may have written it.
    pub body: Bytes,
    /// Job and status that the body names, or the reason why it cannot be read.
    pub hint: Result<Hint, Error>,
}

impl Receiver {
    /// Makes a receiver with a random secret, so that its URL ends with the process.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::InvalidInput`](crate::ErrorKind::InvalidInput) when the operating system has no
    /// random numbers.
    pub fn new(client: &Client) -> Result<Self, Error> {
        Ok(Self::of(client, Secret::random()?))
    }

    /// Makes a receiver with a secret of your own, so that its URL stays the same after a restart
    /// and on every machine.
    ///
    /// Generate it, such as with `openssl rand -hex 16`, and keep it as you keep the API key.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::InvalidInput`](crate::ErrorKind::InvalidInput) unless it has 22 to 128 letters,
    /// digits, `-` and `_`.
    pub fn with_secret(client: &Client, secret: impl Into<SecretString>) -> Result<Self, Error> {
        Ok(Self::of(client, Secret::checked(&secret.into())?))
    }

    fn of(client: &Client, secret: Secret) -> Self {
        Self { client: client.clone(), secret: Arc::new(secret), on_delivery: None }
    }

    /// Sets a function that is called with every delivery, after its hint was taken; it replaces an
    /// earlier one. It must not block.
    ///
    /// In a fleet, pass hints on to the other machines from here:
    ///
    /// ```
    /// # use creatify::{JobId, webhook::Receiver};
    /// # fn example(receiver: Receiver, hints: tokio::sync::mpsc::Sender<JobId>) {
    /// let receiver = receiver.on_delivery(move |delivery| {
    ///     if let Ok(hint) = &delivery.hint
    ///         && hint.claims_end()
    ///     {
    ///         let _ = hints.try_send(hint.job); // a task sends it to the other machines
    ///     }
    /// });
    /// # }
    /// ```
    #[must_use]
    pub fn on_delivery(mut self, f: impl Fn(&Delivery) + Send + Sync + 'static) -> Self {
        self.on_delivery = Some(Arc::new(f));
        self
    }

    /// Returns the path to serve: `/creatify/` and the secret. Any prefix before the secret is
    /// accepted, as proxies and nested routers add and remove some.
    pub fn path(&self) -> String {
        format!("/creatify/{}", self.secret.expose())
    }

    /// Returns the URL to give as the `webhook_url` of submissions, from the URL at which the
    /// service reaches this machine or a proxy of it. It holds the secret.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::InvalidInput`](crate::ErrorKind::InvalidInput) when `public_base` is no `https`
    /// or `http` URL, has a query or fragment, or makes the URL longer than the 200 characters that
    /// the service takes.
    pub fn url(&self, public_base: &str) -> Result<String, Error> {
        let invalid = |why: &str| Error::invalid(format!("the public URL for webhooks {why}"));
        let mut url =
            Url::parse(public_base).map_err(|error| invalid("cannot be read").because(error))?;
        if !matches!(url.scheme(), "https" | "http") {
            return Err(invalid("must start with https:// or http://"));
        }
        if url.query().is_some() || url.fragment().is_some() {
            return Err(invalid("must end with its path, without a query or fragment"));
        }
        let path = format!("{}{}", url.path().trim_end_matches('/'), self.path());
        url.set_path(&path);
        let url = String::from(url);
        let (length, most) = (url.chars().count(), limits::WEBHOOK_URL);
        if length > most {
            return Err(invalid(&format!(
                "is too long: with the secret it has {length} characters; at most {most} are taken"
            )));
        }
        Ok(url)
    }

    /// Returns the answer to a request whose body is not needed.
    fn refusal(&self, method: &Method, path: &str) -> Option<Response<Empty<Bytes>>> {
        if !self.secret.ends(path) {
            return Some(answer(StatusCode::NOT_FOUND));
        }
        if method != Method::POST {
            let mut refusal = answer(StatusCode::METHOD_NOT_ALLOWED);
            refusal.headers_mut().insert(header::ALLOW, HeaderValue::from_static("POST"));
            return Some(refusal);
        }
        None
    }

    fn take(&self, body: Bytes) {
        let hint = parse(&body);
        match &hint {
            Ok(hint) if hint.claims_end() => self.client.hint(hint.job),
            Ok(_) => {}
            Err(error) => tracing::debug!(%error, "webhook delivery ignored"),
        }
        if let Some(on_delivery) = &self.on_delivery {
            on_delivery(&Delivery { body, hint });
        }
    }
}

impl fmt::Debug for Receiver {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Receiver").field("client", &self.client).finish_non_exhaustive()
    }
}

impl<B> Service<Request<B>> for Receiver
where
    B: Body + Send + 'static,
    B::Data: Send,
    B::Error: Into<Box<dyn StdError + Send + Sync>>,
{
    type Response = Response<Empty<Bytes>>;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, Infallible>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        if let Some(refusal) = self.refusal(request.method(), request.uri().path()) {
            return Box::pin(std::future::ready(Ok(refusal)));
        }
        let receiver = self.clone();
        Box::pin(async move {
            match read(request.into_body()).await {
                Ok(body) => receiver.take(body),
                Err(reason) => tracing::debug!(reason, "webhook delivery dropped"),
            }
            Ok(answer(StatusCode::NO_CONTENT))
        })
    }
}

/// Reads a body, unless it is too long, too slow, or ends early.
async fn read<B>(body: B) -> Result<Bytes, &'static str>
where
    B: Body,
    B::Error: Into<Box<dyn StdError + Send + Sync>>,
{
    if body.size_hint().lower() > MAX_BODY_BYTES as u64 {
        return Err("it is too long");
    }
    match timeout(BODY_TIMEOUT, Limited::new(body, MAX_BODY_BYTES).collect()).await {
        Ok(Ok(body)) => Ok(body.to_bytes()),
        Ok(Err(_)) => Err("it is too long, or ended early"),
        Err(_) => Err("it did not arrive in time"),
    }
}

fn answer(status: StatusCode) -> Response<Empty<Bytes>> {
    let mut answer = Response::new(Empty::new());
    *answer.status_mut() = status;
    answer
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Credentials;

    const SECRET: &str = "0123456789abcdef0123456789abcdef";

    fn receiver() -> Receiver {
        let client =
            Client::builder().credentials(Credentials::new("id", "key").unwrap()).build().unwrap();
        Receiver::with_secret(&client, SECRET).unwrap()
    }

    #[test]
    fn the_url_is_the_public_one_with_the_secret() {
        for (base, url) in [
            ("https://hooks.example.com", "https://hooks.example.com/creatify/"),
            ("https://hooks.example.com/", "https://hooks.example.com/creatify/"),
            ("https://example.com/a/b/", "https://example.com/a/b/creatify/"),
            ("http://127.0.0.1:8080", "http://127.0.0.1:8080/creatify/"),
        ] {
            assert_eq!(receiver().url(base).unwrap(), format!("{url}{SECRET}"));
        }
        let longest = format!("https://example.com/{}", "x".repeat(200 - 20 - 10 - 32));
        assert_eq!(receiver().url(&longest).unwrap().len(), 200);
        for wrong in [
            &format!("{longest}x"),
            "hooks.example.com",
            "localhost:8080",
            "ftp://example.com",
            "https://example.com/?a=b",
            "https://example.com/#a",
            "",
        ] {
            let error = receiver().url(wrong).unwrap_err();
            assert!(matches!(error.kind(), crate::ErrorKind::InvalidInput), "{error}");
            assert!(!format!("{error:?}").contains(SECRET), "{error:?}");
        }
    }

    #[test]
    fn the_secret_is_not_in_debug_output() {
        let receiver = receiver();
        assert!(receiver.path().contains(SECRET));
        assert!(!format!("{receiver:?}").contains(SECRET));
    }

    #[test]
    fn receivers_with_random_secrets_have_different_paths() {
        let client = receiver().client;
        let path = || Receiver::new(&client).unwrap().path();
        assert_ne!(path(), path());
    }

    #[test]
    fn only_a_post_to_the_secret_path_is_read() {
        let status = |method, path: &str| {
            receiver().refusal(&method, path).map(|refusal| refusal.status().as_u16())
        };
        let path = receiver().path();
        assert_eq!(status(Method::POST, &path), None);
        for method in [Method::GET, Method::HEAD, Method::PUT, Method::DELETE, Method::OPTIONS] {
            assert_eq!(status(method.clone(), &path), Some(405));
            assert_eq!(status(method, "/creatify/x"), Some(404));
        }
        assert_eq!(status(Method::POST, "/"), Some(404));
    }
}
