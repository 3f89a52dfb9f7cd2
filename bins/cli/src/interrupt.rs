//! Turns Ctrl-C and SIGTERM into one wish to end, and the second of them into an end at once.
//!
//! Signals are awaited on a thread of their own: the second one is obeyed also while the report is
//! being written to a pipe that nobody reads.

use std::io::{self, Write};
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::watch;

/// The exit code of a process that was ended by its second Ctrl-C, as shells count it.
const KILLED: i32 = 130;

/// Whether the user wants an end.
#[derive(Debug)]
pub(crate) struct Interrupts {
    wanted: watch::Receiver<bool>,
}

impl Interrupts {
    /// From now on neither signal ends the process by itself.
    ///
    /// # Errors
    /// When the system refuses the handlers or the thread.
    pub(crate) fn listen() -> io::Result<Self> {
        let (tell, wanted) = watch::channel(false);
        let runtime = tokio::runtime::Builder::new_current_thread().enable_io().build()?;
        let (mut interrupt, mut terminate) = {
            let _inside = runtime.enter();
            (signal(SignalKind::interrupt())?, signal(SignalKind::terminate())?)
        };
        let watch = async move {
            for already in [false, true] {
                tokio::select! {
                    _ = interrupt.recv() => {}
                    _ = terminate.recv() => {}
                }
                if already {
                    // Away from a line of progress that is only half there.
                    let _ = writeln!(io::stderr());
                    std::process::exit(KILLED);
                }
                let _ = tell.send(true);
            }
        };
        std::thread::Builder::new()
            .name("loadcore-signals".into())
            .spawn(move || runtime.block_on(watch))?;
        Ok(Self { wanted })
    }

    /// Waits for the first of them; never returns a second time.
    pub(crate) async fn first(&mut self) {
        if self.wanted.changed().await.is_err() {
            std::future::pending::<()>().await;
        }
    }
}
