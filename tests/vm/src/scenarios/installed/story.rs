//! What its administrator types on a machine as it left the factory, and what is to be seen there.

use anyhow::{Result, ensure};
use baton_lab::debian::{KERNEL, medium};

use super::console::Console;

/// What is chosen for MokManager.
const PASSWORD: &str = "bcdfghjk";

/// Baton's units that a person enables.
const UNITS: &str = "baton-load.service baton-boot-count.service baton-crash.service";

/// The whole of it.
pub fn tell(console: &mut Console) -> Result<()> {
    let old = arrives(console)?;
    installs(console)?;
    sets_up(console)?;
    hands_over(console, &old)?;
    let new = upgrades_the_kernel(console)?;
    ensure!(old != new, "the kernel that was upgraded to is {old} again");
    upgrades_baton(console)?;
    removes(console)?;
    console.leaves_by("poweroff")?;
    console.goes_off()
}

/// Gives the kernel's release.
fn arrives(console: &mut Console) -> Result<String> {
    console.chapter("A fresh system under Secure Boot");
    console.boots()?;
    is_locked_down(console)?;
    console.runs("systemctl --version")?;
    let release = console.runs("uname -r")?;
    Ok(release.line().to_owned())
}

fn installs(console: &mut Console) -> Result<()> {
    console.chapter("Baton's packages");
    console.runs("cd /mnt && apt-get -qq update")?;
    console.runs("apt-get -y install ./baton.deb ./baton-kexec.deb")?;
    console.runs("kexec --version")?.says("Baton")?;
    console
        .ends_with(1, &format!("systemctl is-enabled {UNITS}"), &[])?
        .is("disabled\ndisabled\ndisabled")?;
    // Nothing is ready, and it says what to do.
    console
        .ends_with(10, "baton doctor", &[])?
        .says("no gate is installed")?
        .says("baton setup")?;
    Ok(())
}

fn sets_up(console: &mut Console) -> Result<()> {
    console.chapter("A key, a gate, and MokManager");
    let answers = [
        ("Go on? [y/N]", "y"),
        ("input password: ", PASSWORD),
        ("input password again: ", PASSWORD),
    ];
    console
        .answers("baton setup", &answers)?
        .says("built and signed /var/lib/baton/gate.efi")?
        .says("requested the enrollment of \"Baton MOK of guest\"")?
        .says("enabled baton-boot-count.service")?
        .never_says("enabled baton-load.service")?
        .says(
            "left   restart through the firmware (`baton exec --real-reboot`), and confirm the key in MokManager",
        )?;
    // Setup leaves it to the owner whether a kernel is loaded at each boot; this one wants that.
    console.runs("systemctl enable baton-load.service")?;
    console.leaves_by("baton exec --real-reboot")?;
    console.confirms_key(PASSWORD)?;
    console.boots()?;
    is_ready(console)?;
    console
        .runs("baton setup --yes")?
        .says("the kernel accepts the gate /var/lib/baton/gate.efi")?
        .says("a kernel is loaded")?
        .says("nothing to do")?;
    console
        .runs("baton keys list")?
        .says("Baton MOK of guest")?;
    // No memory is reserved for a crash kernel.
    console
        .ends_with(10, "baton doctor", &[])?
        .never_says("no gate is installed")?
        .says("baton setup --crashkernel")?;
    Ok(())
}

/// Units loaded the next kernel, and noted that this one came up.
fn is_ready(console: &mut Console) -> Result<()> {
    console.runs("cat /sys/kernel/kexec_loaded")?.is("1")?;
    console
        .runs("baton boot-count show")?
        .is("no kernel was started without coming up")?;
    Ok(())
}

fn hands_over(console: &mut Console, release: &str) -> Result<()> {
    console.chapter("The same kernel again, through the gate");
    console.runs(r#"sed -i 's/^#\?via = .*/via = "gate"/' /etc/baton/load.toml"#)?;
    console
        .runs("grep ^via /etc/baton/load.toml")?
        .is("via = \"gate\"")?;
    console.leaves_by("systemctl kexec")?;
    came_through_the_gate(console)?;
    console.runs("uname -r")?.is(release)?;
    Ok(())
}

/// It booted without its firmware, and is locked down as before.
fn came_through_the_gate(console: &mut Console) -> Result<()> {
    console
        .boots()?
        .says("baton-gate: ")?
        .says("verified")?
        .never_says("BdsDxe")?;
    is_locked_down(console)?;
    is_ready(console)?;
    console.runs("baton status")?.says("started by    gate ")?;
    Ok(())
}

fn is_locked_down(console: &mut Console) -> Result<()> {
    console
        .runs("cat /sys/kernel/security/lockdown")?
        .says("[integrity]")?;
    console
        .runs("mokutil --sb-state")?
        .is("SecureBoot enabled")?;
    Ok(())
}

/// Gives the new kernel's release.
fn upgrades_the_kernel(console: &mut Console) -> Result<String> {
    console.chapter("A newer kernel");
    console.runs(&format!("apt-get -y install {KERNEL}"))?;
    console.runs("baton entries")?;
    console.leaves_by("systemctl kexec")?;
    came_through_the_gate(console)?;
    let release = console.runs("uname -r")?;
    Ok(release.line().to_owned())
}

fn upgrades_baton(console: &mut Console) -> Result<()> {
    console.chapter("Newer packages");
    let packages =
        ["baton", "baton-kexec"].map(|name| format!("./{}/{name}.deb", medium::UPGRADED));
    console.runs("cd /mnt")?;
    console.runs(&format!("apt-get -y install {}", packages.join(" ")))?;
    console
        .runs(&format!("systemctl is-enabled {UNITS}"))?
        .is("enabled\nenabled\nenabled")?;
    console
        .runs("systemctl is-active baton-load.service baton-boot-count.service")?
        .is("active\nactive")?;
    console
        .runs("grep via /etc/baton/load.toml")?
        .says("via = \"gate\"")?;
    console.runs("cat /sys/kernel/kexec_loaded")?.is("1")?;
    Ok(())
}

fn removes(console: &mut Console) -> Result<()> {
    console.chapter("As it was before");
    console.runs("baton unload && baton crash unload")?;
    console.runs("cat /sys/kernel/kexec_loaded")?.is("0")?;
    console
        .runs("apt-get -y purge baton baton-kexec")?
        .says("the keys in /var/lib/baton are kept")?;
    console.ends_with(2, "ls /usr/sbin/kexec /etc/alternatives/kexec", &[])?;
    let left = console.runs("find /boot /etc /lib /usr /var -xdev -name '*baton*'")?;
    left.is("/var/lib/baton")?;
    console
        .runs("cd /var/lib/baton && find . -type f | sort")?
        .is("./keys/mok.der\n./keys/mok.key\n./keys/mok.pem")?;
    // Neither running nor failed.
    console
        .runs("systemctl list-units --all --no-legend 'baton*'")?
        .is("")?;
    Ok(())
}
