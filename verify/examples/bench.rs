//! Times judging a signed kernel against `openssl dgst -sha256` of the same file.
//!
//! `cargo run --release -p baton-verify --example bench -- KERNEL CERTIFICATE.der`
//!
//! The runs alternate, so that both meet the same machine. Printed are the medians of: our
//! verdict with the file in memory (as in the gate), the same with reading the file, and
//! openssl with and without the time it takes to start (digesting an empty file).

use std::error::Error;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use baton_verify::{Trust, verify_image};

const RUNS: usize = 21;

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args_os().skip(1);
    let (Some(kernel), Some(certificate)) = (arguments.next(), arguments.next()) else {
        return Err("usage: bench KERNEL CERTIFICATE.der".into());
    };
    let keys = std::fs::read(certificate)?;
    let trust = Trust::new().add_keys(&keys)?;
    let bytes = std::fs::read(&kernel)?;
    println!(
        "{} bytes, signed by {}",
        bytes.len(),
        verify_image(&bytes, &trust)?.signer()
    );

    let (mut memory, mut file, mut openssl, mut start) = (vec![], vec![], vec![], vec![]);
    for _ in 0..RUNS {
        memory.push(time(|| Ok(verify_image(&bytes, &trust).map(|_| ())?))?);
        openssl.push(time(|| digest(Path::new(&kernel)))?);
        file.push(time(|| {
            Ok(verify_image(&std::fs::read(&kernel)?, &trust).map(|_| ())?)
        })?);
        start.push(time(|| digest(Path::new("/dev/null")))?);
    }
    let [memory, file, openssl, start] = [memory, file, openssl, start].map(median);
    let digesting = openssl.saturating_sub(start);
    println!("verdict, file in memory      {memory:?}");
    println!("verdict, with reading        {file:?}");
    println!("openssl dgst -sha256         {openssl:?} ({start:?} of it to start)");
    println!("ratio, in memory to openssl  {:.3}", ratio(memory, openssl));
    println!(
        "ratio, without its start     {:.3}",
        ratio(memory, digesting)
    );
    Ok(())
}

fn time(work: impl FnOnce() -> Result<(), Box<dyn Error>>) -> Result<Duration, Box<dyn Error>> {
    let begin = Instant::now();
    work()?;
    Ok(begin.elapsed())
}

fn digest(file: &Path) -> Result<(), Box<dyn Error>> {
    let status = Command::new("openssl")
        .args(["dgst", "-sha256"])
        .arg(file)
        .stdout(Stdio::null())
        .status()?;
    status
        .success()
        .then_some(())
        .ok_or("openssl failed".into())
}

fn median(mut times: Vec<Duration>) -> Duration {
    times.sort_unstable();
    times[times.len() / 2]
}

fn ratio(a: Duration, b: Duration) -> f64 {
    a.as_secs_f64() / b.as_secs_f64()
}
