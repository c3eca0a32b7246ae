//! The list of setup_data that the boot loader passed to the running kernel, as the kernel shows it
//! (arch/x86/kernel/ksysfs.c).

use crate::{ReadError, Root};

/// The data of the first node of this type; `None` if there is none.
///
/// # Errors
/// When a node exists and can't be read (only root can read its data).
pub fn find(root: &Root, kind: u32) -> Result<Option<Vec<u8>>, ReadError> {
    for number in 0.. {
        let directory = format!("sys/kernel/boot_params/setup_data/{number}");
        let Some(text) = root.read_text(&format!("{directory}/type"))? else {
            return Ok(None);
        };
        if parse_type(&text) == Some(kind) {
            return root.read(&format!("{directory}/data"));
        }
    }
    Ok(None)
}

/// Parses a type as the kernel prints it, such as `0x9`.
fn parse_type(text: &str) -> Option<u32> {
    u32::from_str_radix(text.trim().strip_prefix("0x")?, 16).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testroot::TestRoot;

    #[test]
    fn finds_the_node_of_a_type_wherever_it_stands() {
        let root = TestRoot::new()
            .with("sys/kernel/boot_params/setup_data/0/type", "0x9\n")
            .with("sys/kernel/boot_params/setup_data/0/data", b"seed")
            .with("sys/kernel/boot_params/setup_data/1/type", "0x4e544142\n")
            .with("sys/kernel/boot_params/setup_data/1/data", b"record");
        let found = find(&root.root(), 0x4e54_4142).unwrap();
        assert_eq!(found.as_deref(), Some(&b"record"[..]));
        assert_eq!(find(&root.root(), 1).unwrap(), None);
        assert_eq!(find(&TestRoot::new().root(), 9).unwrap(), None);
    }
}
