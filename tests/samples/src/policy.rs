//! Compact policies, put together byte by byte.

/// A parameter rule.
pub fn rule(action: u8, name: &str, kind: u8, value: &[u8]) -> Vec<u8> {
    let mut rule = vec![action, kind, name.len() as u8, 0];
    rule.extend((value.len() as u16).to_le_bytes());
    rule.extend(name.bytes());
    rule.extend(value);
    rule
}

/// The scope of a key whose digest is all of this byte.
pub fn scope(key: u8, purposes: u8, component: &str, generation: u32) -> Vec<u8> {
    let mut scope = vec![key; 32];
    scope.extend([purposes, component.len() as u8]);
    scope.extend(generation.to_le_bytes());
    scope.extend(component.bytes());
    scope
}

/// Rules for one load type.
pub fn rules(accepted: [u8; 4], forced: &str, parameters: &[Vec<u8>]) -> Vec<u8> {
    let mut rules = accepted.to_vec();
    rules.extend((parameters.len() as u16).to_le_bytes());
    rules.extend((forced.len() as u16).to_le_bytes());
    rules.extend(forced.bytes());
    rules.extend(parameters.concat());
    rules
}

/// A policy of these parts, which wants Secure Boot to be on.
pub fn policy(name: &str, level: &str, rules: [&[u8]; 2], scopes: &[Vec<u8>]) -> Vec<u8> {
    let body = [
        name.as_bytes(),
        level.as_bytes(),
        rules[0],
        rules[1],
        &scopes.concat(),
    ]
    .concat();
    let mut policy = b"BPOL\x03\0\x01".to_vec();
    policy.push(name.len() as u8);
    policy.extend(3_u32.to_le_bytes());
    policy.extend((24 + body.len() as u32).to_le_bytes());
    policy.extend((level.len() as u16).to_le_bytes());
    policy.extend((scopes.len() as u16).to_le_bytes());
    policy.extend([1, 0, 0, 0]);
    policy.extend(body);
    policy
}

/// One with every kind of rule and scope.
pub fn every_part() -> Vec<u8> {
    let number = [16_u64.to_le_bytes(), 1024_u64.to_le_bytes()].concat();
    let parameters = [
        rule(0, "init", 0, b""),
        rule(1, "quiet", 1, b""),
        rule(1, "lockdown", 2, b"integrity\0confidentiality\0"),
        rule(1, "loglevel", 3, &number),
        rule(1, "lsm", 4, b"lockdown"),
        rule(1, "systemd.*", 5, b"a\0b\0"),
    ];
    let normal = rules([0x7f, 7, 5, 3], "panic=10 ro", &parameters);
    let crash = rules([0x42, 4, 4, 0], "", &[]);
    let scopes = [scope(1, 6, "", 0), scope(2, 1, "linux", 3)];
    policy(
        "every part",
        "sbat,1,1\nlinux,2\n",
        [&normal, &crash],
        &scopes,
    )
}
