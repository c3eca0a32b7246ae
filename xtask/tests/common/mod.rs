//! What cargo says of the workspace.

use std::path::PathBuf;
use std::process::Command;

use serde_json::Value;

/// The root of the checkout.
#[allow(dead_code)] // Some tests need it.
pub fn root() -> PathBuf {
    baton_xtask::root().expect("a checkout")
}

/// What `cargo metadata` lists.
pub fn packages(more: &[&str]) -> Vec<Value> {
    let output = Command::new(env!("CARGO"))
        .args(["metadata", "--format-version", "1", "--locked"])
        .args(more)
        .output()
        .expect("cargo starts");
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}");
    let metadata: Value = serde_json::from_slice(&output.stdout).expect("cargo prints JSON");
    metadata["packages"].as_array().expect("packages").clone()
}
