//! Turns the chunked coding of a body into the place where it ends.

use crate::request::{ErrorClass, Failure};

/// Most bytes of chunk extensions and trailers together.
const MAX_CHUNK_OVERHEAD: usize = 64 * 1024;

/// Where in the chunked coding we are (RFC 9112 section 7.1). `overhead` counts what is not data.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Chunked {
    at: ChunkPart,
    overhead: usize,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum ChunkPart {
    Size { size: u64, digits: u8 },
    Extension { size: u64 },
    SizeLf { size: u64 },
    Data { left: u64 },
    DataCr,
    DataLf,
    TrailerStart,
    Trailer,
    LastLf,
}

impl Chunked {
    pub(super) const START: Self = Self { at: ChunkPart::Size { size: 0, digits: 0 }, overhead: 0 };

    /// Whether what comes next is data.
    #[inline]
    pub(super) fn is_in_data(self) -> bool {
        matches!(self.at, ChunkPart::Data { .. })
    }

    /// Takes some of `input`; the next place, or `None` when the body is whole.
    pub(super) fn step(self, input: &[u8]) -> Result<(usize, Option<Self>), Failure> {
        use ChunkPart::*;
        if let Data { left } = self.at {
            let taken = left.min(input.len() as u64);
            let at = if taken == left { DataCr } else { Data { left: left - taken } };
            return Ok((taken as usize, Some(Self { at, ..self })));
        }
        let byte = input[0];
        let after_size = |size| if size == 0 { TrailerStart } else { Data { left: size } };
        let at = match (self.at, byte) {
            (Size { size, digits }, _) if byte.is_ascii_hexdigit() => {
                if digits == 16 {
                    return Err(broken("a chunk's size has more than 16 digits"));
                }
                let digit = (byte as char).to_digit(16).unwrap_or(0);
                Size { size: size << 4 | u64::from(digit), digits: digits + 1 }
            }
            (Size { digits: 0, .. }, _) => {
                return Err(broken("a chunk does not begin with its size"));
            }
            (Size { size, .. } | Extension { size }, b'\r') => SizeLf { size },
            (Size { size, .. } | Extension { size }, b'\n') => after_size(size),
            (Size { size, .. }, b';' | b' ' | b'\t') => Extension { size },
            (Size { .. }, _) => return Err(broken("a chunk's size is not hexadecimal")),
            (Extension { size }, _) => Extension { size },
            (SizeLf { size }, b'\n') => after_size(size),
            (DataCr, b'\r') => DataLf,
            (DataLf, b'\n') => Size { size: 0, digits: 0 },
            (TrailerStart, b'\r') => LastLf,
            (TrailerStart | LastLf, b'\n') => return Ok((1, None)),
            (TrailerStart, _) => Trailer,
            (Trailer, b'\n') => TrailerStart,
            (Trailer, _) => Trailer,
            (SizeLf { .. } | LastLf, _) => return Err(broken("a chunk line ends with a lone CR")),
            (DataCr | DataLf, _) => return Err(broken("a chunk is longer than its size")),
            (Data { .. }, _) => unreachable!("handled above"),
        };
        let overhead = self.overhead + 1;
        // Sizes and line ends count too, but a body of many small chunks is legitimate: only what
        // carries no data is bounded.
        let overhead =
            if matches!(at, Extension { .. } | Trailer) { overhead } else { self.overhead };
        if overhead > MAX_CHUNK_OVERHEAD {
            return Err(broken("chunk extensions and trailers are longer than 65536 bytes"));
        }
        Ok((1, Some(Self { at, overhead })))
    }
}

fn broken(what: &'static str) -> Failure {
    Failure::new(ErrorClass::Body, what)
}
