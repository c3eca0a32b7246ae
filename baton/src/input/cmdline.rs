//! Command lines: refusing what can't be one, and reusing that of the running kernel.

use crate::failure::Result;
use crate::failure::input::InputError;
use baton_formats::cmdline::parameters;

/// Refuses what can't be a kernel's command line.
///
/// # Errors
/// When it has several lines.
pub fn check(line: &[u8]) -> Result<()> {
    if line.contains(&b'\n') {
        Err(InputError::CommandLineEnd.into())
    } else {
        Ok(())
    }
}

/// The parameters of `line` that the next kernel should get: without `BOOT_IMAGE=` and `initrd=`, which
/// boot loaders add about themselves, and for a crash kernel without `crashkernel=`.
///
/// A parameter is dropped by its whole name up to `=`, so that `initrd_addr=` or `crashkernels` stay.
/// The rest is kept byte for byte, quoting included; after a lone `--` all belongs to init and is kept.
#[must_use]
pub fn reuse(line: &[u8], crash: bool) -> Vec<u8> {
    let mut kept: Vec<&[u8]> = Vec::new();
    let mut for_init = false;
    for parameter in parameters(line) {
        for_init |= parameter.ends_kernel_parameters();
        let named = parameter.value.is_some();
        if for_init || !(named && is_dropped(parameter.name, crash)) {
            kept.push(parameter.raw);
        }
    }
    kept.join(&b' ')
}

/// The line with parameters after its own, and before what belongs to init.
#[must_use]
pub fn append(line: &[u8], more: &[String]) -> Vec<u8> {
    let own: Vec<&[u8]> = parameters(line).map(|it| it.raw).collect();
    let end = parameters(line).position(|it| it.ends_kernel_parameters());
    let (before, after) = own
        .split_at_checked(end.unwrap_or(own.len()))
        .unwrap_or_default();
    let more = more.iter().map(String::as_bytes);
    let all: Vec<&[u8]> = before
        .iter()
        .copied()
        .chain(more)
        .chain(after.iter().copied())
        .collect();
    all.join(&b' ')
}

fn is_dropped(name: &[u8], crash: bool) -> bool {
    name == b"BOOT_IMAGE" || name == b"initrd" || (crash && name == b"crashkernel")
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
    fn what_is_appended_goes_to_the_kernel_and_not_to_init() {
        let more = ["a=1".to_owned(), "b".to_owned()];
        for (line, whole) in [
            ("", "a=1 b"),
            ("ro quiet", "ro quiet a=1 b"),
            ("ro -- single", "ro a=1 b -- single"),
        ] {
            assert_eq!(append(line.as_bytes(), &more), whole.as_bytes(), "{line}");
        }
        assert_eq!(append(b"ro  x", &[]), b"ro x");
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
