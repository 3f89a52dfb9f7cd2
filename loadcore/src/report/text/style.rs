//! Turns text into coloured text, or leaves it alone: ANSI codes (ECMA-48, "SGR").
//!
//! Text is coloured after it has been padded, because a code has characters and no width.

/// Colours, or none.
#[derive(Debug, Clone, Copy)]
pub(in crate::report) struct Style {
    colors: bool,
}

impl Style {
    pub(in crate::report) fn new(colors: bool) -> Self {
        Self { colors }
    }

    /// What has to be seen first.
    pub(in crate::report) fn bold(self, text: &str) -> String {
        self.paint("1", text)
    }

    /// What may be overlooked.
    pub(in crate::report) fn dim(self, text: &str) -> String {
        self.paint("2", text)
    }

    /// What is well.
    pub(in crate::report) fn good(self, text: &str) -> String {
        self.paint("32", text)
    }

    /// What should be looked at.
    pub(in crate::report) fn warning(self, text: &str) -> String {
        self.paint("33", text)
    }

    /// What is wrong.
    pub(in crate::report) fn bad(self, text: &str) -> String {
        self.paint("31", text)
    }

    /// A picture.
    pub(in crate::report) fn picture(self, text: &str) -> String {
        self.paint("36", text)
    }

    fn paint(self, code: &str, text: &str) -> String {
        if self.colors && !text.is_empty() {
            format!("\u{1b}[{code}m{text}\u{1b}[0m")
        } else {
            text.to_owned()
        }
    }
}
