//! A video arrives whole, whatever happens on the way, and nothing else is left behind.

#![allow(clippy::unwrap_used)] // a test file

use std::{fs, path::Path};

use creatify::{Client, ErrorKind, Goal, Job, Variables};
use creatify_sandbox::{Fault, Faults, Rule, Sandbox, templates};

struct Scene {
    sandbox: Sandbox,
    client: Client,
    video: Job,
    folder: tempfile::TempDir,
}

impl Scene {
    async fn new() -> Self {
        let sandbox = Sandbox::start().await.unwrap();
        let client = Client::builder().credentials(sandbox.credentials()).base_url(sandbox.base_url()).build().unwrap();
        let template = templates()[0].id.to_string().parse().unwrap();
        let video = client.create(template, Variables::new()).send().await.unwrap().wait(&client).await.unwrap();
        Self { sandbox, client, video, folder: tempfile::tempdir().unwrap() }
    }

    fn strikes(&self, rule: Rule) {
        self.sandbox.set_faults(Faults::new(1).with(rule.on_media()));
    }

    async fn download(&self) -> Result<Vec<u8>, creatify::Error> {
        let file = self.client.download(&self.video, Goal::Video, self.folder.path().join("video.mp4")).await?;
        Ok(fs::read(file.path).unwrap())
    }

    fn left(&self) -> Vec<String> {
        let mut left: Vec<_> =
            fs::read_dir(&self.folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        left.sort();
        left
    }
}

fn original() -> Vec<u8> {
    fs::read(Path::new(env!("CARGO_MANIFEST_DIR")).join("../crates/creatify-sandbox/assets/video.mp4")).unwrap()
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
        Faults::new(1).with(Rule::new(Fault::Truncate).on_media().at(1)).with(Rule::new(Fault::Html(502)).on_media().limit(20)),
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

/// What was left is of another version of the file, or of another file: it is thrown away, not glued together.
#[tokio::test(start_paused = true)]
async fn halves_of_two_files_are_never_glued_together() {
    for notes in [
        "{\"url\": \"https://media.example.com/other.mp4\", \"etag\": \"\\\"x\\\"\"}",
        "{\"url\": \"URL\", \"etag\": \"\\\"old\\\"\"}",
        "nonsense",
    ] {
        let scene = Scene::new().await;
        let notes = notes.replace("URL", scene.video.video_output().unwrap());
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
    assert_eq!((scene.left().len(), scene.sandbox.faults_fired().len()), (0, 1));
}

#[tokio::test(start_paused = true)]
async fn a_file_above_the_limit_is_refused() {
    let scene = Scene::new().await;
    let error = scene.client.download(&scene.video, Goal::Video, scene.folder.path()).max_bytes(1_000).await.unwrap_err();
    assert!(error.to_string().contains("1000"), "{error}");
}

#[tokio::test(start_paused = true)]
async fn a_job_without_a_video_has_none_to_download() {
    let scene = Scene::new().await;
    let error = scene.client.download(&scene.video, Goal::Preview, scene.folder.path()).await.unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::NoOutput));
}
