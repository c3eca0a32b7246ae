//! What there is to do on which machine, as a table.

use super::plan::{Gate, Key, Memory, Plan, Situation, Step, Wanted, make};
use crate::keys::request::Enrollment;

/// Locked down, booted by shim, with the package installed and nothing set up.
fn fresh() -> Situation {
    Situation {
        enforced: true,
        no_mokmanager: None,
        no_mok: None,
        key: Key::Missing,
        gate: Gate::Missing,
        has_stub: true,
        disabled_units: vec!["baton-boot-count.service"],
        enabled_units: vec![],
        memory: Memory::Reserved(256 << 20),
        is_loaded: false,
        no_load: None,
    }
}

fn key(enrollment: Enrollment, is_accepted: bool) -> Key {
    Key::Present {
        name: "Ours".into(),
        enrollment,
        is_accepted,
        revoked_by: None,
    }
}

fn gate(is_accepted: bool, is_outdated: bool, by_key: bool) -> Gate {
    Gate::Present {
        path: "gate.efi".into(),
        is_accepted,
        is_outdated,
        by_key,
        revoked: None,
    }
}

/// After the first run, before the reboot.
fn requested() -> Situation {
    Situation {
        key: key(Enrollment::Requested, false),
        gate: gate(false, false, true),
        disabled_units: vec![],
        enabled_units: vec!["baton-boot-count.service"],
        ..fresh()
    }
}

/// After the key was confirmed.
fn enrolled() -> Situation {
    Situation {
        key: key(Enrollment::Done, true),
        gate: gate(true, false, true),
        ..requested()
    }
}

fn words(plan: &Plan) -> Vec<&'static str> {
    plan.steps.iter().map(Step::word).collect()
}

/// What the machine is like, the steps, and what a person has to do, by a word of it.
type Row = (
    &'static str,
    Situation,
    &'static [&'static str],
    &'static [&'static str],
);

#[test]
fn each_machine_gets_the_steps_that_it_lacks_and_no_others() {
    let rows: Vec<Row> = vec![
        (
            "nothing is set up",
            fresh(),
            &["make-key", "build-gate", "enroll", "enable"],
            &["(`baton exec --real-reboot`), and confirm the key"],
        ),
        (
            "a key is there, and not enrolled",
            Situation {
                key: key(Enrollment::No, false),
                ..fresh()
            },
            &["build-gate", "enroll", "enable"],
            &["(`baton exec --real-reboot`), and confirm the key"],
        ),
        (
            "the key waits for MokManager",
            requested(),
            &[],
            &["(`baton exec --real-reboot`), and confirm the key"],
        ),
        ("the key was confirmed", enrolled(), &["load"], &[]),
        (
            "all is done",
            Situation {
                is_loaded: true,
                ..enrolled()
            },
            &[],
            &[],
        ),
        (
            "MokManager timed out, and the request is gone",
            Situation {
                key: key(Enrollment::No, false),
                ..requested()
            },
            &["enroll"],
            &["(`baton exec --real-reboot`), and confirm the key"],
        ),
        (
            "the kernel accepts the key already, as one in db",
            Situation {
                key: key(Enrollment::Done, true),
                ..fresh()
            },
            &["build-gate", "load", "enable"],
            &[],
        ),
        (
            "the package brought another stub",
            Situation {
                gate: gate(true, true, true),
                is_loaded: true,
                ..enrolled()
            },
            &["build-gate"],
            &[],
        ),
        (
            "the distribution's own gate is accepted: no key is needed",
            Situation {
                gate: gate(true, false, false),
                ..fresh()
            },
            &["load", "enable"],
            &[],
        ),
        (
            "the distribution's own gate isn't accepted",
            Situation {
                gate: gate(false, false, false),
                ..fresh()
            },
            &["make-key", "build-gate", "enroll", "enable"],
            &["(`baton exec --real-reboot`), and confirm the key"],
        ),
        (
            "what lies in the gate's place isn't one",
            Situation {
                gate: Gate::Unreadable,
                ..enrolled()
            },
            &["build-gate", "load"],
            &[],
        ),
        (
            "there is no stub",
            Situation {
                has_stub: false,
                ..fresh()
            },
            &["make-key", "enable"],
            &["gate.stub"],
        ),
        (
            "the key isn't whole",
            Situation {
                key: Key::Incomplete("mok.key".into()),
                ..fresh()
            },
            &["enable"],
            &["mok.key is there without the rest"],
        ),
        (
            "the key was revoked",
            Situation {
                key: Key::Present {
                    name: "Ours".into(),
                    enrollment: Enrollment::Done,
                    is_accepted: false,
                    revoked_by: Some("MokListXRT"),
                },
                gate: gate(false, false, true),
                ..requested()
            },
            &[],
            &["revoked by MokListXRT"],
        ),
        (
            "the gate is below the SBAT level, and so is the stub",
            Situation {
                gate: Gate::Present {
                    path: "gate.efi".into(),
                    is_accepted: false,
                    is_outdated: false,
                    by_key: true,
                    revoked: Some("SBAT".into()),
                },
                ..enrolled()
            },
            &[],
            &["newer release"],
        ),
        (
            "shim didn't start the machine",
            Situation {
                no_mokmanager: Some("no shim".into()),
                ..fresh()
            },
            &["make-key", "build-gate", "enable"],
            &["no shim"],
        ),
        (
            "the key is enrolled, and the kernel knows no MOKs",
            Situation {
                key: key(Enrollment::Done, false),
                gate: gate(false, false, true),
                no_mok: Some("real time"),
                ..requested()
            },
            &[],
            &["efi=runtime"],
        ),
        (
            "the key is enrolled, and the kernel left it out",
            Situation {
                key: key(Enrollment::Done, false),
                gate: gate(false, false, true),
                ..requested()
            },
            &[],
            &["baton keys list"],
        ),
        (
            "the kernel has no kexec",
            Situation {
                no_load: Some("no kexec".into()),
                ..enrolled()
            },
            &[],
            &["no kexec"],
        ),
        (
            "nothing enforces signatures",
            Situation {
                enforced: false,
                ..fresh()
            },
            &["load", "enable"],
            &[],
        ),
        (
            "memory is reserved from the next boot on",
            Situation {
                memory: Memory::AtNextBoot("/etc/default/grub".into()),
                ..enrolled()
            },
            &["load"],
            &["(`baton exec --real-reboot`): /etc/default/grub"],
        ),
    ];
    for (what, situation, steps, waits) in rows {
        let plan = make(&situation, &Wanted::default());
        assert_eq!(words(&plan), steps, "{what}: {plan:?}");
        assert_eq!(plan.waits.len(), waits.len(), "{what}: {plan:?}");
        for (wait, word) in plan.waits.iter().zip(waits) {
            assert!(wait.contains(word), "{what}: {wait}");
        }
        assert_eq!(
            plan.is_complete(),
            steps.is_empty() && waits.is_empty(),
            "{what}"
        );
    }
}

#[test]
fn what_is_not_wanted_is_left_out() {
    let none = Wanted {
        no_load: true,
        no_units: true,
        ..Wanted::default()
    };
    assert!(make(&enrolled(), &none).is_complete());
    assert_eq!(
        words(&make(&fresh(), &none)),
        ["make-key", "build-gate", "enroll"]
    );
}

#[test]
fn a_gate_that_is_wanted_anew_is_built_also_where_nothing_enforces_signatures() {
    let wanted = Wanted {
        rebuild: true,
        ..Wanted::default()
    };
    assert_eq!(words(&make(&enrolled(), &wanted)), ["build-gate", "load"]);
    let lenient = Situation {
        enforced: false,
        ..fresh()
    };
    assert_eq!(
        words(&make(&lenient, &wanted)),
        ["make-key", "build-gate", "load", "enable"]
    );
}

#[test]
fn memory_is_reserved_only_where_that_was_asked_for() {
    let without = |can_write| Situation {
        memory: Memory::None {
            can_write,
            advice: "tell the boot loader".into(),
        },
        is_loaded: true,
        ..enrolled()
    };
    let plan = make(&without(true), &Wanted::default());
    assert!(
        plan.is_complete() && plan.notes[0].contains("tell the boot loader"),
        "{plan:?}"
    );
    let wanted = Wanted {
        crashkernel: Some("512M".into()),
        ..Wanted::default()
    };
    let plan = make(&without(true), &wanted);
    assert_eq!(plan.steps, [Step::Reserve("512M".into())]);
    let wait = "restart through the firmware (`baton exec --real-reboot`)";
    assert!(plan.waits[0].starts_with(wait), "{plan:?}");
    // What is loaded is to have the parameter.
    let not_loaded = Situation {
        is_loaded: false,
        ..without(true)
    };
    assert_eq!(words(&make(&not_loaded, &wanted)), ["reserve", "load"]);
    let plan = make(&without(false), &wanted);
    assert!(
        plan.steps.is_empty() && plan.waits[0].contains("tell the boot loader"),
        "{plan:?}"
    );
}

#[test]
fn where_nothing_enforces_signatures_it_is_said_what_that_means() {
    let plan = make(
        &Situation {
            enforced: false,
            ..fresh()
        },
        &Wanted::default(),
    );
    assert!(
        plan.notes[0].contains("require-secure-boot = false"),
        "{plan:?}"
    );
}
