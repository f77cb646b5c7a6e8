//! Previews and videos on the media host.

use super::*;

async fn video() -> (Fixture, Value) {
    let fixture = Fixture::start().await;
    let job = fixture.submit(PREVIEW, &request_body("Teaser")).await;
    fixture.submit(&format!("{}render/", job_path(&job)), &json!({})).await;
    pass(200).await;
    let job = fixture.get(&job_path(&job)).await.1;
    (fixture, job)
}

#[tokio::test(start_paused = true)]
async fn a_truncated_download_can_be_resumed() {
    let (fixture, job) = video().await;
    let url = job["video_output"].as_str().unwrap();
    let (status, headers, whole) = fixture.fetch(url, &[]).await;
    let etag = headers["etag"].to_str().unwrap();
    assert_eq!(
        (status.as_u16(), headers["content-length"].to_str().unwrap()),
        (200, whole.len().to_string().as_str())
    );
    assert_eq!(headers["accept-ranges"], "bytes");

    let (status, headers, rest) =
        fixture.fetch(url, &[("range", "bytes=1000-"), ("if-range", etag)]).await;
    assert_eq!((status.as_u16(), &rest[..]), (206, &whole[1000..]));
    assert_eq!(
        headers["content-range"],
        format!("bytes 1000-{}/{}", whole.len() - 1, whole.len()).as_str()
    );
    let (status, _, again) =
        fixture.fetch(url, &[("range", "bytes=1000-"), ("if-range", "\"other\"")]).await;
    assert_eq!((status.as_u16(), again), (200, whole.clone()));
    let (status, headers, _) = fixture.fetch(url, &[("range", "bytes=99999999-")]).await;
    assert_eq!(status.as_u16(), 416);
    assert_eq!(headers["content-range"], format!("bytes */{}", whole.len()).as_str());

    let head = fixture.http.head(url).send().await.unwrap();
    assert_eq!(
        (head.status().as_u16(), head.headers()["content-length"].to_str().unwrap()),
        (200, whole.len().to_string().as_str())
    );
    assert_eq!(head.headers()["etag"], etag);
}

#[tokio::test(start_paused = true)]
async fn a_new_render_changes_the_etag_of_the_video() {
    let (fixture, job) = video().await;
    let url = job["video_output"].as_str().unwrap();
    let tag = async || fixture.fetch(url, &[]).await.1["etag"].clone();
    let before = tag().await;
    fixture.submit(&format!("{}render/", job_path(&job)), &json!({})).await;
    pass(10).await;
    assert_eq!(tag().await, before);
    pass(200).await;
    assert_ne!(tag().await, before);
}

#[tokio::test(start_paused = true)]
async fn credentials_that_reach_the_media_host_are_counted() {
    let (fixture, job) = video().await;
    let url = job["video_output"].as_str().unwrap();
    fixture.fetch(url, &[]).await;
    assert_eq!(fixture.sandbox.leaked_credentials(), 0);
    fixture.fetch(url, &[("x-api-key", fixture.sandbox.api_key())]).await;
    fixture
        .fetch(&format!("{}/nowhere", fixture.sandbox.media_url()), &[("x-api-id", "any")])
        .await;
    assert_eq!(fixture.sandbox.leaked_credentials(), 2);
}

#[tokio::test(start_paused = true)]
async fn previews_and_videos_are_a_404_until_they_are_ready() {
    let fixture = Fixture::start().await;
    let job = fixture.submit(PREVIEW_ASYNC, &request_body("Teaser")).await;
    let media = fixture.sandbox.media_url();
    let id = id(&job);
    for path in [
        format!("preview?layout=videos/20260504/{id}.json"),
        format!("outputs/{id}.mp4"),
        "outputs/%FF".into(),
        "preview".into(),
    ] {
        assert_eq!(fixture.fetch(&format!("{media}/{path}"), &[]).await.0, 404, "{path}");
    }
}

#[tokio::test(start_paused = true)]
async fn pages_escape_values_and_run_no_scripts() {
    let fixture = Fixture::start().await;
    let evil = "<script>alert(\"1\")</script>";
    let mut body = request_body("Teaser");
    body["name"] = json!(evil);
    body["variables"] = json!({
        evil: { "type": "text", "properties": { "content": evil } },
        "hero": { "type": "image", "properties": { "url": "http://127.0.0.1/a.png?\"><script>" } },
        "odd": { "type": "image", "properties": { "url": "javascript:alert(1)" } },
        "any": [evil],
    });
    let job = fixture.submit(PREVIEW, &body).await;
    for url in [job["preview"].as_str().unwrap(), fixture.sandbox.base_url()] {
        let (status, headers, page) = fixture.fetch(url, &[]).await;
        let page = String::from_utf8(page).unwrap();
        assert_eq!(
            (status.as_u16(), &headers["content-type"]),
            (200, &"text/html; charset=utf-8".parse().unwrap())
        );
        assert!(
            headers["content-security-policy"].to_str().unwrap().starts_with("default-src 'none'")
        );
        assert!(page.contains("&lt;script&gt;alert(&quot;1&quot;)&lt;/script&gt;"));
        assert!(!page.contains("<script") && !page.contains("src=\"javascript"), "{page}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_replaced_video_has_other_bytes_in_both_halves_and_another_etag() {
    let (fixture, job) = video().await;
    let url = job["video_output"].as_str().unwrap();
    let (_, before, old) = fixture.fetch(url, &[]).await;
    fixture.sandbox.set_faults(Faults::new(1).with(Rule::new(Fault::Replaced)));
    let (_, after, new) = fixture.fetch(url, &[]).await;
    let half = old.len() / 2;
    assert_ne!(before["etag"], after["etag"]);
    assert!(old[..half] != new[..half] && old[half..] != new[half..]);

    let resumed = [("range", "bytes=1000-"), ("if-range", before["etag"].to_str().unwrap())];
    let (status, _, whole) = fixture.fetch(url, &resumed).await;
    assert_eq!((status.as_u16(), whole), (200, new));
}
