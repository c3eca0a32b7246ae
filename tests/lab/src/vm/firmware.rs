//! The firmware of a machine under Secure Boot, as QEMU is told of it.

use std::path::Path;
use std::process::Command;

use crate::fetch::packages::Packages;

/// OVMF with System Management Mode, which guards its variables: they are in the file `vars`, to which it writes.
pub fn secure(command: &mut Command, packages: &Packages, vars: &Path) {
    let flash = |file: &Path, options: &str| {
        format!("if=pflash,format=raw,file={}{options}", file.display())
    };
    let code = packages.ovmf("OVMF_CODE_4M.secboot.fd");
    command.args(["-machine", "q35,smm=on"]);
    command.args(["-global", "driver=cfi.pflash01,property=secure,value=on"]);
    command.args(["-drive", &flash(&code, ",readonly=on")]);
    command.args(["-drive", &flash(vars, "")]);
}
