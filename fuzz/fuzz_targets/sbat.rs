//! A level and an image's metadata: what is read is in the text, and what is revoked is below the level.
//!
//! Input: a level, a zero, the metadata.
#![no_main]

use baton_formats::sbat::{Sbat, SbatLevel};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let end = bytes
        .iter()
        .position(|byte| *byte == 0)
        .unwrap_or(bytes.len());
    let (level, rest) = bytes.split_at(end);
    let image = rest.get(1..).unwrap_or_default();
    let (level, sbat) = (SbatLevel::parse(level), Sbat::parse(image));
    for component in level.iter().flat_map(SbatLevel::components) {
        assert!(component.generation >= 1);
        assert!(level.unwrap().minimum(component.name).unwrap() >= component.generation);
    }
    let Ok(sbat) = sbat else { return };
    let text = std::str::from_utf8(image).unwrap();
    for component in sbat.components() {
        let row = format!("{},{},", component.name, component.generation);
        assert!(text.contains(&row), "{row}");
        assert!(sbat.generation(component.name).unwrap() <= component.generation);
    }
    let Ok(level) = level else { return };
    let below = |name: &str| level.minimum(name) > sbat.generation(name);
    let expected = sbat
        .components()
        .any(|it| below(it.name) && level.minimum(it.name).is_some());
    assert_eq!(sbat.revoked_by(&level).is_some(), expected);
    if let Some(revoked) = sbat.revoked_by(&level) {
        assert!(revoked.generation < revoked.minimum);
        assert_eq!(level.minimum(revoked.name), Some(revoked.minimum));
    }
});
