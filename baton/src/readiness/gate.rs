//! The installed gate: whether the running kernel would start it, and whether it is the one that would be built now.

use crate::certificate::details::Details;
use crate::digest::image_digest;
use crate::failure::Result;
use crate::gate::image::{Parts, assemble};
use crate::input::read;
use crate::load::args::installed_gate;
use crate::machine::Keys;
use crate::verdict::kernel::{self, KernelVerdict};
use crate::verdict::own::OwnLists;
use baton_formats::gate_image::GateInfo;
use baton_formats::pe::Pe;
use baton_sys::Root;
use baton_verify::authenticode::Signature;
use baton_verify::{Certificate, Reason};
use std::path::{Path, PathBuf};

/// Where the stub of the gate is installed, that owners build theirs from.
pub const STUB: &str = "/usr/lib/baton/gate.stub";

/// Where a gate that is built on this machine lies.
pub const OWN: &str = "/var/lib/baton/gate.efi";

/// What there is in a gate's place.
#[derive(Debug, Clone, Default)]
pub enum GateFact {
    /// Nothing.
    #[default]
    Missing,
    /// What isn't a gate, or one that this release doesn't know.
    Unreadable {
        /// Where.
        path: PathBuf,
        /// Why.
        why: String,
    },
    /// A gate.
    Installed(Box<Installed>),
}

/// A gate that is installed.
#[derive(Debug, Clone)]
pub struct Installed {
    /// Where.
    pub path: PathBuf,
    /// What the running kernel would say to it.
    pub verdict: KernelVerdict,
    /// Its signer's certificate; `None` where it isn't signed.
    pub signer: Option<Vec<u8>>,
    /// What that says.
    pub details: Option<Details>,
    /// Its policy boots nothing where Secure Boot is off.
    pub wants_secure_boot: bool,
    /// It was made of another stub than the one that is installed.
    pub is_outdated: bool,
    /// What it was built with.
    pub lists: OwnLists,
}

impl GateFact {
    /// Looks at the gate that would be used: the one that was named, or the installed one.
    ///
    /// # Errors
    /// When it can't be read.
    pub fn read(root: &Root, named: Option<&Path>, keys: &Keys) -> Result<GateFact> {
        let path = match named {
            Some(named) => named.exists().then(|| named.to_owned()),
            None => installed_gate(root),
        };
        let Some(path) = path else {
            return Ok(GateFact::Missing);
        };
        let bytes = read::given(&path)?;
        let lists = match OwnLists::of(&bytes, &path) {
            Ok(lists) => lists,
            Err(failure) => {
                let why = failure.to_string();
                return Ok(GateFact::Unreadable { path, why });
            }
        };
        let signer = signer(&bytes);
        let parsed = signer.as_deref().and_then(|it| Certificate::parse(it).ok());
        Ok(GateFact::Installed(Box::new(Installed {
            verdict: kernel::judge(&bytes, keys),
            details: parsed.map(|it| Details::of(&it)),
            wants_secure_boot: lists.lists().policy.require_secure_boot,
            is_outdated: is_outdated(root, &bytes),
            signer,
            lists,
            path,
        })))
    }

    /// The gate, if there is one.
    #[must_use]
    pub fn installed(&self) -> Option<&Installed> {
        match self {
            GateFact::Installed(gate) => Some(gate),
            _ => None,
        }
    }
}

impl Installed {
    /// Whether the running kernel would start it.
    #[must_use]
    pub fn is_accepted(&self) -> bool {
        matches!(self.verdict, KernelVerdict::Vouches { .. })
    }

    /// Why no signature helps it: it is revoked itself, and not its signer.
    #[must_use]
    pub fn revoked(&self) -> Option<&Reason> {
        match &self.verdict {
            KernelVerdict::Refuses(
                reason @ (Reason::RevokedBySbat { .. }
                | Reason::RevokedImage { .. }
                | Reason::BadSbat(_)
                | Reason::SbatTwice),
            ) => Some(reason),
            _ => None,
        }
    }
}

/// The certificate of the signer of the first signature, which is the one that the kernel looks at.
fn signer(image: &[u8]) -> Option<Vec<u8>> {
    let pe = Pe::parse(image).ok()?;
    let first = pe.certificates().next()?.ok()?;
    let signature = Signature::parse(first.data).ok()?;
    Some(signature.signed().signer().ok()?.as_bytes().to_vec())
}

/// Whether the installed stub would give another gate, of the same parts. Building one gives the same bytes each time,
/// so that the images' digests tell.
fn is_outdated(root: &Root, gate: &[u8]) -> bool {
    let stub = read::found(&root.join(STUB.trim_start_matches('/')));
    let Ok(Some(stub)) = stub else {
        return false;
    };
    rebuilt(&stub, gate).is_some_and(|anew| image_digest(&anew) != image_digest(gate))
}

/// The same gate from this stub. Its own SBAT, which tells of the release that it is from, goes with the stub.
fn rebuilt(stub: &[u8], gate: &[u8]) -> Option<Vec<u8>> {
    let info = GateInfo::from_image(gate).ok()?;
    let parts = Parts {
        keys: info.keys(gate).ok()?.to_vec(),
        policy: info.policy(gate).ok()?.to_vec(),
        sbat: info.sbat(gate).ok()?.to_vec(),
        dbx: info.dbx(gate).ok()?.to_vec(),
    };
    assemble(stub, &parts).ok()
}
