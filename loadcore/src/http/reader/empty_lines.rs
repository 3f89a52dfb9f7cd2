//! Counts the empty lines between two replies, which are passed over.

/// Most empty lines between two replies: before the next request is sent, and again after it.
pub(super) const MOST: u8 = 16;

/// The empty lines so far.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct EmptyLines {
    count: u8,
    /// A CR has come whose LF is still to come.
    in_line: bool,
}

impl EmptyLines {
    /// How many bytes at the beginning of `input` belong to empty lines that may be passed over: with CR
    /// or without, in one piece or several.
    #[cold]
    pub(super) fn take(&mut self, input: &[u8]) -> usize {
        let mut taken = 0;
        for byte in input {
            match byte {
                b'\r' if !self.in_line && self.count < MOST => self.in_line = true,
                b'\n' if self.in_line || self.count < MOST => {
                    self.count += 1;
                    self.in_line = false;
                }
                _ => break,
            }
            taken += 1;
        }
        taken
    }
}
