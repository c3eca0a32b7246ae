//! Whatever is accepted as a PE image is covered by its digest, but for the three exceptions.
#![no_main]

use baton_formats::pe::Pe;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|file: &[u8]| {
    let Ok(pe) = Pe::parse(file) else { return };
    let digested: usize = pe.digest_parts().map(<[u8]>::len).sum();
    let directory = pe.offsets().certificate_directory.map_or(0, |_| 8);
    let mut expected = pe.signed_len() - 4 - directory;
    if !pe.is_signed() {
        expected += pe.signed_len().next_multiple_of(8) - pe.signed_len();
    }
    assert_eq!(digested, expected);
    assert!(pe.signed_len() <= file.len());

    // Headers and sections account for everything up to some offset, without overlap.
    let in_sections: usize = pe.sections().map(|section| section.raw.len()).sum();
    assert!(pe.size_of_headers() as usize + in_sections <= pe.signed_len());
    for section in pe.sections() {
        assert!(section.data().len() <= section.raw.len());
        assert!(pe.section(section.name_str()).is_some() || section.name_str().is_empty());
    }
    let in_certificates: usize = pe
        .certificates()
        .filter_map(Result::ok)
        .map(|certificate| certificate.data.len() + 8)
        .sum();
    assert!(in_certificates <= file.len() - pe.signed_len());
});
