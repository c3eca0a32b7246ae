//! The images, a line each.

use super::edit::At::{After, Byte, CertificateEnd, End, Middle, Pe, SignatureEnd, Table};
use super::edit::Edit::{self, Append, Cut, Flip, Set};
use super::sign::By::{self, Baton, Both, Osslsigncode, Sbsign, SbsignWith};

/// An image.
pub struct Row {
    /// Its name.
    pub name: &'static str,
    /// What it is made of.
    pub(super) base: Base,
    /// What is changed before it is signed.
    pub(super) before: &'static [Edit],
    /// Who signs it, one after another.
    pub(super) signed: &'static [By],
    /// What is changed then.
    pub(super) after: &'static [Edit],
}

/// What an image is made of.
#[derive(Debug, Clone, Copy)]
pub enum Base {
    /// The gate without a signature: a small bzImage.
    Gate,
    /// Debian's kernel, with Debian's signature.
    Debian,
    /// shim, with Microsoft's.
    Shim,
    /// GRUB, with Debian's.
    Grub,
    /// These bytes.
    Bytes(&'static [u8]),
    /// A file that is on the disk anyway; `*` is the main kernel's name.
    There(&'static str),
}

const fn row(
    name: &'static str,
    base: Base,
    before: &'static [Edit],
    signed: &'static [By],
    after: &'static [Edit],
) -> Row {
    Row {
        name,
        base,
        before,
        signed,
        after,
    }
}

/// The gate, so changed, signed with the owner's key, and changed again.
const fn mok(name: &'static str, before: &'static [Edit], after: &'static [Edit]) -> Row {
    row(name, Base::Gate, before, &[Sbsign("mok")], after)
}

/// The gate, signed so.
const fn gate(name: &'static str, signed: &'static [By]) -> Row {
    row(name, Base::Gate, &[], signed, &[])
}

/// Object identifiers as they stand in DER: signedData, messageDigest, SHA-256, all but
/// the last byte of hashes and of RSA.
const SIGNED_DATA: &[u8] = b"\x2a\x86\x48\x86\xf7\x0d\x01\x07";
const MESSAGE_DIGEST: &[u8] = b"\x2a\x86\x48\x86\xf7\x0d\x01\x09\x04";
const SHA256: &[u8] = b"\x60\x86\x48\x01\x65\x03\x04\x02\x01";
const SHA2: &[u8] = b"\x60\x86\x48\x01\x65\x03\x04\x02";
const RSA: &[u8] = b"\x2a\x86\x48\x86\xf7\x0d\x01\x01";

/// All of them. Fields of the setup header are at the offsets of Documentation/arch/x86/boot.rst.
#[rustfmt::skip]
pub const TABLE: &[Row] = &[
    // Who signed.
    row("debian", Base::There("kernels/*/vmlinuz"), &[], &[], &[]),
    row("debian-older", Base::There("kernels/6.1/vmlinuz"), &[], &[], &[]),
    row("debian-by-db", Base::There("kernels/*/db.efi"), &[], &[], &[]),
    row("debian-by-p384", Base::There("kernels/*/p384.efi"), &[], &[], &[]),
    row("debian-then-mok", Base::Debian, &[], &[Sbsign("mok")], &[]),
    row("debian-then-untrusted", Base::Debian, &[], &[Sbsign("untrusted")], &[]),
    gate("unsigned", &[]),
    gate("mok", &[Sbsign("mok")]),
    gate("mok-by-baton", &[Baton("authenticode", "mok")]),
    gate("mok-by-osslsigncode", &[Osslsigncode("sha256", "mok")]),
    gate("untrusted", &[Sbsign("untrusted")]),
    gate("mok-then-untrusted", &[Sbsign("mok"), Sbsign("untrusted")]),
    gate("untrusted-then-mok", &[Sbsign("untrusted"), Sbsign("mok")]),
    gate("mok-twice", &[Sbsign("mok"), Sbsign("mok")]),
    gate("mok-and-untrusted", &[Both("mok", "untrusted")]),
    gate("untrusted-and-mok", &[Both("untrusted", "mok")]),
    gate("untrusted-and-db", &[Both("untrusted", "db")]),
    gate("mok-and-revoked", &[Both("mok", "revoked")]),
    row("mok-and-altered-untrusted", Base::Gate, &[], &[Both("mok", "untrusted")], &[Flip(SignatureEnd)]),
    gate("p256", &[Baton("authenticode", "p256")]),
    gate("rsa3072", &[Sbsign("rsa3072")]),
    gate("sha1", &[Osslsigncode("sha1", "mok")]),
    gate("sha384", &[Osslsigncode("sha384", "mok")]),
    gate("sha512", &[Osslsigncode("sha512", "mok")]),
    gate("leaf", &[Sbsign("leaf")]),
    gate("leaf-with-ca", &[SbsignWith("leaf", "ca")]),
    gate("leaf-of-sub", &[Sbsign("leaf-of-sub")]),
    gate("leaf-of-sub-with-sub", &[SbsignWith("leaf-of-sub", "sub")]),
    gate("leaf-of-sub-with-ca", &[SbsignWith("leaf-of-sub", "ca")]),
    gate("leaf-of-untrusted", &[Sbsign("leaf-of-untrusted")]),
    gate("leaf-of-untrusted-with-it", &[SbsignWith("leaf-of-untrusted", "untrusted")]),
    gate("untrusted-with-mok", &[SbsignWith("untrusted", "mok")]),
    gate("expired", &[Sbsign("expired")]),
    gate("expired-without-time", &[Baton("authenticode", "expired")]),
    gate("modules", &[Sbsign("modules")]),
    gate("revoked", &[Sbsign("revoked")]),
    gate("revoked-digest", &[Sbsign("revoked-digest")]),
    mok("revoked-image", &[Append(b"of another digest than all others")], &[]),
    gate("appended", &[Baton("appended", "mok")]),
    mok("mok-then-trailer", &[], &[Append(b"~Module signature appended~\n")]),
    // What was altered since.
    mok("altered-code", &[], &[Flip(Middle)]),
    mok("altered-header", &[], &[Flip(Byte(0x1f2))]),
    mok("altered-checksum", &[], &[Flip(Pe(24 + 64))]),
    mok("altered-section-table", &[], &[Flip(Pe(24 + 240 + 36))]),
    mok("altered-signature", &[], &[Flip(SignatureEnd)]),
    mok("altered-message-digest", &[], &[Flip(After(MESSAGE_DIGEST, 0, 4))]),
    mok("altered-image-digest", &[], &[Flip(After(SHA256, 1, 4))]),
    mok("altered-certificate", &[], &[Flip(After(b"Baton test MOK", 1, 0))]),
    mok("altered-certificate-name", &[], &[Set(After(b"Baton test ", 1, 0), b"NOK")]),
    mok("altered-certificate-signature", &[], &[Flip(CertificateEnd("mok"))]),
    row("altered-untrusted", Base::Gate, &[], &[Sbsign("untrusted")], &[Flip(Middle)]),
    row("altered-untrusted-signature", Base::Gate, &[], &[Sbsign("untrusted")], &[Flip(SignatureEnd)]),
    mok("altered-after-the-end", &[], &[Append(b"12345678")]),
    mok("signer-with-hash", &[], &[Set(After(RSA, 1, 0), b"\x0b")]),
    // What is cut off.
    mok("cut-in-the-middle", &[], &[Cut(Middle)]),
    mok("cut-by-a-sector", &[], &[Cut(End(512))]),
    mok("cut-by-a-byte", &[], &[Cut(End(1))]),
    mok("cut-to-1024", &[], &[Cut(Byte(1024))]),
    mok("cut-to-1023", &[], &[Cut(Byte(1023))]),
    row("empty", Base::Bytes(b""), &[], &[], &[]),
    row("text", Base::Bytes(b"#!/bin/sh\necho no kernel\n"), &[], &[], &[]),
    row("one-byte", Base::Bytes(b"M"), &[], &[], &[]),
    // What isn't a bzImage.
    row("uki", Base::There("uki/*.efi"), &[], &[], &[]),
    row("elf", Base::There("elf/*.note"), &[], &[], &[]),
    row("shim", Base::Shim, &[], &[], &[]),
    row("grub", Base::Grub, &[], &[], &[]),
    // Fields of the setup header: signed like that, so that nothing else is wrong.
    mok("no-hdrs", &[Set(Byte(0x202), b"HdrX")], &[]),
    mok("no-boot-flag", &[Set(Byte(0x1fe), b"\0\0")], &[]),
    mok("old-protocol", &[Set(Byte(0x206), b"\x0b\x02")], &[]),
    mok("zimage", &[Set(Byte(0x211), b"\0")], &[]),
    mok("not-64-bit", &[Set(Byte(0x236), b"\x22\0")], &[]),
    mok("not-above-4g", &[Set(Byte(0x236), b"\x21\0")], &[]),
    mok("no-xloadflags", &[Set(Byte(0x236), b"\0\0")], &[]),
    mok("no-five-level", &[Set(Byte(0x236), b"\x03\0")], &[]),
    mok("short-command-line", &[Set(Byte(0x238), b"\x10\0\0\0")], &[]),
    mok("little-memory", &[Set(Byte(0x260), b"\0\x10\0\0")], &[]),
    mok("much-memory", &[Set(Byte(0x260), b"\0\0\0\xc0")], &[]),
    mok("long-setup", &[Set(Byte(0x1f1), b"\xff")], &[Cut(Byte(0x4000))]),
    // Headers of PE and of the signature.
    mok("no-mz", &[], &[Set(Byte(0), b"NZ")]),
    mok("no-pe", &[], &[Set(Pe(0), b"PX")]),
    mok("pe-of-another-kind", &[], &[Set(Pe(24), b"\x0b\x03")]),
    mok("pe-far-away", &[], &[Set(Byte(0x3c), b"\xff\xff\xff\x7f")]),
    mok("many-directories", &[], &[Set(Pe(24 + 108), b"\xff\xff\0\0")]),
    mok("many-sections", &[], &[Set(Pe(6), b"\xff\xff")]),
    mok("long-headers", &[], &[Set(Pe(24 + 60), b"\xff\xff\xff\x0f")]),
    mok("no-table-offset", &[], &[Set(Pe(24 + 112 + 32), b"\0\0\0\0")]),
    mok("table-behind-the-end", &[], &[Set(Pe(24 + 112 + 32), b"\xf0\xff\xff\x0f")]),
    mok("table-in-the-headers", &[], &[Set(Pe(24 + 112 + 32), b"\x08\0\0\0")]),
    mok("table-of-a-few-bytes", &[], &[Set(Pe(24 + 112 + 36), b"\x04\0\0\0")]),
    mok("entry-longer-than-the-table", &[], &[Set(Table(0), b"\xff\xff\0\0")]),
    mok("entry-of-a-few-bytes", &[], &[Set(Table(0), b"\x0a\0\0\0")]),
    mok("entry-of-another-revision", &[], &[Set(Table(4), b"\0\x01")]),
    mok("entry-of-another-type", &[], &[Set(Table(6), b"\x01\0")]),
    mok("entry-that-is-no-sequence", &[], &[Set(Table(8), b"\x31")]),
    mok("entry-of-a-long-length", &[], &[Set(Table(9), b"\x83")]),
    mok("entry-of-an-indefinite-length", &[], &[Set(Table(9), b"\x80")]),
    mok("not-signed-data", &[], &[Set(After(SIGNED_DATA, 0, 0), b"\x03")]),
    mok("signed-data-cut", &[], &[Flip(Table(8 + 4 + 11 + 3))]),
    mok("other-parameters", &[], &[Set(After(SHA256, 2, 0), b"\x09")]),
    mok("unknown-hash", &[], &[Set(After(SHA2, 2, 0), b"\x7f")]),
];
