//! Unusual answers that the sandbox cannot send: too long, without the id of the paid job, or with
//! the credentials in them.

#![allow(clippy::unwrap_used)] // a test file

mod scripted;

use std::error::Error as _;

use creatify::{
    ChargeRisk, Client, Credentials, Error, ErrorKind, RetrySafety, TemplateId, Variables,
};
use scripted::scripted;

const KEY: &str = "5f3a-C9e7-41b0-2d68";
const JOB: &str = "7c0a2d0e-5a0e-4f4b-9d39-2f6f1d7f6a11";

fn client(url: &str) -> Client {
    Client::builder()
        .credentials(Credentials::new("account-0817", KEY).unwrap())
        .base_url(url)
        .max_attempts(1)
        .build()
        .unwrap()
}

/// Submits a preview that gets this answer. Returns the error and the number of requests.
async fn submit(answer: String) -> (Error, usize) {
    let (url, asked) = scripted("", Vec::leak(vec![&*answer.leak(); 3])).await;
    let template: TemplateId = "3f1c9a52-7d0e-4b51-9c8a-0e6f5b7a2d10".parse().unwrap();
    let error = client(&url).preview(template, Variables::new()).send().await.unwrap_err();
    let requests = asked.lock().unwrap().len();
    (error, requests)
}

fn answer(status: &str, body: &str) -> String {
    format!("HTTP/1.1 {status}\nconnection: close\ncontent-length: {}\n\n{body}", body.len())
}

/// On the real clock: a paused one may jump to the time-out while so much is under way.
#[tokio::test]
async fn no_more_than_ten_mebibytes_of_an_answer_are_read() {
    let endless = format!(
        "HTTP/1.1 200 OK\nconnection: close\n\n{{\"remaining_credits\": 1{}",
        " ".repeat(11 * 1024 * 1024)
    );
    let (url, _) = scripted("", Vec::leak(vec![&*endless.leak()])).await;
    let error = client(&url).remaining_credits().await.unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::Undecodable), "{error}");
    assert!(error.to_string().contains("too long"), "{error}");

    // Paid for, and too long to be read to its end: the job is named all the same.
    let (error, requests) = submit(answer(
        "201 Created",
        &format!("{{\"id\": \"{JOB}\", \"name\": \"{}", "x".repeat(11 * 1024 * 1024)),
    ))
    .await;
    assert_eq!(
        (error.charge_risk(), error.retry_safety(), requests),
        (ChargeRisk::Charged, RetrySafety::Unsafe, 1)
    );
    assert_eq!(error.job().unwrap().id.to_string(), JOB);
}

#[tokio::test(start_paused = true)]
async fn a_charged_submission_without_a_job_id_can_be_reconciled() {
    for body in ["", "<html>", "[]", "{\"id\": 7, \"status\": \"pending\"}"] {
        let (error, requests) = submit(answer("201 Created", body)).await;
        assert!(matches!(error.kind(), ErrorKind::Undecodable), "{error}");
        assert_eq!(
            (error.charge_risk(), error.retry_safety(), requests),
            (ChargeRisk::Charged, RetrySafety::Unsafe, 1)
        );
        assert_eq!((error.job(), error.response().unwrap().status.as_u16()), (None, 201));
        assert!(error.submission_record().is_some() && error.source().is_some(), "{error:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_decoding_error_names_the_path_of_the_field() {
    let (error, _) =
        submit(answer("201 Created", &format!("{{\"id\": \"{JOB}\", \"status\": [1]}}"))).await;
    assert!(error.source().unwrap().to_string().starts_with("status: "), "{error:?}");
    assert_eq!(error.job().unwrap().to_string(), format!("preview:{JOB}"));
}

/// They are in an error of the service, in an answer that does not decode, and in the header that
/// is kept.
#[tokio::test(start_paused = true)]
async fn credentials_in_an_answer_are_never_shown() {
    let encoded: String = KEY.bytes().map(|byte| format!("%{byte:02x}")).collect();
    for echo in [
        KEY,
        &KEY.to_uppercase(),
        &encoded,
        "NWYzYS1DOWU3LTQxYjAtMmQ2OA==",
        "5f3a-C9e7-\n41b0-2d68",
        "ACCOUNT-0817",
    ] {
        for (status, body) in [
            (
                "401 Unauthorized",
                format!("{{\"detail\": \"no such key {}\"}}", echo.replace('\n', "\\n")),
            ),
            (
                "400 Bad Request",
                format!("{{\"{}\": [\"{} \"]}}", echo.replace('\n', " "), "x".repeat(290)),
            ),
            ("502 Bad Gateway", format!("<pre>{}{echo}</pre>", " x".repeat(140))),
            ("201 Created", format!("\"no such key {}\"", echo.replace('\n', "\\n"))),
        ] {
            let length = body.len() + body.matches('\n').count(); // the server sends \r\n for each
            let head = format!(
                "HTTP/1.1 {status}\nconnection: close\nx-request-id: {}\n",
                echo.replace('\n', " ")
            );
            let (error, _) = submit(format!("{head}content-length: {length}\n\n{body}")).await;
            let mut said = format!("{error} {error:?}");
            let mut cause = error.source();
            while let Some(source) = cause {
                said += &format!("{source} {source:?}");
                cause = source.source();
            }
            let dense: String = said.split_whitespace().collect::<String>().to_lowercase();
            for secret in ["5f3a-c9e7", "%35%66%33", "nwyzys1d", "account-08"] {
                assert!(!dense.contains(secret), "{status} {echo}: {said}");
            }
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_redirect_of_the_service_is_not_followed() {
    let (elsewhere, asked) =
        scripted("/", &["HTTP/1.1 200 OK\nconnection: close\ncontent-length: 0\n\n"]).await;
    for status in [
        "301 Moved Permanently",
        "302 Found",
        "303 See Other",
        "307 Temporary Redirect",
        "308 Permanent Redirect",
    ] {
        let head = format!(
            "HTTP/1.1 {status}\nconnection: close\nlocation: {elsewhere}\ncontent-length: 0\n\n"
        );
        let (error, requests) = submit(head).await;
        assert_eq!(requests, 1, "{error}");
    }
    assert_eq!(asked.lock().unwrap().len(), 0, "the credentials went elsewhere");
}
