//! Reading of jobs. Every job that is read passes [`JobReader::record`], which settles charges and
//! learns video durations.

use std::{collections::HashSet, sync::Arc};

use creatify_api::OperationId;

use crate::{
    billing::Billing,
    error::Error,
    http::{CallOptions, Executor, ListPage as _},
    job::{Job, JobId},
    wait::run_times::RunTimes,
};

/// Reader of the account's jobs. Cheap to clone; clones share everything.
#[derive(Clone)]
pub(crate) struct JobReader {
    pub(crate) executor: Arc<Executor>,
    pub(crate) billing: Arc<Billing>,
    pub(crate) run_times: Arc<RunTimes>,
}

/// The first page of a list of jobs.
pub(crate) struct FirstPage {
    pub(crate) jobs: Vec<Job>,
    pub(crate) has_more: bool,
}

impl JobReader {
    /// Reads one job.
    pub(crate) async fn get(&self, id: JobId, options: CallOptions) -> Result<Job, Error> {
        let job = self.executor.get_job(id, options).await?;
        self.record(std::slice::from_ref(&job)).await;
        Ok(job)
    }

    /// Reads the first page of the list of these jobs.
    pub(crate) async fn first_page(
        &self,
        ids: &[JobId],
        options: CallOptions,
    ) -> Result<FirstPage, Error> {
        let (jobs, next) = self.executor.first_page_of_jobs(ids, options).await?.split();
        let jobs: Vec<_> = jobs.into_iter().map(Job::from).collect();
        self.record(&jobs).await;
        Ok(FirstPage { jobs, has_more: next.is_some() })
    }

    /// Reads the list of these jobs, or of all when `ids` is empty, with all its pages.
    pub(crate) async fn list(&self, ids: &[JobId]) -> Result<Vec<Job>, Error> {
        let first = self.executor.first_page_of_jobs(ids, self.executor.options()).await?;
        let jobs = self.executor.all_pages(OperationId::ListCustomTemplateJobs, first).await?;
        let mut seen = HashSet::new();
        let mut jobs: Vec<_> = jobs.into_iter().map(Job::from).collect();
        // A job that arrives while pages are read moves others to the next page, which shows them
        // twice.
        jobs.retain(|job| seen.insert(job.id()));
        self.record(&jobs).await;
        Ok(jobs)
    }

    /// Records the status of jobs that were read: settles their charges once they have ended, and
    /// learns the durations of their videos. After a render a job may still show its earlier final
    /// status; that is not recorded.
    pub(crate) async fn record(&self, jobs: &[Job]) {
        jobs.iter().for_each(|job| self.run_times.observe(job));
        let jobs: Vec<_> = jobs.iter().filter(|job| !self.is_left_over(job)).collect();
        for (render, record) in
            self.billing.record_ended(&jobs, |job, entry| self.run_times.knows(job, entry)).await
        {
            if let Some(job) = render.job_id {
                self.run_times.submitted(job, &record, render.model_version);
            }
        }
    }

    /// Returns whether a job still shows its final status from before a render, of this process or
    /// of another one that shares the journal.
    pub(crate) fn is_left_over(&self, job: &Job) -> bool {
        self.run_times.is_left_over(job)
    }
}
