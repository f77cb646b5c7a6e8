//! Options of the commands that read and settle the journal.

use chrono::{DateTime, Utc};
use clap::{Args as ClapArgs, Subcommand, ValueEnum, builder::NonEmptyStringValueParser};
use creatify::{
    JobId,
    credits::Credits,
    journal::{Key, Period},
};

use super::{timeouts::ReconcileTimeout, values};

pub(super) const RECONCILE_HELP: &str = "\
A submission is of unknown outcome when its answer was lost, or when the process that sent it
ended: it may or may not have been accepted and charged. This command searches for its job, which
is free. It never submits anything. An exact match is adopted: a job that carries the key or marker
of the submission. A likely one, with the same content and time, is only proposed.

Examples:
  creatify jobs --unknown
  creatify reconcile
  creatify reconcile spring/sku-4711/de --adopt
  creatify reconcile spring/sku-4711/de --adopt --job 7c0a2d0e-5a0e-4f4b-9d39-2f6f1d7f6a11
  creatify reconcile spring/sku-4711/de --not-accepted

Results: adopted, likely, ambiguous, not_found, not_accepted, unsupported (the service does not
list jobs). A submission that is not of unknown outcome shows its status.";

#[derive(Debug, ClapArgs)]
pub(crate) struct Jobs {
    /// Only what may still cost something, or is of unknown outcome
    #[arg(long, group = "state")]
    pub(crate) open: bool,
    /// Only what is of unknown outcome
    #[arg(long, group = "state")]
    pub(crate) unknown: bool,
    /// Only jobs that failed or were rejected
    #[arg(long, group = "state")]
    pub(crate) failed: bool,
    /// Only submissions with this label
    #[arg(long, value_parser = NonEmptyStringValueParser::new())]
    pub(crate) label: Option<String>,
    /// First day to show (UTC), such as 2026-11-01
    #[arg(long, value_name = "DAY", value_parser = values::day)]
    pub(crate) since: Option<DateTime<Utc>>,
    /// Largest number to show, the latest ones
    #[arg(long, value_name = "N", default_value_t = 100)]
    pub(crate) limit: u32,
}

#[derive(Debug, ClapArgs)]
pub(crate) struct Reconcile {
    /// Keys, as shown by `creatify jobs`; everything of unknown outcome unless given
    #[arg(value_name = "KEY")]
    pub(crate) keys: Vec<Key>,
    /// Adopt likely matches too, or the job of --job
    #[arg(long, conflicts_with = "not_accepted")]
    pub(crate) adopt: bool,
    /// Declare that it was certainly not accepted, so that it counts as not charged and may be
    /// submitted again
    #[arg(long, requires = "keys")]
    pub(crate) not_accepted: bool,
    /// Job to adopt, which you found yourself
    #[arg(long, value_name = "JOB_ID", requires_all = ["adopt", "keys"])]
    pub(crate) job: Option<JobId>,
    #[command(flatten)]
    pub(crate) timeout: ReconcileTimeout,
}

/// Treatment of submissions of unknown outcome.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ReconcileBy {
    /// Adopts exact matches.
    Search,
    /// Adopts likely matches too.
    AdoptLikely,
    Adopt(JobId),
    NotAccepted,
}

impl Reconcile {
    pub(crate) fn by(&self) -> ReconcileBy {
        match self.job {
            Some(job) => ReconcileBy::Adopt(job),
            None if self.adopt => ReconcileBy::AdoptLikely,
            None if self.not_accepted => ReconcileBy::NotAccepted,
            None => ReconcileBy::Search,
        }
    }
}

#[derive(Debug, ClapArgs)]
pub(crate) struct Budget {
    #[command(subcommand)]
    pub(crate) set: Option<BudgetSetting>,
}

#[derive(Debug, Subcommand)]
pub(crate) enum BudgetSetting {
    /// Create a budget, or change the one of this name
    #[command(after_help = "Examples:
  creatify budget set monthly 500 --per month
  creatify budget set spring 200 --label spring")]
    Set(SetBudget),
}

#[derive(Debug, ClapArgs)]
pub(crate) struct SetBudget {
    /// Name of the budget
    #[arg(value_parser = NonEmptyStringValueParser::new())]
    pub(crate) name: String,
    /// Credits that may be spent, in each period if there is one
    #[arg(value_parser = values::limit)]
    pub(crate) credits: Credits,
    /// Period after which it starts anew (UTC); never unless given
    #[arg(long, value_enum)]
    pub(crate) per: Option<PeriodArg>,
    /// Only for submissions with this label
    #[arg(long, value_parser = NonEmptyStringValueParser::new())]
    pub(crate) label: Option<String>,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
pub(crate) enum PeriodArg {
    Day,
    Month,
}

impl From<PeriodArg> for Period {
    fn from(period: PeriodArg) -> Self {
        match period {
            PeriodArg::Day => Self::Day,
            PeriodArg::Month => Self::Month,
        }
    }
}

#[derive(Debug, ClapArgs)]
pub(crate) struct Ledger {
    /// Property to group calls by
    #[arg(long, value_enum, default_value_t = Grouping::Day)]
    pub(crate) by: Grouping,
    /// First day to count (UTC), such as 2026-11-01
    #[arg(long, value_name = "DAY", value_parser = values::day)]
    pub(crate) since: Option<DateTime<Utc>>,
    /// Print comma-separated values; not with --output json
    #[arg(long)]
    pub(crate) csv: bool,
    /// Print every entry of the journal as a JSON document on a line; not with --output json
    #[arg(long, conflicts_with_all = ["csv", "by"])]
    pub(crate) jsonl: bool,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
pub(crate) enum Grouping {
    Day,
    Template,
    Operation,
    Model,
}
