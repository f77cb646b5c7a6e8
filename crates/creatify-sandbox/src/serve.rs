//! HTTP server: connections that end with the sandbox, and a gate that refuses them for a while.

use std::{io, pin::pin, sync::Arc, time::Duration};

use axum::{Router, body::Body};
use hyper::{body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::rt::TokioIo;
use tokio::{
    net::{TcpListener, TcpSocket, TcpStream},
    sync::{Notify, mpsc, oneshot, watch},
    task::JoinSet,
    time::{sleep, timeout},
};
use tower_service::Service;

const BACKLOG: u32 = 1024;
/// The time in which a response is written before its connection is closed.
const LINGER: Duration = Duration::from_millis(10);

/// Response marker: close the connection instead of sending the response.
#[derive(Debug, Clone, Copy)]
pub(crate) struct CloseConnection;

/// Response marker: close the connection after the response, without notice.
#[derive(Debug, Clone, Copy)]
pub(crate) struct CloseAfter;

/// Makes a host refuse connections for a while.
#[derive(Debug)]
pub(crate) struct ListenerGate(mpsc::Sender<CloseRequest>);

/// A request to refuse connections, with the channel that confirms it.
#[derive(Debug)]
pub(crate) struct CloseRequest {
    duration: Duration,
    closed: oneshot::Sender<()>,
}

impl ListenerGate {
    pub(crate) fn new() -> (Self, mpsc::Receiver<CloseRequest>) {
        let (sender, close_requests) = mpsc::channel(1);
        (Self(sender), close_requests)
    }

    /// Closes the listener and returns when it is closed. Open connections end after their current
    /// response.
    pub(crate) async fn close_for(&self, duration: Duration) {
        let (closed, is_closed) = oneshot::channel();
        if self.0.send(CloseRequest { duration, closed }).await.is_ok() && is_closed.await.is_err()
        {
            tracing::warn!("the sandbox could not stop listening");
        }
    }
}

/// Serves until it is dropped. All connections end with it, unlike those of `axum::serve`.
pub(crate) async fn serve(
    mut listener: TcpListener,
    router: Router,
    mut close_requests: mpsc::Receiver<CloseRequest>,
) {
    let mut connections = JoinSet::new();
    let closing = watch::Sender::new(());
    loop {
        tokio::select! {
            accepted = listener.accept() => match accepted {
                Ok((stream, _)) => {
                    connections.spawn(connection(stream, router.clone(), closing.subscribe()));
                }
                Err(error) => {
                    // Most likely out of file descriptors; an immediate retry would spin.
                    tracing::warn!(%error, "could not accept a connection");
                    sleep(Duration::from_millis(100)).await;
                }
            },
            Some(CloseRequest { duration, closed }) = close_requests.recv() => {
                closing.send_replace(());
                listener = match reopened(listener, duration, closed).await {
                    Ok(listener) => listener,
                    Err(error) => return tracing::error!(%error, "the sandbox cannot listen again"),
                };
            }
            Some(_) = connections.join_next() => {}
        }
    }
}

/// Stops listening for a while. The port stays bound, so that no other process takes it.
async fn reopened(
    listener: TcpListener,
    after: Duration,
    closed: oneshot::Sender<()>,
) -> io::Result<TcpListener> {
    let address = listener.local_addr()?;
    drop(listener);
    let socket = TcpSocket::new_v4()?;
    #[cfg(not(windows))]
    socket.set_reuseaddr(true)?; // old connections may linger; Windows means something else by it
    socket.bind(address)?;
    let _ = closed.send(()); // the caller may have gone away
    sleep(after).await;
    socket.listen(BACKLOG)
}

async fn connection(stream: TcpStream, router: Router, mut closing_changed: watch::Receiver<()>) {
    if let Err(error) = stream.set_nodelay(true) {
        tracing::debug!(%error, "could not set TCP_NODELAY");
    }
    let close = Arc::new(Notify::new());
    let closing = close.clone();
    let service = service_fn(move |request| respond(router.clone(), closing.clone(), request));
    // No time-outs: a paused clock would jump to them.
    let serving = http1::Builder::new()
        .header_read_timeout(None)
        .serve_connection(TokioIo::new(stream), service);
    let mut serving = pin!(serving);
    let ended = tokio::select! {
        ended = serving.as_mut() => ended,
        _ = closing_changed.changed() => {
            serving.as_mut().graceful_shutdown();
            serving.await
        }
        () = close.notified() => timeout(LINGER, serving).await.unwrap_or(Ok(())),
    };
    if let Err(error) = ended {
        tracing::debug!(%error, "connection failed");
    }
}

/// Returns the router's response, or an error that makes hyper close the connection without one.
async fn respond(
    mut router: Router,
    close: Arc<Notify>,
    request: hyper::Request<Incoming>,
) -> io::Result<hyper::Response<Body>> {
    let Ok(response) = router.call(request.map(Body::new)).await;
    if response.extensions().get::<CloseConnection>().is_some() {
        return Err(io::Error::other("connection closed by a fault"));
    }
    if response.extensions().get::<CloseAfter>().is_some() {
        close.notify_one();
    }
    Ok(response)
}
