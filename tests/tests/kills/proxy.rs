//! A proxy that stops a billable request, or its answer, after a number of bytes.

use std::{
    net::SocketAddr,
    sync::{Arc, Mutex},
};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    sync::Notify,
};

/// Number of bytes after which a connection stands still.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cut {
    Request(usize),
    Answer(usize),
    Never,
}

/// Bytes of the last billable request and its answer.
#[derive(Debug, Clone, Copy, Default)]
pub struct Passed {
    pub request: usize,
    pub answer: usize,
}

/// All programs use the same one, since the journal keeps services apart by their URLs.
pub struct Proxy {
    pub base_url: String,
    pub stopped: Arc<Notify>,
    pub passed: Arc<Mutex<Passed>>,
    cut: Arc<Mutex<Cut>>,
}

impl Proxy {
    /// Starts a proxy of a service on this machine.
    pub async fn start(service: &str) -> Self {
        let service: SocketAddr = service.trim_start_matches("http://").parse().unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let base_url = format!("http://{}", listener.local_addr().unwrap());
        let (stopped, passed) = (Arc::new(Notify::new()), Arc::<Mutex<Passed>>::default());
        let cut = Arc::new(Mutex::new(Cut::Never));
        let (notify, count, present) = (stopped.clone(), passed.clone(), cut.clone());
        tokio::spawn(async move {
            while let Ok((mut client, _)) = listener.accept().await {
                let (notify, count) = (notify.clone(), count.clone());
                let cut = *present.lock().unwrap();
                tokio::spawn(async move {
                    if pass(&mut client, service, cut, &count).await == Passage::Cut {
                        notify.notify_one();
                        std::future::pending::<()>().await; // the connection stays open
                    }
                });
            }
        });
        Self { base_url, stopped, passed, cut }
    }

    /// Sets where the next connections stand still.
    pub fn set_cut(&self, cut: Cut) {
        *self.cut.lock().unwrap() = cut;
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Passage {
    Cut,
    Ended,
}

async fn pass(
    client: &mut TcpStream,
    service: SocketAddr,
    cut: Cut,
    count: &Mutex<Passed>,
) -> Passage {
    let mut server = TcpStream::connect(service).await.unwrap();
    let (mut first, mut passed) = (None, Passed::default());
    let (mut from_client, mut from_server) = (vec![0; 16 * 1024], vec![0; 16 * 1024]);
    loop {
        tokio::select! {
            read = client.read(&mut from_client) => {
                let Ok(length @ 1..) = read else { return Passage::Ended };
                let is_post = *first.get_or_insert(from_client[0] == b'P');
                let left = match cut {
                    Cut::Request(most) if is_post => most.saturating_sub(passed.request),
                    _ => usize::MAX,
                };
                let sent = length.min(left);
                server.write_all(&from_client[..sent]).await.unwrap();
                passed.request += sent;
                if left <= length {
                    return Passage::Cut;
                }
            }
            read = server.read(&mut from_server) => {
                let Ok(length @ 1..) = read else { return Passage::Ended };
                let is_post = first == Some(true);
                let left = match cut {
                    Cut::Answer(most) if is_post => most.saturating_sub(passed.answer),
                    _ => usize::MAX,
                };
                let sent = length.min(left);
                if client.write_all(&from_server[..sent]).await.is_err() {
                    return Passage::Ended;
                }
                passed.answer += sent;
                if is_post {
                    *count.lock().unwrap() = passed;
                }
                if left <= length {
                    return Passage::Cut;
                }
            }
        }
    }
}
