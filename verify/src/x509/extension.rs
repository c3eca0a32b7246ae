//! The certificate extensions that are judged (RFC 5280, 4.2.1).

use crate::der::oid;
use crate::der::{Element, Elements, Malformed, Tag, primitive};

/// What a certificate's extensions say about the matters judged here.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Extensions<'a> {
    pub(crate) subject_key_id: Option<&'a [u8]>,
    pub(crate) authority_key_id: Option<&'a [u8]>,
    pub(crate) basic_constraints: Option<BasicConstraints>,
    /// The KeyUsage bit keyCertSign, where there is a KeyUsage.
    pub(crate) may_sign_certificates: Option<bool>,
    /// Where there is an ExtendedKeyUsage, whether it lists the signing of kernel modules.
    pub(crate) signs_modules: Option<bool>,
    /// There is a critical extension whose meaning isn't known here.
    pub(crate) unknown_critical: bool,
}

/// BasicConstraints (RFC 5280, 4.2.1.9).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct BasicConstraints {
    pub(crate) ca: bool,
    /// How many intermediate certificates may follow, where limited.
    pub(crate) path_len: Option<u8>,
}

impl<'a> Extensions<'a> {
    /// Reads the contents of `[3]` of a TBSCertificate.
    pub(crate) fn parse(explicit: &Element<'a>) -> Result<Self, Malformed> {
        let mut outer = explicit.elements("Extensions");
        let mut list = outer.sequence("Extensions")?;
        outer.finish()?;
        // None at all should be left out; older go-uefi writes an empty list.
        let mut found = Self::default();
        while !list.is_empty() {
            found.read_one(&mut list)?;
        }
        Ok(found)
    }

    fn read_one(&mut self, list: &mut Elements<'a>) -> Result<(), Malformed> {
        let mut fields = list.sequence("Extension")?;
        let id = fields.oid()?;
        let critical = boolean(&mut fields)?;
        let value = fields.expect(Tag::OCTET_STRING)?.value;
        fields.finish()?;

        if id == oid::SUBJECT_KEY_ID {
            set(&mut self.subject_key_id, subject_key_id(value)?, &fields)
        } else if id == oid::AUTHORITY_KEY_ID {
            // An identifier without a key identifier is as good as none.
            let key_id = authority_key_id(value)?.unwrap_or_default();
            set(&mut self.authority_key_id, key_id, &fields)
        } else if id == oid::BASIC_CONSTRAINTS {
            set(
                &mut self.basic_constraints,
                basic_constraints(value)?,
                &fields,
            )
        } else if id == oid::KEY_USAGE {
            set(
                &mut self.may_sign_certificates,
                key_cert_sign(value)?,
                &fields,
            )
        } else if id == oid::EXTENDED_KEY_USAGE {
            set(&mut self.signs_modules, signs_modules(value)?, &fields)
        } else {
            self.unknown_critical |= critical;
            Ok(())
        }
    }
}

/// An extension may be there once only.
fn set<T>(slot: &mut Option<T>, value: T, within: &Elements<'_>) -> Result<(), Malformed> {
    match slot.replace(value) {
        None => Ok(()),
        Some(_) => Err(within.malformed()),
    }
}

/// BOOLEAN DEFAULT FALSE. Strict DER leaves FALSE out; it is taken here when written, since
/// real CAs do so and it can't mean anything else.
fn boolean(fields: &mut Elements<'_>) -> Result<bool, Malformed> {
    match fields.optional(Tag::BOOLEAN)?.map(|element| element.value) {
        None | Some([0]) => Ok(false),
        Some([0xff]) => Ok(true),
        Some(_) => Err(fields.malformed()),
    }
}

fn subject_key_id(value: &[u8]) -> Result<&[u8], Malformed> {
    let element = Element::whole(value, "SubjectKeyIdentifier")?;
    match element.tag {
        Tag::OCTET_STRING => Ok(element.value),
        _ => Err(Malformed {
            what: "SubjectKeyIdentifier",
        }),
    }
}

fn authority_key_id(value: &[u8]) -> Result<Option<&[u8]>, Malformed> {
    let mut outer = Elements::new(value, "AuthorityKeyIdentifier");
    let mut fields = outer.sequence("AuthorityKeyIdentifier")?;
    outer.finish()?;
    let key_id = fields.optional(primitive(0))?.map(|element| element.value);
    while !fields.is_empty() {
        // The issuer's names and serial number: redundant with the issuer field.
        fields.any()?.check("AuthorityKeyIdentifier")?;
    }
    Ok(key_id)
}

fn basic_constraints(value: &[u8]) -> Result<BasicConstraints, Malformed> {
    let mut outer = Elements::new(value, "BasicConstraints");
    let mut fields = outer.sequence("BasicConstraints")?;
    outer.finish()?;
    let ca = boolean(&mut fields)?;
    let path_len = if fields.is_empty() {
        None
    } else {
        // A limit beyond 255 limits nothing here.
        match fields.unsigned()? {
            [limit] => Some(*limit),
            _ => None,
        }
    };
    fields.finish()?;
    Ok(BasicConstraints { ca, path_len })
}

/// ExtKeyUsageSyntax (RFC 5280, 4.2.1.12). Of its purposes one alone is judged.
fn signs_modules(value: &[u8]) -> Result<bool, Malformed> {
    let mut outer = Elements::new(value, "ExtKeyUsageSyntax");
    let mut purposes = outer.sequence("ExtKeyUsageSyntax")?;
    outer.finish()?;
    let mut found = false;
    while !purposes.is_empty() {
        found |= purposes.oid()? == oid::EKU_MODULE_SIGNING;
    }
    Ok(found)
}

/// Bit 5 of KeyUsage (RFC 5280, 4.2.1.3).
fn key_cert_sign(value: &[u8]) -> Result<bool, Malformed> {
    let element = Element::whole(value, "KeyUsage")?;
    match (element.tag, element.value) {
        (Tag::BIT_STRING, [0..=7, bits @ ..]) => {
            Ok(bits.first().is_some_and(|first| first & 0x04 != 0))
        }
        _ => Err(Malformed { what: "KeyUsage" }),
    }
}
