//! Certificates: https works only with one that this machine trusts.

#![allow(clippy::unwrap_used)] // a test file

mod support;

use std::{fs, sync::Arc};

use creatify_sandbox::Sandbox;
use support::{FAST, TEMPLATE, run, using};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::{
    TlsAcceptor,
    rustls::{ServerConfig, crypto::ring, pki_types::PrivateKeyDer},
};

/// The id of no job and no template.
const NOBODY: &str = "7c0a2d0e-5a0e-4f4b-9d39-2f6f1d7f6a11";

/// Puts TLS before a sandbox, and returns the URL and the certificate.
async fn https_for(sandbox: &Sandbox) -> (String, String) {
    let certified = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    let key = PrivateKeyDer::try_from(certified.signing_key.serialize_der()).unwrap();
    let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![certified.cert.der().clone()], key)
        .unwrap();
    let acceptor = TlsAcceptor::from(Arc::new(config));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("https://localhost:{}", listener.local_addr().unwrap().port());
    let behind = sandbox.base_url().trim_start_matches("http://").to_owned();
    tokio::spawn(async move {
        loop {
            let (stream, _) = listener.accept().await.unwrap();
            let (acceptor, behind) = (acceptor.clone(), behind.clone());
            tokio::spawn(async move {
                let Ok(mut outside) = acceptor.accept(stream).await else { return };
                let mut inside = TcpStream::connect(behind).await.unwrap();
                let _ = tokio::io::copy_bidirectional(&mut outside, &mut inside).await;
            });
        }
    });
    (url, certified.cert.pem())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_trusted_certificate_is_enough() {
    let sandbox = Sandbox::builder().speed(FAST).start().await.unwrap();
    let (url, certificate) = https_for(&sandbox).await;
    let folder = tempfile::tempdir().unwrap();
    let trusted = folder.path().join("trusted.pem");
    fs::write(&trusted, certificate).unwrap();
    let mut command = using(&sandbox);
    command.env("SSL_CERT_FILE", &trusted);
    let job = run(command, &["--base-url", &url, "--output", "json", "preview", TEMPLATE])
        .await
        .expect(0)
        .json();
    assert!(job["preview"].is_string());
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unknown_certificate_gets_no_credentials() {
    let sandbox = Sandbox::builder().speed(FAST).start().await.unwrap();
    let (url, _) = https_for(&sandbox).await;
    let run = run(using(&sandbox), &["--base-url", &url, "get", NOBODY]).await.expect(1);
    assert!(run.stderr.contains("not trusted"), "{}", run.stderr);
    assert_eq!(sandbox.requests().len(), 0);
}
