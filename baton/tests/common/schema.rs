//! What the program prints for programs, against docs/schema. Schemas leave room for more keys, since some are added over
//! time; here every key must be in them.

use serde_json::{Map, Value};
use std::fs;
use std::path::{Path, PathBuf};

/// Checks what was printed by a command line, if that asked for JSON.
pub fn check(words: &[String], printed: &str) {
    if !words.iter().any(|word| word == "--json") {
        return;
    }
    for line in printed.lines().filter(|line| line.starts_with('{')) {
        let value: Value = serde_json::from_str(line).unwrap_or_else(|e| panic!("{e}: {line}"));
        let name = if is_error(&value) {
            Some("error".to_owned())
        } else {
            command(words)
        };
        let name = name.unwrap_or_else(|| panic!("no schema in docs/schema for {words:?}"));
        let schema = read(&name);
        let wrong = Checked { root: &schema }.value(&schema, &value, &name);
        assert!(wrong.is_none(), "{}\n{words:?}\n{line}", wrong.unwrap());
    }
}

fn is_error(value: &Value) -> bool {
    value.as_object().is_some_and(|it| it.len() == 1) && value["error"].is_object()
}

/// The schema of a command: of its first two words, or of the first.
fn command(words: &[String]) -> Option<String> {
    let first = words.first()?;
    let two = words.get(1).map(|second| format!("{first}-{second}"));
    let names = [two, Some(first.clone())];
    names.into_iter().flatten().find(|name| path(name).exists())
}

fn path(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("../docs/schema/{name}.json"))
}

fn read(name: &str) -> Value {
    serde_json::from_slice(&fs::read(path(name)).unwrap()).unwrap()
}

struct Checked<'s> {
    root: &'s Value,
}

impl<'s> Checked<'s> {
    /// What is wrong with a value, if something is.
    fn value(&self, schema: &'s Value, value: &Value, place: &str) -> Option<String> {
        let Value::Object(schema) = schema else {
            return None;
        };
        if let Some(target) = schema.get("$ref") {
            let target = target.as_str().unwrap().trim_start_matches('#');
            return self.value(self.root.pointer(target).unwrap(), value, place);
        }
        if schema.contains_key("pattern") {
            // The only one: what error numbers are called.
            let is_so = value.as_str().is_some_and(|it| it.starts_with('E'));
            return (!is_so).then(|| format!("{place}: {value} isn't documented"));
        }
        if let Some(of) = schema.get("anyOf").or_else(|| schema.get("oneOf")) {
            let wrong: Vec<String> = of
                .as_array()
                .unwrap()
                .iter()
                .map_while(|one| self.value(one, value, place))
                .collect();
            let all = of.as_array().unwrap().len();
            return (wrong.len() == all).then(|| wrong.join("; or "));
        }
        if let Some(constant) = schema.get("const") {
            return (constant != value).then(|| format!("{place}: {value} isn't {constant}"));
        }
        if let Some(Value::Array(words)) = schema.get("enum") {
            return (!words.contains(value)).then(|| format!("{place}: {value} isn't known"));
        }
        if !has_type(schema.get("type"), value) {
            return Some(format!("{place}: {value} isn't {}", schema["type"]));
        }
        match value {
            Value::Object(keys) => self.object(schema, keys, place),
            Value::Array(list) => self.list(schema, list, place),
            _ => None,
        }
    }

    fn object(
        &self,
        schema: &'s Map<String, Value>,
        keys: &Map<String, Value>,
        place: &str,
    ) -> Option<String> {
        let required = schema.get("required").and_then(Value::as_array);
        for key in required.into_iter().flatten().filter_map(Value::as_str) {
            if !keys.contains_key(key) {
                return Some(format!("{place}: {key} is missing"));
            }
        }
        let known = schema.get("properties").and_then(Value::as_object);
        let other = schema.get("additionalProperties");
        if known.is_none() && other.is_none() {
            return None;
        }
        keys.iter().find_map(|(key, value)| {
            let place = format!("{place}.{key}");
            match known.and_then(|known| known.get(key)).or(other) {
                Some(schema) => self.value(schema, value, &place),
                None => Some(format!("{place} is in no schema")),
            }
        })
    }

    fn list(&self, schema: &'s Map<String, Value>, list: &[Value], place: &str) -> Option<String> {
        let before: &[Value] = match schema.get("prefixItems") {
            Some(Value::Array(before)) => before,
            _ => &[],
        };
        let rest = schema.get("items");
        list.iter().enumerate().find_map(|(n, value)| {
            let schema = before.get(n).or(rest)?;
            self.value(schema, value, &format!("{place}[{n}]"))
        })
    }
}

fn has_type(types: Option<&Value>, value: &Value) -> bool {
    let is = |name: &str| match name {
        "null" => value.is_null(),
        "boolean" => value.is_boolean(),
        "string" => value.is_string(),
        "array" => value.is_array(),
        "object" => value.is_object(),
        "integer" => value.is_u64() || value.is_i64(),
        "number" => value.is_number(),
        _ => false,
    };
    match types {
        None => true,
        Some(Value::String(one)) => is(one),
        Some(Value::Array(several)) => several.iter().filter_map(Value::as_str).any(is),
        Some(_) => false,
    }
}
