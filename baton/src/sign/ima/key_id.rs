//! What an IMA signature names its key by: the end of the certificate's subject key identifier, by which the kernel looks
//! for it in the keyring `.ima` (security/integrity/digsig_asymmetric.c: request_asymmetric_key).

use crate::certificate::fields::subject_key_id;
use baton_verify::Certificate;

/// The last four bytes of the identifier; `None` where the certificate has none.
pub fn of(certificate: &Certificate<'_>) -> Option<[u8; 4]> {
    subject_key_id(certificate.tbs())?.last_chunk().copied()
}
