//! A video arrives whole, whatever happens on the way, and nothing else is left behind.

#![allow(clippy::unwrap_used)] // a test file

mod scripted;

use std::{fs, num::NonZeroU32, path::Path};

use creatify::{Client, Credentials, ErrorKind, Goal, Job, Variables};
use creatify_sandbox::{BodyForm, Fault, Faults, Rule, Sandbox, templates};
use scripted::scripted;
use serde_json::json;

struct Scene {
    sandbox: Sandbox,
    client: Client,
    video: Job,
    folder: tempfile::TempDir,
}

impl Scene {
    async fn new() -> Self {
        let sandbox = Sandbox::start().await.unwrap();
        let client = Client::builder()
            .credentials(sandbox.credentials())
            .base_url(sandbox.base_url())
            .build()
            .unwrap();
        let template = templates()[0].id.to_string().parse().unwrap();
        let video =
            client.create(template, Variables::new()).send().await.unwrap().wait().await.unwrap();
        Self { sandbox, client, video, folder: tempfile::tempdir().unwrap() }
    }

    fn strikes(&self, rule: Rule) {
        self.sandbox.set_faults(Faults::new(1).with(rule.on_media()));
    }

    async fn download(&self) -> Result<Vec<u8>, creatify::Error> {
        let file = self
            .client
            .download(&self.video, Goal::Video, self.folder.path().join("video.mp4"))
            .await?;
        Ok(fs::read(file.path).unwrap())
    }

    fn left(&self) -> Vec<String> {
        let mut left: Vec<_> = fs::read_dir(&self.folder)
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        left.sort();
        left
    }
}

fn original() -> Vec<u8> {
    fs::read(
        Path::new(env!("CARGO_MANIFEST_DIR")).join("../crates/creatify-sandbox/assets/video.mp4"),
    )
    .unwrap()
}

#[tokio::test(start_paused = true)]
async fn a_download_that_breaks_off_goes_on_where_it_stopped() {
    let scene = Scene::new().await;
    scene.strikes(Rule::new(Fault::Truncate).limit(3));
    assert_eq!(scene.download().await.unwrap(), original());
    assert_eq!(scene.sandbox.faults_fired().len(), 3);
    assert_eq!(scene.left(), ["video.mp4"]);
    assert_eq!(scene.sandbox.leaked_credentials(), 0);
}

#[tokio::test(start_paused = true)]
async fn another_call_goes_on_with_what_an_earlier_one_left() {
    let scene = Scene::new().await;
    // The first half arrives, and then nothing any more.
    scene.sandbox.set_faults(
        Faults::new(1)
            .with(Rule::new(Fault::Truncate).on_media().at(1))
            .with(Rule::new(Fault::Html(502)).on_media().limit(20)),
    );
    let error = scene.download().await.unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::Download) && error.job().is_some(), "{error}");
    assert_eq!(scene.left(), ["video.mp4.part", "video.mp4.part.json"]);
    let half = fs::metadata(scene.folder.path().join("video.mp4.part")).unwrap().len();
    assert_eq!(half, original().len() as u64 / 2);

    scene.sandbox.set_faults(Faults::default());
    assert_eq!(scene.download().await.unwrap(), original());
    assert_eq!(scene.left(), ["video.mp4"]);
}

/// The part is of another version of the file, or of another file: it is discarded, not joined.
#[tokio::test(start_paused = true)]
async fn halves_of_two_files_are_never_glued_together() {
    for notes in [
        "{\"url\": \"https://media.example.com/other.mp4\", \"etag\": \"\\\"x\\\"\"}",
        "{\"url\": \"URL\", \"etag\": \"\\\"old\\\"\"}",
        "nonsense",
    ] {
        let scene = Scene::new().await;
        let notes = notes.replace("URL", scene.video.video_url().unwrap());
        fs::write(scene.folder.path().join("video.mp4.part"), "half of something else").unwrap();
        fs::write(scene.folder.path().join("video.mp4.part.json"), notes).unwrap();
        assert_eq!(scene.download().await.unwrap(), original());
    }
}

#[tokio::test(start_paused = true)]
async fn what_cannot_be_resumed_leaves_nothing_behind() {
    let scene = Scene::new().await;
    scene.strikes(Rule::new(Fault::DropBefore));
    assert!(scene.download().await.is_err());
    assert_eq!(scene.left(), [""; 0]);
    scene.strikes(Rule::new(Fault::ErrorBefore(404)));
    let gone = scene.download().await.unwrap_err();
    assert!(gone.to_string().contains("404"), "{gone}");
    assert_eq!(scene.left().len(), 0);
    assert!(scene.sandbox.faults_fired().len() > 1, "it may only be late");
}

#[tokio::test(start_paused = true)]
async fn a_file_above_the_limit_is_refused() {
    let scene = Scene::new().await;
    let error = scene
        .client
        .download(&scene.video, Goal::Video, scene.folder.path())
        .max_bytes(1_000)
        .await
        .unwrap_err();
    assert!(error.to_string().contains("1000"), "{error}");
}

#[tokio::test(start_paused = true)]
async fn a_job_without_a_video_has_none_to_download() {
    let scene = Scene::new().await;
    let error =
        scene.client.download(&scene.video, Goal::Preview, scene.folder.path()).await.unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::NoOutput));
}

/// The video is replaced after its first half has arrived: the new one comes whole.
#[tokio::test(start_paused = true)]
async fn a_video_that_changes_in_the_middle_is_fetched_anew() {
    let scene = Scene::new().await;
    let faults = Faults::new(1)
        .with(Rule::new(Fault::Truncate).on_media().at(1))
        .with(Rule::new(Fault::Replaced));
    scene.sandbox.set_faults(faults);
    let video = scene.download().await.unwrap();
    let half = original().len() / 2;
    assert!(
        video[..half] != original()[..half] && video.ends_with(b"free"),
        "halves of two videos"
    );
    assert_eq!(scene.left(), ["video.mp4"]);
}

/// The storage sends nothing to join the halves by, ends bodies without announcing their length, or
/// sends an error document as if it were the video: the video comes whole, or not at all.
#[tokio::test(start_paused = true)]
async fn a_storage_that_misleads_is_not_believed() {
    for fault in [
        Fault::TruncateSilently,
        Fault::Xml(200),
        Fault::Body(BodyForm::Empty),
        Fault::WithoutEtag,
        Fault::ExpiredLink,
        Fault::Unavailable(40),
    ] {
        let scene = Scene::new().await;
        let cut = Rule::new(Fault::Truncate).on_media().at(1);
        let then = Rule::new(fault).on_media().limit(2);
        scene.sandbox.set_faults(Faults::new(1).with(cut).with(then));
        assert_eq!(scene.download().await.unwrap(), original(), "{fault:?}");
        assert_eq!(scene.left(), ["video.mp4"], "{fault:?}");
        assert_eq!(scene.sandbox.leaked_credentials(), 0, "{fault:?}");
    }
    for fault in [Fault::TruncateSilently, Fault::Xml(200), Fault::Body(BodyForm::Empty)] {
        let scene = Scene::new().await;
        scene.strikes(Rule::new(fault));
        scene.download().await.unwrap_err();
        assert_eq!(scene.left(), [""; 0], "{fault:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_storage_that_trickles_is_given_up_in_minutes() {
    let scene = Scene::new().await;
    scene.strikes(Rule::new(Fault::Trickle(NonZeroU32::MIN)));
    let start = tokio::time::Instant::now();
    let error = scene.download().await.unwrap_err();
    assert!(error.to_string().contains("bytes a second"), "{error}");
    assert!(start.elapsed().as_secs() < 150, "{:?}", start.elapsed());
}

async fn fetch(url: &str, folder: &Path) -> Result<String, creatify::Error> {
    // Only an API on this machine may name a file on it.
    let client = Client::builder()
        .credentials(Credentials::new("the-id", "the-key").unwrap())
        .base_url("http://127.0.0.1:9")
        .build()
        .unwrap();
    let id = "7c0a2d0e-5a0e-4f4b-9d39-2f6f1d7f6a11";
    let job = json!({ "id": id, "status": "done", "video_output": url });
    let job: Job = serde_json::from_value(job).unwrap();
    let file = client.download(&job, Goal::Video, folder.join("video.mp4")).await?;
    Ok(fs::read_to_string(file.path).unwrap())
}

const HALF: &str = "HTTP/1.1 200 OK\ncontent-length: 8\netag: \"one\"\nconnection: close\n\nabcd";

#[tokio::test(start_paused = true)]
async fn a_server_that_sends_less_than_the_rest_is_asked_for_more() {
    let folder = tempfile::tempdir().unwrap();
    let (url, asked) = scripted(
        "/video.mp4",
        &[
            HALF,
            "HTTP/1.1 206 Partial Content\ncontent-range: bytes 4-5/8\n\
             content-length: 2\netag: \"one\"\nconnection: close\n\nef",
            "HTTP/1.1 206 Partial Content\ncontent-range: bytes 6-7/8\n\
             content-length: 2\netag: \"one\"\nconnection: close\n\ngh",
        ],
    )
    .await;
    assert_eq!(fetch(&url, folder.path()).await.unwrap(), "abcdefgh");
    let asked = asked.lock().unwrap();
    assert!(
        asked[1].contains("range: bytes=4-\r\n") && asked[1].contains("if-range: \"one\"\r\n"),
        "{asked:?}"
    );
    assert!(asked[2].contains("range: bytes=6-\r\n"), "{asked:?}");
    assert!(!asked.iter().any(|request| request.contains("the-id") || request.contains("the-key")));
}

#[tokio::test(start_paused = true)]
async fn a_server_that_goes_on_with_another_file_is_not_believed() {
    let folder = tempfile::tempdir().unwrap();
    let (url, _) = scripted(
        "/video.mp4",
        &[
            HALF,
            "HTTP/1.1 206 Partial Content\ncontent-range: bytes 4-7/8\n\
             content-length: 4\netag: \"two\"\nconnection: close\n\nEFGH",
            "HTTP/1.1 200 OK\ncontent-length: 8\netag: \"two\"\nconnection: close\n\nABCDEFGH",
        ],
    )
    .await;
    assert_eq!(fetch(&url, folder.path()).await.unwrap(), "ABCDEFGH");
}

#[tokio::test(start_paused = true)]
async fn a_file_that_ends_early_is_not_taken_for_whole() {
    let folder = tempfile::tempdir().unwrap();
    let (url, _) = scripted(
        "/video.mp4",
        &["HTTP/1.1 200 OK\ncontent-length: 8\nconnection: close\n\nabcd"; 5],
    )
    .await;
    assert!(matches!(fetch(&url, folder.path()).await.unwrap_err().kind(), ErrorKind::Download));
    assert_eq!(fs::read_dir(&folder).unwrap().count(), 0);
}

#[tokio::test(start_paused = true)]
async fn no_redirect_leads_to_plain_http_elsewhere_or_to_another_scheme() {
    for location in
        ["http://media.example.com/video.mp4", "file:///etc/passwd", "ftp://127.0.0.1/video.mp4"]
    {
        let folder = tempfile::tempdir().unwrap();
        let answer = format!(
            "HTTP/1.1 302 Found\nlocation: {location}\ncontent-length: 0\nconnection: close\n\n"
        );
        let (url, asked) = scripted("/video.mp4", Vec::leak(vec![&*answer.leak(); 5])).await;
        let error = fetch(&url, folder.path()).await.unwrap_err();
        assert!(
            ["redirect", "302"].iter().any(|word| error.to_string().contains(word)),
            "it was tried: {error}"
        );
        assert!(!format!("{error} {error:?}").contains("example.com"), "{error:?}");
        assert!(asked.lock().unwrap().len() <= 5);
        assert_eq!(fs::read_dir(&folder).unwrap().count(), 0);
    }
    for url in
        ["http://media.example.com/video.mp4", "ftp://127.0.0.1/video.mp4", "file:///etc/passwd"]
    {
        let error = fetch(url, Path::new("nowhere")).await.unwrap_err();
        assert!(matches!(error.kind(), ErrorKind::Download), "{error}");
    }
}
