//! Kernels in `/boot` that no entry names, by the names that distributions give them.

/// A kernel's version, if its file has a name of `vmlinuz-VERSION`.
#[must_use]
pub fn version(name: &str) -> Option<&str> {
    let version = name.strip_prefix("vmlinuz-")?;
    let is_copy = [
        ".old",
        ".bak",
        ".p7s",
        ".sig",
        "~",
        ".dpkg-new",
        ".dpkg-tmp",
    ]
    .iter()
    .any(|ending| version.ends_with(ending));
    Some(version).filter(|version| !version.is_empty() && !is_copy)
}

/// What distributions call the initrd of a kernel, the first that is there counts.
#[must_use]
pub fn initrd_names(version: &str) -> [String; 4] {
    [
        format!("initrd.img-{version}"),
        format!("initramfs-{version}.img"),
        format!("initrd-{version}"),
        format!("initrd-{version}.img"),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kernels_are_known_by_their_names_and_their_copies_are_not_taken_for_others() {
        for (name, found) in [
            ("vmlinuz-6.1.0-13-amd64", Some("6.1.0-13-amd64")),
            ("vmlinuz-linux", Some("linux")),
            ("vmlinuz-6.1.p7s", None),
            ("vmlinuz-6.1.old", None),
            ("vmlinuz-", None),
            ("vmlinuz", None),
            ("initrd.img-6.1", None),
        ] {
            assert_eq!(version(name), found, "{name}");
        }
    }
}
