//! Options of the billable commands: template, variables, and what every submission takes.

use std::path::PathBuf;

use clap::{Args as ClapArgs, builder::NonEmptyStringValueParser};
use creatify::{
    ModelVersion, TemplateId,
    credits::{Credits, DurationRange},
    journal::Key,
};

use super::{
    timeouts::Timeout,
    values::{self, JobArg, Pair},
};
use crate::journal::Access;

#[derive(Debug, ClapArgs)]
pub(crate) struct Template {
    /// Template, from `creatify templates`
    pub(crate) template_id: TemplateId,
    #[command(flatten)]
    pub(crate) variables: Variables,
}

#[derive(Debug, ClapArgs)]
pub(crate) struct Render {
    /// Job whose preview is to be rendered: its ID, a unique start of it, or its key
    pub(crate) job_id: JobArg,
    /// Send it even if the job has a video or is being rendered; it may be charged a second time
    #[arg(long)]
    pub(crate) force: bool,
    /// Template to send with the render, and its variables; only if the service asks for them
    #[arg(long, value_name = "TEMPLATE_ID")]
    pub(crate) template: Option<TemplateId>,
    #[command(flatten)]
    pub(crate) variables: Variables,
    #[command(flatten)]
    pub(crate) options: Submission,
}

#[derive(Debug, ClapArgs)]
#[command(next_help_heading = "Variables")]
pub(crate) struct Variables {
    /// Text variable
    #[arg(long = "var", value_name = "NAME=TEXT")]
    pub(crate) text: Vec<Pair>,
    /// Image variable
    #[arg(long, value_name = "NAME=URL")]
    pub(crate) image: Vec<Pair>,
    /// Video variable
    #[arg(long, value_name = "NAME=URL")]
    pub(crate) video: Vec<Pair>,
    /// Sound variable
    #[arg(long, value_name = "NAME=URL")]
    pub(crate) audio: Vec<Pair>,
    /// Avatar variable
    #[arg(long, value_name = "NAME=ID")]
    pub(crate) avatar: Vec<Pair>,
    /// Voice variable
    #[arg(long, value_name = "NAME=ID")]
    pub(crate) voice: Vec<Pair>,
    /// JSON file with a raw `variables` object, or - for stdin; it wins over the options above
    #[arg(long, value_name = "FILE.json|-")]
    pub(crate) vars: Option<PathBuf>,
}

impl Variables {
    pub(crate) fn is_empty(&self) -> bool {
        let lists = [&self.text, &self.image, &self.video, &self.audio, &self.avatar, &self.voice];
        self.vars.is_none() && lists.iter().all(|list| list.is_empty())
    }
}

#[derive(Debug, ClapArgs)]
#[command(next_help_heading = "Submission")]
pub(crate) struct Submission {
    /// Name of the video, at most 255 characters
    #[arg(long)]
    pub(crate) name: Option<String>,
    /// URL to which the service sends events
    #[arg(long, value_name = "URL")]
    pub(crate) webhook_url: Option<String>,
    /// Model, which decides the price: standard, aurora_v1 or aurora_v1_fast
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
    /// Expected duration of the video in seconds, exact or a range, for the estimate; it is not
    /// sent
    #[arg(long, value_name = "S|A..B")]
    pub(crate) seconds: Option<DurationRange>,
    /// Most that it may cost; above it, nothing is sent. Needs --seconds, except for render
    #[arg(long, env = "CREATIFY_MAX_CREDITS", value_name = "N")]
    pub(crate) max_credits: Option<Credits>,
    /// Key by which it is submitted at most once: the same command can be run again after a crash,
    /// or on another machine with the same journal, and pays once
    #[arg(long)]
    pub(crate) key: Option<Key>,
    /// Submit it once more if the job of its key failed or was rejected; it is charged again
    #[arg(long, requires = "key")]
    pub(crate) retry_failed: bool,
    /// Label in the journal, such as a campaign; budgets can be for a label
    #[arg(long, value_parser = NonEmptyStringValueParser::new())]
    pub(crate) label: Option<String>,
    /// Check it, estimate its cost and show the request, but send nothing that costs
    #[arg(long)]
    pub(crate) dry_run: bool,
    /// Submit it without asking
    #[arg(short, long)]
    pub(crate) yes: bool,
    /// Cost above which a person at a terminal is asked before it is sent
    #[arg(
        long,
        env = "CREATIFY_ASK_ABOVE",
        default_value = "20",
        value_name = "N",
        value_parser = values::limit
    )]
    pub(crate) ask_above: Credits,
    /// Show the balance when the job is done; one more free request
    #[arg(long)]
    pub(crate) show_balance: bool,
}

impl Submission {
    pub(super) fn access(&self) -> Access {
        if self.dry_run { Access::Read } else { Access::Write }
    }
}
