//! The kernel's keyrings of trusted certificates, as far as user space may see them.
//!
//! `/proc/keys` lists keys and keyrings but not which key is in which keyring; KEYCTL_READ of a keyring
//! shows that, to root. A certificate's bytes can't be read back; only its description is visible,
//! `NAME: HEXID`, whose id is the subject key identifier (or the serial number where it has none), see
//! x509_key_preparse in crypto/asymmetric_keys/x509_public_key.c.

use crate::{ReadError, Root};
use std::collections::HashMap;
use std::ffi::CStr;
use std::io;

/// The keyrings that kexec_file_load searches, in its order; `.secondary_trusted_keys` links the first two
/// (certs/system_keyring.c).
pub const TRUSTED: [&str; 4] = [
    ".builtin_trusted_keys",
    ".machine",
    ".secondary_trusted_keys",
    ".platform",
];

/// The keyring of what is revoked (certs/blacklist.c).
const REVOKED: &str = ".blacklist";

/// The depth to which nested keyrings are followed (`.secondary_trusted_keys` needs one).
const DEPTH: u32 = 3;

/// A certificate in a keyring.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyInfo {
    /// The keyring that holds the certificate, with its dot.
    pub keyring: String,
    /// The certificate's name in the kernel: the subject's organisation and common name.
    pub name: String,
    /// The subject key identifier, in hex without separators.
    pub id: String,
}

/// The visible contents of the keyrings.
#[derive(Debug, Clone, Default)]
pub struct Keyrings {
    /// The certificates that kexec_file_load would accept.
    pub trusted: Vec<KeyInfo>,
    /// The entries of `.blacklist`, as `tbs:HEX` or `bin:HEX`.
    pub blacklist: Vec<String>,
    /// The certificates in `.blacklist`, whose signatures are refused.
    pub revoked: Vec<KeyInfo>,
    /// Whether every existing keyring could be read. If not, a key that isn't found may still exist.
    pub complete: bool,
}

impl KeyInfo {
    /// Whether a certificate with this identifier (hex) is shown so. The kernel leaves out one leading zero byte.
    #[must_use]
    pub fn has_id(&self, id: &str) -> bool {
        let short = |id: &str| match id.strip_prefix("00") {
            Some(rest) if !rest.is_empty() => rest.to_ascii_lowercase(),
            _ => id.to_ascii_lowercase(),
        };
        short(&self.id) == short(id)
    }
}

impl Keyrings {
    /// The certificate with this id (hex), if the kernel trusts one.
    #[must_use]
    pub fn find(&self, id: &str) -> Option<&KeyInfo> {
        self.trusted.iter().find(|key| key.has_id(id))
    }
}

/// One line of `/proc/keys`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProcKey {
    /// The key's serial number.
    pub serial: u32,
    /// The key's type, which the kernel truncates to nine characters (`asymmetri`).
    pub kind: String,
    /// The key's description, followed by what its type adds.
    pub description: String,
}

/// Parses `/proc/keys` (proc_keys_show in security/keys/proc.c). Lines of another form are skipped.
#[must_use]
pub fn parse_proc_keys(text: &str) -> Vec<ProcKey> {
    text.lines().filter_map(parse_line).collect()
}

fn parse_line(line: &str) -> Option<ProcKey> {
    // serial flags usage timeout perm uid gid type description…
    let mut rest = line.trim_start();
    let mut fields = Vec::with_capacity(8);
    for _ in 0..8 {
        let (field, after) = rest.split_once(' ')?;
        fields.push(field);
        rest = after.trim_start();
    }
    Some(ProcKey {
        serial: u32::from_str_radix(fields.first()?, 16).ok()?,
        kind: (*fields.get(7)?).to_owned(),
        description: rest.to_owned(),
    })
}

/// Splits an asymmetric key's `NAME: HEXID: X509.rsa 1234abcd []` into name and id.
#[must_use]
pub fn parse_certificate(description: &str) -> Option<(String, String)> {
    let (described, _) = description.rsplit_once(": X509")?;
    let (name, id) = described.rsplit_once(": ")?;
    let is_hex = !id.is_empty() && id.bytes().all(|b| b.is_ascii_hexdigit());
    is_hex.then(|| (name.to_owned(), id.to_ascii_lowercase()))
}

/// Reads the keyrings of the running kernel. Without `/proc/keys` the result is empty and
/// incomplete.
///
/// # Errors
/// When `/proc/keys` exists and can't be read.
pub fn read(root: &Root) -> Result<Keyrings, ReadError> {
    let Some(text) = root.read_text("proc/keys")? else {
        return Ok(Keyrings::default());
    };
    let keys = parse_proc_keys(&text);
    if root.is_system() {
        Ok(collect(&keys, &|serial| {
            let members = read_keyring(serial)?;
            root.keep(&list_of(serial), listed(&members).as_bytes());
            Some(members)
        }))
    } else {
        Ok(collect(&keys, &|serial| listed_members(root, serial)))
    }
}

/// The file with the members of a keyring, where a machine is described by files.
fn list_of(serial: u32) -> String {
    format!("keyctl/{serial:08x}")
}

fn listed(members: &[u32]) -> String {
    let members: Vec<String> = members.iter().map(|member| format!("{member:x}")).collect();
    members.join(" ")
}

/// The members of a keyring of a machine described by files: serial numbers in hex, in the file `keyctl/SERIAL`.
fn listed_members(root: &Root, serial: u32) -> Option<Vec<u32>> {
    let text = root.read_text(&list_of(serial)).ok()??;
    text.split_whitespace()
        .map(|word| u32::from_str_radix(word, 16).ok())
        .collect()
}

/// Assigns the keys of `/proc/keys` to their keyrings. `members` returns the contents of a keyring.
fn collect(keys: &[ProcKey], members: &dyn Fn(u32) -> Option<Vec<u32>>) -> Keyrings {
    let by_serial: HashMap<u32, &ProcKey> = keys.iter().map(|k| (k.serial, k)).collect();
    let mut found = Keyrings {
        complete: true,
        ..Keyrings::default()
    };
    let mut seen_any = false;
    for key in keys.iter().filter(|k| k.kind == "keyring") {
        let name = key.description.split(':').next().unwrap_or_default();
        if TRUSTED.contains(&name) {
            seen_any = true;
            add_members(&mut found, &by_serial, name, key.serial, members, DEPTH);
        } else if name == REVOKED {
            found.revoked =
                certificates(&by_serial, name, &members(key.serial).unwrap_or_default());
        }
    }
    found.complete &= seen_any;
    found.blacklist = keys
        .iter()
        .filter(|k| k.kind == "blacklist")
        .map(|k| k.description.trim_end_matches(": ").to_owned())
        .collect();
    found
}

/// Those of these keys that are certificates.
fn certificates(
    by_serial: &HashMap<u32, &ProcKey>,
    keyring: &str,
    serials: &[u32],
) -> Vec<KeyInfo> {
    let keys = serials.iter().filter_map(|serial| by_serial.get(serial));
    keys.filter_map(|key| parse_certificate(&key.description))
        .map(|(name, id)| KeyInfo {
            keyring: keyring.to_owned(),
            name,
            id,
        })
        .collect()
}

fn add_members(
    found: &mut Keyrings,
    by_serial: &HashMap<u32, &ProcKey>,
    keyring: &str,
    serial: u32,
    members: &dyn Fn(u32) -> Option<Vec<u32>>,
    depth: u32,
) {
    let (Some(serials), Some(depth)) = (members(serial), depth.checked_sub(1)) else {
        found.complete = false;
        return;
    };
    for key in serials.iter().filter_map(|s| by_serial.get(s)) {
        if key.kind == "keyring" {
            let inner = key.description.split(':').next().unwrap_or_default();
            add_members(found, by_serial, inner, key.serial, members, depth);
        } else if let Some((name, id)) = parse_certificate(&key.description) {
            let info = KeyInfo {
                keyring: keyring.to_owned(),
                name,
                id,
            };
            if !found.trusted.contains(&info) {
                found.trusted.push(info);
            }
        }
    }
}

/// The serial numbers of the keys in a keyring; `None` if reading it isn't permitted.
fn read_keyring(serial: u32) -> Option<Vec<u32>> {
    /// include/uapi/linux/keyctl.h
    const KEYCTL_READ: libc::c_long = 11;
    let mut buffer = vec![0u32; 1024];
    loop {
        let size = buffer.len().checked_mul(4)?;
        // SAFETY: the pointer and the size describe `buffer`, which lives across the call and may
        // hold any bytes; the kernel writes at most `size` bytes.
        let wanted = unsafe {
            libc::syscall(
                libc::SYS_keyctl,
                KEYCTL_READ,
                libc::c_long::from(serial),
                buffer.as_mut_ptr(),
                size,
                0,
            )
        };
        let count = usize::try_from(wanted).ok()? / 4;
        if count <= buffer.len() {
            buffer.truncate(count);
            return Some(buffer);
        }
        // The kernel returns the size needed; ask again with a buffer of that size.
        buffer.resize(count, 0);
    }
}

/// Puts a key of the type `user` into the user's own keyring: `payload` stays in the kernel until the machine ends.
///
/// # Errors
/// The error of add_key(2).
pub fn keep(description: &CStr, payload: &[u8]) -> io::Result<()> {
    /// KEY_SPEC_USER_KEYRING of include/uapi/linux/keyctl.h.
    const USERS: libc::c_long = -4;
    // SAFETY: both texts end with a zero byte, and pointer and size describe `payload`; the kernel only reads them.
    let serial = unsafe {
        libc::syscall(
            libc::SYS_add_key,
            c"user".as_ptr(),
            description.as_ptr(),
            payload.as_ptr(),
            payload.len(),
            USERS,
        )
    };
    if serial < 0 {
        return Err(io::Error::last_os_error());
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEYS: &str = "\
0a1b2c3d I------     1 perm 1f0b0000     0     0 keyring   .builtin_trusted_keys: 2
0a1b2c3e I------     1 perm 1f0b0000     0     0 keyring   .machine: 1
0a1b2c3f I------     1 perm 1f0f0000     0     0 keyring   .secondary_trusted_keys: 2
0a1b2c40 I------     1 perm 1f0b0000     0     0 keyring   .platform: empty
00000001 I------     1 perm 1f030000     0     0 asymmetri Debian Secure Boot Signer 2022 - linux: 14011249c2675ea8e5148542202005810584b25f: X509.rsa 0584b25f []
00000002 I------     1 perm 1f030000     0     0 asymmetri Debian Project: Debian Secure Boot CA: 6ccece7e4c6c0d1f6149f3dd27dfcc5cbb419ea1: X509.rsa bb419ea1 []
00000003 I------     1 perm 1f030000     0     0 asymmetri stray: 00ff: X509.rsa 000000ff []
00000004 I------     1 perm 1f030000     0     0 blacklist tbs:64575bd9: 
";

    fn members(serial: u32) -> Option<Vec<u32>> {
        Some(match serial {
            0x0a1b_2c3d => vec![1],
            0x0a1b_2c3e => vec![2],
            0x0a1b_2c3f => vec![0x0a1b_2c3d, 0x0a1b_2c3e],
            _ => vec![],
        })
    }

    #[test]
    fn one_leading_zero_byte_makes_no_difference() {
        let key = |id: &str| KeyInfo {
            keyring: ".machine".into(),
            name: String::new(),
            id: id.into(),
        };
        assert!(key("00ff").has_id("FF") && key("ff").has_id("00ff"));
        assert!(key("ff01").has_id("ff01") && key("00").has_id("00"));
        assert!(!key("00").has_id("0000ff"));
    }

    #[test]
    fn a_line_gives_serial_type_and_description() {
        let keys = parse_proc_keys(KEYS);
        assert_eq!(keys.len(), 8);
        assert_eq!(keys[0].serial, 0x0a1b_2c3d);
        assert_eq!(keys[0].kind, "keyring");
        assert_eq!(keys[4].kind, "asymmetri");
    }

    #[test]
    fn a_short_or_foreign_line_is_left_out() {
        assert!(parse_proc_keys("nonsense\n0a1b2c3d I------ 1\n\n").is_empty());
    }

    #[test]
    fn a_certificates_name_may_hold_colons() {
        let (name, id) =
            parse_certificate("Debian Project: Debian Secure Boot CA: 6cce: X509.rsa 6cce []")
                .unwrap();
        assert_eq!(name, "Debian Project: Debian Secure Boot CA");
        assert_eq!(id, "6cce");
        assert_eq!(parse_certificate("no certificate"), None);
        assert_eq!(parse_certificate("name: nothex: X509.rsa"), None);
    }

    #[test]
    fn only_keys_in_a_trusted_keyring_are_trusted() {
        let found = collect(&parse_proc_keys(KEYS), &members);
        assert!(found.complete);
        assert_eq!(
            found
                .find("6CCECE7E4C6C0D1F6149F3DD27DFCC5CBB419EA1")
                .unwrap()
                .keyring,
            ".machine"
        );
        assert!(found.find("00ff").is_none(), "it is in no keyring");
        assert_eq!(found.trusted.len(), 2, "a key linked twice is listed once");
        assert_eq!(found.blacklist, ["tbs:64575bd9"]);
    }

    #[test]
    fn a_described_machine_lists_its_members_in_files() {
        let t = crate::testroot::TestRoot::new()
            .with("proc/keys", KEYS)
            .with("keyctl/0a1b2c3d", "")
            .with("keyctl/0a1b2c3e", "2\n")
            .with("keyctl/0a1b2c3f", "0a1b2c3d 0a1b2c3e")
            .with("keyctl/0a1b2c40", "");
        let found = read(&t.root()).unwrap();
        assert!(found.complete);
        assert_eq!(found.trusted.len(), 1);
    }

    #[test]
    fn an_unreadable_keyring_makes_the_result_incomplete() {
        let found = collect(&parse_proc_keys(KEYS), &|_| None);
        assert!(!found.complete);
        assert!(!collect(&[], &members).complete);
    }
}
