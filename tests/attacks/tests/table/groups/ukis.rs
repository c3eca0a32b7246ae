//! What a UKI says, read in two ways.

use baton_attacks::Group;
use baton_formats::handover::RecordKind;
use baton_verify::Component;

use crate::bases::*;
use crate::case::{Case, Cases};
use crate::scene::{Scene, Shim, signed_image};
use baton_samples::build::{authenticode, line, manifest};
use baton_samples::other_formats::{flat_multiboot2, pe_image};
use baton_samples::small_image::small_image;
use baton_samples::{SHA256, signature_list};

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
    refused! { all;
        "the tab that a UKI has where the kernel is given a space":
            with_a_tab,
            |it| it.line = b"root=/dev/vda\tquiet".to_vec() => Component::CommandLine, "command-line-not-of-uki";
        "a parameter that the policy denies, after a tab in a UKI's line":
            with_a_tab, |it| {
                *it = saying(b"root=/dev/vda\tacpi_rsdp=0x1000\tquiet");
                it.line = b"root=/dev/vda acpi_rsdp=0x1000 quiet".to_vec();
            } => Component::CommandLine, "parameter-denied";
        "a UKI's line that goes on after a NUL":
            with_a_tab, |it| *it = saying(b"root=/dev/vda quiet\0init=/bin/sh") => Component::Kernel, "bad-uki";
        "a UKI's line that comes after a NUL, which is none to systemd-stub":
            with_a_tab, |it| *it = saying(b"\0root=/dev/vda quiet") => Component::Kernel, "bad-uki";
        "an addon's parameters made init's by a -- before them":
            uki_with_addon,
            |it| it.line = b"root=/dev/vda -- debug".to_vec() => Component::CommandLine, "command-line-not-of-uki";
        "an addon's parameters made part of a value by a quote before them":
            uki_with_addon,
            |it| it.line = b"root=/dev/vda x=\" debug".to_vec() => Component::CommandLine, "command-line-not-of-uki";
        "an addon's parameters made part of a value to systemd alone, by a single quote before them":
            uki_with_addon, |it| it.line = b"root=/dev/vda x=\"'\" y=' debug".to_vec()
                => Component::CommandLine, "command-line-not-of-uki";
        "an addon's parameters made part of a value by a backslash before the space":
            uki_with_addon,
            |it| it.line = b"root=/dev/vda x\\ debug".to_vec() => Component::CommandLine, "command-line-not-of-uki";
    }
    all.made.extend(with_addons());
    all.made
}

/// A kernel that isn't Linux, as a UKI that a manifest lists.
fn multiboot2_uki() -> Scene {
    listed(&pe_image(&[(".linux", &flat_multiboot2())]), &[])
}

/// A UKI for which a manifest lists the initrd.
fn with_listed_initrd() -> Scene {
    let mut scene = open_uki();
    let text = manifest(&[line("initrd", FIRST)]);
    scene.build = scene.build.initrd(FIRST).signed_manifest(&text);
    scene
}

/// An addon that nobody signed.
fn unsigned_addon() -> Vec<u8> {
    pe_image(&[(".cmdline", b"debug")])
}

/// A UKI that says everything, where the machine's owner trusts the addon by its digest.
fn sealed_with_listed_addon() -> Scene {
    let mut scene = sealed_uki();
    scene.shim = Some(Shim {
        list: signature_list(&SHA256, &[&authenticode(&unsigned_addon())]),
        ..Shim::default()
    });
    scene
}

fn with_addons() -> Vec<Case> {
    let mut all = Cases::of(Group::Initrds);
    refused! { all;
        "an addon's initrd as a module of a kernel that isn't Linux, which the manifest doesn't list":
            multiboot2_uki, |it| {
                let addon = addon_of(&[(".initrd", b"a module")]);
                it.insert(1, RecordKind::Addon, &addon, 0);
                it.build.records[1].0.digest = authenticode(&addon);
                it.build.records[3].0.subject = 2;
            } => Component::Addon(0), "addon-without-uki";
        "an addon with one more initrd than the manifest lists":
            with_listed_initrd, |it| {
                let addon = addon_of(&[(".initrd", b"070701 more")]);
                it.insert(2, RecordKind::Addon, &addon, 0);
                it.build.records[2].0.digest = authenticode(&addon);
                it.build.records[4].0.subject = 3;
            } => Component::Addon(0), "not-in-manifest";
        "an addon that the MOK list alone vouches for, where kernels must be signed UKIs":
            sealed_with_listed_addon, |it| {
                it.build = it.build.clone().addon(&unsigned_addon());
                it.line = [UKI_LINE, b" debug"].concat();
            } => Component::Addon(0), "not-accepted";
    }
    all.made
}
