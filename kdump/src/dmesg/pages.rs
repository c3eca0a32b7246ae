//! Reading many small things that stand one after another.

use super::{AddressError, KernelMemory};

const PAGE: u64 = 4096;
const PAGE_BYTES: usize = 4096;

/// The last page that was read, kept: page tables and dumps make each read expensive.
pub(super) struct Pages<'a> {
    kernel: &'a KernelMemory<'a>,
    number: Option<u64>,
    page: Result<Vec<u8>, AddressError>,
    failures: u64,
}

impl<'a> Pages<'a> {
    pub(super) fn new(kernel: &'a KernelMemory<'a>) -> Pages<'a> {
        Pages {
            kernel,
            number: None,
            page: Ok(Vec::new()),
            failures: 0,
        }
    }

    /// How many pages couldn't be read.
    pub(super) fn failures(&self) -> u64 {
        self.failures
    }

    /// Fills the buffer from `address` on.
    pub(super) fn read(&mut self, address: u64, buffer: &mut [u8]) -> Option<()> {
        let mut done = 0;
        while done < buffer.len() {
            let here = address.checked_add(done as u64)?;
            let page = self.page(here / PAGE)?;
            let start = usize::try_from(here % PAGE).ok()?;
            let length = (buffer.len() - done).min(PAGE_BYTES - start);
            buffer
                .get_mut(done..done + length)?
                .copy_from_slice(page.get(start..start + length)?);
            done += length;
        }
        Some(())
    }

    fn page(&mut self, number: u64) -> Option<&[u8]> {
        if self.number != Some(number) {
            let mut bytes = vec![0; PAGE_BYTES];
            self.page = self.kernel.read(number * PAGE, &mut bytes).map(|()| bytes);
            self.number = Some(number);
            self.failures += u64::from(self.page.is_err());
        }
        self.page.as_deref().ok()
    }
}
