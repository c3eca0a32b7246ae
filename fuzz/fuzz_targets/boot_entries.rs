//! The files of boot loaders, which whoever may write to /boot can make what they like.
//!
//! Input: GRUB's environment, a zero, a pattern, a zero, a file that is read as every kind that there is.
#![no_main]

use baton_cli::entries::bls::{Bls, Name, SUFFIX};
use baton_cli::entries::filesystem::Filesystem;
use baton_cli::entries::grub::variables::Variables;
use baton_cli::entries::grub::way::{BlsLine, End};
use baton_cli::entries::grub::{Menu, search};
use baton_cli::entries::order::compare_versions;
use baton_cli::entries::text::{matches, os_release};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let text = String::from_utf8_lossy(bytes);
    let mut parts = text.splitn(3, '\0');
    let mut next = || parts.next().unwrap_or_default();
    let (environment, pattern, file) = (next(), next(), next());
    let variables = Variables::of_environment(environment);
    if let Ok(bls) = Bls::parse(file, Some(&variables)) {
        assert!(bls.problem().is_some() || bls.linux.is_some() || bls.uki.is_some());
        let words = |path: &String| !path.contains(|it: char| it.is_ascii_whitespace());
        assert!(bls.initrds.iter().all(words));
    }
    let menu = Menu::parse(file, &variables);
    let lines = [BlsLine {
        id: pattern.to_owned(),
        title: environment.to_owned(),
    }];
    match menu.default_entry(&lines) {
        Ok(Some(End::Menu(at))) => assert!(at < menu.entries.len()),
        Ok(Some(End::Bls(at))) => assert!(menu.has_blscfg && at < lines.len()),
        Ok(None) | Err(_) => {}
    }
    for entry in &menu.entries {
        assert!(entry.problem.is_some() || entry.linux.is_some());
        let mut files = entry.linux.iter().chain(&entry.initrds);
        assert!(files.all(|file| file.filesystem != Filesystem::Inherited));
    }
    let words: Vec<&str> = pattern.split(' ').collect();
    let _ = search::read("search", &words, &variables);
    if let Some(name) = Name::parse(pattern, SUFFIX) {
        assert!(name.id.len() <= pattern.len());
    }
    let (a, b) = (environment, pattern);
    assert_eq!(compare_versions(a, b), compare_versions(b, a).reverse());
    assert!(matches("*", pattern));
    let _ = matches(pattern, environment);
    let _ = os_release(file, "PRETTY_NAME");
});
