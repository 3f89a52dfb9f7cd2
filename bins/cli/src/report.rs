//! Turns the result of a run that has ended into the reports that were asked for.

use crate::args::ReportArgs;
use crate::exit::Failure;
use crate::outputs::{self, Outputs, When};
use crate::sources;

/// Reads the result, and writes it in other forms.
///
/// # Errors
/// Where it cannot be read, is none, or a report of it cannot be written.
pub(crate) fn run(args: &ReportArgs) -> Result<(), Failure> {
    let wanted = outputs::wanted(&args.outputs)?;
    let result = sources::read_result(&args.result)?;
    outputs::possible(&wanted, &result)?;
    Outputs::open(&wanted, When::AtTheEnd)?.write(&result)
}
