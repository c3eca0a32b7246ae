//! What signed addons may do to a UKI, and what user space may do to them.
#![allow(missing_docs, clippy::cast_possible_truncation)]

mod support;

use baton_verify::{Component, Refusal};
use support::build::*;
use support::forge::{Forge, SHA256, indirect_data};
use support::other_formats::pe_image;
use support::small_image::small_image;

fn signed(sections: &[(&str, &[u8])]) -> Vec<u8> {
    let mut forge = Forge::new(&signer());
    forge.image = pe_image(sections);
    forge.content = indirect_data(SHA256, &authenticode(&forge.image));
    forge.build()
}

fn uki(sections: &[(&str, &[u8])]) -> Build {
    let kernel = small_image();
    let image = signed(&[&[(".linux", &kernel[..])], sections].concat());
    Build::kernel(&image, authenticode(&image))
}

/// A UKI without a command line, and an addon with this one.
fn adding(line: &[u8]) -> Build {
    uki(&[]).addon(&signed(&[(".cmdline", line)]))
}

fn said(build: &Build, line: &[u8]) -> Result<(), (Component, &'static str)> {
    worded(judge(build, line, |_| ()))
}

fn worded<T>(verdict: Result<T, Refusal>) -> Result<T, (Component, &'static str)> {
    verdict.map_err(|refusal| {
        assert!(!refusal.to_string().contains('\n'));
        (refusal.component, refusal.reason.code())
    })
}

#[test]
fn what_an_addon_says_stays_a_parameter_of_the_kernel() {
    let build = adding(b"lockdown=integrity debug");
    for before in ["", "quiet ", "x=\"a b\" ", "--x ", "x=-- ", "\"a\"\"b\" "] {
        let line = format!("{before}lockdown=integrity debug");
        assert_eq!(said(&build, line.as_bytes()), Ok(()), "{line}");
    }
    for before in [
        "-- ",
        "quiet -- ",
        "\"--\" ",
        "--\t ",
        "x=\" ",
        "x \" ",
        "x=\"a\"\" ",
    ] {
        let line = format!("{before}lockdown=integrity debug");
        let refused = Err((Component::CommandLine, "command-line-not-of-uki"));
        assert_eq!(said(&build, line.as_bytes()), refused, "{line}");
    }
}
