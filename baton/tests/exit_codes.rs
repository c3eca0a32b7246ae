//! The same cause ends every command with the same code.

mod common;

use common::{Folder, baton, kernel_image, owners};
use std::ffi::OsStr;

type Words<'a> = Vec<&'a dyn AsRef<OsStr>>;

fn code(words: &Words<'_>) -> (i32, String) {
    let said = baton(words);
    (said.code, said.err)
}

#[test]
fn a_file_that_is_not_there_is_1() {
    let (folder, o) = (Folder::new(), owners());
    let none = folder.path("none");
    let out = folder.path("out");
    let (key, cert) = (&o.rsa.key, &o.rsa.cert);
    let commands: Vec<Words<'_>> = vec![
        vec![&"inspect", &none],
        vec![&"verify", &none, &"--cert", cert],
        vec![&"sign", &"--key", key, &"--cert", cert, &none],
        vec![&"sign", &"--key", &none, &"--cert", cert, key],
        vec![&"manifest", &"--kernel", &none, &out],
        vec![&"gate", &"build", &"--stub", &none, &"-o", &out],
        vec![&"policy", &"check", &none],
        vec![&"policy", &"show", &none],
        vec![&"policy", &"explain", &none],
        vec![&"dump", &"info", &none],
        vec![&"dump", &"dmesg", &none],
        vec![&"dump", &"check", &none],
        vec![&"dump", &"list", &none],
        vec![&"dump", &"convert", &none, &out],
        vec![&"load", &none, &"--dry-run"],
    ];
    for words in commands {
        let (code, err) = code(&words);
        assert_eq!(code, 1, "{err}");
        assert!(
            err.contains("none") && err.contains("No such file"),
            "{err}"
        );
        assert!(!out.exists());
    }
}

#[test]
fn a_malformed_image_is_4() {
    let (folder, o) = (Folder::new(), owners());
    // The PE header ends amid its fields.
    let image = folder.write("image", &kernel_image(0x3000)[..0x60]);
    let (key, cert) = (&o.rsa.key, &o.rsa.cert);
    let commands: Vec<Words<'_>> = vec![
        vec![&"inspect", &image],
        vec![&"verify", &image, &"--cert", cert],
        vec![
            &"sign",
            &"--as",
            &"authenticode",
            &"--key",
            key,
            &"--cert",
            cert,
            &image,
        ],
        vec![&"policy", &"show", &image],
        vec![&"policy", &"explain", &image],
    ];
    for words in commands {
        let (code, err) = code(&words);
        assert_eq!(code, 4, "{err}");
    }
}
