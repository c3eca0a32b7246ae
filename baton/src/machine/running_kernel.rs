//! Which kernel runs, and who started it.

use crate::arch::running;
use crate::failure::Result;
use crate::failure::input::InputError;
use baton_formats::verdict::{ComponentKind, Verdict};
use baton_sys::{Root, hex};

/// The kernel that runs.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Running {
    /// The boot.
    pub boot: String,
    /// The digest of the kernel in the record of the gate that started it.
    pub judged: Option<String>,
    /// Whether a kernel started it, and no boot loader.
    pub by_kexec: bool,
    /// Its release.
    pub release: String,
}

/// Reads it.
///
/// # Errors
/// When something that is there can't be read: only root may read the gate's record.
pub fn read(root: &Root) -> Result<Running> {
    let text = |path: &str| -> Result<String> {
        Ok(root.read_text(path)?.unwrap_or_default().trim().to_owned())
    };
    Ok(Running {
        boot: text("proc/sys/kernel/random/boot_id")?,
        judged: judged(root)?,
        by_kexec: running::is_by_kexec(root)?,
        release: text("proc/sys/kernel/osrelease")?,
    })
}

/// The digest of the kernel in the record of the gate that started it.
fn judged(root: &Root) -> Result<Option<String>> {
    let Some(bytes) = running::gate_record(root)? else {
        return Ok(None);
    };
    let verdict = Verdict::parse(&bytes).map_err(InputError::GateRecord)?;
    let kernel = verdict
        .components()
        .find(|it| it.kind == ComponentKind::Kernel);
    Ok(kernel.map(|it| hex::encode(it.digest)))
}
