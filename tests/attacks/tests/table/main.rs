//! The attack table: none of them boots anything that wasn't verified.
#![allow(clippy::cast_possible_truncation)]

mod arm64;
mod bases;
mod case;
mod groups;
mod judges;
mod scene;

use std::collections::{BTreeMap, HashSet};
use std::sync::Mutex;

use baton_attacks::{Group, Row, document, ledger, root};
use case::{Case, Outcome};
use judges::{by_gate, by_preflight, by_verdict};
use scene::Scene;

/// The fewest attacks there are to be.
const LEAST: usize = 120;
/// The fewest past vulnerabilities that the ledger is to answer.
const LEAST_ENTRIES: usize = 25;

/// What came of an attack: its row, or what is wrong.
fn run(case: &Case) -> Result<Row, String> {
    boots(case.honest).map_err(|error| format!("without the attack: {error}"))?;
    let mut scene = (case.honest)();
    (case.attack)(&mut scene);
    let (stopped_by, code, words) = match &case.outcome {
        Outcome::Refused(component, code) => {
            let refusal = by_verdict(&scene).err().ok_or("the verdict accepts it")?;
            expect(
                (refusal.component, refusal.reason.code()),
                (*component, *code),
                &refusal,
            )?;
            let words = refusal.to_string();
            let gate = by_gate(&scene, |_| {}).err().ok_or("the gate accepts it")?;
            expect(gate.to_string(), words.clone(), "by the gate")?;
            let preflight = by_preflight(&scene).err().ok_or("preflight accepts it")?;
            expect(
                preflight,
                ((*code).to_owned(), words.clone()),
                "by preflight",
            )?;
            ("verdict", Some(*code), words)
        }
        Outcome::RefusedByGate(component, code) => {
            let refusal = by_gate(&scene, |_| {}).err().ok_or("the gate accepts it")?;
            expect(
                (refusal.component, refusal.reason.code()),
                (*component, *code),
                &refusal,
            )?;
            ("gate", Some(*code), refusal.to_string())
        }
        Outcome::RefusedByKernel(code) => {
            let (found, words) = by_preflight(&scene).err().ok_or("preflight accepts it")?;
            expect(found.as_str(), *code, &words)?;
            ("preflight", Some(*code), words)
        }
        Outcome::Survived(words, check) => {
            by_gate(&scene, check).map_err(|refusal| refusal.to_string())?;
            ("gate", None, (*words).to_owned())
        }
    };
    if words.contains('\n') || words.is_empty() {
        return Err(format!("not one line: {words}"));
    }
    Ok(Row {
        group: case.group,
        name: case.name,
        stopped_by,
        code,
        words,
    })
}

/// The control: so that a scene which is broken otherwise can't pass for a refusal. Each is tried once.
fn boots(honest: fn() -> Scene) -> Result<(), String> {
    static TRIED: Mutex<BTreeMap<usize, Result<(), String>>> = Mutex::new(BTreeMap::new());
    let address = honest as usize;
    let tried = TRIED.lock().expect("no panic").get(&address).cloned();
    tried.unwrap_or_else(|| {
        let result = boots_by_everyone(&honest());
        let mut tried = TRIED.lock().expect("no panic");
        tried.entry(address).or_insert(result).clone()
    })
}

fn boots_by_everyone(scene: &Scene) -> Result<(), String> {
    by_verdict(scene).map_err(|refusal| refusal.to_string())?;
    by_gate(scene, |_| {}).map_err(|refusal| format!("the gate: {refusal}"))?;
    by_preflight(scene).map_err(|(_, words)| format!("preflight: {words}"))
}

fn expect<T: PartialEq + std::fmt::Debug>(
    found: T,
    expected: T,
    more: impl std::fmt::Display,
) -> Result<(), String> {
    if found == expected {
        Ok(())
    } else {
        Err(format!("{found:?} instead of {expected:?} ({more})"))
    }
}

/// All of them, in the order of the table.
fn run_all(cases: &[Case]) -> Vec<Result<Row, String>> {
    on_all_processors(cases, |case| {
        std::panic::catch_unwind(|| run(case))
            .unwrap_or_else(|_| Err("it panics, see above".into()))
    })
}

/// What comes of each, in their order.
fn on_all_processors<T: Send>(cases: &[Case], run: impl Fn(&Case) -> T + Sync) -> Vec<T> {
    let next = Mutex::new(0);
    let results = Mutex::new(Vec::new());
    std::thread::scope(|scope| {
        for _ in 0..std::thread::available_parallelism().map_or(1, usize::from) {
            scope.spawn(|| {
                loop {
                    let index = {
                        let mut next = next.lock().expect("no panic");
                        *next += 1;
                        *next - 1
                    };
                    let Some(case) = cases.get(index) else {
                        break;
                    };
                    let result = run(case);
                    results.lock().expect("no panic").push((index, result));
                }
            });
        }
    });
    let mut results = results.into_inner().expect("no panic");
    results.sort_by_key(|(index, _)| *index);
    results.into_iter().map(|(_, result)| result).collect()
}

#[test]
fn every_attack_is_refused_by_everyone_in_the_same_words_or_survived() {
    let cases = groups::all();
    let results = run_all(&cases);
    let wrong: Vec<String> = cases
        .iter()
        .zip(&results)
        .filter_map(|(case, result)| {
            let error = result.as_ref().err()?;
            Some(format!("{:?}: {}: {error}", case.group, case.name))
        })
        .collect();
    assert!(
        wrong.is_empty(),
        "{} of {}:\n{}",
        wrong.len(),
        cases.len(),
        wrong.join("\n")
    );
    let rows: Vec<Row> = results.into_iter().flatten().collect();
    document::check(&root(), &rows).unwrap_or_else(|error| panic!("{error}"));
}

#[test]
fn what_is_refused_on_x86_is_refused_on_arm64_for_the_same_reason() {
    let cases = groups::all();
    let tried: Vec<_> = on_all_processors(&cases, arm64::run);
    let tried: Vec<_> = cases
        .iter()
        .zip(tried)
        .filter_map(|(case, result)| Some((case, result?)))
        .collect();
    let wrong: Vec<String> = tried
        .iter()
        .filter_map(|(case, result)| {
            let error = result.as_ref().err()?;
            Some(format!("{:?}: {}: {error}", case.group, case.name))
        })
        .collect();
    assert!(
        wrong.is_empty(),
        "{} of {}:\n{}",
        wrong.len(),
        tried.len(),
        wrong.join("\n")
    );
    assert!(tried.len() >= arm64::LEAST, "{} of them", tried.len());
}

#[test]
fn there_are_enough_attacks_of_every_group_and_no_two_of_one_name() {
    let cases = groups::all();
    let names: HashSet<&str> = cases.iter().map(|case| case.name).collect();
    assert_eq!(names.len(), cases.len(), "names tell attacks apart");
    assert!(cases.len() >= LEAST, "{} attacks", cases.len());
    for group in Group::ALL {
        let count = cases.iter().filter(|case| case.group == group).count();
        assert!(count >= 3, "{group:?} has {count}");
    }
}

#[test]
fn every_test_that_the_ledger_of_vulnerabilities_names_is_there() {
    let root = root();
    let named = ledger::named_tests(&root).expect("the ledger");
    let missing: Vec<_> = named
        .iter()
        .filter(|(file, name)| !ledger::is_a_test(&root, file, name))
        .collect();
    assert!(missing.is_empty(), "{missing:#?}");
    let entries = ledger::entries(&root).expect("the ledger");
    assert!(entries.len() >= LEAST_ENTRIES, "{} entries", entries.len());
    for entry in entries {
        assert!(
            entry.contains(".rs::") || entry.contains("an't happen:"),
            "neither a test nor a reason: {entry}"
        );
    }
}
