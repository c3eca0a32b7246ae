use super::*;
use ruzstd::encoding::{CompressionLevel, compress_to_vec};
use std::io::Write;

fn page() -> Vec<u8> {
    (0..4096u32)
        .map(|it| (it / 7 % 251) as u8 ^ (it % 3) as u8)
        .collect()
}

fn zlib(page: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::new(1));
    encoder.write_all(page).unwrap();
    encoder.finish().unwrap()
}

fn samples(page: &[u8]) -> [(Codec, Vec<u8>); 5] {
    [
        (Codec::Raw, page.to_vec()),
        (Codec::Zlib, zlib(page)),
        (Codec::Lzo, lzokay::compress::compress(page).unwrap()),
        (
            Codec::Snappy,
            snap::raw::Encoder::new().compress_vec(page).unwrap(),
        ),
        (
            Codec::Zstd,
            compress_to_vec(page, CompressionLevel::Fastest),
        ),
    ]
}

#[test]
fn a_page_comes_back_from_each_codec() {
    let page = page();
    let mut decoder = Decoder::new();
    // Twice, since the decoder is used again.
    for (codec, data) in samples(&page).iter().chain(&samples(&page)) {
        let mut out = vec![0; 4096];
        decoder.decode(*codec, data, &mut out).unwrap();
        assert_eq!(out, page, "{codec}");
    }
}

#[test]
fn less_or_more_than_a_page_is_refused() {
    let mut decoder = Decoder::new();
    for length in [4095, 4097, 1, 8192] {
        let page: Vec<u8> = page().repeat(2)[..length].to_vec();
        for (codec, data) in samples(&page) {
            let mut out = vec![0; 4096];
            let decoded = decoder.decode(codec, &data, &mut out);
            assert!(decoded.is_err(), "{codec} of {length} bytes");
        }
    }
}

#[test]
fn data_cut_off_at_any_length_is_refused() {
    let page = page();
    let mut decoder = Decoder::new();
    for (codec, data) in samples(&page) {
        for length in 0..data.len() {
            let mut out = vec![0; 4096];
            let decoded = decoder.decode(codec, &data[..length], &mut out);
            // A zlib stream may lack its checksum, and still isn't whole.
            assert!(decoded.is_err(), "{codec} cut to {length}");
        }
    }
}

#[test]
fn a_failure_doesnt_spoil_the_next_page() {
    let page = page();
    let mut decoder = Decoder::new();
    for (codec, data) in samples(&page) {
        let mut out = vec![0; 4096];
        for byte in 0..data.len().min(64) {
            let mut broken = data.clone();
            broken[byte] ^= 0x55;
            let _ = decoder.decode(codec, &broken, &mut out);
        }
        decoder.decode(codec, &data, &mut out).unwrap();
        assert_eq!(out, page, "{codec}");
    }
}
