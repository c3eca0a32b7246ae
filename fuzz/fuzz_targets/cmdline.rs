//! However a command line is read, each of its parameters is a piece of it, and none is lost.
#![no_main]

use baton_formats::cmdline::{parameters, words};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|line: &[u8]| {
    let mut end = 0;
    for it in parameters(line) {
        assert!(it.offset >= end && line[it.offset..].starts_with(it.raw));
        assert!(
            line[end..it.offset]
                .iter()
                .all(|b| b.is_ascii_whitespace() || [0x0b, 0xa0].contains(b))
        );
        assert!(!it.raw.is_empty() && it.name.len() <= it.raw.len());
        end = it.offset + it.raw.len();
    }
    let letters = |bytes: &[u8]| bytes.iter().filter(|&&b| b > b' ').count();
    let of_words: usize = words(line).map(|it| it.raw.len()).sum();
    assert_eq!(of_words, letters(line));
});
