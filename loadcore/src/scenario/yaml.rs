//! Turns YAML text into a value, and what the parser complains of into words that need no knowledge
//! of the parser.

use super::document::MAX_DEPTH;
use serde::de::DeserializeOwned;
use serde_saphyr::budget::BudgetBreach;
use serde_saphyr::granit_parser::ErrorKind;
use serde_saphyr::options::NonFiniteFloatPolicy;
use serde_saphyr::{Error, ExternalMessageSource, UserMessageFormatter};

/// Objects, lists, names and values of a document, counted.
const MAX_NODES: usize = 250_000;
/// Bytes of all its names and values: 64 MiB.
const MAX_TEXT_BYTES: usize = 64 << 20;

/// Reads the one document of `text`; the message of a fault gives line and column.
pub(super) fn read<T: DeserializeOwned>(text: &str) -> Result<T, String> {
    let options = serde_saphyr::options! {
        with_snippet: false,
        // As in YAML 1.2: a scenario called `n` or `on` is not called false or true.
        strict_booleans: true,
        // `.nan` as its text: refused where a number belongs, with all the other faults.
        non_finite_float_policy: NonFiniteFloatPolicy::AsString,
        budget: serde_saphyr::budget! {
            max_depth: MAX_DEPTH,
            flow_nesting_limit: MAX_DEPTH,
            max_nodes: MAX_NODES,
            max_total_scalar_bytes: MAX_TEXT_BYTES,
        },
    };
    serde_saphyr::from_str_with_options(text, options).map_err(|error| told(&error))
}

/// In the words in which the same fault is told of JSON, where it is one of JSON too.
fn told(error: &Error) -> String {
    let what = match error {
        Error::AliasError { error, .. } | Error::WithSnippet { error, .. } => return told(error),
        Error::DuplicateMappingKey { key: Some(key), .. } => {
            format!("field {key:?} is given twice")
        }
        Error::DuplicateMappingKey { key: None, .. } => "a field is given twice".into(),
        Error::MultipleDocuments { .. } => "there is more than one document; give one".into(),
        Error::Budget { breach, .. } => too_much(breach),
        Error::ExternalMessage { source, .. } if is_too_deep(source) => too_deep(),
        Error::AliasReplayCounterOverflow { .. }
        | Error::AliasReplayLimitExceeded { .. }
        | Error::AliasExpansionLimitExceeded { .. }
        | Error::AliasReplayStackDepthExceeded { .. } => TOO_MANY_ALIASES.into(),
        other => return other.render_with_formatter(&UserMessageFormatter),
    };
    match error.location() {
        Some(place) => format!("{what} at line {} column {}", place.line(), place.column()),
        None => what,
    }
}

const TOO_MANY_ALIASES: &str =
    "its anchors and aliases (&name, *name) stand for too much; write out what they stand for";

fn too_deep() -> String {
    format!("it is nested more than {MAX_DEPTH} deep")
}

/// Brackets within brackets are counted by the parser itself.
fn is_too_deep(source: &ExternalMessageSource) -> bool {
    matches!(source, ExternalMessageSource::Parser(error) if *error.kind() == ErrorKind::RecursionLimitExceeded)
}

fn too_much(breach: &BudgetBreach) -> String {
    match breach {
        BudgetBreach::Depth { .. } => too_deep(),
        BudgetBreach::ScalarBytes { .. } => {
            format!("it has more than {MAX_TEXT_BYTES} bytes of names and values")
        }
        BudgetBreach::Aliases { .. }
        | BudgetBreach::Anchors { .. }
        | BudgetBreach::MergeKeys { .. }
        | BudgetBreach::AliasAnchorRatio { .. }
        | BudgetBreach::RecordedAnchorEvents { .. }
        | BudgetBreach::RecordedAnchorBytes { .. } => TOO_MANY_ALIASES.into(),
        // Whatever else is counted, events and documents, comes of nodes.
        _ => format!(
            "it has more than {MAX_NODES} names and values, aliases written out; give it as JSON"
        ),
    }
}
