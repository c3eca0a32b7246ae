use super::*;
use crate::samples::{gate_info, put, put32, with};

fn error_with(change: impl FnOnce(&mut Vec<u8>)) -> GateInfoError {
    GateInfo::parse(&with(&gate_info().to_bytes(), change)).unwrap_err()
}

/// What a block with one 32-bit field changed is refused for.
fn error_at(offset: usize, value: u32) -> GateInfoError {
    error_with(|block| put32(block, offset, value))
}

#[test]
fn reads_what_it_wrote() {
    let bare = GateInfo {
        keys: SectionRange::default(),
        policy: SectionRange::default(),
        sbat: SectionRange::default(),
        dbx: SectionRange::default(),
        ..gate_info()
    };
    for info in [gate_info(), bare] {
        assert_eq!(GateInfo::parse(&info.to_bytes()), Ok(info));
    }
    assert!(bare.keys.is_absent() && !gate_info().keys.is_absent());
}

#[test]
fn finds_its_parts_in_an_image() {
    let mut image = vec![0; 0x6020];
    put(&mut image, FILE_OFFSET, &gate_info().to_bytes());
    put(&mut image, 0x3000, b"first");
    put(&mut image, 0x4000, b"second");
    put(&mut image, 0x5000, b"third");
    put(&mut image, 0x6000, b"fourth");
    let info = GateInfo::from_image(&image).unwrap();
    let keys = info.keys(&image).unwrap();
    assert_eq!((&keys[..5], keys.len()), (&b"first"[..], 1500));
    let policy = info.policy(&image).unwrap();
    assert_eq!((&policy[..6], policy.len()), (&b"second"[..], 16));
    let sbat = info.sbat(&image).unwrap();
    assert_eq!((&sbat[..5], sbat.len()), (&b"third"[..], 99));
    let cut = GateInfoError::PartBeyondEnd(".sbat");
    assert_eq!(info.sbat(&image[..0x5062]), Err(cut));
    let dbx = info.dbx(&image).unwrap();
    assert_eq!((&dbx[..6], dbx.len()), (&b"fourth"[..], 0x20));
    let cut = GateInfoError::PartBeyondEnd(".dbx");
    assert_eq!(info.dbx(&image[..0x601f]), Err(cut));
}

#[test]
fn gives_nothing_for_parts_that_are_absent() {
    let info = GateInfo {
        keys: SectionRange::default(),
        ..gate_info()
    };
    assert_eq!(info.keys(&[1, 2, 3]), Ok(&[][..]));
}

#[test]
fn refuses_every_truncation() {
    let block = gate_info().to_bytes();
    for len in 0..LEN {
        assert_eq!(GateInfo::parse(&block[..len]), Err(GateInfoError::TooShort));
    }
    let short = GateInfo::from_image(&[0; FILE_OFFSET - 1]);
    assert_eq!(short, Err(GateInfoError::TooShort));
}

#[test]
fn refuses_what_it_does_not_know() {
    assert_eq!(error_with(|block| block[0] = 0), GateInfoError::Magic);
    for version in [0, 1, 3] {
        assert_eq!(error_at(8, version), GateInfoError::Version(version));
    }
    for (reserved, value) in [(0x34, 0x20), (0x38, 1), (0x3c, 1)] {
        assert_eq!(error_at(reserved, value), GateInfoError::Reserved);
    }
}

#[test]
fn refuses_impossible_stub_lengths_and_limits() {
    for stub in [0, 0x1000, 0x3001, u32::MAX] {
        assert_eq!(error_at(0x0c, stub), GateInfoError::StubLength);
    }
    for limit in [0, 0x2000, 0x10_0001] {
        assert_eq!(error_at(0x30, limit), GateInfoError::StubLength);
    }
}

#[test]
fn refuses_parts_that_overlap_the_stub_or_each_other() {
    assert_eq!(error_at(0x10, 0x2000), GateInfoError::Part(".keys"));
    assert_eq!(error_at(0x18, 0x3000), GateInfoError::Part(".policy"));
    assert_eq!(error_at(0x14, 0x1001), GateInfoError::Part(".policy"));
    assert_eq!(error_at(0x28, 0x5000), GateInfoError::Part(".dbx"));
}

#[test]
fn refuses_parts_that_are_unaligned_empty_or_beyond_the_limit() {
    assert_eq!(error_at(0x20, 0x5010), GateInfoError::Part(".sbat"));
    assert_eq!(error_at(0x24, 0), GateInfoError::Part(".sbat"));
    assert_eq!(error_at(0x24, 0xf_b001), GateInfoError::Part(".sbat"));
    assert_eq!(error_at(0x24, u32::MAX), GateInfoError::Part(".sbat"));
    assert_eq!(error_at(0x2c, u32::MAX), GateInfoError::Part(".dbx"));
}

#[test]
fn says_which_formats_a_gate_is_built_without() {
    let info = |bits: u32| {
        let block = with(&gate_info().to_bytes(), |block| put32(block, 0x34, bits));
        GateInfo::parse(&block).unwrap()
    };
    let x86 = Format::ALL.into_iter().filter(|it| *it != Format::Arm64);
    for (bit, format) in x86.clone().enumerate() {
        assert!(format.is_built_in() && info(0).formats.has(format));
        let smaller = info(1 << bit);
        assert!(!smaller.formats.has(format));
        let mut others = x86.clone().filter(|it| *it != format);
        assert!(others.all(|other| smaller.formats.has(other)));
        assert_eq!(GateInfo::parse(&smaller.to_bytes()), Ok(smaller));
    }
    assert_eq!(Formats::of(Isa::X86_64).bits(), 0);
    assert_eq!(info(0).formats.isa(), Isa::X86_64);
}

#[test]
fn a_gate_is_for_one_architecture() {
    let parse = |bits: u32| {
        let block = with(&gate_info().to_bytes(), |block| put32(block, 0x34, bits));
        GateInfo::parse(&block).map(|info| info.formats)
    };
    let arm64 = Formats::of(Isa::Arm64);
    assert_eq!(parse(arm64.bits()), Ok(arm64));
    assert_eq!(arm64.isa(), Isa::Arm64);
    assert!(arm64.has(Format::Arm64) && arm64.has(Format::Uki));
    // With arm64's Image, and bzImage besides.
    assert_eq!(parse(arm64.bits() & !1), Err(GateInfoError::Reserved));
    assert_eq!(parse(1 << 6), Err(GateInfoError::Reserved));
}
