//! What one boot notes for the next, and for later in itself.

use crate::calendar;
use crate::failure::{Attempt, IoError, Result};
use crate::output::file;
use baton_sys::Root;
use serde::{Deserialize, Serialize};

/// Where it is noted that a kexec was asked for.
const ASKED: &str = "var/lib/baton/kexec-asked.json";
/// Where it is noted when this boot was complete: in milliseconds since the kernel's clock began.
const CAME_UP: &str = "run/baton/came-up";
/// Two questions within this time are one: `baton exec` and the unit that is stopped by it. In milliseconds.
const SAME: u64 = 10 * 60 * 1000;

/// When a kexec was asked for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Asked {
    /// In which boot.
    pub boot: String,
    /// In milliseconds since 1970.
    pub at: u64,
}

impl Asked {
    /// What was noted; that it can't be read is as if nothing was.
    #[must_use]
    pub fn read(root: &Root) -> Option<Asked> {
        let text = root.read_text(ASKED).ok()??;
        serde_json::from_str(&text).ok()
    }
}

/// Notes that a kexec is asked for now.
///
/// # Errors
/// When it can't be written.
pub fn asked(root: &Root) -> Result<()> {
    let boot = root.read_text("proc/sys/kernel/random/boot_id")?;
    let asked = Asked {
        boot: boot.unwrap_or_default().trim().to_owned(),
        at: calendar::now_in_milliseconds(),
    };
    let is_same = |it: &Asked| it.boot == asked.boot && asked.at.saturating_sub(it.at) < SAME;
    if Asked::read(root).as_ref().is_some_and(is_same) {
        return Ok(());
    }
    write(
        root,
        ASKED,
        &serde_json::to_string(&asked).unwrap_or_default(),
    )
}

/// Notes that this boot is complete now.
///
/// # Errors
/// When it can't be written.
pub fn came_up(root: &Root) -> Result<()> {
    match uptime(root) {
        // It came up once; what restarts the unit later says nothing.
        Some(uptime) if came_up_at(root).is_none() => write(root, CAME_UP, &uptime.to_string()),
        _ => Ok(()),
    }
}

/// When this boot was complete, in milliseconds since the kernel's clock began.
#[must_use]
pub fn came_up_at(root: &Root) -> Option<u64> {
    let number = root.read_number(CAME_UP).ok()??;
    u64::try_from(number).ok()
}

/// Since the kernel's clock began, in milliseconds (proc_uptime(5)).
#[must_use]
pub fn uptime(root: &Root) -> Option<u64> {
    parse_uptime(&root.read_text("proc/uptime").ok()??)
}

/// Seconds with two places.
fn parse_uptime(text: &str) -> Option<u64> {
    let (seconds, rest) = text.split_whitespace().next()?.split_once('.')?;
    let hundredths: u64 = rest.get(..2)?.parse().ok()?;
    let whole: u64 = seconds.parse().ok()?;
    whole.checked_mul(1000)?.checked_add(hundredths * 10)
}

fn write(root: &Root, path: &str, text: &str) -> Result<()> {
    let path = root.join(path);
    let directory = path.parent().unwrap_or(&path);
    std::fs::create_dir_all(directory)
        .map_err(|e| IoError::new(Attempt::CreateDirectory, directory, e))?;
    file::replace(&path, text.as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::crash::fake::Fake;

    #[test]
    fn uptimes_are_read_to_the_hundredth() {
        for (text, milliseconds) in [
            ("61359.07 1.00\n", Some(61_359_070)),
            ("0.00 0.00", Some(0)),
            ("5", None),
            ("5.1 ", None),
            ("x.00", None),
            ("", None),
        ] {
            assert_eq!(parse_uptime(text), milliseconds, "{text}");
        }
    }

    #[test]
    fn a_question_is_noted_once_and_one_of_another_boot_takes_its_place() {
        let fake = Fake::new().file("proc/sys/kernel/random/boot_id", "1\n");
        let root = fake.root();
        asked(&root).unwrap();
        let first = Asked::read(&root).unwrap();
        assert_eq!(first.boot, "1");
        asked(&root).unwrap();
        assert_eq!(Asked::read(&root).unwrap(), first);
        fake.set("proc/sys/kernel/random/boot_id", "2\n");
        asked(&root).unwrap();
        assert_eq!(Asked::read(&root).unwrap().boot, "2");
        fake.set(ASKED, "{");
        assert_eq!(Asked::read(&root), None);
    }

    #[test]
    fn a_boot_is_complete_once() {
        let fake = Fake::new().file("proc/uptime", "10.05 1.00\n");
        came_up(&fake.root()).unwrap();
        fake.set("proc/uptime", "99.00 1.00\n");
        came_up(&fake.root()).unwrap();
        assert_eq!(came_up_at(&fake.root()), Some(10_050));
    }
}
