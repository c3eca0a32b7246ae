//! What was verified, part by part, as people and programs are shown it: by `baton load` before a kexec,
//! by `baton status` after it.

use baton_formats::verdict::{Component, ComponentKind, SignatureKind};
use baton_sys::hex;
use baton_verify::{JudgedPart, is_shown};
use serde::{Serialize, Serializer};

/// A part, and who vouches for it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct PartLine {
    /// What it is.
    #[serde(serialize_with = "named")]
    #[cfg_attr(test, schemars(with = "String"))]
    kind: ComponentKind,
    /// How it is vouched for.
    #[serde(serialize_with = "coded")]
    #[cfg_attr(test, schemars(with = "String"))]
    signature_kind: SignatureKind,
    /// Who signed it.
    #[serde(skip_serializing_if = "Option::is_none")]
    signer: Option<String>,
    /// The identifier of the signer's key.
    #[serde(skip_serializing_if = "Option::is_none")]
    key_id: Option<String>,
    /// Its length.
    size: u64,
    /// The digest that was verified: SHA-256, or of a signed PE image its Authenticode digest.
    digest: String,
}

impl From<&JudgedPart> for PartLine {
    fn from(part: &JudgedPart) -> PartLine {
        let signer = part.vouched.signer.as_ref();
        let key = signer.filter(|_| part.vouched.signature_kind.has_signer());
        PartLine {
            kind: part.kind,
            signer: key.map(|signer| signer.subject.clone()),
            key_id: key.map(|signer| signer.key_id.to_string()),
            size: part.size,
            digest: hex::encode(part.digest),
            signature_kind: part.vouched.signature_kind,
        }
    }
}

impl From<Component<'_>> for PartLine {
    fn from(part: Component<'_>) -> PartLine {
        let signed = part.signature_kind.has_signer();
        PartLine {
            kind: part.kind,
            signer: signed.then(|| printable(part.subject)),
            key_id: signed.then(|| hex::encode(part.key_id)),
            size: part.size,
            digest: hex::encode(part.digest),
            signature_kind: part.signature_kind,
        }
    }
}

impl PartLine {
    /// What it is, in words.
    #[must_use]
    pub fn kind(&self) -> &'static str {
        name(self.kind)
    }

    /// Whether a load's report has a line for it anyway.
    #[must_use]
    pub fn is_always_reported(&self) -> bool {
        matches!(
            self.kind,
            ComponentKind::Kernel | ComponentKind::CommandLine
        )
    }

    /// Who vouches for it, and how, in words.
    #[must_use]
    pub fn vouched(&self) -> String {
        match (self.signature_kind, &self.signer, &self.key_id) {
            (SignatureKind::Unsigned, ..) => "unsigned".to_owned(),
            (SignatureKind::ListedDigest, ..) => {
                "verified by its digest, which is listed in MokListRT".to_owned()
            }
            (signature_kind, signer, key) => format!(
                "verified by \"{}\" ({signature_kind}, key id {})",
                signer.as_deref().unwrap_or_default(),
                key.as_deref().unwrap_or_default()
            ),
        }
    }

    /// Its size and digest, in words.
    #[must_use]
    pub fn identity(&self) -> String {
        format!("{} bytes, digest {}", self.size, self.digest)
    }
}

fn coded<S: Serializer>(kind: &SignatureKind, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(kind.code())
}

fn named<S: Serializer>(kind: &ComponentKind, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(name(*kind))
}

fn name(kind: ComponentKind) -> &'static str {
    match kind {
        ComponentKind::Kernel => "kernel",
        ComponentKind::Initrd => "initrd",
        ComponentKind::CommandLine => "command line",
        ComponentKind::Microcode => "microcode",
        ComponentKind::DeviceTree => "device tree",
        ComponentKind::Manifest => "manifest",
        ComponentKind::Addon => "addon",
    }
}

/// A name in the record may have any character in it.
fn printable(text: &str) -> String {
    let shown = |c| if is_shown(c) { c } else { '?' };
    text.chars().map(shown).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_unsigned_part_has_no_signer_and_a_signed_one_says_how() {
        let component = Component {
            kind: ComponentKind::Initrd,
            signature_kind: SignatureKind::Unsigned,
            size: 7,
            digest: [0xab; 32],
            key_id: &[],
            subject: "",
        };
        let line = PartLine::from(component);
        assert_eq!(
            (line.kind(), line.vouched().as_str()),
            ("initrd", "unsigned")
        );
        let signed = Component {
            signature_kind: SignatureKind::Appended,
            key_id: &[1, 2],
            subject: "A\u{1b}[2J\" B",
            ..component
        };
        assert_eq!(
            PartLine::from(signed).vouched(),
            "verified by \"A?[2J? B\" (appended signature, key id 0102)"
        );
    }
}
