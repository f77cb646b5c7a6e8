//! Lists that are long, come in pages or have a bad item.

use creatify::{Client, Credentials, Job};
use creatify_sandbox::{BodyForm, Fault, Faults, Rule};

use crate::{client, previewed, sandbox, scripted::scripted};

fn client_of(url: &str) -> Client {
    let credentials = Credentials::new("account-0817", "5f3aC9e741b02d68").unwrap();
    Client::builder().credentials(credentials).base_url(url).max_attempts(1).build().unwrap()
}

fn answer(body: &str) -> &'static str {
    let length = body.len();
    format!("HTTP/1.1 200 OK\nconnection: close\ncontent-length: {length}\n\n{body}").leak()
}

fn job(number: u32) -> String {
    let id = uuid::Uuid::from_u128(number.into());
    format!("\"id\": \"{id}\", \"status\": \"done\"")
}

fn numbers(jobs: &[Job]) -> Vec<u128> {
    jobs.iter().map(|job| job.id().as_uuid().as_u128()).collect()
}

#[tokio::test(start_paused = true)]
async fn a_list_of_more_than_a_hundred_pages_shows_what_was_read() {
    let page = |number: u32| {
        let job = job(number);
        let next = number + 1;
        answer(&format!("{{\"next\": \"?page={next}\", \"results\": [{{{job}}}]}}"))
    };
    let (url, requests) = scripted("", (1..=102).map(page).collect::<Vec<_>>().leak()).await;
    let jobs = client_of(&url).list_jobs().await.unwrap();
    assert_eq!(numbers(&jobs), (1..=100).collect::<Vec<_>>());
    assert_eq!(requests.lock().unwrap().len(), 100);
}

/// On the real clock: a paused one may jump to the time-out while so much is under way.
#[tokio::test]
async fn a_list_of_more_than_ten_mebibytes_shows_what_was_read() {
    let name = "x".repeat(100_000);
    let jobs: Vec<_> =
        (1..=120).map(|number| format!("{{{}, \"name\": \"{name}\"}}", job(number))).collect();
    let (url, _) = scripted("", vec![answer(&format!("[{}]", jobs.join(", ")))].leak()).await;
    let jobs = client_of(&url).list_jobs().await.unwrap();
    assert_eq!(numbers(&jobs), (1..=104).collect::<Vec<_>>());
}

#[tokio::test(start_paused = true)]
async fn next_pages_are_found_relative_to_the_page_and_below_the_base_url() {
    let page = |number: u32, next: &str| {
        answer(&format!("{{\"next\": {next}, \"results\": [{{{}}}]}}", job(number)))
    };
    let answers = [
        page(1, "\"?page=2\""),
        page(2, "\"/creatify/api/custom_template_jobs/?page=3\""),
        page(3, "\"http://10.0.0.7:8000/api/custom_template_jobs/?page=4\""),
        page(4, "\"\""),
    ];
    let (url, requests) = scripted("/creatify", answers.to_vec().leak()).await;
    let jobs = client_of(&url).list_jobs().await.unwrap();
    assert_eq!(numbers(&jobs), [1, 2, 3, 4]);
    let requests = requests.lock().unwrap();
    for (request, page) in requests[1..].iter().zip(2..) {
        let expected = format!("get /creatify/api/custom_template_jobs/?page={page} ");
        assert!(request.starts_with(&expected), "{request}");
    }
}

#[tokio::test(start_paused = true)]
async fn one_bad_item_does_not_hide_the_others() {
    let sandbox = sandbox().await;
    let client = client(&sandbox);
    let jobs = [previewed(&client).await.id(), previewed(&client).await.id()];
    sandbox.set_faults(Faults::new(1).with(Rule::new(Fault::Body(BodyForm::BadItem))));
    let listed = client.list_jobs().await.unwrap();
    assert_eq!(listed.iter().map(Job::id).collect::<Vec<_>>(), [jobs[0]], "the newest is bad");
    let templates = client.templates().await.unwrap();
    assert_eq!(templates.len() + 1, creatify_sandbox::templates().len());
}
