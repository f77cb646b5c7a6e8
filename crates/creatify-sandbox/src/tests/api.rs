//! Response shapes, status codes and the request log.

use creatify_api::{limits, types};

use super::*;

#[tokio::test(start_paused = true)]
async fn every_operation_of_the_document_is_served_and_requires_credentials() {
    let fixture = Fixture::start().await;
    for operation in OperationId::ALL {
        let path = operation.path().replace("{id}", &Uuid::nil().to_string());
        let url = format!("{}{path}", fixture.sandbox.base_url());
        let request = fixture.http.request(operation.method(), &url);
        let missing =
            respond(request.try_clone().unwrap().header("X-API-ID", fixture.sandbox.api_id()))
                .await;
        assert_eq!(
            missing,
            (401, json!({ "detail": "Authentication credentials were not provided." })),
            "{operation}"
        );
        let wrong = respond(
            request.header("X-API-ID", fixture.sandbox.api_id()).header("X-API-KEY", "other"),
        )
        .await;
        assert_eq!(wrong, (401, json!({ "detail": "Invalid API credentials." })), "{operation}");
        let (status, body) = respond(fixture.request(operation.method(), &path)).await;
        let expected = if path.contains("0000") {
            404
        } else if operation.billing().is_some() {
            400
        } else {
            200
        };
        assert_eq!(status, expected, "{operation} {body}");
        assert_eq!(fixture.sandbox.request_count(*operation), 3);
    }
    assert_eq!(fixture.sandbox.job_count(), 0);
}

#[tokio::test(start_paused = true)]
async fn unknown_paths_jobs_and_methods_are_refused_in_json() {
    let fixture = Fixture::start().await;
    let not_found = json!({ "detail": "Not found." });
    for path in [
        "/api/custom_template_jobs",
        "/api/custom_templates",
        "/api/",
        "/api/remaining_credits/x",
        "/favicon.ico",
    ] {
        assert_eq!(fixture.get(path).await, (404, not_found.clone()), "{path}");
        let url = format!("{}{path}", fixture.sandbox.base_url());
        assert_eq!(respond(fixture.http.get(url)).await.0, 404, "{path} without credentials");
    }
    for id in [Uuid::nil().to_string().as_str(), "nonsense", "%FF", "%2E%2E"] {
        assert_eq!(fixture.get(&format!("{JOBS}{id}/")).await, (404, not_found.clone()), "{id}");
        assert_eq!(
            fixture.post(&format!("{JOBS}{id}/render/"), &json!([])).await,
            (404, not_found.clone()),
            "{id}"
        );
    }
    for (method, path) in [
        (Method::PUT, JOBS),
        (Method::GET, PREVIEW),
        (Method::DELETE, TEMPLATES),
        (Method::POST, CREDITS),
    ] {
        let refused = respond(fixture.request(method.clone(), path)).await;
        assert_eq!(
            refused,
            (405, json!({ "detail": format!("Method \"{method}\" not allowed.") })),
            "{path}"
        );
    }
    assert_eq!(
        respond(fixture.http.put(format!("{}{JOBS}", fixture.sandbox.base_url()))).await.0,
        401
    );
}

#[tokio::test(start_paused = true)]
async fn invalid_bodies_are_refused_and_not_charged() {
    let fixture = Fixture::start().await;
    for path in [JOBS, PREVIEW, PREVIEW_ASYNC] {
        let refused = fixture
            .post(
                path,
                &json!({ "template_id": "x", "variables": { "hero": { "type": "image" } } }),
            )
            .await;
        let hero = "A variable of type \"image\" needs \"properties\".";
        assert_eq!(
            refused,
            (
                400,
                json!({ "template_id": ["Must be a valid UUID."], "variables": { "hero": [hero] } })
            )
        );
        let (status, body) = respond(fixture.request(Method::POST, path).body("not json")).await;
        assert!(
            status == 400 && body["detail"].as_str().unwrap().starts_with("JSON parse error - "),
            "{body}"
        );
        let (status, body) =
            respond(fixture.request(Method::POST, path).body(vec![b' '; 3_000_000])).await;
        assert!(status == 400 && body["detail"].is_string(), "{body}");
    }
    assert_eq!((fixture.sandbox.job_count(), fixture.sandbox.charged()), (0, 0.into()));
}

#[tokio::test(start_paused = true)]
async fn a_job_has_every_documented_field_at_every_stage() {
    let schema = serde_json::to_value(schemars::schema_for!(types::CustomTemplateJob)).unwrap();
    let mut fields: Vec<_> = schema["properties"].as_object().unwrap().keys().cloned().collect();
    fields.sort();
    let fixture = Fixture::start().await;
    let mut stages = vec![fixture.submit(PREVIEW_ASYNC, &request_body("Teaser")).await];
    let path = job_path(&stages[0]);
    for seconds in [2, 20, 60] {
        pass(seconds).await;
        stages.push(fixture.get(&path).await.1);
    }
    stages.push(fixture.submit(&format!("{path}render/"), &json!({})).await);
    for job in stages {
        let mut keys: Vec<_> = job.as_object().unwrap().keys().cloned().collect();
        keys.sort();
        assert_eq!(keys, fields, "{job}");
        let decoded: types::CustomTemplateJob = serde_json::from_value(job.clone()).unwrap();
        assert!(!matches!(decoded.status, creatify_api::JobStatus::Other(_)));
        assert!(job["updated_at"].as_str().unwrap() >= job["created_at"].as_str().unwrap());
    }
}

#[tokio::test(start_paused = true)]
async fn a_job_repeats_its_parameters_except_the_template() {
    let fixture = Fixture::start().await;
    let mut body = request_body("Teaser");
    let given = json!({
        "name": "Näme",
        "webhook_url": "https://hooks.example.com/",
        "model_version": "aurora_v1",
        "is_hidden": true,
    });
    body.as_object_mut().unwrap().extend(given.as_object().unwrap().clone());
    let job = fixture.submit(PREVIEW_ASYNC, &body).await;
    for field in ["name", "webhook_url", "model_version", "is_hidden", "variables"] {
        assert_eq!(job[field], body[field], "{field}");
    }
    assert_eq!(fixture.sandbox.jobs()[0].template_id, template("Teaser").id);
}

#[tokio::test(start_paused = true)]
async fn lists_are_newest_first_limited_and_filtered() {
    let fixture = Fixture::of(exact().credits(1000)).await;
    let mut ids = Vec::new();
    for _ in 0..limits::IDS + 1 {
        ids.push(id(&fixture.submit(PREVIEW_ASYNC, &request_body("Teaser")).await).to_string());
    }
    let listed = async |query: &str| {
        let (status, jobs) = fixture.get(&format!("{JOBS}{query}")).await;
        assert_eq!(status, 200, "{jobs}");
        jobs.as_array().unwrap().iter().map(|job| id(job).to_string()).collect::<Vec<_>>()
    };
    let newest: Vec<_> = ids.iter().rev().cloned().collect();
    assert_eq!(listed("").await, newest[..100]);
    assert_eq!(
        listed(&format!("?ids={},{},{},{}", ids[0], ids[7], ids[0], Uuid::nil())).await,
        [ids[7].clone(), ids[0].clone()]
    );
    assert_eq!(
        listed(&format!("?ids={}%2C{}", ids[1], ids[2])).await,
        [ids[2].clone(), ids[1].clone()]
    );
    assert_eq!(
        listed(&format!("?ids={},{}&ids={}", ids[1], ids[2], ids[3])).await,
        [ids[3].clone()],
        "the last of several parameters counts"
    );
    let many = fixture.get(&format!("{JOBS}?ids={}", ids.join(","))).await;
    assert_eq!(many, (400, json!({ "ids": ["Ensure this field has no more than 100 elements."] })));
    for wrong in ["x", "", ","] {
        let text = format!("\"{}\" is not a valid UUID.", wrong.trim_matches(','));
        assert_eq!(
            fixture.get(&format!("{JOBS}?ids={wrong}")).await,
            (400, json!({ "ids": [text] }))
        );
    }
}

#[tokio::test(start_paused = true)]
async fn templates_decode_and_have_preview_pictures() {
    let fixture = Fixture::start().await;
    let (status, listed) = fixture.get(TEMPLATES).await;
    let listed: Vec<types::CustomTemplate> = serde_json::from_value(listed).unwrap();
    assert_eq!((status, listed.len()), (200, templates().len()));
    assert_eq!(listed[0].template_id, template("Seasonal sale").id.to_string());
    let (status, headers, _) = fixture.fetch(listed[0].preview.as_deref().unwrap(), &[]).await;
    assert_eq!(
        (status.as_u16(), &headers["content-type"]),
        (200, &"image/svg+xml".parse().unwrap())
    );
}

#[tokio::test(start_paused = true)]
async fn the_request_log_has_operation_status_and_time() {
    let fixture = Fixture::start().await;
    pass(3).await;
    fixture.get(&format!("{JOBS}?ids={}", Uuid::nil())).await;
    fixture.get("/nowhere").await;
    let log = fixture.sandbox.requests();
    let logged: Vec<_> = log
        .iter()
        .map(|request| (request.operation, request.status.unwrap().as_u16(), request.at.as_secs()))
        .collect();
    assert_eq!(logged, [(Some(OperationId::ListCustomTemplateJobs), 200, 3), (None, 404, 3)]);
    assert_eq!((&log[1].method, log[1].path.as_str()), (&Method::GET, "/nowhere"));
    assert!(log[0].path.ends_with("/?ids=00000000-0000-0000-0000-000000000000"));
}

#[tokio::test(start_paused = true)]
async fn a_request_whose_client_disconnects_is_logged_and_charged() {
    let fixture = Fixture::start().await;
    let request = fixture
        .request(Method::POST, PREVIEW)
        .json(&request_body("Teaser"))
        .timeout(Duration::from_secs(5));
    assert!(request.send().await.unwrap_err().is_timeout());
    assert_eq!((fixture.sandbox.job_count(), fixture.sandbox.charged()), (1, 1.into()));
    let log = fixture.sandbox.requests();
    assert_eq!((log.len(), log[0].status), (1, None));
}

#[tokio::test(start_paused = true)]
async fn the_generated_client_decodes_the_sandbox() {
    let fixture = Fixture::start().await;
    let context = creatify_api::Context::new(fixture.sandbox.credentials());
    let client = creatify_api::Client::new_with_client(fixture.sandbox.base_url(), http(), context);
    assert_eq!(
        client.get_remaining_credits().send().await.unwrap().remaining_credits.to_string(),
        "500"
    );
}
