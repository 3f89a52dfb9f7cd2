//! Follows a run to its end: draws the line of progress meanwhile, and hears Ctrl-C.

use crate::interrupt::Interrupts;
use crate::progress::{self, Progress};
use std::pin::pin;

/// Waits for what `run` comes to. At the first Ctrl-C it calls `stop`, and the line stays as it is.
/// Answers whether there was one as well.
pub(crate) async fn attend<T>(
    run: impl Future<Output = T>,
    interrupts: &mut Interrupts,
    mut progress: Option<Progress>,
    stop: impl Fn(),
) -> (T, bool) {
    let mut run = pin!(run);
    let mut interrupted = false;
    let mut refresh = tokio::time::interval(progress::REFRESH);
    let ended = loop {
        tokio::select! {
            ended = &mut run => break ended,
            () = interrupts.first() => {
                interrupted = true;
                stop();
                if let Some(progress) = progress.take() {
                    progress.leave();
                }
            }
            _ = refresh.tick(), if progress.is_some() => {
                if let Some(progress) = &progress {
                    progress.draw();
                }
            }
        }
    };
    if let Some(progress) = progress {
        progress.clear();
    }
    (ended, interrupted)
}
