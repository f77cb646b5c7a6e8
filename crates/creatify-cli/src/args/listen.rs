//! Options of `creatify listen`.

use std::{
    net::{IpAddr, Ipv4Addr},
    path::PathBuf,
    time::Duration,
};

use clap::Args as ClapArgs;
use url::{Host, Url};

use super::values::JobArg;

pub(super) const LISTEN_HELP: &str = "\
Without JOB_ID, it listens until Ctrl-C. With some, it waits for these jobs, and ends with them. A
delivery about the end of a job makes its wait poll at once; it is never trusted itself, since
anyone who knows the URL can post to it. Polling goes on all the time, so a delivery that is lost
costs nothing but seconds.

The service must reach the URL. Behind NAT or a firewall, use any tunnel: let it lead to the port of
this command, and give its public URL:

  creatify listen --port 8080 --public-url https://my-tunnel.example.com --secret-file hook.secret
  creatify create TEMPLATE_ID --no-wait \\
    --webhook-url https://my-tunnel.example.com/creatify/SECRET

The first line of the output is the URL to give as --webhook-url. Its last part is a secret, a new
one each time. With --secret-file it stays the same, so that a job can be waited for by a second
call: creatify listen --port 8080 --secret-file hook.secret JOB_ID

With --output json, each line of the output is a document: {\"webhook_url\": …} first, then
{\"delivery\": …} for each delivery, and the outcome of each job.";

#[derive(Debug, ClapArgs)]
pub(crate) struct Listen {
    /// Jobs to wait for: IDs, unique starts of IDs, or keys
    #[arg(value_name = "JOB_ID")]
    pub(crate) job_ids: Vec<JobArg>,
    /// Port to listen on; a free one unless given
    #[arg(long, default_value_t = 0)]
    pub(crate) port: u16,
    /// Address to listen on; 0.0.0.0 lets other machines in
    #[arg(long, value_name = "ADDR", default_value_t = IpAddr::V4(Ipv4Addr::LOCALHOST))]
    pub(crate) bind: IpAddr,
    /// URL at which the service reaches this command, such as that of a tunnel
    #[arg(long, value_name = "URL")]
    pub(crate) public_url: Option<String>,
    /// File with the secret part of the URL; it is made if it does not exist
    #[arg(long, value_name = "FILE")]
    pub(crate) secret_file: Option<PathBuf>,
    /// URL to post every delivery on to, unchanged; plain http only to this machine
    #[arg(long, value_name = "URL", value_parser = forward_url)]
    pub(crate) forward_to: Option<Url>,
    /// Time to wait for the jobs, which go on after it
    #[arg(long, value_parser = humantime::parse_duration, default_value = "20m")]
    pub(crate) timeout: Duration,
}

fn forward_url(text: &str) -> Result<Url, String> {
    let url = Url::parse(text).map_err(|error| error.to_string())?;
    let is_loopback = match url.host() {
        Some(Host::Domain(name)) => name == "localhost",
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    };
    match url.scheme() {
        "https" => Ok(url),
        "http" if is_loopback => Ok(url),
        "http" => Err("plain http is allowed only to this machine; use https".to_owned()),
        _ => Err("write a URL with https, or with http to this machine".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn deliveries_are_forwarded_by_https_or_to_this_machine() {
        for url in ["https://example.com/a", "http://localhost:3000", "http://[::1]:3000/hook"] {
            assert!(forward_url(url).is_ok(), "{url}");
        }
        for url in
            ["http://example.com", "http://10.0.0.1:3000", "localhost:3000", "ftp://localhost", "/"]
        {
            assert!(forward_url(url).is_err(), "{url}");
        }
    }
}
