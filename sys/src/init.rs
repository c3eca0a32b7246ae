//! Which init system can shut the machine down in an orderly manner before a kexec.

use crate::Root;
use std::io;
use std::os::unix::process::CommandExt;
use std::process::{Command, ExitStatus};

/// An init system, as far as a kexec is concerned.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Init {
    /// systemd: `systemctl kexec`.
    Systemd,
    /// An init with runlevels whose reboot runlevel ends in a kexec service, as Debian's kexec-tools
    /// installs one.
    Runlevels,
    /// Another init system, whose way to do it isn't known.
    Unknown,
}

impl Init {
    /// Detects the running init system. `/run/systemd/system` is what sd_booted(3) checks.
    #[must_use]
    pub fn detect(root: &Root) -> Init {
        if root.exists("run/systemd/system") {
            Init::Systemd
        } else if has_kexec_service(root) {
            Init::Runlevels
        } else {
            Init::Unknown
        }
    }

    /// The command for an orderly shutdown that ends in the loaded kernel; `None` if there is none.
    #[must_use]
    pub fn orderly_command(self) -> Option<&'static [&'static str]> {
        match self {
            Init::Systemd => Some(&["systemctl", "kexec"]),
            Init::Runlevels => Some(&["shutdown", "-r", "now"]),
            Init::Unknown => None,
        }
    }

    /// The command for an orderly restart through the firmware, where nothing is loaded.
    #[must_use]
    pub fn reboot_command(self) -> &'static [&'static str] {
        match self {
            Init::Systemd => &["systemctl", "reboot"],
            Init::Runlevels | Init::Unknown => &["shutdown", "-r", "now"],
        }
    }
}

/// Whether runlevel 6 (reboot) has a link like `K08kexec`, and not only `kexec-load`.
fn has_kexec_service(root: &Root) -> bool {
    let Ok(entries) = std::fs::read_dir(root.join("etc/rc6.d")) else {
        return false;
    };
    entries.flatten().any(|entry| {
        let name = entry.file_name();
        name.to_string_lossy()
            .trim_start_matches(|c: char| c == 'K' || c.is_ascii_digit())
            == "kexec"
    })
}

/// Whether systemd is shutting the machine down into what is loaded: whether a job waits for `kexec.target`.
///
/// # Errors
/// When systemd can't be asked.
pub fn is_ending_in_kexec() -> io::Result<bool> {
    let answer = Command::new("systemctl")
        .args(["show", "--property=Job", "kexec.target"])
        .output()?;
    if !answer.status.success() {
        return Err(io::Error::other(format!("systemctl: {}", answer.status)));
    }
    Ok(has_job(&String::from_utf8_lossy(&answer.stdout)))
}

/// Whether systemd has this unit active.
///
/// # Errors
/// When systemd can't be asked.
pub fn is_active(unit: &str) -> io::Result<bool> {
    let answer = Command::new("systemctl")
        .args(["--quiet", "is-active", unit])
        .status()?;
    Ok(answer.success())
}

/// Whether the property names a job: systemctl(1) prints its number, and nothing where there is none.
fn has_job(text: &str) -> bool {
    let number = text.trim().strip_prefix("Job=");
    number.is_some_and(|number| number.parse::<u32>().is_ok_and(|number| number > 0))
}

/// Runs a command of [`Init::orderly_command`].
///
/// # Errors
/// When it can't be started.
pub fn run(command: &[&str]) -> io::Result<ExitStatus> {
    let (program, args) = command
        .split_first()
        .ok_or_else(|| io::Error::other("no command"))?;
    Command::new(program).args(args).status()
}

/// Restarts the machine as shutdown(8) does, by whichever of its places it lies in: `shutdown -r now` takes the place
/// of this process. Returns only on failure.
#[must_use]
pub fn shut_down() -> io::Error {
    let mut error = io::Error::from(io::ErrorKind::NotFound);
    for program in ["/sbin/shutdown", "/etc/shutdown", "/bin/shutdown"] {
        error = Command::new(program).args(["-r", "now"]).exec();
    }
    error
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testroot::TestRoot;

    #[test]
    fn systemd_is_asked_by_systemctl_kexec() {
        let t = TestRoot::new().with("run/systemd/system/x", "");
        assert_eq!(
            Init::detect(&t.root()).orderly_command(),
            Some(&["systemctl", "kexec"][..])
        );
    }

    #[test]
    fn runlevels_need_the_kexec_service_for_the_reboot_runlevel() {
        let with = TestRoot::new().with("etc/rc6.d/K08kexec", "");
        let without = TestRoot::new().with("etc/rc6.d/K01kexec-load", "");
        assert_eq!(Init::detect(&with.root()), Init::Runlevels);
        assert_eq!(Init::detect(&without.root()), Init::Unknown);
    }

    #[test]
    fn a_shutdown_into_what_is_loaded_is_known_by_the_job_of_its_target() {
        for (text, is_job) in [
            ("Job=417\n", true),
            ("Job=0\n", false),
            ("Job=\n", false),
            ("", false),
            ("JobTimeoutUSec=30min\n", false),
        ] {
            assert_eq!(has_job(text), is_job, "{text}");
        }
    }

    #[test]
    fn an_unknown_init_has_no_orderly_command() {
        assert_eq!(Init::detect(&TestRoot::new().root()), Init::Unknown);
        assert_eq!(Init::Unknown.orderly_command(), None);
    }
}
