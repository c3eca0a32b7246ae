use super::*;
use crate::samples::manifest;

const DIGEST: &str = "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff";

fn with_lines(lines: &[&str]) -> String {
    let mut text = format!("{FIRST_LINE}\n");
    for line in lines {
        text.push_str(line);
        text.push('\n');
    }
    text
}

fn error_of(text: &str) -> ManifestError {
    Manifest::parse(text.as_bytes()).unwrap_err()
}

/// What a manifest of an initrd and this line is refused for.
fn line_problem(line: &str) -> LineProblem {
    let initrd = format!("initrd sha256 {DIGEST} 5");
    match error_of(&with_lines(&[&initrd, line])) {
        ManifestError::Line { number: 3, problem } => problem,
        other => panic!("{other}"),
    }
}

mod reads {
    use super::*;

    #[test]
    fn every_line() {
        let text = manifest();
        let parsed = Manifest::parse(text.as_bytes()).unwrap();
        assert_eq!(parsed.name(), Some("Rescue system"));
        let digest = [0x4b; 32];
        assert_eq!(
            parsed.kernel(),
            Some(Entry {
                digest,
                length: 1992
            })
        );
        let initrds: Vec<_> = parsed.initrds().map(|e| (e.digest[0], e.length)).collect();
        assert_eq!(initrds, [(0x11, 4096), (0x22, u64::MAX)]);
        let line = CommandLine::Exact("root=/dev/vda1 ro  quiet");
        assert_eq!(parsed.command_line(), Some(line));
    }

    #[test]
    fn what_it_wrote() {
        let text = manifest();
        let parsed = Manifest::parse(text.as_bytes()).unwrap();
        assert_eq!(parsed.to_string(), text);
    }

    #[test]
    fn lines_in_any_order() {
        let text = manifest();
        let mut lines: Vec<_> = text.lines().skip(1).collect();
        lines.reverse();
        let shuffled = with_lines(&lines);
        let parsed = Manifest::parse(shuffled.as_bytes()).unwrap();
        let initrds: Vec<_> = parsed.initrds().map(|e| e.digest[0]).collect();
        assert_eq!(
            (parsed.name(), &initrds[..]),
            (Some("Rescue system"), &[0x22, 0x11][..])
        );
    }

    #[test]
    fn an_initrd_alone() {
        let text = with_lines(&[&format!("initrd sha256 {DIGEST} 5")]);
        let parsed = Manifest::parse(text.as_bytes()).unwrap();
        assert_eq!(
            (parsed.kernel(), parsed.name(), parsed.command_line()),
            (None, None, None)
        );
        let entry = parsed.initrds().next().unwrap();
        assert_eq!(entry.digest[..3], [0x00, 0x11, 0x22]);
        assert_eq!(entry.digest[31], 0xff);
    }

    #[test]
    fn an_empty_command_line_and_the_begin_of_one() {
        let entry = format!("kernel sha256 {DIGEST} 5");
        for (line, expected) in [
            ("cmdline", CommandLine::Exact("")),
            ("cmdline-prefix ro", CommandLine::Prefix("ro")),
        ] {
            let text = with_lines(&[&entry, line]);
            let parsed = Manifest::parse(text.as_bytes()).unwrap();
            assert_eq!(parsed.command_line(), Some(expected));
            assert_eq!(parsed.to_string(), text);
        }
    }

    #[test]
    fn as_many_initrds_as_there_may_be() {
        let line = format!("initrd sha256 {DIGEST} 5");
        let text = with_lines(&[&line[..]; MAX_INITRDS]);
        let parsed = Manifest::parse(text.as_bytes()).unwrap();
        assert_eq!(parsed.initrds().count(), MAX_INITRDS);
    }
}

mod command_lines {
    use super::*;

    #[test]
    fn are_allowed_if_they_are_the_exact_one() {
        let exact = CommandLine::Exact("ro quiet");
        assert!(exact.allows(b"ro quiet"));
        for line in [&b""[..], b"ro", b"ro quiet ", b" ro quiet", b"ro quiet x"] {
            assert!(!exact.allows(line));
        }
        assert!(CommandLine::Exact("").allows(b"") && !CommandLine::Exact("").allows(b" "));
    }

    #[test]
    fn are_allowed_if_a_space_or_nothing_follows_the_prefix() {
        let prefix = CommandLine::Prefix("root=/dev/vda");
        assert!(prefix.allows(b"root=/dev/vda"));
        assert!(prefix.allows(b"root=/dev/vda quiet"));
        for line in [
            &b""[..],
            b"root=/dev/vda1",
            b"root=/dev/vd",
            b"root=/dev/vda\0",
        ] {
            assert!(!prefix.allows(line));
        }
    }
}

mod refuses {
    use super::*;

    #[test]
    fn every_truncation_but_those_at_the_end_of_a_line() {
        let text = manifest();
        for len in 0..text.len() {
            let cut = &text.as_bytes()[..len];
            let lines = cut.iter().filter(|&&byte| byte == b'\n').count();
            let is_ok = Manifest::parse(cut).is_ok();
            assert_eq!(is_ok, cut.ends_with(b"\n") && lines >= 3, "{len} bytes");
        }
    }

    #[test]
    fn another_first_line() {
        for first in [
            "",
            "baton-manifest 2\n",
            " baton-manifest 1\n",
            "baton-manifest 1 \n",
        ] {
            let text = format!("{first}kernel sha256 {DIGEST} 5\n");
            assert_eq!(error_of(&text), ManifestError::FirstLine);
        }
    }

    #[test]
    fn a_last_line_without_a_line_feed() {
        let text = format!("{FIRST_LINE}\nkernel sha256 {DIGEST} 5");
        assert_eq!(error_of(&text), ManifestError::NoLineFeed);
    }

    #[test]
    fn other_characters_than_printable_ascii() {
        for bad in ['\r', '\t', '\0', '\x1b', '\x7f', '\u{e4}'] {
            let text = format!("{FIRST_LINE}\nname a{bad}b\n");
            let at = FIRST_LINE.len() + 7;
            assert_eq!(error_of(&text), ManifestError::Character(at));
        }
    }

    #[test]
    fn more_bytes_than_a_manifest_has() {
        let entry = format!("kernel sha256 {DIGEST} 5");
        let long = |len: usize| with_lines(&[&entry, &format!("name {}", "x".repeat(len))]);
        let room = MAX_LEN - long(0).len();
        assert!(Manifest::parse(long(room).as_bytes()).is_ok());
        assert_eq!(
            error_of(&long(room + 1)),
            ManifestError::TooLong(MAX_LEN + 1)
        );
    }

    #[test]
    fn a_list_of_nothing() {
        let nothing = ManifestError::ListsNothing;
        assert_eq!(error_of(&with_lines(&[])), nothing);
        assert_eq!(error_of(&with_lines(&["name x", "cmdline"])), nothing);
    }

    #[test]
    fn unknown_lines() {
        let tab = format!("kernel  sha256 {DIGEST} 5");
        assert_eq!(line_problem(&tab), LineProblem::Algorithm);
        for line in [
            "", " ", "dtb x", "Kernel x", " name x", "name", "initrd", "#x", "# x",
        ] {
            assert_eq!(line_problem(line), LineProblem::Unknown, "{line}");
        }
    }

    #[test]
    fn a_second_line_of_what_there_is_once() {
        let initrd = format!("initrd sha256 {DIGEST} 5");
        let kernel = format!("kernel sha256 {DIGEST} 5");
        for (first, second) in [
            (&kernel[..], &kernel[..]),
            ("name a", "name a"),
            ("cmdline", "cmdline"),
            ("cmdline a", "cmdline-prefix a"),
        ] {
            let error = error_of(&with_lines(&[&initrd, first, second]));
            let problem = LineProblem::Twice;
            assert_eq!(error, ManifestError::Line { number: 4, problem });
        }
    }

    #[test]
    fn too_many_initrds() {
        let line = format!("initrd sha256 {DIGEST} 5");
        let error = error_of(&with_lines(&[&line[..]; MAX_INITRDS + 1]));
        let problem = LineProblem::TooMany;
        let number = MAX_INITRDS + 2;
        assert_eq!(error, ManifestError::Line { number, problem });
    }

    #[test]
    fn text_that_is_empty_or_surrounded_by_spaces() {
        for line in [
            "name ",
            "name  x",
            "name x ",
            "cmdline ",
            "cmdline-prefix  ",
        ] {
            assert_eq!(line_problem(line), LineProblem::Text, "{line}");
        }
        assert_eq!(line_problem("cmdline-prefix"), LineProblem::Unknown);
    }

    #[test]
    fn digests_of_another_kind_or_length_or_case() {
        for entry in [&format!("sha512 {DIGEST} 5")[..], "SHA256 x 5", "sha256"] {
            let problem = line_problem(&format!("kernel {entry}"));
            assert_eq!(problem, LineProblem::Algorithm);
        }
        let upper = DIGEST.to_uppercase();
        for digest in [&DIGEST[1..], &upper, "", &format!("{}g", &DIGEST[1..])] {
            let problem = line_problem(&format!("kernel sha256 {digest} 5"));
            assert_eq!(problem, LineProblem::Digest, "{digest}");
        }
    }

    #[test]
    fn lengths_in_any_but_their_one_form() {
        for length in [
            "",
            "0",
            "05",
            "+5",
            "-5",
            "5 ",
            " 5",
            "0x5",
            "18446744073709551616",
        ] {
            let problem = line_problem(&format!("kernel sha256 {DIGEST} {length}"));
            assert_eq!(problem, LineProblem::Length, "{length}");
        }
        let missing = line_problem(&format!("kernel sha256 {DIGEST}"));
        assert_eq!(missing, LineProblem::Length);
    }
}
