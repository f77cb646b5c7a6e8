//! Renders: one at a time for a job, unless it is asked for.

use creatify::{
    JobId,
    credits::BillableOperation,
    journal::{Begun, Change, EntryState, ExistingRender, JobEnd, NewEntry},
};

use crate::{account, applied, job, place::Place, released, settled, started, submitted, unknown};

fn render(key: &str, job: JobId) -> NewEntry {
    let mut new = NewEntry::new(account(), key.parse().unwrap(), BillableOperation::Render);
    new.job_id = Some(job);
    new
}

pub async fn another_render_of_a_job_is_refused(place: Place) {
    let journal = place.open().await;
    let job = job();
    let first = started(journal.begin(render("first", job)).await.unwrap());
    let second = async || place.open().await.begin(render("second", job)).await.unwrap();
    let changes = [unknown(), submitted(job), settled(JobEnd::Done, 4)];
    for change in changes {
        let begun = second().await;
        assert!(matches!(&begun, Begun::OtherRender(other) if other.id == first.id), "{begun:?}");
        applied(journal.change(first.id, change).await.unwrap());
    }
    assert!(matches!(second().await, Begun::OtherRender(_)));

    started(journal.begin(render("other job", crate::job())).await.unwrap());
    let mut forced = render("forced", job);
    forced.existing_render = ExistingRender::Ignored;
    let forced = started(journal.begin(forced).await.unwrap());
    assert_eq!(forced.attempt, 1);
}

pub async fn a_superseded_render_is_unknown(place: Place) {
    let journal = place.open().await;
    let job = job();
    let first = started(journal.begin(render("first", job)).await.unwrap());
    applied(journal.change(first.id, submitted(job)).await.unwrap());
    let first = applied(journal.change(first.id, Change::Superseded).await.unwrap());
    assert_eq!(first.state, EntryState::Unknown);
    // A render that failed or was released does not stand in the way.
    applied(journal.change(first.id, released()).await.unwrap());
    let second = started(journal.begin(render("second", job)).await.unwrap());
    applied(journal.change(second.id, submitted(job)).await.unwrap());
    applied(journal.change(second.id, settled(JobEnd::Failed, 0)).await.unwrap());
    started(journal.begin(render("third", job)).await.unwrap());
}
