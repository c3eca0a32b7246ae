use super::*;
use crate::samples::{put32, with};

fn error_with(change: impl FnOnce(&mut Vec<u8>)) -> PolicyError {
    Policy::parse(&with(&Policy::default().to_bytes(), change)).unwrap_err()
}

#[test]
fn reads_what_it_wrote() {
    for refusal_action in [RefusalAction::Reset, RefusalAction::Halt] {
        for refusal_delay_seconds in [0, 1, 3600] {
            let policy = Policy {
                refusal_action,
                refusal_delay_seconds,
            };
            assert_eq!(Policy::parse(&policy.to_bytes()), Ok(policy));
        }
    }
}

#[test]
fn resets_after_ten_seconds_unless_told_otherwise() {
    let expected = *b"BPOL\x01\0\0\0\x0a\0\0\0\0\0\0\0";
    assert_eq!(Policy::default().to_bytes(), expected);
}

#[test]
fn refuses_every_other_length() {
    let bytes = [Policy::default().to_bytes(), [0; 16]].concat();
    for len in (0..=32).filter(|&len| len != 16) {
        assert_eq!(Policy::parse(&bytes[..len]), Err(PolicyError::Length(len)));
    }
}

#[test]
fn refuses_what_it_does_not_know() {
    assert_eq!(error_with(|p| p[0] = b'b'), PolicyError::Magic);
    assert_eq!(error_with(|p| p[4] = 2), PolicyError::Version(2));
    assert_eq!(error_with(|p| p[6] = 2), PolicyError::RefusalAction(2));
    for reserved in [7, 12, 15] {
        assert_eq!(error_with(|p| p[reserved] = 1), PolicyError::Reserved);
    }
}

#[test]
fn refuses_a_delay_of_more_than_an_hour() {
    for delay in [3601, u32::MAX] {
        let error = error_with(|p| put32(p, 8, delay));
        assert_eq!(error, PolicyError::RefusalDelay(delay));
    }
}

#[test]
fn never_writes_what_it_would_refuse() {
    let policy = Policy {
        refusal_delay_seconds: u32::MAX,
        ..Policy::default()
    };
    let written = Policy::parse(&policy.to_bytes()).unwrap();
    assert_eq!(written.refusal_delay_seconds, MAX_REFUSAL_DELAY);
}
