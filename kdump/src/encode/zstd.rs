//! Zstandard, set up for inputs as small as a page.

use super::NoEncoder;
use zstd_safe::{CCtx, CParameter};

/// One context for all pages, since setting one up costs more than a page.
pub(super) struct Encoder(CCtx<'static>);

impl Encoder {
    pub(super) fn new(level: i32, page_size: usize) -> Result<Encoder, NoEncoder> {
        let mut context = CCtx::try_create().ok_or(NoEncoder("no memory"))?;
        // No window or table need be larger than a page: what is smaller is sooner cleared.
        let window = page_size.next_power_of_two().trailing_zeros();
        let all = [
            CParameter::CompressionLevel(level),
            CParameter::WindowLog(window.max(10)),
            CParameter::ContentSizeFlag(true),
            CParameter::ChecksumFlag(false),
            CParameter::DictIdFlag(false),
        ];
        // What a kernel's pages repeat is short: pointers, and structures of a few of them. Measured to be
        // as fast as what zstd chooses for these levels, and 2 to 4 % smaller.
        let fast = [CParameter::MinMatch(4), CParameter::HashLog(window - 1)];
        let fast = fast.into_iter().filter(|_| level < 0);
        for parameter in all.into_iter().chain(fast) {
            context
                .set_parameter(parameter)
                .map_err(|code| NoEncoder(zstd_safe::get_error_name(code)))?;
        }
        Ok(Encoder(context))
    }

    /// The length of the compressed page, or `None` if there is no room for it.
    pub(super) fn encode(&mut self, page: &[u8], room: &mut [u8]) -> Option<usize> {
        self.0.compress2(room, page).ok()
    }
}
