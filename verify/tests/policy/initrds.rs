//! What a policy says of initrds, and what these may hold.

use super::*;

#[test]
fn an_initrd_is_accepted_from_the_sources_that_the_policy_names() {
    let free = Build::signed().initrd(FIRST);
    let signed = Build::signed().initrd(FIRST).signature(1, FIRST);
    let listing = |lines: &[String]| {
        Build::signed()
            .initrd(FIRST)
            .signed_manifest(&manifest(lines))
    };
    let listed = listing(&[line("kernel", &signed_kernel()), line("initrd", FIRST)]);
    // Such a manifest says of an initrd no more than a signature of its own does.
    let alone = listing(&[line("initrd", FIRST)]);
    let not = Err((Component::Initrd(0), "not-accepted"));
    let unbound = Err((Component::Initrd(0), "manifest-without-kernel"));
    for (accepted, of_free, of_signed, of_listed, of_alone) in [
        (7, Ok(()), Ok(()), Ok(()), Ok(())),
        (6, not, Ok(()), Ok(()), Ok(())),
        (5, Ok(()), not, Ok(()), Ok(())),
        (4, not, not, Ok(()), unbound),
        (0, not, not, not, not),
    ] {
        let compact = accepting([0x7f, accepted, 5, 0]);
        assert_eq!(verdict(&compact, &free, b""), of_free, "{accepted}");
        assert_eq!(verdict(&compact, &signed, b""), of_signed, "{accepted}");
        assert_eq!(verdict(&compact, &listed, b""), of_listed, "{accepted}");
        assert_eq!(verdict(&compact, &alone, b""), of_alone, "{accepted}");
    }
}

#[test]
fn an_initrd_is_there_where_the_policy_wants_them_vouched_for() {
    let none = Err((Component::Initrd(0), "no-initrd"));
    for (accepted, expected) in [(7, Ok(())), (1, Ok(())), (6, none), (2, none), (0, none)] {
        let compact = accepting([0x7f, accepted, 5, 0]);
        assert_eq!(verdict(&compact, &Build::signed(), b""), expected);
    }
    let signed_only = accepting([0x7f, 6, 5, 0]);
    let listed = Build::bare().signed_manifest(&of_kernel());
    assert_eq!(verdict(&signed_only, &listed, b""), Ok(()));
    let kernel = small_image();
    let mut forge = Forge::new(&signer());
    forge.image = pe_image(&[(".linux", &kernel)]);
    forge.content = indirect_data(SHA256, &authenticode(&forge.image));
    let uki = forge.build();
    let uki = Build::kernel(&uki, authenticode(&uki));
    assert_eq!(verdict(&signed_only, &uki, b""), Ok(()));
}

#[test]
fn a_crash_has_its_own_rules_for_leaving_the_initrd_out() {
    let (free, strict) = (rules(ALL, "", &[]), rules([0x7f, 6, 5, 0], "", &[]));
    let none = Err((Component::Initrd(0), "no-initrd"));
    let crash = Build::signed().crash();
    for (load_types, normally, in_a_crash) in [
        ([&free, &strict], Ok(()), none),
        ([&strict, &free], none, Ok(())),
    ] {
        let [normal, crash_alone] = load_types;
        let compact = policy("", "", [normal, crash_alone], &[]);
        assert_eq!(verdict(&compact, &Build::signed(), b""), normally);
        let line = b"elfcorehdr=0x1000";
        assert_eq!(verdict(&compact, &crash, line), in_a_crash);
    }
}

#[test]
fn of_two_ways_to_vouch_for_an_initrd_one_that_is_accepted_suffices() {
    let text = manifest(&[line("kernel", &signed_kernel()), line("initrd", FIRST)]);
    let both_ways = Build::signed()
        .initrd(FIRST)
        .manifest(&text)
        .signature(1, FIRST)
        .signature(2, text.as_bytes());
    for accepted in [2, 4, 6] {
        let compact = accepting([0x7f, accepted, 5, 0]);
        assert_eq!(verdict(&compact, &both_ways, b""), Ok(()), "{accepted}");
    }
}

#[test]
fn an_unsigned_initrd_may_not_hide_parameters_in_its_end() {
    let stock = Policy::stock();
    let hidden = Err((Component::Initrd(0), "hidden-bootconfig"));
    // Linux passes over up to three bytes at the end, whatever they are.
    for after in ["", "\0", "\0\0\0", "X", "XY", "XYZ", "\nX", "\0X", "X\0"] {
        let initrd = format!("070701 kernel.init=/x#BOOTCONFIG\n{after}").into_bytes();
        let free = Build::signed().initrd(&initrd);
        assert_eq!(verdict(stock.as_bytes(), &free, b""), hidden);
        let signed = Build::signed().initrd(&initrd).signature(1, &initrd);
        assert_eq!(verdict(stock.as_bytes(), &signed, b""), Ok(()));
        let anything = accepting(ALL);
        assert_eq!(verdict(&anything, &free, b""), Ok(()));
    }
    let inside = Build::signed().initrd(b"#BOOTCONFIG\nmore");
    assert_eq!(verdict(stock.as_bytes(), &inside, b""), Ok(()));
}

#[test]
fn two_initrds_may_not_hide_parameters_in_the_end_of_both() {
    let stock = Policy::stock();
    let said = |initrds: &[&[u8]]| {
        let build = initrds
            .iter()
            .fold(Build::signed(), |build, it| build.initrd(it));
        verdict(stock.as_bytes(), &build, b"")
    };
    let hidden = |index| Err((Component::Initrd(index), "hidden-bootconfig"));
    assert_eq!(said(&[b"cpio#BOO", b"TCONFIG\n"]), hidden(1));
    assert_eq!(said(&[b"cpio#BOO", b"TCON", b"FIG\n", b"\0\0"]), hidden(3));
    assert_eq!(said(&[b"cpio#BOO", b"TCONFIG\nXYZ"]), hidden(1));
    assert_eq!(said(&[b"cpio#BOO", b"TCONFIG\n", b"XYZ"]), hidden(2));
    // Zeros come between, or what Linux looks at is something else.
    assert_eq!(said(&[b"cpio #BOO", b"TCONFIG\n"]), Ok(()));
    assert_eq!(said(&[b"cpio#BOO", b"TCONFIG\n", b"more"]), Ok(()));
    assert_eq!(said(&[]), Ok(()));
}

#[test]
fn acpi_tables_in_an_initrd_must_be_vouched_for_whatever_the_policy() {
    let table = file("kernel/firmware/acpi/ssdt.aml", b"SSDT");
    let microcode = file("kernel/x86/microcode/AuthenticAMD.bin", b"microcode");
    let free = Build::signed().initrd(&table);
    let signed = Build::signed().initrd(&table).signature(1, &table);
    let listed = Build::bare().initrd(&table).signed_manifest(&manifest(&[
        line("kernel", &small_image()),
        line("initrd", &table),
    ]));
    let anything = accepting(ALL);
    for policy in [Policy::stock().as_bytes(), &anything] {
        let refused = Err((Component::Initrd(0), "acpi-tables"));
        assert_eq!(verdict(policy, &free, b""), refused);
        assert_eq!(verdict(policy, &signed, b""), Ok(()));
        assert_eq!(verdict(policy, &listed, b""), Ok(()));
        let free = Build::signed().initrd(&microcode);
        assert_eq!(verdict(policy, &free, b""), Ok(()));
    }
}
