//! The machine's lists and the gate's own, from firmware memory to the refusal; and tables that lie.
#![allow(clippy::cast_possible_truncation)]

use std::sync::OnceLock;

use baton_samples::build::{authenticode, signer};
use baton_samples::forge::{Cert, Forge};
use baton_samples::machine::*;
use baton_samples::small_image::with_sbat;
use baton_samples::{SHA256, X509, signature_list};
use baton_verify::{Component, HashAlgorithm, Lists, Machine, Refusal, Trust, decide};

const X509_SHA256: [u8; 16] = baton_formats::siglist::X509_SHA256_GUID;
const X509_SHA384: [u8; 16] = baton_formats::siglist::X509_SHA384_GUID;
const X509_SHA512: [u8; 16] = baton_formats::siglist::X509_SHA512_GUID;

const LINE: &str = "console=ttyS0";
const METADATA: &[u8] =
    b"sbat,1,SBAT Version,sbat,1,https://example.org/SBAT.md\nlinux,6,Vendor,linux,1,https://example.org/\n";
/// Where an entry's size lies.
const SIZE: usize = 256;
const ENTRY: usize = 264;

fn keys() -> Vec<u8> {
    Cert::ca(1, 1).der()
}

/// Signed, and of generation 6.
fn kernel() -> Vec<u8> {
    static KERNEL: OnceLock<Vec<u8>> = OnceLock::new();
    let make = || Forge::of(with_sbat(&[METADATA]), &signer()).build();
    KERNEL.get_or_init(make).clone()
}

fn table(entries: &[(&str, &[u8])]) -> Vec<u8> {
    let entries = entries.iter().map(|(name, data)| mok_entry(name, data));
    let table: Vec<u8> = entries.flatten().collect();
    [table, vec![0; ENTRY]].concat()
}

fn machine_with(table: Vec<u8>) -> Memory {
    let mut memory = machine(handover(&kernel(), &[b"initrd"]), LINE);
    add_shim(&mut memory, table);
    memory
}

/// What the gate with these revocations says on a machine with this table.
fn verdict(table: Vec<u8>, dbx: &[u8]) -> Result<(), Refusal> {
    let gate = built_gate(&keys(), dbx);
    with_built(&machine_with(table), BOOT_PARAMS, gate, |result| {
        result.map(|_| ())
    })
}

fn code(verdict: Result<(), Refusal>) -> &'static str {
    verdict.map_or_else(|refusal| refusal.reason.code(), |()| "accepted")
}

/// Refused because of the table, in these words.
fn refused_for_table(table: Vec<u8>, words: &str) {
    let refusal = verdict(table, &[]).expect_err("this must be refused");
    assert_eq!(refusal.component, Component::FirmwareTables, "{refusal}");
    assert!(refusal.to_string().contains(words), "{refusal}");
}

/// A digest of the signer's certificate, and a time.
fn tbs(hash: HashAlgorithm) -> Vec<u8> {
    let tbs = signer().tbs();
    let digest = hash.hash([&tbs[..]]);
    [digest.as_bytes(), &[0; 16]].concat()
}

/// Every list that revokes the kernel, and what it is refused for.
fn revocations() -> Vec<(Vec<u8>, &'static str)> {
    let by = |kind, data: &[u8]| signature_list(kind, &[data]);
    let certificate = "revoked-certificate";
    vec![
        (by(&X509, &signer().der()), certificate),
        (by(&X509, &keys()), certificate),
        (by(&X509, &Cert::leaf(2, 9).der()), certificate),
        (by(&X509_SHA256, &tbs(HashAlgorithm::Sha256)), certificate),
        (by(&X509_SHA384, &tbs(HashAlgorithm::Sha384)), certificate),
        (by(&X509_SHA512, &tbs(HashAlgorithm::Sha512)), certificate),
        (by(&SHA256, &authenticode(&kernel())), "revoked-image"),
    ]
}

#[test]
fn without_revocations_the_kernel_is_planned() {
    assert_eq!(code(verdict(table(&[]), &[])), "accepted");
    let harmless = signature_list(&SHA256, &[&[1; 32]]);
    let level = b"sbat,1,2025051000\nshim,4\nlinux,6\n";
    let machine = table(&[("MokListXRT", &harmless), ("SbatLevelRT", level)]);
    assert_eq!(code(verdict(machine, &harmless)), "accepted");
}

#[test]
fn whatever_the_machine_revokes_is_refused() {
    for (list, expected) in revocations() {
        for name in ["MokListXRT", "dbx"] {
            let machine = table(&[("MokListRT", &[]), (name, &list)]);
            assert_eq!(code(verdict(machine, &[])), expected, "{name}");
        }
    }
}

#[test]
fn whatever_the_gate_revokes_is_refused_on_any_machine() {
    for (list, expected) in revocations() {
        assert_eq!(code(verdict(table(&[]), &list)), expected);
        let trusting = table(&[("MokListRT", &x509_list(&keys()))]);
        assert_eq!(code(verdict(trusting, &list)), expected);
    }
}

#[test]
fn a_kernel_below_the_machines_level_is_refused() {
    let machine = table(&[("SbatLevelRT", b"sbat,1,2025051000\nlinux,7\n")]);
    let refusal = verdict(machine, &[]).expect_err("it is of generation 6");
    assert_eq!(refusal.component, Component::Kernel);
    assert_eq!(refusal.reason.code(), "revoked-by-sbat");
    assert!(refusal.to_string().contains("SbatLevelRT"), "{refusal}");
}

#[test]
fn a_gates_own_damaged_list_refuses_everything() {
    let list = signature_list(&SHA256, &[&[1; 32]]);
    for len in 1..list.len() {
        let refusal = verdict(table(&[]), &list[..len]).expect_err("it is cut");
        assert_eq!(refusal.component, Component::Gate, "{len}");
        assert!(refusal.to_string().contains(".dbx"), "{refusal}");
    }
}

#[test]
fn a_damaged_list_of_the_machines_refuses_everything() {
    let list = signature_list(&SHA256, &[&[1; 32]]);
    for len in 1..list.len() {
        for name in ["MokListRT", "MokListXRT"] {
            refused_for_table(table(&[(name, &list[..len])]), name);
        }
    }
    for level in [
        &b"linux,7\n"[..],
        b"\0\0",
        b"sbat,1,2025051000\nlinux,seven\n",
        b"sbat,2,2025051000\n",
    ] {
        refused_for_table(table(&[("SbatLevelRT", level)]), "SbatLevelRT");
    }
    // Nothing is not a level either.
    refused_for_table(table(&[("SbatLevelRT", &[])]), "SbatLevelRT");
}

#[test]
fn a_table_with_a_list_twice_is_refused_whichever_comes_first() {
    let revoking = signature_list(&SHA256, &[&authenticode(&kernel())]);
    let level = b"sbat,1\nlinux,7\n";
    for (name, data) in [
        ("MokListXRT", &revoking[..]),
        ("MokListRT", &x509_list(&keys())),
        ("dbx", &revoking),
        ("SbatLevelRT", level),
    ] {
        let empty = (name, &[][..]);
        for entries in [
            [empty, (name, data)],
            [(name, data), empty],
            [(name, data), (name, data)],
        ] {
            refused_for_table(table(&entries), "has a list twice");
        }
        let between = [(name, data), ("MokListTrustedRT", &[1]), empty];
        refused_for_table(table(&between), "has a list twice");
    }
    // Of what isn't read, nothing is asked.
    let other = table(&[("MokPolicyRT", &[0]), ("MokPolicyRT", &[1])]);
    assert_eq!(code(verdict(other, &[])), "accepted");
}

/// The name is all that tells the lists apart: another one is another variable, as to Linux.
#[test]
fn a_list_of_nearly_the_same_name_is_another_one() {
    let revoking = signature_list(&SHA256, &[&authenticode(&kernel())]);
    for name in ["moklistxrt", "MokListXRT ", "MokListXRT1", "MokListX"] {
        assert_eq!(code(verdict(table(&[(name, &revoking)]), &[])), "accepted");
    }
}

#[test]
fn sizes_that_lie_are_refused() {
    let revoking = signature_list(&SHA256, &[&authenticode(&kernel())]);
    let entries = table(&[("MokListXRT", &revoking)]);
    let after = ENTRY + revoking.len();
    for size in [
        u64::MAX,
        u64::MAX - ENTRY as u64,
        1 << 63,
        17 << 20,
        (revoking.len() + ENTRY + 1) as u64,
        revoking.len() as u64 - 1,
        1,
    ] {
        let mut entries = entries.clone();
        entries[SIZE..SIZE + 8].copy_from_slice(&size.to_le_bytes());
        let refusal = verdict(entries, &[]).expect_err("it lies");
        assert_eq!(refusal.component, Component::FirmwareTables, "{size:#x}");
    }
    // A list that claims to have nothing in it leaves its signatures lying where a name should be.
    let mut empty = entries.clone();
    empty[SIZE..SIZE + 8].fill(0);
    assert_ne!(code(verdict(empty, &[])), "accepted");
    // An end that has data, behind which a list could hide.
    let mut end = entries;
    end[after + SIZE] = 1;
    end.push(0);
    refused_for_table(end, "a MOK table entry is malformed");
}

#[test]
fn a_table_that_does_not_end_is_refused() {
    let whole = table(&[
        ("MokListRT", &x509_list(&keys())),
        ("SbatLevelRT", b"sbat,1"),
    ]);
    for len in 0..whole.len() {
        let refusal = verdict(whole[..len].to_vec(), &[]).expect_err("it is cut");
        assert_eq!(refusal.component, Component::FirmwareTables, "{len}");
    }
    let many: Vec<u8> = (0..65).flat_map(|_| mok_entry("Other", &[])).collect();
    refused_for_table([many, vec![0; ENTRY]].concat(), "too many entries");
}

#[test]
fn names_without_an_end_or_that_are_no_text_are_refused() {
    for name in [&[b'x'; 256][..], b"MokListXRT\xff"] {
        let mut entry = mok_entry("", &[]);
        entry[..name.len()].copy_from_slice(name);
        entry.extend(vec![0; ENTRY]);
        refused_for_table(entry, "a MOK table entry is malformed");
    }
}

/// What preflight says is what the gate says: both make trust of the same lists.
#[test]
fn preflight_and_gate_refuse_in_the_same_words() {
    let level = &b"sbat,1,2025051000\nlinux,7\n"[..];
    let none = &[][..];
    let lists = revocations();
    let revoked = lists.iter().map(|(list, _)| &list[..]);
    let mut cases = vec![(none, level, none), (none, &b"garbage"[..], none)];
    for list in revoked.chain([&b"cut"[..]]) {
        cases.extend([(list, level, none), (none, level, list)]);
    }
    let blob = handover(&kernel(), &[b"initrd"]);
    for (mok_revocations, level, dbx) in cases {
        let keys = keys();
        let trust = Trust::of(&Lists {
            keys: &keys,
            gate_revocations: dbx,
            mok_revocations,
            sbat_level: Some(level),
            ..Lists::default()
        });
        let preflight = trust
            .map_err(Refusal::from)
            .and_then(|trust| decide(&blob, LINE.as_bytes(), Machine::SECURE, &trust).map(|_| ()));
        let machine = table(&[("MokListXRT", mok_revocations), ("SbatLevelRT", level)]);
        let refusal = verdict(machine, dbx).expect_err("each of them revokes");
        assert_eq!(Err(refusal), preflight);
    }
}
