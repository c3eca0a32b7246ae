//! Times verdicts: on a signed kernel against openssl, and on signed images of several sizes against
//! hashing them.
//!
//! `cargo run --profile gate -p baton-verify --example bench -- KERNEL CERTIFICATE.der`
//!
//! Runs that are compared alternate, so that both meet the same machine; printed are medians. Needs
//! openssl and sbsign, which sign the images with a key made for it.

use std::error::Error;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use baton_samples::small_image;
use baton_verify::{HashAlgorithm, Trust, verify_image};
use tempfile::TempDir;

type Result<T> = std::result::Result<T, Box<dyn Error>>;

const RUNS: usize = 21;

/// Sizes of the images that are hashed and judged, in MiB.
const SIZES: [usize; 3] = [1, 16, 256];

fn main() -> Result<()> {
    let mut arguments = std::env::args_os().skip(1);
    let (Some(kernel), Some(certificate)) = (arguments.next(), arguments.next()) else {
        return Err("usage: bench KERNEL CERTIFICATE.der".into());
    };
    against_openssl(Path::new(&kernel), &std::fs::read(certificate)?)?;
    against_hashing()
}

/// The verdict on a kernel as its distribution signed it: with the file in memory (as in the gate),
/// and with reading it; openssl with and without the time it takes to start.
fn against_openssl(kernel: &Path, keys: &[u8]) -> Result<()> {
    let trust = Trust::new().add_keys(keys)?;
    let bytes = std::fs::read(kernel)?;
    println!(
        "{} bytes, signed by {}",
        bytes.len(),
        verify_image(&bytes, &trust)?.signer()
    );
    let (mut memory, mut file, mut openssl, mut start) = (vec![], vec![], vec![], vec![]);
    for _ in 0..RUNS {
        memory.push(time(|| judge(&bytes, &trust))?);
        openssl.push(time(|| digest(kernel))?);
        file.push(time(|| judge(&std::fs::read(kernel)?, &trust))?);
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

/// The verdict on an image, signed with RSA-4096, against SHA-256 of the same bytes by the same code.
fn against_hashing() -> Result<()> {
    let signer = Signer::make()?;
    let certificate = signer.certificate()?;
    let trust = Trust::new().add_keys(&certificate)?;
    println!("\nsigned image  verdict    SHA-256 alone  ratio  ratio of the quickest");
    for size in SIZES {
        let image = signer.sign(&image_of(size << 20))?;
        let (mut verdict, mut hash) = (vec![], vec![]);
        for _ in 0..RUNS {
            verdict.push(time(|| judge(&image, &trust))?);
            hash.push(time(|| {
                std::hint::black_box(HashAlgorithm::Sha256.hash([&image[..]]));
                Ok(())
            })?);
        }
        let quickest = ratio(least(&verdict), least(&hash));
        let (verdict, hash) = (median(verdict), median(hash));
        println!(
            "{size:3} MiB       {verdict:<10.2?} {hash:<14.2?} {:.3}  {quickest:.3}",
            ratio(verdict, hash)
        );
    }
    Ok(())
}

/// The small image, with its last section grown so that it is `len` bytes long.
fn image_of(len: usize) -> Vec<u8> {
    let mut image = small_image::small_image();
    image.resize(len, 0x5a);
    small_image::set_text_len(&mut image);
    image
}

/// A key of its own and the tools that sign with it, in a directory that goes with it.
struct Signer {
    directory: TempDir,
}

impl Signer {
    fn make() -> Result<Self> {
        let signer = Self {
            directory: tempfile::tempdir()?,
        };
        run(signer.openssl("req").args(
            "-new -x509 -newkey rsa:4096 -nodes -keyout key -out pem -subj /CN=bench -days 1"
                .split(' '),
        ))?;
        run(signer
            .openssl("x509")
            .args("-in pem -outform DER -out der".split(' ')))?;
        Ok(signer)
    }

    fn openssl(&self, verb: &str) -> Command {
        let mut command = Command::new("openssl");
        command.current_dir(&self.directory).arg(verb);
        command
    }

    fn certificate(&self) -> Result<Vec<u8>> {
        Ok(std::fs::read(self.directory.path().join("der"))?)
    }

    fn sign(&self, image: &[u8]) -> Result<Vec<u8>> {
        std::fs::write(self.directory.path().join("image"), image)?;
        run(Command::new("sbsign")
            .current_dir(&self.directory)
            .args("--key key --cert pem --output signed image".split(' ')))?;
        Ok(std::fs::read(self.directory.path().join("signed"))?)
    }
}

fn judge(image: &[u8], trust: &Trust<'_>) -> Result<()> {
    Ok(verify_image(image, trust).map(drop)?)
}

fn digest(file: &Path) -> Result<()> {
    run(Command::new("openssl").args(["dgst", "-sha256"]).arg(file))
}

fn run(command: &mut Command) -> Result<()> {
    let output = command.stdin(Stdio::null()).output();
    let output =
        output.map_err(|error| format!("can't start {:?}: {error}", command.get_program()))?;
    if output.status.success() {
        Ok(())
    } else {
        Err(format!("{command:?}: {}", String::from_utf8_lossy(&output.stderr)).into())
    }
}

fn time(work: impl FnOnce() -> Result<()>) -> Result<Duration> {
    let begin = Instant::now();
    work()?;
    Ok(begin.elapsed())
}

fn median(mut times: Vec<Duration>) -> Duration {
    times.sort_unstable();
    times[times.len() / 2]
}

/// What the machine can do when nothing else runs on it.
fn least(times: &[Duration]) -> Duration {
    times.iter().min().copied().unwrap_or_default()
}

fn ratio(a: Duration, b: Duration) -> f64 {
    a.as_secs_f64() / b.as_secs_f64()
}
