//! A gate from its stub and what its owner adds: certificates, policy, SBAT, and
//! revocations.

use super::args::GateBuildArgs;
use super::image::{self, Parts};
use crate::failure::Result;
use crate::failure::gate::GateError;
use crate::failure::input::InputError;
use crate::input::certs;
use crate::input::read;
use crate::input::revocations::{self, Count};
use crate::machine;
use crate::output::file::{self, Access, Destination, Existing};
use crate::policy::given;
use baton_formats::policy::Policy;
use baton_formats::sbat::{Sbat, SbatError};
use baton_sys::{Root, efivars};
use baton_verify::{Certificate, RevocationSource, Trust, TrustError};
use std::path::{Path, PathBuf};

/// The gate's own generation, by which it can be revoked. It goes up with every security fix.
pub(crate) const OWN_SBAT: &str = concat!(
    "sbat,1,SBAT Version,sbat,1,https://github.com/rhboot/shim/blob/main/SBAT.md\n",
    "baton.gate,1,Baton,baton-gate,",
    env!("CARGO_PKG_VERSION"),
    ",-\n"
);

/// Carries out the command.
///
/// # Errors
/// When an input can't be read or isn't what it should be; nothing is written then.
pub fn build(args: &GateBuildArgs) -> Result<()> {
    file::is_no_input(&args.output, inputs(args))?;
    let like = Access::Like(&args.stub);
    let destination = Destination::new(&args.output, like, Existing::with(args.force))?;
    let built = assemble(args)?;
    destination.write(&built.gate)?;
    for (path, count) in args.dbx.iter().zip(&built.revocations) {
        destination.report(format_args!("{} revokes {count}", path.display()));
    }
    if wants_more_than_there_is(&built.policy, &Root::system()) {
        tell!(
            "baton: note: this machine's kernel doesn't report that Secure Boot is on, and this gate \
             boots nothing where that is so; for machines without it, build one with a policy \
             (--policy FILE) that says require-secure-boot = false"
        );
    }
    Ok(())
}

/// A gate that was built, and isn't signed.
pub struct Built {
    /// Its bytes.
    pub gate: Vec<u8>,
    /// Its policy, in the compact form.
    policy: Vec<u8>,
    /// What each file of revocations has.
    revocations: Vec<Count>,
}

/// Builds a gate in memory.
///
/// # Errors
/// When an input can't be read or isn't what it should be.
pub fn assemble(args: &GateBuildArgs) -> Result<Built> {
    let stub = read::given(&args.stub)?;
    let (dbx, revocations) = revocations(&args.dbx)?;
    let parts = Parts {
        keys: keys(&args.cert)?,
        policy: given::compiled(&args.policy)?,
        sbat: match &args.sbat {
            Some(path) => sbat(path)?,
            None => OWN_SBAT.as_bytes().to_vec(),
        },
        dbx,
    };
    let gate =
        image::assemble(&stub, &parts).map_err(|failure| failure.about(args.stub.display()))?;
    Ok(Built {
        gate,
        policy: parts.policy,
        revocations,
    })
}

/// Whether the policy asks for Secure Boot, and this machine's kernel wouldn't say that it is on.
fn wants_more_than_there_is(policy: &[u8], root: &Root) -> bool {
    let asks = Policy::parse(policy).is_ok_and(|policy| policy.require_secure_boot);
    let variable = efivars::secure_boot(root).ok().flatten();
    asks && machine::stated(root, variable).is_ok_and(|stated| !stated.secure_boot)
}

fn inputs(args: &GateBuildArgs) -> impl Iterator<Item = &PathBuf> {
    let one = [&args.stub, &args.policy].into_iter().chain(&args.sbat);
    one.chain(&args.cert).chain(&args.dbx)
}

/// The signature lists of all files, one after another, and how many entries each file has.
fn revocations(paths: &[PathBuf]) -> Result<(Vec<u8>, Vec<Count>)> {
    let mut lists = Vec::new();
    let mut counts = Vec::new();
    for path in paths {
        let file = read::given(path)?;
        let refused = |why: String| {
            bad_list(
                path,
                format!(
                    "neither EFI signature lists nor an update of dbx, nor a variable of efivarfs: {why}; give one as it is published"
                ),
            )
        };
        let found = revocations::parse(&file).map_err(refused)?;
        check_certificates(found).map_err(|why| bad_list(path, why))?;
        counts.push(Count::of(found).map_err(|e| refused(e.to_string()))?);
        lists.extend_from_slice(found);
    }
    Ok((lists, counts))
}

fn bad_list(path: &Path, why: String) -> GateError {
    GateError::Revocations {
        path: path.to_owned(),
        why,
    }
}

/// Refuses what a gate would: a certificate that can't be read would revoke nothing.
fn check_certificates(lists: &[u8]) -> std::result::Result<(), String> {
    match Trust::new()
        .add_revocations(lists, RevocationSource::Gate)
        .map(|_| ())
    {
        Err(TrustError::GateRevocation { index, problem }) => Err(format!(
            "certificate {index} in it would revoke nothing: {problem}; leave it out"
        )),
        Err(other) => Err(other.to_string()),
        Ok(()) => Ok(()),
    }
}

/// All certificates, one after another. One that couldn't vouch for anything is refused: whoever adds it
/// believes that it can.
pub(crate) fn keys(paths: &[PathBuf]) -> Result<Vec<u8>> {
    let mut seen: Vec<Vec<u8>> = Vec::new();
    for path in paths {
        for certificate in certs::read(path)? {
            let parsed = Certificate::parse(&certificate)
                .map_err(|e| certs::malformed(path, e.to_string()))?;
            let path = path.clone();
            if let Some(why) = certs::unusable(&parsed) {
                let why = format!("{why}; it vouches for nothing that is booted, so leave it out");
                return Err(InputError::UnusableKey { path, why }.into());
            }
            if seen.contains(&certificate) {
                let subject = parsed.subject_name();
                return Err(GateError::Twice { path, subject }.into());
            }
            seen.push(certificate);
        }
    }
    Ok(seen.concat())
}

/// SBAT metadata, as whoever starts the gate will read them.
fn sbat(path: &Path) -> Result<Vec<u8>> {
    let bytes = read::given(path)?;
    check_sbat(&bytes).map_err(|why| GateError::Sbat {
        path: path.to_owned(),
        why: why.to_string(),
    })?;
    Ok(bytes)
}

fn check_sbat(bytes: &[u8]) -> std::result::Result<(), SbatError> {
    Sbat::parse(bytes).map(|_| ())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_gate_names_its_own_generation_unless_told_otherwise() {
        let sbat = Sbat::parse(OWN_SBAT.as_bytes()).unwrap();
        assert_eq!(sbat.generation("baton.gate"), Some(1));
    }

    #[test]
    fn sbat_rows_name_a_component_and_a_generation() {
        assert!(check_sbat(b"sbat,1,SBAT Version,sbat,1,url\nbaton,1,x,baton,1,url\n").is_ok());
        assert!(check_sbat(b"").is_err());
        assert!(check_sbat(b"baton,1,x,baton,1,url\n").is_err());
        assert!(check_sbat(b"sbat,1,SBAT Version,sbat,1,url\nbaton,zero,x,baton,1,url\n").is_err());
    }
}
