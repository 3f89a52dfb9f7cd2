//! Tests the contract of the store, for the backends that the library has itself.

use async_trait::async_trait;
use libtest_mimic::{Arguments, Trial};
use loadcore::cluster::Store;
use loadcore::cluster::conformance::store::{CHECKS, Check, Subject};
use loadcore::cluster::disk::DiskStore;
use loadcore::cluster::memory::MemoryStore;
use std::process::ExitCode;
use std::sync::Arc;
use tempfile::TempDir;

fn main() -> ExitCode {
    let memory = CHECKS.iter().map(|check| trial("memory", check, Memory::default));
    let disk = CHECKS.iter().map(|check| trial("disk", check, Disk::new));
    libtest_mimic::run(&Arguments::from_args(), memory.chain(disk).collect()).exit_code()
}

fn trial<S: Subject + 'static>(backend: &str, check: &'static Check, subject: fn() -> S) -> Trial {
    Trial::test(format!("{backend}::{}", check.name), move || {
        let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
        runtime.block_on(check.run(&subject()));
        Ok(())
    })
}

/// Lives as long as the value does, so that a kill of it changes nothing.
#[derive(Default)]
struct Memory(Arc<MemoryStore>);

#[async_trait]
impl Subject for Memory {
    async fn open(&self) -> Arc<dyn Store> {
        self.0.clone()
    }

    async fn kill(&self) {}
}

/// Is closed and opened again; that a killed process loses nothing, `disk_store.rs` tests.
struct Disk(TempDir);

impl Disk {
    fn new() -> Self {
        Self(tempfile::tempdir().expect("a new directory"))
    }
}

#[async_trait]
impl Subject for Disk {
    async fn open(&self) -> Arc<dyn Store> {
        Arc::new(DiskStore::open(self.0.path()).expect("the store is opened"))
    }

    async fn kill(&self) {}
}
