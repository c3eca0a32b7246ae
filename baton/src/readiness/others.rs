//! Others that load kernels at shutdown, in the place of what Baton loaded.

use baton_sys::Root;

/// What kexec-tools' scripts load by themselves when the machine reboots: whether that is so, and the setting.
#[must_use]
pub fn loads_at_reboot(root: &Root) -> Option<&'static str> {
    // Debian's kexec-load reads it and loads with `kexec -l`, which a locked-down kernel refuses.
    let text = root.read_text("etc/default/kexec").ok().flatten()?;
    let lines = text.lines().map(str::trim);
    let value = lines
        .filter_map(|line| line.strip_prefix("LOAD_KEXEC="))
        .next_back()?;
    let is_on = value.trim_matches(['"', '\'']).eq_ignore_ascii_case("true");
    // Its script isn't there without the package.
    let is_installed = root.exists("etc/init.d/kexec-load")
        || root.exists("usr/lib/systemd/system/kexec-load.service");
    (is_on && is_installed).then_some("LOAD_KEXEC=true in /etc/default/kexec")
}
