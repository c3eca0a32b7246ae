//! Taking over the running kernel's command line.

/// The parameters of `line` that the next kernel should get: without `BOOT_IMAGE=` and `initrd=`, which
/// boot loaders add about themselves, and for a crash kernel without `crashkernel=`.
///
/// A parameter is dropped by its whole name up to `=`, so that `initrd_addr=` or `crashkernels` stay.
/// The rest is kept byte for byte, quoting included; after a lone `--` all belongs to init and is kept.
#[must_use]
pub fn reuse(line: &[u8], crash: bool) -> Vec<u8> {
    let mut kept: Vec<&[u8]> = Vec::new();
    let mut for_init = false;
    for parameter in Parameters(line) {
        for_init |= parameter == b"--";
        if for_init || !is_dropped(parameter, crash) {
            kept.push(parameter);
        }
    }
    kept.join(&b' ')
}

fn is_dropped(parameter: &[u8], crash: bool) -> bool {
    // The kernel lets a whole parameter be quoted: "name=a b".
    let bare = parameter.strip_prefix(b"\"").unwrap_or(parameter);
    let Some(end) = bare.iter().position(|&b| b == b'=') else {
        return false;
    };
    let name = bare.get(..end).unwrap_or_default();
    name == b"BOOT_IMAGE" || name == b"initrd" || (crash && name == b"crashkernel")
}

/// Splits as next_arg of the kernel's lib/cmdline.c does: at white space outside of double quotes.
struct Parameters<'a>(&'a [u8]);

impl<'a> Iterator for Parameters<'a> {
    type Item = &'a [u8];

    fn next(&mut self) -> Option<&'a [u8]> {
        let line = self.0.trim_ascii_start();
        if line.is_empty() {
            return None;
        }
        let mut quoted = false;
        let end = line
            .iter()
            .position(|&b| {
                quoted ^= b == b'"';
                !quoted && b.is_ascii_whitespace()
            })
            .unwrap_or(line.len());
        let (parameter, rest) = line.split_at(end);
        self.0 = rest;
        Some(parameter)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reused(line: &str, crash: bool) -> String {
        String::from_utf8(reuse(line.as_bytes(), crash)).unwrap()
    }

    #[test]
    fn what_the_boot_loader_added_is_dropped() {
        assert_eq!(
            reused(
                "BOOT_IMAGE=/vmlinuz root=/dev/vda1 initrd=\\initrd.img ro quiet",
                false
            ),
            "root=/dev/vda1 ro quiet"
        );
    }

    #[test]
    fn crashkernel_is_dropped_for_a_crash_kernel_alone() {
        let line = "ro crashkernel=256M quiet crashkernel=1G,high";
        assert_eq!(reused(line, true), "ro quiet");
        assert_eq!(reused(line, false), line);
    }

    #[test]
    fn names_that_only_begin_alike_stay() {
        let line = "initrd_x=1 crashkernel_extra=2 crashkernel noinitrd xBOOT_IMAGE=3";
        assert_eq!(reused(line, true), line);
    }

    #[test]
    fn quoted_values_stay_in_one_piece() {
        let line = "dyndbg=\"file a.c +p; initrd=x\" \"mod.opt=a  b\" ro";
        assert_eq!(reused(line, false), line);
        assert_eq!(reused("\"BOOT_IMAGE=a b\" ro", false), "ro");
    }

    #[test]
    fn what_belongs_to_init_stays() {
        assert_eq!(reused("ro -- initrd=1  x", true), "ro -- initrd=1 x");
    }

    #[test]
    fn an_empty_line_stays_empty() {
        assert_eq!(reused("", false), "");
        assert_eq!(reused("  \t", false), "");
    }
}
