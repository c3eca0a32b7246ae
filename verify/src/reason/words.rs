//! Reasons for people: one line each, which names what is wrong and, where there is one, the fix.

use core::fmt;

use baton_formats::gate_image::Format;
use baton_formats::verdict::SignatureKind;

use super::Reason;
use crate::policy::chain::IssuerProblem;
use crate::signature::cms::CmsError;

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::BadHandover(error) => error.fmt(f),
            Self::RecordAltered => {
                f.write_str("its digest doesn't match the one in the handover: it was altered in transit")
            }
            Self::OnlyForCrash => {
                f.write_str("it was made for a crash load, and this is a normal load (use `baton load`)")
            }
            Self::NotForCrash => f.write_str(
                "it wasn't made for a crash load, but the command line begins with elfcorehdr= (use `baton crash load`)",
            ),
            Self::SecureBootNotOn => f.write_str(
                "the running kernel doesn't report that Secure Boot is on (turn it on and boot without noefi and efi=noruntime, or build the gate with require-secure-boot = false)",
            ),
            Self::LosesEfi => f.write_str(
                "it can't be told about EFI after a kexec (XLF_EFI_KEXEC isn't set), so neither it nor any kernel after it would know of a MOK list or of Secure Boot (use a kernel with CONFIG_EFI and CONFIG_KEXEC, or list it in a signed manifest)",
            ),
            Self::TooManyParts(count) => write!(
                f,
                "{count} parts, including those of the UKI and its addons, are more than the {} that the gate's record can hold (join initrds into one, or leave addons out)",
                baton_formats::verdict::MAX_COMPONENTS
            ),
            Self::CommandLineTooLong { length, limit } => write!(
                f,
                "{length} bytes are more than the {limit} this kernel takes (shorten it)"
            ),
            Self::CommandLineNul => f.write_str("it holds a NUL byte (take it out)"),
            Self::BadImage(error) => error.fmt(f),
            Self::BadAppended(error) => {
                write!(f, "malformed signature: {error} (sign it again)")
            }
            Self::BadElf(error) => error.fmt(f),
            Self::BadUki(error) => error.fmt(f),
            Self::BadMultiboot2(error) => error.fmt(f),
            Self::UnknownFormat => f.write_str(
                "of no format that the gate boots: not a UKI, and on x86 not a bzImage, an ELF file of Linux or with a PVH entry point, or a multiboot2 kernel, on arm64 not an Image (decompress it if it is compressed)",
            ),
            Self::NotBuiltIn(format) => write!(
                f,
                "the gate was built without support for {format} (use a gate that has it, or a kernel of another format)"
            ),
            Self::OtherArchitecture(isa) => write!(
                f,
                "it is a kernel for {isa}, and the gate is for another architecture (name a kernel for this machine)"
            ),
            // No gate of x86 says these, and none has room for words that it never says.
            Self::BadArm64Image(_) | Self::BadDeviceTree(_) | Self::Compressed | Self::PageSize(_)
                if !Format::Arm64.is_built_in() =>
            {
                Ok(())
            }
            Self::BadArm64Image(error) => error.fmt(f),
            Self::BadDeviceTree(error) => write!(f, "the device tree can't be read: {error}"),
            Self::Compressed => f.write_str(
                "the kernel in it is compressed (EFI zboot), and the gate doesn't unpack it (decompress it, and sign what comes of it)",
            ),
            Self::PageSize(size) => write!(
                f,
                "it is built for pages of {size}, which this processor doesn't have (name a kernel that is built for others)"
            ),
            Self::OnlyByManifest => f.write_str(
                "its own signature can vouch only for Linux as a PE image or an ELF file (list it in a manifest with `baton manifest`, and sign that)",
            ),
            Self::NotAnInitrd => f.write_str(
                "it is signed but doesn't begin like an initrd, so it may have been signed for another purpose (list it in a manifest with `baton manifest`, and sign that)",
            ),
            Self::UnlistedModule => f.write_str(
                "the kernel isn't Linux and would run it as part of itself, but no manifest lists it (list it in the kernel's manifest, and sign that)",
            ),
            Self::NoInitrd => f.write_str(
                "there is none, or only microcode, and the policy requires an initrd that is vouched for (load one, or list the kernel in a manifest)",
            ),
            Self::NoSuchProfile { profile, count } => write!(
                f,
                "it has no profile {profile}, but {count} in all, counted from 0 (choose one of them)"
            ),
            Self::AddonWithoutUki => {
                f.write_str("addons are for Linux UKIs, and the kernel isn't one (leave it out)")
            }
            Self::AddonNotInManifest => f.write_str(
                "it adds an initrd or microcode to the initrds that the manifest lists (leave it out, or list what it adds as an initrd)",
            ),
            Self::AddonForAnother { uname } => write!(
                f,
                "it is for the kernel \"{uname}\" only, and the UKI is of another (leave it out)"
            ),
            Self::CommandLineNotOfUki { exact } => f.write_str(match exact {
                true => "it isn't exactly the one that the UKI specifies (leave it to the UKI)",
                false => "it doesn't end with what the UKI's addons specify (append that)",
            }),
            Self::AddonsSwallowed => f.write_str(
                "what the UKI's addons specify comes after -- or an open quote, so the kernel wouldn't take it as parameters (leave the -- out, or close the quote)",
            ),
            Self::Unsupported(what) => write!(f, "{what}"),
            Self::BadManifest(error) => error.fmt(f),
            Self::UnsignedManifest => f.write_str(
                "no signature (it vouches for nothing without one; sign it with a key in .keys or the MOK list)",
            ),
            Self::ManifestWithoutKernel => f.write_str(
                "the manifest that lists it lists no kernel, and the policy accepts only what was signed together with one (list the kernel there, too, and sign the manifest again)",
            ),
            Self::MissingInitrd => {
                f.write_str("the manifest lists it, but it isn't there (load everything that the manifest lists)")
            }
            Self::NotInManifest {
                listed: Some(listed),
                found,
            } => write!(
                f,
                "the manifest lists a different one (digest {listed}, or a different length; {found} found): it was altered after signing, or this is the wrong manifest"
            ),
            Self::NotInManifest {
                listed: None,
                found,
            } => write!(
                f,
                "the manifest lists fewer initrds (digest {found} isn't in it; leave this one out, or list it and sign the manifest again)"
            ),
            Self::CommandLineNotInManifest { exact } => write!(
                f,
                "it {} (leave it to the manifest)",
                match exact {
                    true => "isn't exactly the one that the manifest specifies",
                    false => "doesn't begin with what the manifest specifies",
                }
            ),
            Self::Unsigned => f.write_str(
                "no signature (an unsigned image can't be booted; sign it with a key in .keys or the MOK list)",
            ),
            Self::TooManySignatures => write!(
                f,
                "more than {} signatures (remove some)",
                crate::signature::image::MAX_SIGNATURES
            ),
            Self::NotPkcs7 => f.write_str(
                "malformed signature: an entry of its certificate table isn't PKCS#7 (sign it again)",
            ),
            Self::MalformedSignature(error @ CmsError::Signers(_)) => {
                write!(f, "its signature can't be judged: {error} (sign it by one key alone)")
            }
            Self::MalformedSignature(error) => {
                write!(f, "malformed signature: {error} (sign it again)")
            }
            Self::UnsupportedAlgorithm(error) => write!(
                f,
                "its signature's algorithm isn't accepted: {error} (sign it again)"
            ),
            Self::DigestMismatch { expected, found } => write!(
                f,
                "the signature is for other bytes (digest {expected} expected, {found} found): the image was altered after signing"
            ),
            Self::ContentMismatch => {
                f.write_str("the signature's content was altered after signing (sign it again)")
            }
            Self::BadSignature { subject, key_id } => write!(
                f,
                "the signature names the key of \"{subject}\" (key id {key_id}), but wasn't made with it: it is forged or damaged"
            ),
            Self::NotSignedSo { subject, key_id } => write!(
                f,
                "the signature names \"{subject}\" (key id {key_id}), whose key didn't sign these bytes: they were altered after signing, or the signature belongs to another file"
            ),
            Self::AmbiguousContent => f.write_str(
                "it begins like DER, and its signature has no signed attributes: the signed bytes may be those of a certificate or of another signature's attributes (sign it with attributes)",
            ),
            Self::UnusableKey { subject, problem } => {
                write!(f, "signed by \"{subject}\", but {problem} (sign with another key)")
            }
            Self::UnknownSigner {
                subject,
                key_id,
                tried,
            } => write!(
                f,
                "signed by \"{subject}\" (key id {key_id}), which no trusted key vouches for; {tried}"
            ),
            Self::SignerNotFound { certificate, tried } => write!(
                f,
                "signed with the certificate {certificate}, which is neither in the signature nor trusted; {tried}"
            ),
            Self::ChainTooLong { subject } => write!(
                f,
                "signed by \"{subject}\", more than {} certificates away from a trusted one (trust one nearer to it)",
                crate::policy::chain::MAX_LENGTH
            ),
            Self::UnusableCertificate {
                subject,
                certificate,
            } => write!(
                f,
                "signed by \"{subject}\", but \"{certificate}\" in its chain has a key or signature that isn't accepted (RSA 2048 to 4096 or ECDSA P-256 or P-384, with SHA-2)"
            ),
            Self::NotAnIssuer {
                subject,
                issuer,
                problem,
            } => write!(
                f,
                "signed by \"{subject}\", but \"{issuer}\" in its chain may not issue certificates: {problem}"
            ),
            Self::UnknownExtension { subject } => write!(
                f,
                "signed by \"{subject}\", whose certificate has a critical extension that isn't known here (sign with a certificate without it)"
            ),
            Self::ForModules {
                subject,
                certificate,
            } => write!(
                f,
                "signed by \"{subject}\", but the extended key usage of \"{certificate}\" limits the key to signing modules (sign with a key that isn't DKMS's; shim doesn't accept such keys, either)"
            ),
            Self::RevokedCertificate {
                subject,
                certificate,
                list,
            } => write!(
                f,
                "signed by \"{subject}\", but \"{certificate}\" in its chain is revoked by {list} (install one signed with a newer key)"
            ),
            Self::OutOfScope {
                subject,
                certificate,
            } => write!(
                f,
                "signed by \"{subject}\", but the policy doesn't let the key of \"{certificate}\" vouch for this (sign with another key)"
            ),
            Self::NotAccepted(signature_kind) => write!(
                f,
                "the policy doesn't accept it {} (`baton policy explain` says what it accepts)",
                in_words(*signature_kind)
            ),
            Self::ParameterDenied(parameter) => write!(
                f,
                "the policy denies \"{parameter}\" (leave it out; only a newly signed gate can allow it)"
            ),
            Self::ParameterUnlisted(parameter) => write!(
                f,
                "no rule of the policy allows \"{parameter}\" (leave it out; only a newly signed gate can allow it)"
            ),
            Self::ParameterForInit(parameter) => write!(
                f,
                "the policy allows nothing after --, and \"{parameter}\" follows it (leave it out)"
            ),
            Self::ParameterForced(parameter) => write!(
                f,
                "\"{parameter}\" contradicts what the policy forces (leave it out)"
            ),
            Self::HiddenBootconfig => f.write_str(
                "it ends with a bootconfig, whose parameters escape the policy's rules (sign it with a key that may vouch for kernels, or leave the bootconfig out)",
            ),
            Self::AcpiTables => f.write_str(
                "it contains ACPI tables (kernel/firmware/acpi/), or is followed by an initrd that does; they are code to the kernel, and not all of this is signed by a key that may vouch for kernels (sign each initrd with such a key, or leave the tables out)",
            ),
            Self::RevokedImage { list } => {
                write!(f, "its digest is revoked by {list} (install a newer one)")
            }
            Self::RevokedInside { what, list } => write!(
                f,
                "the digest of the {what} in it is revoked by {list} (install a newer one)"
            ),
            Self::BadSbat(error) => write!(
                f,
                "malformed SBAT metadata in .sbat: {error} (install an image built with valid metadata)"
            ),
            Self::SbatTwice => f.write_str(
                "two sections .sbat, and one of them may hide what the other says (install an image with one)",
            ),
            Self::RevokedBySbat {
                component,
                generation,
                minimum,
                source,
            } => write!(
                f,
                "revoked by SBAT: its component \"{component}\" is at generation {generation}, and {source} requires {minimum} or later (install a newer image)"
            ),
            Self::HandoverDigestMismatch => f.write_str(
                "its digest isn't the one in the handover: another kernel was put in its place",
            ),
            Self::BadKernel(error) => error.fmt(f),
            Self::UncoveredKernelHeader => f.write_str(
                "fields of its PE header that no signature covers lie in its setup header",
            ),
            Self::BadTrust(error) => error.fmt(f),
            Self::NotAbove4G => f.write_str(
                "it can't take arguments above 4 GiB, where kexec puts them (use a newer kernel)",
            ),
            Self::NoFiveLevel => f.write_str(
                "this machine runs with 5-level paging, which it doesn't know (boot with no5lvl, or use a newer kernel)",
            ),
            Self::AddressTaken(address) => write!(
                f,
                "it runs at {address:#x} only, which isn't free (use a relocatable kernel)"
            ),
            Self::NoRoom {
                needed,
                largest_free,
            } => write!(
                f,
                "no room: {needed} bytes are needed, and the largest free range has {largest_free} (use a smaller initrd, or reserve more memory)"
            ),
            Self::BadMemoryMap(what) => write!(f, "bad memory map: {what}"),
            Self::BadFirmwareTable(what) => write!(f, "bad firmware table: {what}"),
            Self::BadBootParams(what) => write!(f, "bad boot parameters: {what}"),
            Self::BadGate(what) => write!(f, "{what} (build it again with `baton gate build`)"),
        }
    }
}

impl fmt::Display for IssuerProblem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotCa => f.write_str("it isn't marked as a CA certificate (basicConstraints)"),
            Self::KeyUsage => f.write_str("its key usage lacks keyCertSign"),
            Self::UnknownExtension => {
                f.write_str("it has a critical extension that isn't known here")
            }
            Self::PathLength(limit) => write!(
                f,
                "the path is too long: it allows {limit} authorities below it (pathLenConstraint), and there are more"
            ),
        }
    }
}

/// How something is vouched for, after what isn't accepted.
fn in_words(kind: SignatureKind) -> &'static str {
    match kind {
        SignatureKind::Unsigned => "unsigned",
        SignatureKind::Authenticode => "with an Authenticode signature",
        SignatureKind::ListedDigest => "by its digest in the MOK list",
        SignatureKind::Appended => "with an appended signature",
        SignatureKind::Note => "with a signature in an ELF note",
        SignatureKind::Detached => "with a detached signature",
        SignatureKind::Manifest => "by a manifest",
    }
}
