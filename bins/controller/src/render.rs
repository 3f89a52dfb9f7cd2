//! Turns a run's figures into the format that was asked for.

use crate::media::Accept;
use crate::problem::{Kind, Problem};
use crate::schemas::LONG;
use axum::Json;
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};
use loadcore::report::{FORMATS, Format, Options, csv, hgrm, hlog, json, names};
use loadcore::result::RunResult;
use serde::Deserialize;
use serde_json::{Map, Value, json};
use utoipa::IntoParams;

/// Something written in a format as an answer.
pub fn answer(format: Format, body: impl IntoResponse) -> Response {
    ([(CONTENT_TYPE, format.media_type)], body).into_response()
}

/// The query of what is to be had in several formats.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FormatQuery {
    /// The format; if it is not given what `Accept` wants most, `json` before others.
    pub format: Option<String>,
}

impl FormatQuery {
    /// The format that is asked for, of those that there are.
    ///
    /// # Errors
    /// Another, naming those that there are.
    pub fn of(&self, offered: &[Format], accept: &Accept) -> Result<Format, Problem> {
        choose(self.format.as_deref(), offered, accept)
    }
}

/// Whether the rows of a run's series have their distributions.
#[derive(Debug, Clone, Copy, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct DistributionQuery {
    /// `false`: the distribution of each row is left out, and null.
    pub distribution: Option<bool>,
}

impl DistributionQuery {
    /// The result as it is asked for.
    #[must_use]
    pub fn shown(self, mut result: Box<RunResult>) -> Box<RunResult> {
        if self.distribution == Some(false) {
            result.leave_out_distributions();
        }
        result
    }
}

/// The query of what shows the rows of a run's series, in several formats.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RowsQuery {
    format: Option<String>,
    distribution: Option<bool>,
}

impl RowsQuery {
    /// As [`FormatQuery::of`].
    ///
    /// # Errors
    /// Another format, naming those that there are.
    pub fn format(&self, offered: &[Format], accept: &Accept) -> Result<Format, Problem> {
        choose(self.format.as_deref(), offered, accept)
    }

    /// Whether the rows have their distributions.
    #[must_use]
    pub fn distribution(&self) -> DistributionQuery {
        DistributionQuery { distribution: self.distribution }
    }
}

/// The format named `given`; where none is, the one that is wanted most, of equals the first.
///
/// # Errors
/// Another, naming those that there are.
pub fn choose(given: Option<&str>, offered: &[Format], accept: &Accept) -> Result<Format, Problem> {
    let Some(given) = given else {
        let wanted = |format: &&Format| accept.wants(format.media_type);
        // The last of equals is taken from behind.
        return Ok(offered.iter().rev().max_by_key(wanted).copied().unwrap_or(json::FORMAT));
    };
    offered.iter().copied().find(|format| format.name == given).ok_or_else(|| {
        let detail = format!("format is {given:?}; give one of {}", names(offered));
        Problem::new(Kind::BadRequest, detail)
    })
}

/// Formats of the whole report: each that is made of a result, JSON before all others.
#[must_use]
pub fn of_a_report() -> Vec<Format> {
    let others = FORMATS.into_iter().filter(|it| it.is_of_a_result() && *it != json::FORMAT);
    std::iter::once(json::FORMAT).chain(others).collect()
}

/// Formats of the totals.
pub const TOTAL: &[Format] = &[json::FORMAT, csv::FORMAT];
/// Formats of the statistics of the last seconds.
pub const REALTIME: &[Format] = &[json::FORMAT, csv::FORMAT];
/// Formats of the run over time.
pub const SERIES: &[Format] = &[json::FORMAT, csv::FORMAT, hlog::FORMAT];
/// Formats of the distributions.
pub const HISTOGRAM: &[Format] = &[json::FORMAT, hgrm::FORMAT, hlog::FORMAT];

/// The report on a run.
///
/// # Errors
/// When the result lacks what the format shows.
pub fn report(result: &RunResult, format: Format) -> Result<Response, Problem> {
    if format == json::FORMAT {
        return Ok(Json(result).into_response());
    }
    Ok(answer(format, rendered(result, format)?))
}

/// The totals: the result without what it says of each second and without its histograms.
#[must_use]
pub fn total(result: &RunResult, format: Format) -> Response {
    let mut document = json!(result);
    if let Value::Object(fields) = &mut document {
        for long in LONG {
            fields.shift_remove(long);
        }
    }
    table_or_json(&document, format)
}

/// A document of numbers as it is, or as a table of one line.
#[must_use]
pub fn table_or_json(document: &Value, format: Format) -> Response {
    if format == csv::FORMAT {
        answer(format, one_line_table(document))
    } else {
        Json(document).into_response()
    }
}

/// The rows of the series.
#[must_use]
pub fn series(result: &RunResult, format: Format) -> Response {
    if format == csv::FORMAT {
        return answer(format, csv::render(result));
    }
    Json(json!({
        "seriesSeconds": result.series_seconds,
        "items": result.series,
        "nextCursor": null,
    }))
    .into_response()
}

/// The distributions behind the percentiles.
///
/// # Errors
/// When they were not kept.
pub fn histogram(result: &RunResult, format: Format) -> Result<Response, Problem> {
    let Some(carried) = result.histograms.as_deref() else { return Err(no_histograms()) };
    if format == json::FORMAT {
        return Ok(Json(carried).into_response());
    }
    Ok(answer(format, rendered(result, format)?))
}

fn rendered(result: &RunResult, format: Format) -> Result<String, Problem> {
    format.render(result, Options::default()).map_err(|_| no_histograms())
}

fn no_histograms() -> Problem {
    Problem::new(Kind::NothingMeasured, "this run's result carries no histograms")
}

/// A header of paths and a line of values. Lists are left out: they have tables of their own.
fn one_line_table(document: &Value) -> String {
    let mut cells = Vec::new();
    if let Value::Object(fields) = document {
        flatten("", fields, &mut cells);
    }
    let (names, values): (Vec<_>, Vec<_>) = cells.into_iter().unzip();
    format!("{}\n{}\n", names.join(","), values.join(","))
}

fn flatten(path: &str, fields: &Map<String, Value>, cells: &mut Vec<(String, String)>) {
    for (name, value) in fields {
        let path = if path.is_empty() { name.clone() } else { format!("{path}.{name}") };
        match value {
            Value::Object(inner) => flatten(&path, inner, cells),
            Value::Array(_) => {}
            Value::Null => cells.push((cell(&path), String::new())),
            Value::String(text) => cells.push((cell(&path), cell(text))),
            other => cells.push((cell(&path), other.to_string())),
        }
    }
}

/// A cell as RFC 4180 has it: in quotes where it holds a comma, a quote or an end of line.
fn cell(text: &str) -> String {
    if text.contains([',', '"', '\n', '\r']) {
        format!("\"{}\"", text.replace('"', "\"\""))
    } else {
        text.to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::http::HeaderMap;
    use loadcore::report::{html, text};

    #[test]
    fn an_unknown_format_is_told_which_there_are() {
        let choose = |given| choose(given, SERIES, &Accept::default());
        assert_eq!(choose(None).unwrap(), json::FORMAT);
        assert_eq!(choose(Some("hlog")).unwrap(), hlog::FORMAT);
        let problem = choose(Some("pdf")).unwrap_err();
        assert_eq!(problem.detail, "format is \"pdf\"; give one of json, csv, hlog");
        assert_eq!(problem.status, 400);
    }

    #[test]
    fn without_a_format_it_is_what_is_wanted_most() {
        let of = |accept: &str| {
            let mut headers = HeaderMap::new();
            headers.insert("accept", accept.parse().unwrap());
            choose(None, &of_a_report(), &Accept::of(&headers)).unwrap()
        };
        assert_eq!(of("*/*"), json::FORMAT);
        assert_eq!(of("text/csv"), csv::FORMAT);
        assert_eq!(of("text/*"), text::FORMAT);
        assert_eq!(of("image/png, application/json;q=0.5, text/csv;q=0.6"), csv::FORMAT);
        assert_eq!(of("text/html,application/xhtml+xml,*/*;q=0.8"), html::FORMAT, "a browser");
    }

    #[test]
    fn a_document_of_numbers_is_a_table_of_one_line() {
        let document = json!({"a": 1, "b": {"c": null, "d": "x,y"}, "e": [1, 2], "f": true});
        assert_eq!(one_line_table(&document), "a,b.c,b.d,f\n1,,\"x,y\",true\n");
    }
}
