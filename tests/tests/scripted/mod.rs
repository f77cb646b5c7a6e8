//! A server with scripted answers, for what the sandbox cannot send.

use std::sync::{Arc, Mutex};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpListener,
};

/// Starts a server that gives these answers in order, one for each connection. Returns its URL with
/// the path, and the heads of the requests that it got.
pub async fn scripted(
    path: &str,
    answers: &'static [&'static str],
) -> (String, Arc<Mutex<Vec<String>>>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}{path}", listener.local_addr().unwrap());
    let asked = Arc::new(Mutex::new(Vec::new()));
    let requests = asked.clone();
    tokio::spawn(async move {
        for answer in answers {
            let (mut stream, _) = listener.accept().await.unwrap();
            let mut head = Vec::new();
            while !head.ends_with(b"\r\n\r\n") {
                head.push(stream.read_u8().await.unwrap());
            }
            let head = String::from_utf8(head).unwrap().to_lowercase();
            let length = head
                .lines()
                .find_map(|line| line.strip_prefix("content-length:"))
                .map_or(0, |text| text.trim().parse().unwrap());
            stream.read_exact(&mut vec![0; length]).await.unwrap();
            requests.lock().unwrap().push(head);
            // A client that has read enough may close it.
            let _ = stream.write_all(answer.replace('\n', "\r\n").as_bytes()).await;
        }
    });
    (url, asked)
}
