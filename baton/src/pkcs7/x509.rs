//! Certificates, as crypto/asymmetric_keys/x509_cert_parser.c and x509_public_key.c in Linux read them.

use super::ber::{
    BIT_STRING, BOOLEAN, Element, Elements, GENERALIZED_TIME, INTEGER, OCTET_STRING, OID, SEQUENCE,
    UTC_TIME, constructed, malformed,
};
use super::crypto::{Knows, PublicKey, Signature, Stop, certificate_algorithm};
use super::{Refusal, refused};
use crate::calendar;
use baton_sys::kexec_error::errno::{EINVAL, EKEYREJECTED, ENOENT, ENOPKG};
use baton_verify::der::oid;
use std::ops::RangeInclusive;

/// A certificate.
#[derive(Debug, Clone)]
pub struct X509<'a> {
    /// All of it.
    pub raw: &'a [u8],
    /// Its serial number, as an INTEGER has it.
    pub serial: &'a [u8],
    /// The contents of the issuer's name.
    pub issuer: &'a [u8],
    /// The contents of the subject's name.
    pub subject: &'a [u8],
    /// From when to when it is valid, in seconds since 1970.
    pub valid: RangeInclusive<i64>,
    /// The subject's key.
    pub key: PublicKey<'a>,
    /// The identifier of that key, as the certificate says.
    pub subject_key_id: Option<&'a [u8]>,
    /// What it says of its issuer's certificate.
    pub authority: Authority<'a>,
    /// The issuer's signature.
    pub signature: Signature<'a>,
    /// It was signed with its own key.
    pub self_signed: bool,
}

/// What a certificate calls its issuer's by.
#[derive(Debug, Clone, Copy, Default)]
pub struct Authority<'a> {
    /// Its issuer and serial number.
    pub id: Option<(&'a [u8], &'a [u8])>,
    /// Its subject key identifier.
    pub key_id: Option<&'a [u8]>,
}

impl<'a> X509<'a> {
    /// Reads one (x509_cert_parse).
    ///
    /// # Errors
    /// The kernel's.
    pub fn parse(whole: Element<'a>, knows: Knows<'_>) -> Result<Self, Stop> {
        let mut fields = whole.elements();
        let tbs = fields.expect(SEQUENCE)?;
        let outer = fields.inside(SEQUENCE)?.expect(OID)?.value;
        let bits = fields.expect(BIT_STRING)?.value;
        let mut fields = tbs.elements();
        fields.optional(constructed(0))?;
        let serial = fields.expect(INTEGER)?.value;
        let inner = fields.inside(SEQUENCE)?.expect(OID)?.value;
        let (kind, hash) = certificate_algorithm(inner).ok_or_else(|| refused(ENOPKG))?;
        if inner != outer {
            return Err(refused(EINVAL).into());
        }
        let issuer = fields.expect(SEQUENCE)?.value;
        let mut validity = fields.inside(SEQUENCE)?;
        let valid = time(&validity.any()?)?..=time(&validity.any()?)?;
        let subject = fields.expect(SEQUENCE)?.value;
        let key = PublicKey::parse(fields.inside(SEQUENCE)?)?;
        let extensions = Extensions::read(fields)?;
        let (_, bytes) = bits.split_first().ok_or_else(malformed)?;
        let mut certificate = X509 {
            raw: whole.raw,
            serial,
            issuer,
            subject,
            valid,
            key,
            subject_key_id: extensions.subject_key_id,
            authority: extensions.authority,
            signature: Signature {
                kind,
                hash,
                digest: hash.hash([tbs.raw]),
                bytes,
            },
            self_signed: false,
        };
        certificate.self_signed = certificate.check_self_signed(knows)?;
        Ok(certificate)
    }

    /// Reads the one that these bytes are.
    ///
    /// # Errors
    /// As [`Self::parse`].
    pub fn whole(der: &'a [u8], knows: Knows<'_>) -> Result<Self, Stop> {
        let mut elements = Elements(der);
        X509::parse(elements.expect(SEQUENCE)?, knows)
    }

    /// Those that lie one after another; what can't be read is left out.
    pub fn each(ders: &'a [u8], knows: Knows<'_>) -> impl Iterator<Item = X509<'a>> {
        let mut rest = Elements(ders);
        let elements = std::iter::from_fn(move || rest.optional(SEQUENCE).ok().flatten());
        elements.filter_map(move |element| X509::parse(element, knows).ok())
    }

    /// x509_check_for_self_signed: what says that it is signed with its own key must be.
    fn check_self_signed(&self, knows: Knows<'_>) -> Result<bool, Stop> {
        if self.subject != self.issuer {
            return Ok(false);
        }
        let authority = self.authority;
        if authority.id.is_some() || authority.key_id.is_some() {
            let by_key = authority.key_id.is_some() && authority.key_id == self.subject_key_id;
            let by_id = authority.id == Some(self.id());
            if !by_key && !by_id {
                return Ok(false);
            }
            if by_key != by_id && authority.id.is_some() && authority.key_id.is_some() {
                return Err(refused(EKEYREJECTED).into());
            }
        }
        match self.key.check(&self.signature, knows) {
            // Nobody can say, so it isn't held to be.
            Err(Stop::Refused(error)) if error.errno() == ENOPKG => Ok(false),
            Err(Stop::Refused(error)) if error.errno() == ENOENT => Err(error.into()),
            Err(other) => Err(other.or_because("a certificate in the signature was altered")),
            Ok(()) => Ok(true),
        }
    }

    /// What it is named by: issuer and serial number.
    #[must_use]
    pub fn id(&self) -> (&'a [u8], &'a [u8]) {
        (self.issuer, self.serial)
    }

    /// Whether this certificate names `issuer` as its issuer's, by its authority key identifier.
    #[must_use]
    pub fn names(&self, issuer: &X509<'_>) -> bool {
        match self.authority {
            Authority { id: Some(id), .. } => id == issuer.id(),
            Authority {
                key_id: Some(key_id),
                ..
            } => issuer.subject_key_id == Some(key_id),
            _ => false,
        }
    }
}

#[derive(Default)]
struct Extensions<'a> {
    subject_key_id: Option<&'a [u8]>,
    authority: Authority<'a>,
}

impl<'a> Extensions<'a> {
    /// What follows the key: unique identifiers, and extensions (x509_process_extension).
    fn read(mut fields: Elements<'a>) -> Result<Self, Refusal> {
        let mut found = Extensions::default();
        while !fields.is_empty() {
            let field = fields.any()?;
            if field.tag != constructed(3) {
                continue;
            }
            let mut list = field.elements().inside(SEQUENCE)?;
            while !list.is_empty() {
                let mut extension = list.inside(SEQUENCE)?;
                let id = extension.expect(OID)?.value;
                extension.optional(BOOLEAN)?;
                let value = extension.expect(OCTET_STRING)?.value;
                match id {
                    oid::SUBJECT_KEY_ID => {
                        found.subject_key_id = Some(Elements(value).expect(OCTET_STRING)?.value);
                    }
                    oid::AUTHORITY_KEY_ID => found.authority = authority(value)?,
                    _ => {}
                }
            }
        }
        Ok(found)
    }
}

/// AuthorityKeyIdentifier (RFC 5280, 4.2.1.1).
fn authority(value: &[u8]) -> Result<Authority<'_>, Refusal> {
    let mut fields = Elements(value).inside(SEQUENCE)?;
    let key_id = fields.optional(0x80)?.map(|element| element.value);
    let names = fields.optional(constructed(1))?;
    let serial = fields.optional(0x82)?.map(|element| element.value);
    let mut issuer = None;
    if let Some(names) = names {
        let mut names = names.elements();
        while !names.is_empty() {
            let name = names.any()?;
            // directoryName
            if name.tag == constructed(4) {
                issuer = Some(name.elements().expect(SEQUENCE)?.value);
            }
        }
    }
    Ok(Authority {
        id: issuer.zip(serial),
        key_id,
    })
}

/// x509_decode_time, in seconds since 1970.
///
/// # Errors
/// EBADMSG.
pub(super) fn time(element: &Element<'_>) -> Result<i64, Refusal> {
    seconds(element).ok_or_else(malformed)
}

fn seconds(element: &Element<'_>) -> Option<i64> {
    let text = std::str::from_utf8(element.value).ok()?;
    let (digits, zone) = text.split_at_checked(text.len().checked_sub(1)?)?;
    let number = |at: usize| digits.get(at..at + 2)?.parse::<u64>().ok();
    let is_right = zone == "Z" && digits.bytes().all(|byte| byte.is_ascii_digit());
    let (year, rest) = match (element.tag, digits.len(), is_right) {
        (UTC_TIME, 12, true) => {
            let year = number(0)?;
            (year + if year >= 50 { 1900 } else { 2000 }, 2)
        }
        (GENERALIZED_TIME, 14, true) => {
            let year = number(0)? * 100 + number(2)?;
            // Those are written the other way.
            (!(1950..=2049).contains(&year)).then_some((year, 4))?
        }
        _ => return None,
    };
    let field = |n: usize| number(rest + 2 * n);
    let date = [year, field(0)?, field(1)?];
    let time = [field(2)?, field(3)?, field(4)?];
    i64::try_from(calendar::seconds(date, time)?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_seconds_since_1970() {
        let time = |tag, text: &'static str| {
            seconds(&Element {
                tag,
                value: text.as_bytes(),
                raw: b"",
            })
        };
        assert_eq!(time(UTC_TIME, "700101000000Z"), Some(0));
        assert_eq!(time(UTC_TIME, "260228235959Z"), Some(1_772_323_199));
        assert_eq!(time(UTC_TIME, "000229000000Z"), Some(951_782_400));
        assert_eq!(time(UTC_TIME, "010229000000Z"), None);
        assert_eq!(time(UTC_TIME, "490101000000Z"), Some(2_493_072_000));
        assert_eq!(
            time(GENERALIZED_TIME, "21000101000000Z"),
            Some(4_102_444_800)
        );
        assert_eq!(time(GENERALIZED_TIME, "20300101000000Z"), None);
        assert_eq!(time(UTC_TIME, "7001010000Z"), None);
        assert_eq!(time(UTC_TIME, "700101000000+"), None);
        assert_eq!(time(UTC_TIME, ""), None);
    }
}
