//! Reading of jobs. Every job that is read from anywhere passes [`JobReader::record`], which
//! settles charges and learns run times.

use std::sync::Arc;

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

/// A list of jobs, as far as its first page shows them.
pub(crate) struct FirstPage {
    pub(crate) jobs: Vec<Job>,
    pub(crate) has_more: bool,
}

impl JobReader {
    /// Reads one job.
    pub(crate) async fn get(&self, id: JobId, options: CallOptions) -> Result<Job, Error> {
        let job = self.executor.get_job(id, options).await?;
        self.record(&job);
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
        jobs.iter().for_each(|job| self.record(job));
        Ok(FirstPage { jobs, has_more: next.is_some() })
    }

    /// Reads the list of these jobs, or of all when `ids` is empty, with all its pages.
    pub(crate) async fn list(&self, ids: &[JobId]) -> Result<Vec<Job>, Error> {
        let first = self.executor.first_page_of_jobs(ids, self.executor.options()).await?;
        let jobs = self.executor.all_pages(OperationId::ListCustomTemplateJobs, first).await?;
        let jobs: Vec<_> = jobs.into_iter().map(Job::from).collect();
        jobs.iter().for_each(|job| self.record(job));
        Ok(jobs)
    }

    /// Records the status of a job that was read: settles its charge once it has ended, and learns
    /// the duration of its video. A status left over from before a render is not the render's.
    pub(crate) fn record(&self, job: &Job) {
        self.run_times.observe(job);
        if !self.run_times.is_left_over(job) {
            self.billing.record_status(job);
        }
    }
}
