//! File with the secret part of the webhook URL.

use std::{
    fs::{File, OpenOptions},
    io::{self, ErrorKind, Read, Write},
    path::Path,
};

use creatify::{Client, webhook::Receiver};
use secrecy::{ExposeSecret, SecretString};

use crate::error::CliError;

/// A longer file is no secret.
const MAX_BYTES: u64 = 4096;

/// Makes a receiver with the secret in a file. If there is no such file, it is made, with a random
/// secret that only its owner can read.
pub(super) fn receiver(client: &Client, path: &Path) -> Result<Receiver, CliError> {
    let failed =
        |error: io::Error| CliError::usage(format!("--secret-file {}: {error}", path.display()));
    let secret = match File::open(path) {
        Ok(file) => read(file).map_err(failed)?,
        Err(error) if error.kind() == ErrorKind::NotFound => {
            let receiver = Receiver::new(client)?;
            let path_and_secret = receiver.path();
            let secret = path_and_secret.rsplit('/').next().unwrap_or_default();
            match write_new(path, secret) {
                Ok(()) => return Ok(receiver),
                // Another process was faster.
                Err(error) if error.kind() == ErrorKind::AlreadyExists => {
                    File::open(path).and_then(read).map_err(failed)?
                }
                Err(error) => return Err(failed(error)),
            }
        }
        Err(error) => return Err(failed(error)),
    };
    Receiver::with_secret(client, secret.expose_secret())
        .map_err(|error| CliError::usage(format!("--secret-file {}: {error}", path.display())))
}

fn read(file: File) -> io::Result<SecretString> {
    let mut secret = String::new();
    file.take(MAX_BYTES).read_to_string(&mut secret)?;
    Ok(secret.into())
}

fn write_new(path: &Path, secret: &str) -> io::Result<()> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    writeln!(options.open(path)?, "{secret}")
}
