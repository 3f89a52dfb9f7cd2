//! Turns `LOADCORE_LOG` into a log of one line each on standard error.

use tracing_subscriber::EnvFilter;

/// What may be said alone; a module's own level is said as `module=level`.
const LEVELS: [&str; 6] = ["off", "error", "warn", "info", "debug", "trace"];

/// Begins to log.
///
/// # Errors
/// A filter that cannot be read: nobody would notice that the log is not the one that was wanted.
pub fn log() -> Result<(), String> {
    let given = std::env::var("LOADCORE_LOG").unwrap_or_default();
    tracing_subscriber::fmt()
        .with_env_filter(filter(&given)?)
        .with_writer(std::io::stderr)
        .with_ansi(false)
        .init();
    Ok(())
}

fn filter(given: &str) -> Result<EnvFilter, String> {
    let given = if given.trim().is_empty() { "info" } else { given };
    let wrong = || {
        format!(
            "LOADCORE_LOG is {given:?}: give error, warn, info or debug, or a list such as info,hyper=debug"
        )
    };
    // A word that is no level would be the name of a module, of which there is none such.
    let level = |word: &str| LEVELS.iter().any(|level| level.eq_ignore_ascii_case(word.trim()));
    if !given.split(',').all(|part| part.contains('=') || level(part)) {
        return Err(wrong());
    }
    EnvFilter::try_new(given).map_err(|_| wrong())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn levels_are_taken_and_other_words_are_refused() {
        for right in ["", " ", "warn", "DEBUG", "info,hyper=debug", "off"] {
            assert!(filter(right).is_ok(), "{right:?}");
        }
        for wrong in ["loud", "info,", "info,loud", "hyper=loud"] {
            let error = filter(wrong).unwrap_err();
            assert!(error.contains("LOADCORE_LOG") && error.contains(wrong), "{error}");
        }
    }
}
