//! zlib, for readers that know nothing newer.

use flate2::{Compress, FlushCompress, Status};

/// A stream that is begun anew with each page.
pub(super) struct Encoder(Compress);

impl Encoder {
    pub(super) fn new(level: u32, _page_size: usize) -> Encoder {
        Encoder(Compress::new(flate2::Compression::new(level), true))
    }

    /// The length of the compressed page, or `None` if there is no room for it.
    pub(super) fn encode(&mut self, page: &[u8], room: &mut [u8]) -> Option<usize> {
        self.0.reset();
        match self.0.compress(page, room, FlushCompress::Finish) {
            Ok(Status::StreamEnd) => usize::try_from(self.0.total_out()).ok(),
            _ => None,
        }
    }
}
