//! How are connections served so that all of them end with the sandbox, and how are they refused for a while?

use std::{io, pin::pin, time::Duration};

use axum::{Router, body::Body};
use hyper::{body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::rt::TokioIo;
use tokio::{
    net::{TcpListener, TcpSocket, TcpStream},
    sync::{mpsc, oneshot, watch},
    task::JoinSet,
    time::sleep,
};
use tower_service::Service;

use crate::faults::Broken;

const BACKLOG: u32 = 1024;

/// Closes a host for a while.
#[derive(Debug)]
pub(crate) struct Door(mpsc::Sender<Closing>);

/// How long a host is closed, and whom to tell when it is.
#[derive(Debug)]
pub(crate) struct Closing {
    duration: Duration,
    closed: oneshot::Sender<()>,
}

impl Door {
    pub(crate) fn new() -> (Self, mpsc::Receiver<Closing>) {
        let (sender, closings) = mpsc::channel(1);
        (Self(sender), closings)
    }

    /// Returns when nothing listens any more. Connections end with the answer that they are at.
    pub(crate) async fn close_for(&self, duration: Duration) {
        let (closed, is_closed) = oneshot::channel();
        if self.0.send(Closing { duration, closed }).await.is_ok() && is_closed.await.is_err() {
            tracing::warn!("the sandbox could not stop listening");
        }
    }
}

/// Serves until it is dropped, and every connection with it: unlike axum::serve, whose connections live on.
pub(crate) async fn serve(
    mut listener: TcpListener,
    router: Router,
    mut closings: mpsc::Receiver<Closing>,
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
                    // Out of file descriptors, most likely; accepting again at once would spin.
                    tracing::warn!(%error, "connection not accepted");
                    sleep(Duration::from_millis(100)).await;
                }
            },
            Some(Closing { duration, closed }) = closings.recv() => {
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

/// Stops listening and keeps the port: it stays bound, so that nobody else gets it, and connections to it are refused.
async fn reopened(
    listener: TcpListener,
    after: Duration,
    closed: oneshot::Sender<()>,
) -> io::Result<TcpListener> {
    let address = listener.local_addr()?;
    drop(listener);
    let socket = TcpSocket::new_v4()?;
    #[cfg(not(windows))]
    socket.set_reuseaddr(true)?; // connections of before are still around; on Windows it would mean something else
    socket.bind(address)?;
    let _ = closed.send(()); // whoever asked may be gone
    sleep(after).await;
    socket.listen(BACKLOG)
}

async fn connection(stream: TcpStream, router: Router, mut is_closing: watch::Receiver<()>) {
    if let Err(error) = stream.set_nodelay(true) {
        tracing::debug!(%error, "no TCP_NODELAY");
    }
    let service = service_fn(move |request| answer(router.clone(), request));
    // Without time-outs: they would be timers that a paused clock jumps to.
    let serving = http1::Builder::new()
        .header_read_timeout(None)
        .serve_connection(TokioIo::new(stream), service);
    let mut serving = pin!(serving);
    let ended = tokio::select! {
        ended = serving.as_mut() => ended,
        _ = is_closing.changed() => {
            serving.as_mut().graceful_shutdown();
            serving.await
        }
    };
    if let Err(error) = ended {
        tracing::debug!(%error, "connection broke");
    }
}

/// The router's answer. An error makes hyper close the connection without one, which is what a broken answer asks for.
async fn answer(
    mut router: Router,
    request: hyper::Request<Incoming>,
) -> io::Result<hyper::Response<Body>> {
    let Ok(response) = router.call(request.map(Body::new)).await;
    if response.extensions().get::<Broken>().is_some() {
        return Err(io::Error::other("dropped by a fault"));
    }
    Ok(response)
}
