//! Keys that were trusted to sign kernel modules, and certificates that say what isn't understood.

use baton_attacks::Group;
use baton_verify::Component;

use crate::bases::*;
use crate::case::{Case, Cases};
use crate::scene::{Scene, Shim, signed_image_by, with_appended};
use baton_samples::build::{Build, authenticode, sha256, signer};
use baton_samples::der::null;
use baton_samples::forge::{
    CODE_SIGNING, Cert, DRIVER_SIGNING, basic_constraints, extension, for_modules,
};
use baton_samples::forge_detached::ForgeDetached;
use baton_samples::other_formats::{pe_image, vmlinux, vmlinux_with_room};
use baton_samples::small_elf::signed_elf_of;
use baton_samples::small_image::small_image;
use baton_samples::{X509, signature_list};

const KERNEL: Component = Component::Kernel;
const CODE: &str = "key-for-modules";

/// As Ubuntu makes keys for DKMS, issued by the trusted authority here.
fn dkms() -> Cert {
    signer().with(for_modules(&[CODE_SIGNING, DRIVER_SIGNING]))
}

fn by_dkms(content: &[u8]) -> Vec<u8> {
    ForgeDetached::new(content, &dkms()).build()
}

/// Whose certificate says more than is known here.
fn strange() -> Cert {
    signer().with(extension("1.2.3.4", true, &null()))
}

fn by_strange(content: &[u8]) -> Vec<u8> {
    ForgeDetached::new(content, &strange()).build()
}

fn put_signed(scene: &mut Scene, signer: &Cert, carried: &[&Cert]) {
    let image = signed_image_by(small_image(), signer, carried);
    let digest = authenticode(&image);
    scene.put_kernel(image, digest);
}

/// The kernel, signed by the machine owner's own key, which shim lists.
fn by_owner(key: &Cert) -> Scene {
    let image = signed_image_by(small_image(), key, &[]);
    let mut scene = Scene::of(Build::kernel(&image, authenticode(&image)));
    scene.gate = crate::scene::Gate::default();
    scene.shim = Some(Shim {
        list: signature_list(&X509, &[&key.der()]),
        ..Shim::default()
    });
    scene
}

fn owners_key() -> Cert {
    Cert::ca(7, 7)
}

pub fn cases() -> Vec<Case> {
    let mut all = Cases::of(Group::Scopes);
    for_images(&mut all);
    for_files(&mut all);
    not_understood(&mut all);
    all.made
}

fn for_images(all: &mut Cases) {
    refused! { all;
        "a kernel signed by the key that signs DKMS's modules":
            bzimage, |it| put_signed(it, &dkms(), &[]) => KERNEL, CODE;
        "a kernel signed by a key for modules and nothing else":
            bzimage, |it| put_signed(it, &signer().with(for_modules(&[])), &[]) => KERNEL, CODE;
        "a machine owner's key for modules, which shim lists as trusted":
            || by_owner(&owners_key()), |it| {
                let key = owners_key().with(for_modules(&[CODE_SIGNING]));
                *it = by_owner(&key);
            } => KERNEL, CODE;
        "a key for modules in the gate's own list of trusted ones":
            bzimage, |it| { put_signed(it, &dkms(), &[]); it.gate.keys = dkms().der(); } => KERNEL, CODE;
        "a signer whom an authority for modules issued":
            chain, |it| {
                let authority = Cert::ca(2, 1).with(for_modules(&[]));
                put_signed(it, &Cert::leaf(3, 2), &[&authority]);
            } => KERNEL, CODE;
        "a signer whom a trusted authority for modules issued":
            bzimage, |it| it.gate.keys = Cert::ca(1, 1).with(for_modules(&[])).der() => KERNEL, CODE;
        "an addon signed by a key for modules":
            uki_with_addon, |it| {
                let addon = signed_image_by(pe_image(&[(".cmdline", b"debug")]), &dkms(), &[]);
                let digest = authenticode(&addon);
                it.put(1, addon, digest);
            } => Component::Addon(0), CODE;
    }
}

fn for_files(all: &mut Cases) {
    refused! { all;
        "a kernel with a module's key's signature at its end":
            vmlinux_appended, |it| {
                let file = vmlinux();
                it.put_kernel(with_appended(&file, &by_dkms(&file)), sha256(&file));
            } => KERNEL, CODE;
        "a kernel with a module's key's signature in its note":
            vmlinux_noted, |it| {
                let (noted, unsigned) = signed_elf_of(vmlinux_with_room, by_dkms);
                it.put_kernel(noted, sha256(&unsigned));
            } => KERNEL, CODE;
        "a kernel with a module's key's signature beside it":
            vmlinux_detached, |it| {
                let signature = by_dkms(&vmlinux());
                let digest = sha256(&signature);
                it.put(1, signature, digest);
            } => KERNEL, CODE;
        "an initrd with a module's key's signature beside it, where it must be signed":
            must_be_signed, |it| {
                let signature = by_dkms(FIRST);
                let digest = sha256(&signature);
                it.put(2, signature, digest);
            } => Component::Initrd(0), CODE;
        "a manifest signed by a key for modules":
            by_manifest, |it| {
                let signature = by_dkms(&it.build.records[3].1.clone());
                let digest = sha256(&signature);
                it.put(4, signature, digest);
            } => Component::Manifest, CODE;
    }
}

fn not_understood(all: &mut Cases) {
    const CODE: &str = "unknown-extension";
    refused! { all;
        "a signer whose certificate has a critical limit that isn't understood":
            bzimage, |it| put_signed(it, &strange(), &[]) => KERNEL, CODE;
        "a trusted signer whose own certificate has one":
            bzimage, |it| { put_signed(it, &strange(), &[]); it.gate.keys = strange().der(); } => KERNEL, CODE;
        "a manifest whose signer's certificate has one":
            by_manifest, |it| {
                let signature = by_strange(&it.build.records[3].1.clone());
                let digest = sha256(&signature);
                it.put(4, signature, digest);
            } => Component::Manifest, CODE;
        "a signer below an authority that its trusted one allows nobody to be below of":
            chain, |it| {
                let limited = Cert {
                    extensions: vec![basic_constraints(true, Some(0))],
                    ..Cert::ca(1, 1)
                };
                it.gate.keys = limited.der();
            } => KERNEL, "not-an-issuer";
    }
}
