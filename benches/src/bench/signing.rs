//! How soon a kernel is signed, verified, and shown who signed it: against sbsigntools and osslsigncode, on this machine.

use fs_err as fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use baton_lab::exec;
use baton_lab::fetch::cache::Cache;
use baton_lab::fetch::packages::MAIN;
use baton_lab::setup::{self, Fetched};

use super::{compare, cost};

/// Runs of each program, in turn.
const RUNS: usize = 41;

/// Prints the ratios.
pub fn run() -> Result<()> {
    let Fetched { packages, keys, .. } = setup::fetch(&Cache::open()?)?;
    let image = &packages.kernel(MAIN)?.image;
    let baton = cost::build_baton()?;
    // Memory, so that no disk is measured: Baton waits until one has the file, sbsign doesn't.
    let out = PathBuf::from("/dev/shm").join(format!("baton-bench-{}", std::process::id()));
    let sign = |program: &Path, own: &[&str]| {
        let mut command = Command::new(program);
        command.args(own).arg("--key").arg(&keys.mok.key);
        command.arg("--cert").arg(&keys.mok.certificate);
        command.arg("--output").arg(&out).arg(image);
        command
    };
    let show = |program: &Path, own: &str| {
        let mut command = Command::new(program);
        command.arg(own).arg(image);
        command
    };
    let size = fs::metadata(image)?.len();
    let what = |done: &str| format!("a kernel of {:.1} MB {done}", size as f64 / 1e6);
    let ours = sign(&baton, &["sign", "--append", "--force"]);
    let signed = in_turn(ours, sign(Path::new("sbsign"), &[]));
    let _ = fs::remove_file(&out);
    let (ours, theirs) = signed?;
    compare(&what("signed"), ("baton sign", ours), ("sbsign", theirs));
    let theirs = show(Path::new("sbverify"), "--list");
    let (ours, theirs) = in_turn(show(&baton, "inspect"), theirs)?;
    let names = ("baton inspect", "sbverify --list");
    compare(&what("shown"), (names.0, ours), (names.1, theirs));
    Ok(())
}

/// Prints the ratios of verifying a kernel that its distribution signed, by the distribution's certificate.
pub fn verified() -> Result<()> {
    let Fetched { packages, keys, .. } = setup::fetch(&Cache::open()?)?;
    let image = &packages.kernel(MAIN)?.image;
    let baton = cost::build_baton()?;
    let scratch = tempfile::tempdir()?;
    let certificate = scratch.path().join("ca.pem");
    let mut convert = Command::new("openssl");
    convert.args(["x509", "-inform", "der", "-in"]);
    exec::run(convert.arg(&keys.debian_ca).arg("-out").arg(&certificate))?;
    let verify = |program: &Path, own: &[&str]| {
        let mut command = Command::new(program);
        command.args(own).arg(&certificate);
        command
    };
    let ours = || {
        let mut command = verify(&baton, &["verify", "--cert"]);
        command.arg(image);
        command
    };
    let mut sbverify = verify(Path::new("sbverify"), &["--cert"]);
    sbverify.arg(image);
    let mut osslsigncode = verify(Path::new("osslsigncode"), &["verify", "-CAfile"]);
    osslsigncode.arg("-in").arg(image);
    let size = fs::metadata(image)?.len();
    let what = format!("a kernel of {:.1} MB verified", size as f64 / 1e6);
    for (name, theirs) in [("sbverify", sbverify), ("osslsigncode", osslsigncode)] {
        let (ours, theirs) = in_turn(ours(), theirs)?;
        compare(&what, ("baton verify", ours), (name, theirs));
    }
    Ok(())
}

/// What each run took.
fn in_turn(mut ours: Command, mut theirs: Command) -> Result<(Vec<Duration>, Vec<Duration>)> {
    let mut times = (Vec::new(), Vec::new());
    for _ in 0..RUNS {
        times.0.push(time(&mut ours)?);
        times.1.push(time(&mut theirs)?);
    }
    Ok(times)
}

fn time(command: &mut Command) -> Result<Duration> {
    command.stdout(Stdio::null()).stderr(Stdio::null());
    let program = command.get_program().display().to_string();
    let begin = Instant::now();
    let status = command.status().with_context(|| program.clone())?;
    ensure!(status.success(), "{program} failed");
    Ok(begin.elapsed())
}
