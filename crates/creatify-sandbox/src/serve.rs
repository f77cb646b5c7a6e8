//! How are connections served so that all of them end with the sandbox?

use std::io;

use axum::{Router, body::Body};
use hyper::{body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::rt::TokioIo;
use tokio::{net::TcpListener, task::JoinSet};
use tower_service::Service;

use crate::faults::Broken;

/// Serves until it is dropped, and every connection with it: unlike axum::serve, whose connections live on.
pub(crate) async fn serve(listener: TcpListener, router: Router) {
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            accepted = listener.accept() => match accepted {
                Ok((stream, _)) => {
                    if let Err(error) = stream.set_nodelay(true) {
                        tracing::debug!(%error, "no TCP_NODELAY");
                    }
                    let router = router.clone();
                    let service = service_fn(move |request| answer(router.clone(), request));
                    // Without time-outs: they would be timers that a paused clock jumps to.
                    let serving =
                        http1::Builder::new().header_read_timeout(None).serve_connection(TokioIo::new(stream), service);
                    connections.spawn(async move {
                        if let Err(error) = serving.await {
                            tracing::debug!(%error, "connection broke");
                        }
                    });
                }
                Err(error) => {
                    // Out of file descriptors, most likely; accepting again at once would spin.
                    tracing::warn!(%error, "connection not accepted");
                    tokio::time::sleep(std::time::Duration::from_millis(100)).await;
                }
            },
            Some(_) = connections.join_next() => {}
        }
    }
}

/// The router's answer. An error makes hyper close the connection without one, which is what a broken answer asks for.
async fn answer(mut router: Router, request: hyper::Request<Incoming>) -> io::Result<hyper::Response<Body>> {
    let Ok(response) = router.call(request.map(Body::new)).await;
    if response.extensions().get::<Broken>().is_some() {
        return Err(io::Error::other("dropped by a fault"));
    }
    Ok(response)
}
