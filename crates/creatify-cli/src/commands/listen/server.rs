//! HTTP server of `creatify listen`: a bounded number of short connections.

use std::{sync::Arc, time::Duration};

use creatify::webhook::Receiver;
use hyper::server::conn::http1;
use hyper_util::{
    rt::{TokioIo, TokioTimer},
    service::TowerToHyperService,
};
use tokio::{
    net::{TcpListener, TcpStream},
    sync::Semaphore,
    task::JoinSet,
    time::sleep,
};

/// Open connections at once. Further ones wait for their turn, so that no flood takes the file
/// descriptors that polls need.
const MAX_CONNECTIONS: usize = 64;
/// Time for the head of a request.
const HEAD_TIMEOUT: Duration = Duration::from_secs(10);
/// Pause after a connection could not be accepted, as when file descriptors run out.
const ACCEPT_PAUSE: Duration = Duration::from_millis(500);

/// Serves until it is dropped.
pub(super) async fn serve(listener: TcpListener, receiver: Receiver) {
    let slots = Arc::new(Semaphore::new(MAX_CONNECTIONS));
    let mut connections = JoinSet::new();
    loop {
        let slot = slots.clone().acquire_owned().await;
        match listener.accept().await {
            Ok((stream, _)) => {
                let receiver = receiver.clone();
                connections.spawn(async move {
                    answer(stream, receiver).await;
                    drop(slot);
                });
            }
            Err(error) => {
                tracing::warn!(%error, "a connection could not be accepted");
                sleep(ACCEPT_PAUSE).await;
            }
        }
        while connections.try_join_next().is_some() {}
    }
}

/// Answers one request.
async fn answer(stream: TcpStream, receiver: Receiver) {
    let answered = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_TIMEOUT)
        .keep_alive(false)
        .serve_connection(TokioIo::new(stream), TowerToHyperService::new(receiver))
        .await;
    if let Err(error) = answered {
        tracing::debug!(%error, "a connection broke");
    }
}
