//! What may be linked: licences, where crates come from, and crates that must not be there.

mod common;

use serde_json::Value;

/// A licence that is fine.
const ALLOWED: &[&str] = &[
    "Apache-2.0",
    // zstd, which pages of dumps are compressed with.
    "BSD-2-Clause",
    "BSD-3-Clause",
    // libloading, which loads the modules of tokens; as permissive as MIT.
    "ISC",
    "MIT",
    "Unicode-3.0",
    // zlib-rs, which pages of dumps are compressed with; as permissive as MIT.
    "Zlib",
];

/// The one exception to a licence that is fine.
const EXCEPTION: &str = "LLVM-exception";

/// C code can't be reviewed with the rest, and OpenSSL is a peer, not a part. (zstd's encoder is the one
/// C program that is linked: ARCHITECTURE.md says why.)
const BANNED: &[&str] = &["openssl-sys", "ring", "aws-lc-sys"];

/// Where crates come from.
const REGISTRY: &str = "registry+https://github.com/rust-lang/crates.io-index";

/// Every crate that the lock file names, for whatever target.
fn crates() -> Vec<Value> {
    let crates = common::packages(&[]);
    assert!(crates.len() > 50, "only {} crates", crates.len());
    crates
}

/// Those among all crates that something is wrong with.
fn wrong(is_wrong: impl Fn(&Value) -> bool) -> Vec<String> {
    let of = |it: &Value| format!("{} {}: {}", it["name"], it["version"], it["license"]);
    crates().iter().filter(|it| is_wrong(it)).map(of).collect()
}

fn is_allowed(expression: &str) -> bool {
    // Older crates separate alternatives by a slash.
    let expression = spdx::Expression::parse_mode(expression, spdx::ParseMode::LAX);
    expression.is_ok_and(|expression| {
        expression.evaluate(|wanted| {
            let licence = wanted.license.id().map(|id| id.name);
            let exception = wanted.addition.as_ref().map(ToString::to_string);
            licence.is_some_and(|name| ALLOWED.contains(&name))
                && exception.is_none_or(|name| name == EXCEPTION)
        })
    })
}

#[test]
fn every_crate_has_a_licence_that_is_allowed() {
    let wrong = wrong(|it| !it["license"].as_str().is_some_and(is_allowed));
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn every_crate_is_ours_or_from_the_registry() {
    let wrong = wrong(|it| it["source"].as_str().is_some_and(|from| from != REGISTRY));
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn no_banned_crate_is_there() {
    let wrong = wrong(|it| {
        it["name"]
            .as_str()
            .is_some_and(|name| BANNED.contains(&name))
    });
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn a_crate_of_ours_that_another_needs_is_named_with_a_version() {
    let wildcard = |it: &Value| {
        let needed = it["dependencies"].as_array();
        it["source"].is_null()
            && needed.is_some_and(|needed| {
                needed
                    .iter()
                    .any(|one| one["req"] == "*" && one["path"].is_null())
            })
    };
    let wrong = wrong(wildcard);
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn a_licence_counts_by_what_its_expression_demands() {
    for allowed in [
        "MIT",
        "MIT/Apache-2.0",
        "GPL-3.0 OR MIT",
        "Apache-2.0 WITH LLVM-exception",
    ] {
        assert!(is_allowed(allowed), "{allowed}");
    }
    for refused in [
        "GPL-3.0",
        "MIT AND GPL-3.0",
        "",
        "anything at all",
        "Apache-2.0 WITH Classpath-exception-2.0",
    ] {
        assert!(!is_allowed(refused), "{refused}");
    }
}
