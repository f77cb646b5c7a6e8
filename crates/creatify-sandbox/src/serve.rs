//! How are connections served so that all of them end with the sandbox?

use axum::Router;
use hyper::server::conn::http1;
use hyper_util::{rt::TokioIo, service::TowerToHyperService};
use tokio::{net::TcpListener, task::JoinSet};

/// Serves until it is dropped, and every connection with it: unlike axum::serve, whose connections live on.
pub(crate) async fn serve(listener: TcpListener, router: Router) {
    let service = TowerToHyperService::new(router);
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            accepted = listener.accept() => match accepted {
                Ok((stream, _)) => {
                    if let Err(error) = stream.set_nodelay(true) {
                        tracing::debug!(%error, "no TCP_NODELAY");
                    }
                    // Without time-outs: they would be timers that a paused clock jumps to.
                    let serving = http1::Builder::new()
                        .header_read_timeout(None)
                        .serve_connection(TokioIo::new(stream), service.clone());
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
