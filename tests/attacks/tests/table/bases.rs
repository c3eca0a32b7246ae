//! Machines that boot, for attacks to change.

use std::path::Path;

use super::scene::{Gate, Scene, Shim, appended, signed_image};
use baton_samples::build::{Build, authenticode, line, manifest, sha256, sign};
use baton_samples::forge::{Cert, Forge};
use baton_samples::other_formats::{flat_multiboot2, pe_image, vmlinux, vmlinux_with_room};
use baton_samples::small_elf::signed_elf_of;
use baton_samples::small_image::{set_text_len, small_image};
use baton_samples::{X509, signature_list};

pub const UKI_LINE: &[u8] = b"root=/dev/vda quiet";
pub const FIRST: &[u8] = b"070701 the first";
pub const SECOND: &[u8] = b"070701 the second";

/// A bzImage with an Authenticode signature, and an initrd that nobody signed.
pub fn bzimage() -> Scene {
    Scene::of(Build::signed().initrd(FIRST))
}

/// Another kernel than [`small_image`], as small.
pub fn other_image() -> Vec<u8> {
    let mut image = small_image();
    image.extend([0x90; 0x100]);
    set_text_len(&mut image);
    image
}

/// The same on a machine with shim, whose list alone says whom to trust.
pub fn with_shim() -> Scene {
    let mut scene = bzimage();
    scene.gate = Gate::default();
    scene.shim = Some(Shim {
        list: signature_list(&X509, &[&Cert::ca(1, 1).der()]),
        revoked: vec![],
        dbx: vec![],
        sbat_level: Some(b"sbat,1,2025051000\nshim,4\n".to_vec()),
    });
    scene
}

/// The bzImage signed by a chain: key 3, issued by key 2, issued by the trusted key 1.
pub fn chain() -> Scene {
    let image = Forge::new(&Cert::leaf(3, 2))
        .carrying(&[&Cert::ca(2, 1)])
        .build();
    Scene::of(Build::kernel(&image, authenticode(&image)))
}

fn uki_of(sections: &[(&str, &[u8])]) -> Build {
    let kernel = small_image();
    let sections = [&[(".linux", &kernel[..])], sections].concat();
    let image = signed_image(pe_image(&sections));
    Build::kernel(&image, authenticode(&image))
}

const UKI_SECTIONS: [(&str, &[u8]); 3] = [
    (".initrd", b"the UKI's initrd"),
    (".uname", b"6.1.0-small\0"),
    (
        ".sbat",
        b"sbat,1,SBAT Version,sbat,1,-\nsample,2,Baton,sample,2,-\n",
    ),
];

/// A UKI that says what its command line is.
pub fn uki() -> Scene {
    let line: &[(&str, &[u8])] = &[(".cmdline", UKI_LINE)];
    let mut scene = Scene::of(uki_of(&[line, &UKI_SECTIONS].concat()));
    scene.line = UKI_LINE.to_vec();
    scene
}

/// A UKI that leaves the command line to others.
pub fn open_uki() -> Scene {
    Scene::of(uki_of(&UKI_SECTIONS))
}

/// The same with this initrd.
pub fn uki_with_initrd(initrd: &[u8]) -> Scene {
    Scene::of(uki_of(&[(".initrd", initrd)]))
}

/// A signed UKI of this kernel.
pub fn uki_with_kernel(kernel: &[u8]) -> Vec<u8> {
    signed_image(pe_image(
        &[&[(".linux", kernel)], &UKI_SECTIONS[..]].concat(),
    ))
}

pub fn addon_of(sections: &[(&str, &[u8])]) -> Vec<u8> {
    signed_image(pe_image(sections))
}

/// A UKI without a command line, and an addon that adds to it.
pub fn uki_with_addon() -> Scene {
    let mut scene = open_uki();
    scene.build = scene.build.addon(&addon_of(&[(".cmdline", b"debug")]));
    scene.line = b"root=/dev/vda debug".to_vec();
    scene
}

/// An ELF kernel with a signature at its end.
pub fn vmlinux_appended() -> Scene {
    let file = vmlinux();
    Scene::of(Build::kernel(&appended(&file), sha256(&file)).initrd(FIRST))
}

/// An ELF kernel with a signature in a note.
pub fn vmlinux_noted() -> Scene {
    let (noted, unsigned) = signed_elf_of(vmlinux_with_room, sign);
    Scene::of(Build::kernel(&noted, sha256(&unsigned)))
}

/// An ELF kernel with a signature beside it.
pub fn vmlinux_detached() -> Scene {
    detached(&vmlinux())
}

/// A multiboot2 kernel that a manifest lists.
pub fn multiboot2() -> Scene {
    listed(&flat_multiboot2(), &[])
}

/// The same with two modules, which the manifest lists, too.
pub fn multiboot2_with_modules() -> Scene {
    listed(&flat_multiboot2(), &[FIRST, SECOND])
}

/// A kernel that a manifest lists with these initrds, and with nothing of the command line.
pub fn listed(file: &[u8], initrds: &[&[u8]]) -> Scene {
    let mut build = Build::kernel(file, sha256(file));
    let mut lines = vec![line("kernel", file)];
    for initrd in initrds {
        build = build.initrd(initrd);
        lines.push(line("initrd", initrd));
    }
    Scene::of(build.signed_manifest(&manifest(&lines)))
}

pub fn detached(file: &[u8]) -> Scene {
    Scene::of(Build::kernel(file, sha256(file)).signature(0, file))
}

/// The bzImage, and an initrd with a signature beside it.
pub fn signed_initrd() -> Scene {
    Scene::of(Build::signed().initrd(FIRST).signature(1, FIRST))
}

/// An unsigned kernel that a manifest lists, with two initrds and the command line.
pub fn by_manifest() -> Scene {
    manifested(&[
        line("kernel", &small_image()),
        line("initrd", FIRST),
        line("initrd", SECOND),
        "cmdline quiet\n".into(),
    ])
}

/// The same with these lines in the manifest.
pub fn manifested(lines: &[String]) -> Scene {
    let build = Build::bare()
        .initrd(FIRST)
        .initrd(SECOND)
        .signed_manifest(&manifest(lines));
    let mut scene = Scene::of(build);
    scene.line = b"quiet".to_vec();
    scene
}

/// The bzImage for a crash, which has come.
pub fn crash() -> Scene {
    let mut scene = bzimage();
    scene.build = scene.build.crash();
    scene.crash = true;
    scene
}

/// A kernel that the machine's owner trusts by its digest alone.
pub fn by_listed_digest() -> Scene {
    let image = small_image();
    let digest = authenticode(&image);
    let mut scene = Scene::of(Build::kernel(&image, digest));
    scene.gate = Gate::default();
    scene.shim = Some(Shim {
        list: signature_list(&baton_samples::SHA256, &[&digest]),
        ..Shim::default()
    });
    scene
}

/// The policy that the preset of this name is.
pub fn preset(mut scene: Scene, name: &str) -> Scene {
    scene.gate.policy = baton_cli::policy::given::compiled(Path::new(name)).expect("a preset");
    scene
}

/// A UKI that says everything, where nothing else is accepted.
pub fn sealed_uki() -> Scene {
    preset(uki(), "sealed")
}

/// A manifest that lists everything, likewise.
pub fn sealed_manifest() -> Scene {
    preset(by_manifest(), "sealed")
}

/// An initrd with a signature, where it must have one.
pub fn must_be_signed() -> Scene {
    preset(signed_initrd(), "signed-initrd")
}
