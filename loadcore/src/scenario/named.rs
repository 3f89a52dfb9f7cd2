//! Turns `${secret:NAME}` in a document into the value of that secret, and keeps the document with the
//! names for everybody who is shown it.
//!
//! Values are put in before a document is judged, so a scenario is made of them like of any other text. Beside
//! it stands the same document judged with the names in it: where the two differ, the second is shown.

mod place;

use super::load_profile::{ReadFile, lent};
use super::{Fault, Scenario, ScenarioError, parse, write};
pub use place::is_secret_name;
use place::{
    BEGIN, Piece, Place, each_text, each_text_of, mentions, mentions_any, names_in, pieces,
    reference, token,
};
use serde_json::{Map, Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::{fmt, io};

/// Fields that cannot be judged with a name in the place of a value.
const ONLY_BY_VALUE: [&str; 3] = ["proxy", "clientCertificate", "alerts"];
/// Words before a value in a header that are no secret themselves.
const SCHEMES: [&str; 6] = ["Bearer", "Basic", "Token", "Digest", "ApiKey", "Negotiate"];

/// Where the values of a document's secrets are.
#[derive(Clone, PartialEq)]
pub(super) enum Values {
    /// Here, by their names.
    Here(BTreeMap<String, String>),
    /// With whoever the document is sent to.
    Elsewhere,
}

impl Default for Values {
    fn default() -> Self {
        Self::Here(BTreeMap::new())
    }
}

/// What a scenario knows of the secrets that its document names.
#[derive(Clone, PartialEq)]
pub(crate) struct Named {
    /// The values of those that it names.
    pub(crate) values: BTreeMap<String, String>,
    /// The whole document with names in their places.
    pub(crate) document: Value,
    /// The fields of that in which they stand.
    pub(crate) fields: Vec<String>,
    /// The scenario itself has no values.
    pub(crate) elsewhere: bool,
}

/// Without values.
impl fmt::Debug for Named {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.values.keys()).finish()
    }
}

/// Whether a value is nothing but names of secrets, perhaps behind a word such as `Bearer`: then it tells
/// nothing and may be shown.
pub(crate) fn is_named(text: &str) -> bool {
    let word = text.split_once(' ');
    let word = word.filter(|(word, _)| SCHEMES.iter().any(|it| it.eq_ignore_ascii_case(word)));
    let rest = word.map_or(text, |(_, rest)| rest.trim_start());
    let pieces = pieces(rest).unwrap_or_default();
    !pieces.is_empty() && pieces.iter().all(|piece| matches!(piece, Piece::Secret(_)))
}

/// The names of the secrets that a document needs.
pub(super) fn names(root: &Map<String, Value>) -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    if mentions_any(root) {
        each_text(&mut root.clone(), |place, _, text| {
            if place != Place::Free {
                names.extend(names_in(text));
            }
        });
    }
    names
}

/// Judges a document, with `values` in the places of the names in it.
pub(super) fn scenario(
    root: &Map<String, Value>,
    values: &Values,
    mut read: Option<ReadFile<'_>>,
) -> Result<Scenario, ScenarioError> {
    if !mentions_any(root) {
        return parse::scenario(root, read);
    }
    // Both documents name the same files, and some can be read once.
    let (may_read, mut known) = (read.is_some(), BTreeMap::new());
    let mut read_once = |name: &str| match (known.get(name), &mut read) {
        (Some(bytes), _) => Ok(Vec::clone(bytes)),
        (None, None) => Err(io::ErrorKind::NotFound.into()),
        (None, Some(read)) => {
            let bytes = read(name)?;
            known.insert(name.to_owned(), bytes.clone());
            Ok(bytes)
        }
    };
    let mut read: Option<ReadFile<'_>> = may_read.then_some(&mut read_once);
    let named = parse::scenario(&to_be_judged(root), lent(&mut read));
    let Values::Here(values) = values else {
        let named = named?;
        let document = with_names(root, &named, &named);
        return Ok(beside(named, BTreeMap::new(), document, true));
    };
    let (resolved, mut faults) = with_values(root, values);
    if !faults.is_empty() {
        faults.extend(named.err().into_iter().flat_map(|error| error.faults));
        return Err(ScenarioError { faults });
    }
    let named = named?;
    // Nothing is wrong but for the values.
    let scenario = parse::scenario(&resolved, read).map_err(|error| without_values(error, root))?;
    let used = names(root);
    let values = values.iter().filter(|(name, _)| used.contains(*name));
    let values = values.map(|(name, value)| (name.clone(), value.clone())).collect();
    let document = with_names(root, &named, &scenario);
    Ok(beside(scenario, values, document, false))
}

/// A scenario that knows what it is shown as.
fn beside(
    mut scenario: Scenario,
    values: BTreeMap<String, String>,
    document: Value,
    elsewhere: bool,
) -> Scenario {
    let own = escaped(write::document(&scenario));
    let all = document.as_object().into_iter().flatten();
    let differing = all.filter(|(field, value)| own.get(*field) != Some(*value));
    let fields = differing.map(|(field, _)| field.clone()).collect();
    scenario.0.named = Some(Arc::new(Named { values, document, fields, elsewhere }));
    scenario
}

/// The document with values, and what is wrong with those.
fn with_values(
    root: &Map<String, Value>,
    values: &BTreeMap<String, String>,
) -> (Map<String, Value>, Vec<Fault>) {
    let (mut document, mut faults) = (root.clone(), Vec::new());
    each_text(&mut document, |place, path, text| {
        if place == Place::Free || !text.contains(BEGIN) {
            return;
        }
        match place.put(text, values) {
            Ok(put) => *text = put,
            Err(message) => faults.push(Fault { path: path.into(), message }),
        }
    });
    (document, faults)
}

/// The document with names that can be judged as texts.
fn to_be_judged(root: &Map<String, Value>) -> Map<String, Value> {
    let mut document = root.clone();
    each_text(&mut document, |place, _, text| {
        if place == Place::Url {
            names_in(text).for_each(|name| *text = text.replace(&reference(&name), &token(&name)));
        }
    });
    document.retain(|key, value| !ONLY_BY_VALUE.contains(&key.as_str()) || !mentions(value));
    document
}

/// A judged document, whole, with names in their places again.
fn with_names(root: &Map<String, Value>, named: &Scenario, scenario: &Scenario) -> Value {
    let mut document = write::document(named);
    let names: Vec<_> = names(root).into_iter().collect();
    each_text_of(&mut document, |place, _, text| {
        if place == Place::Url {
            names.iter().for_each(|name| *text = text.replace(&token(name), &reference(name)));
        }
    });
    for key in ONLY_BY_VALUE {
        if let Some(given) = root.get(key).filter(|value| mentions(value)) {
            document[key] = given.clone();
        }
    }
    // What the command line reads of a file.
    if let Some(identity) = &scenario.client_certificate
        && document["clientCertificate"].is_object()
    {
        document["clientCertificate"]["certificate"] = identity.certificate().pem().into();
    }
    for alert in document["alerts"].as_array_mut().into_iter().flatten() {
        *alert = json!({"type": alert["type"], "url": alert["url"], "secret": alert["secret"]});
    }
    document
}

/// Faults that values have made, without the values.
fn without_values(error: ScenarioError, root: &Map<String, Value>) -> ScenarioError {
    let mut places = Vec::new();
    each_text(&mut root.clone(), |place, path, text| {
        if place != Place::Free {
            places.extend(names_in(text).map(|name| (path.to_owned(), name)));
        }
    });
    let veil = |mut fault: Fault| {
        let here = |path: &str| path.starts_with(&fault.path) || fault.path.starts_with(path);
        let names: BTreeSet<_> =
            places.iter().filter(|(path, _)| here(path)).map(|(_, name)| reference(name)).collect();
        if !names.is_empty() {
            let names = names.into_iter().collect::<Vec<_>>().join(" and ");
            fault.message = format!("is not right with the value of {names}; change that secret");
        }
        fault
    };
    ScenarioError { faults: error.faults.into_iter().map(veil).collect() }
}

/// Faults found after a scenario was judged, without what a URL says that is a secret as a whole. Of others
/// the host is none, and nothing else is told.
#[cfg(feature = "cluster")]
pub(crate) fn veiled(faults: Vec<Fault>, scenario: &Scenario) -> Vec<Fault> {
    let document = scenario.named.as_ref().and_then(|named| named.document.as_object());
    let Some(document) = document else { return faults };
    let mut secret = BTreeSet::new();
    each_text(&mut document.clone(), |_, path, text| {
        if is_named(text) {
            secret.insert(path.to_owned());
        }
    });
    let (hidden, mut told) =
        faults.into_iter().partition::<Vec<_>, _>(|fault| secret.contains(&fault.path));
    told.extend(without_values(ScenarioError { faults: hidden }, document).faults);
    told
}

/// A document of values alone, in which nothing is taken for a name.
pub(super) fn escaped(mut document: Value) -> Value {
    if mentions(&document) {
        each_text_of(&mut document, |place, _, text| {
            if place != Place::Free {
                *text = text.replace(BEGIN, &format!("${BEGIN}"));
            }
        });
    }
    document
}

#[cfg(test)]
mod tests;
