//! A compact policy that is read can be asked everything, and says the same each time.
#![no_main]

use baton_formats::cmdline::parameters;
use baton_formats::policy::{MAX_REFUSAL_DELAY, Policy};
use libfuzzer_sys::fuzz_target;

const LINE: &[u8] = b"init=/bin/sh quiet lsm=a,lockdown mem=4G \"a=b c\" -- x";

fuzz_target!(|bytes: &[u8]| {
    let Ok(policy) = Policy::parse(bytes) else {
        return;
    };
    assert!(policy.refusal.delay_seconds <= MAX_REFUSAL_DELAY);
    assert_eq!(policy.as_bytes(), bytes);
    for rules in [policy.rules(false), policy.rules(true)] {
        for rule in rules.parameters() {
            assert!(!rule.name.is_empty());
            parameters(LINE).filter(|it| rule.is_about(it)).count();
        }
    }
    for scope in policy.scopes() {
        assert!(scope.purposes != 0);
    }
    assert_eq!(Policy::parse(bytes), Ok(policy));
});
