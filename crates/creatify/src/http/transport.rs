//! HTTP clients: TLS with ring, no redirects with credentials, plain http only to loopback.

use std::{
    error::Error as _,
    io,
    sync::{Arc, OnceLock},
    time::Duration,
};

use rustls_platform_verifier::BuilderVerifierExt;
use url::{Host, Url};

use crate::error::{Error, ErrorKind};

/// Time to connect. When it passes, nothing was sent and the request may be tried again.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
/// Time without any byte after which a download has broken off.
const DOWNLOAD_IDLE_TIMEOUT: Duration = Duration::from_secs(30);
const MAX_DOWNLOAD_REDIRECTS: usize = 5;

/// Builds the client of free API requests.
pub(super) fn pooled(base_url: &Url) -> Result<reqwest::Client, Error> {
    built(api(base_url)?)
}

/// Builds the client of billable API requests: each of them on a connection of its own.
pub(super) fn unpooled(base_url: &Url) -> Result<reqwest::Client, Error> {
    built(api(base_url)?.pool_max_idle_per_host(0))
}

/// Follows no redirect, since that would carry the credentials elsewhere, and never repeats a
/// request itself. A proxy is never used for loopback.
fn api(base_url: &Url) -> Result<reqwest::ClientBuilder, Error> {
    let builder = base()?.redirect(reqwest::redirect::Policy::none());
    Ok(if is_loopback(base_url) { builder.no_proxy() } else { builder })
}

/// Builds the client of downloads, which knows no credentials. The files are those that an API with
/// this base URL names.
pub(crate) fn downloads(api: &Url) -> Result<reqwest::Client, Error> {
    let is_local = is_loopback(api);
    let api = api.clone();
    let policy = reqwest::redirect::Policy::custom(move |attempt| {
        let checked = check_redirect(attempt.previous(), attempt.url())
            .and_then(|()| check_link(&api, attempt.url()));
        match checked {
            Ok(()) => attempt.follow(),
            Err(reason) => attempt.error(reason),
        }
    });
    let builder = base()?.redirect(policy).read_timeout(DOWNLOAD_IDLE_TIMEOUT);
    built(if is_local { builder.no_proxy() } else { builder })
}

/// Refuses links of files that an API with this base URL must not name: plain http, and this
/// machine unless the API is on it, too.
pub(crate) fn check_link(api: &Url, link: &Url) -> Result<(), &'static str> {
    if names_this_machine(link) && !names_this_machine(api) {
        return Err("an API elsewhere must not name a file on this machine (loopback)");
    }
    check_scheme(link)
}

fn base() -> Result<reqwest::ClientBuilder, Error> {
    Ok(reqwest::Client::builder()
        .user_agent(concat!("creatify-rust/", env!("CARGO_PKG_VERSION")))
        .connect_timeout(CONNECT_TIMEOUT)
        .retry(reqwest::retry::never())
        .referer(false)
        .tls_backend_preconfigured(tls()?))
}

fn built(builder: reqwest::ClientBuilder) -> Result<reqwest::Client, Error> {
    builder.build().map_err(|error| {
        Error::new(ErrorKind::InvalidInput, "the HTTP client cannot be built").because(error)
    })
}

/// Returns the TLS configuration, which is read once: the certificate authorities are many.
fn tls() -> Result<rustls::ClientConfig, Error> {
    static READ: OnceLock<rustls::ClientConfig> = OnceLock::new();
    match READ.get() {
        Some(config) => Ok(config.clone()),
        None => read_tls().map(|config| READ.get_or_init(|| config).clone()),
    }
}

fn read_tls() -> Result<rustls::ClientConfig, Error> {
    let failed = |error| Error::new(ErrorKind::InvalidInput, "TLS cannot be set up").because(error);
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = || {
        rustls::ClientConfig::builder_with_provider(provider.clone())
            .with_safe_default_protocol_versions()
            .map_err(failed)
    };
    match builder()?.with_platform_verifier() {
        Ok(config) => Ok(config.with_no_client_auth()),
        // A machine without certificate authorities can still reach a sandbox, and an https
        // request will say what is missing.
        Err(error) => {
            tracing::warn!(%error, "no certificate authorities on this machine, so https cannot be verified and will fail");
            Ok(builder()?
                .with_root_certificates(rustls::RootCertStore::empty())
                .with_no_client_auth())
        }
    }
}

/// Returns whether a connection was given up because the server's certificate is not trusted, which
/// does not pass by itself.
pub(crate) fn is_untrusted(error: &reqwest::Error) -> bool {
    let mut cause = error.source();
    while let Some(error) = cause {
        if let Some(rustls::Error::InvalidCertificate(_)) = error.downcast_ref() {
            return true;
        }
        // An I/O error hides its cause from `source`.
        let made_of = error.downcast_ref().and_then(io::Error::get_ref);
        cause = made_of.map_or_else(|| error.source(), |inner| Some(inner));
    }
    false
}

/// Refuses URLs other than https, except http to loopback.
pub(crate) fn check_scheme(url: &Url) -> Result<(), &'static str> {
    match url.scheme() {
        "https" => Ok(()),
        "http" if is_loopback(url) => Ok(()),
        "http" => Err("plain http is allowed only to this machine (loopback); use https"),
        _ => Err("only https URLs are used (and http to loopback)"),
    }
}

/// Refuses redirects of downloads that lead in circles or to plain http.
fn check_redirect(previous: &[Url], next: &Url) -> Result<(), &'static str> {
    if previous.len() > MAX_DOWNLOAD_REDIRECTS {
        return Err("too many redirects");
    }
    if next.scheme() == "http" && previous.iter().any(|url| url.scheme() == "https") {
        return Err("a redirect leads from https to plain http"); // not even to this machine
    }
    check_scheme(next)
}

fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => name == "localhost",
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    }
}

/// Returns whether a URL leads to this machine, by more names than are trusted for plain http.
fn names_this_machine(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => {
            let name = name.trim_end_matches('.').to_ascii_lowercase();
            name == "localhost" || name.ends_with(".localhost")
        }
        Some(Host::Ipv4(address)) => address.is_loopback() || address.is_unspecified(),
        Some(Host::Ipv6(address)) => match address.to_ipv4_mapped() {
            Some(address) => address.is_loopback() || address.is_unspecified(),
            None => address.is_loopback() || address.is_unspecified(),
        },
        None => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_download_is_never_redirected_to_plain_http() {
        let (https, loopback): (Url, Url) =
            ("https://e.com".parse().unwrap(), "http://127.0.0.1:9".parse().unwrap());
        let allowed = |previous: &[&Url], next: &str| {
            check_redirect(
                &previous.iter().copied().cloned().collect::<Vec<_>>(),
                &next.parse().unwrap(),
            )
            .is_ok()
        };
        assert!(allowed(&[&https], "https://cdn.example.com"));
        assert!(allowed(&[&loopback], "http://localhost:8"));
        assert!(allowed(&[&loopback], "https://cdn.example.com"));
        assert!(!allowed(&[&https], "http://cdn.example.com"));
        assert!(!allowed(&[&https], "http://127.0.0.1:8"));
        assert!(!allowed(&[&loopback, &https], "http://127.0.0.1:8"));
        assert!(!allowed(&[&loopback], "http://cdn.example.com"));
        assert!(!allowed(&[&https; MAX_DOWNLOAD_REDIRECTS + 1], "https://cdn.example.com"));
    }

    #[test]
    fn only_an_api_on_this_machine_names_files_on_it() {
        let allowed = |api: &str, link: &str| {
            check_link(&api.parse().unwrap(), &link.parse().unwrap()).is_ok()
        };
        for link in [
            "http://127.0.0.1:8/video.mp4",
            "https://127.0.0.1/video.mp4",
            "https://127.1/video.mp4",
            "http://localhost/video.mp4",
            "https://a.localhost./video.mp4",
            "https://0.0.0.0/video.mp4",
            "https://[::1]/video.mp4",
            "https://[::ffff:127.0.0.1]/video.mp4",
        ] {
            assert!(!allowed("https://api.creatify.ai", link), "{link}");
        }
        assert!(allowed("https://api.creatify.ai", "https://cdn.example.com/video.mp4"));
        assert!(!allowed("https://api.creatify.ai", "http://cdn.example.com/video.mp4"));
        assert!(allowed("http://127.0.0.1:9", "http://localhost:8/video.mp4"));
        assert!(allowed("http://127.0.0.1:9", "https://cdn.example.com/video.mp4"));
        assert!(!allowed("http://127.0.0.1:9", "http://cdn.example.com/video.mp4"));
    }

    #[test]
    fn plain_http_goes_to_loopback_only() {
        let allowed = |url: &str| check_scheme(&url.parse().unwrap()).is_ok();
        for url in [
            "https://api.creatify.ai",
            "http://127.0.0.1:8080",
            "http://localhost:1",
            "http://[::1]:9",
        ] {
            assert!(allowed(url), "{url}");
        }
        for url in [
            "http://api.creatify.ai",
            "http://localhost.example.com",
            "http://127.0.0.1.example.com",
            "http://10.0.0.1",
            "http://127.0.0.1@example.com",
            "ftp://127.0.0.1",
            "file:///etc/passwd",
        ] {
            assert!(!allowed(url), "{url}");
        }
    }
}
