//! Whether KVM truly runs kernels here: a `/dev/kvm` that is there may still be unable to.

use fs_err as fs;
use std::io::{BufRead, BufReader};
use std::process::Stdio;
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use anyhow::{Context, Result};

use crate::exec;
use crate::fetch::cache::Cache;
use crate::fetch::packages::Packages;

/// A kernel says its first line in under a second where KVM works.
const PATIENCE: Duration = Duration::from_secs(6);

/// The answer, found once per boot of this machine.
pub fn works(cache: &Cache, packages: &Packages) -> Result<bool> {
    let usable = fs::OpenOptions::new()
        .read(true)
        .write(true)
        .open("/dev/kvm")
        .is_ok();
    if !usable {
        return Ok(false);
    }
    let boot = fs::read_to_string("/proc/sys/kernel/random/boot_id").unwrap_or_default();
    let stamp = cache.kvm_answer();
    if let Some(answer) = fs::read_to_string(&stamp)
        .ok()
        .and_then(|text| remembered(&text, &boot))
    {
        return Ok(answer);
    }
    let answer = probe(packages)?;
    fs::write(stamp, format!("{} {answer}", boot.trim()))?;
    Ok(answer)
}

fn remembered(text: &str, boot: &str) -> Option<bool> {
    let (id, answer) = text.split_once(' ')?;
    if id == boot.trim() {
        answer.trim().parse().ok()
    } else {
        None
    }
}

fn probe(packages: &Packages) -> Result<bool> {
    let kernel = packages.kernels.first().context("no kernel")?;
    let mut child = exec::qemu()
        .args([
            "-accel",
            "kvm",
            "-cpu",
            "host",
            "-machine",
            "q35",
            "-m",
            "512",
            "-display",
            "none",
            "-nodefaults",
        ])
        .args([
            "-no-reboot",
            "-serial",
            "stdio",
            "-append",
            "console=ttyS0 earlyprintk=serial panic=-1",
            "-kernel",
        ])
        .arg(&kernel.image)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .context("qemu-system-x86_64")?;
    let lines = BufReader::new(child.stdout.take().context("no pipe")?).split(b'\n');
    let (sender, receiver) = mpsc::channel();
    thread::spawn(move || {
        let found = lines
            .map_while(Result::ok)
            .any(|line| String::from_utf8_lossy(&line).contains("Linux version"));
        // Nobody listens any more when it took too long.
        let _ = sender.send(found);
    });
    let answer = receiver.recv_timeout(PATIENCE).unwrap_or(false);
    child.kill()?;
    child.wait()?;
    Ok(answer)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_of_another_boot_is_forgotten() {
        assert_eq!(remembered("a true", "a\n"), Some(true));
        assert_eq!(remembered("a true", "b\n"), None);
        assert_eq!(remembered("", "a"), None);
    }
}
