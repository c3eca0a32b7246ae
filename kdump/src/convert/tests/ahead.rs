//! What is written ahead of its turn.

use super::*;

/// Memory of which a page reads as it is only once, and as zeros from then on.
struct Fickle<'a>(Window<'a>, u64, AtomicU32);

impl Memory for Fickle<'_> {
    fn read(&self, address: u64, buffer: &mut [u8]) -> Result<(), Unreadable> {
        self.0.read(address, buffer)?;
        let page = self.1 * 4096;
        if (address..address + buffer.len() as u64).contains(&page)
            && self.2.fetch_add(1, Ordering::Relaxed) > 0
        {
            let at = usize::try_from(page - address).unwrap();
            buffer[at..at + 4096].fill(0);
        }
        Ok(())
    }

    fn ranges(&self) -> &[Range<u64>] {
        self.0.ranges()
    }
}

/// Where something was written ahead, until it is written again.
#[derive(Default)]
struct Ahead(Mutex<Vec<u64>>, AtomicU32);

impl Output for Ahead {
    fn write_at(&self, offset: u64, bytes: &[u8]) -> io::Result<()> {
        let written = offset..offset + bytes.len() as u64;
        self.0.lock().unwrap().retain(|at| !written.contains(at));
        Ok(())
    }

    fn write_ahead_at(&self, offset: u64, _: &[u8]) -> io::Result<()> {
        self.1.fetch_add(1, Ordering::Relaxed);
        self.0.lock().unwrap().push(offset);
        Ok(())
    }

    fn read_back(&self, _: u64, _: &mut [u8]) -> io::Result<bool> {
        Ok(false)
    }

    fn begins_empty(&self) -> bool {
        true
    }
}

#[test]
fn what_an_elf_core_has_ahead_is_written_again_even_where_it_reads_as_zeros_then() {
    let mut sample = machine();
    let page = 0x4020;
    sample.bytes(page * 4096, &[1; 4096]);
    let notes = [cpu(IMAGE + page * 4096 + 8), sample.notes()].concat();
    let fickle = Fickle(Window::of(&sample), page, AtomicU32::new(0));
    let output = Ahead::default();
    let options = Options {
        format: Format::Elf,
        ..options("none", 31, 1)
    };
    written(&fickle, &notes, &options, &output);
    assert!(output.1.load(Ordering::Relaxed) > 0);
    assert!(output.0.lock().unwrap().is_empty());
}
