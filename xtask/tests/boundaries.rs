//! The walls between the crates, where the compiler doesn't hold them itself.

mod common;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::process::Command;

use baton_xtask::gate;
use common::root;

/// Which of the workspace's crates each may use. ARCHITECTURE.md says why.
const EDGES: &[(&str, &[&str])] = &[
    ("baton-attacks", &[]),
    ("baton-formats", &[]),
    ("baton-verify", &["baton-formats"]),
    ("baton-gate", &["baton-formats", "baton-verify"]),
    ("baton-sys", &[]),
    (
        "baton",
        &[
            "baton-capture",
            "baton-formats",
            "baton-kdump",
            "baton-sys",
            "baton-toml",
            "baton-verify",
        ],
    ),
    ("baton-capture", &["baton-kdump", "baton-sys", "baton-toml"]),
    ("baton-guest", &["baton-sys"]),
    (
        "baton-samples",
        &["baton-formats", "baton-gate", "baton-verify"],
    ),
    ("baton-kdump", &["baton-formats"]),
    ("baton-toml", &[]),
    ("baton-xtask", &[]),
    ("baton-pages", &["baton"]),
    (
        "baton-lab",
        &["baton-formats", "baton-guest", "baton-xtask"],
    ),
    ("baton-vm", &["baton-guest", "baton-lab", "baton-xtask"]),
    (
        "baton-differential",
        &["baton-formats", "baton-lab", "baton-xtask"],
    ),
    (
        "baton-benches",
        &["baton-guest", "baton-lab", "baton-xtask"],
    ),
];

/// Crates from outside that the gate's image links; each one has its reason in ARCHITECTURE.md.
/// A change of this list is a change of what has to be reviewed.
const GATE_CRATES: usize = 29;

/// Directories whose code may be `unsafe`.
const UNSAFE_DIRECTORIES: &[&str] = &["gate/src/arch/x86_64/machine", "sys/src"];

/// Crates in which what knows one architecture stands in a directory `arch`.
const WITH_ARCHITECTURES: &[&str] = &["baton/src/", "capture/src/", "kdump/src/", "sys/src/"];

/// What only x86 has: instructions and registers, what its boot loaders pass on, fields of its boot image, addresses of
/// its kernels.
const WORDS_OF_X86: &[&str] = &[
    "x86",
    "amd64",
    "cpuid",
    "cr4",
    "la57",
    "apic_id",
    "tdx",
    "boot_params",
    "setup_data",
    "setup_header",
    "syssize",
    "xloadflags",
    "xlf_",
    "e820",
    "purgatory",
    "top_pgt",
    "page_offset",
];

fn workspace_edges() -> BTreeMap<String, BTreeSet<String>> {
    let packages = common::packages(&["--no-deps"]);
    let name = |value: &serde_json::Value| value["name"].as_str().expect("a name").to_owned();
    let members: BTreeSet<String> = packages.iter().map(name).collect();
    let edges = |package: &serde_json::Value| {
        let dependencies = package["dependencies"]
            .as_array()
            .expect("dependencies")
            .iter();
        let used = dependencies.filter(|dependency| dependency["kind"].as_str() != Some("dev"));
        used.map(name)
            .filter(|name| members.contains(name))
            .collect()
    };
    packages
        .iter()
        .map(|package| (name(package), edges(package)))
        .collect()
}

#[test]
fn crates_depend_on_each_other_in_one_direction_only() {
    let found = workspace_edges();
    let allowed: BTreeMap<&str, &[&str]> = EDGES.iter().copied().collect();
    assert_eq!(
        found.keys().map(String::as_str).collect::<Vec<_>>(),
        allowed.keys().copied().collect::<Vec<_>>()
    );
    for (package, uses) in found {
        for used in uses {
            assert!(
                allowed[package.as_str()].contains(&used.as_str()),
                "{package} must not depend on {used}"
            );
        }
    }
}

#[test]
fn the_gate_takes_no_draft_of_a_handover() {
    let gate = |(file, _): &(String, String)| file.starts_with("gate/src/");
    for (file, text) in sources().into_iter().filter(gate) {
        for draft in ["parse_draft", "decide_draft"] {
            assert!(!text.contains(draft), "{file}: {draft}");
        }
    }
}

#[test]
fn whoever_builds_the_gate_compiles_little_before() {
    let packages = common::packages(&["--no-deps"]);
    let xtask = packages.iter().find(|it| it["name"] == "baton-xtask");
    let dependencies = xtask.expect("xtask")["dependencies"].as_array();
    let built = dependencies.expect("a list").iter();
    let built: Vec<_> = built.filter(|it| it["kind"].is_null()).collect();
    let names: Vec<_> = built.iter().filter_map(|it| it["name"].as_str()).collect();
    assert_eq!(names, ["anyhow"]);
}

#[test]
fn the_command_line_alone_loads_the_modules_of_tokens() {
    let packages = common::packages(&["--no-deps"]);
    let uses = |package: &&serde_json::Value| {
        let dependencies = package["dependencies"].as_array().expect("a list");
        dependencies.iter().any(|it| it["name"] == "cryptoki")
    };
    let users: Vec<_> = packages.iter().filter(uses).map(|it| &it["name"]).collect();
    assert_eq!(users, ["baton"]);
}

fn gate_crates() -> BTreeSet<String> {
    gate::linked_crates(&root()).expect("cargo lists them")
}

#[test]
fn the_gate_links_no_more_crates_than_were_agreed_on() {
    let crates = gate_crates();
    assert!(
        crates.len() <= GATE_CRATES,
        "{} crates: {crates:?}",
        crates.len()
    );
}

#[test]
fn every_crate_that_the_gate_links_has_its_reason_written_down() {
    let architecture = fs::read_to_string(root().join("ARCHITECTURE.md")).expect("ARCHITECTURE.md");
    let missing: Vec<String> = gate_crates()
        .into_iter()
        .filter(|name| !architecture.contains(&format!("`{name}`")))
        .collect();
    assert!(
        missing.is_empty(),
        "ARCHITECTURE.md does not justify {missing:?}"
    );
}

fn sources() -> Vec<(String, String)> {
    let listed = Command::new("git")
        .current_dir(root())
        .args(["ls-files", "*.rs"])
        .output()
        .expect("git starts");
    let names = String::from_utf8(listed.stdout).expect("UTF-8 names");
    let existing = names.lines().filter(|name| root().join(name).exists());
    existing
        .map(|name| {
            (
                name.to_owned(),
                fs::read_to_string(root().join(name)).expect("a source file"),
            )
        })
        .collect()
}

/// Lines of code that use the keyword: not comments, not lint names.
fn unsafe_lines(source: &str) -> impl Iterator<Item = (usize, &str)> {
    source.lines().enumerate().filter(|(_, line)| {
        let code = line.split("//").next().unwrap_or_default();
        let keyword = |word: &str| word == "unsafe";
        // Every second piece between quotation marks is a text.
        let outside_texts = code.split('"').step_by(2);
        outside_texts
            .flat_map(|piece| piece.split(|c: char| !c.is_alphanumeric() && c != '_'))
            .any(keyword)
            && !code.contains("unsafe(")
    })
}

#[test]
fn unsafe_code_stays_in_its_directories() {
    for (name, source) in sources() {
        let allowed = UNSAFE_DIRECTORIES
            .iter()
            .any(|directory| name.starts_with(directory))
            || name.starts_with("xtask/tests/boundaries");
        if let Some((number, line)) = unsafe_lines(&source).next()
            && !allowed
        {
            panic!("{name}:{}: {line}", number + 1);
        }
    }
}

#[test]
fn every_unsafe_block_says_why_it_is_sound() {
    for (name, source) in sources().into_iter().filter(|(name, _)| {
        UNSAFE_DIRECTORIES
            .iter()
            .any(|directory| name.starts_with(directory))
    }) {
        let lines: Vec<&str> = source.lines().collect();
        for (number, line) in unsafe_lines(&source) {
            let needs_reason = line.contains("unsafe {") || line.contains("unsafe impl");
            let above = &lines[number.saturating_sub(8)..=number];
            assert!(
                !needs_reason || above.iter().any(|line| line.contains("SAFETY:")),
                "{name}:{}: {line}",
                number + 1
            );
        }
    }
}

#[test]
fn the_trusted_crates_forbid_what_they_promise_to() {
    for (file, attributes) in [
        ("formats/src/lib.rs", ["forbid(unsafe_code)", "no_std"]),
        ("verify/src/lib.rs", ["forbid(unsafe_code)", "no_std"]),
        ("gate/src/lib.rs", ["deny(unsafe_code)", "no_std"]),
    ] {
        let source = fs::read_to_string(root().join(file)).expect("a crate root");
        for attribute in attributes {
            assert!(source.contains(attribute), "{file} lacks {attribute}");
        }
    }
}

/// A source's lines, comments included, without its tests.
fn production(source: &str) -> impl Iterator<Item = (usize, String)> {
    let tests = source.find("#[cfg(test)]\nmod tests {");
    let lines = source[..tests.unwrap_or(source.len())].lines();
    lines.map(str::to_lowercase).enumerate()
}

/// Whether a word begins in this line as `wanted` does: `0x86` is no x86.
fn names(line: &str, wanted: &str) -> bool {
    let mut found = line.match_indices(wanted);
    found.any(|(at, _)| !line[..at].ends_with(|c: char| c.is_alphanumeric()))
}

#[test]
fn what_knows_x86_stands_in_a_directory_for_it() {
    let is_for_tests = |name: &str| name.contains("/samples/") || name.contains("tests");
    let in_rooms = |name: &str| {
        WITH_ARCHITECTURES.iter().any(|it| name.starts_with(it))
            && !name.contains("/arch/")
            && !is_for_tests(name)
    };
    let mut found = Vec::new();
    for (name, source) in sources().into_iter().filter(|(name, _)| in_rooms(name)) {
        for (number, line) in production(&source) {
            for word in WORDS_OF_X86.iter().filter(|word| names(&line, word)) {
                found.push(format!("{name}:{}: {word}", number + 1));
            }
        }
    }
    assert!(found.is_empty(), "{found:#?}");
}
