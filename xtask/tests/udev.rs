//! What the rules for udev do with events as the kernel, udev and LVM make them.

use std::collections::HashMap;

const RELOAD: &str = "/bin/systemctl --no-block try-reload-or-restart baton-crash.service";

/// An event: what it is about, the device's attributes (`ATTR/NAME`) and properties (`ENV/NAME`).
type Event = HashMap<String, String>;

fn event(fields: &[(&str, &str)]) -> Event {
    let fields = fields.iter();
    fields
        .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
        .collect()
}

/// What a file of rules has udev run. Of udev(7), what the rules here are written in.
fn run(file: &str, event: &Event) -> Vec<String> {
    let path = format!("{}/../dist/udev/{file}", env!("CARGO_MANIFEST_DIR"));
    let text = std::fs::read_to_string(path).unwrap();
    let lines = text.lines().filter(|line| !line.starts_with('#'));
    let mut commands = Vec::new();
    let mut skips_to: Option<String> = None;
    for line in lines {
        let clauses: Vec<_> = line.split(", ").map(clause).collect();
        if let Some(label) = &skips_to {
            if clauses.contains(&("LABEL".to_owned(), "=", label.clone())) {
                skips_to = None;
            }
            continue;
        }
        if !clauses.iter().all(|clause| holds(clause, event)) {
            continue;
        }
        for (key, sign, value) in clauses {
            match (key.as_str(), sign) {
                ("RUN", "+=") => commands.push(value),
                ("GOTO", "=") => skips_to = Some(value),
                _ => {}
            }
        }
    }
    assert_eq!(skips_to, None, "there is no such label");
    commands
}

/// `KEY{NAME}=="VALUE"` as its key, its operator and its value.
fn clause(text: &str) -> (String, &'static str, String) {
    let sign = ["==", "!=", "+=", "="]
        .into_iter()
        .filter_map(|sign| Some((text.find(sign)?, sign)))
        .min_by_key(|(at, sign)| (*at, usize::MAX - sign.len()));
    let (at, sign) = sign.unwrap_or_else(|| panic!("{text} is no clause"));
    let key = text[..at].replace(['{'], "/").replace('}', "");
    let value = text[at + sign.len()..].trim_matches('"').to_owned();
    (key, sign, value)
}

fn holds((key, sign, value): &(String, &'static str, String), event: &Event) -> bool {
    let key = key.replace("ATTRS/", "ATTR/");
    let found = event.get(&key).map_or("", String::as_str);
    let is_any = value.split('|').any(|it| match it.strip_suffix('*') {
        Some(beginning) => found.starts_with(beginning),
        None => it == found,
    });
    match *sign {
        "==" => is_any,
        "!=" => !is_any,
        _ => true,
    }
}

#[test]
fn a_write_of_lvms_or_mdadms_metadata_has_the_capture_loaded_anew() {
    // LVM wrote to a physical volume and closed it: the watch of 60-block.rules has the kernel send this, and
    // 60-persistent-storage.rules adds what blkid finds.
    let written = [
        ("ACTION", "change"),
        ("SUBSYSTEM", "block"),
        ("KERNEL", "nvme0n1p3"),
        ("ENV/DEVTYPE", "partition"),
        ("ENV/ID_FS_TYPE", "LVM2_member"),
        ("ENV/ID_FS_USAGE", "raid"),
    ];
    let file = "90-baton-crash-volumes.rules";
    assert_eq!(run(file, &event(&written)), [RELOAD]);
    let mut member = event(&written);
    member.insert("ENV/ID_FS_TYPE".to_owned(), "linux_raid_member".to_owned());
    assert_eq!(run(file, &member), [RELOAD]);
    let mut header = event(&written);
    header.insert("ENV/ID_FS_TYPE".to_owned(), "crypto_LUKS".to_owned());
    assert_eq!(run(file, &header), [RELOAD]);
    let resized = event(&[
        ("SUBSYSTEM", "block"),
        ("ACTION", "change"),
        ("ENV/ID_FS_TYPE", "ext4"),
        (
            "ENV/DM_UUID",
            "CRYPT-LUKS2-5f1d9a3c0c1e4f5c9d55000000000002-root_crypt",
        ),
    ]);
    assert_eq!(run(file, &resized), [RELOAD]);
    for (key, value) in [
        ("ACTION", "add"),
        ("SUBSYSTEM", "net"),
        ("ENV/ID_FS_TYPE", "ext4"),
    ] {
        let mut other = event(&written);
        other.insert(key.to_owned(), value.to_owned());
        assert!(run(file, &other).is_empty(), "{key} is {value}");
    }
}

#[test]
fn memory_that_comes_or_goes_has_the_capture_loaded_anew_unless_the_kernel_sees_to_it() {
    let file = "60-baton-crash.rules";
    for (action, subsystem, by_kernel, is_loaded) in [
        ("online", "memory", "", true),
        ("add", "cpu", "0", true),
        ("online", "memory", "1", false),
        ("change", "memory", "", false),
        ("add", "block", "", false),
    ] {
        let event = event(&[
            ("ACTION", action),
            ("SUBSYSTEM", subsystem),
            ("ATTR/crash_hotplug", by_kernel),
        ]);
        let commands = run(file, &event);
        assert_eq!(commands == [RELOAD], is_loaded, "{event:?}: {commands:?}");
    }
}

#[test]
fn a_reload_loads_nothing_anew_where_nothing_changed() {
    let path = format!(
        "{}/../dist/systemd/baton-crash.service",
        env!("CARGO_MANIFEST_DIR")
    );
    let unit = std::fs::read_to_string(path).unwrap();
    let reload = "\nExecReload=/usr/bin/baton crash load --if-changed\n";
    assert!(unit.contains(reload), "{unit}");
}
