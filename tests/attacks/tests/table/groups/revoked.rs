//! What was trusted once.

use baton_attacks::Group;
use baton_formats::setup_data::SETUP_E820_EXT;
use baton_verify::{Component, HashAlgorithm};

use crate::bases::*;
use crate::case::{Case, Cases};
use crate::scene::{Scene, Shim, appended, signed_image, signed_image_by};
use baton_samples::build::{authenticode, sha256, signer};
use baton_samples::forge::Cert;
use baton_samples::machine::*;
use baton_samples::other_formats::{pe_image, vmlinux};
use baton_samples::policy::{policy, rules};
use baton_samples::small_image::small_image;
use baton_samples::{SHA256, X509, signature_list};

const KERNEL: Component = Component::Kernel;

/// EFI_CERT_X509_SHA256_GUID, _SHA384_ and _SHA512_ (UEFI specification 2.10, 32.4.1).
const X509_SHA256: [u8; 16] = baton_formats::siglist::X509_SHA256_GUID;
const X509_SHA384: [u8; 16] = baton_formats::siglist::X509_SHA384_GUID;
const X509_SHA512: [u8; 16] = baton_formats::siglist::X509_SHA512_GUID;

/// A machine with shim, on which nothing is revoked so far.
fn on_shim(mut scene: Scene) -> Scene {
    scene.shim = Some(Shim {
        sbat_level: Some(b"sbat,1,2025051000\nshim,4\ngrub,5\n".to_vec()),
        ..Shim::default()
    });
    scene
}

fn kernel() -> Scene {
    on_shim(bzimage())
}

fn of_chain() -> Scene {
    on_shim(chain())
}

fn elf() -> Scene {
    on_shim(vmlinux_appended())
}

fn noted() -> Scene {
    on_shim(vmlinux_noted())
}

fn beside() -> Scene {
    on_shim(vmlinux_detached())
}

fn initrd() -> Scene {
    on_shim(signed_initrd())
}

fn listed() -> Scene {
    on_shim(by_manifest())
}

fn addon() -> Scene {
    on_shim(uki_with_addon())
}

fn generations() -> Scene {
    on_shim(uki())
}

fn revoke_certificate(scene: &mut Scene, cert: &Cert) {
    scene.shim().revoked = signature_list(&X509, &[&cert.der()]);
}

fn revoke_digest(scene: &mut Scene, digest: &[u8]) {
    scene.shim().revoked = signature_list(&SHA256, &[digest]);
}

fn revoke_tbs(scene: &mut Scene, kind: &[u8; 16], hash: HashAlgorithm) {
    let tbs = Cert::leaf(2, 1).tbs();
    // TBSCertificate and its header are what is hashed.
    scene.shim().revoked = signature_list(kind, &[&timed(hash.hash([&tbs[..]]).as_bytes())]);
}

/// A screen over shim's table, whose memory is in the map's extension alone.
fn screen_over_unlisted_tables(memory: &mut Memory) {
    let mut entry = MOK_TABLE.to_le_bytes().to_vec();
    entry.extend(0x10_0000_u64.to_le_bytes());
    entry.extend(2_u32.to_le_bytes());
    memory.put(0x3f70_0000, node(SETUP_DATA, SETUP_E820_EXT, &entry));
    set_setup_data(memory, 0x3f70_0000);
    add_screen(memory, MOK_TABLE);
}

/// Such entries end with a time of revocation, which isn't judged.
fn timed(digest: &[u8]) -> Vec<u8> {
    [digest, &[0; 16]].concat()
}

pub fn cases() -> Vec<Case> {
    let mut all = Cases::of(Group::Revoked);
    keys(&mut all);
    digests(&mut all);
    sbat(&mut all);
    by_the_gates_minimum(&mut all);
    lists(&mut all);
    all.made
}

fn keys(all: &mut Cases) {
    macro_rules! signer_revoked {
        ($($name:literal: $honest:expr => $component:expr;)*) => {$(
            all.refused(
                $name,
                $honest,
                |it| revoke_certificate(it, &signer()),
                $component,
                "revoked-certificate",
            );
        )*};
    }
    signer_revoked! {
        "a kernel signed by a key that the machine has revoked":
            kernel => KERNEL;
    }
    refused! { all;
        "the same, with a screen that root put over shim's table, to be cleared by what is said first":
            kernel, |it| {
                revoke_certificate(it, &signer());
                it.on_memory.push(|it| add_screen(it, MOK_TABLE));
            } => KERNEL, "revoked-certificate";
        "the same, with the screen over memory that only the extension of the memory map lists":
            kernel, |it| {
                revoke_certificate(it, &signer());
                it.on_memory.push(screen_over_unlisted_tables);
            } => KERNEL, "revoked-certificate";
    }
    signer_revoked! {
        "the same key's signature at the end of a file":
            elf => KERNEL;
        "the same key's signature in a note":
            noted => KERNEL;
        "the same key's signature beside a file":
            beside => KERNEL;
        "the same key's signature of an initrd, beside a kernel of another's":
            || {
                let mut scene = initrd();
                let image = signed_image_by(small_image(), &Cert::leaf(3, 1), &[]);
                let digest = authenticode(&image);
                scene.put_kernel(image, digest);
                scene
            } => Component::Initrd(0);
        "the same key's manifest":
            listed => Component::Manifest;
        "the same key's addon, for another's UKI":
            || {
                let mut scene = addon();
                let image = signed_image_by(
                    pe_image(&[(".linux", &small_image())]),
                    &Cert::leaf(3, 1),
                    &[],
                );
                let digest = authenticode(&image);
                scene.put_kernel(image, digest);
                scene
            } => Component::Addon(0);
    }
    refused! { all;
        "a signer whose authority is revoked":
            kernel, |it| revoke_certificate(it, &Cert::ca(1, 1)) => KERNEL, "revoked-certificate";
        "a signer below a revoked intermediate authority":
            of_chain, |it| revoke_certificate(it, &Cert::ca(2, 1)) => KERNEL, "revoked-certificate";
        "a trusted authority that a revoked one issued, which the signature doesn't carry":
            || { let mut scene = kernel(); let image = signed_image_by(small_image(), &Cert::leaf(3, 2), &[]); let digest = authenticode(&image); scene.put_kernel(image, digest); scene.gate.keys = Cert::ca(2, 1).der(); scene },
            |it| revoke_certificate(it, &Cert::ca(1, 1)) => KERNEL, "revoked-certificate";
        "a signer revoked by another certificate of its key, with bytes after that":
            kernel, |it| {
                let other = Cert {
                    serial: 77,
                    ..signer()
                };
                let entry = [&other.der()[..], &[0]].concat();
                it.shim().revoked = signature_list(&X509, &[&entry]);
            } => KERNEL, "revoked-certificate";
        "a revoked key in a new certificate":
            kernel, |it| {
                revoke_certificate(it, &signer());
                let image = signed_image_by(
                    small_image(),
                    &Cert {
                        serial: 77,
                        ..signer()
                    },
                    &[],
                );
                let digest = authenticode(&image);
                it.put_kernel(image, digest);
            } => KERNEL, "revoked-certificate";
        "a revoked key that is on the gate's own list of trusted ones":
            kernel, |it| {
                it.gate.keys = signer().der();
                revoke_certificate(it, &signer());
            } => KERNEL, "revoked-certificate";
        "a key that the gate revokes and the machine's owner trusts":
            with_shim, |it| it.gate.dbx = signature_list(&X509, &[&signer().der()]) => KERNEL, "revoked-certificate";
        "a certificate revoked by its SHA-256":
            kernel, |it| revoke_tbs(it, &X509_SHA256, HashAlgorithm::Sha256) => KERNEL, "revoked-certificate";
        "a certificate revoked by its SHA-384":
            kernel, |it| revoke_tbs(it, &X509_SHA384, HashAlgorithm::Sha384) => KERNEL, "revoked-certificate";
        "a certificate revoked by its SHA-512":
            kernel, |it| revoke_tbs(it, &X509_SHA512, HashAlgorithm::Sha512) => KERNEL, "revoked-certificate";
        "a revoked signer, with a time of revocation that is still to come":
            kernel, |it| {
                let digest = HashAlgorithm::Sha256.hash([&Cert::leaf(2, 1).tbs()[..]]);
                let mut entry = digest.as_bytes().to_vec();
                entry.extend([0xff, 0x7f, 12, 31, 23, 59, 59, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
                it.shim().revoked = signature_list(&X509_SHA256, &[&entry]);
            } => KERNEL, "revoked-certificate";
    }
}

fn digests(all: &mut Cases) {
    refused! { all;
        "a signed kernel that the machine has revoked by its digest":
            kernel, |it| revoke_digest(it, &authenticode(&small_image())) => KERNEL, "revoked-image";
        "a signed kernel that the gate has revoked by its digest":
            kernel,
            |it| it.gate.dbx = signature_list(&SHA256, &[&authenticode(&small_image())]) => KERNEL, "revoked-image";
        "a revoked kernel signed again, by another trusted key":
            kernel, |it| {
                revoke_digest(it, &authenticode(&small_image()));
                let image = signed_image_by(small_image(), &Cert::leaf(3, 1), &[]);
                let digest = authenticode(&image);
                it.put_kernel(image, digest);
            } => KERNEL, "revoked-image";
        "a kernel that the owner trusts by its digest, and that is revoked by it":
            by_listed_digest, |it| revoke_digest(it, &authenticode(&small_image())) => KERNEL, "revoked-image";
        "a revoked kernel without its Authenticode signature, in a manifest":
            listed, |it| revoke_digest(it, &authenticode(&small_image())) => KERNEL, "revoked-image";
        "a revoked kernel with a signature of another kind at its end":
            elf, |it| {
                it.put_kernel(appended(&small_image()), sha256(&small_image()));
                revoke_digest(it, &authenticode(&small_image()));
            } => KERNEL, "revoked-image";
        "an ELF kernel that is revoked by the digest of all that was signed":
            elf, |it| revoke_digest(it, &sha256(&vmlinux())) => KERNEL, "revoked-image";
        "a revoked initrd with a right signature":
            initrd, |it| revoke_digest(it, &sha256(FIRST)) => Component::Initrd(0), "revoked-image";
        "a revoked manifest with a right signature":
            listed, |it| {
                let digest = sha256(&it.build.records[3].1);
                revoke_digest(it, &digest);
            } => Component::Manifest, "revoked-image";
        "a revoked addon with a right signature":
            addon, |it| {
                let digest = it.build.records[1].0.digest;
                revoke_digest(it, &digest);
            } => Component::Addon(0), "revoked-image";
    }
}

const OLD: &[u8] = b"sbat,1,SBAT Version,sbat,1,-\nsample,1,Baton,sample,1,-\n";

fn uki_with(scene: &mut Scene, sections: &[(&str, &[u8])]) {
    let image = signed_image(pe_image(
        &[
            &[(".linux", &small_image()[..]), (".cmdline", UKI_LINE)],
            sections,
        ]
        .concat(),
    ));
    let digest = authenticode(&image);
    scene.put_kernel(image, digest);
}

fn level(scene: &mut Scene, rows: &str) {
    scene.shim().sbat_level = Some(format!("sbat,1,2025051000\n{rows}").into_bytes());
}

fn sbat(all: &mut Cases) {
    refused! { all;
        "a UKI of a generation that the machine has revoked":
            generations, |it| level(it, "sample,3\n") => KERNEL, "revoked-by-sbat";
        "an addon of a revoked generation, for a UKI of a new one":
            addon, |it| {
                let addon = addon_of(&[(".cmdline", b"debug"), (".sbat", OLD)]);
                let digest = authenticode(&addon);
                it.put(1, addon, digest);
                level(it, "sample,2\n");
            } => Component::Addon(0), "revoked-by-sbat";
        "a kernel of a revoked generation within a UKI of a new one":
            generations, |it| {
                let kernel = signed_image(pe_image(&[(".sbat", OLD)]));
                let sections: [(&str, &[u8]); 3] = [
                    (".linux", &kernel),
                    (".cmdline", UKI_LINE),
                    (
                        ".sbat",
                        b"sbat,1,SBAT Version,sbat,1,-\nuki,5,Baton,uki,5,-\n",
                    ),
                ];
                let image = signed_image(pe_image(&sections));
                let digest = authenticode(&image);
                it.put_kernel(image, digest);
                level(it, "sample,2\n");
            } => KERNEL, "revoked-by-sbat";
        "one revoked component among several new ones":
            generations, |it| {
            uki_with(it, &[(".sbat", b"sbat,1,SBAT Version,sbat,1,-\nnew,9,Baton,new,9,-\ngrub,4,FSF,grub,2,-\nlinux,7,Baton,linux,7,-\n")]);
        } => KERNEL, "revoked-by-sbat";
        "a component stated twice, first with a new generation":
            generations, |it| {
                uki_with(
                    it,
                    &[(
                        ".sbat",
                        b"sbat,1,SBAT Version,sbat,1,-\ngrub,9,FSF,grub,2,-\ngrub,1,FSF,grub,2,-\n",
                    )],
                );
            } => KERNEL, "revoked-by-sbat";
        "two sections with generations, the new ones first":
            generations, |it| {
                uki_with(
                    it,
                    &[(".sbat", b"sbat,1,SBAT Version,sbat,1,-\n"), (".sbat", OLD)],
                )
            } => KERNEL, "bad-sbat";
        "generations that are no numbers, which shim takes for 0":
            generations, |it| {
                uki_with(
                    it,
                    &[(
                        ".sbat",
                        b"sbat,1,SBAT Version,sbat,1,-\ngrub,new,FSF,grub,2,-\n",
                    )],
                )
            } => KERNEL, "bad-sbat";
        "a generation beyond 2^32, which wraps to a new one":
            generations, |it| {
                uki_with(
                    it,
                    &[(
                        ".sbat",
                        b"sbat,1,SBAT Version,sbat,1,-\ngrub,4294967301,FSF,grub,2,-\n",
                    )],
                )
            } => KERNEL, "bad-sbat";
        "generations that don't begin with those of the format":
            generations, |it| uki_with(it, &[(".sbat", b"grub,5,FSF,grub,2,-\n")]) => KERNEL, "bad-sbat";
        "generations with a NUL before the revoked ones":
            generations, |it| {
                uki_with(
                    it,
                    &[(
                        ".sbat",
                        b"sbat,1,SBAT Version,sbat,1,-\n\0grub,1,FSF,grub,2,-\n",
                    )],
                )
            } => KERNEL, "bad-sbat";
        "generations removed from a signed UKI":
            generations, |it| {
                it.change(0, |image| {
                    let at = image.windows(5).position(|window| window == b".sbat");
                    image[at.expect("a section")..][..5].copy_from_slice(b".junk");
                })
            } => KERNEL, "digest-mismatch";
    }
}

/// Gives the gate a policy that accepts everything of these generations.
fn minimum(scene: &mut Scene, level: &str) {
    let all = rules([0x7f, 7, 5, 0], "", &[]);
    scene.gate.policy = policy("generations", level, [&all, &all], &[]);
}

fn by_the_gates_minimum(all: &mut Cases) {
    refused! { all;
        "a UKI of a generation that the gate itself asks more of":
            uki, |it| minimum(it, "sbat,1,1\nsample,3\n") => KERNEL, "revoked-by-sbat";
        "a UKI that the gate lets pass and the machine doesn't":
            generations, |it| {
                minimum(it, "sbat,1,1\nsample,2\n");
                level(it, "sample,3\n");
            } => KERNEL, "revoked-by-sbat";
        "a UKI that the machine lets pass and the gate doesn't":
            generations, |it| {
                minimum(it, "sbat,1,1\nsample,3\n");
                level(it, "sample,2\n");
            } => KERNEL, "revoked-by-sbat";
        "an addon of a generation that the gate itself asks more of":
            uki_with_addon, |it| {
                let addon = addon_of(&[
                    (".cmdline", b"debug"),
                    (
                        ".sbat",
                        b"sbat,1,SBAT Version,sbat,1,-\naddon,1,Baton,addon,1,-\n",
                    ),
                ]);
                let digest = authenticode(&addon);
                it.put(1, addon, digest);
                minimum(it, "sbat,1,1\naddon,2\n");
            } => Component::Addon(0), "revoked-by-sbat";
        "a gate whose own minimum can't be read, which must not mean that there is none":
            bzimage, |it| minimum(it, "sample,3\n") => Component::Gate, "bad-sbat-level";
    }
}

fn lists(all: &mut Cases) {
    const TABLES: Component = Component::FirmwareTables;
    refused! { all;
        "a kernel signed by a key that the firmware has revoked":
            kernel, |it| it.shim().dbx = signature_list(&X509, &[&signer().der()]) => KERNEL, "revoked-certificate";
        "a signed kernel that the firmware has revoked by its digest":
            kernel, |it| {
                let digest = it.build.records[0].0.digest;
                it.shim().dbx = signature_list(&SHA256, &[&digest]);
            } => KERNEL, "revoked-image";
        "the firmware's list of what is revoked, cut off within an entry":
            kernel, |it| {
                it.shim().dbx = signature_list(&X509, &[&signer().der()]);
                it.shim().dbx.pop();
            } => TABLES, "bad-dbx";
        "a list of revoked keys cut off within an entry":
            kernel, |it| {
                revoke_certificate(it, &signer());
                it.shim().revoked.pop();
            } => TABLES, "bad-mok-revocations";
        "a list of revoked keys whose entries' size is zero":
            kernel, |it| {
                revoke_certificate(it, &signer());
                it.shim().revoked[24..28].fill(0);
            } => TABLES, "bad-mok-revocations";
        "a list of revoked keys whose length wraps":
            kernel, |it| {
                revoke_certificate(it, &signer());
                it.shim().revoked[16..20].fill(0xff);
            } => TABLES, "bad-mok-revocations";
        "a list of trusted keys that is damaged":
            with_shim, |it| { it.shim().list.pop(); } => TABLES, "bad-mok-list";
        "a revocation level that is empty":
            kernel, |it| it.shim().sbat_level = Some(vec![]) => TABLES, "bad-sbat-level";
        "a revocation level with a row that is no number":
            kernel, |it| level(it, "grub,many\n") => TABLES, "bad-sbat-level";
        "a gate whose own list of revoked keys is damaged":
            kernel, |it| it.gate.dbx = vec![7; 40] => Component::Gate, "bad-gate-revocations";
        "a gate whose own list has a revoked certificate that can't be read":
            kernel, |it| it.gate.dbx = signature_list(&X509, &[&signer().der()[1..]])
                => Component::Gate, "bad-gate-revocations";
        "a gate whose keys end within a certificate":
            kernel, |it| { it.gate.keys.pop(); } => Component::Gate, "bad-keys";
        "a key that shim lists as trusted and as revoked":
            with_shim, |it| {
                let list = it.shim().list.clone();
                it.shim().revoked = list;
            } => KERNEL, "revoked-certificate";
    }
}
