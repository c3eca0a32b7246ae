//! JSON schemas of what commands print with `--json`, made of the types that they print: docs/schema. Only tests make
//! them; the program itself knows nothing of schemas.
//!
//! `BATON_BLESS=1 cargo test -p baton --lib schema` writes them anew. The tests of the program hold that what it prints is
//! in them (`baton/tests/common/schema.rs`).

pub(crate) mod shapes;

use crate::failure::exit;
use crate::{
    boot_count, cli, crash, doctor, dump, entries, inspect, keys, load, output, policy, setup,
    status, unload, verify,
};
use clap::Command;
use schemars::generate::SchemaSettings;
use schemars::{JsonSchema, SchemaGenerator};
use serde_json::{Map, Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

/// Commands that say with `--json` only why they failed.
const SILENT: [&str; 1] = ["exec"];

/// What a command prints, which is one of several objects where there are several.
struct Printed {
    generator: SchemaGenerator,
    objects: Vec<Value>,
}

impl Printed {
    fn of<T: JsonSchema>() -> Printed {
        let printed = Printed {
            generator: SchemaSettings::draft2020_12()
                .for_serialize()
                .into_generator(),
            objects: Vec::new(),
        };
        printed.or::<T>()
    }

    fn or<T: JsonSchema>(mut self) -> Printed {
        let schema = self.generator.subschema_for::<T>();
        self.objects.push(schema.to_value());
        self
    }

    fn schema(mut self, title: &str) -> Value {
        let definitions = self.generator.take_definitions(true);
        let mut schema = Map::new();
        schema.insert(
            "$schema".to_owned(),
            json!("https://json-schema.org/draft/2020-12/schema"),
        );
        schema.insert("title".to_owned(), json!(title));
        match <[Value; 1]>::try_from(self.objects) {
            Ok([Value::Object(one)]) => schema.extend(one),
            Ok([other]) => drop(schema.insert("allOf".to_owned(), json!([other]))),
            Err(several) => drop(schema.insert("anyOf".to_owned(), json!(several))),
        }
        if !definitions.is_empty() {
            schema.insert("$defs".to_owned(), Value::Object(definitions));
        }
        let mut schema = Value::Object(schema);
        for_programs(&mut schema);
        schema
    }
}

/// The words for exit codes of what failed.
pub(crate) fn codes() -> Vec<&'static str> {
    let failed = exit::TABLE.iter().skip(1);
    failed.map(|(_, word, _)| *word).collect()
}

/// The words for reasons, as docs/json.md lists them, and what error numbers of the kernel are called.
pub(crate) fn reasons() -> Value {
    let page = fs::read_to_string(directory().join("../json.md")).unwrap();
    let (_, tables) = page.split_once("\n## Reasons").unwrap();
    let rows = tables.lines().filter(|line| line.starts_with("| `"));
    let cells = rows.filter_map(|row| row.split('|').nth(1));
    let words = cells.flat_map(|cell| cell.split('`').skip(1).step_by(2));
    let words: BTreeSet<&str> = words.filter(|word| *word != "reason").collect();
    json!([{"enum": words}, {"pattern": "^E[A-Z0-9]+$"}])
}

/// Descriptions are comments, which say what Rust calls things.
fn for_programs(schema: &mut Value) {
    match schema {
        Value::Object(map) => {
            if let Some(Value::String(text)) = map.get_mut("description") {
                for (before, after) in [("\n", " "), ("`None`", "`null`"), ("[`", "`"), ("`]", "`")]
                {
                    *text = text.replace(before, after);
                }
            }
            map.values_mut().for_each(for_programs);
        }
        Value::Array(list) => list.iter_mut().for_each(for_programs),
        _ => {}
    }
}

/// What each command prints.
fn all() -> BTreeMap<&'static str, Printed> {
    BTreeMap::from([
        ("boot-count-attempt", Printed::of::<boot_count::run::Done>()),
        ("boot-count-good", Printed::of::<boot_count::run::Done>()),
        ("boot-count-reset", Printed::of::<boot_count::run::Done>()),
        ("boot-count-show", Printed::of::<boot_count::state::State>()),
        (
            "crash-load",
            Printed::of::<load::report::Report<'_>>().or::<crash::load::Unchanged>(),
        ),
        ("crash-status", Printed::of::<crash::status::Status>()),
        ("crash-unload", Printed::of::<unload::run::Unloaded>()),
        ("doctor", Printed::of::<doctor::run::Report>()),
        ("dump-check", Printed::of::<dump::check::Report>()),
        ("dump-convert", Printed::of::<dump::convert::Report<'_>>()),
        ("dump-dmesg", Printed::of::<dump::dmesg::Object>()),
        ("dump-info", Printed::of::<dump::info::Info>()),
        ("dump-list", Printed::of::<dump::list::Object>()),
        ("entries", Printed::of::<entries::Entries>()),
        ("error", Printed::of::<output::failure::ErrorObject>()),
        ("inspect", Printed::of::<inspect::run::Object<'_>>()),
        ("keys-enroll", Printed::of::<keys::enroll::Outcome>()),
        ("keys-export", Printed::of::<keys::run::Exported<'_>>()),
        ("keys-list", Printed::of::<keys::list::Report<'_>>()),
        ("keys-new", Printed::of::<keys::new::NewKey>()),
        ("keys-show", Printed::of::<keys::show::Report>()),
        (
            "load",
            Printed::of::<load::report::Report<'_>>().or::<load::run::Kept>(),
        ),
        ("policy-diff", Printed::of::<policy::diff::Difference>()),
        ("policy-show", Printed::of::<policy::run::Shown>()),
        ("setup", Printed::of::<setup::run::Report<'_>>()),
        ("status", Printed::of::<status::run::Status>()),
        ("unload", Printed::of::<unload::run::Unloaded>()),
        ("verify", Printed::of::<verify::report::Report<'_>>()),
    ])
}

/// The names of the commands that take `--json`.
fn names_of_commands(command: &Command, name: &str, names: &mut Vec<String>) {
    if command
        .get_arguments()
        .any(|it| it.get_long() == Some("json"))
    {
        names.push(name.to_owned());
    }
    for below in command.get_subcommands() {
        let name = match name {
            "" => below.get_name().to_owned(),
            _ => format!("{name}-{}", below.get_name()),
        };
        names_of_commands(below, &name, names);
    }
}

fn directory() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/schema")
}

#[test]
fn every_command_for_programs_has_a_schema_and_nothing_else_has() {
    let mut names = Vec::new();
    names_of_commands(&cli::parse::command(), "", &mut names);
    names.retain(|name| !SILENT.contains(&name.as_str()));
    names.push("error".to_owned());
    names.sort();
    assert_eq!(names, all().into_keys().collect::<Vec<_>>());
}

#[test]
fn the_files_say_what_commands_print() {
    let is_blessed = std::env::var_os("BATON_BLESS").is_some();
    if is_blessed {
        fs::create_dir_all(directory()).unwrap();
    }
    let mut files = Vec::new();
    for (name, printed) in all() {
        let title = match name {
            "error" => "what a command that failed prints with --json".to_owned(),
            _ => format!("what `baton {} --json` prints", name.replace('-', " ")),
        };
        let text = serde_json::to_string_pretty(&printed.schema(&title)).unwrap() + "\n";
        let path = directory().join(format!("{name}.json"));
        if is_blessed {
            fs::write(&path, &text).unwrap();
        }
        let kept = fs::read_to_string(&path).unwrap_or_default();
        assert!(
            kept == text,
            "{} isn't what is printed; BATON_BLESS=1 cargo test -p baton --lib schema",
            path.display()
        );
        files.push(format!("{name}.json"));
    }
    let there = fs::read_dir(directory()).unwrap();
    let mut there: Vec<String> = there
        .map(|it| it.unwrap().file_name().into_string().unwrap())
        .collect();
    there.sort();
    files.sort();
    assert_eq!(there, files, "files that no command prints");
}

/// Where a key is that nothing is said about. A word that holds something more is described as a whole.
fn undescribed(schema: &Value, place: &str, found: &mut Vec<String>) {
    let Value::Object(map) = schema else {
        if let Value::Array(list) = schema {
            list.iter().for_each(|it| undescribed(it, place, found));
        }
        return;
    };
    if let Some(Value::Object(keys)) = map.get("properties") {
        let varying: Vec<_> = keys
            .iter()
            .filter(|(_, of_key)| of_key.get("const").is_none())
            .collect();
        let is_whole = map.contains_key("description") && varying.len() == 1;
        for (key, of_key) in varying {
            if !is_whole && of_key.get("description").is_none() {
                found.push(format!("{place}.{key}"));
            }
        }
    }
    for (key, below) in map {
        undescribed(below, &format!("{place}/{key}"), found);
    }
}

#[test]
fn every_key_is_described() {
    let mut found = Vec::new();
    for (name, printed) in all() {
        undescribed(&printed.schema(name), name, &mut found);
    }
    assert!(found.is_empty(), "{found:#?}");
}
