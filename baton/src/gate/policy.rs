//! The gate's policy as people write it: TOML.
//!
//! ```toml
//! [refusal]
//! action = "reset"   # or "halt"
//! delay = 10         # seconds, at most 3600
//! ```

use crate::failure::{Failure, Result};
use baton_formats::policy::{MAX_REFUSAL_DELAY, OnRefusal, Policy, RefusalAction};
use std::path::Path;

/// Reads a policy; what it doesn't say is as in the gate's own defaults.
///
/// # Errors
/// When it can't be read, has an unknown key, or a value that can't be.
pub fn read(path: &Path) -> Result<Vec<u8>> {
    let text = std::fs::read_to_string(path).map_err(|e| Failure::io(path, &e))?;
    parse(&text)
        .map(|refusal| compact(&refusal))
        .map_err(|why| Failure::failed(format!("{}: {why}", path.display())))
}

fn compact(refusal: &OnRefusal) -> Vec<u8> {
    let mut bytes = Policy::stock().as_bytes().to_vec();
    bytes[6] = u8::from(refusal.action == RefusalAction::Halt);
    bytes[8..12].copy_from_slice(&refusal.delay_seconds.to_le_bytes());
    bytes
}

fn parse(text: &str) -> std::result::Result<OnRefusal, String> {
    let table: toml::Table = text.parse().map_err(|e: toml::de::Error| {
        let line = e
            .span()
            .and_then(|span| text.get(..span.start))
            .map_or(1, |before| before.matches('\n').count() + 1);
        format!("line {line}: {}", e.message().trim())
    })?;
    let mut policy = OnRefusal::default();
    for (key, value) in &table {
        match (key.as_str(), value) {
            ("refusal", toml::Value::Table(refusal)) => read_refusal(refusal, &mut policy)?,
            ("refusal", _) => return Err("refusal must be a table: [refusal]".into()),
            _ => return Err(format!("unknown key \"{key}\"; known is [refusal]")),
        }
    }
    Ok(policy)
}

fn read_refusal(table: &toml::Table, policy: &mut OnRefusal) -> std::result::Result<(), String> {
    for (key, value) in table {
        match key.as_str() {
            "action" => policy.action = action(value)?,
            "delay" => policy.delay_seconds = delay(value)?,
            _ => {
                return Err(format!(
                    "unknown key \"refusal.{key}\"; known are action and delay"
                ));
            }
        }
    }
    Ok(())
}

fn action(value: &toml::Value) -> std::result::Result<RefusalAction, String> {
    match value.as_str() {
        Some("reset") => Ok(RefusalAction::Reset),
        Some("halt") => Ok(RefusalAction::Halt),
        _ => Err(format!(
            "refusal.action is {value}; it must be \"reset\" or \"halt\""
        )),
    }
}

fn delay(value: &toml::Value) -> std::result::Result<u32, String> {
    value
        .as_integer()
        .and_then(|n| u32::try_from(n).ok())
        .filter(|n| *n <= MAX_REFUSAL_DELAY)
        .ok_or_else(|| {
            format!("refusal.delay is {value}; it must be 0 to {MAX_REFUSAL_DELAY} seconds")
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_said_is_the_default() {
        assert_eq!(parse("").unwrap(), OnRefusal::default());
        let policy = parse("[refusal]\ndelay = 0\n").unwrap();
        assert_eq!(policy.delay_seconds, 0);
        assert_eq!(policy.action, RefusalAction::Reset);
    }

    #[test]
    fn a_policy_can_halt_instead() {
        let policy = parse("refusal = { action = \"halt\", delay = 3600 }").unwrap();
        assert_eq!(policy.action, RefusalAction::Halt);
        assert_eq!(policy.delay_seconds, 3600);
    }

    #[test]
    fn an_unknown_key_is_refused_by_its_name() {
        assert!(parse("[refusals]\n").unwrap_err().contains("\"refusals\""));
        let why = parse("[refusal]\nwait = 1\n").unwrap_err();
        assert!(why.contains("\"refusal.wait\""), "{why}");
    }

    #[test]
    fn a_value_that_can_not_be_is_refused() {
        for (text, part) in [
            ("[refusal]\naction = \"boot\"", "refusal.action"),
            ("[refusal]\naction = 1", "refusal.action"),
            ("[refusal]\ndelay = 3601", "refusal.delay"),
            ("[refusal]\ndelay = -1", "refusal.delay"),
            ("refusal = 1", "[refusal]"),
            ("[refusal]\n\ndelay = = 1", "line 3"),
        ] {
            let why = parse(text).unwrap_err();
            assert!(why.contains(part), "{why}");
        }
    }
}
