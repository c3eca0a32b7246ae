use super::*;
use crate::samples::{appended, with};

fn error_with(change: impl FnOnce(&mut Vec<u8>)) -> AppendedError {
    split(&with(&appended(), change)).unwrap_err()
}

/// The offset of a field of `struct module_signature` in [`appended`].
fn field(offset: usize) -> usize {
    appended().len() - TRAILER_LEN + offset
}

#[test]
fn splits_what_was_signed_from_its_signature() {
    let file = appended();
    let parts = split(&file).unwrap().unwrap();
    assert_eq!(parts.data, b"what is signed");
    assert_eq!(parts.signature, [0x30, 3, 2, 1, 1]);
}

#[test]
fn writes_the_trailer_that_the_kernel_reads() {
    let mut expected = vec![0, 0, 2, 0, 0, 0, 0, 0, 0, 0x01, 0x02, 0x03];
    expected.extend(b"~Module signature appended~\n");
    assert_eq!(trailer(0x1_0203).to_vec(), expected);
}

#[test]
fn finds_no_signature_in_a_file_without_the_last_line() {
    let file = appended();
    assert_eq!(split(b""), Ok(None));
    assert_eq!(split(&file[..file.len() - 1]), Ok(None));
    let longer = with(&file, |file| file.push(b'\n'));
    assert_eq!(split(&longer), Ok(None));
    let other = with(&file, |file| file[field(13)] = b'm');
    assert_eq!(split(&other), Ok(None));
}

#[test]
fn takes_the_last_of_two_signatures() {
    let twice = [&appended()[..], &[0x31, 0x32], &trailer(2)].concat();
    let outer = split(&twice).unwrap().unwrap();
    assert_eq!(outer.data, appended());
    assert_eq!(outer.signature, [0x31, 0x32]);
}

#[test]
fn refuses_a_last_line_with_too_little_before_it() {
    let file = appended();
    for kept in 28..40 {
        let end = &file[file.len() - kept..];
        assert_eq!(split(end), Err(AppendedError::TooShort), "{kept} bytes");
    }
}

#[test]
fn refuses_other_kinds_of_signature() {
    for kind in [0, 1, 3, 255] {
        let error = error_with(|file| file[field(2)] = kind);
        assert_eq!(error, AppendedError::IdentifierKind(kind));
    }
}

#[test]
fn refuses_fields_that_should_be_zero() {
    for offset in [0, 1, 3, 4, 5, 6, 7] {
        let error = error_with(|file| file[field(offset)] = 1);
        assert_eq!(error, AppendedError::Reserved, "at {offset}");
    }
}

#[test]
fn refuses_a_signature_of_nothing_or_of_everything_or_more() {
    for len in [0, 19, 20, 0x0500_0000, u32::MAX] {
        let error = error_with(|file| {
            let begin = field(8);
            file[begin..begin + 4].copy_from_slice(&len.to_be_bytes());
        });
        assert_eq!(error, AppendedError::Length(len));
    }
}

#[test]
fn refuses_every_truncation_from_the_front_that_eats_the_data() {
    let file = appended();
    for cut in 0..file.len() {
        let is_ok = split(&file[cut..]).is_ok_and(|parts| parts.is_some());
        assert_eq!(is_ok, cut < b"what is signed".len(), "{cut} bytes cut");
    }
}
