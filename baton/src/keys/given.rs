//! Certificates as they are given to `baton keys`: in a file, by the installed gate, or by an ID.

use super::args::MachineArgs;
use super::inventory::{Inventory, Listed};
use crate::failure::Result;
use crate::failure::keys::KeysError;
use crate::input::der::Elements;
use crate::input::keystore::Keystore;
use crate::input::{certs, pem, read};
use crate::load::args::installed_gate;
use crate::machine::saved_state;
use crate::verdict::own::OwnLists;
use baton_sys::Root;
use baton_verify::Certificate;
use std::path::{Path, PathBuf};

/// The machine to look at, and its gate.
///
/// # Errors
/// When either can't be read.
pub fn machine(args: &MachineArgs) -> Result<(Root, Option<(PathBuf, OwnLists)>)> {
    let root = saved_state::root(args.root.as_deref(), args.saved_state.as_deref())?;
    // A saved state has no gate in it.
    let path = args.gate.clone().or_else(|| installed_gate(&root));
    let gate = path.map(|path| {
        let lists = OwnLists::of(&read::given(&path)?, &path)?;
        Ok::<_, crate::failure::Failure>((path, lists))
    });
    Ok((root, gate.transpose()?))
}

/// The certificates of a file in PEM, DER or PKCS#7.
///
/// # Errors
/// When the file can't be read, or holds none.
pub fn certificates(path: &Path) -> Result<Vec<Vec<u8>>> {
    let bytes = read::given(path)?;
    match of_pkcs7(&bytes) {
        Some(found) => Ok(found),
        None => Ok(certs::parse(&bytes).map_err(|why| certs::malformed(path, why))?),
    }
}

/// The certificates of PKCS#7, in PEM or DER, if it is that and holds any.
fn of_pkcs7(file: &[u8]) -> Option<Vec<Vec<u8>>> {
    let block = pem::is_pem(file).then(|| pem::blocks(file).ok()).flatten();
    let block = block.and_then(|blocks| {
        let is_pkcs7 = |label: &str| matches!(label, "PKCS7" | "CMS");
        blocks.into_iter().find(|block| is_pkcs7(&block.label))
    });
    let der = block.as_ref().map_or(file, |block| &block.bytes[..]);
    if Keystore::of(der) != Some(Keystore::Pkcs7) {
        return None;
    }
    // ContentInfo, and in it SignedData with its certificates (RFC 2315, 7 and 9.1).
    let mut content = Elements(der).next()?.inside();
    let signed_data = content.nth(1)?.inside().next()?;
    let bag = signed_data.inside().find(|it| it.tag == 0xa0)?;
    let found: Vec<Vec<u8>> = bag.inside().map(|it| it.raw.to_vec()).collect();
    let are_certificates = found.iter().all(|der| Certificate::parse(der).is_ok());
    (are_certificates && !found.is_empty()).then_some(found)
}

/// The listed certificate whose ID begins so.
///
/// # Errors
/// When there is none, there are several, or only its ID is known.
pub fn by_id<'i>(
    given: &str,
    inventory: &'i Inventory,
) -> std::result::Result<&'i Listed, KeysError> {
    let mut found: Vec<&Listed> = inventory
        .trusted
        .iter()
        .filter(|it| it.is_called(given))
        .collect();
    found.dedup_by_key(|it| it.id.clone());
    match found[..] {
        [] => Err(KeysError::NoSuchKey {
            given: given.to_owned(),
        }),
        [one] if one.der.is_none() => Err(KeysError::OnlyAnId {
            given: given.to_owned(),
        }),
        [one] => Ok(one),
        _ => Err(KeysError::SeveralKeys {
            given: given.to_owned(),
            count: found.len(),
        }),
    }
}
