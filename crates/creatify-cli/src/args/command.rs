//! Commands and their options.

use std::{path::PathBuf, time::Duration};

use clap::{Args as ClapArgs, Subcommand};
use creatify::{
    ModelVersion,
    credits::{BillableOperation, DurationRange, UsdPerCredit},
};
use creatify_sandbox::Faults;

use super::{
    journal::{Budget, Jobs, Ledger, RECONCILE_HELP, Reconcile},
    listen::{LISTEN_HELP, Listen},
    submission::{Render, Submission, Template},
    timeouts::{DownloadTimeout, ReadTimeout, Timeout},
    values::{self, GoalArg, JobArg},
};
use crate::journal::Access;

/// File of `demo` unless another is given. It is replaced by the next demo.
pub(crate) const DEMO_FILE: &str = "creatify-demo.mp4";

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Try everything against a built-in sandbox: estimate, preview, render, download
    Demo {
        /// File for the video
        #[arg(
            short = 'o',
            short_alias = 'f',
            long = "out",
            value_name = "FILE",
            default_value = DEMO_FILE
        )]
        file: PathBuf,
    },
    /// List the account's templates (free)
    Templates(ReadTimeout),
    /// Show the remaining credits (free)
    Balance(ReadTimeout),
    /// Estimate the cost; offline and free
    #[command(after_help = "Example:
  creatify estimate --operation render --seconds 20..45 --model-version aurora_v1 \\
    --count 10")]
    Estimate(Estimate),
    /// Make a preview (1 credit for every started 30 s) and wait for it
    #[command(after_help = "Examples:
  creatify preview 3f1c9a52-7d0e-4b51-9c8a-0e6f5b7a2d10 --var headline='Summer sale' \\
    --image hero=https://cdn.example.com/hero.png --name 'Summer sale'
  creatify preview 3f1c9a52-7d0e-4b51-9c8a-0e6f5b7a2d10 --seconds 30 --dry-run")]
    Preview {
        #[command(flatten)]
        template: Template,
        /// Use the endpoint that answers only when the preview is ready; if the connection breaks
        /// meanwhile, the outcome is unknown
        #[arg(long, help_heading = "Submission")]
        sync: bool,
        #[command(flatten)]
        options: Submission,
    },
    /// Make a video without a preview and wait for it
    #[command(after_help = "Examples:
  creatify create 3f1c9a52-7d0e-4b51-9c8a-0e6f5b7a2d10 --vars variables.json \\
    --seconds 30 --max-credits 5
  creatify create 3f1c9a52-7d0e-4b51-9c8a-0e6f5b7a2d10 --vars variables.json \\
    --key spring/sku-4711/de --label spring")]
    Create {
        #[command(flatten)]
        template: Template,
        #[command(flatten)]
        options: Submission,
    },
    /// Make the video of a job that has a preview, and wait for it
    #[command(after_help = "Examples:
  creatify render 7c0a2d0e-5a0e-4f4b-9d39-2f6f1d7f6a11 --max-credits 4
  creatify render spring/sku-4711/de --key spring/sku-4711/de")]
    Render(Render),
    /// Show jobs as they are now (free)
    Get {
        /// Jobs: IDs, unique starts of IDs, or keys
        #[arg(required = true, value_name = "JOB_ID")]
        job_ids: Vec<JobArg>,
        #[command(flatten)]
        timeout: ReadTimeout,
    },
    /// List jobs (free)
    List {
        /// Jobs: IDs, unique starts of IDs, or keys; all jobs unless given
        #[arg(value_name = "JOB_ID")]
        job_ids: Vec<JobArg>,
        #[command(flatten)]
        timeout: ReadTimeout,
    },
    /// Wait for any job by its ID or key (free)
    #[command(after_help = "Examples:
  creatify wait 7c0a2d0e-5a0e-4f4b-9d39-2f6f1d7f6a11 --goal preview --timeout 5m
  creatify wait 7c0a2d0e
  creatify wait spring/sku-4711/de")]
    Wait {
        /// Jobs: IDs, unique starts of IDs, or keys
        #[arg(required = true)]
        job_ids: Vec<JobArg>,
        /// Output to wait for; unless given, what the ID says (preview:ID) or the journal knows of
        /// the job, or else its video
        #[arg(long, value_enum)]
        goal: Option<GoalArg>,
        #[command(flatten)]
        timeout: Timeout,
    },
    /// Download videos; an interrupted download is continued (free)
    #[command(after_help = "Example:
  creatify download 7c0a2d0e-5a0e-4f4b-9d39-2f6f1d7f6a11 -o videos/")]
    Download(Download),
    /// Show submissions: what was paid for, is open, or of unknown outcome (offline)
    #[command(after_help = "Examples:
  creatify jobs --open
  creatify jobs --label spring --since 2026-11-01
  creatify jobs --failed -q")]
    Jobs(Jobs),
    /// Wait for every open job of the journal (free)
    #[command(after_help = "Example:
  creatify create 3f1c9a52-7d0e-4b51-9c8a-0e6f5b7a2d10 --key sku-4711 --no-wait
  creatify resume")]
    Resume(Timeout),
    /// Settle submissions of unknown outcome, without sending anything again (free)
    #[command(after_help = RECONCILE_HELP)]
    Reconcile(Reconcile),
    /// Show and set spending limits, which hold for every process (offline)
    #[command(after_help = "Examples:
  creatify budget
  creatify budget set monthly 500 --per month
  creatify budget set spring 200 --label spring")]
    Budget(Budget),
    /// Show what was spent, as recorded in the journal (offline)
    #[command(after_help = "Examples:
  creatify ledger --by template --since 2026-11-01
  creatify ledger --jsonl > spent.jsonl")]
    Ledger(Ledger),
    /// Receive webhooks: show them, end waits early by them, forward them
    #[command(after_help = LISTEN_HELP)]
    Listen(Listen),
    /// Serve the sandbox until Ctrl-C, for programs in any language
    Sandbox(Sandbox),
    /// Print shell completions
    #[command(after_help = "Example:
  creatify completions bash > ~/.local/share/bash-completion/completions/creatify")]
    Completions {
        /// Shell to complete in
        shell: clap_complete::Shell,
    },
}

impl Command {
    /// Returns the time-out of a command that only reads from the service.
    pub(crate) fn read_timeout(&self) -> Option<Duration> {
        match self {
            Self::Templates(timeout)
            | Self::Balance(timeout)
            | Self::Get { timeout, .. }
            | Self::List { timeout, .. } => Some(timeout.timeout),
            _ => None,
        }
    }

    /// Returns the use of the journal by this command.
    pub(crate) fn journal_access(&self) -> Access {
        match self {
            Self::Preview { options, .. } | Self::Create { options, .. } => options.access(),
            Self::Render(render) => render.options.access(),
            Self::Budget(Budget { set: Some(_) }) => Access::Write,
            Self::Jobs(_)
            | Self::Resume(_)
            | Self::Reconcile(_)
            | Self::Budget(Budget { set: None })
            | Self::Ledger(_) => Access::Read,
            _ => Access::Aside,
        }
    }
}

#[derive(Debug, ClapArgs)]
pub(crate) struct Download {
    /// Jobs: IDs, unique starts of IDs, or keys
    #[arg(required = true)]
    pub(crate) job_ids: Vec<JobArg>,
    /// File, or directory in which files are named after their jobs
    #[arg(short, long = "out", value_name = "DIR_OR_FILE", default_value = ".")]
    pub(crate) out: PathBuf,
    /// Download the page of the preview instead of the video
    #[arg(long)]
    pub(crate) preview: bool,
    /// Replace files that are there already
    #[arg(long)]
    pub(crate) force: bool,
    #[command(flatten)]
    pub(crate) timeout: DownloadTimeout,
}

#[derive(Debug, ClapArgs)]
pub(crate) struct Estimate {
    /// Operation to estimate: preview, create or render
    #[arg(long, value_parser = values::operation, required_unless_present = "plan")]
    pub(crate) operation: Option<BillableOperation>,
    /// Duration of the video in seconds, exact (28.5) or a range (20..45)
    #[arg(long, value_name = "S|A..B", required_unless_present = "plan")]
    pub(crate) seconds: Option<DurationRange>,
    /// Model: standard, aurora_v1, aurora_v1_fast, or any other that the rate card prices
    #[arg(long, default_value = "standard", value_name = "MODEL")]
    pub(crate) model_version: ModelVersion,
    /// Number of submissions
    #[arg(long, default_value_t = 1)]
    pub(crate) count: u32,
    /// File with several submissions to estimate together: {"steps": [{"operation": "preview",
    /// "seconds": 30, "count": 10}, {"operation": "render", "seconds": "20..45", "count": 10,
    /// "percent": 40}]}
    #[arg(
        long,
        value_name = "FILE.json",
        conflicts_with_all = ["operation", "seconds", "count", "model_version"]
    )]
    pub(crate) plan: Option<PathBuf>,
    /// Show US dollars too, at this price of a credit
    #[arg(long, value_name = "USD")]
    pub(crate) usd_per_credit: Option<UsdPerCredit>,
    /// Show US dollars too, at the price of a credit in this plan: 'API Starter', 'API Pro'
    #[arg(
        long,
        value_name = "NAME",
        value_parser = UsdPerCredit::of_plan,
        conflicts_with = "usd_per_credit"
    )]
    pub(crate) plan_name: Option<UsdPerCredit>,
}

#[derive(Debug, ClapArgs)]
pub(crate) struct Sandbox {
    /// Port; a free one unless given
    #[arg(long, default_value_t = 0)]
    pub(crate) port: u16,
    /// Speed of jobs, as a multiple of real time
    #[arg(
        long,
        default_value_t = creatify_sandbox::DEMO_SPEED,
        value_name = "X",
        value_parser = values::speed
    )]
    pub(crate) speed: f64,
    /// Credits of the account at the start; those of the smallest plan unless given
    #[arg(long, value_name = "N")]
    pub(crate) credits: Option<u32>,
    /// YAML or JSON file with faults to inject, such as:
    /// {"faults": [{"fault": {"html": 502}, "probability": 0.1}]}
    #[arg(long, value_name = "FILE", value_parser = values::faults)]
    pub(crate) faults: Option<Faults>,
}
