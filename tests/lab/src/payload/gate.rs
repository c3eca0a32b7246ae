//! The gates that guests load, by who signed them, what they accept and what they refuse.

use fs_err as fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::Result;
use baton_formats::siglist::X509_GUID;

use super::signature_list;
use super::signer::Signer;
use crate::exec;
use crate::fetch::packages::MAIN;
use crate::keys::{Keys, Pair};
use crate::programs::Ours;

/// What the gate `forcing` puts on the command line: something new, and what is there anyway.
pub const FORCED: &str = "baton.forced=1 panic=5";

/// The default delay is for people who read the screen.
const REFUSAL: &str = "\n[refusal]\ndelay = 1\n";

/// The stock policy, by name.
const STOCK: &str = "name = \"stock\"\n";

/// A gate to be.
struct Gate<'a> {
    name: &'static str,
    signer: &'a Pair,
    /// What it trusts besides the MOK table.
    certificates: Vec<PathBuf>,
    /// Its policy, but for what a refusal does.
    policy: String,
    /// EFI signature lists of what it refuses.
    revoked: Vec<u8>,
}

/// Adds `gate/NAME.efi` for each of them. The UKIs must be there.
pub(super) fn add(tree: &Path, keys: &Keys, ours: &Ours) -> Result<()> {
    for gate in all(tree, keys)? {
        build(tree, ours, &gate)?;
    }
    Ok(())
}

/// Adds the gate with the stock policy alone.
pub(super) fn add_stock(tree: &Path, keys: &Keys, ours: &Ours) -> Result<()> {
    build(tree, ours, &by_mok(keys, "mok", STOCK))
}

/// Adds the gate with the stock policy and no keys but those of the MOK table, signed by another key.
pub(super) fn add_by(tree: &Path, ours: &Ours, name: &'static str, signer: &Pair) -> Result<()> {
    let gate = Gate {
        name,
        signer,
        certificates: Vec::new(),
        policy: STOCK.into(),
        revoked: Vec::new(),
    };
    build(tree, ours, &gate)
}

fn build(tree: &Path, ours: &Ours, gate: &Gate<'_>) -> Result<()> {
    let file = |extension: &str| tree.join("gate").join(format!("{}.{extension}", gate.name));
    let (bare, policy, dbx) = (file("bare"), file("toml"), file("esl"));
    fs::write(&policy, format!("{}{REFUSAL}", gate.policy))?;
    let mut build = Command::new(&ours.baton);
    build.args(["gate", "build", "--stub"]).arg(&ours.stub);
    build.arg("--policy").arg(&policy);
    if !gate.revoked.is_empty() {
        fs::write(&dbx, &gate.revoked)?;
        build.arg("--dbx").arg(&dbx);
    }
    for certificate in &gate.certificates {
        build.arg("--cert").arg(certificate);
    }
    exec::run(build.arg("--out").arg(&bare))?;
    let signer = Signer {
        baton: &ours.baton,
        pair: gate.signer,
    };
    signer.sign("authenticode", &bare, &file("efi"))?;
    Ok(fs::remove_file(bare)?)
}

/// A gate that the machine's owner signed.
fn by_mok<'a>(keys: &'a Keys, name: &'static str, policy: &str) -> Gate<'a> {
    Gate {
        name,
        signer: &keys.mok,
        certificates: [&keys.mok, &keys.p256, &keys.p384]
            .map(|pair| pair.certificate.clone())
            .to_vec(),
        policy: policy.into(),
        revoked: Vec::new(),
    }
}

fn all<'a>(tree: &Path, keys: &'a Keys) -> Result<Vec<Gate<'a>>> {
    let mok = |name, policy: &str| by_mok(keys, name, policy);
    let certificate = revoked_certificate(&keys.mok)?;
    Ok(vec![
        // It has Debian's authority from shim alone, through the MOK table.
        mok("mok", STOCK),
        // Without shim there is no such table: it must bring the authority itself.
        Gate {
            certificates: vec![keys.debian_ca.clone(), keys.db.certificate.clone()],
            signer: &keys.db,
            ..mok("db", "")
        },
        // For a machine without EFI, and so without Secure Boot.
        Gate {
            certificates: vec![keys.debian_ca.clone(), keys.db.certificate.clone()],
            signer: &keys.db,
            ..mok("anywhere", "require-secure-boot = false\n")
        },
        Gate {
            signer: &keys.untrusted,
            ..mok("untrusted", "")
        },
        mok(
            "signed-initrd",
            "preset = \"signed-initrd\"\nname = \"signed-initrd\"\n",
        ),
        mok("sealed", "preset = \"sealed\"\nname = \"sealed\"\n"),
        mok("forcing", &forcing()),
        mok("scoped", &scoped(keys)),
        mok(
            "sbat",
            "name = \"newer\"\n[sbat]\nminimum = { uki = 2, \"baton.gate\" = 2 }\n",
        ),
        Gate {
            revoked: certificate,
            ..mok("revoking-key", "")
        },
        Gate {
            revoked: revoked_image(tree)?,
            ..mok("revoking-image", "")
        },
    ])
}

/// A signature list of the main kernel's UKI.
pub(super) fn revoked_image(tree: &Path) -> Result<Vec<u8>> {
    signature_list::of_image(&tree.join(format!("uki/{MAIN}.efi")))
}

/// Only what is listed may be said; something is said in any case.
fn forcing() -> String {
    let forced: Vec<String> = FORCED.split(' ').map(|it| format!("\"{it}\"")).collect();
    format!(
        "name = \"forcing\"\n[cmdline]\nunlisted = \"deny\"\nforce = [{}]\nrules = [\n\
         {{ allow = \"console\", one-of = [\"ttyS0\"] }}, {{ allow = \"quiet\", value = false }},\n\
         {{ allow = \"loglevel\", number = [0, 7] }}, {{ allow = \"no_timer_check\" }},\n\
         {{ allow = \"baton.stage\", number = [1, 9] }},\n]\n",
        forced.join(", ")
    )
}

/// The machine owner's key isn't for kernels.
fn scoped(keys: &Keys) -> String {
    format!(
        "name = \"scoped\"\n[[key]]\ncertificate = \"{}\"\nmay = [\"initrd\", \"manifest\"]\n",
        keys.mok.certificate.display()
    )
}

/// A signature list of this certificate.
fn revoked_certificate(pair: &Pair) -> Result<Vec<u8>> {
    let der = exec::bytes(
        Command::new("openssl")
            .args(["x509", "-outform", "DER", "-in"])
            .arg(&pair.certificate),
    )?;
    Ok(signature_list::of(&X509_GUID, &der))
}
