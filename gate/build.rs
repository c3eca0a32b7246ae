//! Links the gate's image with its own linker script; does nothing for the host library.

fn main() {
    println!("cargo:rerun-if-changed=gate.ld");
    println!("cargo:rerun-if-changed=src/arch/x86_64/machine/header.s");
    println!("cargo:rerun-if-changed=src/arch/x86_64/machine/head.s");
    println!("cargo:rerun-if-changed=src/arch/x86_64/machine/protected.s");
    if std::env::var_os("CARGO_FEATURE_IMAGE").is_none() {
        return;
    }
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/gate.ld");
    for argument in [
        "-nostartfiles",
        "-nostdlib",
        "-static-pie",
        "-Wl,--no-dynamic-linker",
        "-Wl,--build-id=none",
        "-Wl,-z,text",
        "-Wl,-z,pack-relative-relocs",
        "-Wl,-z,noexecstack",
        "-Wl,-z,norelro",
        "-Wl,--hash-style=sysv",
        "-Wl,--orphan-handling=error",
        &format!("-Wl,-T,{script}"),
    ] {
        println!("cargo:rustc-link-arg-bins={argument}");
    }
}
