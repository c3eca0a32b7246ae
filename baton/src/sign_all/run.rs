//! Signs what the file lists.

use super::args::SignAllArgs;
use super::job::Job;
use super::settings::Settings;
use crate::failure::Result;
use crate::sign::several::Outcome;
use crate::sign::signer::Signer;
use baton_verify::HashAlgorithm;

/// Carries out the command.
///
/// # Errors
/// When the settings are wrong, or something that they list can't be signed: the first reason, after all files were tried.
pub fn run(args: &SignAllArgs) -> Result<()> {
    let settings = Settings::read(&args.config)?;
    let jobs = Job::all(&settings)?;
    // The key isn't touched, nor its passphrase asked for, where there is nothing to sign.
    let watcher = Signer::without_key(&settings.who(), settings.hash.into())?;
    if args.dry_run {
        return look(&jobs, &watcher);
    }
    let mut outcome = Outcome::of(jobs.len());
    let mut signer = None;
    // One after the other, since what one writes another may read.
    for job in &jobs {
        match job.is_done(&watcher) {
            Ok(true) => {}
            Ok(false) => {
                let signer = match &signer {
                    Some(signer) => signer,
                    None => signer.insert(opened(&settings)?),
                };
                outcome.add(job.sign(signer));
            }
            Err(failure) => outcome.add(Err(failure)),
        }
    }
    outcome.end()?;
    if signer.is_none() {
        match jobs.len() {
            0 => say!("no file is there to sign"),
            count => say!("all {count} files are signed already"),
        }
    }
    Ok(())
}

/// The signer with its key.
fn opened(settings: &Settings) -> Result<Signer> {
    let hash = HashAlgorithm::from(settings.hash);
    let signer = Signer::read(&settings.who(), hash)?;
    signer.note_expiry();
    Ok(signer)
}

/// Says what would be signed.
fn look(jobs: &[Job], watcher: &Signer) -> Result<()> {
    let mut outcome = Outcome::of(jobs.len());
    let mut open: Vec<&Job> = Vec::new();
    for job in jobs {
        // What will be another file by then isn't looked at.
        let is_done = if open.iter().any(|other| other.writes(job.input())) {
            Ok(false)
        } else {
            job.is_done(watcher)
        };
        match is_done {
            Ok(true) => {}
            Ok(false) => open.push(job),
            Err(failure) => outcome.add(Err(failure)),
        }
    }
    outcome.end()?;
    for job in &open {
        say!("{job}: would be signed");
    }
    match (jobs.len(), open.len()) {
        (0, _) => say!("no file is there to sign"),
        (count, 0) => say!("all {count} files are signed already"),
        (count, open) => say!("{open} of {count} files would be signed"),
    }
    Ok(())
}
