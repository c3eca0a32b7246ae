//! What is shown of a certificate.

use super::fields::{extension, from_validity, tag};
use super::key_kind::KeyKind;
use crate::calendar;
use crate::digest::sha256;
use crate::input::certs;
use crate::input::der::{Element, Elements, dotted};
use baton_sys::hex;
use baton_verify::Certificate;
use serde::Serialize;

/// All that is shown of a certificate. Numbers and digests are in hexadecimal, times in RFC 3339.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Details {
    /// What its subject is known by.
    pub subject: String,
    /// The whole name of the subject.
    pub subject_dn: String,
    /// The whole name of the issuer.
    pub issuer_dn: String,
    /// Its serial number.
    pub serial: String,
    /// When it begins to be valid.
    pub not_before: Option<String>,
    /// When it expires.
    pub not_after: Option<String>,
    /// Kind and size of its key.
    #[cfg_attr(test, schemars(with = "String"))]
    pub key: KeyKind,
    /// The identifier of its key.
    pub key_id: String,
    /// How its issuer signed it.
    pub signed_with: String,
    /// It says that it is a CA's.
    pub ca: bool,
    /// What its key is for (RFC 5280, 4.2.1.3); none where it doesn't say.
    pub key_usage: Vec<&'static str>,
    /// For which purposes (4.2.1.12), by name or in dots; none where it doesn't say.
    pub extended_key_usage: Vec<String>,
    /// Of the whole certificate: what MokManager and mokutil show.
    pub sha1: String,
    /// Of the whole certificate.
    pub sha256: String,
    /// Of its SubjectPublicKeyInfo: what a policy knows a key by (`key-sha256`).
    pub key_sha256: String,
    /// Why nothing that its key signs is accepted by the gate.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub key_problem: Option<String>,
    /// When it expires, in seconds since 1970.
    #[serde(skip)]
    pub expiry: Option<u64>,
}

impl Details {
    /// Reads them.
    #[must_use]
    pub fn of(certificate: &Certificate<'_>) -> Details {
        let [begin, end] = validity(certificate.tbs()).unwrap_or_default();
        Details {
            subject: certificate.subject_name(),
            subject_dn: distinguished_name(certificate.subject()),
            issuer_dn: distinguished_name(certificate.issuer()),
            serial: hex::encode(certificate.serial()),
            not_before: begin.map(calendar::rfc3339),
            not_after: end.map(calendar::rfc3339),
            key: KeyKind::of(certificate),
            key_id: certificate.key_id().to_string(),
            signed_with: signed_with(certificate.as_bytes()),
            ca: certificate.is_ca(),
            key_usage: key_usage(certificate.tbs()),
            extended_key_usage: purposes(certificate.tbs()),
            sha1: hex::encode(crate::digest::sha1([certificate.as_bytes()])),
            sha256: hex::encode(sha256([certificate.as_bytes()])),
            key_sha256: hex::encode(sha256([certificate.key_info()])),
            key_problem: certs::unusable(certificate),
            expiry: end,
        }
    }

    /// Whether it has expired at this time, in seconds since 1970.
    #[must_use]
    pub fn is_expired(&self, now: u64) -> bool {
        self.expiry.is_some_and(|expiry| expiry < now)
    }

    /// Why the key or the signature on it is weak.
    #[must_use]
    pub fn weakness(&self) -> Option<String> {
        match self.key {
            KeyKind::Rsa(Some(bits @ 0..2048)) => Some(format!("RSA of {bits} bits")),
            _ if ["SHA-1", "MD5"]
                .iter()
                .any(|hash| self.signed_with.starts_with(hash)) =>
            {
                Some(format!("signed with {}", self.signed_with))
            }
            _ => None,
        }
    }
}

/// When it begins to be valid and when it expires.
fn validity(tbs: &[u8]) -> Option<[Option<u64>; 2]> {
    let mut times = from_validity(tbs)?.with_tag(tag::SEQUENCE)?.inside();
    Some([time(&times.next()?), time(&times.next()?)])
}

/// UTCTime or GeneralizedTime in the forms that RFC 5280 prescribes (4.1.2.5).
fn time(element: &Element<'_>) -> Option<u64> {
    let text = std::str::from_utf8(element.value).ok()?.strip_suffix('Z')?;
    let whole = match element.tag {
        // Two digits of the year: from 1950 to 2049.
        tag::UTC_TIME if text.get(..2)? < "50" => format!("20{text}"),
        tag::UTC_TIME => format!("19{text}"),
        _ => text.to_owned(),
    };
    if whole.len() != 14 || !whole.bytes().all(|it| it.is_ascii_digit()) {
        return None;
    }
    let number = |from: usize, to: usize| whole.get(from..to)?.parse().ok();
    let date = [number(0, 4)?, number(4, 6)?, number(6, 8)?];
    calendar::seconds(date, [number(8, 10)?, number(10, 12)?, number(12, 14)?])
}

/// The bits of KeyUsage from the first on (RFC 5280, 4.2.1.3).
const KEY_USAGES: [&str; 9] = [
    "digitalSignature",
    "nonRepudiation",
    "keyEncipherment",
    "dataEncipherment",
    "keyAgreement",
    "keyCertSign",
    "cRLSign",
    "encipherOnly",
    "decipherOnly",
];

fn key_usage(tbs: &[u8]) -> Vec<&'static str> {
    use baton_verify::der::oid;
    let bits = extension(tbs, oid::KEY_USAGE)
        .and_then(|value| Elements(value).with_tag(tag::BIT_STRING))
        .and_then(|bits| bits.value.get(1..));
    let is_set = |bits: &[u8], n: usize| {
        bits.get(n / 8)
            .is_some_and(|byte| byte & (0x80 >> (n % 8)) != 0)
    };
    let names = KEY_USAGES.iter().enumerate();
    let set = names.filter(|(n, _)| bits.is_some_and(|bits| is_set(bits, *n)));
    set.map(|(_, name)| *name).collect()
}

/// What purposes are called. RFC 5280 (4.2.1.12), Microsoft's, and those that shim and Linux know.
const PURPOSES: [(&str, &str); 7] = [
    ("1.3.6.1.5.5.7.3.1", "serverAuth"),
    ("1.3.6.1.5.5.7.3.2", "clientAuth"),
    ("1.3.6.1.5.5.7.3.3", "codeSigning"),
    ("1.3.6.1.4.1.311.10.3.6", "Windows system components"),
    ("1.3.6.1.4.1.311.61.1.1", "Windows kernel mode code"),
    (
        "1.3.6.1.4.1.2312.16.1.1",
        "Linux modules of the firmware's vendor",
    ),
    ("1.3.6.1.4.1.2312.16.1.2", "Linux kernel modules"),
];

fn purposes(tbs: &[u8]) -> Vec<String> {
    use baton_verify::der::oid;
    let list =
        extension(tbs, oid::EXTENDED_KEY_USAGE).and_then(|it| Elements(it).with_tag(tag::SEQUENCE));
    let oids = list.iter().flat_map(|list| list.inside());
    oids.map(|it| {
        let dots = dotted(it.value);
        let name = PURPOSES.iter().find(|(oid, _)| *oid == dots);
        name.map_or(dots, |(_, name)| (*name).to_owned())
    })
    .collect()
}

/// Signature algorithms (RFC 8017, RFC 5758).
const SIGNATURES: [(&str, &str); 10] = [
    ("1.2.840.113549.1.1.4", "MD5 and RSA"),
    ("1.2.840.113549.1.1.5", "SHA-1 and RSA"),
    ("1.2.840.113549.1.1.11", "SHA-256 and RSA"),
    ("1.2.840.113549.1.1.12", "SHA-384 and RSA"),
    ("1.2.840.113549.1.1.13", "SHA-512 and RSA"),
    ("1.2.840.113549.1.1.10", "RSA-PSS"),
    ("1.2.840.10045.4.1", "SHA-1 and ECDSA"),
    ("1.2.840.10045.4.3.2", "SHA-256 and ECDSA"),
    ("1.2.840.10045.4.3.3", "SHA-384 and ECDSA"),
    ("1.2.840.10045.4.3.4", "SHA-512 and ECDSA"),
];

fn signed_with(der: &[u8]) -> String {
    let oid = Elements(der).next().and_then(|whole| {
        let mut fields = whole.inside();
        fields.with_tag(tag::SEQUENCE)?;
        fields.with_tag(tag::SEQUENCE)?.inside().with_tag(tag::OID)
    });
    let dots = oid.map(|oid| dotted(oid.value)).unwrap_or_default();
    let name = SIGNATURES.iter().find(|(oid, _)| *oid == dots);
    name.map_or(dots, |(_, name)| (*name).to_owned())
}

/// What the attributes of names are called (RFC 4519; RFC 2985 for e-mail addresses).
const ATTRIBUTES: [(&str, &str); 8] = [
    ("2.5.4.3", "CN"),
    ("2.5.4.5", "serialNumber"),
    ("2.5.4.6", "C"),
    ("2.5.4.7", "L"),
    ("2.5.4.8", "ST"),
    ("2.5.4.10", "O"),
    ("2.5.4.11", "OU"),
    ("1.2.840.113549.1.9.1", "emailAddress"),
];

/// A Name (RFC 5280, 4.1.2.4), its attributes in their order.
fn distinguished_name(name: &[u8]) -> String {
    let sets = Elements(name).next();
    let sets = sets.iter().flat_map(|name| name.inside());
    let attributes = sets
        .filter(|it| it.tag == tag::SET)
        .flat_map(|set| set.inside());
    let words = attributes.filter_map(|attribute| {
        let mut fields = attribute.inside();
        let dots = dotted(fields.with_tag(tag::OID)?.value);
        let known = ATTRIBUTES.iter().find(|(oid, _)| *oid == dots);
        let name = known.map_or(&dots[..], |(_, name)| name);
        Some(format!("{name}={}", text(&fields.next()?)))
    });
    words.collect::<Vec<_>>().join(", ")
}

fn text(value: &Element<'_>) -> String {
    match value.tag {
        tag::BMP_STRING => {
            let units = value.value.chunks(2);
            let units = units.map(|pair| pair.iter().fold(0, |n, byte| n << 8 | u16::from(*byte)));
            String::from_utf16_lossy(&units.collect::<Vec<_>>())
        }
        _ => String::from_utf8_lossy(value.value).into_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of_tag(tag: u8, text: &str) -> Option<u64> {
        time(&Element {
            tag,
            value: text.as_bytes(),
            raw: b"",
        })
    }

    #[test]
    fn times_are_read_in_both_forms() {
        assert_eq!(of_tag(0x17, "700101000000Z"), Some(0));
        assert_eq!(
            of_tag(0x17, "491231235959Z"),
            of_tag(0x18, "20491231235959Z")
        );
        assert_eq!(of_tag(0x17, "500101000000Z"), None, "it is 1950");
        assert_eq!(of_tag(0x18, "99991231235959Z"), Some(253_402_300_799));
        for wrong in [
            "",
            "Z",
            "20260101000000",
            "2026010100000Z",
            "20261301000000Z",
            "2026010100000aZ",
            "é0260101000000Z",
        ] {
            assert_eq!(of_tag(0x18, wrong), None, "{wrong}");
        }
    }

    #[test]
    fn what_is_no_certificate_has_no_details() {
        for bytes in [
            &b""[..],
            &[0x30],
            &[0x30, 0],
            &[0x30, 2, 0x30, 0],
            &[0xff; 40],
        ] {
            assert_eq!(validity(bytes), None);
            assert!(key_usage(bytes).is_empty() && purposes(bytes).is_empty());
            assert_eq!(signed_with(bytes), "");
            assert_eq!(distinguished_name(bytes), "");
        }
    }
}
