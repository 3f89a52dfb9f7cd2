//! What holds for every call into the description of each: layers answer it and extractors read it, so
//! no handler says it.

use super::API;
use super::answers::{Forbidden, TimedOut};
use crate::extract::USER_HEADER;
use utoipa::IntoResponses;
use utoipa::openapi::path::{Operation, Parameter, ParameterBuilder, ParameterIn, PathItem};
use utoipa::openapi::schema::{ObjectBuilder, Type};
use utoipa::openapi::{OpenApi, Required};

/// Completes every call's description.
pub(super) fn describe(page: &mut OpenApi) {
    for (path, item) in &mut page.paths.paths {
        for operation in operations(item) {
            operation.responses.responses.extend(Forbidden::responses());
            operation.responses.responses.extend(TimedOut::responses());
            if path.starts_with(API) {
                operation.parameters.get_or_insert_default().push(user().into());
            }
        }
    }
}

fn operations(item: &mut PathItem) -> impl Iterator<Item = &mut Operation> {
    let PathItem { get, put, post, delete, patch, .. } = item;
    [get, put, post, delete, patch].into_iter().flatten()
}

fn user() -> Parameter {
    let name = ObjectBuilder::new().schema_type(Type::String).min_length(Some(1));
    ParameterBuilder::new()
        .name(USER_HEADER)
        .parameter_in(ParameterIn::Header)
        .required(Required::False)
        .description(Some(
            "the user: 1 to 128 visible ASCII characters; `local` if it is not given",
        ))
        .schema(Some(name.max_length(Some(128)).build()))
        .build()
}
