//! Signs what the file lists.

use super::args::SignAllArgs;
use super::job::Job;
use super::settings::Settings;
use crate::failure::Result;
use crate::sign::several;
use crate::sign::signer::Signer;

/// Carries out the command.
///
/// # Errors
/// When the settings are wrong, or something that they list can't be signed: the first reason, after all files were tried.
pub fn run(args: &SignAllArgs) -> Result<()> {
    let settings = Settings::read(&args.config)?;
    let jobs = Job::all(&settings)?;
    let (who, hash) = (settings.who(), settings.hash.into());
    // The key isn't touched, nor its passphrase asked for, where there is nothing to sign.
    let watcher = Signer::without_key(&who, hash)?;
    let mut open = Vec::new();
    let looked = several::each(&jobs, |job| {
        if !job.is_done(&watcher)? {
            open.push(job);
        }
        Ok(())
    });
    if open.is_empty() || args.dry_run {
        if looked.is_ok() {
            report(&jobs, &open, args.dry_run);
        }
        return looked;
    }
    let signer = Signer::read(&who, hash)?;
    signer.note_expiry();
    looked.and(several::each(&open, |job| job.sign(&signer)))
}

fn report(jobs: &[Job], open: &[&Job], dry_run: bool) {
    for job in open {
        say!("{job}: would be signed");
    }
    match (jobs.len(), open.len()) {
        (0, _) => say!("no file is there to sign"),
        (count, 0) => say!("all {count} files are signed already"),
        (count, open) if dry_run => say!("{open} of {count} files would be signed"),
        _ => {}
    }
}
