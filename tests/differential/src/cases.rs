//! Malformed images, and what each tool is known to make of them. docs/authenticode-differences.md
//! is written from this table, so that it says what is tested.

use super::image::{SHAPE, Shape, at, base, build, put, put16, put32};
use super::spoil::{
    FOUR_GIB, Signed, empty_section_at, put32s, section, sections_swapped, spoilt, with, with16,
    with32, with32s,
};

/// What a tool makes of an image.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It signs the image, over the digest of all bytes but `CheckSum` and the certificate table with
    /// its directory entry, and accepts what it signed; or it accepts a signed image.
    Accepts,
    /// The same, but the digest is over something else.
    OtherDigest,
    /// It signs the image, and then refuses what it signed.
    Contradicts,
    /// It refuses the image.
    Refuses,
    /// It ends by a signal, or not at all.
    Crashes,
    /// It reads memory beyond the file, and crashes or hashes what lies there, as it happens.
    Overruns,
}

impl Outcome {
    /// Whether what was found is what was expected.
    pub fn fits(self, expected: Outcome) -> bool {
        self == expected
            || (expected == Overruns && matches!(self, Crashes | OtherDigest | Contradicts))
    }

    /// In words.
    pub fn words(self) -> &'static str {
        match self {
            Accepts => "accepts",
            OtherDigest => "other digest",
            Contradicts => "contradicts itself",
            Refuses => "refuses",
            Crashes => "crashes",
            Overruns => "overruns",
        }
    }
}

/// How an image is made.
pub enum Making {
    /// Spoilt, then given to each tool to sign, and to verify what it signed.
    Unsigned(fn() -> Vec<u8>),
    /// Signed, then spoilt, then given to each tool to verify.
    Signed(fn(&Signed) -> Vec<u8>),
}

/// A row of the table.
pub struct Case {
    /// What is wrong with the image.
    pub name: &'static str,
    pub making: Making,
    /// Of Baton, sbsign with sbverify, and osslsigncode.
    pub outcomes: [Outcome; 3],
    /// Why they are the same, or differ.
    pub why: &'static str,
}

use Making::{Signed as Spoilt, Unsigned};
use Outcome::{Accepts, Contradicts, Crashes, OtherDigest, Overruns, Refuses};

/// Rows of the table, each a line: what is wrong with the image, how it is made; what Baton, sbsign with
/// sbverify, and osslsigncode make of it; and why they are the same, or differ.
macro_rules! rows {
    (
        unsigned: $($name:literal, $make:expr => $ours:ident $sbsigntool:ident $osslsigncode:ident, $why:literal;)*
        spoilt, $signed:ident: $($sname:literal, $smake:expr => $sours:ident $ssbsigntool:ident $sosslsigncode:ident, $swhy:literal;)*
    ) => {
        vec![
            $(Case { name: $name, making: Unsigned(|| $make), outcomes: [$ours, $sbsigntool, $osslsigncode], why: $why },)*
            $(Case { name: $sname, making: Spoilt(|$signed| $smake), outcomes: [$sours, $ssbsigntool, $sosslsigncode], why: $swhy },)*
        ]
    };
}

/// The table.
pub fn all() -> Vec<Case> {
    rows! {
        unsigned:
        "nothing is wrong", base() => Accepts Accepts Accepts, "the baseline for the others";
        // Headers.
        "no `MZ`", with(|image| image[0] = b'm') => Refuses Refuses Refuses, "not a PE file";
        "`e_lfanew` past the end of the file", with32(at::E_LFANEW, 0x10_0000) => Refuses Refuses Refuses, "no PE header";
        "`e_lfanew` of 4 GiB", with32(at::E_LFANEW, FOUR_GIB) => Refuses Refuses Refuses, "no PE header";
        "PE header inside the DOS header", build(&Shape { pe: 0x30, ..SHAPE }) => Refuses Accepts Accepts, "one field would have a meaning in each header";
        "no `PE` signature", with(|image| image[at::PE] = b'p') => Refuses Refuses Refuses, "not a PE file";
        "a 32-bit image (PE32)", build(&Shape { pe32: true, ..SHAPE }) => Refuses Accepts Accepts, "no kernel that Baton starts is one";
        "an optional header of unknown type", with16(at::OPTIONAL, 0x107) => Refuses Refuses Refuses, "a ROM image";
        "machine type of ARM64", with16(at::MACHINE, 0xaa64) => Accepts Accepts Accepts, "the digest is the same; whether it can run here is checked later";
        "an unassigned machine type", with16(at::MACHINE, 0x1234) => Accepts Refuses Accepts, "the digest is the same, and whether it can run here is checked later; sbsign knows only some machine types";
        "4 data directories", build(&Shape { directories: 4, ..SHAPE }) => Refuses Refuses Refuses, "no room for the certificate table's entry";
        "4 data directories in an optional header with 16", with32(at::DIRECTORY_COUNT, 4) => Refuses Accepts Refuses, "the certificate table's entry isn't counted as a directory; sbsign and Linux use it nevertheless";
        "5 data directories", build(&Shape { directories: 5, ..SHAPE }) => Accepts Accepts Accepts, "enough for the certificate table";
        "17 data directories", build(&Shape { directories: 17, ..SHAPE }) => Refuses Accepts Accepts, "the specification has 16";
        "4 GiB of data directories", with32(at::DIRECTORY_COUNT, FOUR_GIB) => Refuses Accepts Accepts, "more than the optional header holds; the others don't check";
        "an optional header longer than its directories", with32(at::DIRECTORY_COUNT, 8) => Refuses Accepts Accepts, "Linux looks for the section table after the last directory, others after the header";
        "an optional header shorter than its directories", with16(at::OPTIONAL_SIZE, 112 + 8 * 8) => Refuses Accepts Accepts, "the section table would lie in the directories; osslsigncode doesn't read it, sbsign sees empty sections";
        "`SizeOfHeaders` of 0", with32(at::SIZE_OF_HEADERS, 0) => Refuses Overruns Accepts, "it must include the section table; osslsigncode doesn't read it";
        "`SizeOfHeaders` inside the section table", with32(at::SIZE_OF_HEADERS, at::SECTIONS[1]) => Refuses OtherDigest Accepts, "it must include the section table; osslsigncode doesn't read it";
        "`SizeOfHeaders` one byte short of the first section", with32(at::SIZE_OF_HEADERS, at::HEADERS - 1) => Refuses OtherDigest Accepts, "a gap of one byte; osslsigncode doesn't read it";
        "`SizeOfHeaders` reaches into the first section", with32(at::SIZE_OF_HEADERS, at::HEADERS + 0x20) => Refuses OtherDigest Accepts, "bytes that would be hashed twice; osslsigncode doesn't read it";
        "`SizeOfHeaders` past the end of the file", with32(at::SIZE_OF_HEADERS, 0x10_0000) => Refuses Overruns Accepts, "osslsigncode doesn't read it";
        "`SizeOfHeaders` of 4 GiB", with32(at::SIZE_OF_HEADERS, FOUR_GIB) => Refuses Overruns Accepts, "osslsigncode doesn't read it";
        "wrong `CheckSum`", with32(at::CHECKSUM, 0xdead_beef) => Accepts Accepts Accepts, "no digest covers it";
        "`FileAlignment` and `SectionAlignment` of 0", with32s([(at::FILE_ALIGNMENT, 0), (at::SECTION_ALIGNMENT, 0)]) => Accepts Accepts Accepts, "irrelevant to the digest";
        "a symbol table outside the file", with32(at::SYMBOL_TABLE, FOUR_GIB) => Accepts Accepts Accepts, "nobody reads it";
        // Sections.
        "no sections", with16(at::SECTION_COUNT, 0) => Refuses Accepts Accepts, "nothing to run";
        "96 sections", build(&Shape { sections: 96, headers: 0x1200, ..SHAPE }) => Accepts Accepts Accepts, "as many as the Windows loader takes";
        "97 sections", build(&Shape { sections: 97, headers: 0x1200, ..SHAPE }) => Refuses Accepts Accepts, "more than the Windows loader takes";
        "65535 sections", with16(at::SECTION_COUNT, 0xffff) => Refuses Overruns Accepts, "most of them outside the file; osslsigncode doesn't read them";
        "sections in another order than in the file", sections_swapped() => Accepts Accepts Accepts, "they are hashed in file order";
        "two sections of the same name", with(|image| put(image, at::SECTIONS[1], b".text")) => Accepts Accepts Accepts, "irrelevant to the digest";
        "two sections over the same bytes", with32(section(1, at::RAW_OFFSET), at::HEADERS) => Refuses OtherDigest Accepts, "one would be hashed twice, the other's bytes not at all";
        "sections that overlap in part", with32(section(0, at::RAW_SIZE), at::SECTION_LEN + 0x10) => Refuses OtherDigest Accepts, "bytes that would be hashed twice";
        "a section over the headers", with32(section(0, at::RAW_OFFSET), 0) => Refuses Contradicts Accepts, "bytes that would be hashed twice, and once more with the `CheckSum` that signing changes";
        "a section past the end of the file", with32(section(2, at::RAW_OFFSET), 0x10_0000) => Refuses Overruns Accepts, "osslsigncode doesn't read section headers";
        "a section that reaches past the end of the file", with32(section(2, at::RAW_SIZE), at::SECTION_LEN + 8) => Refuses Overruns Accepts, "osslsigncode doesn't read section headers";
        "`.sbat` of 4 GiB in the file", with32(section(2, at::RAW_SIZE), FOUR_GIB) => Refuses Overruns Accepts, "osslsigncode doesn't read section headers";
        "`.sbat` of 4 GiB in memory", with32(section(2, at::VIRTUAL_SIZE), FOUR_GIB) => Accepts Accepts Accepts, "the digest is over the file; no more of the section is read than the file has";
        "a section whose offset and size add up to 4 GiB", with32s([(section(2, at::RAW_OFFSET), 0xffff_fe00), (section(2, at::RAW_SIZE), 0x200)]) => Refuses Overruns Accepts, "an overflow in 32 bits; osslsigncode doesn't read section headers";
        "a section with more in the file than in memory", with32(section(1, at::VIRTUAL_SIZE), 1) => Accepts Accepts Accepts, "all of it is hashed";
        "an empty section with an offset outside the file", empty_section_at(FOUR_GIB) => Accepts Accepts Accepts, "it has no bytes (like `.bss`); its former bytes now follow the last section";
        "a gap between two sections", with32(section(0, at::RAW_SIZE), at::SECTION_LEN - 0x20) => Refuses OtherDigest Accepts, "the specification hashes no gaps, so its contents could be changed";
        "a gap after the headers", with32s([(section(0, at::RAW_OFFSET), at::HEADERS + 0x20), (section(0, at::RAW_SIZE), at::SECTION_LEN - 0x20)]) => Refuses OtherDigest Accepts, "the specification hashes no gaps, so its contents could be changed";
        "bytes after the last section", with(|image| image.extend([7; 16])) => Accepts Accepts Accepts, "all tools hash them";
        "a length that isn't a multiple of 8", with(|image| image.extend([7; 3])) => Accepts Accepts Accepts, "padded with zeros, which are hashed";
        "cut off in the last section", with(|image| image.truncate(at::END - 0x100)) => Refuses Overruns Accepts, "osslsigncode doesn't read section headers";
        "cut off in the section table", with(|image| image.truncate(at::SECTIONS[1])) => Refuses Overruns Accepts, "osslsigncode doesn't read section headers";
        spoilt, signed:
        "signed, and nothing is wrong", signed.once.clone() => Accepts Accepts Accepts, "the baseline for the others";
        "signed, then a bit of a section changed", signed.with(|image, _| image[at::HEADERS] ^= 1) => Refuses Refuses Refuses, "another digest";
        "signed, then `CheckSum` changed", signed.with(|image, _| put32(image, at::CHECKSUM, 0xdead_beef)) => Accepts Accepts Accepts, "no digest covers it";
        "signed, then the number of data directories changed to 4", signed.with(|image, _| put32(image, at::DIRECTORY_COUNT, 4)) => Refuses Refuses Refuses, "another digest; Linux would still read the entry";
        "the signature of another image", signed.with_others_signature() => Refuses Refuses Refuses, "another digest";
        "a certificate table of size 0", signed.with(|image, _| put32(image, at::CERTIFICATE_SIZE, 0)) => Refuses Refuses Refuses, "not signed, and the signature's bytes follow the last section";
        "a certificate table of size 7", signed.with(|image, _| put32(image, at::CERTIFICATE_SIZE, 7)) => Refuses Refuses Refuses, "shorter than an entry's header";
        "a certificate table of size 8", signed.with(|image, table| { put32s(image, [(at::CERTIFICATE_SIZE, 8), (table, 8)]); image.truncate(table + 8) }) => Refuses Refuses Refuses, "an entry without data";
        "a certificate table of 4 GiB", signed.with(|image, _| put32(image, at::CERTIFICATE_SIZE, FOUR_GIB)) => Refuses Crashes Refuses, "past the end of the file; sbverify searches for entries forever";
        "a certificate table past the end of the file", signed.with(|image, _| put32(image, at::CERTIFICATE_DIRECTORY, 0x10_0000)) => Refuses Overruns Refuses, "no signature";
        "a certificate table in the headers", signed.with_table_from(0x200) => Refuses Refuses Refuses, "no signature there";
        "a certificate table in the last section", signed.with_table_from(signed.table() - 8) => Refuses Refuses Refuses, "no signature there";
        "a certificate table that isn't 8-aligned", signed.with_table_after([0; 4]) => Refuses Refuses Refuses, "the bytes before it are hashed";
        "bytes between the image and its certificate table", signed.with_table_after([0; 8]) => Refuses Refuses Refuses, "they are hashed";
        "bytes after the certificate table", signed.with(|image, _| image.extend([7; 8])) => Refuses Refuses Refuses, "Baton and osslsigncode require the table to be last; sbverify hashes what follows";
        "zeros after the entry, in the table", signed.resized(|image, _| image.extend([0; 8])) => Refuses Accepts Refuses, "no digest covers them; osslsigncode requires one entry that fills the table";
        "bytes after the entry, in the table", signed.resized(|image, _| image.extend([7; 8])) => Refuses Accepts Refuses, "no digest covers them (CVE-2013-3900)";
        "bytes after the signature, in its entry", signed.with_entry_longer([7; 8]) => Refuses Accepts Accepts, "no digest covers them (CVE-2013-3900)";
        "16 zeros after the signature, in its entry", signed.with_entry_longer([0; 16]) => Refuses Accepts Accepts, "more than the padding to 8 bytes";
        "an entry of length 0", signed.with(|image, table| put32(image, table, 0)) => Refuses Refuses Refuses, "an entry without data";
        "an entry of length 8", signed.with(|image, table| put32(image, table, 8)) => Refuses Refuses Refuses, "an entry without data";
        "an entry longer than the table", signed.with(|image, table| { let length = image.len() - table; put32(image, table, length + 8) }) => Refuses Accepts Refuses, "past the end of the file";
        "an entry of 4 GiB", signed.with(|image, table| put32(image, table, FOUR_GIB)) => Refuses Refuses Refuses, "past the end of the file";
        "an entry of revision 1", signed.with(|image, table| put16(image, table + 4, 0x100)) => Refuses Refuses Refuses, "obsolete since Windows 2000";
        "an entry of type 1, an X.509 certificate", signed.with(|image, table| put16(image, table + 6, 1)) => Refuses Refuses Refuses, "not a signature";
        "two signatures, the first by another key", signed.untrusted_first.clone() => Accepts Accepts Refuses, "one trusted signature is enough; osslsigncode requires one entry that fills the table, Linux checks only the first";
        "two signatures, the second by another key", signed.untrusted_last.clone() => Accepts Accepts Refuses, "one trusted signature is enough; osslsigncode requires one entry that fills the table";
        "two signatures, the first of length 0", spoilt(&signed.untrusted_first, |image, table| put32(image, table, 0)) => Refuses Refuses Refuses, "an entry without data hides the next one";
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use baton_formats::pe::Pe;
    use std::collections::BTreeSet;

    #[test]
    fn the_image_that_the_others_depart_from_is_well_formed() {
        let image = base();
        let pe = Pe::parse(&image).unwrap();
        assert_eq!(pe.sections().count(), 3);
        assert_eq!(pe.offsets().checksum, at::CHECKSUM);
        assert_eq!(
            pe.offsets().certificate_directory,
            Some(at::CERTIFICATE_DIRECTORY)
        );
        assert_eq!(pe.offsets().section_table, at::SECTIONS[0]);
    }

    #[test]
    fn every_image_is_spoilt_in_a_way_of_its_own() {
        let cases = all();
        let names: BTreeSet<_> = cases.iter().map(|case| case.name).collect();
        assert_eq!(names.len(), cases.len());
        let images: BTreeSet<_> = cases
            .iter()
            .filter_map(|case| match case.making {
                Unsigned(make) => Some(make()),
                Spoilt(_) => None,
            })
            .collect();
        let unsigned = cases
            .iter()
            .filter(|case| matches!(case.making, Unsigned(_)));
        assert_eq!(images.len(), unsigned.count());
    }
}
