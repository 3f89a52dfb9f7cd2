//! Turns a result into its JSON document.

use super::Format;
use crate::result::RunResult;

/// The whole result document.
pub const FORMAT: Format = Format {
    name: "json",
    media_type: "application/json",
    extension: "json",
    document: Some(|result, _| Ok(render(result))),
    stream: None,
};

/// The document, indented, with a line end. [`RunResult::from_json`] reads it back.
#[must_use]
pub fn render(result: &RunResult) -> String {
    // Its maps have text for keys and its numbers are finite, so there is nothing to fail.
    let mut text = serde_json::to_string_pretty(result).expect("a result document is JSON");
    text.push('\n');
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::result::fixtures::failing_run;

    #[test]
    fn it_is_read_back() {
        let result = failing_run();
        assert_eq!(RunResult::from_json(&render(&result)).unwrap(), result);
    }
}
