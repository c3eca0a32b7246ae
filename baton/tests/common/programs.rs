//! Programs in the place of those that change a machine: they change a described one.

use super::loading::Machine;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

/// The owner of shim's variables.
pub const SHIM: &str = "605dab50-e046-4300-abb6-3dd810dd8b23";

fn write(program: &Path, script: &str) {
    fs::write(program, script).unwrap();
    fs::set_permissions(program, fs::Permissions::from_mode(0o755)).unwrap();
}

/// A directory with a mokutil that does what the real one does: it asks twice for a password, and appends a request.
pub fn mokutil(machine: &Machine, then: &str) -> PathBuf {
    let programs = machine.directory.path().join("programs");
    fs::create_dir_all(&programs).unwrap();
    let program = programs.join("mokutil");
    let variable = machine
        .directory
        .path()
        .join("root")
        .join(format!("sys/firmware/efi/efivars/MokNew-{SHIM}"));
    fs::create_dir_all(variable.parent().unwrap()).unwrap();
    // A list of one certificate, as mokutil writes it.
    let script = format!(
        r#"#!/usr/bin/env python3
import struct, sys
log = open({log:?}, "w")
arguments = sys.argv[1:]
print(*arguments[:-1], file=log)
if "--root-pw" not in arguments:
    one, two = sys.stdin.readline().strip(), sys.stdin.readline().strip()
    print(one, two, file=log)
    if one != two or not one:
        sys.exit("password doesn't match")
{then}
der = open(arguments[-1], "rb").read()
kind = bytes.fromhex("a159c0a5e494a74a87b5ab155c2bf072")
with open({variable:?}, "wb") as out:
    out.write(bytes([7, 0, 0, 0]) + kind + struct.pack("<III", 44 + len(der), 0, 16 + len(der)) + bytes(16) + der)
"#,
        log = machine.directory.path().join("log"),
    );
    write(&program, &script);
    programs
}

/// Beside it, a systemctl that enables units, and an update-grub that leaves a mark.
pub fn systemctl(machine: &Machine, programs: &Path) {
    let root = machine.directory.path().join("root");
    let wants = root.join("etc/systemd/system/multi-user.target.wants");
    let script = format!(
        "#!/bin/sh\n[ \"$1\" = enable ] || exit 3\nmkdir -p {wants}\ntouch {wants}/$2\necho enabled $2\n",
        wants = wants.display()
    );
    write(&programs.join("systemctl"), &script);
    let mark = machine.directory.path().join("updated-grub");
    write(
        &programs.join("update-grub"),
        &format!("#!/bin/sh\ntouch {}\n", mark.display()),
    );
}
