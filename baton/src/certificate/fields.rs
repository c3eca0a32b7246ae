//! Where things stand in a certificate (RFC 5280, 4.1). What trust depends on is read by `baton_verify`.

use crate::input::der::Elements;
use baton_verify::der::oid;

/// Tags, named as in X.680.
pub(super) mod tag {
    pub const BOOLEAN: u8 = 0x01;
    pub const INTEGER: u8 = 0x02;
    pub const BIT_STRING: u8 = 0x03;
    pub const OCTET_STRING: u8 = 0x04;
    pub const OID: u8 = 0x06;
    pub const BMP_STRING: u8 = 0x1e;
    pub const SEQUENCE: u8 = 0x30;
    pub const SET: u8 = 0x31;
    pub const KEY_IDENTIFIER: u8 = 0x80;
    pub const VERSION: u8 = 0xa0;
    pub const EXTENSIONS: u8 = 0xa3;
    pub const UTC_TIME: u8 = 0x17;
}

/// The fields of a TBSCertificate from its validity on.
pub(super) fn from_validity(tbs: &[u8]) -> Option<Elements<'_>> {
    let mut fields = Elements(tbs).with_tag(tag::SEQUENCE)?.inside();
    let _ = fields.optional(tag::VERSION);
    fields.with_tag(tag::INTEGER)?;
    fields.with_tag(tag::SEQUENCE)?;
    fields.with_tag(tag::SEQUENCE)?;
    Some(fields)
}

/// The value of an extension.
pub(super) fn extension<'a>(tbs: &'a [u8], oid: &[u8]) -> Option<&'a [u8]> {
    let mut fields = from_validity(tbs)?;
    let list = fields
        .find(|it| it.tag == tag::EXTENSIONS)?
        .inside()
        .next()?;
    list.inside().find_map(|extension| {
        let mut fields = extension.inside();
        let is_it = fields.with_tag(tag::OID)?.value == oid;
        let _ = fields.optional(tag::BOOLEAN);
        let value = fields.with_tag(tag::OCTET_STRING)?.value;
        is_it.then_some(value)
    })
}

/// The subject key identifier of a TBSCertificate (4.2.1.2).
#[must_use]
pub fn subject_key_id(tbs: &[u8]) -> Option<&[u8]> {
    let value = extension(tbs, oid::SUBJECT_KEY_ID)?;
    Some(Elements(value).with_tag(tag::OCTET_STRING)?.value)
}

/// The key identifier by which it names its issuer's (4.2.1.1).
#[must_use]
pub fn authority_key_id(tbs: &[u8]) -> Option<&[u8]> {
    let value = extension(tbs, oid::AUTHORITY_KEY_ID)?;
    let mut fields = Elements(value).with_tag(tag::SEQUENCE)?.inside();
    Some(fields.with_tag(tag::KEY_IDENTIFIER)?.value)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::encode::der::element;

    fn tbs(extensions: &[&[u8]]) -> Vec<u8> {
        let empty = element(tag::SEQUENCE, &[]);
        let list = element(tag::SEQUENCE, extensions);
        element(
            tag::SEQUENCE,
            &[
                &element(tag::VERSION, &[&[tag::INTEGER, 1, 2]]),
                &[tag::INTEGER, 1, 1],
                // Algorithm, issuer, validity, subject, key.
                &[&empty[..]; 5].concat(),
                &element(tag::EXTENSIONS, &[&list]),
            ],
        )
    }

    fn with(oid: &[u8], critical: &[u8], value: &[u8]) -> Vec<u8> {
        let id = element(tag::OID, &[oid]);
        let value = element(tag::OCTET_STRING, &[value]);
        element(tag::SEQUENCE, &[&id, critical, &value])
    }

    #[test]
    fn key_identifiers_are_found_with_and_without_critical() {
        let own = element(tag::OCTET_STRING, &[&[1, 2, 3, 4, 5]]);
        let issuers = element(tag::KEY_IDENTIFIER, &[&[0xaa; 200]]);
        let issuers = element(tag::SEQUENCE, &[&issuers, &[0x82, 1, 7]]);
        for critical in [&[][..], &[tag::BOOLEAN, 1, 0xff]] {
            let whole = tbs(&[
                &with(oid::AUTHORITY_KEY_ID, critical, &issuers),
                &with(oid::SUBJECT_KEY_ID, critical, &own),
            ]);
            assert_eq!(subject_key_id(&whole), Some(&[1, 2, 3, 4, 5][..]));
            assert_eq!(authority_key_id(&whole), Some(&[0xaa; 200][..]));
            for len in 0..whole.len() {
                let cut = &whole[..len];
                assert_eq!((subject_key_id(cut), authority_key_id(cut)), (None, None));
            }
        }
    }

    #[test]
    fn what_is_not_there_is_not_found() {
        let no_id = element(tag::SEQUENCE, &[&[0x82, 1, 7]]);
        let whole = tbs(&[&with(oid::AUTHORITY_KEY_ID, &[], &no_id)]);
        assert_eq!(authority_key_id(&whole), None);
        assert_eq!(subject_key_id(&whole), None);
        // The bytes of the identifier's name where it isn't one.
        let elsewhere = tbs(&[&with(
            oid::KEY_USAGE,
            &[],
            &with(oid::SUBJECT_KEY_ID, &[], &[4, 0]),
        )]);
        assert_eq!(subject_key_id(&elsewhere), None);
    }
}
