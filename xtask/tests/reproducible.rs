//! Whoever builds the gate gets the same bytes.

use std::path::Path;
use std::process::Command;

use baton_xtask::root;

/// Copies the files that git knows, as they are now, into a new directory.
fn copy_of_the_sources(to: &Path) {
    let listed = Command::new("git")
        .current_dir(root().expect("a checkout"))
        .args(["ls-files", "-z"])
        .output()
        .expect("git starts");
    assert!(listed.status.success(), "git ls-files failed");
    for name in listed
        .stdout
        .split(|&byte| byte == 0)
        .filter(|name| !name.is_empty())
    {
        let name = std::str::from_utf8(name).expect("names are UTF-8");
        let from = root().expect("a checkout").join(name);
        if from.is_file() {
            let target = to.join(name);
            std::fs::create_dir_all(target.parent().expect("a directory"))
                .expect("a directory can be made");
            std::fs::copy(from, target).expect("a file can be copied");
        }
    }
}

fn build_in(directory: &Path) -> Vec<u8> {
    let output = Command::new(env!("CARGO_BIN_EXE_baton-xtask"))
        .current_dir(directory)
        .args(["gate", "--root"])
        .arg(directory)
        .output()
        .expect("xtask starts");
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    std::fs::read(directory.join("target/gate/gate.stub")).expect("the stub was built")
}

#[test]
fn two_builds_in_different_directories_give_the_same_bytes() {
    let scratch = tempfile::tempdir().expect("a directory can be made");
    let images = ["a", "another-directory-with-a-longer-name/and/depth"].map(|name| {
        let directory = scratch.path().join(name);
        copy_of_the_sources(&directory);
        build_in(&directory)
    });
    let difference = images[0].iter().zip(&images[1]).position(|(a, b)| a != b);
    assert_eq!(difference, None, "the first difference is at this offset");
    assert_eq!(images[0].len(), images[1].len());
    let path = std::env::temp_dir().to_string_lossy().into_owned();
    assert!(
        !images[0]
            .windows(path.len())
            .any(|window| window == path.as_bytes()),
        "the image names a directory it was built in"
    );
}
