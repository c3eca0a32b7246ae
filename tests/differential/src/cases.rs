//! Malformed images, and what each tool is known to make of them. docs/authenticode-differences.md
//! is written from this table, so that it says what is tested.

use super::image::{SHAPE, Shape, at, base, build, get32, put, put16, put32};

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

/// Signed images, to be spoilt.
pub struct Signed {
    /// [`base`], signed by sbsign with the trusted key.
    pub once: Vec<u8>,
    /// The same, signed with another key first.
    pub untrusted_first: Vec<u8>,
    /// The same, signed with another key after it.
    pub untrusted_last: Vec<u8>,
    /// Another image, signed with the trusted key.
    pub other: Vec<u8>,
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

/// [`base`] with a change.
fn with(change: impl FnOnce(&mut Vec<u8>)) -> Vec<u8> {
    let mut image = base();
    change(&mut image);
    image
}

fn with16(offset: usize, value: usize) -> Vec<u8> {
    with(|image| put16(image, offset, value))
}

fn with32(offset: usize, value: usize) -> Vec<u8> {
    with(|image| put32(image, offset, value))
}

/// A field of a section's header.
fn section(index: usize, field: usize) -> usize {
    at::SECTIONS[index] + field
}

const FOUR_GIB: usize = u32::MAX as usize;

impl Signed {
    /// The image that is signed once, with a change; the second argument is where its table begins.
    fn with(&self, change: impl FnOnce(&mut Vec<u8>, usize)) -> Vec<u8> {
        let mut image = self.once.clone();
        let table = get32(&image, at::CERTIFICATE_DIRECTORY);
        change(&mut image, table);
        image
    }

    /// The same, where the table's size is to be changed, too.
    fn resized(&self, change: impl FnOnce(&mut Vec<u8>, usize)) -> Vec<u8> {
        self.with(|image, table| {
            change(image, table);
            let size = image.len() - table;
            put32(image, at::CERTIFICATE_DIRECTORY + 4, size);
        })
    }
}

/// The table.
#[allow(clippy::too_many_lines)]
pub fn all() -> Vec<Case> {
    let case = |name, making, outcomes, why| Case {
        name,
        making,
        outcomes,
        why,
    };
    vec![
        case(
            "nothing is wrong",
            Unsigned(base),
            [Accepts, Accepts, Accepts],
            "what the others depart from",
        ),
        // Headers.
        case(
            "no `MZ`",
            Unsigned(|| with(|image| image[0] = b'm')),
            [Refuses, Refuses, Refuses],
            "not a PE file",
        ),
        case(
            "`e_lfanew` past the end of the file",
            Unsigned(|| with32(at::E_LFANEW, 0x10_0000)),
            [Refuses, Refuses, Refuses],
            "no PE header",
        ),
        case(
            "`e_lfanew` of 4 GiB",
            Unsigned(|| with32(at::E_LFANEW, FOUR_GIB)),
            [Refuses, Refuses, Refuses],
            "no PE header",
        ),
        case(
            "PE header inside the DOS header",
            Unsigned(|| build(&Shape { pe: 0x30, ..SHAPE })),
            [Refuses, Accepts, Accepts],
            "a field of both headers would have two meanings",
        ),
        case(
            "no `PE` signature",
            Unsigned(|| with(|image| image[at::PE] = b'p')),
            [Refuses, Refuses, Refuses],
            "not a PE file",
        ),
        case(
            "a 32-bit image (PE32)",
            Unsigned(|| {
                build(&Shape {
                    pe32: true,
                    ..SHAPE
                })
            }),
            [Refuses, Accepts, Accepts],
            "no kernel that Baton starts is one",
        ),
        case(
            "an optional header of unknown kind",
            Unsigned(|| with16(at::OPTIONAL, 0x107)),
            [Refuses, Refuses, Refuses],
            "a ROM image",
        ),
        case(
            "machine type of ARM64",
            Unsigned(|| with16(at::MACHINE, 0xaa64)),
            [Accepts, Accepts, Accepts],
            "the digest is the same; whether it can run here is asked later",
        ),
        case(
            "machine type that nobody has",
            Unsigned(|| with16(at::MACHINE, 0x1234)),
            [Accepts, Refuses, Accepts],
            "the digest is the same, and whether it can run here is asked later; sbsign knows some machines",
        ),
        case(
            "4 data directories",
            Unsigned(|| {
                build(&Shape {
                    directories: 4,
                    ..SHAPE
                })
            }),
            [Refuses, Refuses, Refuses],
            "no room for the certificate table's entry",
        ),
        case(
            "4 data directories in an optional header with 16",
            Unsigned(|| with32(at::DIRECTORY_COUNT, 4)),
            [Refuses, Accepts, Refuses],
            "the certificate table's entry isn't one; sbsign and Linux use it nevertheless",
        ),
        case(
            "5 data directories",
            Unsigned(|| {
                build(&Shape {
                    directories: 5,
                    ..SHAPE
                })
            }),
            [Accepts, Accepts, Accepts],
            "enough for the certificate table",
        ),
        case(
            "17 data directories",
            Unsigned(|| {
                build(&Shape {
                    directories: 17,
                    ..SHAPE
                })
            }),
            [Refuses, Accepts, Accepts],
            "the specification has 16",
        ),
        case(
            "4 GiB of data directories",
            Unsigned(|| with32(at::DIRECTORY_COUNT, FOUR_GIB)),
            [Refuses, Accepts, Accepts],
            "more than the optional header holds; the others don't compare",
        ),
        case(
            "an optional header longer than its directories",
            Unsigned(|| with32(at::DIRECTORY_COUNT, 8)),
            [Refuses, Accepts, Accepts],
            "Linux looks for the section table after the last directory, others after the header",
        ),
        case(
            "an optional header shorter than its directories",
            Unsigned(|| with16(at::OPTIONAL_SIZE, 112 + 8 * 8)),
            [Refuses, Accepts, Accepts],
            "the section table would lie in the directories; osslsigncode doesn't read it, sbsign sees empty sections",
        ),
        case(
            "`SizeOfHeaders` of 0",
            Unsigned(|| with32(at::SIZE_OF_HEADERS, 0)),
            [Refuses, Overruns, Accepts],
            "it must include the section table; osslsigncode doesn't read it",
        ),
        case(
            "`SizeOfHeaders` inside the section table",
            Unsigned(|| with32(at::SIZE_OF_HEADERS, at::SECTIONS[1])),
            [Refuses, OtherDigest, Accepts],
            "it must include the section table; osslsigncode doesn't read it",
        ),
        case(
            "`SizeOfHeaders` one byte short of the first section",
            Unsigned(|| with32(at::SIZE_OF_HEADERS, at::HEADERS - 1)),
            [Refuses, OtherDigest, Accepts],
            "a gap of one byte; osslsigncode doesn't read it",
        ),
        case(
            "`SizeOfHeaders` reaches into the first section",
            Unsigned(|| with32(at::SIZE_OF_HEADERS, at::HEADERS + 0x20)),
            [Refuses, OtherDigest, Accepts],
            "bytes that would be hashed twice; osslsigncode doesn't read it",
        ),
        case(
            "`SizeOfHeaders` past the end of the file",
            Unsigned(|| with32(at::SIZE_OF_HEADERS, 0x10_0000)),
            [Refuses, Overruns, Accepts],
            "osslsigncode doesn't read it",
        ),
        case(
            "`SizeOfHeaders` of 4 GiB",
            Unsigned(|| with32(at::SIZE_OF_HEADERS, FOUR_GIB)),
            [Refuses, Overruns, Accepts],
            "osslsigncode doesn't read it",
        ),
        case(
            "wrong `CheckSum`",
            Unsigned(|| with32(at::CHECKSUM, 0xdead_beef)),
            [Accepts, Accepts, Accepts],
            "in no digest",
        ),
        case(
            "`FileAlignment` and `SectionAlignment` of 0",
            Unsigned(|| {
                with(|image| {
                    put32(image, at::FILE_ALIGNMENT, 0);
                    put32(image, at::SECTION_ALIGNMENT, 0);
                })
            }),
            [Accepts, Accepts, Accepts],
            "of no meaning for the digest",
        ),
        case(
            "a symbol table outside of the file",
            Unsigned(|| with32(at::SYMBOL_TABLE, FOUR_GIB)),
            [Accepts, Accepts, Accepts],
            "nobody reads it",
        ),
        // Sections.
        case(
            "no sections",
            Unsigned(|| with16(at::SECTION_COUNT, 0)),
            [Refuses, Accepts, Accepts],
            "nothing to run",
        ),
        case(
            "96 sections",
            Unsigned(|| {
                build(&Shape {
                    sections: 96,
                    headers: 0x1200,
                    ..SHAPE
                })
            }),
            [Accepts, Accepts, Accepts],
            "as many as the Windows loader takes",
        ),
        case(
            "97 sections",
            Unsigned(|| {
                build(&Shape {
                    sections: 97,
                    headers: 0x1200,
                    ..SHAPE
                })
            }),
            [Refuses, Accepts, Accepts],
            "more than the Windows loader takes",
        ),
        case(
            "65535 sections",
            Unsigned(|| with16(at::SECTION_COUNT, 0xffff)),
            [Refuses, Overruns, Accepts],
            "most of them outside of the file; osslsigncode doesn't read them",
        ),
        case(
            "sections in another order than in the file",
            Unsigned(|| {
                with(|image| {
                    let [first, second, third] = at::SECTIONS;
                    let header = image[first..second].to_vec();
                    image.copy_within(second..third, first);
                    put(image, second, &header);
                })
            }),
            [Accepts, Accepts, Accepts],
            "they are hashed in the order of the file",
        ),
        case(
            "two sections of the same name",
            Unsigned(|| with(|image| put(image, at::SECTIONS[1], b".text"))),
            [Accepts, Accepts, Accepts],
            "of no meaning for the digest",
        ),
        case(
            "two sections over the same bytes",
            Unsigned(|| with32(section(1, at::RAW_OFFSET), at::HEADERS)),
            [Refuses, OtherDigest, Accepts],
            "one would be hashed twice, the other's place not at all",
        ),
        case(
            "sections that overlap in part",
            Unsigned(|| with32(section(0, at::RAW_SIZE), at::SECTION_LEN + 0x10)),
            [Refuses, OtherDigest, Accepts],
            "bytes that would be hashed twice",
        ),
        case(
            "a section over the headers",
            Unsigned(|| with32(section(0, at::RAW_OFFSET), 0)),
            [Refuses, Contradicts, Accepts],
            "bytes that would be hashed twice, and once more with the `CheckSum` that signing changes",
        ),
        case(
            "a section past the end of the file",
            Unsigned(|| with32(section(2, at::RAW_OFFSET), 0x10_0000)),
            [Refuses, Overruns, Accepts],
            "osslsigncode doesn't read section headers",
        ),
        case(
            "a section that reaches past the end of the file",
            Unsigned(|| with32(section(2, at::RAW_SIZE), at::SECTION_LEN + 8)),
            [Refuses, Overruns, Accepts],
            "osslsigncode doesn't read section headers",
        ),
        case(
            "`.sbat` of 4 GiB in the file",
            Unsigned(|| with32(section(2, at::RAW_SIZE), FOUR_GIB)),
            [Refuses, Overruns, Accepts],
            "osslsigncode doesn't read section headers",
        ),
        case(
            "`.sbat` of 4 GiB in memory",
            Unsigned(|| with32(section(2, at::VIRTUAL_SIZE), FOUR_GIB)),
            [Accepts, Accepts, Accepts],
            "the digest is over the file; what is read of the section is never more than the file has",
        ),
        case(
            "a section's offset and size that sum up to 4 GiB",
            Unsigned(|| {
                with(|image| {
                    put32(image, section(2, at::RAW_OFFSET), 0xffff_fe00);
                    put32(image, section(2, at::RAW_SIZE), 0x200);
                })
            }),
            [Refuses, Overruns, Accepts],
            "an overflow in 32 bits; osslsigncode doesn't read section headers",
        ),
        case(
            "a section with more in the file than in memory",
            Unsigned(|| with32(section(1, at::VIRTUAL_SIZE), 1)),
            [Accepts, Accepts, Accepts],
            "all of it is hashed",
        ),
        case(
            "an empty section with a place outside of the file",
            Unsigned(|| {
                with(|image| {
                    put(image, at::SECTIONS[2], b".bss\0");
                    put32(image, section(2, at::RAW_OFFSET), FOUR_GIB);
                    put32(image, section(2, at::RAW_SIZE), 0);
                })
            }),
            [Accepts, Accepts, Accepts],
            "it has no bytes (`.bss` looks so); those that were its own are now after the last section",
        ),
        case(
            "a gap between two sections",
            Unsigned(|| with32(section(0, at::RAW_SIZE), at::SECTION_LEN - 0x20)),
            [Refuses, OtherDigest, Accepts],
            "the specification hashes no gaps: whatever is in it could be changed",
        ),
        case(
            "a gap after the headers",
            Unsigned(|| {
                with(|image| {
                    put32(image, section(0, at::RAW_OFFSET), at::HEADERS + 0x20);
                    put32(image, section(0, at::RAW_SIZE), at::SECTION_LEN - 0x20);
                })
            }),
            [Refuses, OtherDigest, Accepts],
            "the specification hashes no gaps: whatever is in it could be changed",
        ),
        case(
            "bytes after the last section",
            Unsigned(|| with(|image| image.extend([7; 16]))),
            [Accepts, Accepts, Accepts],
            "hashed by all",
        ),
        case(
            "a length that isn't a multiple of 8",
            Unsigned(|| with(|image| image.extend([7; 3]))),
            [Accepts, Accepts, Accepts],
            "padded with zeros, which are hashed",
        ),
        case(
            "cut off in the last section",
            Unsigned(|| with(|image| image.truncate(at::END - 0x100))),
            [Refuses, Overruns, Accepts],
            "osslsigncode doesn't read section headers",
        ),
        case(
            "cut off in the section table",
            Unsigned(|| with(|image| image.truncate(at::SECTIONS[1]))),
            [Refuses, Overruns, Accepts],
            "osslsigncode doesn't read section headers",
        ),
        // Certificate tables.
        case(
            "signed, and nothing is wrong",
            Spoilt(|signed| signed.once.clone()),
            [Accepts, Accepts, Accepts],
            "what the others depart from",
        ),
        case(
            "signed, then a bit of a section changed",
            Spoilt(|signed| signed.with(|image, _| image[at::HEADERS] ^= 1)),
            [Refuses, Refuses, Refuses],
            "another digest",
        ),
        case(
            "signed, then `CheckSum` changed",
            Spoilt(|signed| signed.with(|image, _| put32(image, at::CHECKSUM, 0xdead_beef))),
            [Accepts, Accepts, Accepts],
            "in no digest",
        ),
        case(
            "signed, then the number of data directories changed to 4",
            Spoilt(|signed| signed.with(|image, _| put32(image, at::DIRECTORY_COUNT, 4))),
            [Refuses, Refuses, Refuses],
            "another digest; Linux would still read the entry",
        ),
        case(
            "the signature of another image",
            Spoilt(|signed| {
                let table = get32(&signed.other, at::CERTIFICATE_DIRECTORY);
                let mut image = signed.once[..table].to_vec();
                image.extend(&signed.other[table..]);
                let size = image.len() - table;
                put32(&mut image, at::CERTIFICATE_DIRECTORY + 4, size);
                image
            }),
            [Refuses, Refuses, Refuses],
            "another digest",
        ),
        case(
            "a certificate table of size 0",
            Spoilt(|signed| signed.with(|image, _| put32(image, at::CERTIFICATE_DIRECTORY + 4, 0))),
            [Refuses, Refuses, Refuses],
            "not signed, and the signature's bytes follow the last section",
        ),
        case(
            "a certificate table of size 7",
            Spoilt(|signed| signed.with(|image, _| put32(image, at::CERTIFICATE_DIRECTORY + 4, 7))),
            [Refuses, Refuses, Refuses],
            "shorter than an entry's header",
        ),
        case(
            "a certificate table of size 8",
            Spoilt(|signed| {
                signed.with(|image, table| {
                    put32(image, at::CERTIFICATE_DIRECTORY + 4, 8);
                    put32(image, table, 8);
                    image.truncate(table + 8);
                })
            }),
            [Refuses, Refuses, Refuses],
            "an entry without data",
        ),
        case(
            "a certificate table of 4 GiB",
            Spoilt(|signed| {
                signed.with(|image, _| put32(image, at::CERTIFICATE_DIRECTORY + 4, FOUR_GIB))
            }),
            [Refuses, Crashes, Refuses],
            "past the end of the file; sbverify looks for entries without end",
        ),
        case(
            "a certificate table past the end of the file",
            Spoilt(|signed| {
                signed.with(|image, _| put32(image, at::CERTIFICATE_DIRECTORY, 0x10_0000))
            }),
            [Refuses, Overruns, Refuses],
            "no signature",
        ),
        case(
            "a certificate table in the headers",
            Spoilt(|signed| {
                signed.with(|image, _| {
                    let size = image.len() - 0x200;
                    put32(image, at::CERTIFICATE_DIRECTORY, 0x200);
                    put32(image, at::CERTIFICATE_DIRECTORY + 4, size);
                })
            }),
            [Refuses, Refuses, Refuses],
            "no signature there",
        ),
        case(
            "a certificate table in the last section",
            Spoilt(|signed| {
                signed.with(|image, table| {
                    let size = image.len() - table + 8;
                    put32(image, at::CERTIFICATE_DIRECTORY, table - 8);
                    put32(image, at::CERTIFICATE_DIRECTORY + 4, size);
                })
            }),
            [Refuses, Refuses, Refuses],
            "no signature there",
        ),
        case(
            "a certificate table that isn't 8-aligned",
            Spoilt(|signed| {
                signed.with(|image, table| {
                    image.splice(table..table, [0; 4]);
                    put32(image, at::CERTIFICATE_DIRECTORY, table + 4);
                })
            }),
            [Refuses, Refuses, Refuses],
            "the bytes before it are hashed",
        ),
        case(
            "bytes between the image and its certificate table",
            Spoilt(|signed| {
                signed.with(|image, table| {
                    image.splice(table..table, [0; 8]);
                    put32(image, at::CERTIFICATE_DIRECTORY, table + 8);
                })
            }),
            [Refuses, Refuses, Refuses],
            "they are hashed",
        ),
        case(
            "bytes after the certificate table",
            Spoilt(|signed| signed.with(|image, _| image.extend([7; 8]))),
            [Refuses, Refuses, Refuses],
            "Baton and osslsigncode want the table to be last; sbverify hashes what follows",
        ),
        case(
            "zeros after the entry, in the table",
            Spoilt(|signed| signed.resized(|image, _| image.extend([0; 8]))),
            [Refuses, Accepts, Refuses],
            "no digest covers them; osslsigncode wants one entry that fills the table",
        ),
        case(
            "bytes after the entry, in the table",
            Spoilt(|signed| signed.resized(|image, _| image.extend([7; 8]))),
            [Refuses, Accepts, Refuses],
            "no digest covers them (CVE-2013-3900)",
        ),
        case(
            "bytes after the signature, in its entry",
            Spoilt(|signed| {
                signed.resized(|image, table| {
                    image.extend([7; 8]);
                    let length = image.len() - table;
                    put32(image, table, length);
                })
            }),
            [Refuses, Accepts, Accepts],
            "no digest covers them (CVE-2013-3900)",
        ),
        case(
            "16 zeros after the signature, in its entry",
            Spoilt(|signed| {
                signed.resized(|image, table| {
                    image.extend([0; 16]);
                    let length = image.len() - table;
                    put32(image, table, length);
                })
            }),
            [Refuses, Accepts, Accepts],
            "more than the padding to 8 bytes",
        ),
        case(
            "an entry of length 0",
            Spoilt(|signed| signed.with(|image, table| put32(image, table, 0))),
            [Refuses, Refuses, Refuses],
            "an entry without data",
        ),
        case(
            "an entry of length 8",
            Spoilt(|signed| signed.with(|image, table| put32(image, table, 8))),
            [Refuses, Refuses, Refuses],
            "an entry without data",
        ),
        case(
            "an entry longer than the table",
            Spoilt(|signed| {
                signed.with(|image, table| {
                    let length = image.len() - table + 8;
                    put32(image, table, length);
                })
            }),
            [Refuses, Accepts, Refuses],
            "past the end of the file",
        ),
        case(
            "an entry of 4 GiB",
            Spoilt(|signed| signed.with(|image, table| put32(image, table, FOUR_GIB))),
            [Refuses, Refuses, Refuses],
            "past the end of the file",
        ),
        case(
            "an entry of revision 1",
            Spoilt(|signed| signed.with(|image, table| put16(image, table + 4, 0x100))),
            [Refuses, Refuses, Refuses],
            "of no use since Windows 2000",
        ),
        case(
            "an entry of type 1, an X.509 certificate",
            Spoilt(|signed| signed.with(|image, table| put16(image, table + 6, 1))),
            [Refuses, Refuses, Refuses],
            "not a signature",
        ),
        case(
            "two signatures, the first by another key",
            Spoilt(|signed| signed.untrusted_first.clone()),
            [Accepts, Accepts, Refuses],
            "one that is trusted is enough; osslsigncode wants one entry that fills the table, Linux looks at the first alone",
        ),
        case(
            "two signatures, the second by another key",
            Spoilt(|signed| signed.untrusted_last.clone()),
            [Accepts, Accepts, Refuses],
            "one that is trusted is enough; osslsigncode wants one entry that fills the table",
        ),
        case(
            "two signatures, the first of length 0",
            Spoilt(|signed| {
                let mut image = signed.untrusted_first.clone();
                let table = get32(&image, at::CERTIFICATE_DIRECTORY);
                put32(&mut image, table, 0);
                image
            }),
            [Refuses, Refuses, Refuses],
            "an entry without data hides the next one",
        ),
    ]
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
