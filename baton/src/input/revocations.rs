//! Lists of what is revoked: as they are published, and how many entries of which kind they have.

use baton_formats::efi::Guid;
use baton_formats::reader::Reader;
use baton_formats::siglist::{self, SigListError, Signature, SignatureLists, SignatureType};
use baton_verify::Certificate;
use serde::Serialize;
use std::fmt;

/// The length of EFI_TIME, an update's time stamp (UEFI specification 2.10, 8.2.2 and 8.3).
const TIME_LEN: usize = 16;
/// The length of WIN_CERTIFICATE_UEFI_GUID without its data: WIN_CERTIFICATE (8), then a GUID (32.2.4).
const CERTIFICATE_HEADER_LEN: usize = 24;
/// WIN_CERTIFICATE's wRevision, and wCertificateType WIN_CERT_TYPE_EFI_GUID (32.2.4).
const REVISION_AND_TYPE: [u8; 4] = [0x00, 0x02, 0xf1, 0x0e];
/// EFI_CERT_TYPE_PKCS7_GUID, 4aafd29d-68df-49ee-8aa9-347d375665a7.
const PKCS7_GUID: [u8; 16] = [
    0x9d, 0xd2, 0xaf, 0x4a, 0xdf, 0x68, 0xee, 0x49, 0x8a, 0xa9, 0x34, 0x7d, 0x37, 0x56, 0x65, 0xa7,
];

/// The attributes that a variable may have (8.2.1, EFI_VARIABLE_NON_VOLATILE and what follows).
const ATTRIBUTES: u32 = 0x7f;
/// What the lists of a dbx, or of MokListX, are of.
const LIST_TYPES: [Guid; 5] = [
    siglist::X509_GUID,
    siglist::SHA256_GUID,
    siglist::X509_SHA256_GUID,
    siglist::X509_SHA384_GUID,
    siglist::X509_SHA512_GUID,
];

/// Who owns the version numbers of Windows's boot manager in a dbx, 9d132b6c-59d5-4388-ab1c-185cfcb2eb92:
/// they are written as SHA-256 digests, and are none ("svns" in the lists that Microsoft publishes).
const VERSION_OWNER: [u8; 16] = [
    0x6c, 0x2b, 0x13, 0x9d, 0xd5, 0x59, 0x88, 0x43, 0xab, 0x1c, 0x18, 0x5c, 0xfc, 0xb2, 0xeb, 0x92,
];

/// How many entries there are, by what they revoke.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Count {
    /// Certificates; whatever else has their keys is revoked, too.
    pub certificates: usize,
    /// Certificates that can't be read, which revoke nothing but themselves.
    pub unreadable_certificates: usize,
    /// Digests of certificates.
    pub certificate_digests: usize,
    /// SHA-256 digests of images.
    pub image_digests: usize,
    /// Entries of kinds that revoke nothing here, such as SHA-1 digests, bare keys, and version numbers
    /// of Windows's boot manager.
    pub without_effect: usize,
}

impl Count {
    /// Counts the entries of EFI signature lists that lie one after another.
    ///
    /// # Errors
    /// If they are malformed.
    pub fn of(lists: &[u8]) -> Result<Count, SigListError> {
        let mut count = Count::default();
        for list in SignatureLists::new(lists) {
            for entry in list?.signatures() {
                *count.of_kind(&entry) += 1;
            }
        }
        Ok(count)
    }

    fn of_kind(&mut self, entry: &Signature<'_>) -> &mut usize {
        match entry.kind {
            SignatureType::X509 if Certificate::parse(entry.data).is_ok() => &mut self.certificates,
            SignatureType::X509 => &mut self.unreadable_certificates,
            SignatureType::Sha256 if entry.owner == VERSION_OWNER => &mut self.without_effect,
            SignatureType::Sha256 => &mut self.image_digests,
            SignatureType::X509Sha256 | SignatureType::X509Sha384 | SignatureType::X509Sha512 => {
                &mut self.certificate_digests
            }
            SignatureType::Other(_) => &mut self.without_effect,
        }
    }

    /// How many of them revoke something.
    #[must_use]
    pub fn effective(&self) -> usize {
        self.certificates
            + self.unreadable_certificates
            + self.certificate_digests
            + self.image_digests
    }
}

impl fmt::Display for Count {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let counts = [
            (self.certificates, "certificates"),
            (
                self.unreadable_certificates,
                "certificates that can't be read, which revoke themselves alone",
            ),
            (self.certificate_digests, "digests of certificates"),
            (self.image_digests, "digests of images"),
            (
                self.without_effect,
                "entries of other kinds, which revoke nothing here",
            ),
        ];
        let there = counts.iter().filter(|(count, _)| *count > 0);
        let words: Vec<String> = there
            .map(|(count, what)| format!("{what}: {count}"))
            .collect();
        if words.is_empty() {
            f.write_str("nothing")
        } else {
            f.write_str(&words.join("; "))
        }
    }
}

/// The signature lists in a file that is nothing else, or is an update of dbx as it is published: a
/// time, a signature (which isn't judged), and the lists; or a variable as efivarfs has it: its
/// attributes, and the lists.
///
/// # Errors
/// Says what is wrong: none of these, or nothing in it that revokes anything.
pub fn parse(file: &[u8]) -> Result<&[u8], String> {
    let lists = if is_update(file) {
        without_signature(file).ok_or("the signature before its lists ends too early")?
    } else {
        without_attributes(file).unwrap_or(file)
    };
    let count = Count::of(lists).map_err(|e| e.to_string())?;
    match count.effective() {
        0 => Err("nothing in it revokes anything here".into()),
        _ => Ok(lists),
    }
}

/// EFI_VARIABLE_AUTHENTICATION_2 (8.2.2), known by its certificate's type. Where a signature list has
/// these bytes, there are its signatures' size and the first one's owner.
fn is_update(file: &[u8]) -> bool {
    let kind = file.get(TIME_LEN + 4..TIME_LEN + CERTIFICATE_HEADER_LEN);
    kind == Some(&[&REVISION_AND_TYPE[..], &PKCS7_GUID].concat())
}

/// Known by the type of the first list, which is a GUID in either case: none of those that lists are of
/// has another one 4 bytes further on.
fn without_attributes(file: &[u8]) -> Option<&[u8]> {
    let (attributes, lists) = file.split_first_chunk()?;
    let attributes = u32::from_le_bytes(*attributes);
    let known = LIST_TYPES.iter().any(|kind| lists.starts_with(kind));
    (known && attributes & !ATTRIBUTES == 0).then_some(lists)
}

fn without_signature(file: &[u8]) -> Option<&[u8]> {
    let mut reader = Reader::new(file);
    reader.skip(TIME_LEN).ok()?;
    // dwLength counts the certificate's header, too.
    let length = usize::try_from(reader.u32().ok()?).ok()?;
    let data = length.checked_sub(CERTIFICATE_HEADER_LEN)?;
    reader.skip(CERTIFICATE_HEADER_LEN - 4).ok()?;
    reader.skip(data).ok()?;
    Some(reader.rest())
}

#[cfg(test)]
mod tests {
    use super::*;
    use baton_formats::siglist::{SHA256_GUID, X509_GUID, X509_SHA384_GUID};

    fn list(kind: [u8; 16], data: &[u8]) -> Vec<u8> {
        let size = u32::try_from(16 + data.len()).unwrap();
        let mut list = kind.to_vec();
        for field in [28 + size, 0, size] {
            list.extend(field.to_le_bytes());
        }
        list.extend([0x5a; 16]);
        list.extend(data);
        list
    }

    fn update(lists: &[u8]) -> Vec<u8> {
        let signature = [0x30, 0x80, 1, 2, 3];
        let length = u32::try_from(CERTIFICATE_HEADER_LEN + signature.len()).unwrap();
        let header = [&[7; TIME_LEN][..], &length.to_le_bytes()].concat();
        [
            &header[..],
            &REVISION_AND_TYPE,
            &PKCS7_GUID,
            &signature,
            lists,
        ]
        .concat()
    }

    fn every_kind() -> Vec<u8> {
        [
            list(X509_GUID, b"no certificate"),
            list(SHA256_GUID, &[1; 32]),
            list(SHA256_GUID, &[2; 32]),
            list(X509_SHA384_GUID, &[3; 64]),
            list([0x26; 16], &[4; 20]),
        ]
        .concat()
    }

    #[test]
    fn entries_are_counted_by_what_they_revoke() {
        let count = Count::of(&every_kind()).unwrap();
        assert_eq!(count.image_digests, 2);
        assert_eq!(count.certificate_digests, 1);
        assert_eq!(count.unreadable_certificates, 1);
        assert_eq!(count.without_effect, 1);
        assert_eq!(count.effective(), 4);
        let words = count.to_string();
        assert!(words.contains("digests of images: 2"), "{words}");
        assert!(words.contains("revoke nothing here"), "{words}");
        assert_eq!(Count::default().to_string(), "nothing");
    }

    #[test]
    fn version_numbers_are_no_digests() {
        let mut version = list(SHA256_GUID, &[1; 32]);
        version[28..44].copy_from_slice(&VERSION_OWNER);
        let count = Count::of(&version).unwrap();
        assert_eq!((count.effective(), count.without_effect), (0, 1));
    }

    #[test]
    fn lists_are_taken_alone_and_out_of_an_update() {
        let lists = every_kind();
        assert_eq!(parse(&lists), Ok(&lists[..]));
        assert_eq!(parse(&update(&lists)), Ok(&lists[..]));
    }

    #[test]
    fn lists_are_taken_out_of_a_variable_as_efivarfs_has_it() {
        for kind in LIST_TYPES {
            let data = match kind {
                siglist::X509_GUID => 7,
                siglist::SHA256_GUID => 32,
                siglist::X509_SHA256_GUID => 48,
                siglist::X509_SHA384_GUID => 64,
                _ => 80,
            };
            let lists = list(kind, &vec![1; data]);
            // Of MokListXRT, of dbx.
            for attributes in [6_u8, 0x27] {
                let variable = [&[attributes, 0, 0, 0], &lists[..]].concat();
                assert_eq!(parse(&variable), Ok(&lists[..]));
                for len in 0..variable.len() {
                    assert!(parse(&variable[..len]).is_err(), "{len}");
                }
            }
            assert!(parse(&[&[0, 0, 0, 0x80], &lists[..]].concat()).is_err());
        }
    }

    #[test]
    fn an_update_cut_anywhere_is_refused() {
        let update = update(&list(SHA256_GUID, &[1; 32]));
        for len in 0..update.len() {
            assert!(parse(&update[..len]).is_err(), "{len}");
        }
    }

    #[test]
    fn an_update_whose_signature_does_not_fit_is_refused() {
        for length in [0_u32, 23, 4096, u32::MAX] {
            let mut update = update(&list(SHA256_GUID, &[1; 32]));
            update[TIME_LEN..TIME_LEN + 4].copy_from_slice(&length.to_le_bytes());
            assert!(parse(&update).is_err(), "{length}");
        }
    }

    #[test]
    fn what_revokes_nothing_is_refused() {
        for lists in [vec![], list([0x26; 16], &[4; 20]), update(&[])] {
            let why = parse(&lists).unwrap_err();
            assert!(why.contains("nothing in it"), "{why}");
        }
    }
}
