//! The command as a whole: global options, examples, exit codes.

use std::path::PathBuf;

use clap::{ArgAction, Args as ClapArgs, Parser, ValueEnum, builder::BoolishValueParser};
use creatify::credits::RateCard;
use secrecy::SecretString;

use super::{command::Command, values};
use crate::journal::Place;

const EXAMPLES: &str = "\
Examples:
  creatify demo
  creatify estimate --operation create --seconds 20..45 --model-version aurora_v1
  creatify preview 3f1c9a52-7d0e-4b51-9c8a-0e6f5b7a2d10 --seconds 30 \\
    --var headline='Summer sale' --max-credits 2
  creatify render 7c0a2d0e-5a0e-4f4b-9d39-2f6f1d7f6a11
  creatify download 7c0a2d0e-5a0e-4f4b-9d39-2f6f1d7f6a11 -o videos/
  creatify jobs --open

Exit codes:
  0 done                       6 the job failed or was rejected
  1 anything not listed        7 the time-out passed; the job goes on
  2 wrong usage, nothing sent  8 outcome unknown; not sent again
  3 credentials refused        129, 130, 143 ended by SIGHUP, SIGINT or SIGTERM;
  4 request refused                a submitted job goes on
  5 not enough credits, or above --max-credits or a budget
Of several jobs, the highest code counts.";

/// Make previews and videos from Creatify custom templates
///
/// Every submission is sent once and entered in a journal, every job that was paid for is named,
/// and a wait ends only when the output is there. A variable in the environment that is set to
/// nothing counts as unset.
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
    #[arg(
        long,
        global = true,
        env = "CREATIFY_API_ID",
        hide_env_values = true,
        value_parser = values::secret
    )]
    pub(crate) api_id: Option<SecretString>,

    /// API key, from your settings page; other users of this machine can see it on the command line
    #[arg(
        long,
        global = true,
        env = "CREATIFY_API_KEY",
        hide_env_values = true,
        value_parser = values::secret
    )]
    pub(crate) api_key: Option<SecretString>,

    /// File that holds the API key
    #[arg(long, global = true, env = "CREATIFY_API_KEY_FILE", value_name = "FILE")]
    pub(crate) api_key_file: Option<PathBuf>,

    /// URL of another service; plain http only to this machine
    #[arg(
        long,
        global = true,
        env = "CREATIFY_BASE_URL",
        value_name = "URL",
        default_value = creatify::DEFAULT_BASE_URL
    )]
    pub(crate) base_url: String,

    /// Start a sandbox on this machine and use it: no account, no network, a journal of its own
    #[arg(long, global = true, env = "CREATIFY_SANDBOX", value_parser = BoolishValueParser::new())]
    pub(crate) sandbox: bool,

    /// Prices to estimate by: blocks, per-second, or a YAML or JSON file of the same form
    #[arg(
        long,
        global = true,
        env = "CREATIFY_RATE_CARD",
        value_parser = values::rate_card,
        value_name = "CARD|FILE"
    )]
    pub(crate) rate_card: Option<RateCard>,

    /// Journal of everything that may cost: an SQLite file, or the URL of a PostgreSQL database;
    /// unless given, a file in your data directory
    #[arg(
        long,
        global = true,
        env = "CREATIFY_JOURNAL",
        hide_env_values = true,
        value_parser = values::journal(),
        value_name = "FILE|postgres://…"
    )]
    pub(crate) journal: Option<Place>,

    /// Format of the result on stdout
    #[arg(
        long,
        global = true,
        env = "CREATIFY_OUTPUT",
        value_enum,
        default_value_t = OutputFormat::Text
    )]
    pub(crate) output: OutputFormat,

    /// Log requests and retries to stderr; twice for more
    #[arg(short, long, global = true, action = ArgAction::Count)]
    pub(crate) verbose: u8,

    /// Print ids or paths only, and no progress or notes; errors are still shown
    #[arg(short, long, global = true)]
    pub(crate) quiet: bool,
}

/// Format of the result on stdout.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum OutputFormat {
    /// For people
    Text,
    /// Exactly one JSON document
    Json,
}
