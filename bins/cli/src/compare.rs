//! Turns result files into what became different between them, and an exit code.

use crate::exit::{self, Failure};
use crate::outputs::{self, Output, Pages};
use clap::{Args, ValueHint};
use loadcore::RunResult;
use loadcore::analysis::compare::{Tolerance, compare};
use loadcore::report::comparison;
use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

pub(crate) const EXAMPLES: &str = "\
Examples:
  loadcore run scenario.yaml -o json=before.json
  loadcore run scenario.yaml -o json=after.json
  loadcore compare before.json after.json
      Every figure with how sure it is: 'p99 rose from 41.2 ms to 47.9 ms (+16%, 95% interval +12%
      to +21%): a regression beyond the tolerance of 5%'.
  loadcore compare before.json after.json --tolerance 10%
      Exit code 99 only where something became worse by more than a tenth.
  loadcore compare base1.json base2.json base3.json --with new1.json new2.json new3.json
      Two groups of repeats: what differs from run to run is part of what a difference is held
      against. Three of each tell more than one that is three times as long.
  loadcore compare before.json after.json -o text -o json=comparison.json

A difference is shown where its interval excludes none. All intervals of a comparison hold together
with 95%: two runs of the same target are called different in one of twenty comparisons at most.

Exit codes, the first that holds:
    2  wrong usage, or a file that is no result    99  something became worse beyond the tolerance
  110  the verdict on one of the runs is INVALID   96  not one request of the candidate was ok";

/// The most bytes of a file that are read.
const MOST_BYTES: u64 = 256 << 20;

/// The options of `compare`.
#[derive(Debug, Args)]
pub(crate) struct CompareArgs {
    /// Results to compare with, as `-o json` writes them; without --with the second of two is the one
    /// that is judged
    #[arg(value_name = "BASE", required = true, value_hint = ValueHint::FilePath)]
    base: Vec<PathBuf>,

    /// Results that are judged: one, or repeats
    #[arg(long = "with", value_name = "CANDIDATE", num_args = 1.., value_hint = ValueHint::FilePath)]
    candidate: Vec<PathBuf>,

    /// How much worse a figure may become, in percent of what it was
    #[arg(long, value_name = "PERCENT", default_value = "5%", allow_hyphen_values = true)]
    tolerance: Tolerance,

    /// What to write (repeatable): text or json, to a file or to standard output [default: text]
    #[arg(short, long = "output", value_name = "FORMAT[=PATH]")]
    outputs: Vec<Output>,
}

/// Compares; answers the exit code.
///
/// # Errors
/// Where a file is no result, or the comparison cannot be written.
pub(crate) fn run(args: &CompareArgs) -> Result<u8, Failure> {
    let (base, candidate) = args.sides()?;
    let [base, candidate] = [results(base)?, results(candidate)?];
    let pages = Pages::open(&outputs::wanted(&args.outputs)?)?;
    let found = compare(&base, &candidate, args.tolerance);
    pages.write(|options| comparison::text(&found, options), || comparison::json(&found))?;
    let some_ok = candidate.iter().any(|run| run.outcomes.ok > 0);
    Ok(exit::of_comparison(&found, some_ok))
}

impl CompareArgs {
    fn sides(&self) -> Result<(&[PathBuf], &[PathBuf]), Failure> {
        match (&self.base[..], &self.candidate[..]) {
            ([base, candidate], []) => {
                Ok((std::slice::from_ref(base), std::slice::from_ref(candidate)))
            }
            (files, []) => Err(Failure::Usage(format!(
                "{} without --with: give two files, or those to judge after --with",
                if files.len() == 1 { "one file".into() } else { format!("{} files", files.len()) }
            ))),
            sides => Ok(sides),
        }
    }
}

fn results(paths: &[PathBuf]) -> Result<Vec<RunResult>, Failure> {
    paths.iter().map(|path| result(path)).collect()
}

fn result(path: &Path) -> Result<RunResult, Failure> {
    let unreadable = |why: String| Failure::Usage(format!("{}: {why}", path.display()));
    let mut text = String::new();
    let read = File::open(path).and_then(|file| file.take(MOST_BYTES).read_to_string(&mut text));
    let bytes = read.map_err(|error| unreadable(error.to_string()))?;
    if bytes as u64 == MOST_BYTES {
        return Err(unreadable(format!("it is larger than {} MiB", MOST_BYTES >> 20)));
    }
    RunResult::from_json(&text).map_err(|error| unreadable(error.to_string()))
}
