//! A wait for a render while polls of its job fail.

use std::time::Duration;

use creatify::{Error, Goal, Job, OperationId};
use creatify_sandbox::{Fault, Faults, Rule};

use crate::{
    faults::{FAULTS, for_good},
    head, row,
    scene::{Scene, name},
};

const TEXT: &str = "\
A video is waited for, for ten minutes, while polls of its job fail: the second, the third and the
fifth, or all from the second on. A failed poll is not a failed job. Every error has the job's
handle, and once the fault is gone, another wait ends with the video.
";

pub async fn section() -> String {
    let mut table = head(&["fault", "three polls", "every poll from the second on"]);
    for (name, fault) in FAULTS {
        table += &row([
            name,
            outcome(*fault, Some(&[2, 3, 5])).await.as_str(),
            outcome(for_good(*fault), None).await.as_str(),
        ]);
    }
    format!("## Waiting\n\n{TEXT}\n{table}")
}

async fn outcome(fault: Fault, polls: Option<&[u64]>) -> String {
    let scene = Scene::new().await;
    let handle = scene.client.render(scene.previewed).send().await.unwrap().handle;
    let on_polls = |rule: Rule| {
        rule.on(OperationId::GetCustomTemplateJob).on(OperationId::ListCustomTemplateJobs)
    };
    let rule = match polls {
        Some(polls) => polls.iter().fold(on_polls(Rule::new(fault)), |rule, poll| rule.at(*poll)),
        None => on_polls((2..10_000).fold(Rule::new(fault), Rule::at)),
    };
    scene.sandbox.set_faults(Faults::new(1).with(rule));
    let waited = scene.client.wait(handle).timeout(Duration::from_secs(600)).await;
    let place = format!("{fault:?} {polls:?}: {waited:?}");
    if let Err(error) = &waited {
        assert_eq!(error.job(), Some(handle), "the job is not named: {place}");
    }
    let is_video =
        |job: &Result<Job, Error>| job.as_ref().is_ok_and(|job| job.output(Goal::Video).is_some());
    assert!(
        waited.is_err() || is_video(&waited),
        "something else was taken for the video: {place}"
    );

    scene.sandbox.set_faults(Faults::default());
    if let Fault::Refuse(seconds) = fault {
        tokio::time::sleep(Duration::from_secs_f64(seconds)).await;
    }
    if matches!(fault, Fault::Throttle(1000..) | Fault::Unavailable(1000..)) {
        // The client was asked to pause for a day.
        tokio::time::sleep(Duration::from_secs(2 * 24 * 60 * 60)).await;
    }
    assert!(is_video(&scene.client.wait(handle).await), "the job is lost: {place}");
    name(&waited)
}
