//! Help: complete, in plain words, and with the global options in one place.

#![allow(clippy::unwrap_used)] // a test file

mod support;

use support::{command, run_now};

/// Words of this project's own that no user should have to learn.
const PRIVATE_WORDS: [&str; 14] = [
    "look",
    "looks",
    "looked",
    "story",
    "standing",
    "patience",
    "desk",
    "outlook",
    "thrift",
    "certainty",
    "torn",
    "leave",
    "pace",
    "misbehaves",
];

fn commands() -> Vec<String> {
    let help = run_now(command(), &["--help"]).expect(0).stdout;
    let (_, commands) = help.split_once("Commands:\n").unwrap();
    let names = commands.lines().take_while(|line| !line.is_empty());
    let names: Vec<_> = names.map(|line| line.split_whitespace().next().unwrap().into()).collect();
    assert!(names.len() > 12, "{names:?}");
    names
}

fn check(help: &str) {
    let words = help.split(|character: char| !character.is_alphanumeric()).map(str::to_lowercase);
    for word in words {
        assert!(!PRIVATE_WORDS.contains(&word.as_str()), "`{word}` in {help}");
    }
    for line in help.lines() {
        assert!(line.chars().count() <= 100, "{line}");
        assert!(!line.trim_end().ends_with('?'), "{line}");
    }
}

#[test]
fn the_help_of_every_command_is_plain_and_complete() {
    check(&run_now(command(), &["--help"]).expect(0).stdout);
    check(&run_now(command(), &["-h"]).expect(0).stdout);
    for name in commands() {
        for flag in ["-h", "--help"] {
            if name == "help" {
                continue;
            }
            let help = run_now(command(), &[&name, flag]).expect(0).stdout;
            check(&help);
            assert!(help.contains("Usage: creatify"), "{help}");
        }
        run_now(command(), &["help", &name]).expect(0);
    }
}

#[test]
fn global_options_are_shown_once() {
    let options = ["--api-key-file", "--base-url", "--rate-card", "--verbose"];
    let help = run_now(command(), &["--help"]).expect(0).stdout;
    for option in options {
        assert!(help.contains(option), "{option}");
    }
    for name in commands().iter().filter(|name| *name != "help") {
        let help = run_now(command(), &[name, "--help"]).expect(0).stdout;
        for option in options {
            assert!(!help.contains(option), "{name}: {option}");
        }
        assert!(help.contains("Global options: creatify --help"), "{help}");
    }
}
