//! VMCOREINFO: what a kernel states of itself to those who read its dump.
//!
//! Lines of `KEY=VALUE`, written by `kernel/vmcore_info.c` and the code of each architecture
//! (Documentation/admin-guide/kdump/vmcoreinfo.rst).

use std::collections::BTreeMap;

/// How much of it is looked at. The kernel has a page of at most 64 KiB for it.
const MAX_TEXT: usize = 1 << 16;

/// What VMCOREINFO doesn't say, or not so that it can be understood.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum VmcoreInfoError {
    /// There is no such key.
    #[error("the crashed kernel's VMCOREINFO has no {0}")]
    Missing(String),
    /// The key's value isn't what it should be.
    #[error("the crashed kernel's VMCOREINFO says {key}={value}, which isn't {expected}")]
    Malformed {
        /// The key.
        key: String,
        /// Its value.
        value: String,
        /// What the value should be, as `a decimal number`.
        expected: &'static str,
    },
}

/// The keys and values of a VMCOREINFO.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct VmcoreInfo {
    values: BTreeMap<String, String>,
}

type Result<T> = std::result::Result<T, VmcoreInfoError>;

impl VmcoreInfo {
    /// Reads the text. Lines without `=` say nothing, and of a repeated key the first counts, as for
    /// makedumpfile; what is missing comes out when it is asked for.
    #[must_use]
    pub fn parse(text: &[u8]) -> VmcoreInfo {
        let text = text.get(..MAX_TEXT).unwrap_or(text);
        let mut values = BTreeMap::new();
        for line in text.split(|byte| *byte == b'\n' || *byte == 0) {
            let line = String::from_utf8_lossy(line);
            if let Some((key, value)) = line.split_once('=') {
                values
                    .entry(key.to_owned())
                    .or_insert_with(|| value.to_owned());
            }
        }
        VmcoreInfo { values }
    }

    /// The value of a key as it stands there.
    #[must_use]
    pub fn get(&self, key: &str) -> Option<&str> {
        self.values.get(key).map(String::as_str)
    }

    /// All keys with their values, sorted.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.values.iter().map(|(k, v)| (k.as_str(), v.as_str()))
    }

    /// The kernel's release, as `uname -r` has it.
    pub fn release(&self) -> Result<&str> {
        self.text("OSRELEASE")
    }

    /// The build ID of vmlinux, in hexadecimal (since 5.11).
    pub fn build_id(&self) -> Result<&str> {
        self.text("BUILD-ID")
    }

    /// The size of a page, in bytes: a power of two from 4 KiB to 64 KiB.
    pub fn page_size(&self) -> Result<u64> {
        let key = "PAGESIZE";
        match self.decimal(key)? {
            size @ (0x1000 | 0x4000 | 0x1_0000) => Ok(size),
            _ => Err(self.malformed(key, "a page size of 4, 16 or 64 KiB")),
        }
    }

    /// When the kernel crashed, in seconds since 1970.
    pub fn crash_time(&self) -> Result<u64> {
        self.decimal("CRASHTIME")
    }

    /// How far the kernel was moved from the address it was linked for; 0 where nothing is said.
    pub fn kernel_offset(&self) -> Result<u64> {
        match self.hexadecimal("KERNELOFFSET") {
            Err(VmcoreInfoError::Missing(_)) => Ok(0),
            stated => stated,
        }
    }

    /// The virtual address of a symbol.
    pub fn symbol(&self, name: &str) -> Result<u64> {
        self.hexadecimal(&format!("SYMBOL({name})"))
    }

    /// The size of a structure, in bytes.
    pub fn size(&self, name: &str) -> Result<u64> {
        self.decimal(&format!("SIZE({name})"))
    }

    /// The offset of a member (`structure.member`), in bytes.
    pub fn offset(&self, member: &str) -> Result<u64> {
        self.decimal(&format!("OFFSET({member})"))
    }

    /// The length of an array, in elements.
    pub fn length(&self, name: &str) -> Result<u64> {
        self.decimal(&format!("LENGTH({name})"))
    }

    /// A number. Most are signed and decimal; those with `0x` are addresses and masks, whose bits are
    /// kept.
    pub fn number(&self, name: &str) -> Result<i64> {
        let key = format!("NUMBER({name})");
        let value = self.text(&key)?;
        let number = match value.strip_prefix("0x") {
            Some(digits) => u64::from_str_radix(digits, 16).ok().map(u64::cast_signed),
            None => value.parse().ok().or_else(|| {
                // Unsigned numbers above i64::MAX are printed with %lu.
                value.parse::<u64>().ok().map(u64::cast_signed)
            }),
        };
        number.ok_or_else(|| self.malformed(&key, "a number"))
    }

    fn text(&self, key: &str) -> Result<&str> {
        self.get(key)
            .ok_or_else(|| VmcoreInfoError::Missing(key.to_owned()))
    }

    fn decimal(&self, key: &str) -> Result<u64> {
        self.text(key)?
            .parse()
            .map_err(|_| self.malformed(key, "a decimal number"))
    }

    fn hexadecimal(&self, key: &str) -> Result<u64> {
        let value = self.text(key)?;
        u64::from_str_radix(value.strip_prefix("0x").unwrap_or(value), 16)
            .map_err(|_| self.malformed(key, "a hexadecimal number"))
    }

    fn malformed(&self, key: &str, expected: &'static str) -> VmcoreInfoError {
        VmcoreInfoError::Malformed {
            key: key.to_owned(),
            value: self.get(key).unwrap_or_default().to_owned(),
            expected,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &[u8] = b"OSRELEASE=6.12.1\nBUILD-ID=ab01\nPAGESIZE=4096\n\
        SYMBOL(prb)=ffffffff8280e1d0\nSIZE(page)=64\nOFFSET(page.flags)=0\nLENGTH(zone.free_area)=11\n\
        NUMBER(phys_base)=-16777216\nNUMBER(PAGE_BUDDY_MAPCOUNT_VALUE)=-129\n\
        NUMBER(kimage_voffset)=0xffff7fff80000000\nKERNELOFFSET=1c000000\nCRASHTIME=1700000000\n";

    #[test]
    fn every_kind_of_key_is_read() {
        let info = VmcoreInfo::parse(TEXT);
        assert_eq!(info.release(), Ok("6.12.1"));
        assert_eq!(info.build_id(), Ok("ab01"));
        assert_eq!(info.page_size(), Ok(4096));
        assert_eq!(info.symbol("prb"), Ok(0xffff_ffff_8280_e1d0));
        assert_eq!(info.size("page"), Ok(64));
        assert_eq!(info.offset("page.flags"), Ok(0));
        assert_eq!(info.length("zone.free_area"), Ok(11));
        assert_eq!(info.number("phys_base"), Ok(-16_777_216));
        assert_eq!(info.number("PAGE_BUDDY_MAPCOUNT_VALUE"), Ok(-129));
        assert_eq!(
            info.number("kimage_voffset").map(i64::cast_unsigned),
            Ok(0xffff_7fff_8000_0000)
        );
        assert_eq!(info.kernel_offset(), Ok(0x1c00_0000));
        assert_eq!(info.crash_time(), Ok(1_700_000_000));
    }

    #[test]
    fn what_is_missing_is_named() {
        let error = VmcoreInfo::parse(TEXT).symbol("nothing").unwrap_err();
        assert_eq!(
            error.to_string(),
            "the crashed kernel's VMCOREINFO has no SYMBOL(nothing)"
        );
    }

    #[test]
    fn what_is_no_number_is_named_with_its_key() {
        for (line, message) in [
            (
                "SIZE(page)=-64",
                "SIZE(page)=-64, which isn't a decimal number",
            ),
            (
                "SIZE(page)=40h",
                "SIZE(page)=40h, which isn't a decimal number",
            ),
            ("SIZE(page)=", "SIZE(page)=, which isn't a decimal number"),
        ] {
            let error = VmcoreInfo::parse(line.as_bytes()).size("page").unwrap_err();
            assert!(error.to_string().ends_with(message), "{error}");
        }
        let odd = VmcoreInfo::parse(b"PAGESIZE=4097\nSYMBOL(a)=xyz\nNUMBER(b)=0x\n");
        assert!(odd.page_size().is_err());
        assert!(odd.symbol("a").is_err());
        assert!(odd.number("b").is_err());
    }

    #[test]
    fn the_first_of_a_repeated_key_counts() {
        let info = VmcoreInfo::parse(b"OSRELEASE=1\nOSRELEASE=2\n");
        assert_eq!(info.release(), Ok("1"));
    }

    #[test]
    fn a_kernel_that_was_not_moved_need_not_say_so() {
        assert_eq!(VmcoreInfo::parse(b"").kernel_offset(), Ok(0));
    }

    #[test]
    fn what_is_cut_off_loses_keys_and_no_more() {
        let whole = VmcoreInfo::parse(TEXT);
        for length in 0..TEXT.len() {
            let cut = VmcoreInfo::parse(&TEXT[..length]);
            for (key, value) in cut.iter() {
                let stated = whole.get(key).unwrap();
                assert!(stated.starts_with(value), "{key}={value} of {length} bytes");
            }
        }
    }
}
