//! What kexec-tools has for this architecture alone (`kexec/arch/x86_64/kexec-x86_64.c`).

/// The types of kernels that it knows, and the format that each of them is here; none where nobody boots it.
pub const FILE_TYPES: [(&str, Option<&str>); 9] = [
    ("multiboot2-x86", Some("multiboot2")),
    ("elf-x86_64", Some("elf")),
    ("multiboot-x86", None),
    ("elf-x86", Some("elf")),
    ("bzImage64", Some("bzimage")),
    ("bzImage", Some("bzimage")),
    ("beoboot-x86", None),
    ("nbi-x86", None),
    ("uki", Some("uki")),
];

/// What a serial port may be called.
pub const SERIAL_PORTS: &str = "ttyS0, ttyS1 or an I/O port, as 0x3f8";

/// Whether this names a serial port.
#[must_use]
pub fn is_serial_port(name: &str) -> bool {
    let port = name.strip_prefix("0x");
    matches!(name, "ttyS0" | "ttyS1") || port.is_some_and(|it| u16::from_str_radix(it, 16).is_ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn serial_ports_are_two_names_and_all_io_ports() {
        for name in ["ttyS0", "ttyS1", "0x3f8", "0x2F8"] {
            assert!(is_serial_port(name), "{name}");
        }
        for name in ["ttyS2", "", "0x", "0x10000", "3f8"] {
            assert!(!is_serial_port(name), "{name}");
        }
    }
}
