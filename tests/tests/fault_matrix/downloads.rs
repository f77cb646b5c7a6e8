//! A video is fetched while the media host goes wrong.

use std::{fs, num::NonZeroU32};

use creatify::{Goal, Variables};
use creatify_sandbox::{BodyForm, ContentType, Fault, Faults, Rule, Sandbox};

use crate::{
    head, row,
    scene::{client, for_good, name, template},
};

const TEXT: &str = "\
A video is fetched while its host goes wrong, at the first request or at every one, or after the first half has arrived. What is left of a
download that failed can be gone on from by another; otherwise nothing is left.
";

const FAULTS: &[(&str, Fault)] = &[
    ("connections refused", Fault::Refuse(0.1)),
    ("connection closed", Fault::DropBefore),
    ("no answer", Fault::HangBefore),
    ("answer cut off", Fault::Truncate),
    ("answer cut off, no length announced", Fault::TruncateSilently),
    ("16 bytes a second", Fault::Trickle(NonZeroU32::new(16).unwrap())),
    ("XML error with 200", Fault::Xml(200)),
    ("empty file", Fault::Body(BodyForm::Empty)),
    ("declared as Text/HTML", Fault::ContentType(ContentType::Html)),
    ("no declared type", Fault::ContentType(ContentType::Missing)),
    ("HTML 502", Fault::Html(502)),
    ("empty 503", Fault::Empty(503)),
    ("429, Retry-After 2", Fault::Throttle(2)),
    ("503, Retry-After 2", Fault::Unavailable(2)),
    ("503, Retry-After 2^64 - 1", Fault::Unavailable(u64::MAX)),
    ("403", Fault::ErrorBefore(403)),
    ("404", Fault::ErrorBefore(404)),
    ("link expired", Fault::ExpiredLink),
    ("redirect", Fault::Redirect(307)),
    ("another file, another ETag", Fault::Replaced),
    ("no ETag", Fault::WithoutEtag),
];

pub async fn section() -> String {
    let mut table = head(&[
        "fault",
        "the first request",
        "every request",
        "every request after the first half",
    ]);
    for (name, fault) in FAULTS {
        let cut = Rule::new(Fault::Truncate).on_media().at(1);
        let always = Rule::new(for_good(*fault)).on_media();
        let once = outcome(Faults::new(1).with(Rule::new(*fault).on_media().at(1)), fault).await;
        let every = outcome(Faults::new(1).with(always.clone()), fault).await;
        let rest = match fault {
            Fault::Refuse(_) => "–".to_owned(), // it follows an answer that was whole
            _ => outcome(Faults::new(1).with(cut).with(always), fault).await,
        };
        table += &row([*name, &once, &every, &rest]);
    }
    format!("## Downloading\n\n{TEXT}\n{table}")
}

async fn outcome(faults: Faults, fault: &Fault) -> String {
    let sandbox = Sandbox::builder().speed(1.0).start().await.unwrap();
    let client = client(&sandbox);
    let video =
        client.create(template(), Variables::new()).send().await.unwrap().wait().await.unwrap();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("video.mp4");
    let fetch = async || client.download(&video, Goal::Video, &path).overwrite().await;
    let original = fetch().await.map(|file| fs::read(file.path).unwrap()).unwrap();
    sandbox.set_faults(Faults::new(1).with(Rule::new(Fault::Replaced)));
    let another = fetch().await.map(|file| fs::read(file.path).unwrap()).unwrap();
    assert_ne!(original, another);

    sandbox.set_faults(faults.clone());
    if let Fault::Refuse(_) = fault {
        fetch().await.unwrap(); // nothing listens after it
    }
    fs::remove_file(&path).unwrap();
    let fetched = fetch().await;
    let place = format!("{faults:?}: {fetched:?}");
    assert!(!sandbox.faults_fired().is_empty(), "the fault did not happen: {place}");
    assert_eq!(sandbox.leaked_credentials(), 0, "credentials went to another host: {place}");
    let left: Vec<_> = fs::read_dir(&folder)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    let cell = name(&fetched);
    match fetched {
        Ok(file) => {
            let bytes = fs::read(&file.path).unwrap();
            assert!(bytes == original || bytes == another, "halves of two files: {place}");
            assert_eq!(left, ["video.mp4"], "{place}");
            if bytes == another { format!("{cell}, the new file") } else { cell }
        }
        Err(_) if left.is_empty() => format!("{cell}, nothing left"),
        Err(_) => {
            assert_eq!(left.len(), 2, "{left:?} {place}");
            format!("{cell}, a part left")
        }
    }
}
