//! The smallest image that is both a PE file and a bzImage: 2 KiB, and does nothing; or, for whoever asks for it, a PE
//! file and an Image of arm64.
//!
//! Laid out as Linux lays out its own ("PE Format"; Documentation/arch/x86/boot.rst; of arm64 the header at the file's
//! begin is that of Documentation/arch/arm64/booting.rst, and there is no setup header):
//!
//! | file offset | |
//! |---|---|
//! | 0x000 | DOS header, PE header at 0x40, section table |
//! | 0x1f1 | setup header, over into the next sector |
//! | 0x200 | section `.setup`, one sector |
//! | 0x400 | section `.text`: the protected-mode part |

use std::cell::Cell;

use baton_formats::gate_image::Isa;

pub const LEN: usize = 0x800;
pub const CMDLINE_SIZE: u32 = 255;

const PE: usize = 0x40;
const COFF: usize = PE + 4;
const OPTIONAL: usize = COFF + 20;
const DIRECTORIES: usize = 6;
const SECTIONS: usize = OPTIONAL + 112 + 8 * DIRECTORIES;
pub const CHECKSUM: usize = OPTIONAL + 64;
pub const CERTIFICATE_DIRECTORY: usize = OPTIONAL + 112 + 4 * 8;

thread_local! {
    static ARCHITECTURE: Cell<Isa> = const { Cell::new(Isa::X86_64) };
}

/// Does something with small images of this architecture, on this thread.
pub fn on<T>(isa: Isa, task: impl FnOnce() -> T) -> T {
    /// Also where the task panics, since tests catch that.
    struct Restore(Isa);

    impl Drop for Restore {
        fn drop(&mut self) {
            ARCHITECTURE.set(self.0);
        }
    }

    let _restore = Restore(ARCHITECTURE.replace(isa));
    task()
}

/// The architecture that small images are of now.
pub fn architecture() -> Isa {
    ARCHITECTURE.get()
}

pub fn small_image() -> Vec<u8> {
    let mut image = vec![0; LEN];
    write_pe(&mut image);
    match architecture() {
        Isa::X86_64 => write_setup_header(&mut image),
        Isa::Arm64 => write_arm64_header(&mut image),
    }
    for (index, byte) in image[0x400..].iter_mut().enumerate() {
        *byte = (index % 251) as u8;
    }
    image
}

fn write_pe(image: &mut [u8]) {
    put(image, 0, b"MZ");
    put(image, 0x3c, &(PE as u32).to_le_bytes());
    put(image, PE, b"PE\0\0");
    put(image, COFF, &0x8664_u16.to_le_bytes());
    put(image, COFF + 2, &2_u16.to_le_bytes());
    put(
        image,
        COFF + 16,
        &((SECTIONS - OPTIONAL) as u16).to_le_bytes(),
    );
    put(image, COFF + 18, &0x0206_u16.to_le_bytes());
    put(image, OPTIONAL, &0x020b_u16.to_le_bytes());
    put(image, OPTIONAL + 16, &0x400_u32.to_le_bytes()); // entry point
    put(image, OPTIONAL + 32, &0x200_u32.to_le_bytes()); // section alignment
    put(image, OPTIONAL + 36, &0x200_u32.to_le_bytes()); // file alignment
    put(image, OPTIONAL + 60, &0x200_u32.to_le_bytes()); // size of headers
    put(image, OPTIONAL + 68, &10_u16.to_le_bytes()); // EFI application
    put(image, OPTIONAL + 108, &(DIRECTORIES as u32).to_le_bytes());
    write_section(image, SECTIONS, b".setup\0\0", 0x200, 0x200);
    set_text_len(image);
}

/// The same with sections `.sbat` of these contents.
pub fn with_sbat(contents: &[&[u8]]) -> Vec<u8> {
    let mut image = small_image();
    for (index, text) in contents.iter().enumerate() {
        let offset = image.len();
        image.extend(*text);
        image.resize(image.len().next_multiple_of(0x200), 0);
        let size = (image.len() - offset) as u32;
        let header = SECTIONS + 40 * (2 + index);
        write_section(&mut image, header, b".sbat\0\0\0", offset as u32, size);
        put(&mut image, COFF + 2, &(3 + index as u16).to_le_bytes());
    }
    let len = image.len() as u32;
    put(&mut image, OPTIONAL + 56, &len.to_le_bytes());
    image
}

/// Makes `.text` reach to the end of the image.
pub fn set_text_len(image: &mut [u8]) {
    let len = image.len() as u32;
    put(image, OPTIONAL + 56, &len.to_le_bytes()); // size of image
    write_section(image, SECTIONS + 40, b".text\0\0\0", 0x400, len - 0x400);
}

fn write_section(image: &mut [u8], at: usize, name: &[u8; 8], offset: u32, size: u32) {
    put(image, at, name);
    put(image, at + 8, &size.to_le_bytes());
    put(image, at + 12, &offset.to_le_bytes());
    put(image, at + 16, &size.to_le_bytes());
    put(image, at + 20, &offset.to_le_bytes());
    put(image, at + 36, &0x6000_0020_u32.to_le_bytes());
}

/// For pages of 4 KiB, anywhere in memory, of which it takes 64 KiB.
fn write_arm64_header(image: &mut [u8]) {
    put(image, COFF, &0xaa64_u16.to_le_bytes());
    put(image, 16, &0x1_0000_u64.to_le_bytes());
    put(image, 24, &0xa_u64.to_le_bytes());
    put(image, 56, b"ARM\x64");
}

fn write_setup_header(image: &mut [u8]) {
    put(image, 0x1f1, &[1]); // setup_sects
    put(image, 0x1f4, &(0x400_u32 / 16).to_le_bytes()); // syssize
    put(image, 0x1fe, &0xaa55_u16.to_le_bytes());
    put(image, 0x200, &[0xeb, 0x6a]); // jump over the header
    put(image, 0x202, b"HdrS");
    put(image, 0x206, &0x020f_u16.to_le_bytes());
    put(image, 0x211, &[1]); // LOADED_HIGH
    put(image, 0x230, &0x20_0000_u32.to_le_bytes()); // kernel_alignment
    put(image, 0x234, &[1, 21]); // relocatable, min_alignment
    // 64-bit entry, above 4 GiB, under EFI
    put(image, 0x236, &0x13_u16.to_le_bytes());
    put(image, 0x238, &CMDLINE_SIZE.to_le_bytes());
    put(image, 0x258, &0x100_0000_u64.to_le_bytes()); // pref_address
    put(image, 0x260, &0x10_0000_u32.to_le_bytes()); // init_size
}

fn put(image: &mut [u8], at: usize, bytes: &[u8]) {
    image[at..at + bytes.len()].copy_from_slice(bytes);
}
