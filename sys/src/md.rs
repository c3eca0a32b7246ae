//! RAID arrays of the kernel (md), assembled by their members' superblocks (include/uapi/linux/raid/md_u.h,
//! drivers/md/md.c).

use crate::Root;
use std::fs::{File, OpenOptions};
use std::io;
use std::os::fd::AsRawFd;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

/// The number from which one is looked for that no array has, downwards, as mdadm does for arrays without a number of their
/// own (find_free_devnm of its mdopen.c).
const HIGHEST: u32 = 127;

/// `MD_MAJOR` of include/uapi/linux/major.h, which the ioctls have as their type.
const MD_MAJOR: u32 = 9;

/// `_IOW(MD_MAJOR, number, size)` and `_IO(MD_MAJOR, number)` of include/uapi/asm-generic/ioctl.h.
const fn write_code(number: u32, size: u32) -> u32 {
    (1 << 30) | (size << 16) | (MD_MAJOR << 8) | number
}

/// The ioctls. `RUN_ARRAY` takes a `mdu_param_t`, which the kernel doesn't look at.
const ADD_NEW_DISK: u32 = write_code(0x21, DISK * 4);
const SET_ARRAY_INFO: u32 = write_code(0x23, ARRAY * 4);
const RUN_ARRAY: u32 = write_code(0x30, PARAMETERS * 4);
const STOP_ARRAY: u32 = (MD_MAJOR << 8) | 0x32;

/// How many `int`s `mdu_disk_info_t`, `mdu_array_info_t` and `mdu_param_t` have.
const DISK: u32 = 5;
const ARRAY: u32 = 18;
const PARAMETERS: u32 = 3;

/// The version of superblocks that is spoken of here; the minor version says where on the device they are.
const MAJOR_VERSION: i32 = 1;

/// Assembles and starts an array of the members with these nodes, whose superblocks have the minor version. What is
/// missing of it is left to the kernel to judge. It is started in a way in which nothing is written to it until something
/// is written through it, and then no resynchronisation begins. Returns its node.
///
/// # Errors
/// The error of the kernel, whose log says more. Nothing is left of the array then.
pub fn assemble(root: &Root, minor_version: u8, members: &[PathBuf]) -> io::Result<PathBuf> {
    let parameters = root.join("sys/module/md_mod/parameters");
    let write = |name: &str, text: &str| {
        std::fs::write(parameters.join(name), text).map_err(|error| {
            let why = format!("the kernel has no RAID ({error}): `modules` lacks md_mod");
            io::Error::new(error.kind(), why)
        })
    };
    let name = free(root)?;
    // Arrays start read-only until something is written to them (start_ro of drivers/md/md.c), and by then they are told
    // not to resynchronise.
    write("start_ro", "1")?;
    write("new_array", &name)?;
    let node = root.join("dev").join(&name);
    let array = Array::open(&node)?;
    let started = array
        .start(minor_version, members)
        .and_then(|()| freeze(root, &name));
    if let Err(error) = started {
        // What isn't whole is of no use to anyone. The first error is the one that says why.
        let _ = array.stop();
        return Err(error);
    }
    Ok(Path::new("/dev").join(name))
}

/// Stops the array with this node, which nothing may use.
///
/// # Errors
/// The error of the kernel.
pub fn stop(node: &Path) -> io::Result<()> {
    Array::open(node)?.stop()
}

/// The first name, from the highest on, that no array has.
fn free(root: &Root) -> io::Result<String> {
    let is_free = |name: &String| !root.exists(&format!("sys/class/block/{name}"));
    let names = (0..=HIGHEST).rev().map(|number| format!("md{number}"));
    let mut names = names.filter(is_free);
    names
        .next()
        .ok_or_else(|| io::Error::other("all names of arrays are taken"))
}

/// Has an array stay as it is: a capture has other things to do with its disks. What is out of step is found out again at
/// the next start (`resync_offset` of the superblock, and the bitmap).
fn freeze(root: &Root, name: &str) -> io::Result<()> {
    let action = root.join(format!("sys/class/block/{name}/md/sync_action"));
    // An array without redundancy has none (md_attr_group's md_redundancy_group).
    if action.exists() {
        std::fs::write(action, "frozen")?;
    }
    Ok(())
}

/// The node of an array.
struct Array(File);

impl Array {
    fn open(node: &Path) -> io::Result<Array> {
        let opened = OpenOptions::new().read(true).write(true).open(node);
        opened.map(Array)
    }

    fn start(&self, minor_version: u8, members: &[PathBuf]) -> io::Result<()> {
        let mut info = [0; ARRAY as usize];
        // major_version, minor_version; without raid_disks, which is the eighth, the superblocks say all else.
        info[0] = MAJOR_VERSION;
        info[1] = i32::from(minor_version);
        self.call(SET_ARRAY_INFO, &mut info)?;
        for node in members {
            let device = std::fs::metadata(node)?.rdev();
            let number = |it: u32| i32::try_from(it).map_err(io::Error::other);
            let major = number(rustix::fs::major(device))?;
            let minor = number(rustix::fs::minor(device))?;
            // number, major, minor, raid_disk, state
            let mut disk = [0, major, minor, 0, 0];
            self.call(ADD_NEW_DISK, &mut disk)?;
        }
        self.call(RUN_ARRAY, &mut [0; PARAMETERS as usize])
    }

    fn stop(&self) -> io::Result<()> {
        self.call(STOP_ARRAY, &mut [0; PARAMETERS as usize])
    }

    fn call<const N: usize>(&self, code: u32, argument: &mut [i32; N]) -> io::Result<()> {
        // SAFETY: each of these ioctls reads at most as many bytes as its code has the size of, which is that of the array
        // that it is called with; STOP_ARRAY reads none. Nobody else uses the array during the call.
        let result = unsafe { libc::ioctl(self.0.as_raw_fd(), code as _, argument.as_mut_ptr()) };
        if result < 0 {
            return Err(io::Error::last_os_error());
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testroot::TestRoot;

    /// As include/uapi/linux/raid/md_u.h has them, where the kernel's headers are.
    #[test]
    fn the_ioctls_are_those_of_the_header() {
        assert_eq!(ADD_NEW_DISK, 0x4014_0921);
        assert_eq!(SET_ARRAY_INFO, 0x4048_0923);
        assert_eq!(RUN_ARRAY, 0x400c_0930);
        assert_eq!(STOP_ARRAY, 0x932);
    }

    #[test]
    fn an_array_gets_a_name_that_none_has() {
        let root = TestRoot::new().with("sys/class/block/md127/size", "8\n");
        assert_eq!(free(&root.root()).unwrap(), "md126");
        assert_eq!(free(&TestRoot::new().root()).unwrap(), "md127");
    }

    #[test]
    fn without_the_driver_it_says_so() {
        let error = assemble(&TestRoot::new().root(), 2, &["/dev/null".into()]).unwrap_err();
        assert!(
            error.to_string().contains("`modules` lacks md_mod"),
            "{error}"
        );
    }
}
