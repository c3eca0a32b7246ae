//! Lists and levels that are malformed.

use super::*;

fn error(lists: &Lists<'_>) -> TrustError {
    Trust::of(lists).map(|_| ()).expect_err("malformed")
}

#[test]
fn lists_refuse_everything_in_the_name_of_the_list() {
    let list = signature_list(&SHA256, &[&[1; 32]]);
    for len in 1..list.len() {
        let cut = &list[..len];
        for (lists, component, code, name) in [
            (
                Lists {
                    mok_revocations: cut,
                    ..Lists::default()
                },
                Component::FirmwareTables,
                "bad-mok-revocations",
                "MokListXRT: ",
            ),
            (
                Lists {
                    mok_list: cut,
                    ..Lists::default()
                },
                Component::FirmwareTables,
                "bad-mok-list",
                "MokListRT: ",
            ),
            (
                Lists {
                    gate_revocations: cut,
                    ..Lists::default()
                },
                Component::Gate,
                "bad-gate-revocations",
                ".dbx: ",
            ),
        ] {
            assert_eq!(refused(&Build::signed(), b"", &lists), (component, code));
            assert!(error(&lists).to_string().starts_with(name), "{len}");
        }
    }
}

#[test]
fn levels_refuse_everything_in_the_name_of_whose_they_are() {
    for level in [
        &b""[..],
        b"\0",
        b"shim,4\n",
        b"sbat,2,2025051000\n",
        b"sbat,1,2025051000\nshim\n",
        b"sbat,1,2025051000\nshim,four\n",
        b"sbat,1,today\n",
    ] {
        let refusal = refused(&Build::signed(), b"", &at_level(level));
        assert_eq!(refusal, (Component::FirmwareTables, "bad-sbat-level"));
        let words = error(&at_level(level)).to_string();
        assert!(words.starts_with("SbatLevelRT: "), "{words}");

        // An empty one of a policy asks for nothing.
        if level.is_empty() {
            continue;
        }
        let own = asking_for(std::str::from_utf8(level).expect("text"));
        let own = Lists {
            policy: Policy::parse(&own).expect("well-formed"),
            ..Lists::default()
        };
        let refusal = refused(&Build::signed(), b"", &own);
        assert_eq!(refusal, (Component::Gate, "bad-sbat-level"));
    }
}

#[test]
fn the_firmwares_own_list_is_named_too() {
    let trust = Trust::new().add_revocations(b"short", RevocationSource::Firmware);
    let error = trust.map(|_| ()).unwrap_err();
    assert_eq!(error.code(), "bad-dbx");
    assert!(error.to_string().contains("the firmware's dbx"), "{error}");
}

#[test]
fn what_is_there_is_listed() {
    let lists = [
        signature_list(&X509, &[&authority()]),
        signature_list(&SHA256, &[&[1; 32], &[2; 32]]),
        signature_list(&[0x26; 16], &[&[1; 20]]),
    ]
    .concat();
    let trust = Trust::of(&Lists {
        gate_revocations: &lists,
        mok_revocations: &lists,
        dbx: &lists,
        sbat_level: Some(LEVEL),
        ..Lists::default()
    })
    .expect("well-formed");
    let sources: Vec<_> = trust.revocation_lists().map(|(_, from)| from).collect();
    assert_eq!(
        sources,
        [
            RevocationSource::Gate,
            RevocationSource::MokListX,
            RevocationSource::Firmware
        ]
    );
    assert_eq!(trust.sbat_levels().count(), 1);
}
