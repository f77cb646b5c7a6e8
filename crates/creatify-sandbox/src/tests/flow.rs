//! The flow from a preview to a video, and its charges.

use super::*;

#[tokio::test(start_paused = true)]
async fn a_render_keeps_the_job_id_and_shows_done_until_it_is_queued() {
    let fixture = Fixture::start().await;
    let (status, job) = fixture.post(PREVIEW_ASYNC, &request_body("Seasonal sale")).await;
    assert_eq!(
        (status, &job["status"], &job["credits_used"], &job["preview"]),
        (201, &json!("pending"), &json!(1), &json!(null))
    );
    let path = job_path(&job);
    let read = async |seconds| {
        pass(seconds).await;
        fixture.get(&path).await.1
    };

    assert_eq!(read(2).await["status"], "in_queue");
    let running = read(34).await;
    assert_eq!(
        (&running["status"], &running["progress"], &running["duration"]),
        (&json!("running"), &json!(0.5), &json!(null))
    );
    let previewed = read(20).await;
    assert_eq!(
        (&previewed["status"], &previewed["progress"], &previewed["duration"]),
        (&json!("done"), &json!(1.0), &json!(28))
    );
    let preview = previewed["preview"].as_str().unwrap();
    assert!(
        preview.starts_with(fixture.sandbox.media_url())
            && preview.contains("preview?layout=videos/"),
        "{preview}"
    );

    let (status, rendering) = fixture.post(&format!("{path}render/"), &json!({})).await;
    assert_eq!((status, &rendering["id"]), (200, &job["id"]));
    for trap in [rendering, read(0).await] {
        assert_eq!(
            (&trap["status"], &trap["preview"], &trap["video_output"]),
            (&json!("done"), &json!(preview), &json!(null))
        );
    }
    assert_eq!(read(2).await["status"], "in_queue");
    let running = read(15).await;
    assert_eq!(
        (&running["status"], &running["video_output"], &running["credits_used"]),
        (&json!("running"), &json!(null), &json!(4))
    );
    let done = read(150).await;
    assert_eq!((&done["status"], &done["preview"]), (&json!("done"), &json!(preview)));
    let (status, headers, bytes) = fixture.fetch(done["video_output"].as_str().unwrap(), &[]).await;
    assert_eq!(
        (status.as_u16(), &headers["content-type"], &bytes[4..8]),
        (200, &"video/mp4".parse().unwrap(), &b"ftyp"[..])
    );
    assert_eq!((fixture.balance().await, fixture.sandbox.charged()), (json!(495), 5.into()));
}

#[tokio::test(start_paused = true)]
async fn the_blocking_preview_returns_the_completed_job() {
    let fixture = Fixture::start().await;
    let (status, job) = fixture.post(PREVIEW, &request_body("Teaser")).await;
    assert_eq!(
        (status, &job["status"], &job["progress"], &job["duration"]),
        (200, &json!("done"), &json!(1.0), &json!(6))
    );
    assert!(job["preview"].is_string());
    assert_eq!(fixture.sandbox.elapsed().as_secs(), 56);
    let (status, job) = fixture.post(PREVIEW, &request_body("Always fails")).await;
    assert_eq!((status, &job["status"], &job["credits_used"]), (200, &json!("failed"), &json!(0)));
}

#[tokio::test(start_paused = true)]
async fn a_created_video_has_no_preview_and_cannot_be_rendered() {
    let fixture = Fixture::start().await;
    let job = fixture.submit(JOBS, &request_body("Explainer")).await;
    pass(200).await;
    let (_, done) = fixture.get(&job_path(&job)).await;
    assert_eq!(
        (&done["status"], &done["preview"], &done["credits_used"]),
        (&json!("done"), &json!(null), &json!(10))
    );
    assert!(done["video_output"].is_string());
    let refused = fixture.post(&format!("{}render/", job_path(&job)), &json!({})).await;
    assert_eq!(
        refused,
        (400, json!({ "non_field_errors": ["The preview of this job is not ready."] }))
    );
}

#[tokio::test(start_paused = true)]
async fn a_render_needs_a_preview_and_no_other_render_and_is_charged_each_time() {
    let fixture = Fixture::start().await;
    let job = fixture.submit(PREVIEW_ASYNC, &request_body("Teaser")).await;
    let path = format!("{}render/", job_path(&job));
    let not_ready = (400, json!({ "non_field_errors": ["The preview of this job is not ready."] }));
    let rendering = (400, json!({ "non_field_errors": ["This job is already rendering."] }));
    assert_eq!(fixture.post(&path, &json!({})).await, not_ready);
    pass(60).await;
    assert_eq!(respond(fixture.request(Method::POST, &path)).await.0, 200, "without a body");
    assert_eq!(fixture.post(&path, &json!({})).await, rendering);
    pass(200).await;
    let renamed =
        fixture.submit(&path, &json!({ "name": "Again", "model_version": "aurora_v1_fast" })).await;
    assert_eq!(
        (&renamed["name"], &renamed["model_version"], &renamed["credits_used"]),
        (&json!("Again"), &json!("aurora_v1_fast"), &json!(9))
    );
    assert_eq!(fixture.sandbox.charged(), (1 + 4 + 9).into());
    let calls: Vec<_> =
        fixture.sandbox.jobs()[0].calls.iter().map(|call| call.operation.as_str()).collect();
    assert_eq!(calls, ["preview", "render", "render"]);
}

#[tokio::test(start_paused = true)]
async fn a_strict_render_is_refused_without_template_and_variables_and_not_charged() {
    let fixture = Fixture::of(exact().strict_render()).await;
    let job = fixture.submit(PREVIEW, &request_body("Teaser")).await;
    let path = format!("{}render/", job_path(&job));
    let required = json!(["This field is required."]);
    let refused = (400, json!({ "template_id": required, "variables": required }));
    assert_eq!(fixture.post(&path, &json!({})).await, refused);
    assert_eq!(respond(fixture.request(Method::POST, &path)).await, refused, "without a body");
    assert_eq!(fixture.sandbox.charged(), 1.into());
    assert_eq!(fixture.post(&path, &request_body("Teaser")).await.0, 200);
    assert_eq!(fixture.sandbox.charged(), 5.into());
}

#[tokio::test(start_paused = true)]
async fn failed_and_rejected_jobs_have_a_reason_and_cost_nothing() {
    let fixture = Fixture::start().await;
    for (name, status) in [("Always fails", "failed"), ("Always rejected", "rejected")] {
        for path in [JOBS, PREVIEW_ASYNC] {
            let job = fixture.submit(path, &request_body(name)).await;
            assert!(fixture.sandbox.charged() > 0.into());
            pass(200).await;
            let (_, ended) = fixture.get(&job_path(&job)).await;
            assert_eq!(
                (&ended["status"], &ended["credits_used"], &ended["duration"]),
                (&json!(status), &json!(0), &json!(null))
            );
            assert!(ended["failed_reason"].as_str().unwrap().contains("always"), "{ended}");
            assert_eq!(
                (fixture.sandbox.charged(), fixture.balance().await),
                (0.into(), json!(500))
            );
        }
    }
}

#[tokio::test(start_paused = true)]
async fn calls_without_enough_credits_are_refused_and_not_charged() {
    let fixture = Fixture::of(exact().credits(6).rate_card("per-second")).await;
    let mut fast = request_body("Teaser");
    fast["model_version"] = json!("aurora_v1_fast");
    let job = fixture.submit(JOBS, &fast).await;
    assert_eq!((&job["credits_used"], fixture.balance().await), (&json!(3), json!(3)));
    let refused = (402, json!({ "detail": "Insufficient credits." }));
    for _ in 0..2 {
        assert_eq!(fixture.post(JOBS, &request_body("Teaser")).await, refused);
    }
    for _ in 0..3 {
        fixture.submit(PREVIEW_ASYNC, &fast).await;
    }
    for path in [PREVIEW, PREVIEW_ASYNC] {
        assert_eq!(fixture.post(path, &fast).await, refused);
    }
    assert_eq!((fixture.sandbox.job_count(), fixture.sandbox.balance()), (4, 0.into()));
}

#[tokio::test(start_paused = true)]
async fn the_same_seed_and_submissions_give_the_same_responses() {
    let run = async |seed| {
        let date = chrono::DateTime::UNIX_EPOCH;
        let fixture = Fixture::of(Sandbox::builder().seed(seed).started_at(date)).await;
        let mut story = Vec::new();
        for name in ["Teaser", "Explainer"] {
            let job = fixture.submit(PREVIEW_ASYNC, &request_body(name)).await;
            for _ in 0..20 {
                tokio::time::sleep(Duration::from_millis(100)).await;
                let mut job = fixture.get(&job_path(&job)).await.1;
                job["preview"] = json!(job["preview"].is_string()); // its port differs
                story.push(job);
            }
        }
        story
    };
    let (one, same, other) = (run(3).await, run(3).await, run(4).await);
    assert_eq!(one, same);
    assert_ne!(one[0]["id"], other[0]["id"]);
}

#[tokio::test(start_paused = true)]
async fn a_demo_takes_seconds() {
    let fixture = Fixture::of(Sandbox::builder()).await;
    let job = fixture.submit(PREVIEW, &request_body("Seasonal sale")).await;
    let preview = tokio::time::Instant::now();
    let speed = crate::DEMO_SPEED;
    let previewed = fixture.sandbox.elapsed().as_secs_f64() / speed;
    fixture.submit(&format!("{}render/", job_path(&job)), &json!({})).await;
    while fixture.get(&job_path(&job)).await.1["video_output"].is_null() {
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    let rendered = preview.elapsed().as_secs_f64();
    assert!(
        (1.0..2.0).contains(&previewed) && (3.0..5.0).contains(&rendered),
        "{previewed} s, {rendered} s"
    );
}

#[tokio::test(start_paused = true)]
async fn dropping_a_sandbox_closes_its_connections_and_frees_its_ports() {
    let fixture = Fixture::start().await;
    let url = fixture.sandbox.base_url().to_owned();
    let request = fixture.request(Method::POST, PREVIEW).json(&request_body("Teaser"));
    let blocked = tokio::spawn(request.send());
    while fixture.sandbox.job_count() == 0 {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    drop(fixture.sandbox);
    assert!(blocked.await.unwrap().is_err());
    assert!(fixture.http.get(&url).send().await.is_err());
    let again =
        exact().port(url.rsplit(':').next().unwrap().parse().unwrap()).start().await.unwrap();
    assert_eq!(again.base_url(), url);
    again.shutdown().await;
}
