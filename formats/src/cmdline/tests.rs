//! Splitting as the kernel does.

use super::*;

/// Name and value of each parameter, as text.
fn read(line: &str) -> Vec<(String, Option<String>)> {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    parameters(line.as_bytes())
        .map(|it| (text(it.name), it.value.map(text)))
        .collect()
}

fn one(line: &str) -> (String, Option<String>) {
    let all = read(line);
    assert_eq!(all.len(), 1, "{all:?}");
    all[0].clone()
}

fn pair(name: &str, value: &str) -> (String, Option<String>) {
    (name.into(), Some(value.into()))
}

/// `next_arg` of Linux 6.12 (lib/cmdline.c), step by step on a buffer that ends in a NUL, as C sees it.
fn next_arg(args: &mut [u8], mut at: usize) -> (usize, Option<usize>, usize) {
    let space = |b: u8| matches!(b, 9..=13 | 32 | 0xa0);
    let (mut equals, mut in_quote, mut quoted) = (0, false, false);
    if args[at] == b'"' {
        at += 1;
        in_quote = true;
        quoted = true;
    }
    let mut i = 0;
    while args[at + i] != 0 {
        if space(args[at + i]) && !in_quote {
            break;
        }
        if equals == 0 && args[at + i] == b'=' {
            equals = i;
        }
        if args[at + i] == b'"' {
            in_quote = !in_quote;
        }
        i += 1;
    }
    let param = at;
    let mut val = None;
    if equals != 0 {
        args[at + equals] = 0;
        let mut value = at + equals + 1;
        if args[value] == b'"' {
            value += 1;
            if args[at + i - 1] == b'"' {
                args[at + i - 1] = 0;
            }
        }
        val = Some(value);
    }
    if quoted && i > 0 && args[at + i - 1] == b'"' {
        args[at + i - 1] = 0;
    }
    let mut next = at + i;
    if args[next] != 0 {
        args[next] = 0;
        next += 1;
    }
    while space(args[next]) {
        next += 1;
    }
    (param, val, next)
}

fn c_string(args: &[u8], at: usize) -> Vec<u8> {
    args[at..].iter().copied().take_while(|b| *b != 0).collect()
}

fn as_the_kernel(line: &[u8]) -> Vec<(Vec<u8>, Option<Vec<u8>>)> {
    let mut args = line.to_vec();
    args.extend([0, 0]);
    let mut at = args.iter().position(|&b| !is_space(b)).unwrap();
    let mut all = Vec::new();
    while args[at] != 0 {
        let (param, val, next) = next_arg(&mut args, at);
        all.push((c_string(&args, param), val.map(|val| c_string(&args, val))));
        at = next;
    }
    all
}

#[test]
fn every_short_line_is_split_as_the_kernel_splits_it() {
    const BYTES: [u8; 6] = *b"\"= a-b";
    for len in 0..=7_u32 {
        for number in 0..6_usize.pow(len) {
            let line: Vec<u8> = (0..len)
                .map(|digit| BYTES[number / 6_usize.pow(digit) % 6])
                .collect();
            let ours: Vec<_> = parameters(&line)
                .map(|it| (it.name.to_vec(), it.value.map(<[u8]>::to_vec)))
                .collect();
            assert_eq!(ours, as_the_kernel(&line), "{}", line.escape_ascii());
        }
    }
}

#[test]
fn white_space_separates_parameters_and_is_dropped() {
    let names: Vec<_> = read(" ro\tquiet \n root=/dev/sda ")
        .into_iter()
        .map(|it| it.0)
        .collect();
    assert_eq!(names, ["ro", "quiet", "root"]);
    assert_eq!(parameters(b"a\xa0b").count(), 2);
    assert_eq!(parameters(b"a\0b").count(), 1);
    assert_eq!(read(""), []);
}

#[test]
fn quotes_keep_white_space_together_and_are_dropped() {
    assert_eq!(one("dyndbg=\"file a +p\""), pair("dyndbg", "file a +p"));
    assert_eq!(one("\"dyndbg=file a +p\""), pair("dyndbg", "file a +p"));
    assert_eq!(one("a=b\" c\"d"), pair("a", "b\" c\"d"));
    assert_eq!(one("\"a b\""), ("a b".into(), None));
}

#[test]
fn a_quote_that_is_not_closed_reaches_to_the_end() {
    assert_eq!(one("a=\"b c"), pair("a", "b c"));
    assert_eq!(one("\"a b c=d"), pair("a b c", "d"));
}

#[test]
fn the_name_ends_at_the_first_equals_sign_that_is_not_its_first_byte() {
    assert_eq!(one("a=b=c"), pair("a", "b=c"));
    assert_eq!(one("=a=b"), pair("=a", "b"));
    assert_eq!(one("="), ("=".into(), None));
    assert_eq!(one("a="), pair("a", ""));
}

#[test]
fn a_lone_double_dash_ends_the_kernels_parameters_even_in_quotes() {
    let ends = |line: &str| parameters(line.as_bytes()).any(|it| it.ends_kernel_parameters());
    assert!(ends("a -- b"));
    assert!(ends("a \"--\" b"));
    assert!(!ends("a --b --=c"));
}

#[test]
fn an_early_reader_sees_no_quotes() {
    let line = b"\"quiet acpi_rsdp=0x1000\" -- x\x01y";
    let names: Vec<&[u8]> = words(line).map(|it| it.name).collect();
    assert_eq!(names, [&b"\"quiet"[..], b"acpi_rsdp", b"--", b"x", b"y"]);
}

#[test]
fn a_dash_and_an_underscore_are_the_same_in_names_and_cases_are_not() {
    assert!(same_name(b"module.sig-enforce", b"module.sig_enforce"));
    assert!(!same_name(b"Init", b"init"));
    assert!(!same_name(b"init", b"initrd"));
    assert!(starts_with_name(b"rd-x.y", b"rd_"));
    assert!(!starts_with_name(b"rd", b"rd."));
}

#[test]
fn a_parameter_knows_where_it_stands() {
    let line = b"  a \"b c\"  d";
    for parameter in parameters(line) {
        assert!(line[parameter.offset..].starts_with(parameter.raw));
    }
}

#[test]
fn names_are_the_same_where_the_kernel_reaches_the_same() {
    for (one, other) in [
        ("a-b_c", "a_b-c"),
        ("sysctl.kernel.modprobe", "sysctl/kernel/modprobe"),
        ("sysctl.kernel.modprobe", "sysctl.kernel/modprobe"),
        ("sysctl.kernel.modprobe", "sysctl..kernel//./modprobe"),
    ] {
        assert!(same_name(one.as_bytes(), other.as_bytes()), "{one} {other}");
    }
    for (one, other) in [
        ("a", "A"),
        ("a", "ab"),
        ("module.a", "module/a"),
        ("a..b", "a.b"),
        ("sysctl.kernel.modprobe", "sysctl.kernelmodprobe"),
        ("sysctlx/kernel", "sysctlx.kernel"),
    ] {
        assert!(
            !same_name(one.as_bytes(), other.as_bytes()),
            "{one} {other}"
        );
    }
    assert!(starts_with_name(b"sysctl/kernel/x", b"sysctl.kernel."));
    assert!(!starts_with_name(b"sysctl/vm/x", b"sysctl.kernel."));
}

#[test]
fn what_is_taken_by_its_beginning_is_reached_by_longer_names() {
    assert!(reaches(b"noinitrdx", b"noinitrd"));
    assert!(reaches(b"no-file-caps-at-all", b"no_file_caps"));
    assert!(!reaches(b"noinitr", b"noinitrd"));
    assert!(!reaches(b"initrdmem", b"initrd"));
    assert!(!reaches(b"root", b"ro"));
}
