//! Options of the billable commands: template, variables, and what every submission takes.

use std::path::PathBuf;

use clap::Args as ClapArgs;
use creatify::{
    ModelVersion, TemplateId,
    credits::{Credits, DurationRange},
};

use super::{
    timeouts::Timeout,
    values::{JobArg, Pair},
};

#[derive(Debug, ClapArgs)]
pub(crate) struct Template {
    /// Template, from `creatify templates`
    pub(crate) template_id: TemplateId,
    #[command(flatten)]
    pub(crate) variables: Variables,
}

#[derive(Debug, ClapArgs)]
pub(crate) struct Render {
    /// ID of the job whose preview is to be rendered
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
    /// Show the balance when the job is done; one more free request
    #[arg(long)]
    pub(crate) show_balance: bool,
}
