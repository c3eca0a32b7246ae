//! The kernel that captures: the running one, or one that is named.

use crate::arch::loader::Linux;
use crate::failure::problem::Problem;
use crate::failure::{IoError, Result};
use baton_sys::Root;
use baton_sys::config::KernelConfig;
use baton_sys::file;
use baton_sys::hex;
use sha2::{Digest, Sha256};
use std::path::{Path, PathBuf};

/// Without these there is no memory of the crashed kernel to read, no initramfs, and no node for a disk.
const NEEDED: [&str; 3] = ["PROC_VMCORE", "BLK_DEV_INITRD", "DEVTMPFS"];

/// A kernel that can capture.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Kernel {
    /// Its image.
    pub path: PathBuf,
    /// What `uname -r` says under it.
    pub release: String,
    /// Whether that is the running one's.
    pub is_running: bool,
    /// Memory that it takes to start, in bytes.
    pub init_size: u64,
    /// SHA-256 of the image, in hexadecimal.
    pub digest: String,
}

/// Finds the kernel.
///
/// # Errors
/// When there is none, or it can't be one.
pub fn find(root: &Root, image: Option<&Path>) -> Result<Kernel> {
    let running = root
        .read_text("proc/sys/kernel/osrelease")?
        .ok_or(Problem::NoRelease)?
        .trim()
        .to_owned();
    let path = match image {
        Some(path) => path.to_owned(),
        None => image_of(root, &running)?,
    };
    let bytes = file::read_regular(&path).map_err(|e| IoError::reading(&path, e))?;
    let Linux { release, init_size } = Linux::read(&bytes).map_err(|why| Problem::NotLinux {
        path: path.clone(),
        why,
    })?;
    if image.is_none() && release != running {
        return Err(Problem::OtherRelease {
            path,
            found: release,
            release: running,
        }
        .into());
    }
    check_configuration(root, &release)?;
    Ok(Kernel {
        path,
        is_running: release == running,
        digest: hex::encode(Sha256::digest(&bytes)),
        release,
        init_size,
    })
}

/// Where distributions put it.
fn image_of(root: &Root, release: &str) -> Result<PathBuf> {
    let places = [
        format!("boot/vmlinuz-{release}"),
        format!("lib/modules/{release}/vmlinuz"),
        format!("usr/lib/modules/{release}/vmlinuz"),
        format!("boot/kernel-{release}"),
    ];
    let found = places
        .iter()
        .map(|place| root.join(place))
        .find(|path| path.exists());
    found.ok_or_else(|| {
        let looked: Vec<String> = places.iter().map(|place| format!("/{place}")).collect();
        Problem::NoKernel {
            release: release.to_owned(),
            looked: looked.join(", "),
        }
        .into()
    })
}

/// A configuration that can't be read says nothing against the kernel.
fn check_configuration(root: &Root, release: &str) -> Result<()> {
    let config = KernelConfig::of_release(root, release).ok().flatten();
    let lacking = config.and_then(|config| NEEDED.into_iter().find(|name| !config.is_set(name)));
    match lacking {
        None => Ok(()),
        Some(option) => Err(Problem::KernelLacks {
            release: release.to_owned(),
            option: option.to_owned(),
        }
        .into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::crash::fake::{Fake, kernel_image};

    #[test]
    fn the_running_kernel_is_found_where_distributions_put_it() {
        let fake = Fake::new().with_kernel();
        let kernel = find(&fake.root(), None).unwrap();
        assert!(kernel.path.ends_with("boot/vmlinuz-6.1.0-test"));
        assert_eq!(kernel.release, "6.1.0-test");
        assert!(kernel.is_running);
        let fake = Fake::new().file(
            "usr/lib/modules/6.1.0-test/vmlinuz",
            kernel_image("6.1.0-test (x) #1"),
        );
        assert!(find(&fake.root(), None).is_ok());
    }

    #[test]
    fn an_image_that_was_replaced_since_is_distinguished_from_the_running_one() {
        let fake = Fake::new().file("boot/vmlinuz-6.1.0-test", kernel_image("6.1.0-new #2"));
        let failure = find(&fake.root(), None).unwrap_err();
        assert_eq!(failure.word(), "other-release");
        let named = fake.path("boot/vmlinuz-6.1.0-test");
        let kernel = find(&fake.root(), Some(&named)).unwrap();
        assert!(!kernel.is_running);
        assert_eq!(kernel.release, "6.1.0-new");
    }

    #[test]
    fn no_image_is_reported_with_where_it_was_looked_for() {
        let failure = find(&Fake::new().root(), None).unwrap_err();
        assert!(
            failure
                .to_string()
                .contains("/boot/vmlinuz-6.1.0-test, /lib/"),
            "{failure}"
        );
        assert_eq!(failure.word(), "no-kernel");
    }

    #[test]
    fn a_kernel_that_shows_no_vmcore_is_refused() {
        let fake = Fake::new().with_kernel();
        let config = "CONFIG_BLK_DEV_INITRD=y\nCONFIG_DEVTMPFS=y\n";
        let without = fake.file("boot/config-6.1.0-test", config);
        let failure = find(&without.root(), None).unwrap_err();
        assert!(
            failure.to_string().contains("CONFIG_PROC_VMCORE"),
            "{failure}"
        );
        let with = without.file(
            "boot/config-6.1.0-test",
            format!("{config}CONFIG_PROC_VMCORE=y\n"),
        );
        assert!(find(&with.root(), None).is_ok());
    }

    #[test]
    fn what_is_no_bzimage_or_says_no_version_is_refused() {
        for bytes in [b"\x7fELF".to_vec(), kernel_image(" "), kernel_image("../x")] {
            let fake = Fake::new().file("boot/vmlinuz-6.1.0-test", bytes);
            assert_eq!(find(&fake.root(), None).unwrap_err().word(), "not-linux");
        }
    }
}
