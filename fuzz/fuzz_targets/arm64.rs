//! Whatever is accepted as an Image fits the memory that it asks for; what is accepted as zboot has its payload in it.
#![no_main]

use baton_formats::arch::arm64::image::{ALIGNMENT, Image};
use baton_formats::arch::arm64::zboot::Zboot;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|file: &[u8]| {
    if let Ok(image) = Image::parse(file) {
        assert!(Image::recognises(file));
        assert!(image.image_size() >= image.bytes().len() as u64);
        assert!(image.text_offset() < ALIGNMENT);
        let _ = image.page_size();
    }
    if let Ok(zboot) = Zboot::parse(file) {
        assert!(Zboot::recognises(file));
        assert!(!zboot.payload().is_empty());
        assert!(
            file.windows(zboot.payload().len())
                .any(|it| it == zboot.payload())
        );
    }
});
