//! What is trusted: the gate's own certificates and what the machine's owner enrolled in shim.
//!
//! - `.keys`, the gate's signed section: DER certificates, one after another. Anchors.
//! - MokListRT: what shim trusts. Certificates are anchors; SHA-256 digests vouch for the
//!   images that have them.
//! - MokListXRT: what shim refuses. Certificates, digests of certificates, digests of images.
//! - dbx, as newer shims copy it: what the firmware refuses. The same kinds.
//! - `.dbx`, the gate's signed section: what it refuses besides. The same kinds.
//! - SbatLevelRT, and the gate's own minimum: the generations that images must have.
//!
//! A listed certificate revokes every certificate with its key, and those below these in a chain; also
//! each, anchors included, that names it as its issuer and is signed with its key, if key and signature
//! are of kinds that are accepted here. The digest of a certificate's to-be-signed part (SHA-256, SHA-384
//! or SHA-512) revokes that certificate, and those below it in a chain. A SHA-256 digest revokes the image
//! that is known by it in any way (`revoked.rs`), and the initrd or manifest of that digest.
//!
//! Types of entries other than these are not looked at, as in shim: the hashes and keys of older
//! kinds vouch for nothing, and revoke nothing.
//!
//! Anything malformed in them is an error, so that a damaged list never means "nothing is
//! revoked". Two things are not. One is a certificate in MokListRT that isn't strict X.509, or whose key
//! or algorithm isn't accepted. It is kept out of use: a machine may have enrolled an exotic
//! key, which can't vouch for anything here, and must not keep the others from doing so.
//!
//! The other is a certificate in MokListXRT or dbx that doesn't begin as strict X.509 does: a machine must not be
//! kept from booting by it, and it can't be met here, where certificates must be strict; but its key may be
//! in another one, which it doesn't revoke. In `.dbx`, which is made with the gate, it is an error.

use alloc::string::String;
use alloc::vec::Vec;
use core::fmt::{self, Write as _};

use baton_formats::gate_image::Formats;
use baton_formats::policy::Policy;
use baton_formats::sbat::{SbatError, SbatLevel};
use baton_formats::siglist::{SigListError, Signature, SignatureLists, SignatureType};

use crate::crypto::hash::HashAlgorithm;
use crate::der::Elements;
use crate::policy::sbat::SbatSource;
use crate::reason::Reason;
use crate::x509::certificate::{Certificate, CertificateError};

/// How many trusted certificates a refusal names.
const NAMED_ANCHORS: usize = 6;

/// The trusted certificates and digests, and the revoked ones. Borrows the lists' bytes.
#[derive(Debug, Clone, Default)]
pub struct Trust<'a> {
    anchors: Vec<Anchor<'a>>,
    unusable: usize,
    mok_lists: Vec<&'a [u8]>,
    revocations: Vec<(&'a [u8], RevocationSource)>,
    sbat_levels: Vec<(SbatLevel<'a>, SbatSource)>,
    policy: Policy<'a>,
    formats: Formats,
    observer: Option<fn(Phase)>,
}

/// All that trust is made of, as it was found. Whoever predicts a gate's verdict makes trust of
/// the same lists in the same order.
#[derive(Debug, Clone, Copy, Default)]
pub struct Lists<'a> {
    /// The gate's `.keys`.
    pub keys: &'a [u8],
    /// The gate's `.dbx`.
    pub gate_revocations: &'a [u8],
    /// The gate's policy, with its own minimum of SBAT generations.
    pub policy: Policy<'a>,
    /// MokListRT.
    pub mok_list: &'a [u8],
    /// MokListXRT.
    pub mok_revocations: &'a [u8],
    /// The firmware's dbx, as shim copied it.
    pub dbx: &'a [u8],
    /// SbatLevelRT.
    pub sbat_level: Option<&'a [u8]>,
    /// The formats of kernels that the gate can boot.
    pub formats: Formats,
}

/// What whoever takes the time of a verdict is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Phase {
    /// Something as long as an image begins to be hashed.
    HashingBegins,
    /// It has been hashed.
    HashingEnds,
}

/// A certificate that is trusted because of where it stands.
#[derive(Debug, Clone, Copy)]
pub struct Anchor<'a> {
    /// The certificate.
    pub certificate: Certificate<'a>,
    /// Where it stands.
    pub source: AnchorSource,
}

/// Where trust comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AnchorSource {
    /// A certificate in the gate's `.keys`.
    GateKeys,
    /// A certificate in MokListRT.
    MokList,
    /// An image's digest in MokListRT.
    MokListHash,
}

impl AnchorSource {
    /// Its name for programs.
    #[must_use]
    pub fn code(self) -> &'static str {
        match self {
            Self::GateKeys => "gate-keys",
            Self::MokList => "mok-list",
            Self::MokListHash => "mok-list-hash",
        }
    }
}

impl fmt::Display for AnchorSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::GateKeys => ".keys",
            Self::MokList | Self::MokListHash => "MokListRT",
        })
    }
}

/// The SHA-256 of no bytes (FIPS 180-4). It is in the dbx of machines whose makers had nothing to list, and
/// would revoke whatever has an empty part.
const NOTHING: [u8; 32] = [
    0xe3, 0xb0, 0xc4, 0x42, 0x98, 0xfc, 0x1c, 0x14, 0x9a, 0xfb, 0xf4, 0xc8, 0x99, 0x6f, 0xb9, 0x24,
    0x27, 0xae, 0x41, 0xe4, 0x64, 0x9b, 0x93, 0x4c, 0xa4, 0x95, 0x99, 0x1b, 0x78, 0x52, 0xb8, 0x55,
];

/// Where a revocation comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RevocationSource {
    /// MokListXRT.
    MokListX,
    /// The gate's `.dbx`.
    Gate,
    /// The firmware's `dbx`: the variable, which only user space gets to see, or shim's copy.
    Firmware,
}

impl RevocationSource {
    /// What people call it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::MokListX => "MokListXRT",
            Self::Gate => ".dbx",
            Self::Firmware => "the firmware's dbx",
        }
    }
}

/// Why the trusted keys or lists can't be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TrustError {
    /// A certificate in `.keys` is malformed.
    Keys {
        /// Its number, from 0.
        index: usize,
        /// What is wrong with it.
        problem: CertificateError,
    },
    /// MokListRT is malformed.
    MokList(SigListError),
    /// A list of what is revoked is malformed.
    Revocations {
        /// Which.
        source: RevocationSource,
        /// What is wrong with it.
        problem: SigListError,
    },
    /// A certificate in the gate's `.dbx` is malformed.
    GateRevocation {
        /// Its number among the certificates there, from 0.
        index: usize,
        /// What is wrong with it.
        problem: CertificateError,
    },
    /// An SBAT level is malformed.
    SbatLevel {
        /// Whose.
        source: SbatSource,
        /// What is wrong with it.
        problem: SbatError,
    },
}

impl TrustError {
    /// A short, stable word for programs.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::Keys { .. } => "bad-keys",
            Self::MokList(_) => "bad-mok-list",
            Self::Revocations { source, .. } => match source {
                RevocationSource::MokListX => "bad-mok-revocations",
                RevocationSource::Gate => "bad-gate-revocations",
                RevocationSource::Firmware => "bad-dbx",
            },
            Self::GateRevocation { .. } => "bad-gate-revocations",
            Self::SbatLevel { .. } => "bad-sbat-level",
        }
    }
}

impl fmt::Display for TrustError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Keys { index, problem } => write!(
                f,
                "certificate {index} in .keys: {problem} (build the gate again)"
            ),
            Self::MokList(error) => write!(f, "MokListRT: {error} (see mokutil --list-enrolled)"),
            Self::Revocations { source, problem } => write!(
                f,
                "{}: {problem} ({})",
                source.name(),
                match source {
                    RevocationSource::MokListX => "see mokutil --mokx",
                    RevocationSource::Gate => "build the gate again",
                    RevocationSource::Firmware => "see mokutil --dbx",
                }
            ),
            Self::GateRevocation { index, problem } => write!(
                f,
                "certificate {index} in .dbx: {problem} (build the gate again)"
            ),
            Self::SbatLevel { source, problem } => write!(
                f,
                "{source}: not an SBAT level: {problem} ({})",
                match source {
                    SbatSource::Machine => "see mokutil --list-sbat-revocations",
                    SbatSource::Gate => "build the gate again",
                }
            ),
        }
    }
}

impl core::error::Error for TrustError {}

impl<'a> Trust<'a> {
    /// Trusts nothing.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Trusts, and refuses, what all of these lists say.
    ///
    /// # Errors
    /// If one of them is malformed, the first one.
    #[inline(never)] // Smaller code: the caller's frame stays short.
    pub fn of(lists: &Lists<'a>) -> Result<Self, TrustError> {
        let mut trust = Self::by(lists.policy);
        trust.formats = lists.formats;
        trust.take_keys(lists.keys)?;
        trust.take_revocations(lists.gate_revocations, RevocationSource::Gate)?;
        trust.take_policy_level()?;
        trust.take_mok_list(lists.mok_list)?;
        trust.take_revocations(lists.mok_revocations, RevocationSource::MokListX)?;
        trust.take_revocations(lists.dbx, RevocationSource::Firmware)?;
        if let Some(level) = lists.sbat_level {
            trust.take_sbat_level(level, SbatSource::Machine)?;
        }
        Ok(trust)
    }

    /// Trusts nothing, and goes by this policy, but for its SBAT level.
    fn by(policy: Policy<'a>) -> Self {
        Self {
            anchors: Vec::new(),
            unusable: 0,
            mok_lists: Vec::new(),
            revocations: Vec::new(),
            sbat_levels: Vec::new(),
            policy,
            formats: Formats::default(),
            observer: None,
        }
    }

    /// Goes by this policy, in place of the stock one, and by its SBAT level.
    ///
    /// # Errors
    /// If the level is malformed.
    pub fn under(mut self, policy: Policy<'a>) -> Result<Self, TrustError> {
        self.policy = policy;
        self.take_policy_level().map(|()| self)
    }

    fn take_policy_level(&mut self) -> Result<(), TrustError> {
        match self.policy.sbat_level {
            [] => Ok(()),
            level => self.take_sbat_level(level, SbatSource::Gate),
        }
    }

    /// The policy to go by.
    #[must_use]
    pub fn policy(&self) -> &Policy<'a> {
        &self.policy
    }

    /// The formats of kernels that are booted.
    pub(crate) fn formats(&self) -> Formats {
        self.formats
    }

    /// Trusts the certificates in `keys`, the exact contents of a gate's `.keys`.
    ///
    /// # Errors
    /// If it is anything but DER certificates one after another, or none.
    pub fn add_keys(mut self, keys: &'a [u8]) -> Result<Self, TrustError> {
        self.take_keys(keys).map(|()| self)
    }

    fn take_keys(&mut self, keys: &'a [u8]) -> Result<(), TrustError> {
        let mut elements = Elements::new(keys, "Certificate");
        let mut index = 0_usize;
        while !elements.is_empty() {
            let certificate = Certificate::read(&mut elements)
                .map_err(|problem| TrustError::Keys { index, problem })?;
            self.add_anchor(certificate, AnchorSource::GateKeys);
            index = index.saturating_add(1);
        }
        Ok(())
    }

    /// Trusts what MokListRT lists: EFI signature lists one after another.
    ///
    /// # Errors
    /// If they are malformed.
    pub fn add_mok_list(mut self, lists: &'a [u8]) -> Result<Self, TrustError> {
        self.take_mok_list(lists).map(|()| self)
    }

    fn take_mok_list(&mut self, lists: &'a [u8]) -> Result<(), TrustError> {
        for list in SignatureLists::new(lists) {
            let list = list.map_err(TrustError::MokList)?;
            if list.kind() != SignatureType::X509 {
                continue;
            }
            for signature in list.signatures() {
                self.add_mok_certificate(signature.data);
            }
        }
        self.mok_lists.push(lists);
        Ok(())
    }

    fn add_mok_certificate(&mut self, der: &'a [u8]) {
        match Certificate::parse(der) {
            Ok(certificate) => self.add_anchor(certificate, AnchorSource::MokList),
            Err(_) => self.unusable = self.unusable.saturating_add(1),
        }
    }

    fn add_anchor(&mut self, certificate: Certificate<'a>, source: AnchorSource) {
        self.anchors.push(Anchor {
            certificate,
            source,
        });
    }

    /// Refuses what these EFI signature lists, one after another, list. All that are added count.
    ///
    /// # Errors
    /// If they are malformed.
    pub fn add_revocations(
        mut self,
        lists: &'a [u8],
        source: RevocationSource,
    ) -> Result<Self, TrustError> {
        self.take_revocations(lists, source).map(|()| self)
    }

    fn take_revocations(
        &mut self,
        lists: &'a [u8],
        source: RevocationSource,
    ) -> Result<(), TrustError> {
        let mut index = 0_usize;
        for list in SignatureLists::new(lists) {
            let list = list.map_err(|problem| TrustError::Revocations { source, problem })?;
            if source != RevocationSource::Gate || list.kind() != SignatureType::X509 {
                continue;
            }
            for entry in list.signatures() {
                Certificate::parse(entry.data)
                    .map_err(|problem| TrustError::GateRevocation { index, problem })?;
                index = index.saturating_add(1);
            }
        }
        self.revocations.push((lists, source));
        Ok(())
    }

    /// Refuses images that are below this SBAT level. All that are added count.
    ///
    /// # Errors
    /// If it is malformed.
    pub fn add_sbat_level(
        mut self,
        level: &'a [u8],
        source: SbatSource,
    ) -> Result<Self, TrustError> {
        self.take_sbat_level(level, source).map(|()| self)
    }

    fn take_sbat_level(&mut self, level: &'a [u8], source: SbatSource) -> Result<(), TrustError> {
        let level =
            SbatLevel::parse(level).map_err(|problem| TrustError::SbatLevel { source, problem })?;
        self.sbat_levels.push((level, source));
        Ok(())
    }

    /// Tells `observer` when something long is hashed. A verdict doesn't depend on that.
    #[must_use]
    pub fn observed_by(mut self, observer: fn(Phase)) -> Self {
        self.observer = Some(observer);
        self
    }

    pub(crate) fn hashing<T>(&self, hash: impl FnOnce() -> T) -> T {
        self.tell(Phase::HashingBegins);
        let hashed = hash();
        self.tell(Phase::HashingEnds);
        hashed
    }

    #[inline(never)] // It is told in many places.
    fn tell(&self, phase: Phase) {
        if let Some(observer) = self.observer {
            observer(phase);
        }
    }

    /// The trusted certificates, in the order in which they were added.
    pub fn anchors(&self) -> impl Iterator<Item = &Anchor<'a>> {
        self.anchors.iter()
    }

    /// How many certificates in MokListRT can't be read, and so vouch for nothing.
    #[must_use]
    pub fn unusable_certificates(&self) -> usize {
        self.unusable
    }

    /// The SBAT levels that images must satisfy.
    pub fn sbat_levels(&self) -> impl Iterator<Item = &(SbatLevel<'a>, SbatSource)> {
        self.sbat_levels.iter()
    }

    /// The lists of what is revoked, in EFI's form, and where each is from.
    pub fn revocation_lists(&self) -> impl Iterator<Item = (&'a [u8], RevocationSource)> {
        self.revocations.iter().copied()
    }

    /// The anchor that is this very certificate.
    pub(crate) fn anchor_for(&self, certificate: &Certificate<'_>) -> Option<&Anchor<'a>> {
        self.anchors
            .iter()
            .find(|anchor| anchor.certificate.as_bytes() == certificate.as_bytes())
    }

    /// Whether MokListRT lists an image with this SHA-256 Authenticode digest.
    pub(crate) fn lists_image(&self, sha256: &[u8]) -> bool {
        let mut lists = self.mok_lists.iter();
        lists.any(|list| has_entry(list, &|entry| is_image_digest(entry, sha256)))
    }

    /// The name of the first list of what is revoked that has such an entry.
    fn revoking_list(&self, is_meant: &dyn Fn(&Signature<'_>) -> bool) -> Option<&'static str> {
        let mut lists = self.revocations.iter();
        let (_, source) = lists.find(|(list, _)| has_entry(list, is_meant))?;
        Some(source.name())
    }

    /// Whether any digest of an image is revoked, so that it is worth hashing one.
    pub(crate) fn lists_digests(&self) -> bool {
        self.revoking_list(&|entry| entry.kind == SignatureType::Sha256)
            .is_some()
    }

    /// Refuses what is known by this SHA-256 digest if that is revoked.
    pub(crate) fn check_digest(&self, sha256: &[u8]) -> Result<(), Reason> {
        match self.revoking_list(&|entry| is_image_digest(entry, sha256)) {
            Some(list) if *sha256 != NOTHING => Err(Reason::RevokedImage { list }),
            _ => Ok(()),
        }
    }

    /// The name of the list that revokes a certificate: it is listed itself, or one with the same key
    /// is (shim and firmware refuse whatever the listed key vouches for), or the digest of what its
    /// issuer signed is. A listed digest's time of revocation isn't judged.
    #[must_use]
    pub fn revokes(&self, certificate: &Certificate<'_>) -> Option<&'static str> {
        self.revoking_list(&|entry| match entry.kind {
            SignatureType::X509 => {
                entry.data.starts_with(certificate.as_bytes()) || same_key(entry.data, certificate)
            }
            SignatureType::X509Sha256 => lists_tbs(entry, certificate, HashAlgorithm::Sha256),
            SignatureType::X509Sha384 => lists_tbs(entry, certificate, HashAlgorithm::Sha384),
            SignatureType::X509Sha512 => lists_tbs(entry, certificate, HashAlgorithm::Sha512),
            SignatureType::Sha256 | SignatureType::Other(_) => false,
        })
    }

    /// The certificates that are revoked, each with the name of its list. What can't be read as one
    /// issued nothing that could be read here.
    pub(crate) fn revoked_certificates(
        &self,
    ) -> impl Iterator<Item = (Certificate<'a>, &'static str)> + use<'a, '_> {
        self.revocations.iter().flat_map(|(lists, source)| {
            let lists = SignatureLists::new(lists).flatten();
            let entries = lists.filter(|list| list.kind() == SignatureType::X509);
            let entries = entries.flat_map(|list| list.signatures());
            entries.filter_map(|entry| Some((listed(entry.data)?, source.name())))
        })
    }

    /// The trusted certificates in words, for a refusal.
    pub(crate) fn tried(&self) -> String {
        let mut words = String::new();
        if self.anchors.is_empty() {
            words.push_str("no key is trusted at all: .keys and MokListRT are empty");
            return words;
        }
        words.push_str("keys tried:");
        for (index, anchor) in self.anchors.iter().take(NAMED_ANCHORS).enumerate() {
            let separator = if index == 0 { "" } else { ";" };
            // Writing to a String can't fail.
            let _ = write!(
                words,
                "{separator} {}: \"{}\" {}",
                anchor.source,
                anchor.certificate.subject_name(),
                anchor.certificate.key_id()
            );
        }
        let more = self.anchors.len().saturating_sub(NAMED_ANCHORS);
        if more > 0 {
            let _ = write!(words, "; and {more} more");
        }
        words
    }
}

/// Whether lists that were checked when they were added have such an entry.
fn has_entry(lists: &[u8], is_meant: &dyn Fn(&Signature<'_>) -> bool) -> bool {
    for list in SignatureLists::new(lists).flatten() {
        for entry in list.signatures() {
            if is_meant(&entry) {
                return true;
            }
        }
    }
    false
}

/// The certificate that an entry begins with. The length of one is in it, and lists of the machine's may
/// have been made with something after it.
fn listed(entry: &[u8]) -> Option<Certificate<'_>> {
    Certificate::read(&mut Elements::new(entry, "Certificate")).ok()
}

fn same_key(revoked: &[u8], certificate: &Certificate<'_>) -> bool {
    listed(revoked).is_some_and(|revoked| revoked.key_info() == certificate.key_info())
}

fn is_image_digest(entry: &Signature<'_>, sha256: &[u8]) -> bool {
    entry.kind == SignatureType::Sha256 && entry.hash() == Some(sha256)
}

/// EFI_CERT_X509_SHA256 and its kin: a digest of the TBSCertificate.
fn lists_tbs(entry: &Signature<'_>, certificate: &Certificate<'_>, hash: HashAlgorithm) -> bool {
    entry.hash() == Some(hash.hash([certificate.tbs()]).as_bytes())
}
