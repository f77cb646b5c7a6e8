//! Time-outs, with a default for each kind of command.

use std::time::Duration;

use clap::Args as ClapArgs;

#[derive(Debug, Clone, Copy, ClapArgs)]
pub(crate) struct ReadTimeout {
    /// Time to wait for the service's answers
    #[arg(long, value_parser = humantime::parse_duration, default_value = "2m")]
    pub(crate) timeout: Duration,
}

#[derive(Debug, Clone, Copy, ClapArgs)]
pub(crate) struct DownloadTimeout {
    /// Time for everything together; what has arrived by then is kept, and continued next time
    #[arg(long, value_parser = humantime::parse_duration, default_value = "1h")]
    pub(crate) timeout: Duration,
}

#[derive(Debug, Clone, Copy, ClapArgs)]
pub(crate) struct Timeout {
    /// Time for everything: sending, retries and waiting; a submitted job goes on after it
    #[arg(long, value_parser = humantime::parse_duration, default_value = "20m")]
    pub(crate) timeout: Duration,
}

#[derive(Debug, Clone, Copy, ClapArgs)]
pub(crate) struct ReconcileTimeout {
    /// Time for the search; a list that is read too early after the submission proves nothing, so
    /// the search may wait for half a minute and more
    #[arg(long, value_parser = humantime::parse_duration, default_value = "5m")]
    pub(crate) timeout: Duration,
}
