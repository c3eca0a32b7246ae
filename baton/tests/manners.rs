//! What a command does with files that are strange by where they are, how large they are or what they are
//! called, and with limits on what it may write.

mod common;

use common::{Folder, Said, kernel_image, owners, tool};
use std::ffi::OsStr;
use std::fs;
use std::path::Path;

const BATON: &str = env!("CARGO_BIN_EXE_baton");

/// Runs a shell's line with the program as `$0` and these arguments; 124 if it hangs.
fn shell(line: &str, args: &[&Path]) -> Said {
    let mut all: Vec<&dyn AsRef<OsStr>> = vec![&"30", &"bash", &"-c", &line, &BATON];
    all.extend(args.iter().map(|path| path as &dyn AsRef<OsStr>));
    tool("timeout", &all)
}

#[test]
fn a_limit_on_files_leaves_nothing_behind() {
    let (folder, o) = (Folder::new(), owners());
    let kernel = folder.write("in/kernel", kernel_image(1 << 20));
    let place = folder.path("place");
    fs::create_dir(&place).unwrap();
    let out = place.join("out");
    let paths: [&Path; 4] = [&kernel, &o.rsa.key, &o.rsa.cert, &out];
    let said = shell(
        "ulimit -f 100; \"$0\" sign --key \"$2\" --cert \"$3\" \"$1\" \"$4\"",
        &paths,
    );
    assert_eq!(said.code, 1, "{}", said.err);
    assert!(said.err.contains("File too large"), "{}", said.err);
    assert_eq!(fs::read_dir(&place).unwrap().count(), 0);
}
