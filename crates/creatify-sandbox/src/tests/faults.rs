//! Effects of each fault.

use super::*;

#[tokio::test(start_paused = true)]
async fn refuse_refuses_connections_for_its_time_only() {
    let refuse = Rule::new(Fault::Refuse(30.0)).on(OperationId::GetRemainingCredits).at(2);
    let fixture = Fixture::of(exact().faults(Faults::new(1).with(refuse))).await;
    for _ in 0..2 {
        assert_eq!(fixture.get(CREDITS).await.0, 200, "the request itself gets its response");
    }
    let refused = || async { fixture.request(Method::GET, CREDITS).send().await.unwrap_err() };
    assert!(refused().await.is_connect());
    pass(29).await;
    assert!(refused().await.is_connect());
    pass(2).await;
    assert_eq!(fixture.get(CREDITS).await.0, 200);
    assert_eq!(
        fixture.sandbox.request_count(OperationId::GetRemainingCredits),
        3,
        "refused connections reach no handler"
    );
}

#[tokio::test(start_paused = true)]
async fn the_longest_retry_after_is_sent() {
    for fault in [Fault::Throttle(u64::MAX), Fault::ThrottleUntil(u64::MAX)] {
        let fixture = Fixture::of(exact().faults(Faults::new(1).with(Rule::new(fault)))).await;
        assert_eq!(fixture.get(CREDITS).await.0, 429, "{fault:?}");
    }
}

const GET: OperationId = OperationId::GetCustomTemplateJob;
const LIST: OperationId = OperationId::ListCustomTemplateJobs;
const CREATE: OperationId = OperationId::CreateCustomTemplateJob;
const RENDER: OperationId = OperationId::RenderCustomTemplateJob;

async fn with_rules<const N: usize>(rules: [Rule; N]) -> Fixture {
    Fixture::of(exact().faults(rules.into_iter().fold(Faults::new(1), Faults::with))).await
}

/// A fixture with a finished video, and the video's URL. The rules apply from then on.
async fn video_with_rules<const N: usize>(rules: [Rule; N]) -> (Fixture, Value, String) {
    let fixture = Fixture::start().await;
    let job = fixture.submit(JOBS, &request_body("Teaser")).await;
    pass(200).await;
    let job = fixture.get(&job_path(&job)).await.1;
    let url = job["video_output"].as_str().unwrap().to_owned();
    fixture.sandbox.set_faults(rules.into_iter().fold(Faults::new(1), Faults::with));
    (fixture, job, url)
}

impl Fixture {
    /// Returns the headers and bytes of a response of the API.
    async fn read(&self, path: &str) -> (u16, HeaderMap, Vec<u8>) {
        let response = self.request(Method::GET, path).send().await.unwrap();
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        (status, headers, response.bytes().await.unwrap().to_vec())
    }
}

#[tokio::test(start_paused = true)]
async fn a_body_form_changes_the_body_of_an_accepted_call_and_its_length() {
    let mark = Rule::new(Fault::Body(BodyForm::ByteOrderMark)).on(CREATE);
    let fixture = with_rules([mark]).await;
    let request = fixture.request(Method::POST, JOBS).json(&request_body("Teaser"));
    let response = request.send().await.unwrap();
    let (status, length) = (response.status().as_u16(), response.content_length());
    let body = response.bytes().await.unwrap();
    assert_eq!((status, &body[..4]), (201, &b"\xef\xbb\xbf{"[..]));
    assert_eq!(length, Some(body.len() as u64));
    assert_eq!(fixture.sandbox.charged(), 5.into());
}

#[tokio::test(start_paused = true)]
async fn body_forms_and_fields_add_up_on_top_of_another_fault() {
    let fixture = with_rules([
        Rule::new(Fault::Pages(1)).on(LIST),
        Rule::new(Fault::Set(Field::CreditsUsed(Some(-5)))).on(LIST),
        Rule::new(Fault::Body(BodyForm::NumbersAsText)).on(LIST),
        Rule::new(Fault::Body(BodyForm::XssiPrefix)).on(LIST),
    ])
    .await;
    fixture.submit(JOBS, &request_body("Teaser")).await;
    let body = fixture.read(JOBS).await.2;
    let page: Value = serde_json::from_slice(body.strip_prefix(b")]}'\n").unwrap()).unwrap();
    assert_eq!(
        (&page["count"], &page["results"][0]["credits_used"]),
        (&json!("1"), &json!("-5.00"))
    );
    assert_eq!(fixture.sandbox.faults_fired().len(), 4);
}

#[tokio::test(start_paused = true)]
async fn a_field_shows_the_value_that_its_fault_sets() {
    let fields = [
        (Field::CreditsUsed(Some(0)), json!(0)),
        (Field::CreditsUsed(Some(-5)), json!(-5)),
        (Field::Duration(Some(0)), json!(0)),
        (Field::Duration(None), json!(null)),
        (Field::ModelVersion(None), json!(null)),
        (Field::Status(None), json!(null)),
    ];
    let fixture = Fixture::start().await;
    let job = fixture.submit(PREVIEW, &request_body("Teaser")).await;
    for (field, value) in fields {
        fixture.sandbox.set_faults(Faults::new(1).with(Rule::new(Fault::Set(field))));
        assert_eq!(fixture.get(&job_path(&job)).await.1[field.name()], value, "{field:?}");
    }
    let balance = Field::RemainingCredits(None);
    fixture.sandbox.set_faults(Faults::new(1).with(Rule::new(Fault::Set(balance))));
    assert_eq!(fixture.get(CREDITS).await.1, json!({ "remaining_credits": null }));
}

#[tokio::test(start_paused = true)]
async fn an_edit_does_not_hide_the_status_of_an_error() {
    let fixture = with_rules([
        Rule::new(Fault::Body(BodyForm::InData)),
        Rule::new(Fault::ErrorBefore(500)).on(GET),
    ])
    .await;
    let missing = fixture.get(&format!("{JOBS}{}/", Uuid::nil())).await;
    assert_eq!(missing, (500, json!({ "detail": "Internal Server Error" })));
    assert_eq!(fixture.get("/api/custom_template_jobs/x").await.0, 404);
    assert_eq!(fixture.get(CREDITS).await, (200, json!({ "data": { "remaining_credits": 500 } })));
}

#[tokio::test(start_paused = true)]
async fn the_id_of_an_accepted_job_is_in_the_location_header_only() {
    let fixture = with_rules([Rule::new(Fault::IdInLocation).on(CREATE)]).await;
    let request = fixture.request(Method::POST, JOBS).json(&request_body("Teaser"));
    let response = request.send().await.unwrap();
    let location = response.headers()["location"].to_str().unwrap().to_owned();
    assert_eq!(location, format!("{JOBS}{}/", fixture.sandbox.jobs()[0].id));
    assert_eq!(response.bytes().await.unwrap().len(), 0);
}

#[tokio::test(start_paused = true)]
async fn gateways_refuse_with_html_and_their_own_statuses() {
    for (code, reason) in [
        (403, "Forbidden"),
        (405, "Method Not Allowed"),
        (460, "Client Closed Connection"),
        (499, "Client Closed Request"),
    ] {
        let fixture = with_rules([Rule::new(Fault::Html(code)).on(CREATE)]).await;
        let request = fixture.request(Method::POST, JOBS).json(&request_body("Teaser"));
        let response = request.send().await.unwrap();
        assert_eq!(response.status().as_u16(), code);
        assert_eq!(response.headers()["content-type"], "text/html");
        assert!(response.text().await.unwrap().contains(&format!("<h1>{code} {reason}</h1>")));
        assert_eq!(fixture.sandbox.job_count(), 0);
    }
}

#[tokio::test(start_paused = true)]
async fn work_fails_or_is_rejected_whatever_the_template() {
    let fixture = with_rules([
        Rule::new(Fault::WorkFails).at(1).on(CREATE),
        Rule::new(Fault::WorkRejected).at(2).on(CREATE),
    ])
    .await;
    for status in ["failed", "rejected", "done"] {
        let job = fixture.submit(JOBS, &request_body("Teaser")).await;
        pass(300).await;
        let job = fixture.get(&job_path(&job)).await.1;
        assert_eq!(job["status"], status, "{job}");
    }
    assert_eq!(fixture.sandbox.charged(), 5.into());
}

#[tokio::test(start_paused = true)]
async fn a_render_and_the_reads_after_it_show_the_old_status_as_often_as_the_fault_says() {
    for (fault, old) in [(Fault::WorkFails, "failed"), (Fault::WorkRejected, "rejected")] {
        let fixture = with_rules([
            Rule::new(fault).on(RENDER).at(1),
            Rule::new(Fault::OldStatus(2)).at(2), // renders only
        ])
        .await;
        let job = fixture.submit(PREVIEW, &request_body("Teaser")).await;
        let path = job_path(&job);
        let render = format!("{path}render/");
        fixture.submit(&render, &json!({})).await;
        pass(300).await;
        assert_eq!(fixture.get(&path).await.1["status"], old);

        let accepted = fixture.submit(&render, &json!({})).await;
        pass(300).await;
        let listed = fixture.get(JOBS).await.1[0].clone();
        for job in [accepted, listed, fixture.get(&path).await.1] {
            assert_eq!(job["status"], old);
            assert_ne!(job["failed_reason"], "");
        }
        let done = fixture.get(&path).await.1;
        assert_eq!((&done["status"], &done["failed_reason"]), (&json!("done"), &json!("")));
        assert!(done["video_output"].is_string());
        assert_eq!(fixture.sandbox.charged(), 5.into(), "the failed render was returned");
    }
}

#[tokio::test(start_paused = true)]
async fn a_connection_is_closed_after_its_response_without_notice() {
    let fixture = with_rules([Rule::new(Fault::CloseAfter).at(1)]).await;
    let address = fixture.sandbox.base_url().strip_prefix("http://").unwrap();
    let mut stream = tokio::net::TcpStream::connect(address).await.unwrap();
    let request = format!(
        "GET {CREDITS} HTTP/1.1\r\nHost: {address}\r\nX-API-ID: {}\r\nX-API-KEY: {}\r\n\r\n",
        fixture.sandbox.api_id(),
        fixture.sandbox.api_key()
    );
    tokio::io::AsyncWriteExt::write_all(&mut stream, request.as_bytes()).await.unwrap();
    let mut response = String::new();
    let read = tokio::io::AsyncReadExt::read_to_string(&mut stream, &mut response);
    let closed = tokio::time::timeout(Duration::from_secs(60), read).await;
    assert!(closed.is_ok(), "the connection stays open");
    assert!(response.starts_with("HTTP/1.1 200 OK\r\n"), "{response}");
    assert!(response.ends_with("{\"remaining_credits\":500}"), "{response}");
    assert!(!response.to_lowercase().contains("connection:"), "{response}");
}

#[tokio::test(start_paused = true)]
async fn a_storage_answers_with_xml_documents_also_in_a_200() {
    let (fixture, _, url) = video_with_rules([
        Rule::new(Fault::Xml(404)).on_media().limit(2),
        Rule::new(Fault::Xml(200)).on_media().limit(1),
        Rule::new(Fault::Throttle(7)).on_media().limit(1),
    ])
    .await;
    for (status, code) in [(404, "NoSuchKey"), (404, "NoSuchKey"), (200, "InternalError")] {
        let (got, headers, body) = fixture.fetch(&url, &[]).await;
        assert_eq!(
            (got.as_u16(), headers["content-type"].to_str().unwrap()),
            (status, "application/xml")
        );
        assert!(String::from_utf8(body).unwrap().contains(&format!("<Code>{code}</Code>")));
    }
    let (status, headers, _) = fixture.fetch(&url, &[]).await;
    assert_eq!((status.as_u16(), headers["retry-after"].to_str().unwrap()), (429, "7"));
    assert_eq!(fixture.fetch(&url, &[]).await.0, 200);
}

#[tokio::test(start_paused = true)]
async fn an_expired_link_stays_expired_and_the_job_shows_a_new_one() {
    let rule = Rule::new(Fault::ExpiredLink).limit(2);
    let (fixture, job, first) = video_with_rules([rule]).await;
    let mut url = first.clone();
    for _ in 0..2 {
        let (status, _, body) = fixture.fetch(&url, &[]).await;
        assert_eq!(status, 403);
        assert!(String::from_utf8(body).unwrap().contains("Request has expired"));
        let job = fixture.get(&job_path(&job)).await.1;
        assert_ne!(job["video_output"], url.as_str());
        url = job["video_output"].as_str().unwrap().to_owned();
    }
    assert_eq!(fixture.fetch(&url, &[]).await.0, 200);
    assert_eq!(fixture.fetch(&first, &[]).await.0, 403);
}

#[tokio::test(start_paused = true)]
async fn a_video_may_be_empty_or_have_the_wrong_type() {
    let (fixture, _, url) = video_with_rules([
        Rule::new(Fault::Body(BodyForm::Empty)).on_media().at(1),
        Rule::new(Fault::ContentType(ContentType::Html)).on_media().at(2),
        Rule::new(Fault::ContentType(ContentType::Missing)).on_media().at(3),
    ])
    .await;
    let (status, headers, body) = fixture.fetch(&url, &[]).await;
    assert_eq!(
        (status.as_u16(), headers["content-type"].to_str().unwrap(), body.len()),
        (200, "video/mp4", 0)
    );
    let (_, headers, body) = fixture.fetch(&url, &[]).await;
    assert_eq!(
        (headers["content-type"].to_str().unwrap(), &body[4..8]),
        ("Text/HTML", &b"ftyp"[..])
    );
    assert!(!fixture.fetch(&url, &[]).await.1.contains_key("content-type"));
}

#[tokio::test(start_paused = true)]
async fn a_silently_truncated_video_announces_no_length() {
    let rule = Rule::new(Fault::TruncateSilently).on_media().limit(1);
    let (fixture, _, url) = video_with_rules([rule]).await;
    let (status, headers, half) = fixture.fetch(&url, &[]).await;
    let whole = fixture.fetch(&url, &[]).await.2;
    assert_eq!((status.as_u16(), half.len()), (200, whole.len() / 2));
    assert!(!headers.contains_key("content-length") && !headers.contains_key("transfer-encoding"));
}

#[tokio::test(start_paused = true)]
async fn a_video_without_etag_is_replaced_between_two_ranges() {
    let (fixture, _, url) =
        video_with_rules([Rule::new(Fault::WithoutEtag), Rule::new(Fault::Replaced).at(2)]).await;
    let (_, before, old) = fixture.fetch(&url, &[]).await;
    assert!(!before.contains_key("etag"));
    let range = [("range", "bytes=1000-"), ("if-range", "\"any\"")];
    let (status, after, rest) = fixture.fetch(&url, &range).await;
    assert_eq!((status.as_u16(), rest.len()), (206, old.len() + 8 - 1000));
    assert!(!after.contains_key("etag"));
    let total = format!("/{}", old.len() + 8);
    assert!(after["content-range"].to_str().unwrap().ends_with(&total));
}

#[tokio::test(start_paused = true)]
async fn a_trickling_video_comes_at_its_speed() {
    let bytes_per_second = std::num::NonZeroU32::MIN;
    let (fixture, _, url) =
        video_with_rules([Rule::new(Fault::Trickle(bytes_per_second)).on_media()]).await;
    let started = tokio::time::Instant::now();
    let (_, headers, body) = fixture.fetch(&url, &[("range", "bytes=0-89")]).await;
    assert_eq!((headers["content-length"].to_str().unwrap(), body.len()), ("90", 90));
    assert_eq!(started.elapsed().as_secs(), 90);
}

#[test]
fn faults_with_values_are_read_from_yaml() {
    let text = "faults:
  - fault: { body: byte_order_mark }
  - fault: { set: { credits_used: -5 } }
  - fault: { set: { model_version: null } }
  - fault: { content_type: html }
    operations: [media]
  - fault: { trickle: 1 }
    operations: [media]
  - fault: { old_status: 3 }
";
    let expected = Faults::new(0)
        .with(Rule::new(Fault::Body(BodyForm::ByteOrderMark)))
        .with(Rule::new(Fault::Set(Field::CreditsUsed(Some(-5)))))
        .with(Rule::new(Fault::Set(Field::ModelVersion(None))))
        .with(Rule::new(Fault::ContentType(ContentType::Html)).on_media())
        .with(Rule::new(Fault::Trickle(std::num::NonZeroU32::MIN)).on_media())
        .with(Rule::new(Fault::OldStatus(3)));
    assert_eq!(Faults::from_yaml(text), Ok(expected));
    for wrong in [
        "{ body: byte_order_mark }\n    operations: [media]",
        "work_fails\n    operations: [get_custom_template_job]",
        "old_status\n    operations: [create_custom_template_job]",
        "{ trickle: 0 }",
        "{ xml: 100 }",
    ] {
        let text = format!("faults:\n  - fault: {wrong}\n");
        assert!(Faults::from_yaml(&text).is_err(), "{wrong}");
    }
}
