//! Names things that a platform keeps, by random text, with a type of its own for each kind.

use serde::{Deserialize, Serialize};
use std::fmt;

macro_rules! id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(pub String);

        impl $name {
            /// The text.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl From<&str> for $name {
            fn from(text: &str) -> Self {
                Self(text.to_owned())
            }
        }

        impl From<String> for $name {
            fn from(text: String) -> Self {
                Self(text)
            }
        }
    };
}

macro_rules! random {
    ($($name:ident)*) => {$(
        impl $name {
            /// A new one. Those made later are greater, to the millisecond.
            #[must_use]
            pub fn random() -> Self {
                Self(uuid::Uuid::now_v7().to_string())
            }
        }
    )*};
}

id! {
    /// One start of a worker process. A process that is started again is another worker. It ends with
    /// the public key with which the worker signs: see [`signed`](super::signed).
    WorkerId
}
id! {
    /// One execution of a scenario.
    RunId
}
id! {
    /// A scenario that is kept.
    ScenarioId
}
id! {
    /// Whose scenarios and runs they are. Every call to the store names the owner.
    Owner
}

impl Owner {
    /// The owner where nobody says who asks.
    #[must_use]
    pub fn local() -> Self {
        Self::from("local")
    }
}

random!(RunId ScenarioId);
