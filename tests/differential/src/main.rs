//! Baton's Authenticode digest and verdicts against those of sbsign, sbverify and osslsigncode: on
//! every PE file of the packages that are used here, and on malformed ones. And signing with a key that is
//! elsewhere, with systemd-sbsign.

mod cases;
mod document;
mod image;
mod malformed;
mod offline;
mod packaged;
mod peers;
mod spoil;

use fs_err as fs;
use std::process::ExitCode;

use anyhow::{Result, bail};
use baton_lab::fetch::cache::Cache;
use baton_lab::fetch::extras::Extras;
use baton_lab::fetch::packages::Packages;
use baton_lab::fetch::sbsign::SystemdSbsign;
use baton_lab::fetch::tools::{self, Need};
use baton_lab::keys;
use baton_lab::programs;
use clap::{Parser, Subcommand};

use peers::Bench;

/// Compares Authenticode digests and verdicts with sbverify's and osslsigncode's.
#[derive(Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask")]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Compare Authenticode digests and verdicts with sbverify's and osslsigncode's
    Differential,
}

fn main() -> ExitCode {
    let Command::Differential = Cli::parse().command;
    baton_xtask::exit_code(run())
}

/// Compares all; fails if anything is different in a way that isn't in the table.
fn run() -> Result<()> {
    let root = baton_xtask::root()?;
    let cache = Cache::open()?;
    tools::ensure(&cache, Need::Suite)?;
    let packages = Packages::fetch(&cache)?;
    let extras = Extras::fetch(&cache)?;
    let keys = keys::make(&cache, &packages)?;
    let directory = root.join("target/differential");
    fs::create_dir_all(&directory)?;
    let bench = Bench {
        baton: programs::static_program(&root, "baton", "baton")?,
        pair: keys.mok.clone(),
        directory,
    };
    println!(
        "against sbsigntool ({}) and {}",
        peers::version("sbverify")?,
        peers::version("osslsigncode")?
    );
    let mut trees = packages.trees();
    trees.extend(extras.trees());
    let files = packaged::compare(&bench, &trees)?;
    let images = malformed::compare(&bench, &keys.untrusted)?;
    let sbsign = SystemdSbsign::fetch(&cache)?;
    let offline = offline::compare(&bench, &sbsign, &extras.uki_stub())?;
    let unexplained = files.unexplained + images.unexplained + offline.unexplained;
    println!(
        "{} files of packages, {} malformed images, {} ways to sign with systemd-sbsign, {unexplained} unexplained differences",
        files.compared, images.compared, offline.compared
    );
    if unexplained > 0 {
        bail!("the tools differ where tests/differential doesn't say so");
    }
    document::check(&root)
}

/// What a comparison found.
#[derive(Clone, Copy, Debug, Default)]
struct Tally {
    compared: usize,
    unexplained: usize,
}

impl Tally {
    /// Counts one file and prints its line, and what can't be explained below it.
    fn count(&mut self, line: &str, problems: &[String]) {
        self.compared += 1;
        self.unexplained += problems.len();
        println!("  {line}");
        for problem in problems {
            println!("    UNEXPLAINED: {problem}");
        }
    }
}
