//! The tools that are compared: each signs an image and verifies one, as a user would have it do.

use fs_err as fs;
use std::io::Read;
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result};
use baton_lab::exec;
use baton_lab::keys::Pair;

/// A signer and verifier.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tool {
    Baton,
    /// sbsign and sbverify.
    Sbsigntool,
    Osslsigncode,
}

/// All of them, in the order of the tables.
pub const TOOLS: [Tool; 3] = [Tool::Baton, Tool::Sbsigntool, Tool::Osslsigncode];

impl Tool {
    /// What people call it.
    pub fn name(self) -> &'static str {
        match self {
            Tool::Baton => "baton",
            Tool::Sbsigntool => "sbverify",
            Tool::Osslsigncode => "osslsigncode",
        }
    }
}

/// How a tool ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum End {
    Success,
    /// It refused, with these words.
    Failure(String),
    /// A signal ended it, or it ran out of time.
    Crash(String),
}

impl End {
    /// What it said, in one line.
    pub fn words(&self) -> String {
        let said = match self {
            End::Success => "no complaint",
            End::Failure(said) | End::Crash(said) => said,
        };
        said.split_whitespace().collect::<Vec<_>>().join(" ")
    }
}

/// SHA-256.
pub type Digest = [u8; 32];

/// What runs them: where Baton is, whose key signs, where files go.
pub struct Bench {
    pub baton: PathBuf,
    pub pair: Pair,
    pub directory: PathBuf,
}

/// No image here takes any of the tools longer than a second.
const SECONDS: &str = "10";
/// As much as is read of what a tool says.
const MAX_OUTPUT: u64 = 0x1_0000;
/// What `timeout` ends with where the time ran out.
const TIMED_OUT: i32 = 124;

impl Bench {
    /// A path for a file of this run.
    pub fn path(&self, name: &str) -> PathBuf {
        self.directory.join(name)
    }

    /// A file of this run, with these bytes.
    pub fn file(&self, name: &str, bytes: &[u8]) -> Result<PathBuf> {
        let path = self.path(name);
        fs::write(&path, bytes).with_context(|| format!("can't write {}", path.display()))?;
        Ok(path)
    }

    /// Signs `image` into `out`.
    pub fn sign(&self, tool: Tool, image: &Path, out: &Path) -> Result<End> {
        let _ = fs::remove_file(out);
        let (key, certificate) = (&self.pair.key, &self.pair.certificate);
        let mut command = limited(match tool {
            Tool::Baton => self.baton.as_path(),
            Tool::Sbsigntool => Path::new("sbsign"),
            Tool::Osslsigncode => Path::new("osslsigncode"),
        });
        match tool {
            Tool::Baton => {
                command.arg("sign").arg("--key").arg(key);
                command
                    .arg("--cert")
                    .arg(certificate)
                    .arg(image)
                    .arg("-o")
                    .arg(out)
            }
            Tool::Sbsigntool => {
                command.arg("--key").arg(key).arg("--cert").arg(certificate);
                command.arg("--output").arg(out).arg(image)
            }
            Tool::Osslsigncode => {
                command.args(["sign", "-h", "sha256", "-key"]).arg(key);
                command.arg("-certs").arg(certificate);
                command.arg("-in").arg(image).arg("-out").arg(out)
            }
        };
        end_of(&mut command)
    }

    /// Whether `image` is accepted by the signer's certificate.
    pub fn verify(&self, tool: Tool, image: &Path) -> Result<End> {
        let certificate = &self.pair.certificate;
        let mut command = limited(match tool {
            Tool::Baton => self.baton.as_path(),
            Tool::Sbsigntool => Path::new("sbverify"),
            Tool::Osslsigncode => Path::new("osslsigncode"),
        });
        match tool {
            Tool::Baton => command
                .args(["verify", "--signature-only", "--cert"])
                .arg(certificate)
                .arg(image),
            Tool::Sbsigntool => command.arg("--cert").arg(certificate).arg(image),
            Tool::Osslsigncode => {
                command.args(["verify", "-CAfile"]).arg(certificate);
                command.arg("-in").arg(image)
            }
        };
        end_of(&mut command)
    }

    /// What osslsigncode calculates for an image that is signed, whoever signed it.
    pub fn calculated(&self, image: &Path) -> Result<Option<String>> {
        let mut command = limited(Path::new("osslsigncode"));
        let out = command.args(["verify", "-in"]).arg(image).output()?;
        let text = String::from_utf8_lossy(&out.stdout);
        let line = text
            .lines()
            .find_map(|line| line.strip_prefix("Calculated message digest :"));
        Ok(line.map(|digest| digest.trim().to_ascii_lowercase()))
    }
}

fn limited(program: &Path) -> Command {
    let mut command = Command::new("timeout");
    command.args(["--kill-after=1", SECONDS]).arg(program);
    command.env("LC_ALL", "C");
    command
}

/// Runs a tool to its end. sbverify can write without end, so that only so much is read of what it
/// says; it ends by a signal then, too.
fn end_of(command: &mut Command) -> Result<End> {
    let (reader, writer) = std::io::pipe()?;
    command.stdout(writer.try_clone()?).stderr(writer);
    let mut child = command
        .spawn()
        .with_context(|| format!("can't run {}", exec::words(command)))?;
    // The command keeps the pipe's other end open.
    command.stdout(Stdio::null()).stderr(Stdio::null());
    let mut said = Vec::new();
    reader.take(MAX_OUTPUT).read_to_end(&mut said)?;
    let status = child.wait()?;
    Ok(match (status.code(), status.signal()) {
        (Some(0), _) => End::Success,
        (Some(TIMED_OUT), _) => End::Crash(format!("still running after {SECONDS} seconds")),
        // How a shell, and `timeout`, pass a signal on.
        (Some(code), _) if code > 128 => End::Crash(format!("signal {}", code - 128)),
        (Some(_), _) => End::Failure(String::from_utf8_lossy(&said).into_owned()),
        (None, signal) => End::Crash(format!("signal {}", signal.unwrap_or_default())),
    })
}

/// The version that a tool says it is.
pub fn version(program: &str) -> Result<String> {
    let out = Command::new(program).arg("--version").output()?;
    let text = String::from_utf8_lossy(&out.stdout).into_owned();
    let first = text.lines().next().unwrap_or_default();
    let words = first.split_whitespace().take(2).collect::<Vec<_>>();
    Ok(words.join(" ").trim_end_matches(',').to_owned())
}

/// SHA-256 `DigestInfo`: its own header, the algorithm with NULL, and the octet string's header.
const DIGEST_INFO: [u8; 19] = [
    0x30, 0x31, 0x30, 0x0d, 0x06, 0x09, 0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x01, 0x05,
    0x00, 0x04, 0x20,
];

/// The image digests that are signed in these bytes, in order.
pub fn signed_digests(bytes: &[u8]) -> Vec<Digest> {
    bytes
        .windows(DIGEST_INFO.len() + 32)
        .filter_map(|window| window.strip_prefix(&DIGEST_INFO))
        .filter_map(|digest| digest.try_into().ok())
        .collect()
}
