//! Everyone who judges: the verdict alone, the gate's whole way, and preflight.

use std::fs;

use baton_cli::cli::Cli;
use baton_formats::boot_params::{self, offset};
use baton_formats::gate_image::{Formats, Isa};
use baton_gate::arch::x86_64::{Arguments, BootPlan, screen};
use baton_gate::firmware::Firmware;
use baton_gate::image::Image;
use baton_gate::run::{Stopwatch, prepare};
use baton_samples::machine::{self, BOOT_PARAMS, CMDLINE, Memory};
use baton_verify::{Certificate, Component, Lists, Machine, Refusal, Trust, decide};
use clap::Parser as _;
use tempfile::TempDir;

use super::scene::{CRASH_MAP, DUMP, Scene, dump_header};

/// The verdict on what is handed over.
pub fn by_verdict(scene: &Scene) -> Result<(), Refusal> {
    verdict_for(scene, Isa::X86_64)
}

/// The verdict for a machine of this architecture.
pub fn verdict_for(scene: &Scene, isa: Isa) -> Result<(), Refusal> {
    let (formats, line, crash) = match isa {
        Isa::X86_64 => (scene.gate.formats, scene.whole_line(), None),
        // The line doesn't tell of a crash there.
        Isa::Arm64 => (Formats::of(isa), scene.line.clone(), Some(scene.crash)),
    };
    let machine = Machine {
        crash,
        ..scene.told()
    };
    let none = Default::default();
    let shim = scene.shim.as_ref().unwrap_or(&none);
    let trust = Trust::of(&Lists {
        keys: &scene.gate.keys,
        gate_revocations: &scene.gate.dbx,
        policy: scene.policy(),
        mok_list: &shim.list,
        mok_revocations: &shim.revoked,
        dbx: &shim.dbx,
        sbat_level: shim.sbat_level.as_deref(),
        formats,
    })?;
    decide(&scene.handover(), &line, machine, &trust).map(|_| ())
}

/// The gate's whole way on a machine of bytes, from boot_params to the plan.
pub fn by_gate(scene: &Scene, look: impl FnOnce(&BootPlan<'_>)) -> Result<(), Refusal> {
    let (info, added) = scene.gate_parts();
    let mut memory = memory(scene);
    draw(&mut memory);
    let in_gate = |reason| Refusal::new(Component::Gate, reason);
    let image = Image::read(&info, &added, machine::gate_extent()).map_err(in_gate)?;
    let mut arguments = Arguments::read(&memory, BOOT_PARAMS)
        .map_err(|reason| Refusal::new(Component::BootParams, reason))?;
    arguments.reach_ram(|_, end| end.min(scene.reach));
    let watch = Stopwatch {
        now: || 7,
        observer: |_| {},
    };
    let firmware = Firmware::read(&memory, &arguments, image.extent)?;
    let prepared = prepare(&memory, &image, &arguments, &firmware, &watch)?;
    look(&prepared.plan);
    Ok(())
}

/// What the gate says first, on the screen if it takes it for one, clears a line of that.
fn draw(memory: &mut Memory) {
    let screen = || {
        let arguments = Arguments::read(&*memory, BOOT_PARAMS).ok()?;
        let gate = machine::gate_extent();
        let firmware = Firmware::read(&*memory, &arguments, gate).ok()?;
        screen::usable(&arguments, &firmware, gate)
    };
    if let Some((_, range)) = screen() {
        memory.clear(range);
    }
}

fn memory(scene: &Scene) -> Memory {
    let mut memory = machine::machine(scene.handover(), "");
    let mut line = scene.whole_line();
    line.resize(4096, 0);
    memory.put(CMDLINE, line);
    // setup_efi_state in arch/x86/kernel/kexec-bzimage64.c
    memory.bytes(BOOT_PARAMS)[offset::SECURE_BOOT] = if scene.runtime_services {
        scene.secure_boot
    } else {
        0
    };
    if scene.crash {
        memory.put(DUMP, dump_header());
        machine::set_map(memory.bytes(BOOT_PARAMS), &CRASH_MAP);
    }
    if let Some(shim) = scene.shim.as_ref().filter(|_| scene.runtime_services) {
        let mut table = machine::mok_entry("MokListRT", &shim.list);
        if !shim.revoked.is_empty() {
            table.extend(machine::mok_entry("MokListXRT", &shim.revoked));
        }
        if !shim.dbx.is_empty() {
            table.extend(machine::mok_entry("dbx", &shim.dbx));
        }
        if let Some(level) = &shim.sbat_level {
            table.extend(machine::mok_entry("SbatLevelRT", level));
        }
        table.extend([0; 264]);
        machine::add_shim(&mut memory, table);
    }
    scene
        .on_memory
        .iter()
        .for_each(|change| change(&mut memory));
    memory
}

/// `baton load`, or `baton crash load`, of the handover as a file: the reason's code, and the words.
pub fn by_preflight(scene: &Scene) -> Result<(), (String, String)> {
    let directory = Directory::new();
    describe_machine(&directory, scene);
    directory.write("handover", &scene.handover());
    directory.write("gate.efi", &scene.gate_file());
    let path = |name: &str| directory.0.path().join(name).into_os_string();
    let mut words: Vec<std::ffi::OsString> = vec!["baton".into()];
    words.extend(scene.crash.then(|| "crash".into()));
    words.extend(["load".into(), path("handover"), "--dry-run".into()]);
    words.extend(["--via=gate".into(), "--gate".into(), path("gate.efi")]);
    words.extend(["--root".into(), path("root"), "--cmdline".into()]);
    words.push(std::os::unix::ffi::OsStringExt::from_vec(
        scene.line.clone(),
    ));
    let cli = Cli::try_parse_from(words).expect("the program takes these");
    let result = cli.command.run();
    // Files are named as they are called here, wherever the directory is.
    let here = format!("{}/", directory.0.path().display());
    result.map_err(|failure| {
        let words = failure.to_string().replace(&here, "");
        (failure.word().to_owned(), words)
    })
}

fn describe_machine(directory: &Directory, scene: &Scene) {
    let lockdown = if scene.locked_down {
        "none [integrity] confidentiality\n"
    } else {
        "[none] integrity confidentiality\n"
    };
    let mut keys = "00000010 I--- 1 perm 1f0b0000 0 0 keyring .machine: 1\n".to_owned();
    let mut linked = String::new();
    for (index, cert) in scene.keyring.iter().enumerate() {
        let der = cert.der();
        let id = Certificate::parse(&der).expect("well-formed").key_id();
        let number = 0x11 + index;
        keys += &format!(
            "{number:08x} I--- 1 perm 1f030000 0 0 asymmetri key: {id}: X509.ecdsa 00 []\n"
        );
        linked += &format!("{number:x}\n");
    }
    for (file, text) in [
        ("proc/self/status", "CapEff:\t000001ffffffffff\n"),
        ("proc/meminfo", "MemTotal: 2097152 kB\n"),
        ("proc/cpuinfo", "flags\t: fpu\n"),
        ("proc/cmdline", "root=/dev/vda1\n"),
        ("sys/kernel/kexec_loaded", "0\n"),
        ("sys/kernel/kexec_crash_loaded", "0\n"),
        ("sys/kernel/kexec_crash_size", "268435456\n"),
        ("sys/kernel/security/lockdown", lockdown),
        ("proc/keys", &keys),
        ("keyctl/00000010", &linked),
    ] {
        directory.write(&format!("root/{file}"), text.as_bytes());
    }
    if !scene.firmware_dbx.is_empty() {
        // Attributes come first.
        let variable = [&[7, 0, 0, 0][..], &scene.firmware_dbx].concat();
        let name = "dbx-d719b2cb-3d3a-4596-a3bc-dad00e67656f";
        directory.write(&format!("root/sys/firmware/efi/efivars/{name}"), &variable);
    }
    if scene.runtime_services {
        directory.write("root/sys/firmware/efi/runtime-map/0/type", b"0x5\n");
    }
    let mut page = [0; boot_params::LEN];
    page[offset::SECURE_BOOT] = scene.secure_boot;
    if scene.shim.is_some() {
        page[offset::EFI_INFO + 4] = 0x10;
    }
    directory.write("root/sys/kernel/boot_params/data", &page);
    let Some(shim) = &scene.shim else {
        return;
    };
    const VARIABLES: &str = "root/sys/firmware/efi/mok-variables";
    directory.write(&format!("{VARIABLES}/MokListRT"), &shim.list);
    if !shim.revoked.is_empty() {
        directory.write(&format!("{VARIABLES}/MokListXRT"), &shim.revoked);
    }
    if !shim.dbx.is_empty() {
        directory.write(&format!("{VARIABLES}/dbx"), &shim.dbx);
    }
    if let Some(level) = &shim.sbat_level {
        directory.write(&format!("{VARIABLES}/SbatLevelRT"), level);
    }
}

/// A temporary directory.
struct Directory(TempDir);

impl Directory {
    fn new() -> Self {
        Self(TempDir::new().expect("a temporary directory"))
    }

    fn write(&self, name: &str, bytes: &[u8]) {
        let path = self.0.path().join(name);
        fs::create_dir_all(path.parent().expect("in the directory")).expect("a writable directory");
        fs::write(path, bytes).expect("a writable directory");
    }
}
