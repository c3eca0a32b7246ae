use super::device_mapper::{Cipher, Mapping, Segment, TableError, check};
use super::*;
use serde::de::DeserializeOwned;

/// One layer, as the configuration has it.
const LAYER: &str = "kind = \"device-mapper\"\nname = \"vg0-crash\"\nuuid = \"LVM-x\"\n\
    table = [\"0 8 linear 0 2048\", \"8 16 striped 2 128 0 4096 1 2048\"]\n\
    [layer.group]\nname = \"vg0\"\nid = \"xL2Mkx-GM20-Ue2N-JTZ3-819A-9JMt-bALxad\"\nseqno = 3\n\
    [[layer.leg]]\ndevice = \"PARTUUID=0a1b\"\nphysical-volume = \"ifB8jP-Jg0Z-6oyR-DCtV-rKRh-l82J-EG9zUg\"\n\
    [[layer.leg]]\ndevice = \"SERIAL=a b,1024\"\nphysical-volume = \"qtRuqz-sg4h-aANK-6WDk-L0DH-y1tw-OWlqeX\"\n";

/// One of a single part, which needs no group.
const PART: &str = "kind = \"device-mapper\"\nname = \"part1\"\ntable = [\"0 8 linear 0 34\"]\n\
    [[layer.leg]]\ndevice = \"PARTUUID=0a1b\"\n";

#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Whole {
    layer: Layers,
}

fn read<T: DeserializeOwned>(text: &str) -> Result<T, String> {
    baton_toml::read(text).map_err(|error| error.to_string())
}

fn layers(parts: &[&str]) -> Result<Whole, String> {
    let text: String = parts.iter().map(|it| format!("[[layer]]\n{it}")).collect();
    read(&text)
}

#[test]
fn layers_are_read_as_they_are_written() {
    let read = layers(&[LAYER, PART]).unwrap();
    assert_eq!(read.layer.iter().count(), 2);
    let written = toml::to_string(&read).unwrap();
    assert_eq!(baton_toml::read::<Whole>(&written), Ok(read), "{written}");
}

#[test]
fn what_can_not_be_set_up_is_refused_with_its_line() {
    for (from, to, why) in [
        ("vg0-crash", "a/b", "no name of a device-mapper volume"),
        ("vg0-crash", "", "no name of a device-mapper volume"),
        ("LVM-x", "a\\nb", "no UUID of the device mapper"),
        ("linear", "thin", "type \"thin\" isn't set up"),
        (
            "0 8 linear",
            "1 8 linear",
            "the segment at sector 1 doesn't follow",
        ),
        (
            "0 8 linear",
            "0 7 linear",
            "the segment at sector 8 doesn't follow",
        ),
        (
            "0 8 linear",
            "0 0 linear",
            "the segment at sector 0 doesn't follow",
        ),
        (
            "0 4096 1 2048",
            "0 4096 2 2048",
            "names the leg 2, and there are 2",
        ),
        ("PARTUUID=0a1b", "/dev/sda1", "another device after a crash"),
        ("PARTUUID=0a1b", "LABEL=a", "another device after a crash"),
        (
            "PARTUUID=0a1b",
            "VOLUME=below",
            "lies on below, which isn't set up before",
        ),
        (
            "PARTUUID=0a1b",
            "VOLUME=vg0-crash",
            "lies on vg0-crash, which isn't set up before",
        ),
        (
            "\nphysical-volume = \"ifB8jP-Jg0Z-6oyR-DCtV-rKRh-l82J-EG9zUg\"",
            "",
            "has a physical volume in each leg",
        ),
        ("device-mapper", "dm", "dm"),
    ] {
        let text = LAYER.replacen(from, to, 1);
        assert_ne!(text, LAYER);
        let error = layers(&[&text]).unwrap_err();
        assert!(error.contains(why), "{error}");
        assert!(error.contains("line ") && !error.contains('\n'), "{error}");
    }
    let error = layers(&[LAYER, LAYER]).unwrap_err();
    assert!(error.contains("two layers are called vg0-crash"), "{error}");
    let many: Vec<String> = (0..17)
        .map(|n| LAYER.replace("vg0-crash", &format!("v{n}")))
        .collect();
    let many: Vec<&str> = many.iter().map(String::as_str).collect();
    assert!(layers(&many[1..]).is_ok());
    assert!(layers(&many).unwrap_err().contains("there are 17 layers"));
}

#[test]
fn a_volume_of_several_parts_whose_changes_nothing_would_show_is_refused() {
    assert!(layers(&[PART]).is_ok());
    for (from, to) in [
        (
            "\"0 8 linear 0 34\"",
            "\"0 8 linear 0 34\", \"8 8 linear 0 80\"",
        ),
        ("linear 0 34", "striped 2 8 0 34 0 80"),
    ] {
        let text = PART.replacen(from, to, 1);
        let error = layers(&[&text]).unwrap_err();
        assert!(
            error.contains("it consists of several parts and isn't LVM's"),
            "{error}"
        );
    }
}

/// An encrypted one.
const ENCRYPTED: &str = "kind = \"device-mapper\"\nname = \"secret\"\n\
    luks = \"5f1d9a3c-0c1e-4f5c-9d55-000000000002\"\n\
    table = [\"0 8 crypt aes-xts-plain64 :64:user:a:b 0 0 32768 2 allow_discards sector_size:4096\"]\n\
    [[layer.leg]]\ndevice = \"UUID=5f1d9a3c-0c1e-4f5c-9d55-000000000002\"\n";

#[test]
fn an_encrypted_volume_has_the_name_of_a_key_and_never_a_key() {
    let read = layers(&[ENCRYPTED]).unwrap();
    let written = toml::to_string(&read).unwrap();
    assert_eq!(baton_toml::read::<Whole>(&written), Ok(read), "{written}");
    for (from, to, why) in [
        (":64:user:a:b", "00112233", "its key is in its table"),
        (":64:user:a:b", "-", "its key is in its table"),
        (
            ":64:user",
            ":64:encrypted",
            "of a type that the kernel doesn't keep",
        ),
        (":64:user", ":x:user", "make no sense"),
        (":64:user:a:b", ":64", "make no sense"),
        ("user:a:b", "user:", "the name of its key"),
        ("user:a:b", "user:a\u{e4}", "the name of its key"),
        (
            "user:a:b",
            &format!("user:{}", "k".repeat(128)),
            "the name of its key",
        ),
        ("2 allow_discards", "1 allow_discards", "make no sense"),
        (
            "allow_discards",
            "integrity:28:aead",
            "with an option that a capture doesn't know",
        ),
        (
            "sector_size:4096",
            "sector_size:",
            "with an option that a capture doesn't know",
        ),
        ("b 0 0 32768", "b x 0 32768", "make no sense"),
        ("b 0 0 32768", "b 0 0 -1", "make no sense"),
        (
            " 0 0 32768 2 allow_discards sector_size:4096",
            "",
            "make no sense",
        ),
        (
            "luks = \"5f1d9a3c-0c1e-4f5c-9d55-000000000002\"\n",
            "",
            "the LUKS identifier of its only leg",
        ),
        ("luks = \"5f", "luks = \"xf", "no UUID of a LUKS volume"),
        (
            "\"]\n",
            "\", \"8 8 linear 0 0\"]\n",
            "it consists of several parts",
        ),
    ] {
        let text = ENCRYPTED.replacen(from, to, 1);
        assert_ne!(text, ENCRYPTED);
        let error = layers(&[&text]).unwrap_err();
        assert!(error.contains(why), "{error}");
        assert!(!error.contains("00112233"), "{error}");
    }
    let luks = "luks = \"5f1d9a3c-0c1e-4f5c-9d55-000000000002\"\ntable";
    let error = layers(&[&PART.replacen("table", luks, 1)]).unwrap_err();
    assert!(error.contains("no other volume has one"), "{error}");
}

#[test]
fn the_algorithms_of_a_cipher_are_named_in_either_notation() {
    for (name, algorithms) in [
        ("aes-xts-plain64", &["aes", "xts", "plain64"][..]),
        ("aes-cbc-essiv:sha256", &["aes", "cbc", "essiv", "sha256"]),
        (
            "capi:adiantum(xchacha12,aes)-plain64",
            &["adiantum", "xchacha12", "aes", "plain64"],
        ),
    ] {
        let cipher = Cipher::parse(name, ":32:logon:k", "0", &[]).unwrap();
        assert!(cipher.algorithms().eq(algorithms.iter().copied()), "{name}");
    }
}

/// A mirror of two volumes that are there before.
const MIRROR: &str = "kind = \"device-mapper\"\nname = \"top\"\n\
    table = [\"0 8 raid raid1 4 0 nosync region_size 4096 2 0 1 - -\"]\n\
    [[layer.leg]]\ndevice = \"VOLUME=vg0-crash\"\n[[layer.leg]]\ndevice = \"VOLUME=part1\"\n";

#[test]
fn a_mirror_is_read_as_it_is_written_and_lies_on_volumes() {
    let read = layers(&[LAYER, PART, MIRROR]).unwrap();
    let written = toml::to_string(&read).unwrap();
    assert_eq!(baton_toml::read::<Whole>(&written), Ok(read), "{written}");
    for (from, to, why) in [
        ("raid1", "raid6_zr", "type \"raid raid6_zr\" isn't set up"),
        ("4 0 nosync", "4 x nosync", "the parameter \"x\""),
        (
            "nosync region_size",
            "sync region_size",
            "the parameter \"sync\"",
        ),
        ("4 0 nosync region_size 4096", "0", "the parameter \"\""),
        ("region_size 4096", "rebuild 1", "the parameter \"rebuild\""),
        (
            "4 0 nosync region_size 4096",
            "5 0 nosync region_size 4096",
            "the parameter \"2\"",
        ),
        ("2 0 1 - -", "2 - - - -", "is no segment of a table"),
        ("2 0 1 - -", "2 0 1 - 1", "is no segment of a table"),
        ("2 0 1 - -", "3 0 1 - -", "is no segment of a table"),
        ("2 0 1 - -", "1 0 1 - -", "is no segment of a table"),
        (
            "2 0 1 - -",
            "18446744073709551615 0 1",
            "is no segment of a table",
        ),
        ("2 0 1 - -", "2 0 2 - -", "names the leg 2"),
        ("VOLUME=part1", "PARTUUID=0a1b", "whose legs are volumes"),
        (
            "- -\"]",
            "- -\", \"8 8 linear 0 0\"]",
            "a mirror is one segment",
        ),
    ] {
        let text = MIRROR.replacen(from, to, 1);
        assert_ne!(text, MIRROR, "{from}");
        let error = layers(&[LAYER, PART, &text]).unwrap_err();
        assert!(error.contains(why), "{error}");
    }
    let words: Vec<&str> = "raid raid1 4 0 nosync region_size 4096 2 0 1 2 3"
        .split(' ')
        .collect();
    for length in 1..words.len() {
        let text = format!("0 8 {}", words[..length].join(" "));
        assert!(text.parse::<Segment<usize>>().is_err(), "{text}");
    }
}

/// An array.
const ARRAY: &str = "kind = \"md\"\nname = \"md0\"\nuuid = \"3b1f2d4c-5e6f-7081-92a3-b4c5d6e7f809\"\n\
    level = \"raid1\"\nmetadata = \"1.2\"\nmember = [\"PARTUUID=0a1b\", \"WWN=eui.0\"]\n";

#[test]
fn an_array_is_read_as_it_is_written_and_volumes_lie_on_it() {
    let on_it = PART.replace("PARTUUID=0a1b", "VOLUME=md0");
    let read = layers(&[ARRAY, &on_it]).unwrap();
    assert_eq!(read.layer.iter().count(), 2);
    let written = toml::to_string(&read).unwrap();
    assert_eq!(baton_toml::read::<Whole>(&written), Ok(read), "{written}");
    for version in ["1.0", "1.1"] {
        assert!(layers(&[&ARRAY.replace("1.2", version)]).is_ok());
    }
    for level in md::Level::ALL {
        assert!(layers(&[&ARRAY.replace("raid1", level.name())]).is_ok());
    }
}

#[test]
fn an_array_that_can_not_be_assembled_is_refused_with_its_line() {
    for (from, to, why) in [
        ("raid1", "raid5", "raid5"),
        ("1.2", "0.90", "0.90"),
        ("3b1f2d4c-", "3b1f2d4c", "no identifier of an array"),
        (
            "\"PARTUUID=0a1b\", \"WWN=eui.0\"",
            "",
            "an array has at least one member",
        ),
        ("PARTUUID=0a1b", "/dev/sda1", "another device after a crash"),
        (
            "PARTUUID=0a1b",
            "VOLUME=below",
            "lies on below, which isn't set up before",
        ),
    ] {
        let text = ARRAY.replacen(from, to, 1);
        assert_ne!(text, ARRAY);
        let error = layers(&[&text]).unwrap_err();
        assert!(error.contains(why), "{error}");
        assert!(error.contains("line ") && !error.contains('\n'), "{error}");
    }
}

fn segment(text: &str) -> Result<Segment<usize>, TableError> {
    text.parse()
}

#[test]
fn segments_are_written_as_the_kernel_does() {
    for (text, devices) in [
        ("0 8 linear 0 2048", 1),
        ("18446744073709551615 1 linear 7 0", 1),
        ("8 16 striped 1 8 0 0", 1),
        ("8 16 striped 3 128 0 4096 1 2048 0 1", 3),
    ] {
        let parsed = segment(text).unwrap();
        assert_eq!(parsed.to_string(), text);
        assert_eq!(parsed.devices().len(), devices);
    }
    let numbers: Segment<String> = "0 8 linear 253:1 2048".parse().unwrap();
    let Mapping::Linear(extent) = &numbers.mapping else {
        panic!("{numbers}");
    };
    assert_eq!((extent.device.as_str(), extent.start), ("253:1", 2048));
}

#[test]
fn a_segment_that_is_cut_off_or_has_more_is_refused() {
    let text = "8 16 striped 2 128 0 4096 1 2048";
    for length in 0..text.len() {
        let cut = &text[..length];
        // A number that is cut off is another number.
        if cut.ends_with(|c: char| c.is_ascii_digit()) && cut.split(' ').count() == 9 {
            continue;
        }
        assert!(segment(cut).is_err(), "{cut}");
    }
    for bad in [
        "0 8 linear 0 2048 1",
        "0 8 linear 0",
        "0 8 linear x 0",
        "0 8 linear 0 -1",
        "0 8 linear 0 +1",
        "-0 8 linear 0 1",
        "0 8 striped 0 128",
        "0 8 striped 1 128 0 0 1 0",
        "0 8 striped 1 0 0 0",
        "0 8 striped 2 128 0 0",
        "0 8",
        "",
    ] {
        let error = segment(bad).unwrap_err().to_string();
        assert!(error.ends_with("is no segment of a table"), "{error}");
    }
    assert_eq!(
        segment("0 8 thin 0 1"),
        Err(TableError::Type("thin".into()))
    );
}

#[test]
fn segments_follow_each_other_within_what_can_be_addressed() {
    let table = |lines: &[&str]| {
        let table: Vec<_> = lines.iter().map(|line| segment(line).unwrap()).collect();
        check(&table)
    };
    assert_eq!(table(&["0 8 linear 0 0", "8 8 linear 0 8"]), Ok(()));
    assert_eq!(table(&[]), Err(TableError::Empty));
    for lines in [
        ["0 8 linear 0 0", "9 8 linear 0 8"],
        ["0 8 linear 0 0", "7 8 linear 0 8"],
        ["0 8 linear 0 0", "8 0 linear 0 8"],
        ["0 8 linear 0 0", "8 36028797018963968 linear 0 8"],
        ["0 8 linear 0 0", "8 18446744073709551615 linear 0 8"],
    ] {
        assert!(
            matches!(table(&lines), Err(TableError::Gap(_))),
            "{lines:?}"
        );
    }
}
