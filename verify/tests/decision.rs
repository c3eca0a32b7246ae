//! What a handover is refused for, and in which words.
#![allow(missing_docs)]

use baton_formats::handover::{FLAG_CRASH, Layout, RecordKind};
use baton_samples::forge::{Cert, Forge, indirect_data};
use baton_samples::small_image::{CMDLINE_SIZE, small_image};
use baton_verify::{Component, HashAlgorithm, Machine, Refusal, Trust, decide, decide_draft};

fn sha256(bytes: &[u8]) -> [u8; 32] {
    let digest = HashAlgorithm::Sha256.hash([bytes]);
    digest.as_bytes().try_into().expect("32 bytes")
}

fn image_digest(image: &[u8]) -> [u8; 32] {
    let pe = baton_formats::pe::Pe::parse(image).expect("an image");
    let digest = HashAlgorithm::Sha256.hash(pe.digest_parts());
    digest.as_bytes().try_into().expect("32 bytes")
}

fn handover(records: &[(RecordKind, &[u8], [u8; 32])]) -> Vec<u8> {
    let table: Vec<_> = records
        .iter()
        .map(|(kind, bytes, digest)| (*kind, bytes.len() as u64, *digest))
        .collect();
    let layout = Layout::plan(&table, 0).expect("fits");
    let mut blob = layout.header_page().to_vec();
    for (index, (_, bytes, _)) in records.iter().enumerate() {
        let offset = usize::try_from(layout.offset(index).expect("there")).expect("small");
        blob.resize(offset, 0);
        blob.extend(*bytes);
    }
    blob.resize(usize::try_from(layout.total_len()).expect("small"), 0);
    blob
}

fn of_kernel(image: &[u8]) -> Vec<u8> {
    handover(&[(RecordKind::Kernel, image, image_digest(image))])
}

fn judge(blob: &[u8], command_line: &[u8]) -> Result<(), Refusal> {
    let key = Cert::ca(1, 1).der();
    let trust = Trust::new().add_keys(&key).expect("well-formed");
    decide(blob, command_line, Machine::SECURE, &trust).map(|_| ())
}

fn refusal(blob: &[u8], command_line: &[u8]) -> (Component, &'static str, String) {
    let refusal = judge(blob, command_line).unwrap_err();
    let words = refusal.to_string();
    assert!(!words.contains('\n'), "{words}");
    (refusal.component, refusal.reason.code(), words)
}

fn signed() -> Vec<u8> {
    Forge::new(&Cert::leaf(2, 1)).build()
}

#[test]
fn accepts_a_signed_kernel_without_initrds() {
    assert_eq!(judge(&of_kernel(&signed()), b""), Ok(()));
}

#[test]
fn refuses_an_unsigned_kernel() {
    let (component, code, words) = refusal(&of_kernel(&small_image()), b"");
    assert_eq!((component, code), (Component::Kernel, "unsigned"));
    assert_eq!(
        words,
        "kernel refused: no signature (an unsigned image can't be booted; sign it with a key in .keys or the MOK list)"
    );
}

#[test]
fn refuses_a_kernel_whose_signer_nobody_knows() {
    let image = Forge::new(&Cert::leaf(8, 9)).build();
    let (component, code, words) = refusal(&of_kernel(&image), b"");
    assert_eq!((component, code), (Component::Kernel, "unknown-signer"));
    assert!(
        words.starts_with("kernel refused: signed by \"key 8\" (key id "),
        "{words}"
    );
    assert!(words.contains(".keys: \"key 1\""), "{words}");
}

#[test]
fn a_draft_is_judged_without_digests_and_the_verdict_has_them() {
    let (kernel, initrd) = (signed(), b"070701");
    let records = |of_kernel, of_initrd| {
        handover(&[
            (RecordKind::Kernel, &kernel, of_kernel),
            (RecordKind::Initrd, initrd, of_initrd),
        ])
    };
    let draft = records([0; 32], [0; 32]);
    let key = Cert::ca(1, 1).der();
    let trust = Trust::new().add_keys(&key).expect("well-formed");
    let decision = decide_draft(&draft, b"", Machine::SECURE, &trust).expect("accepted");
    let digests: Vec<_> = decision.parts.iter().map(|part| part.digest).collect();
    let [of_kernel, of_initrd, _line] = digests[..] else {
        panic!("{digests:?}");
    };
    assert_eq!(judge(&records(of_kernel, of_initrd), b""), Ok(()));
    let (component, code, _) = refusal(&draft, b"");
    assert_eq!((component, code), (Component::Initrd(0), "record-altered"));
}

#[test]
fn an_unsigned_kernel_in_a_draft_is_refused() {
    let draft = handover(&[(RecordKind::Kernel, &small_image(), [0; 32])]);
    let key = Cert::ca(1, 1).der();
    let trust = Trust::new().add_keys(&key).expect("well-formed");
    let refusal = decide_draft(&draft, b"", Machine::SECURE, &trust).unwrap_err();
    assert_eq!(refusal.reason.code(), "unsigned");
}

#[test]
fn refuses_another_kernel_than_the_table_says() {
    let blob = handover(&[(RecordKind::Kernel, &signed(), [1; 32])]);
    let (component, code, _) = refusal(&blob, b"");
    assert_eq!(
        (component, code),
        (Component::Kernel, "handover-digest-mismatch")
    );
}

#[test]
fn refuses_an_altered_initrd_and_counts_it_among_the_initrds() {
    let kernel = signed();
    let blob = handover(&[
        (RecordKind::Kernel, &kernel, image_digest(&kernel)),
        (RecordKind::Initrd, b"one", sha256(b"one")),
        (RecordKind::Initrd, b"two", sha256(b"TWO")),
    ]);
    let (component, code, words) = refusal(&blob, b"");
    assert_eq!((component, code), (Component::Initrd(1), "record-altered"));
    assert!(words.starts_with("initrd 1 refused: "), "{words}");
}

#[test]
fn refuses_an_unknown_record_kind() {
    let mut blob = of_kernel(&signed());
    blob[0x20] = 99;
    let (component, code, words) = refusal(&blob, b"");
    assert_eq!(
        (component, code),
        (Component::Handover, "handover-unknown-kind")
    );
    assert_eq!(words, "handover refused: record 0 has unknown kind 99");
}

#[test]
fn refuses_a_command_line_that_does_not_fit() {
    let blob = of_kernel(&signed());
    let fits = vec![b'x'; CMDLINE_SIZE as usize];
    assert_eq!(judge(&blob, &fits), Ok(()));
    let (component, code, words) = refusal(&blob, &[&fits[..], b"x"].concat());
    assert_eq!(
        (component, code),
        (Component::CommandLine, "command-line-too-long")
    );
    assert!(words.contains("256 bytes are more than the 255"), "{words}");
    assert_eq!(refusal(&blob, b"a\0b").1, "command-line-nul");
}

/// Signs `image`, whatever it is.
fn sign_image(image: Vec<u8>) -> Vec<u8> {
    let mut forge = Forge::new(&Cert::leaf(2, 1));
    forge.content = indirect_data(baton_samples::forge::SHA256, &image_digest(&image));
    forge.image = image;
    forge.build()
}

#[test]
fn refuses_a_signed_image_that_is_no_kernel() {
    let mut image = small_image();
    image[0x202] = b'h';
    let (component, code, _) = refusal(&of_kernel(&sign_image(image)), b"");
    assert_eq!((component, code), (Component::Kernel, "bad-kernel"));
}

#[test]
fn refuses_a_kernel_whose_setup_header_lies_in_what_no_digest_covers() {
    // The PE header far down: CheckSum lies at 0x208, inside the setup header.
    let mut image = vec![0; 0x800];
    let small = small_image();
    image[..0x40].copy_from_slice(&small[..0x40]);
    image[0x3c..0x3e].copy_from_slice(&0x1b0_u16.to_le_bytes());
    image[0x1b0..0x1b0 + 0x108].copy_from_slice(&small[0x40..0x148]);
    image[0x400..].copy_from_slice(&small[0x400..]);
    let coff = 0x1b4;
    image[coff + 2] = 1; // one section, .text
    let optional = coff + 20;
    image[optional + 60..optional + 64].copy_from_slice(&0x400_u32.to_le_bytes());
    let sections = optional + 112 + 48;
    image.copy_within(sections + 40..sections + 80, sections);
    let digest = image_digest(&image);
    // Vouched for by digest, so that only the layout is at issue.
    let list = baton_samples::signature_list(&baton_samples::SHA256, &[&digest]);
    let trust = Trust::new().add_mok_list(&list).expect("well-formed");
    let blob = handover(&[(RecordKind::Kernel, &image, digest)]);
    let refusal = decide(&blob, b"", Machine::SECURE, &trust)
        .map(|_| ())
        .unwrap_err();
    assert_eq!(refusal.reason, baton_verify::Reason::UncoveredKernelHeader);
}

/// The kernel puts `elfcorehdr=` first on a crash kernel's command line.
#[test]
fn takes_a_handover_for_a_crash_only_in_a_crash_and_no_other_then() {
    let crash = b"elfcorehdr=0x2f000000 quiet";
    let said = |flags: u32, line: &[u8]| {
        let mut blob = of_kernel(&signed());
        blob[0x18..0x1c].copy_from_slice(&flags.to_le_bytes());
        judge(&blob, line).map_err(|refusal| refusal.reason.code())
    };
    assert_eq!(said(FLAG_CRASH, crash), Ok(()));
    assert_eq!(said(0, b"quiet elfcorehdr=0x1"), Err("parameter-denied"));
    assert_eq!(said(FLAG_CRASH, b"quiet"), Err("only-for-crash"));
    assert_eq!(said(FLAG_CRASH, b" elfcorehdr=0x1"), Err("only-for-crash"));
    assert_eq!(said(0, crash), Err("not-for-crash"));
}
