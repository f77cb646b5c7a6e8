//! What can be said on the command line?

mod values;

use std::{path::PathBuf, time::Duration};

use chrono::NaiveDate;
use clap::{ArgAction, Args as ClapArgs, Parser, Subcommand, ValueEnum};
use creatify::{
    ModelVersion, TemplateId,
    credits::{BillableOperation, Credits, DurationRange, RateCard, UsdPerCredit},
};
use creatify_sandbox::Faults;
use secrecy::SecretString;

pub(crate) use values::{GoalArg, JobArg, Pair};
use values::{faults, operation, rate_card, secret, speed};

const EXAMPLES: &str = "\
Examples:
  creatify demo
  creatify estimate --operation create --seconds 20..45 --model-version aurora_v1
  creatify preview 3f1c9a52-7d0e-4b51-9c8a-0e6f5b7a2d10 --var headline='Summer sale' --max-credits 2 --seconds 30
  creatify render 7c0a2d0e-5a0e-4f4b-9d39-2f6f1d7f6a11
  creatify download 7c0a2d0e-5a0e-4f4b-9d39-2f6f1d7f6a11 -o videos/

Exit codes:
  0 done                       5 not enough credits, or above --max-credits
  1 anything not listed        6 the job failed or was rejected
  2 wrong usage, nothing sent  7 the time-out passed; the job goes on
  3 credentials refused        8 outcome unknown; not sent again
  4 request refused            130 interrupted; a submitted job goes on";

/// Previews and videos from Creatify custom templates, for credits.
///
/// Submits once, waits for the right thing, and always says how to find a job that was paid for.
#[derive(Debug, Parser)]
#[command(name = "creatify", version, after_help = EXAMPLES, max_term_width = 100)]
pub(crate) struct Args {
    #[command(flatten)]
    pub(crate) global: Global,
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, ClapArgs)]
#[command(next_help_heading = "Global options")]
pub(crate) struct Global {
    /// API ID, from your settings page
    #[arg(long, global = true, env = "CREATIFY_API_ID", hide_env_values = true, value_parser = secret)]
    pub(crate) api_id: Option<SecretString>,

    /// API key, from your settings page; better in the environment, where other users do not see it
    #[arg(long, global = true, env = "CREATIFY_API_KEY", hide_env_values = true, value_parser = secret)]
    pub(crate) api_key: Option<SecretString>,

    /// Another service; http:// only to this machine
    #[arg(long, global = true, env = "CREATIFY_BASE_URL", value_name = "URL", default_value = creatify::DEFAULT_BASE_URL)]
    pub(crate) base_url: String,

    /// Start a sandbox on this machine and use it: no account, no network
    #[arg(long, global = true, env = "CREATIFY_SANDBOX")]
    pub(crate) sandbox: bool,

    /// The prices to estimate by: blocks, per-second, or a YAML or JSON file of the same form
    #[arg(long, global = true, env = "CREATIFY_RATE_CARD", value_parser = rate_card, value_name = "CARD|FILE")]
    pub(crate) rate_card: Option<RateCard>,

    /// Keep an account of every billable call in this file; see `creatify ledger`
    #[arg(long, global = true, env = "CREATIFY_LEDGER", value_name = "FILE")]
    pub(crate) ledger: Option<PathBuf>,

    /// Form of the result on stdout
    #[arg(long, global = true, env = "CREATIFY_OUTPUT", value_enum, default_value_t = Form::Text)]
    pub(crate) output: Form,

    /// Log what happens to stderr; twice for more
    #[arg(short, long, global = true, action = ArgAction::Count)]
    pub(crate) verbose: u8,

    /// No progress and no notes on stderr; errors are still shown
    #[arg(short, long, global = true)]
    pub(crate) quiet: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Form {
    /// For people
    Text,
    /// Exactly one JSON document
    Json,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// See the whole story against a built-in sandbox: estimate, preview, render, download
    Demo {
        /// Where to put the video
        #[arg(short, long = "out", value_name = "FILE", default_value = "creatify-demo.mp4")]
        file: PathBuf,
    },
    /// List the account's templates (free)
    Templates,
    /// Show the remaining credits (free)
    Balance,
    /// Say what something would cost; offline and free
    #[command(
        after_help = "Example:\n  creatify estimate --operation render --seconds 20..45 --model-version aurora_v1 --count 10"
    )]
    Estimate(Estimate),
    /// Make a preview (1 credit for every started 30 s) and wait for it
    #[command(
        after_help = "Example:\n  creatify preview 3f1c9a52-7d0e-4b51-9c8a-0e6f5b7a2d10 --var headline='Summer sale' \\\n    --image hero=https://cdn.example.com/hero.png --name 'Summer sale'"
    )]
    Preview {
        #[command(flatten)]
        template: Template,
        /// Use the endpoint that blocks until the preview is ready; a broken connection then leaves the outcome unknown
        #[arg(long, help_heading = "Submission")]
        sync: bool,
        #[command(flatten)]
        options: Submission,
    },
    /// Make a video without a preview and wait for it
    #[command(
        after_help = "Example:\n  creatify create 3f1c9a52-7d0e-4b51-9c8a-0e6f5b7a2d10 --vars variables.json --seconds 30 --max-credits 5"
    )]
    Create {
        #[command(flatten)]
        template: Template,
        #[command(flatten)]
        options: Submission,
    },
    /// Make the video of a previewed job and wait for it
    #[command(
        after_help = "Example:\n  creatify render 7c0a2d0e-5a0e-4f4b-9d39-2f6f1d7f6a11 --max-credits 4"
    )]
    Render {
        /// The job whose preview is to be rendered
        job_id: JobArg,
        #[command(flatten)]
        options: Submission,
    },
    /// Look at a job once (free)
    Get {
        /// The job
        job_id: JobArg,
    },
    /// List jobs (free)
    List {
        /// Only these jobs
        job_ids: Vec<JobArg>,
    },
    /// Wait for jobs submitted anywhere, earlier, by anyone (free)
    #[command(
        after_help = "Example:\n  creatify wait 7c0a2d0e-5a0e-4f4b-9d39-2f6f1d7f6a11 --goal preview --timeout 5m"
    )]
    Wait {
        /// The jobs
        #[arg(required = true)]
        job_ids: Vec<JobArg>,
        /// What to wait for; `video` unless the id says otherwise (preview:ID)
        #[arg(long, value_enum)]
        goal: Option<GoalArg>,
        #[command(flatten)]
        timeout: Timeout,
    },
    /// Fetch videos to disk; goes on where an earlier download broke off (free)
    #[command(
        after_help = "Example:\n  creatify download 7c0a2d0e-5a0e-4f4b-9d39-2f6f1d7f6a11 -o videos/"
    )]
    Download {
        /// The jobs
        #[arg(required = true)]
        job_ids: Vec<JobArg>,
        /// A file, or a directory to put files into, named after their jobs
        #[arg(short, long = "out", value_name = "DIR_OR_FILE", default_value = ".")]
        out: PathBuf,
        /// The preview's page instead of the video
        #[arg(long)]
        preview: bool,
    },
    /// Say what was spent, from the file of --ledger
    #[command(
        after_help = "Example:\n  creatify --ledger spent.jsonl ledger --by template --since 2026-11-01"
    )]
    Ledger(Ledger),
    /// Serve the sandbox until Ctrl-C, for programs in any language
    Sandbox(Sandbox),
    /// Print completions for a shell
    #[command(
        after_help = "Example:\n  creatify completions bash > ~/.local/share/bash-completion/completions/creatify"
    )]
    Completions {
        /// The shell
        shell: clap_complete::Shell,
    },
}

#[derive(Debug, ClapArgs)]
pub(crate) struct Estimate {
    /// What is to be charged: preview, create or render
    #[arg(long, value_parser = operation, required_unless_present = "plan")]
    pub(crate) operation: Option<BillableOperation>,
    /// Duration of the video in seconds, exact (28.5) or a range (20..45)
    #[arg(long, value_name = "S|A..B", required_unless_present = "plan")]
    pub(crate) seconds: Option<DurationRange>,
    /// standard, aurora_v1, aurora_v1_fast, or any other the card prices
    #[arg(long, default_value = "standard", value_name = "MODEL")]
    pub(crate) model_version: ModelVersion,
    /// How many submissions
    #[arg(long, default_value_t = 1)]
    pub(crate) count: u32,
    /// Several submissions as one estimate, from a JSON file: {"steps": [{"operation": "preview", "seconds": 30, "count": 10},
    /// {"operation": "render", "seconds": "20..45", "count": 10, "percent": 40}]}
    #[arg(long, value_name = "FILE.json", conflicts_with_all = ["operation", "seconds", "count", "model_version"])]
    pub(crate) plan: Option<PathBuf>,
    /// In US dollars too, at this price of a credit
    #[arg(long, value_name = "USD")]
    pub(crate) usd_per_credit: Option<UsdPerCredit>,
    /// In US dollars too, at the price of a credit in a plan of the vendor: 'API Starter', 'API Pro'
    #[arg(long, value_name = "NAME", value_parser = UsdPerCredit::of_plan, conflicts_with = "usd_per_credit")]
    pub(crate) plan_name: Option<UsdPerCredit>,
}

#[derive(Debug, ClapArgs)]
pub(crate) struct Ledger {
    /// What to put together
    #[arg(long, value_enum, default_value_t = By::Day)]
    pub(crate) by: By,
    /// Only calls from this day on (UTC), such as 2026-11-01
    #[arg(long, value_name = "DAY")]
    pub(crate) since: Option<NaiveDate>,
    /// As comma-separated values
    #[arg(long)]
    pub(crate) csv: bool,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
pub(crate) enum By {
    Day,
    Template,
    Operation,
    Model,
}

#[derive(Debug, ClapArgs)]
pub(crate) struct Template {
    /// The template, from `creatify templates`
    pub(crate) template_id: TemplateId,
    #[command(flatten)]
    pub(crate) variables: Variables,
}

#[derive(Debug, ClapArgs)]
#[command(next_help_heading = "Variables")]
pub(crate) struct Variables {
    /// A text variable
    #[arg(long = "var", value_name = "NAME=TEXT")]
    pub(crate) text: Vec<Pair>,
    /// An image variable
    #[arg(long, value_name = "NAME=URL")]
    pub(crate) image: Vec<Pair>,
    /// A video variable
    #[arg(long, value_name = "NAME=URL")]
    pub(crate) video: Vec<Pair>,
    /// A sound variable
    #[arg(long, value_name = "NAME=URL")]
    pub(crate) audio: Vec<Pair>,
    /// An avatar variable
    #[arg(long, value_name = "NAME=ID")]
    pub(crate) avatar: Vec<Pair>,
    /// A voice variable
    #[arg(long, value_name = "NAME=ID")]
    pub(crate) voice: Vec<Pair>,
    /// The raw `variables` object, from a JSON file or from stdin (-); the options above go before it
    #[arg(long, value_name = "FILE.json|-")]
    pub(crate) vars: Option<PathBuf>,
}

#[derive(Debug, ClapArgs)]
#[command(next_help_heading = "Submission")]
pub(crate) struct Submission {
    /// Name of the video, at most 255 characters
    #[arg(long)]
    pub(crate) name: Option<String>,
    /// URL that the service tells of changes
    #[arg(long, value_name = "URL")]
    pub(crate) webhook_url: Option<String>,
    /// standard, aurora_v1 or aurora_v1_fast; decides the price
    #[arg(long, value_name = "MODEL")]
    pub(crate) model_version: Option<ModelVersion>,
    /// Hide the job
    #[arg(long)]
    pub(crate) hidden: bool,
    /// Print the job as submitted and exit
    #[arg(long)]
    pub(crate) no_wait: bool,
    #[command(flatten)]
    pub(crate) timeout: Timeout,
    /// Expected duration of the video in seconds, exact or a range, for the estimate; it is not sent
    #[arg(long, value_name = "S|A..B")]
    pub(crate) seconds: Option<DurationRange>,
    /// Refuse before sending when it may cost more; needs --seconds, except for render
    #[arg(long, env = "CREATIFY_MAX_CREDITS", value_name = "N")]
    pub(crate) max_credits: Option<Credits>,
    /// Say the balance when the job is done; one more free request
    #[arg(long)]
    pub(crate) show_balance: bool,
}

#[derive(Debug, Clone, Copy, ClapArgs)]
pub(crate) struct Timeout {
    /// How long to wait; the job goes on after it
    #[arg(long, value_parser = humantime::parse_duration, default_value = "20m")]
    pub(crate) timeout: Duration,
}

#[derive(Debug, ClapArgs)]
pub(crate) struct Sandbox {
    /// The port; a free one unless given
    #[arg(long, default_value_t = 0)]
    pub(crate) port: u16,
    /// How much faster than real time jobs go
    #[arg(long, default_value_t = creatify_sandbox::DEMO_SPEED, value_name = "X", value_parser = speed)]
    pub(crate) speed: f64,
    /// The account's credits at the start; those of the smallest plan unless given
    #[arg(long, value_name = "N")]
    pub(crate) credits: Option<u32>,
    /// How it misbehaves, from a YAML or JSON file, such as: {"faults": [{"fault": {"html": 502}, "probability": 0.1}]}
    #[arg(long, value_name = "FILE", value_parser = faults)]
    pub(crate) faults: Option<Faults>,
}
