//! What the running kernel puts before the command line of a crash load: where the headers of the dump lie and, since
//! Linux 6.16 where a disk is encrypted, where its keys lie (setup_cmdline in arch/x86/kernel/kexec-bzimage64.c).
//!
//! Whoever judges the command line judges what follows; whoever looks for a crash looks at what stands here.

const HEADERS: &[u8] = b"elfcorehdr=";
const KEYS: &[u8] = b"dmcryptkeys=";

/// The longest that the kernel puts there.
pub const MAX_CRASH_PREFIX: &[u8] =
    b"elfcorehdr=0xffffffffffffffff dmcryptkeys=0xffffffffffffffff ";

/// How many bytes the kernel keeps free for the first of them in every load (MAX_ELFCOREHDR_STR_LEN of
/// arch/x86/kernel/kexec-bzimage64.c).
pub const RESERVED_FOR_PREFIX: u64 = 30;

/// The command line of a crash load, as the kernel passes it on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CrashLine<'l> {
    /// The address of the dump's headers.
    pub headers: u64,
    /// The address of the keys for disks.
    pub keys: Option<u64>,
    /// What user space chose.
    pub chosen: &'l [u8],
}

impl<'l> CrashLine<'l> {
    /// Whether a line says that it is for a crash, in whatever form.
    #[must_use]
    pub fn is_claimed_by(line: &[u8]) -> bool {
        line.starts_with(HEADERS)
    }

    /// Splits a line; `None` if it doesn't begin as the kernel makes it.
    #[must_use]
    pub fn split(line: &'l [u8]) -> Option<Self> {
        let (headers, rest) = parameter(line, HEADERS)?;
        let keys = parameter(rest, KEYS);
        Some(Self {
            headers,
            keys: keys.map(|(keys, _)| keys),
            chosen: keys.map_or(rest, |(_, chosen)| chosen),
        })
    }
}

/// The address that a line begins with, as `name` and 0x and hexadecimal digits, and what follows the space after it.
fn parameter<'l>(line: &'l [u8], name: &[u8]) -> Option<(u64, &'l [u8])> {
    let digits = line.strip_prefix(name)?.strip_prefix(b"0x")?;
    let mut rest = digits;
    let mut address = 0_u64;
    while let Some((digit, after)) = rest.split_first() {
        let Some(digit) = char::from(*digit).to_digit(16) else {
            break;
        };
        address = address.checked_mul(16)?.checked_add(u64::from(digit))?;
        rest = after;
    }
    match rest {
        _ if rest.len() == digits.len() => None,
        [] => Some((address, rest)),
        [b' ', rest @ ..] => Some((address, rest)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn split(line: &str) -> Option<(u64, Option<u64>, &str)> {
        let line = CrashLine::split(line.as_bytes())?;
        Some((
            line.headers,
            line.keys,
            str::from_utf8(line.chosen).unwrap(),
        ))
    }

    #[test]
    fn what_the_kernel_put_first_is_split_from_the_rest() {
        assert_eq!(split("elfcorehdr=0x2F000"), Some((0x2f000, None, "")));
        assert_eq!(
            split("elfcorehdr=0x2f000 dmcryptkeys=0x30000 ro quiet"),
            Some((0x2f000, Some(0x30000), "ro quiet"))
        );
        let longest = str::from_utf8(MAX_CRASH_PREFIX).unwrap();
        assert_eq!(split(longest), Some((u64::MAX, Some(u64::MAX), "")));
    }

    #[test]
    fn only_as_the_kernel_writes_it() {
        for line in [
            "",
            "quiet",
            " elfcorehdr=0x1",
            "elfcorehdr=",
            "elfcorehdr=0x",
            "elfcorehdr=0x quiet",
            "elfcorehdr=1000",
            "elfcorehdr=64M",
            "elfcorehdr=0x1000,x",
            "elfcorehdr=0x10000000000000000",
            "dmcryptkeys=0x1000 elfcorehdr=0x1000",
        ] {
            assert_eq!(split(line), None, "{line}");
        }
        for chosen in [
            " dmcryptkeys=0x1",
            "dmcryptkeys=0x1,x",
            "dmcryptkeys=0x10000000000000000",
            "elfcorehdr=0x1",
        ] {
            let line = format!("elfcorehdr=0x2f000 {chosen}");
            assert_eq!(split(&line), Some((0x2f000, None, chosen)));
        }
    }

    #[test]
    fn a_line_cut_anywhere_keeps_what_is_whole() {
        let line = "elfcorehdr=0x2f000 dmcryptkeys=0x30000 ro";
        for len in 0..line.len() {
            let cut = &line[..len];
            match split(cut) {
                None => assert!(len <= "elfcorehdr=0x".len(), "{cut}"),
                Some((_, _, chosen)) => assert!(line.contains(chosen)),
            }
        }
    }
}
