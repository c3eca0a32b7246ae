use super::*;
use baton_sys::kexec_state::KexecState;
use baton_sys::limits::Limits;
use baton_verify::Reason;

const NORMAL: Request = Request {
    crash: false,
    cmdline_len: 100,
    free: None,
};
const CRASH: Request = Request {
    crash: true,
    cmdline_len: 100,
    free: None,
};

fn machine() -> Machine {
    Machine {
        may_boot: true,
        state: Some(KexecState {
            crash_size: 256 << 20,
            ..KexecState::default()
        }),
        enforced_by: Some("lockdown"),
        memory: Some(2 << 30),
        ..Machine::default()
    }
}

fn relaxed() -> Machine {
    Machine {
        enforced_by: None,
        ..machine()
    }
}

fn image(verdict: KernelVerdict) -> Loadable {
    Loadable {
        header: Ok(Header {
            cmdline_size: 2047,
            init_size: 64 << 20,
            xloadflags: 0x7f,
        }),
        verdict,
        payload_len: 32 << 20,
        further_len: 0,
    }
}

fn trusted() -> Loadable {
    image(KernelVerdict::Vouches { by: "CA".into() })
}

fn unsigned() -> Loadable {
    image(KernelVerdict::Refuses(Reason::Unsigned))
}

fn kernel(machine: &Machine, image: &Loadable) -> Result<Route> {
    direct_route(machine, NORMAL, image, Component::Kernel)
}

fn refusal() -> Refusal {
    Refusal::new(Component::Kernel, Reason::RevokedImage { list: ".dbx" })
}

fn through_gate(
    machine: &Machine,
    request: Request,
    gate: &Loadable,
    handover: std::result::Result<String, Refusal>,
) -> Result<(Route, ())> {
    gate_route(machine, request, gate, handover.map(|by| (by, ())))
}

fn no_gate() -> Result<(Route, ())> {
    Err(LoadError::NoGate {
        places: vec!["gate".into()],
    }
    .into())
}

#[test]
fn a_machine_that_can_load_is_not_in_the_way() {
    assert!(check_machine(&machine(), NORMAL).is_ok());
    assert!(check_machine(&machine(), CRASH).is_ok());
}

#[test]
fn each_obstacle_of_the_machine_has_its_reason() {
    let reason = |machine: Machine, request| check_machine(&machine, request).unwrap_err().code();
    let m = || machine();
    let limits = |limits| Machine {
        limits,
        ..machine()
    };
    assert_eq!(
        reason(
            Machine {
                may_boot: false,
                ..m()
            },
            NORMAL
        ),
        (Exit::NotPermitted, "no-capability")
    );
    assert_eq!(
        reason(Machine { state: None, ..m() }, NORMAL),
        (Exit::Unsupported, "no-kexec")
    );
    assert_eq!(
        reason(
            limits(Limits {
                disabled: true,
                ..Limits::default()
            }),
            NORMAL
        ),
        (Exit::NotPermitted, "load-disabled")
    );
    let no_panic_loads = Limits {
        panic_left: Some(0),
        ..Limits::default()
    };
    assert_eq!(
        reason(limits(no_panic_loads), CRASH),
        (Exit::NotPermitted, "load-limit")
    );
    let said = check_machine(&limits(no_panic_loads), CRASH).unwrap_err();
    assert!(said.to_string().contains("kexec_load_limit_panic is 0"));
    assert!(check_machine(&limits(no_panic_loads), NORMAL).is_ok());
    let no_region = Machine {
        state: Some(KexecState::default()),
        ..m()
    };
    assert_eq!(reason(no_region, CRASH), (Exit::NoRoom, "no-crash-region"));
}

#[test]
fn direct_kexec_is_taken_where_the_kernel_vouches() {
    let plan = choose(
        Via::Auto,
        || kernel(&machine(), &trusted()),
        || -> Result<(Route, ())> { panic!("the gate needn't be looked at") },
    )
    .unwrap();
    assert!(plan.gate.is_none());
    assert_eq!(plan.route.vouched.as_deref(), Some("CA"));
}

#[test]
fn the_gate_is_taken_where_only_the_gate_vouches() {
    let plan = choose(
        Via::Auto,
        || kernel(&machine(), &unsigned()),
        || through_gate(&machine(), NORMAL, &trusted(), Ok("owner".into())),
    )
    .unwrap();
    assert!(plan.gate.is_some());
    assert_eq!(plan.route.vouched.as_deref(), Some("owner"));
}

#[test]
fn where_nobody_vouches_both_reasons_are_given() {
    let failure = choose(
        Via::Auto,
        || kernel(&machine(), &unsigned()),
        || through_gate(&machine(), NORMAL, &trusted(), Err(refusal())),
    )
    .unwrap_err();
    assert_eq!(failure.exit(), Exit::Untrusted);
    assert!(failure.to_string().contains(&Reason::Unsigned.to_string()));
    assert!(
        failure
            .to_string()
            .contains("its digest is revoked by .dbx")
    );
    assert!(!failure.to_string().contains('\n'));
}

#[test]
fn without_a_gate_the_kernels_reason_decides_the_exit_code() {
    let failure = choose(Via::Auto, || kernel(&machine(), &unsigned()), no_gate).unwrap_err();
    assert_eq!(
        (failure.exit(), failure.word()),
        (Exit::Untrusted, "unsigned")
    );
}

#[test]
fn a_machine_that_does_not_insist_loads_the_unsigned_and_says_so() {
    let plan = choose(Via::Auto, || kernel(&relaxed(), &unsigned()), no_gate).unwrap();
    assert!(plan.gate.is_none());
    assert_eq!(plan.route.vouched, None);
    assert!(plan.route.notes[0].contains("doesn't enforce signatures"));
}

#[test]
fn even_there_a_gate_that_vouches_is_preferred() {
    let plan = choose(
        Via::Auto,
        || kernel(&relaxed(), &unsigned()),
        || through_gate(&relaxed(), NORMAL, &trusted(), Ok("owner".into())),
    )
    .unwrap();
    assert!(plan.gate.is_some());
}

#[test]
fn an_altered_image_is_not_loaded_unverified_by_auto() {
    let altered = image(KernelVerdict::Refuses(Reason::DigestMismatch {
        expected: "aa".into(),
        found: "bb".into(),
    }));
    let failure = choose(Via::Auto, || kernel(&relaxed(), &altered), no_gate).unwrap_err();
    assert_eq!(failure.word(), "digest-mismatch");
    assert!(choose(Via::Kernel, || kernel(&relaxed(), &altered), no_gate).is_ok());
}

#[test]
fn an_untrusted_gate_is_refused_as_the_gate() {
    let failure =
        gate_route(&machine(), NORMAL, &unsigned(), Ok(("owner".into(), ()))).unwrap_err();
    assert!(
        failure.to_string().starts_with("gate refused: "),
        "{failure}"
    );
    assert_eq!(failure.exit(), Exit::Untrusted);
}

#[test]
fn the_gate_never_takes_what_it_would_not_verify_even_where_the_kernel_does_not_insist() {
    let failure = through_gate(&relaxed(), NORMAL, &unsigned(), Err(refusal())).unwrap_err();
    assert_eq!(failure.word(), "revoked-image");
}

#[test]
fn where_no_mok_is_read_enrolling_one_is_not_the_advice() {
    let unknown = || Reason::SignerNotFound {
        certificate: "of \"S\"".into(),
        tried: "none".into(),
    };
    let machine = |runtime_services| Machine {
        efi: true,
        runtime_services,
        ..machine()
    };
    let image = || image(KernelVerdict::Refuses(unknown()));
    let failure = kernel(&machine(false), &image()).unwrap_err();
    assert!(
        failure.to_string().ends_with("boot it with efi=runtime"),
        "{failure}"
    );
    let failure = kernel(&machine(true), &image()).unwrap_err();
    assert!(!failure.to_string().contains("efi=runtime"), "{failure}");
    let handover = Err(Refusal::new(Component::Kernel, unknown()));
    let failure = through_gate(&machine(false), NORMAL, &trusted(), handover).unwrap_err();
    assert!(
        failure.to_string().ends_with("boot it with efi=runtime"),
        "{failure}"
    );
}

#[test]
fn a_gate_that_is_sure_goes_before_a_kernel_of_which_nothing_is_known() {
    let unknown = || kernel(&machine(), &image(KernelVerdict::Unknown));
    let gate = || through_gate(&machine(), NORMAL, &trusted(), Ok("owner".into()));
    assert!(choose(Via::Auto, unknown, gate).unwrap().gate.is_some());
    // Of a signer that the gate doesn't know the kernel may know more.
    for unsure in [
        Reason::Unsigned,
        Reason::SignerNotFound {
            certificate: "of \"S\"".into(),
            tried: "none".into(),
        },
    ] {
        let unsure = Refusal::new(Component::Kernel, unsure);
        let refused = || through_gate(&machine(), NORMAL, &trusted(), Err(unsure));
        assert!(choose(Via::Auto, unknown, refused).unwrap().gate.is_none());
    }
}

#[test]
fn what_the_gate_finds_revoked_altered_or_against_its_policy_goes_no_other_route() {
    let found = || {
        [
            Reason::RevokedImage { list: ".dbx" },
            Reason::RevokedCertificate {
                subject: "S".into(),
                certificate: "S".into(),
                list: "MokListX",
            },
            Reason::DigestMismatch {
                expected: "aa".into(),
                found: "bb".into(),
            },
            Reason::ParameterDenied("init=/bin/sh".into()),
            Reason::LosesEfi,
        ]
    };
    let unknown = || kernel(&machine(), &image(KernelVerdict::Unknown));
    let unsigned = || kernel(&relaxed(), &unsigned());
    for (with_keyrings, reason) in [false, true]
        .into_iter()
        .flat_map(|it| found().map(|reason| (it, reason)))
    {
        let code = reason.code();
        let refusal = Refusal::new(Component::Kernel, reason);
        let gate = || through_gate(&relaxed(), NORMAL, &trusted(), Err(refusal));
        let chosen = if with_keyrings {
            choose(Via::Auto, unsigned, gate)
        } else {
            choose(Via::Auto, unknown, gate)
        };
        let failure = chosen.expect_err(code);
        assert_eq!((failure.exit(), failure.word()), (Exit::Untrusted, code));
        assert!(!failure.to_string().contains('\n'), "{failure}");
    }
}

#[test]
fn a_gate_that_is_not_for_this_machine_stands_in_no_other_routes_way() {
    let no_secure_boot = Refusal::new(Component::BootParams, Reason::SecureBootNotOn);
    let gate = || through_gate(&relaxed(), NORMAL, &trusted(), Err(no_secure_boot));
    let plan = choose(Via::Auto, || kernel(&relaxed(), &unsigned()), gate).unwrap();
    assert!(plan.gate.is_none());
}

#[test]
fn unreadable_keyrings_leave_the_verdict_to_the_kernel() {
    let route = kernel(&machine(), &image(KernelVerdict::Unknown)).unwrap();
    assert!(route.notes[0].contains("can't be read"));
}

#[test]
fn the_command_line_leaves_room_for_the_kernels_own() {
    let at = |len| {
        direct_route(
            &machine(),
            Request {
                crash: false,
                cmdline_len: len,
                free: None,
            },
            &trusted(),
            Component::Kernel,
        )
    };
    assert!(at(2047 - 31).is_ok());
    let failure = at(2047 - 30).unwrap_err();
    assert_eq!(
        (failure.exit(), failure.word()),
        (Exit::Malformed, "command-line-too-long")
    );
}

#[test]
fn five_level_paging_needs_a_kernel_that_knows_it() {
    let machine = Machine {
        five_level: true,
        ..machine()
    };
    assert!(kernel(&machine, &trusted()).is_ok());
    let mut old = trusted();
    old.header = Ok(Header {
        cmdline_size: 2047,
        init_size: 1,
        xloadflags: 0x1f,
    });
    assert_eq!(kernel(&machine, &old).unwrap_err().word(), "no-5level");
}

#[test]
fn half_of_the_memory_is_the_limit() {
    let mut large = trusted();
    large.payload_len = (1 << 30) - (64 << 20);
    assert!(kernel(&machine(), &large).is_ok());
    large.payload_len += 1;
    let failure = kernel(&machine(), &large).unwrap_err();
    assert_eq!(failure.exit(), Exit::NoRoom);
}

fn payload(len: u64) -> Payload {
    Payload { len, is_made: true }
}

#[test]
fn what_the_kernel_does_not_read_is_refused_by_the_limit_of_its_release() {
    let header = trusted().header;
    let check = |limit, len| {
        let machine = Machine {
            largest_file: Some(limit),
            memory: None,
            ..machine()
        };
        check_payload(&machine, NORMAL, &header, payload(len))
    };
    assert!(check(4 << 30, 4 << 30).is_ok());
    let failure = check(4 << 30, (4 << 30) + 1).unwrap_err();
    assert_eq!(failure.exit(), Exit::NoRoom);
    let words = "no room: the kernel reads at most 4 GiB (2 GiB on older ones)";
    assert!(failure.to_string().starts_with(words), "{failure}");
    let failure = check((2 << 30) - 1, 2 << 30).unwrap_err();
    assert!(
        failure
            .to_string()
            .contains("at most 2 GiB (4 GiB since Linux 6.0)"),
        "{failure}"
    );
}

#[test]
fn what_does_not_fit_into_memory_is_refused_before_it_is_put_together() {
    let header = trusted().header;
    let check = |request, free: u64, len| {
        let request = Request {
            free: Some(free),
            ..request
        };
        check_payload(&machine(), request, &header, payload(len)).map_err(|failure| failure.exit())
    };
    let mib = |n: u64| n << 20;
    // In Baton's memory, in the kernel's buffer, and where it will lie.
    assert_eq!(check(NORMAL, mib(300), mib(100)), Ok(()));
    assert_eq!(check(NORMAL, mib(299), mib(100)), Err(Exit::NoRoom));
    // Where it will lie is reserved.
    assert_eq!(check(CRASH, mib(200), mib(100)), Ok(()));
    assert_eq!(check(CRASH, mib(199), mib(100)), Err(Exit::NoRoom));
    assert_eq!(
        check(NORMAL, mib(9000), mib(1000)),
        Err(Exit::NoRoom),
        "over half"
    );
}

#[test]
fn a_crash_load_must_fit_the_reserved_memory() {
    let mut gate = trusted();
    gate.further_len = (160 << 20) - CRASH_RESERVE;
    let route = |gate: &Loadable| through_gate(&machine(), CRASH, gate, Ok("owner".into()));
    assert!(route(&gate).is_ok());
    gate.further_len += 1;
    assert_eq!(route(&gate).unwrap_err().word(), "no-room");
}

#[test]
fn what_the_kernel_revoked_does_not_go_through_the_gate() {
    let revoked = Reason::RevokedCertificate {
        subject: "S".into(),
        certificate: "S".into(),
        list: "MokListX",
    };
    let failure = choose(
        Via::Auto,
        || Err(Refusal::new(Component::Kernel, revoked).into()),
        || -> Result<(Route, ())> { panic!("the gate needn't be looked at") },
    )
    .unwrap_err();
    assert_eq!(failure.word(), "revoked-certificate");
}
