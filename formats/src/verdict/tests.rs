use super::*;
use crate::samples::{put, put32, verdict, verdict_components, verdict_gate, with};

/// The offset of a field of component `index`.
fn field(index: usize, offset: usize) -> usize {
    HEADER_LEN + index * COMPONENT_LEN + offset
}

fn error_with(change: impl FnOnce(&mut Vec<u8>)) -> VerdictError {
    Verdict::parse(&with(&verdict(), change)).unwrap_err()
}

/// What is read of a verdict on this component alone.
fn written(component: Component<'_>) -> Vec<u8> {
    let mut buffer = [0xff; 512];
    write(&mut buffer, &verdict_gate(), &[component])
        .unwrap()
        .to_vec()
}

#[test]
fn reads_what_it_wrote() {
    let data = verdict();
    let parsed = Verdict::parse(&data).unwrap();
    assert_eq!(parsed.gate(), verdict_gate());
    let components: Vec<_> = parsed.components().collect();
    assert_eq!(components, verdict_components());
}

#[test]
fn writes_every_field_where_the_documentation_says() {
    let component = Component {
        kind: ComponentKind::Manifest,
        signature_kind: SignatureKind::Detached,
        size: 0x1122,
        digest: [0xd1; 32],
        key_id: &[1, 2, 3],
        subject: "CN",
    };
    let mut expected = vec![0; HEADER_LEN + COMPONENT_LEN];
    put(&mut expected, 0x00, b"BATONVDT");
    put(&mut expected, 0x08, &[2, 0, 0, 0]);
    put(&mut expected, 0x0c, &[0x78, 1, 0, 0]);
    put(&mut expected, 0x10, &[1, 0, 0, 0]);
    put(&mut expected, 0x14, &[1, 0, 0, 0]);
    put(&mut expected, 0x18, &[0x1d; 32]);
    put(&mut expected, 0x38, b"\x050.1.0");
    put(&mut expected, 0x60, &[0x90; 32]);
    put(&mut expected, 0x80, b"\x05stock");
    put(&mut expected, 0xa8, &[6, 0, 0, 0, 4, 0, 3, 2, 0x22, 0x11]);
    put(&mut expected, 0xb8, &[0xd1; 32]);
    put(&mut expected, 0xd8, &[1, 2, 3]);
    put(&mut expected, 0xf8, b"CN");
    assert_eq!(written(component), expected);
}

#[test]
fn has_a_type_that_linux_ignores() {
    assert_eq!(SETUP_BATON_VERDICT, 0x4e54_4142);
    assert_eq!(SETUP_BATON_VERDICT & crate::setup_data::SETUP_INDIRECT, 0);
}

#[test]
fn knows_every_kind_of_component_and_of_signature_by_its_number() {
    let kinds = (0..=8)
        .filter_map(ComponentKind::from_number)
        .map(ComponentKind::number);
    assert_eq!(kinds.collect::<Vec<_>>(), [1, 2, 3, 4, 5, 6, 7]);
    let signatures = (0..=8)
        .filter_map(SignatureKind::from_number)
        .map(SignatureKind::number);
    assert_eq!(signatures.collect::<Vec<_>>(), [0, 1, 2, 3, 4, 5, 6]);
}

#[test]
fn cuts_off_what_is_too_long_at_whole_characters() {
    let subject = format!("{}\u{e4}b", "x".repeat(127));
    let component = Component {
        key_id: &[7; 40],
        subject: &subject,
        ..verdict_components()[0]
    };
    let data = written(component);
    let read = Verdict::parse(&data).unwrap().components().next().unwrap();
    assert_eq!(read.key_id, [7; 32]);
    assert_eq!(read.subject, "x".repeat(127));
    let gate = Gate {
        version: "0123456789012345678901234567890123456789",
        ..verdict_gate()
    };
    let mut buffer = [0; 512];
    let data = write(&mut buffer, &gate, &[component]).unwrap();
    let version = Verdict::parse(data).unwrap().gate().version;
    assert_eq!(version, &gate.version[..39]);
}

#[test]
fn writes_no_signer_where_no_key_vouched() {
    let component = Component {
        signature_kind: SignatureKind::ListedDigest,
        ..verdict_components()[0]
    };
    let data = written(component);
    let read = Verdict::parse(&data).unwrap().components().next().unwrap();
    assert_eq!((read.key_id, read.subject), (&[][..], ""));
}

#[test]
fn writes_nothing_where_there_is_no_room_or_nothing_to_write() {
    let component = verdict_components()[0];
    let gate = verdict_gate();
    let mut buffer = [0; 16 * 1024];
    assert_eq!(write(&mut buffer, &gate, &[]), None);
    assert_eq!(write(&mut buffer, &gate, &[component; 49]), None);
    assert_eq!(write(&mut buffer[..303], &gate, &[component]), None);
    assert_eq!((written_len(0), written_len(49)), (None, None));
    let most = write(&mut buffer, &gate, &[component; 48]).unwrap();
    assert_eq!(Some(most.len()), written_len(48));
    assert_eq!(Verdict::parse(most).unwrap().components().count(), 48);
}

#[test]
fn refuses_every_truncation_and_bytes_after_the_end() {
    let data = verdict();
    for len in 0..data.len() {
        assert!(Verdict::parse(&data[..len]).is_err(), "{len} bytes");
    }
    let longer = data.len() + 1;
    assert_eq!(
        error_with(|data| data.push(0)),
        VerdictError::Length(longer)
    );
}

#[test]
fn reads_a_meaning_from_every_bit() {
    let data = verdict();
    let contents = |data: &[u8]| {
        let parsed = Verdict::parse(data).ok()?;
        Some(format!(
            "{:?} {:?}",
            parsed.gate(),
            parsed.components().collect::<Vec<_>>()
        ))
    };
    let before = contents(&data);
    for bit in 0..data.len() * 8 {
        let flipped = with(&data, |data| data[bit / 8] ^= 1 << (bit % 8));
        assert!(contents(&flipped) != before, "bit {bit} means nothing");
    }
}

#[test]
fn refuses_what_it_does_not_know() {
    let len = verdict().len();
    assert_eq!(error_with(|data| data[0] = 0), VerdictError::Magic);
    let error = error_with(|data| put32(data, 8, 1));
    assert_eq!(error, VerdictError::Version(1));
    for total in [0, len as u32 - 1, u32::MAX] {
        let error = error_with(|data| put32(data, 0x0c, total));
        assert_eq!(error, VerdictError::Length(len));
    }
    for count in [0, 49, u32::MAX] {
        let error = error_with(|data| put32(data, 0x10, count));
        assert_eq!(error, VerdictError::ComponentCount(count));
    }
    for count in [1, 3] {
        let error = error_with(|data| put32(data, 0x10, count));
        assert_eq!(error, VerdictError::Length(len));
    }
    let error = error_with(|data| put32(data, 0x14, 2));
    assert_eq!(error, VerdictError::Flags(2));
}

#[test]
fn refuses_a_version_of_the_gate_that_is_no_text() {
    for (offset, byte) in [(0x38, 40), (0x38, 4), (0x39, 0xff), (0x5f, 1)] {
        let error = error_with(|data| data[offset] = byte);
        assert_eq!(error, VerdictError::GateVersion, "at {offset:#x}");
    }
    for (offset, byte) in [(0x80, 40), (0x80, 4), (0x81, 0xff), (0xa7, 1)] {
        let error = error_with(|data| data[offset] = byte);
        assert_eq!(error, VerdictError::PolicyName, "at {offset:#x}");
    }
}

#[test]
fn refuses_components_that_can_not_be() {
    for (index, offset, byte) in [
        (0, 0x00, 0),
        (1, 0x00, 8),
        (0, 0x03, 1),
        (0, 0x04, 7),
        (0, 0x06, 33),
        (0, 0x06, 19),
        (0, 0x07, 129),
        (0, 0x6f, 1),
        (0, 0x50, 0xff),
        (0, 0xcf, 1),
        (1, 0x06, 1),
        (1, 0x07, 1),
    ] {
        let error = error_with(|data| data[field(index, offset)] = byte);
        assert_eq!(error, VerdictError::Component(index), "at {offset:#x}");
    }
}
