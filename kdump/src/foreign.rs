//! What is no dump that can be read here, but is known by how it begins: packed dumps, and what others write of
//! a machine's memory. A refusal then says what it is and what to do.

use baton_formats::magic::Magic;
use std::path::Path;

/// How much of a file's beginning tells what it is: a tar archive is known by its 257th byte.
pub(crate) const BEGINNING: u64 = 512;

/// A file of a known kind that isn't read here.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{name}, which isn't read here: {advice}")]
pub struct Foreign {
    /// What it is.
    name: &'static str,
    /// What to do.
    advice: &'static str,
}

/// What stands where in a file, and what that says of it.
struct Mark {
    at: usize,
    bytes: &'static [u8],
    foreign: Foreign,
}

const CRASH: &str = "open it with crash";
const QEMU: &str = "crash opens it as it is; for a dump, use `virsh dump --memory-only`, or \
dump-guest-memory in QEMU's monitor";
const VMWARE: &str = "make an ELF core with `vmss2core -N6 VM.vmss VM.vmem`";
const WINDOWS: &str = "open it with WinDbg; no Linux crashed here";
const GUEST: &str = "have the guest write a dump itself (kdump)";
const XEN: &str = "take a dump with `xl dump-core`, and open that with crash";
const ACQUIRED: &str = "open it with drgn or Volatility, or copy /proc/vmcore instead";

macro_rules! unpack {
    ($command:literal) => {
        concat!("unpack it first (", $command, ")")
    };
}

/// A table of marks, with a line for each: the place, the bytes, what it is, what to do.
macro_rules! marks {
    ($($at:literal $bytes:tt $name:literal => $advice:expr;)*) => {
        &[$(Mark { at: $at, bytes: $bytes, foreign: Foreign { name: $name, advice: $advice } }),*]
    };
}

static MARKS: &[Mark] = marks! {
    // Compressed files: the formats' own specifications, and magic(5).
    0 (Magic::Gzip.bytes()) "a gzip file" => unpack!("gzip -dc FILE > vmcore");
    0 (Magic::Xz.bytes()) "an xz file" => unpack!("xz -dc FILE > vmcore");
    0 (Magic::Zstd.bytes()) "a zstd file" => unpack!("zstd -dc FILE > vmcore");
    0 b"\x50\x2a\x4d\x18" "a zstd file" => unpack!("zstd -dc FILE > vmcore");
    0 (Magic::Bzip2.bytes()) "a bzip2 file" => unpack!("bzip2 -dc FILE > vmcore");
    0 (Magic::Lz4.bytes()) "an lz4 file" => unpack!("lz4 -dc FILE > vmcore");
    0 (Magic::Lz4Legacy.bytes()) "an lz4 file" => unpack!("lz4 -dc FILE > vmcore");
    0 (Magic::Lzo.bytes()) "an lzop file" => unpack!("lzop -dc FILE > vmcore");
    0 b"LZIP" "an lzip file" => unpack!("lzip -dc FILE > vmcore");
    0 (Magic::Lzma.bytes()) "an lzma file" => unpack!("xz -dc --format=lzma FILE > vmcore");
    0 b"\x1f\x9d" "a file of compress" => unpack!("gzip -dc FILE > vmcore");
    0 b"\xff\x06\0\0sNaPpY" "a snappy file" => unpack!("snzip -dc FILE > vmcore");
    0 b"PK\x03\x04" "a zip archive" => unpack!("unzip FILE");
    0 b"7z\xbc\xaf\x27\x1c" "a 7z archive" => unpack!("7z x FILE");
    0 b"Rar!\x1a\x07" "a rar archive" => unpack!("unrar x FILE");
    257 b"ustar" "a tar archive" => unpack!("tar xf FILE");

    // What hypervisors write: QEMU's migration/savevm.h and libvirt's qemu_saveimage.h, open-vm-tools' and crash's
    // vmware_vmss.h, VirtualBox' SSM.cpp, Microsoft's HyperVStorage, Xen's libxl_utils and xc_save.
    0 b"QEVM" "a saved machine of QEMU (savevm or migration)" => QEMU;
    0 b"LibvirtQemudSave" "a saved machine of libvirt (virsh save)" => QEMU;
    0 b"LibvirtQemudPart" "an unfinished saved machine of libvirt (virsh save)" => QEMU;
    0 b"\xd0\xbe\xd0\xbe" "a snapshot of VMware (.vmss, .vmsn)" => VMWARE;
    0 b"\xd0\xbe\xd2\xbe" "a snapshot of VMware (.vmss, .vmsn)" => VMWARE;
    0 b"\xd1\xbe\xd1\xbe" "a snapshot of VMware (.vmss, .vmsn)" => VMWARE;
    0 b"\xd2\xbe\xd2\xbe" "a snapshot of VMware (.vmss, .vmsn)" => VMWARE;
    0 b"\xd3\xbe\xd3\xbe" "a snapshot of VMware (.vmss, .vmsn)" => VMWARE;
    0 b"\xd1\xba\xd1\xba" "a snapshot of VMware (.vmss, .vmsn)" => VMWARE;
    0 b"\x7fVirtualBox SavedState" "a saved machine of VirtualBox (.sav)" => "take a core with `VBoxManage debugvm VM dumpvmcore`";
    0 b"\x14\x20\x28\x01" "a saved machine of Hyper-V (.vmrs)" => GUEST;
    0 b"Xen saved domain" "a saved domain of Xen (xl save)" => XEN;
    0 b"LinuxGuestRecord" "a saved domain of Xen (xm save)" => XEN;

    // Dumps of other kinds: wdm.h's DUMP_SIGNATURE64 and minidumpapiset.h, crash's lkcd_common.h, diskdump.h and
    // sadump.h, s390-tools' zgetdump, FreeBSD's minidump.h, LiME's and AVML's documents.
    0 b"PAGEDU64" "a crash dump of Windows (PAGEDU64)" => WINDOWS;
    0 b"PAGEDUMP" "a crash dump of Windows (PAGEDUMP)" => WINDOWS;
    0 b"MDMP" "a minidump of Windows (MDMP)" => WINDOWS;
    0 b"\xed\x23\x8f\x61\x73\x01\x19\xa8" "an LKCD dump" => CRASH;
    0 b"\xa8\x19\x01\x73\x61\x8f\x23\xed" "an LKCD dump of a big-endian machine" => CRASH;
    0 b"\xa8\x19\x01\x73\x61\x8f\x23\xfd" "a stand-alone dump of s390" => "make an ELF core with `zgetdump --fmt=elf FILE > vmcore`";
    0 b"DISKDUMP" "a dump of diskdump" => CRASH;
    0 b"diskdump" "a partition prepared for diskdump" => CRASH;
    0 b"sadump\0\0" "a dump of sadump" => "open it with crash, or make a kdump-compressed dump with makedumpfile";
    0 b"minidump FreeBSD" "a crash dump of FreeBSD" => "open it with kgdb";
    0 b"EMiL" "memory as LiME writes it" => ACQUIRED;
    0 b"AVML" "memory as AVML writes it" => ACQUIRED;
    0 b"\xcf\xfa\xed\xfe" "a Mach-O file of macOS" => "open it with lldb";
};

impl Foreign {
    /// An ELF core of a process.
    pub(crate) const PROCESS: Foreign = Foreign {
        name: "the core of a process, not of a kernel",
        advice: "open it with gdb",
    };
    /// An ELF core as `xl dump-core` writes it.
    pub(crate) const XEN_CORE: Foreign = Foreign {
        name: "a Xen core (xl dump-core)",
        advice: CRASH,
    };
    /// An ELF core of a machine whose hypervisor was Xen.
    pub(crate) const XEN_HOST: Foreign = Foreign {
        name: "a dump of a Xen host",
        advice: "open it with crash, or take dom0's memory out of it with `makedumpfile -E -X`",
    };

    /// What a file is that begins so, if it is a known one.
    #[must_use]
    pub fn of(beginning: &[u8]) -> Option<Foreign> {
        let mut marks = MARKS.iter();
        let found = marks.find(|mark| {
            let there = beginning.get(mark.at..);
            there.is_some_and(|it| it.starts_with(mark.bytes))
        });
        found.map(|mark| mark.foreign)
    }

    /// What a file of this name is, where nothing in it tells.
    #[must_use]
    pub fn of_name(path: &Path) -> Option<Foreign> {
        let extension = path.extension()?.to_string_lossy().to_ascii_lowercase();
        (extension == "vmem").then_some(Foreign {
            name: "the memory of a VMware machine (.vmem)",
            advice: VMWARE,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_mark_is_found_in_its_place_and_no_shorter() {
        for Mark { at, bytes, foreign } in MARKS {
            let mut file = vec![0; 512];
            file[*at..at + bytes.len()].copy_from_slice(bytes);
            assert_eq!(Foreign::of(&file), Some(*foreign), "{foreign}");
            assert_eq!(
                Foreign::of(&file[..at + bytes.len() - 1]),
                None,
                "{foreign}"
            );
        }
    }

    #[test]
    fn no_dump_that_is_read_here_is_foreign() {
        for start in [
            &b"KDUMP   \x06"[..],
            b"\x7fELF\x02\x01",
            b"makedumpfile\0\0\0\0",
            b"",
        ] {
            assert_eq!(Foreign::of(start), None);
        }
        assert_eq!(Foreign::of_name(Path::new("vmcore")), None);
        let memory = Foreign::of_name(Path::new("a/VM.VMEM")).unwrap();
        assert!(memory.to_string().contains("vmss2core"));
    }
}
