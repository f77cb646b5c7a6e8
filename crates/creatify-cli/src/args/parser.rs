//! Parser of the command line: empty environment variables are unset, and the help of a command
//! leaves the global options to `creatify --help`.

use std::collections::BTreeSet;

use clap::{
    ArgMatches, CommandFactory, FromArgMatches, Id, builder::Resettable, error::ErrorKind,
    parser::ValueSource,
};

use super::global::Args;

/// Source of an option's value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Source {
    CommandLine,
    Environment,
}

/// Parses the command line; prints help or an error and exits where clap does. The second value is
/// the source of the API key or of the file that holds it.
pub(crate) fn parse() -> (Args, Source) {
    let matches = command().get_matches();
    let mut args = Args::from_arg_matches(&matches).unwrap_or_else(|error| error.exit());
    let source = choose_key(&matches, &mut args).unwrap_or_else(|error| error.exit());
    (args, source)
}

/// The command, as it is parsed and completed.
pub(crate) fn command() -> clap::Command {
    let mut command = unset_empty_variables(Args::command());
    let global: BTreeSet<Id> = command
        .get_arguments()
        .filter(|argument| argument.is_global_set())
        .map(|argument| argument.get_id().clone())
        .collect();
    command.build(); // copies the global options to the commands
    command.mut_subcommands(|subcommand| hide_global(subcommand, &global))
}

/// Leaves the global options out of the help of a command and its own commands.
fn hide_global(command: clap::Command, global: &BTreeSet<Id>) -> clap::Command {
    let hidden = command.mut_args(|argument| {
        let is_global = global.contains(argument.get_id());
        if is_global { argument.hide(true) } else { argument }
    });
    let after = hidden.get_after_help().map(|text| format!("{text}\n\n")).unwrap_or_default();
    hidden
        .after_help(format!("{after}Global options: creatify --help"))
        .mut_subcommands(|command| hide_global(command, global))
}

fn unset_empty_variables(command: clap::Command) -> clap::Command {
    command
        .mut_args(|argument| {
            let is_empty =
                argument.get_env().and_then(std::env::var_os).is_some_and(|value| value.is_empty());
            if is_empty { argument.env(Resettable::Reset) } else { argument }
        })
        .mut_subcommands(unset_empty_variables)
}

/// Keeps one of the key and the file that holds it: the command line wins over the environment.
fn choose_key(matches: &ArgMatches, args: &mut Args) -> Result<Source, clap::Error> {
    let on_command_line = |id| matches.value_source(id) == Some(ValueSource::CommandLine);
    match (on_command_line("api_key"), on_command_line("api_key_file")) {
        (true, true) => Err(command()
            .error(ErrorKind::ArgumentConflict, "--api-key cannot be used with --api-key-file")),
        (true, false) => {
            args.global.api_key_file = None;
            Ok(Source::CommandLine)
        }
        (false, true) => {
            args.global.api_key = None;
            Ok(Source::CommandLine)
        }
        (false, false) => {
            if args.global.api_key.is_some() {
                args.global.api_key_file = None;
            }
            Ok(Source::Environment)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        command().debug_assert();
    }
}
