//! Handovers as nobody's tool would write them. Each differs from a good one in one thing, and the
//! good one is there too, so that a refusal is known to be for that thing.

use fs_err as fs;
use std::path::Path;

use anyhow::{Context, Result, anyhow};
use baton_formats::handover::{
    FLAG_CRASH, Layout, PlannedRecord, RECORD_LEN, RecordKind, TABLE_OFFSET,
};
use baton_formats::pe::Pe;
use sha2::{Digest, Sha256};

use crate::fetch::packages::MAIN;

const PAGE: usize = 4096;

/// RecordKind of no record there is.
pub const UNKNOWN_KIND: u8 = 99;

/// Writes `bad/NAME.handover` below `tree`; the good one lies among them.
pub fn handovers(tree: &Path) -> Result<()> {
    let directory = tree.join("kernels").join(MAIN);
    let kernel = fs::read(directory.join("vmlinuz"))?;
    let initrds = [
        fs::read(directory.join("initrd.img"))?,
        fs::read(tree.join("initrds/extra.img"))?,
    ];
    let good = write(&kernel, &initrds)?;
    let bad = tree.join("bad");
    fs::write(bad.join("good.handover"), &good)?;

    fs::write(
        bad.join("truncated.handover"),
        good.get(..good.len() - PAGE).context("an empty handover")?,
    )?;

    let mut other = good.clone();
    // The second record's kind is the first byte of its table entry.
    *other
        .get_mut(TABLE_OFFSET + RECORD_LEN)
        .context("no second record")? = UNKNOWN_KIND;
    fs::write(bad.join("unknown-kind.handover"), &other)?;

    let mut other = good.clone();
    let first_initrd = PAGE + kernel.len().next_multiple_of(PAGE);
    *other.get_mut(first_initrd + 200).context("no initrd")? ^= 1;
    fs::write(bad.join("initrd-changed.handover"), &other)?;

    let mut other = good.clone();
    // The header's flags.
    let flags = other.get_mut(0x18..0x1c).context("no header")?;
    flags.copy_from_slice(&FLAG_CRASH.to_le_bytes());
    fs::write(bad.join("for-a-crash.handover"), &other)?;

    // A signed kernel is no handover, whoever signed it.
    fs::write(bad.join("bare-kernel.handover"), &kernel)?;

    for (name, file) in [("unsigned", "unsigned.efi"), ("untrusted", "untrusted.efi")] {
        let image = fs::read(bad.join(file))?;
        fs::write(
            bad.join(format!("{name}.handover")),
            write(&image, &initrds)?,
        )?;
    }
    Ok(())
}

/// A well-formed handover of any kernel in a PE image.
fn write(kernel: &[u8], initrds: &[Vec<u8>]) -> Result<Vec<u8>> {
    let mut records = vec![(
        part(RecordKind::Kernel, kernel, authenticode(kernel)?),
        kernel,
    )];
    records.extend(initrds.iter().map(|bytes| whole(RecordKind::Initrd, bytes)));
    assemble(&records)
}

/// A handover of anything as the kernel, with a detached signature of it.
pub fn signed_kernel(kernel: &[u8], signature: &[u8]) -> Result<Vec<u8>> {
    assemble(&[
        whole(RecordKind::Kernel, kernel),
        whole(RecordKind::Signature, signature),
    ])
}

fn whole(kind: RecordKind, bytes: &[u8]) -> (PlannedRecord, &[u8]) {
    (part(kind, bytes, Sha256::digest(bytes).into()), bytes)
}

fn part(kind: RecordKind, bytes: &[u8], digest: [u8; 32]) -> PlannedRecord {
    (kind, bytes.len() as u64, digest).into()
}

/// Records in this order.
fn assemble(records: &[(PlannedRecord, &[u8])]) -> Result<Vec<u8>> {
    let parts: Vec<PlannedRecord> = records.iter().map(|(part, _)| *part).collect();
    let layout = Layout::plan(&parts, 0).map_err(|e| anyhow!("{e:?}"))?;
    let mut blob = vec![0; usize::try_from(layout.total_len())?];
    blob.get_mut(..PAGE)
        .context("no header")?
        .copy_from_slice(&layout.header_page());
    for (index, (_, bytes)) in records.iter().enumerate() {
        let offset = usize::try_from(layout.offset(index).context("no such record")?)?;
        blob.get_mut(offset..offset + bytes.len())
            .context("no room")?
            .copy_from_slice(bytes);
    }
    Ok(blob)
}

fn authenticode(image: &[u8]) -> Result<[u8; 32]> {
    let pe = Pe::parse(image).map_err(|e| anyhow!("{e:?}"))?;
    let mut hash = Sha256::new();
    pe.digest_parts().for_each(|part| hash.update(part));
    Ok(hash.finalize().into())
}
