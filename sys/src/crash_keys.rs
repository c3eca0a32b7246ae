//! Keys of encrypted volumes that the kernel keeps for a crash (CONFIG_CRASH_DM_CRYPT, since Linux 6.16;
//! kernel/crash_dump_dm_crypt.c). User space only says what they are called: kexec_file_load copies them from a keyring to
//! memory that is reserved for a crash, and the kernel that runs there puts them into a keyring again.

use crate::file::names_in;
use crate::keyring::parse_proc_keys;
use crate::{ReadError, Root, cmdline, mount};
use std::ffi::CString;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

/// Where configfs is mounted, and what the kernel has there for these keys.
const CONFIGFS: &str = "sys/kernel/config";
const KEYS: &str = "sys/kernel/config/crash_dm_crypt_keys";

/// What Baton's own items there begin with.
const OWN: &str = "baton-";

/// The type of keys that the kernel keeps.
const KIND: &str = "logon";

/// A key of the type `logon` that this process may see.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogonKey {
    /// What it is called.
    pub description: String,
    /// Its length in bytes.
    pub size: u32,
}

/// Whether the running kernel keeps keys for a crash, as far as it shows: configfs must be mounted.
#[must_use]
pub fn are_kept(root: &Root) -> bool {
    root.exists(KEYS)
}

/// The keys that there may be to be kept, in no particular order. Without `/proc/keys` there are none.
///
/// # Errors
/// When `/proc/keys` exists and can't be read.
pub fn all(root: &Root) -> Result<Vec<LogonKey>, ReadError> {
    let text = root.read_text("proc/keys")?.unwrap_or_default();
    let keys = parse_proc_keys(&text).into_iter();
    // user_describe of security/keys/user_defined.c: `NAME: LENGTH`, without the length if there is no key (any more)
    let keys = keys.filter(|key| key.kind == KIND).filter_map(|key| {
        let (description, size) = key.description.rsplit_once(": ")?;
        Some(LogonKey {
            description: description.to_owned(),
            size: size.parse().ok()?,
        })
    });
    Ok(keys.collect())
}

/// Checks that the kernel finds a key when this thread calls kexec_file_load. A described machine has all that it lists.
///
/// # Errors
/// The kernel's: there is none, it has expired, or was revoked.
pub fn check(root: &Root, description: &str) -> io::Result<()> {
    if root.is_system() {
        link_users_keyring()?;
        request(description)
    } else {
        Ok(())
    }
}

/// Makes the user's own keyring a part of this process's, where the kernel searches for keys. systemd starts services
/// without it (KeyringMode= of systemd.exec(5)).
fn link_users_keyring() -> io::Result<()> {
    /// include/uapi/linux/keyctl.h
    const KEYCTL_LINK: libc::c_long = 8;
    const PROCESS: libc::c_long = -2;
    const USERS: libc::c_long = -4;
    // SAFETY: this operation takes two numbers and no pointers.
    let result = unsafe { libc::syscall(libc::SYS_keyctl, KEYCTL_LINK, USERS, PROCESS, 0, 0) };
    if result < 0 {
        return Err(io::Error::last_os_error());
    }
    Ok(())
}

fn request(description: &str) -> io::Result<()> {
    let description = CString::new(description)?;
    // SAFETY: both texts end with a zero byte and are only read; without a third one the kernel asks no program for a key.
    let serial = unsafe {
        libc::syscall(
            libc::SYS_request_key,
            c"logon".as_ptr(),
            description.as_ptr(),
            std::ptr::null::<libc::c_char>(),
            0,
        )
    };
    if serial < 0 {
        return Err(io::Error::last_os_error());
    }
    Ok(())
}

/// Has the kernel keep the keys with these names at the next load for a crash, besides those that others named.
///
/// # Errors
/// When it can't, or when one that somebody named can't be found: the kernel would then load nothing for a crash.
pub fn name(root: &Root, descriptions: &[String]) -> io::Result<()> {
    forget(root)?;
    if descriptions.is_empty() && !are_kept(root) {
        return Ok(());
    }
    let place = root.join(KEYS);
    stop_reusing(&place)?;
    let others = items(&place);
    others
        .iter()
        .try_for_each(|item| check_others(root, &place.join(item)))?;
    for (number, description) in descriptions.iter().enumerate() {
        check(root, description).map_err(|error| {
            let why = format!("the key {description} can't be found: {error}");
            io::Error::new(error.kind(), why)
        })?;
        let item = place.join(format!("{OWN}{number}"));
        fs::create_dir(&item).map_err(at(&item))?;
        let file = item.join("description");
        fs::write(&file, format!("{description}\n")).map_err(at(&file))?;
    }
    Ok(())
}

/// Has the kernel keep none of the keys that were named here. Those that it has kept already stay where they are.
///
/// # Errors
/// When it refuses.
pub fn forget(root: &Root) -> io::Result<()> {
    let place = root.join(KEYS);
    let own = items(&place).into_iter().filter(|it| it.starts_with(OWN));
    let mut own = own.map(|item| place.join(item));
    own.try_for_each(|item| fs::remove_dir(&item).map_err(at(&item)))
}

/// Items are directories among files.
fn items(place: &Path) -> Vec<String> {
    let mut items = names_in(place);
    items.retain(|name| place.join(name).is_dir());
    items
}

/// If the kernel was told to reuse the keys that it kept before, it takes no others.
fn stop_reusing(place: &Path) -> io::Result<()> {
    let file = place.join("reuse");
    match fs::read_to_string(&file) {
        Ok(text) if text.trim() == "1" => fs::write(&file, "0\n").map_err(at(&file)),
        _ => Ok(()),
    }
}

fn check_others(root: &Root, item: &Path) -> io::Result<()> {
    let description = fs::read_to_string(item.join("description")).unwrap_or_default();
    let found = check(root, description.trim());
    found.map_err(|error| {
        let why = format!(
            "{} names the key {}, without which the kernel loads nothing for a crash: {error}; remove it (`rmdir`)",
            item.display(),
            description.trim()
        );
        io::Error::new(error.kind(), why)
    })
}

fn at(path: &Path) -> impl FnOnce(io::Error) -> io::Error {
    let path: PathBuf = path.to_owned();
    move |error| io::Error::new(error.kind(), format!("{}: {error}", path.display()))
}

/// After a crash: has the kernel put the keys that were kept into the keyring of this process's user, as keys of the type
/// `user`.
///
/// # Errors
/// When the kernel kept none, or has nothing that restores them. It doesn't say whether it restored all.
pub fn restore(root: &Root) -> io::Result<()> {
    let line = cmdline::current(root).map_err(io::Error::other)?;
    // The kernel would read keys from the beginning of memory.
    if !line
        .split(|byte| *byte == b' ')
        .any(|it| it.starts_with(b"dmcryptkeys="))
    {
        return Err(io::Error::other(
            "the kernel that crashed kept none; load again (`baton crash load`)",
        ));
    }
    let configfs = root.join(CONFIGFS);
    mount::kernel_file_system("configfs", &configfs).map_err(at(&configfs))?;
    let file = root.join(KEYS).join("restore");
    fs::write(&file, "1\n").map_err(|error| {
        let why = format!(
            "{}: {error}; kernel.image must be one with CONFIG_CRASH_DM_CRYPT",
            file.display()
        );
        io::Error::new(error.kind(), why)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testroot::TestRoot;

    const LISTED: &str = "\
00000001 I--Q---     1 perm 3f010000     0     0 logon     kdump:vk-5f1d9a3c-0c1e: 64
00000002 I--Q---     1 perm 3f010000     0     0 logon     revoked
00000003 I--Q---     1 perm 3f010000     0     0 user      a: 64
00000004 I--Q---     1   2h 3f010000     0     0 logon     a: b: 32
";

    #[test]
    fn logon_keys_are_listed_with_their_names_and_lengths() {
        let key = |description: &str, size| LogonKey {
            description: description.into(),
            size,
        };
        let root = TestRoot::new().with("proc/keys", LISTED);
        assert_eq!(
            all(&root.root()).unwrap(),
            [key("kdump:vk-5f1d9a3c-0c1e", 64), key("a: b", 32)]
        );
        assert!(all(&TestRoot::new().root()).unwrap().is_empty());
    }

    #[test]
    fn keys_are_named_one_by_one_in_items_of_their_own() {
        let root = TestRoot::new()
            .with(&format!("{KEYS}/count"), "1\n")
            .with(&format!("{KEYS}/reuse"), "1\n")
            .with(&format!("{KEYS}/others/description"), "x\n");
        name(&root.root(), &["a".into(), "b".into()]).unwrap();
        let read = |path: &str| fs::read_to_string(root.root().join(KEYS).join(path)).unwrap();
        assert_eq!(read("baton-0/description"), "a\n");
        assert_eq!(read("baton-1/description"), "b\n");
        assert_eq!(read("others/description"), "x\n");
        assert_eq!(read("reuse"), "0\n");
    }

    #[test]
    fn items_of_an_earlier_load_go_and_a_kernel_that_keeps_no_keys_has_none() {
        let root = TestRoot::new().with(&format!("{KEYS}/count"), "0\n");
        let old = root.root().join(KEYS).join("baton-7");
        fs::create_dir(&old).unwrap();
        name(&root.root(), &[]).unwrap();
        assert!(!old.exists());
        let without = TestRoot::new();
        assert!(!are_kept(&without.root()));
        name(&without.root(), &[]).unwrap();
        assert!(name(&without.root(), &["a".into()]).is_err());
    }

    #[test]
    fn keys_are_restored_only_where_some_were_kept() {
        let root = TestRoot::new().with("proc/cmdline", "elfcorehdr=0x1000 xdmcryptkeys=0x1 ro\n");
        let error = restore(&root.root()).unwrap_err().to_string();
        assert!(
            error.contains("the kernel that crashed kept none"),
            "{error}"
        );
    }
}
