//! What a UKI says, read in two ways.

use baton_attacks::Group;
use baton_verify::Component;

use crate::bases::*;
use crate::case::{Case, Cases};
use crate::forging::build::authenticode;
use crate::forging::other_formats::pe_image;
use crate::forging::small_image::small_image;
use crate::scene::{Scene, signed_image};

/// A UKI whose command line is in these bytes of its section.
fn saying(section: &[u8]) -> Scene {
    let kernel = small_image();
    let sections = [(".linux", &kernel[..]), (".cmdline", section)];
    let image = signed_image(pe_image(&sections));
    let mut scene = uki();
    let digest = authenticode(&image);
    scene.put_kernel(image, digest);
    scene
}

/// Which systemd-stub hands on as [`UKI_LINE`].
fn with_a_tab() -> Scene {
    saying(b"\nroot=/dev/vda\tquiet\r\n\0")
}

pub fn cases() -> Vec<Case> {
    let mut all = Cases::of(Group::CommandLine);
    all.refused(
        "the tab that a UKI has where the kernel is given a space",
        with_a_tab,
        |it| it.line = b"root=/dev/vda\tquiet".to_vec(),
        Component::CommandLine,
        "command-line-not-of-uki",
    );
    all.refused(
        "a parameter that the policy denies, after a tab in a UKI's line",
        with_a_tab,
        |it| {
            *it = saying(b"root=/dev/vda\tacpi_rsdp=0x1000\tquiet");
            it.line = b"root=/dev/vda acpi_rsdp=0x1000 quiet".to_vec();
        },
        Component::CommandLine,
        "parameter-denied",
    );
    all.refused(
        "a UKI's line that goes on after a NUL",
        with_a_tab,
        |it| *it = saying(b"root=/dev/vda quiet\0init=/bin/sh"),
        Component::Kernel,
        "bad-uki",
    );
    all.refused(
        "a UKI's line that comes after a NUL, which is none to systemd-stub",
        with_a_tab,
        |it| *it = saying(b"\0root=/dev/vda quiet"),
        Component::Kernel,
        "bad-uki",
    );
    all.refused(
        "an addon's parameters made init's by a -- before them",
        uki_with_addon,
        |it| it.line = b"root=/dev/vda -- debug".to_vec(),
        Component::CommandLine,
        "command-line-not-of-uki",
    );
    all.refused(
        "an addon's parameters made part of a value by a quote before them",
        uki_with_addon,
        |it| it.line = b"root=/dev/vda x=\" debug".to_vec(),
        Component::CommandLine,
        "command-line-not-of-uki",
    );
    all.made
}
