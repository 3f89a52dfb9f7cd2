//! Describes in OpenAPI the formats of an answer: the parameter `format` and the media types. The
//! library lists the formats; [`crate::render`] says which call offers which.

use crate::render;
use loadcore::report::{Format, json, listed};
use utoipa::IntoParams;
use utoipa::openapi::path::{Operation, Parameter};
use utoipa::openapi::schema::{Object, ObjectBuilder, Type};
use utoipa::openapi::{Content, RefOr, Schema};

/// The parameter, for a call's description; [`describe`] completes it.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "describes alone")]
pub(super) struct FormatParam {
    /// How it is written.
    format: Option<String>,
}

/// Says of a call that has formats which they are.
pub(super) fn describe(operation: &mut Operation) {
    let Some(formats) = operation.operation_id.as_deref().and_then(formats_of) else { return };
    for parameter in operation.parameters.iter_mut().flatten() {
        match parameter {
            RefOr::T(parameter) if parameter.name == "format" => complete(parameter, &formats),
            _ => {}
        }
    }
    let Some(RefOr::T(answer)) = operation.responses.responses.get_mut("200") else { return };
    for format in formats.iter().filter(|format| **format != json::FORMAT) {
        let kind = format.media_type.split(';').next().unwrap_or_default();
        let text = Content::new(Some(Object::with_type(Type::String)));
        answer.content.entry(kind.to_owned()).or_insert(RefOr::T(text));
    }
}

fn formats_of(operation: &str) -> Option<Vec<Format>> {
    match operation {
        "realtimeOfScenario" | "realtimeOfRun" => Some(render::REALTIME.to_vec()),
        "totalOfRun" => Some(render::TOTAL.to_vec()),
        "seriesOfRun" => Some(render::SERIES.to_vec()),
        "histogramOfRun" => Some(render::HISTOGRAM.to_vec()),
        "reportOfRun" => Some(render::of_a_report()),
        _ => None,
    }
}

fn complete(parameter: &mut Parameter, formats: &[Format]) {
    let names: Vec<_> = formats.iter().map(|format| format.name).collect();
    let text = format!(
        "{}; if it is not given what `Accept` wants most, {} before others",
        listed(formats, "or"),
        json::FORMAT.name
    );
    let name = ObjectBuilder::new().schema_type(Type::String);
    let name = name.pattern(Some(format!("^({})$", names.join("|"))));
    parameter.description = Some(text);
    parameter.schema = Some(RefOr::T(Schema::from(name.build())));
}
