//! Turns the command line and the environment into options, for every program in the same way.

use clap::{Arg, Parser};

/// What was said. Wrong usage ends the process here, with exit code 2.
///
/// An environment variable that is empty counts as one that is not there: files that fill variables
/// in, such as Compose's, leave those empty that nobody has set.
#[must_use]
pub fn parse<C: Parser>() -> C {
    let matches = C::command().mut_args(without_empty).get_matches();
    C::from_arg_matches(&matches).unwrap_or_else(|error| error.exit())
}

fn without_empty(option: Arg) -> Arg {
    let variable = option.get_env().and_then(std::env::var_os);
    if variable.is_some_and(|value| value.is_empty()) { option.env(None::<&str>) } else { option }
}
