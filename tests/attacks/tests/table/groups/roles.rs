//! What was signed for one purpose, and is handed over for another.

use baton_attacks::Group;
use baton_formats::bzimage::BzImage;
use baton_formats::handover::RecordKind;
use baton_formats::multiboot2::Multiboot2;
use baton_gate::arch::x86_64::BootPlan;
use baton_gate::arch::x86_64::convert::Entry;
use baton_verify::Component;

use crate::bases::*;
use crate::case::{Case, Cases};
use crate::scene::{Scene, appended, signed_image, signed_image_by, with_appended};
use baton_samples::build::{Build, authenticode, line, manifest, sha256, sign};
use baton_samples::der::{null, octets, oid, seq};
use baton_samples::forge::{Cert, ECDSA_SHA256, SPC_INDIRECT_DATA, extension, name};
use baton_samples::forge_detached::ForgeDetached;
use baton_samples::other_formats::*;
use baton_samples::small_elf::{elf_with, note, small_elf};
use baton_samples::small_image::small_image;

const KERNEL: Component = Component::Kernel;
const INITRD: Component = Component::Initrd(0);
const GZIP: &[u8] = b"\x1f\x8b\x08\0";
const ARCHIVE: &[u8] = b"070701";

pub fn cases() -> Vec<Case> {
    let mut all = Cases::of(Group::Roles);
    initrds_as_kernels(&mut all);
    der(&mut all);
    manifests(&mut all);
    kernels_as_initrds(&mut all);
    pairs(&mut all);
    pairs_that_are_linux(&mut all);
    by_their_own_signature(&mut all);
    modules(&mut all);
    left_out(&mut all);
    all.made
}

/// One that boots by `stock`, by `signed-initrd` and by `sealed`.
fn under_stock() -> Scene {
    bzimage()
}

/// The same attack under every preset.
/// Attacks under each preset: the name; the attack; the part that is refused, and the code.
macro_rules! in_every_policy {
    ($all:ident; $($name:literal: $attack:expr => $component:expr, $code:literal;)*) => {$(
        let honest: [(&str, fn() -> Scene); 3] = [
            (concat!($name, ", under `stock`"), under_stock),
            (concat!($name, ", under `signed-initrd`"), must_be_signed),
            (concat!($name, ", under `sealed`"), sealed_uki),
        ];
        for (name, honest) in honest {
            $all.refused(name, honest, $attack, $component, $code);
        }
    )*};
}

/// A bzImage that begins otherwise.
fn bzimage_after(start: &[u8]) -> Vec<u8> {
    let mut file = small_image();
    file[..0x1f0].fill(0);
    file[..start.len()].copy_from_slice(start);
    file
}

/// A multiboot2 kernel that begins otherwise.
fn multiboot2_after(start: &[u8]) -> Vec<u8> {
    let mut file = start.to_vec();
    file.resize(start.len().next_multiple_of(0x100), 0);
    file.extend(flat_multiboot2());
    file
}

/// Hands over this file alone as the kernel, with this signature beside it.
fn kernel_with(scene: &mut Scene, file: &[u8], signature: &[u8]) {
    let build = Build::kernel(file, sha256(file));
    scene.build = build.with(RecordKind::Signature, signature, sha256(signature), 0);
}

/// The same, with a right signature.
fn as_kernel(scene: &mut Scene, file: &[u8]) {
    kernel_with(scene, file, &sign(file));
}

/// Hands over this file as the initrd of the kernel that is there, with this signature beside it.
fn initrd_with(scene: &mut Scene, file: &[u8], signature: &[u8]) {
    scene.build.records.truncate(1);
    let build = scene.build.clone().initrd(file);
    scene.build = build.with(RecordKind::Signature, signature, sha256(signature), 1);
}

/// The same, with a right signature.
fn as_initrd(scene: &mut Scene, file: &[u8]) {
    initrd_with(scene, file, &sign(file));
}

/// A signature as certificates and lists have it: by the trusted authority itself, of the bytes directly.
fn by_the_authority(content: &[u8]) -> Vec<u8> {
    ForgeDetached::module(content, &Cert::ca(1, 1)).build()
}

fn initrds_as_kernels(all: &mut Cases) {
    in_every_policy! { all;
        "a signed archive with a bzImage's setup header in it, as the kernel":
            |it| as_kernel(it, &bzimage_after(ARCHIVE)) => KERNEL, "only-by-manifest";
        "a signed archive with a multiboot2 kernel in it, as the kernel":
            |it| as_kernel(it, &multiboot2_after(ARCHIVE)) => KERNEL, "only-by-manifest";
        "a signed compressed initrd with a bzImage's setup header in it, as the kernel":
            |it| as_kernel(it, &bzimage_after(GZIP)) => KERNEL, "only-by-manifest";
    }
}

/// What an authority signs of a certificate, with a kernel in an extension that nobody looks at, and room
/// before that, so that its setup header lies where one is looked for.
fn certificate_contents() -> Vec<u8> {
    let kernel = &small_image()[0x1f0..];
    let of = |room| {
        let room = extension("1.2.3.4", false, &vec![0; room]);
        let cert = Cert::leaf(9, 1).with(room);
        cert.with(extension("1.2.3.5", false, kernel)).tbs()
    };
    let fits = |tbs: &Vec<u8>| tbs.get(0x202..0x206) == Some(b"HdrS");
    (0..0x200).map(of).find(fits).expect("one of these")
}

/// What an authority signs of a revocation list, with a multiboot2 kernel in it, at one of eight places.
fn list_contents() -> Vec<u8> {
    let of = |room| {
        let issuer = name(&"k".repeat(room));
        let kernel = octets(&multiboot2_after(&[]));
        seq(&[seq(&[oid(ECDSA_SHA256)]), issuer, null(), kernel])
    };
    let recognises = |list: &Vec<u8>| Multiboot2::parse(list).is_ok();
    (1..9).map(of).find(recognises).expect("one of these")
}

/// A kernel signed by a trusted key itself, whose certificate says nothing of CAs.
fn by_an_anchor() -> Scene {
    let signer = Cert::leaf(1, 1);
    let image = signed_image_by(small_image(), &signer, &[]);
    let mut scene = Scene::of(Build::kernel(&image, authenticode(&image)));
    scene.gate.keys = signer.der();
    scene
}

fn der(all: &mut Cases) {
    in_every_policy! { all;
        "what an authority signed as a certificate, with a bzImage's setup header in it, as the kernel":
            |it| {
                let tbs = certificate_contents();
                kernel_with(it, &tbs, &by_the_authority(&tbs));
            } => KERNEL, "ambiguous-signature";
        "what an authority signed as a certificate, as the initrd":
            |it| {
                let tbs = Cert::leaf(9, 1).tbs();
                initrd_with(it, &tbs, &by_the_authority(&tbs));
            } => INITRD, "ambiguous-signature";
    }
    refused! { all;
        "what an authority signed as a revocation list, with a multiboot2 kernel in it, as the kernel":
            bzimage, |it| {
                let list = list_contents();
                kernel_with(it, &list, &by_the_authority(&list));
            } => KERNEL, "ambiguous-signature";
        "the contents of an Authenticode signature without attributes, as the initrd":
            must_be_signed, |it| {
                let contents = [seq(&[oid(SPC_INDIRECT_DATA)]), octets(&[7; 32])].concat();
                initrd_with(it, &contents, &by_the_authority(&contents));
            } => INITRD, "ambiguous-signature";
        "what an authority signed as a certificate, with that signature after it as after a module":
            bzimage, |it| {
                let tbs = certificate_contents();
                let file = with_appended(&tbs, &by_the_authority(&tbs));
                it.build = Build::kernel(&file, sha256(&tbs));
            } => KERNEL, "ambiguous-signature";
        "what a trusted signer, which is no CA, signed without attributes, made into a certificate":
            by_an_anchor, |it| {
                let made = Cert::leaf(9, 1);
                let image = signed_image_by(small_image(), &made, &[]);
                let digest = authenticode(&image);
                it.put_kernel(image, digest);
            } => KERNEL, "not-an-issuer";
        "a certificate that somebody signed as a file, with a bzImage's setup header in it":
            bzimage, |it| as_kernel(it, &certificate_contents()) => KERNEL, "only-by-manifest";
        "a signed certificate as the initrd":
            must_be_signed, |it| as_initrd(it, &Cert::leaf(9, 1).der()) => INITRD, "not-an-initrd";
    }
}

/// What a manifest begins with, and a setup header after it.
fn manifest_with_setup_header() -> Vec<u8> {
    bzimage_after(manifest(&[line("kernel", FIRST)]).as_bytes())
}

fn manifests(all: &mut Cases) {
    in_every_policy! { all;
        "a signed manifest as the initrd":
            |it| as_initrd(it, manifest(&[line("kernel", FIRST)]).as_bytes()) => INITRD, "not-an-initrd";
    }
    refused! { all;
        "a signed manifest with a bzImage's setup header after it, as the kernel":
            bzimage, |it| as_kernel(it, &manifest_with_setup_header()) => KERNEL, "only-by-manifest";
        "a signed manifest with a multiboot2 kernel after it, as the kernel":
            bzimage, |it| {
                let text = manifest(&[line("kernel", FIRST)]);
                as_kernel(it, &multiboot2_after(text.as_bytes()));
            } => KERNEL, "only-by-manifest";
        "a signed initrd as the manifest":
            by_manifest, |it| {
                it.put(3, FIRST.to_vec(), sha256(FIRST));
                let signature = sign(FIRST);
                it.put(4, signature.clone(), sha256(&signature));
            } => Component::Manifest, "bad-manifest";
        "a signed kernel as the manifest":
            by_manifest, |it| {
                let kernel = vmlinux();
                it.put(3, kernel.clone(), sha256(&kernel));
                let signature = sign(&kernel);
                it.put(4, signature.clone(), sha256(&signature));
            } => Component::Manifest, "bad-manifest";
    }
}

fn kernels_as_initrds(all: &mut Cases) {
    in_every_policy! { all;
        "a kernel with a signature beside it, as the initrd":
            |it| as_initrd(it, &vmlinux()) => INITRD, "not-an-initrd";
        "an EFI kernel with a signature beside it, as the initrd":
            |it| as_initrd(it, &small_image()) => INITRD, "not-an-initrd";
    }
    refused! { all;
        "a kernel with an archive joined to its end and a signature of both, as the initrd":
            must_be_signed,
            |it| as_initrd(it, &[&vmlinux()[..], ARCHIVE, b" an archive"].concat()) => INITRD, "not-an-initrd";
        "a signed multiboot2 kernel as the initrd":
            must_be_signed, |it| as_initrd(it, &flat_multiboot2()) => INITRD, "not-an-initrd";
        "a bzImage whose signed file begins with zeros, as the initrd":
            must_be_signed, |it| as_initrd(it, &bzimage_after(&[])) => INITRD, "not-an-initrd";
        "a signed archive of the old kind, which Linux doesn't unpack, as the initrd":
            must_be_signed, |it| as_initrd(it, b"070707 an archive of another kind") => INITRD, "not-an-initrd";
        "a signed text as the initrd, so that there is one":
            must_be_signed,
            |it| as_initrd(it, b"Dear administrator, this is a signed mail.") => INITRD, "not-an-initrd";
    }
}

/// Signed files that begin as one thing and have what makes a kernel in them, where it is looked for.
fn pairs(all: &mut Cases) {
    macro_rules! kernel {
        ($($name:literal: $file:expr => $code:literal;)*) => {
            $(all.refused($name, bzimage, |it| as_kernel(it, &$file), KERNEL, $code);)*
        };
    }
    kernel! {
        "a signed file that is a bzImage but for its DOS header":
            bzimage_after(&[]) => "only-by-manifest";
        "a signed multiboot2 kernel with a bzImage's setup header":
            with_multiboot2_header(bzimage_after(&[])) => "only-by-manifest";
        "a signed compressed initrd with a multiboot2 kernel in it, as the kernel":
            multiboot2_after(GZIP) => "only-by-manifest";
        "a signed text with a multiboot2 kernel in it":
            multiboot2_after(b"Dear administrator, see the attached file.") => "only-by-manifest";
        "a signed ELF file for another purpose with a multiboot2 header in it":
            with_multiboot2_header(small_elf(0)) => "only-by-manifest";
        "a signed ELF file for another purpose with a bzImage's setup header in it":
            {
                let mut file = small_elf(0);
                file.resize(0x1f1, 0);
                file.extend(&small_image()[0x1f1..]);
                file
            } => "unknown-format";
        "a signed ELF kernel with a PVH entry and a multiboot2 header":
            with_multiboot2_header(pvh()) => "only-by-manifest";
        "a signed handover with a multiboot2 kernel in it, as the kernel":
            multiboot2_after(&baton_formats::handover::MAGIC) => "only-by-manifest";
    }
    refused! { all;
        "a signed addon with a bzImage's setup header in it, as the kernel":
            bzimage, |it| {
                let mut image = pe_image(&[(".initrd", &[0; 0x800])]);
                image[0x1f1..0x270].copy_from_slice(&small_image()[0x1f1..0x270]);
                let image = signed_image(image);
                assert!(BzImage::parse(&image).is_ok());
                it.put_kernel(image.clone(), authenticode(&image));
            } => KERNEL, "bad-uki";
    }
}

/// The same with Linux, which is booted as what it begins as.
fn pairs_that_are_linux(all: &mut Cases) {
    fn in_64_bit_mode(plan: &BootPlan<'_>) {
        assert!(matches!(plan.entry, Entry::Long { .. }));
    }
    all.survived(
        "an EFI kernel with a multiboot2 header",
        bzimage,
        |it| {
            let image = signed_image(with_multiboot2_header(small_image()));
            let digest = authenticode(&image);
            it.put_kernel(image, digest);
        },
        "Linux is entered as Linux, with boot_params, whatever other headers it has",
        in_64_bit_mode,
    );
    all.survived(
        "an ELF kernel with a bzImage's setup header in it",
        vmlinux_detached,
        |it| {
            let mut file = vmlinux();
            file.resize(0x1f1, 0);
            file.extend(&small_image()[0x1f1..]);
            as_kernel(it, &file);
        },
        "what begins as ELF is booted as ELF: what is written is its segment",
        |plan| {
            in_64_bit_mode(plan);
            assert!(
                plan.writes
                    .iter()
                    .any(|write| write.bytes[..] == vmlinux()[0x100..0x180])
            );
        },
    );
    all.survived(
        "a UKI with another kernel's setup header in it",
        uki,
        |it| {
            let mut image = pe_image(&[
                (".room", &[0; 0x100]),
                (".linux", &small_image()),
                (".cmdline", UKI_LINE),
            ]);
            image[0x1f1..0x270].copy_from_slice(&other_image()[0x1f1..0x270]);
            assert!(BzImage::recognises(&image));
            let image = signed_image(image);
            let digest = authenticode(&image);
            it.put_kernel(image, digest);
        },
        "a UKI's kernel is the one in its section: what is written is that",
        |plan| assert_eq!(plan.writes[0].bytes[..], small_image()[0x400..]),
    );
}

/// A signature that is right, of a kernel that only a manifest can vouch for.
fn by_their_own_signature(all: &mut Cases) {
    in_every_policy! { all;
        "a multiboot2 kernel with a signature beside it":
            |it| as_kernel(it, &flat_multiboot2()) => KERNEL, "only-by-manifest";
        "an ELF kernel with a PVH entry and a signature beside it":
            |it| as_kernel(it, &pvh()) => KERNEL, "only-by-manifest";
    }
    refused! { all;
        "a multiboot2 kernel with a signature after its end":
            multiboot2, |it| {
                let file = flat_multiboot2();
                it.build = Build::kernel(&appended(&file), sha256(&file));
            } => KERNEL, "only-by-manifest";
        "a signed multiboot2 kernel, with a signed manifest of its modules alone":
            multiboot2_with_modules, |it| {
                let (file, text) = (flat_multiboot2(), manifest(&[line("initrd", FIRST)]));
                it.build = Build::kernel(&file, sha256(&file))
                    .initrd(FIRST)
                    .manifest(&text)
                    .signature(0, &file)
                    .signature(2, text.as_bytes());
            } => KERNEL, "only-by-manifest";
        "a signed UKI with a multiboot2 kernel in it":
            open_uki, |it| {
                let image = signed_image(pe_image(&[(".linux", &flat_multiboot2())]));
                let digest = authenticode(&image);
                it.put_kernel(image, digest);
            } => KERNEL, "only-by-manifest";
        "a signed UKI with a PVH kernel in it, and its module":
            open_uki, |it| {
                let image = signed_image(pe_image(&[(".linux", &pvh()), (".initrd", b"a module")]));
                let digest = authenticode(&image);
                it.put_kernel(image, digest);
            } => KERNEL, "only-by-manifest";
    }
}

/// A kernel that isn't Linux, and what goes with it.
fn pvh_with_modules() -> Scene {
    listed(&pvh(), &[FIRST, SECOND])
}

fn elf_multiboot2() -> Vec<u8> {
    with_multiboot2_header(elf_with(&note(b"Xen\0", 6, b"Xen")))
}

fn elf_multiboot2_with_modules() -> Scene {
    listed(&elf_multiboot2(), &[FIRST, SECOND])
}

fn modules_under(name: &str) -> Scene {
    preset(multiboot2_with_modules(), name)
}

/// Lists the kernel alone, and hands over a module as well.
fn unlisted(scene: &mut Scene, file: &[u8]) {
    let text = manifest(&[line("kernel", file)]);
    let build = Build::kernel(file, sha256(file)).initrd(SECOND);
    scene.build = build.signed_manifest(&text);
}

fn modules(all: &mut Cases) {
    refused! { all;
        "an unsigned module for a listed multiboot2 kernel":
            multiboot2_with_modules, |it| unlisted(it, &flat_multiboot2()) => INITRD, "unlisted-module";
        "an unsigned module for a listed ELF kernel with a multiboot2 header, as an unsigned dom0 for Xen":
            elf_multiboot2_with_modules, |it| unlisted(it, &elf_multiboot2()) => INITRD, "unlisted-module";
        "an unsigned module for a listed kernel with a PVH entry":
            pvh_with_modules, |it| unlisted(it, &pvh()) => INITRD, "unlisted-module";
        "a module with a right signature beside it that the manifest doesn't list":
            multiboot2_with_modules, |it| {
                let file = flat_multiboot2();
                let text = manifest(&[line("kernel", &file)]);
                it.build = Build::kernel(&file, sha256(&file))
                    .initrd(FIRST)
                    .manifest(&text)
                    .signature(1, FIRST)
                    .signature(2, text.as_bytes());
            } => INITRD, "unlisted-module";
        "the same where initrds must be signed, and this one is":
            || modules_under("signed-initrd"), |it| {
                let file = flat_multiboot2();
                let text = manifest(&[line("kernel", &file)]);
                it.build = Build::kernel(&file, sha256(&file))
                    .initrd(FIRST)
                    .manifest(&text)
                    .signature(1, FIRST)
                    .signature(2, text.as_bytes());
            } => INITRD, "unlisted-module";
        "one more module than the manifest lists":
            multiboot2_with_modules, |it| {
                it.insert(3, RecordKind::Initrd, b"one more", 0);
                it.build.records[5].0.subject = 4;
            } => Component::Initrd(2), "not-in-manifest";
        "the modules in another order: one is the kernel that the machine is given to":
            multiboot2_with_modules, |it| it.build.records.swap(1, 2) => INITRD, "not-in-manifest";
        "an unsigned module for a crash":
            || { let mut scene = listed(&movable_multiboot2(), &[FIRST, SECOND]); scene.build = scene.build.crash(); scene.crash = true; scene }, |it| {
                unlisted(it, &movable_multiboot2());
                it.build = it.build.clone().crash();
            } => INITRD, "unlisted-module";
    }
}

/// For a crash, where initrds must be signed.
fn crash_with_signed_initrd() -> Scene {
    let mut scene = must_be_signed();
    scene.build = scene.build.crash();
    scene.crash = true;
    scene
}

fn left_out(all: &mut Cases) {
    refused! { all;
        "the initrd left out where it must be signed, so that a program on the disk is run":
            must_be_signed, |it| it.build.records.truncate(1) => INITRD, "no-initrd";
        "the initrd left out for a crash where it must be signed":
            crash_with_signed_initrd, |it| it.build.records.truncate(1) => INITRD, "no-initrd";
        "the initrd of an ELF kernel left out where it must be signed":
            || { let mut scene = preset(vmlinux_appended(), "signed-initrd"); scene.build = scene.build.signature(1, FIRST); scene },
            |it| it.build.records.truncate(1) => INITRD, "no-initrd";
        "a verified UKI's kernel taken out of it, without its initrd":
            || { let mut scene = preset(open_uki(), "signed-initrd"); scene.line = b"root=/dev/vda1".to_vec(); scene }, |it| {
                let image = signed_image(small_image());
                it.build = Build::kernel(&image, authenticode(&image));
            } => INITRD, "no-initrd";
    }
    all.survived(
        "a signed UKI without an initrd, where initrds must be signed",
        || preset(open_uki(), "signed-initrd"),
        |it| {
            let image = signed_image(pe_image(&[(".linux", &small_image())]));
            it.build = Build::kernel(&image, authenticode(&image));
        },
        "a UKI is vouched for with all that it has: its signer left the initrd out",
        |plan| assert!(matches!(plan.entry, Entry::Long { .. })),
    );
}
