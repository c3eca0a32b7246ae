//! A machine whose owner lives with kexec-tools and kdump-tools, and puts Baton in the place of kexec(8): the scripts of
//! both go on working.

use anyhow::Result;
use baton_lab::debian::PEERS;

use super::console::Console;

/// The scripts that kexec-tools runs at a reboot: one loads, one starts what is loaded.
const SCRIPTS: &str = "kexec-load kexec";

/// The whole of it.
pub fn tell(console: &mut Console) -> Result<()> {
    arrives(console)?;
    takes_the_place_of_kexec_tools(console)?;
    reboots_by_the_scripts_of_kexec_tools(console)?;
    loads_by_kdump_tools(console)?;
    dumps_by_kdump_tools(console)?;
    gives_the_place_back(console)?;
    console.leaves_by("poweroff")?;
    console.goes_off()
}

fn arrives(console: &mut Console) -> Result<()> {
    console.chapter("A system with kexec-tools and kdump-tools");
    console.boots()?;
    console
        .runs("mokutil --sb-state")?
        .is("SecureBoot enabled")?;
    console.runs("cd /mnt && apt-get -qq update")?;
    console.runs(&format!("apt-get -y install {PEERS}"))?;
    console.runs("kexec --version")?.says("kexec-tools")?;
    Ok(())
}

fn takes_the_place_of_kexec_tools(console: &mut Console) -> Result<()> {
    console.chapter("Baton as kexec(8)");
    console.runs("apt-get -y install ./baton.deb ./baton-kexec.deb")?;
    console.runs("kexec --version")?.says("Baton")?;
    console
        .runs("dpkg-query -W -f '${Package} ${db:Status-Status}\\n' kexec-tools kdump-tools")?
        .says("kexec-tools config-files")?
        .says("kdump-tools installed")?;
    Ok(())
}

/// They stay behind when their package is removed, switched off; this owner wants them, and what GRUB would boot.
fn reboots_by_the_scripts_of_kexec_tools(console: &mut Console) -> Result<()> {
    console.chapter("kexec-tools' own scripts, at a plain reboot");
    console.runs("chmod +x /etc/init.d/kexec-load /etc/init.d/kexec")?;
    for setting in ["LOAD_KEXEC", "USE_GRUB_CONFIG"] {
        console.runs(&format!(
            "sed -i 's/^{setting}=.*/{setting}=true/' /etc/default/kexec"
        ))?;
    }
    console.runs("grep -c =true /etc/default/kexec")?.is("2")?;
    console.runs("systemctl daemon-reload")?;
    console.runs(&format!("systemctl start {SCRIPTS}"))?;
    console.runs("cat /sys/kernel/kexec_loaded")?.is("0")?;
    console.leaves_by("reboot")?;
    console.boots()?.never_says("BdsDxe")?;
    // GRUB's menu has it since kdump-tools is installed.
    console.runs("cat /proc/cmdline")?.says("crashkernel=")?;
    Ok(())
}

fn loads_by_kdump_tools(console: &mut Console) -> Result<()> {
    console.chapter("kdump-tools' own scripts");
    console
        .runs("systemctl is-active kdump-tools.service")?
        .is("active")?;
    console
        .runs("kdump-config show")?
        .says("ready to kdump")?
        .says("/sbin/kexec -p -s")?;
    console.runs("kdump-config unload")?;
    console
        .runs("cat /sys/kernel/kexec_crash_loaded")?
        .is("0")?;
    console.runs("kdump-config load")?;
    console
        .runs("cat /sys/kernel/kexec_crash_loaded")?
        .is("1")?;
    Ok(())
}

fn dumps_by_kdump_tools(console: &mut Console) -> Result<()> {
    console.chapter("A panic");
    console.leaves_by("echo c > /proc/sysrq-trigger")?;
    console.boots()?.says("saved vmcore")?.says("BdsDxe")?;
    console
        .runs("baton dump info /var/crash/2*/dump.2*")?
        .says("complete")?;
    Ok(())
}

fn gives_the_place_back(console: &mut Console) -> Result<()> {
    console.chapter("kexec-tools again");
    console.runs("cd /mnt && apt-get -y install kexec-tools")?;
    console.runs("kexec --version")?.says("kexec-tools")?;
    console
        .runs("dpkg-query -W -f '${Package} ${db:Status-Status}\\n' baton kdump-tools")?
        .says("baton installed")?
        .says("kdump-tools installed")?;
    Ok(())
}
