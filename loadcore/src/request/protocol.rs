//! Turns what was agreed on a connection into its place among all that can be.

/// What was agreed on a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Protocol {
    /// The version of HTTP.
    pub http: Http,
    /// The version of TLS.
    pub tls: Tls,
}

/// A version of HTTP.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[repr(u8)]
#[non_exhaustive]
pub enum Http {
    /// HTTP/1.1.
    One,
    /// HTTP/2.
    Two,
}

/// A version of TLS.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[repr(u8)]
#[non_exhaustive]
pub enum Tls {
    /// None.
    Plain,
    /// TLS 1.2.
    V12,
    /// TLS 1.3.
    V13,
}

impl Protocol {
    /// All of them, in the order of the binary form.
    pub const ALL: [Self; 6] = [
        Self { http: Http::One, tls: Tls::Plain },
        Self { http: Http::One, tls: Tls::V12 },
        Self { http: Http::One, tls: Tls::V13 },
        Self { http: Http::Two, tls: Tls::Plain },
        Self { http: Http::Two, tls: Tls::V12 },
        Self { http: Http::Two, tls: Tls::V13 },
    ];

    pub(crate) fn place(self) -> usize {
        self.http as usize * 3 + self.tls as usize
    }
}

impl Http {
    /// The version in documents: `1.1`.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::One => "1.1",
            Self::Two => "2",
        }
    }
}

impl Tls {
    /// The version in documents: `1.3`; `None` without TLS.
    #[must_use]
    pub fn name(self) -> Option<&'static str> {
        match self {
            Self::Plain => None,
            Self::V12 => Some("1.2"),
            Self::V13 => Some("1.3"),
        }
    }
}
