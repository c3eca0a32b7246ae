//! What an IMA signature names its key by: the end of the certificate's subject key identifier, by which the kernel looks
//! for it in the keyring `.ima` (security/integrity/digsig_asymmetric.c: request_asymmetric_key).

use rsa::pkcs8::ObjectIdentifier;
use rsa::pkcs8::der::asn1::AnyRef;
use rsa::pkcs8::der::{Decode, Reader, SliceReader, Tag, TagNumber, Tagged};

/// id-ce-subjectKeyIdentifier (RFC 5280, 4.2.1.2).
const IDENTIFIER: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.29.14");
/// The tag of `extensions [3]` in a TBSCertificate (RFC 5280, 4.1).
const EXTENSIONS: Tag = Tag::ContextSpecific {
    constructed: true,
    number: TagNumber(3),
};

/// The last four bytes of the identifier; `None` where the certificate has none.
pub fn of(certificate: &[u8]) -> Option<[u8; 4]> {
    let certificate = AnyRef::from_der(certificate).ok()?;
    let tbs = elements(certificate.value())?.into_iter().next()?;
    let fields = elements(tbs.value())?;
    let extensions = fields.iter().find(|it| it.tag() == EXTENSIONS)?;
    let list = elements(extensions.value())?.into_iter().next()?;
    let extensions = elements(list.value())?;
    let mut parts = extensions.iter().filter_map(|it| elements(it.value()));
    let identifier = parts.find(|parts| is_identifier(parts))?;
    let octets = identifier
        .last()
        .filter(|it| it.tag() == Tag::OctetString)?;
    let inner = AnyRef::from_der(octets.value()).ok()?;
    inner.value().last_chunk().copied()
}

fn is_identifier(parts: &[AnyRef<'_>]) -> bool {
    let oid = parts
        .first()
        .and_then(|it| it.decode_as::<ObjectIdentifier>().ok());
    oid == Some(IDENTIFIER)
}

/// The elements that bytes are, one after another.
fn elements(bytes: &[u8]) -> Option<Vec<AnyRef<'_>>> {
    let mut reader = SliceReader::new(bytes).ok()?;
    let mut elements = Vec::new();
    while !reader.is_finished() {
        elements.push(AnyRef::decode(&mut reader).ok()?);
    }
    Some(elements)
}
