//! Images of which it is told beforehand what the running kernel will say to them, and what for: below `judged`, one for
//! each line of [`TABLE`].

mod edit;
mod keys;
mod several;
mod sign;
mod table;

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use baton_formats::siglist::{X509_GUID, X509_SHA256_GUID};
use fs_err as fs;
use sha2::{Digest, Sha256};

use super::making::Making;
use super::signature_list;
use crate::fetch::packages::MAIN;
use crate::keys::{self as lab_keys, Keys};
pub use table::{Row, TABLE};

use keys::Named;
use table::Base;

/// Where an image is for the guests.
#[must_use]
pub fn path(row: &Row) -> String {
    match row.base {
        Base::There(path) => format!("/payload/{path}").replace('*', MAIN),
        _ => format!("/payload/judged/{}", row.name),
    }
}

/// Adds them, and the variable store of a machine that trusts and revokes their keys.
pub(super) fn add(making: &Making<'_>, keys: &Keys, vars: &Path) -> Result<()> {
    let directory = making.directory("judged")?;
    let named = keys::make(making.tree, keys)?;
    let unsigned = unsigned_gate(making, &directory)?;
    for row in TABLE {
        let Some(base) = base(making, row.base, &unsigned)? else {
            continue;
        };
        let out = directory.join(row.name);
        let made = make(row, base, &named, making, &out);
        made.with_context(|| row.name)?;
    }
    fs::remove_file(unsigned)?;
    store(making, keys, &named, &directory, vars)
}

fn make(row: &Row, base: Vec<u8>, named: &Named, making: &Making<'_>, out: &Path) -> Result<()> {
    fs::write(out, edit::all(base, row.before, named)?)?;
    for by in row.signed {
        sign::sign(*by, named, making, out)?;
    }
    Ok(fs::write(
        out,
        edit::all(fs::read(out)?, row.after, named)?,
    )?)
}

/// The gate without a signature: a bzImage that the kernel loads, and small.
fn unsigned_gate(making: &Making<'_>, directory: &Path) -> Result<PathBuf> {
    let out = directory.join("base");
    lab_keys::strip(&making.tree.join("gate/mok.efi"), &out)?;
    Ok(out)
}

fn base(making: &Making<'_>, base: Base, unsigned: &Path) -> Result<Option<Vec<u8>>> {
    let read = |path: &Path| Ok(Some(fs::read(path)?));
    match base {
        Base::There(_) => Ok(None),
        Base::Gate => read(unsigned),
        Base::Debian => read(&making.tree.join("kernels").join(MAIN).join("vmlinuz")),
        Base::Shim => read(&making.packages.shim()),
        Base::Grub => read(&making.packages.grub()),
        Base::Bytes(bytes) => Ok(Some(bytes.to_vec())),
    }
}

/// Of the keys, all that are there to be trusted are enrolled; some are revoked by certificate or by its digest.
fn store(
    making: &Making<'_>,
    keys: &Keys,
    named: &Named,
    directory: &Path,
    vars: &Path,
) -> Result<()> {
    let mut trusted = Vec::new();
    for name in keys::ENROLLED {
        trusted.extend(signature_list::of(&X509_GUID, &named.der(name)?));
    }
    let mut revoked = signature_list::of(&X509_GUID, &named.der("revoked")?);
    let digest = Sha256::digest(tbs(&named.der("revoked-digest")?)?);
    // The time of revocation.
    let entry = [&digest[..], &[0; 16]].concat();
    revoked.extend(signature_list::of(&X509_SHA256_GUID, &entry));
    revoked.extend(signature_list::of_image(&directory.join("revoked-image"))?);
    let lists = [("MokList", &trusted[..]), ("MokListX", &revoked[..])];
    lab_keys::store(making.packages, keys, &lists, vars)
}

/// The part of a certificate that its issuer signs: what the SEQUENCE begins with.
fn tbs(der: &[u8]) -> Result<&[u8]> {
    let inner = der.get(4..).context("a short certificate")?;
    let len = inner.get(2..4).context("a short certificate")?;
    let len = usize::from(u16::from_be_bytes([len[0], len[1]])) + 4;
    inner.get(..len).context("a short certificate")
}
