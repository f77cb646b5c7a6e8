//! Downloads from a storage that misbehaves: a scripted server on loopback is the API, too.

#![allow(clippy::unwrap_used)] // a test file

use std::{
    error::Error as _,
    fs, io,
    io::Write,
    path::Path,
    sync::{Arc, Mutex},
    time::Duration,
};

use creatify::{Client, Credentials, Error, ErrorKind, Goal, Job};
use flate2::{
    Compression,
    write::{GzEncoder, ZlibEncoder},
};
use serde_json::json;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    sync::oneshot,
    time::Instant,
};

const ID: &str = "7c0a2d0e-5a0e-4f4b-9d39-2f6f1d7f6a11";
const SECOND: Duration = Duration::from_secs(1);

/// One answer of the storage. The connection is closed after it.
enum Answer {
    /// Head lines, and a body.
    Whole(String, Vec<u8>),
    /// No answer at all.
    Nothing,
    /// A head and a body, and then nothing more until the other side has gone.
    Hanging(String, Vec<u8>),
    /// A head, and then a byte each second for ever.
    Drip(String),
    /// A head and half a body; the rest when the test says so.
    Paused(String, Vec<u8>, oneshot::Receiver<()>),
}
use Answer::{Drip, Hanging, Nothing, Paused, Whole};

/// A service whose job names a link of its own storage.
struct Service {
    url: String,
    client: Client,
    folder: tempfile::TempDir,
    /// Path of the link, as the API tells it.
    link: Arc<Mutex<String>>,
    /// Heads of the requests to the storage, in lower case, and when they came.
    requests: Arc<Mutex<Vec<(Instant, String)>>>,
    api_requests: Arc<Mutex<u32>>,
}

impl Service {
    async fn new(answers: impl IntoIterator<Item = Answer>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let client = Client::builder()
            .credentials(Credentials::new("the-id", "the-key").unwrap())
            .base_url(&url)
            .build()
            .unwrap();
        let service = Self {
            url: url.clone(),
            client,
            folder: tempfile::tempdir().unwrap(),
            link: Arc::new(Mutex::new("/v/video.mp4".to_owned())),
            requests: Arc::default(),
            api_requests: Arc::default(),
        };
        let (link, requests) = (service.link.clone(), service.requests.clone());
        let api_requests = service.api_requests.clone();
        let mut answers = answers.into_iter().collect::<Vec<_>>().into_iter();
        tokio::spawn(async move {
            loop {
                let (mut stream, _) = listener.accept().await.unwrap();
                let mut head = Vec::new();
                while !head.ends_with(b"\r\n\r\n") {
                    head.push(stream.read_u8().await.unwrap());
                }
                let head = String::from_utf8(head).unwrap().to_lowercase();
                if head.starts_with("get /api/") {
                    *api_requests.lock().unwrap() += 1;
                    let body = job(&format!("{url}{}", link.lock().unwrap())).to_string();
                    // The API compresses unasked.
                    let head = "200 OK\ncontent-type: application/json\ncontent-encoding: gzip";
                    let answer = Whole(head.to_owned(), gzip(body.as_bytes()));
                    tokio::spawn(give(stream, answer));
                    continue;
                }
                requests.lock().unwrap().push((Instant::now(), head));
                let gone = || Whole("404 Not Found".to_owned(), Vec::new());
                tokio::spawn(give(stream, answers.next().unwrap_or_else(gone)));
            }
        });
        service
    }

    fn job(&self) -> Job {
        serde_json::from_value(job(&format!("{}{}", self.url, self.link.lock().unwrap()))).unwrap()
    }

    fn path(&self) -> std::path::PathBuf {
        self.folder.path().join("video.mp4")
    }

    async fn download(&self) -> Result<Vec<u8>, Error> {
        let file = self.client.download(&self.job(), Goal::Video, self.path()).await?;
        Ok(fs::read(file.path).unwrap())
    }

    /// Returns the names of the files that are there.
    fn left(&self) -> Vec<String> {
        let mut left: Vec<_> = fs::read_dir(&self.folder)
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        left.sort();
        left
    }

    fn request(&self, index: usize) -> String {
        self.requests.lock().unwrap()[index].1.clone()
    }

    fn request_count(&self) -> usize {
        self.requests.lock().unwrap().len()
    }
}

async fn give(mut stream: TcpStream, answer: Answer) {
    let head = |head: &str| {
        format!("HTTP/1.1 {}\r\nconnection: close\r\n\r\n", head.replace('\n', "\r\n"))
    };
    // A client that has seen enough may close the connection.
    let given: io::Result<()> = async {
        match answer {
            Nothing => {}
            Whole(lines, body) => {
                stream.write_all(head(&lines).as_bytes()).await?;
                stream.write_all(&body).await?;
            }
            Hanging(lines, body) => {
                stream.write_all(head(&lines).as_bytes()).await?;
                stream.write_all(&body).await?;
                stream.read_u8().await?;
            }
            Drip(lines) => {
                stream.write_all(head(&lines).as_bytes()).await?;
                loop {
                    stream.write_all(b"v").await?;
                    tokio::time::sleep(SECOND).await;
                }
            }
            Paused(lines, body, go) => {
                let (first, second) = body.split_at(body.len() / 2);
                stream.write_all(head(&lines).as_bytes()).await?;
                stream.write_all(first).await?;
                go.await.unwrap();
                stream.write_all(second).await?;
            }
        }
        Ok(())
    }
    .await;
    drop(given);
}

fn job(link: &str) -> serde_json::Value {
    json!({ "id": ID, "status": "done", "video_output": link, "preview": link })
}

/// Returns an answer with a length.
fn ok(lines: &str, body: &[u8]) -> Answer {
    let length = body.len();
    Whole(format!("200 OK\ncontent-length: {length}\n{lines}"), body.to_vec())
}

fn status(line: &str) -> Answer {
    Whole(format!("{line}\ncontent-length: 0"), Vec::new())
}

/// Returns half of an answer that can be resumed.
fn half(lines: &str, body: &[u8]) -> Answer {
    let length = body.len();
    Whole(format!("200 OK\ncontent-length: {length}\n{lines}"), body[..length / 2].to_vec())
}

/// Returns the answer that goes on after [`half`], and where it begins.
fn second_half(body: &[u8]) -> (usize, Answer) {
    let (at, last, total) = (body.len() / 2, body.len() - 1, body.len());
    let head = format!(
        "206 Partial Content\ncontent-range: bytes {at}-{last}/{total}\n\
         content-length: {}\netag: \"one\"",
        total - at
    );
    (at, Whole(head, body[at..].to_vec()))
}

const MP4: &str = "content-type: video/mp4";
const TAGGED: &str = "content-type: video/mp4\netag: \"one\"";

fn video() -> Vec<u8> {
    let mut video = Vec::new();
    for (kind, content) in [
        (b"ftyp", &b"isom\0\0\x02\0isomiso2avc1mp41"[..]),
        (b"moov", b"index"),
        (b"mdat", &[7; 600]),
    ] {
        video.extend(u32::try_from(8 + content.len()).unwrap().to_be_bytes());
        video.extend(kind);
        video.extend(content);
    }
    video
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

fn deflate(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = ZlibEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

#[tokio::test(start_paused = true)]
async fn other_documents_are_not_saved_as_a_video() {
    let zipped = gzip(&video());
    for (lines, body, named) in [
        ("content-type: video/mp4", &b""[..], "empty"),
        ("content-type: application/xml", b"<Error><Code>SlowDown</Code></Error>", "XML"),
        ("content-type: video/mp4", b"<?xml version=\"1.0\"?><Error/>", "XML"),
        ("content-type: video/mp4", b"{\"detail\": \"Not found.\"}", "JSON"),
        ("content-type: application/json", b"null", "application/json"),
        ("content-type: Text/HTML; charset=utf-8", b"please log in", "text/html"),
        ("x: y", b"  <!doctype html><p>please log in", "web page"),
        ("content-type: application/octet-stream", b"Access denied", "text"),
        ("content-type: video/mp4", &zipped, "application/gzip"),
        ("content-type: video/mp4\ncontent-encoding: br", b"compressed", "`br`"),
    ] {
        let service = Service::new((0..5).map(|_| ok(lines, body))).await;
        let error = service.download().await.unwrap_err();
        assert!(matches!(error.kind(), ErrorKind::Download), "{error}");
        assert!(error.to_string().contains(named), "{error}");
        assert_eq!(service.left(), [""; 0], "{error}");
    }
}

#[tokio::test(start_paused = true)]
async fn an_error_document_that_passes_does_no_harm() {
    let error = ok("content-type: application/xml", b"<Error><Code>SlowDown</Code></Error>");
    let service =
        Service::new([error, ok("content-type: video/mp4", b""), ok(MP4, &video())]).await;
    assert_eq!(service.download().await.unwrap(), video());
}

#[tokio::test(start_paused = true)]
async fn declared_compression_is_undone() {
    for (encoding, body) in [("gzip", gzip(&video())), ("deflate", deflate(&video()))] {
        let lines = format!("{TAGGED}\ncontent-encoding: {encoding}");
        let service = Service::new([half(&lines, &body), ok(&lines, &body)]).await;
        assert_eq!(service.download().await.unwrap(), video(), "{encoding}");
        assert!(service.request(0).contains("accept-encoding: identity\r\n"));
        // A piece of a compressed file is not gone on from.
        assert!(!service.request(1).contains("range:"), "{}", service.request(1));
    }
}

#[tokio::test(start_paused = true)]
async fn answers_of_the_api_are_decompressed() {
    let service = Service::new([]).await;
    let job = service.client.job(ID.parse().unwrap()).await.unwrap();
    assert!(job.video_url().unwrap().ends_with("/v/video.mp4"));
}

#[tokio::test(start_paused = true)]
async fn an_mp4_without_a_known_length_is_checked_by_its_boxes() {
    let of_length = |length: usize| Whole(format!("200 OK\n{MP4}"), video()[..length].to_vec());
    let whole = video().len();
    let service = Service::new([of_length(whole)]).await;
    assert_eq!(service.download().await.unwrap(), video());

    let service = Service::new([of_length(whole - 1), of_length(30), of_length(whole)]).await;
    assert_eq!(service.download().await.unwrap(), video());

    let service = Service::new((0..5).map(|_| of_length(whole / 2))).await;
    let error = service.download().await.unwrap_err();
    assert!(error.to_string().contains("ends early"), "{error}");
    assert_eq!(service.left(), [""; 0]);
}

#[tokio::test(start_paused = true)]
async fn two_versions_are_never_joined() {
    let new = video();
    let old = vec![1; new.len()];
    let (half_length, last) = (new.len() / 2, new.len() - 1);
    let rest = |total: usize, lines: &str| {
        let body = new[half_length..].to_vec();
        let length = body.len();
        let head = format!(
            "206 Partial Content\ncontent-range: bytes {half_length}-{last}/{total}\n\
             content-length: {length}{lines}"
        );
        Whole(head, body)
    };
    let first = format!("{TAGGED}\nlast-modified: Sun, 06 Nov 1994 08:49:37 GMT");
    for (why, answer) in [
        ("no tag", rest(new.len(), "")),
        ("another tag", rest(new.len(), "\netag: \"two\"")),
        ("another total", rest(new.len() + 4, "\netag: \"one\"")),
        ("no tag and another total", rest(new.len() + 4, "")),
        (
            "another time",
            rest(new.len(), "\netag: \"one\"\nlast-modified: Mon, 07 Nov 1994 08:49:37 GMT"),
        ),
    ] {
        let service = Service::new([half(&first, &old), answer, ok(MP4, &new)]).await;
        assert_eq!(service.download().await.unwrap(), new, "{why}");
        assert!(service.request(1).contains("if-range: \"one\"\r\n"), "{why}");
        assert!(!service.request(2).contains("range:"), "{why}");
    }
    // Without a tag in the first answer, the rest is not asked for at all.
    let service = Service::new([half(MP4, &old), ok(MP4, &new)]).await;
    assert_eq!(service.download().await.unwrap(), new);
    assert!(!service.request(1).contains("range:"));
    // The same version goes on.
    let same = rest(new.len(), "\netag: \"one\"\nlast-modified: Sun, 06 Nov 1994 08:49:37 GMT");
    let service = Service::new([half(&first, &new), same]).await;
    assert_eq!(service.download().await.unwrap(), new);
}

#[tokio::test(start_paused = true)]
async fn an_error_document_does_not_cost_what_has_arrived() {
    let body = video();
    let (at, rest) = second_half(&body);
    let page = ok("content-type: text/html", b"<html>back in a moment</html>");
    let empty = ok("content-type: video/mp4", b"");
    let service = Service::new([half(TAGGED, &body), page, empty, rest]).await;
    assert_eq!(service.download().await.unwrap(), body);
    assert!(service.request(3).contains(&format!("range: bytes={at}-\r\n")));
}

#[tokio::test(start_paused = true)]
async fn one_download_at_a_time_writes_to_a_file() {
    let (go, wait) = oneshot::channel();
    let length = video().len();
    let slow = Paused(format!("200 OK\ncontent-length: {length}\n{TAGGED}"), video(), wait);
    let service = Service::new([slow]).await;
    let job = service.job();
    let first = service.client.download(&job, Goal::Video, service.path());
    let second = async {
        while service.request_count() == 0 {
            tokio::task::yield_now().await;
        }
        let second = service.client.download(&job, Goal::Video, service.path()).overwrite().await;
        go.send(()).unwrap();
        second.unwrap_err()
    };
    let (first, second) = tokio::join!(first.into_future(), second);
    assert!(second.to_string().contains("another download"), "{second}");
    assert!(second.to_string().contains("video.mp4"), "{second}");
    assert_eq!(fs::read(first.unwrap().path).unwrap(), video());
    assert_eq!(service.left(), ["video.mp4"]);
    assert_eq!(service.request_count(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_file_that_is_there_is_kept_unless_overwriting_is_wished() {
    for name in ["video.mp4", "video.mp4.part", "video.mp4.part.json"] {
        let service = Service::new([ok(MP4, &video())]).await;
        let in_the_way = service.folder.path().join(name);
        fs::write(&in_the_way, "somebody's").unwrap();
        let error = service.download().await.unwrap_err();
        assert!(matches!(error.kind(), ErrorKind::InvalidInput), "{error}");
        assert!(error.to_string().contains(&in_the_way.display().to_string()), "{error}");
        assert_eq!(fs::read(&in_the_way).unwrap(), b"somebody's");
        assert_eq!(service.left(), [name]);
        assert_eq!(service.request_count(), 0, "a request came first");

        let job = service.job();
        let file = service.client.download(&job, Goal::Video, service.path()).overwrite();
        assert_eq!(fs::read(file.await.unwrap().path).unwrap(), video());
        assert_eq!(service.left(), ["video.mp4"]);
    }
}

#[cfg(unix)]
#[tokio::test(start_paused = true)]
async fn a_device_is_never_replaced() {
    use std::os::unix::fs::FileTypeExt;

    let service = Service::new([]).await;
    for path in ["/dev/null", "/dev/stdout"] {
        let download = service.client.download(&service.job(), Goal::Video, path).overwrite();
        let error = download.await.unwrap_err();
        assert!(error.to_string().contains(path), "{error}");
    }
    assert!(fs::metadata("/dev/null").unwrap().file_type().is_char_device());
    assert!(!Path::new("/dev/null.part").exists());
    assert_eq!(service.request_count(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_file_that_turns_up_during_the_download_is_kept() {
    let service = Service::new([ok(MP4, &video())]).await;
    let path = service.path();
    let error = service
        .client
        .download(&service.job(), Goal::Video, service.path())
        .on_progress(move |_, _| fs::write(&path, "somebody's").unwrap())
        .await
        .unwrap_err();
    assert!(error.to_string().contains("video.mp4"), "{error}");
    assert_eq!(fs::read(service.path()).unwrap(), b"somebody's");
}

#[tokio::test(start_paused = true)]
async fn a_file_that_appears_late_is_waited_for() {
    for missing in ["404 Not Found", "403 Forbidden"] {
        let answers = [status(missing), status(missing), status(missing), ok(MP4, &video())];
        let service = Service::new(answers).await;
        assert_eq!(service.download().await.unwrap(), video(), "{missing}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_file_that_does_not_appear_is_given_up_after_half_a_minute() {
    let service = Service::new([]).await;
    let start = Instant::now();
    let error = service.download().await.unwrap_err();
    assert!(error.to_string().contains("404"), "{error}");
    assert!(start.elapsed() >= 29 * SECOND && start.elapsed() < 40 * SECOND);
    assert_eq!(service.left(), [""; 0]);
}

#[tokio::test(start_paused = true)]
async fn an_expired_link_is_renewed_by_reading_the_job() {
    for expired in ["403 Forbidden", "400 Bad Request", "410 Gone"] {
        let service = Service::new([status(expired), ok(MP4, &video())]).await;
        let old = service.job();
        *service.link.lock().unwrap() = "/v/new.mp4?signature=new".to_owned();
        let start = Instant::now();
        service.client.download(&old, Goal::Video, service.path()).await.unwrap();
        assert!(service.request(0).starts_with("get /v/video.mp4 "));
        assert!(service.request(1).starts_with("get /v/new.mp4?signature=new "));
        assert_eq!(*service.api_requests.lock().unwrap(), 1);
        assert!(start.elapsed() < SECOND, "a new link is tried at once");
    }
    // The same link does not become valid by waiting.
    let service = Service::new([status("410 Gone")]).await;
    assert!(service.download().await.unwrap_err().to_string().contains("410"));
    assert_eq!(service.request_count(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_link_that_is_signed_anew_goes_on_where_the_old_one_stopped() {
    let body = video();
    let (at, rest) = second_half(&body);
    let service = Service::new([half(TAGGED, &body), status("403 Forbidden"), rest]).await;
    *service.link.lock().unwrap() = "/v/video.mp4?signature=old".to_owned();
    let old = service.job();
    *service.link.lock().unwrap() = "/v/video.mp4?signature=new".to_owned();
    let file = service.client.download(&old, Goal::Video, service.path()).await.unwrap();
    assert_eq!(fs::read(file.path).unwrap(), body);
    assert!(service.request(2).contains(&format!("range: bytes={at}-\r\n")));
}

#[tokio::test(start_paused = true)]
async fn a_pause_that_the_storage_asks_for_is_kept_to() {
    let busy = || status("503 Service Unavailable\nretry-after: 20");
    let service = Service::new([busy(), busy(), ok(MP4, &video())]).await;
    assert_eq!(service.download().await.unwrap(), video());
    let times: Vec<_> = service.requests.lock().unwrap().iter().map(|(time, _)| *time).collect();
    assert!(times.windows(2).all(|pair| pair[1] - pair[0] >= 20 * SECOND), "{times:?}");

    let service = Service::new([busy()]).await;
    let start = Instant::now();
    let job = service.job();
    let download = service.client.download(&job, Goal::Video, service.path()).timeout(10 * SECOND);
    let error = download.await.unwrap_err();
    assert!(error.to_string().contains("503") && error.to_string().contains("20 s"), "{error}");
    assert!(start.elapsed() < SECOND, "nothing is gained by waiting for the time-out");
}

#[tokio::test(start_paused = true)]
async fn a_body_that_drips_for_ever_is_given_up() {
    let lines = format!("200 OK\ncontent-length: 1000000000\n{MP4}");
    let service = Service::new((0..5).map(|_| Drip(lines.clone()))).await;
    let start = Instant::now();
    let error = service.download().await.unwrap_err();
    assert!(error.to_string().contains("1024 bytes a second"), "{error}");
    assert_eq!(service.request_count(), 2, "another connection may be faster");
    assert!(start.elapsed() < 130 * SECOND, "{:?}", start.elapsed());
    assert_eq!(service.left(), [""; 0]);

    let job = service.job();
    let download = service.client.download(&job, Goal::Video, service.path());
    let start = Instant::now();
    download.min_speed(10, 5 * SECOND).await.unwrap_err();
    assert!(start.elapsed() < 15 * SECOND, "{:?}", start.elapsed());
}

#[tokio::test(start_paused = true)]
async fn a_time_out_keeps_what_can_be_resumed() {
    let body = video();
    let (total, half) = (body.len(), body[..body.len() / 2].to_vec());
    let first = Hanging(format!("200 OK\ncontent-length: {total}\n{TAGGED}"), half);
    let (at, rest) = second_half(&body);
    let service = Service::new([first, rest]).await;
    let start = Instant::now();
    let job = service.job();
    let download = service.client.download(&job, Goal::Video, service.path()).timeout(3 * SECOND);
    let error = download.await.unwrap_err();
    assert!(error.to_string().contains("time-out of 3 s"), "{error}");
    assert!(start.elapsed() < 4 * SECOND);
    assert_eq!(service.left(), ["video.mp4.part", "video.mp4.part.json"]);
    assert_eq!(service.download().await.unwrap(), body);
    assert!(service.request(1).contains(&format!("range: bytes={at}-\r\n")));
    assert_eq!(service.left(), ["video.mp4"]);
}

#[tokio::test(start_paused = true)]
async fn an_abandoned_download_leaves_only_what_can_be_resumed() {
    for (lines, left) in [(MP4, &[][..]), (TAGGED, &["video.mp4.part", "video.mp4.part.json"])] {
        let head = format!("200 OK\ncontent-length: 1000000\n{lines}");
        let service = Service::new([Hanging(head, vec![7; 600_000])]).await;
        let download = service.download();
        assert!(tokio::time::timeout(SECOND, download).await.is_err());
        assert_eq!(service.left(), left);
    }
}

#[tokio::test(start_paused = true)]
async fn progress_is_reported() {
    let service = Service::new([ok(MP4, &video())]).await;
    let seen = Arc::new(Mutex::new(Vec::new()));
    let hook = seen.clone();
    service
        .client
        .download(&service.job(), Goal::Video, service.path())
        .on_progress(move |bytes, total| hook.lock().unwrap().push((bytes, total)))
        .await
        .unwrap();
    let seen = seen.lock().unwrap();
    let length = video().len() as u64;
    assert_eq!(seen.first(), Some(&(0, Some(length))));
    assert_eq!(seen.last(), Some(&(length, Some(length))));
}

#[tokio::test(start_paused = true)]
async fn an_api_elsewhere_does_not_name_a_file_on_this_machine() {
    let service = Service::new([ok(MP4, &video())]).await;
    let client = Client::builder()
        .credentials(Credentials::new("the-id", "the-key").unwrap())
        .build()
        .unwrap();
    let error = client.download(&service.job(), Goal::Video, service.path()).await.unwrap_err();
    assert!(error.to_string().contains("loopback"), "{error}");
    assert_eq!(service.request_count(), 0);
    assert_eq!(service.left(), [""; 0]);
}

#[tokio::test(start_paused = true)]
async fn the_root_cause_is_told_once() {
    let service = Service::new((0..5).map(|_| Nothing)).await;
    let error = service.download().await.unwrap_err();
    let mut texts = vec![error.to_string()];
    let mut cause = error.source();
    while let Some(source) = cause {
        texts.push(source.to_string());
        cause = source.source();
    }
    let root = texts.last().unwrap();
    assert!(root.contains("closed"), "{texts:?}");
    assert!(texts.iter().filter(|text| text.contains(root.as_str())).count() == 1, "{texts:?}");
    assert!(!texts.iter().any(|text| text.contains("127.0.0.1")), "{texts:?}");
}

#[cfg(target_os = "linux")] // other systems refuse such names
#[tokio::test(start_paused = true)]
async fn a_path_that_is_not_utf_8_is_written_and_told() {
    use std::{ffi::OsStr, os::unix::ffi::OsStrExt};

    let service = Service::new([ok(MP4, &video())]).await;
    let path = service.folder.path().join(OsStr::from_bytes(b"sch\xf6n.mp4"));
    let file = service.client.download(&service.job(), Goal::Video, &path).await.unwrap();
    assert_eq!(file.path, path);
    assert_eq!(fs::read(&path).unwrap(), video());
    let told = serde_json::to_value(&file).unwrap();
    assert!(told["path"].as_str().unwrap().ends_with("sch\u{fffd}n.mp4"), "{told}");
}

#[tokio::test(start_paused = true)]
async fn a_file_in_a_directory_is_named_after_its_job() {
    let page = ok("content-type: text/html", b"<html>the preview</html>");
    let service = Service::new([ok(MP4, &video()), page]).await;
    let folder = service.folder.path().join("new/");
    service.client.download(&service.job(), Goal::Video, &folder).await.unwrap();
    service.client.download(&service.job(), Goal::Preview, &folder).await.unwrap();
    assert!(folder.join(format!("{ID}.mp4")).is_file());
    assert!(folder.join(format!("{ID}.preview.html")).is_file());
    assert_eq!(fs::read_dir(folder).unwrap().count(), 2);
}

#[tokio::test(start_paused = true)]
async fn a_request_to_the_storage_has_no_credentials() {
    let service = Service::new([status("403 Forbidden"), ok(MP4, &video())]).await;
    service.download().await.unwrap();
    for index in 0..service.request_count() {
        let request = service.request(index);
        assert!(!request.contains("the-id") && !request.contains("the-key"), "{request}");
    }
}
