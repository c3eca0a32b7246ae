//! A fixed arena for the few allocations that verification makes.
//!
//! It grows upwards and gives back only its newest block, which is enough for what is dropped in the
//! reverse order of its making. When it is used up the gate panics, which resets.

use core::alloc::{GlobalAlloc, Layout};
use core::cell::UnsafeCell;
use core::ptr;
use core::sync::atomic::{AtomicUsize, Ordering};

const ARENA: usize = 1 << 20;

#[repr(C, align(64))]
struct Heap {
    memory: UnsafeCell<[u8; ARENA]>,
    used: AtomicUsize,
}

// SAFETY: there is one processor and no interrupt handler that allocates, so that no two callers
// ever overlap; the counter is atomic only because a static must be `Sync`.
unsafe impl Sync for Heap {}

#[global_allocator]
static HEAP: Heap = Heap {
    memory: UnsafeCell::new([0; ARENA]),
    used: AtomicUsize::new(0),
};

impl Heap {
    fn start(&self) -> *mut u8 {
        self.memory.get().cast()
    }
}

// SAFETY: blocks are handed out from disjoint parts of the arena, aligned as asked, and stay until
// they are the newest and freed; a layout that doesn't fit gives null.
unsafe impl GlobalAlloc for Heap {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        let start = self.start() as usize;
        let used = self.used.load(Ordering::Relaxed);
        let Some(aligned) = (start + used).checked_next_multiple_of(layout.align()) else {
            return ptr::null_mut();
        };
        let offset = aligned - start;
        match offset.checked_add(layout.size()) {
            Some(end) if end <= ARENA => {
                self.used.store(end, Ordering::Relaxed);
                self.start().wrapping_add(offset)
            }
            _ => ptr::null_mut(),
        }
    }

    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        let offset = block as usize - self.start() as usize;
        if offset + layout.size() == self.used.load(Ordering::Relaxed) {
            self.used.store(offset, Ordering::Relaxed);
        }
    }
}
