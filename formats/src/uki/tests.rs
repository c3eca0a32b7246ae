use super::*;
use crate::samples::uki::{Part, SBAT, SECTION_TABLE, addon, image, uki};
use crate::samples::{hybrid, put32, with};

fn error_of(parts: &[Part<'_>]) -> UkiError {
    let file = image(parts);
    Uki::parse(&Pe::parse(&file).unwrap()).unwrap_err()
}

fn addon_error(parts: &[Part<'_>]) -> UkiError {
    let file = image(parts);
    Addon::parse(&Pe::parse(&file).unwrap()).unwrap_err()
}

/// What an image of these sections, which must be a UKI, has as its command line.
fn command_line_of(bytes: &[u8]) -> Result<String, UkiError> {
    let file = image(&[(".linux", b"kernel"), (".cmdline", bytes)]);
    let uki = Uki::parse(&Pe::parse(&file).unwrap())?;
    let line = uki.profile(0).unwrap().arguments.cmdline;
    Ok(line.unwrap().to_string())
}

mod reads {
    use super::*;

    #[test]
    fn every_section_of_a_profile() {
        let file = uki();
        let uki = Uki::parse(&Pe::parse(&file).unwrap()).unwrap();
        let expected = Profile {
            linux: b"the kernel",
            arguments: Arguments {
                initrd: Some(b"the initrd"),
                ucode: Some(b"the microcode"),
                cmdline: Line::read(b"root=/dev/vda quiet"),
                dtb: Some(b"the device tree"),
                uname: Some("6.1.0-sample"),
                sbat: Some(SBAT),
            },
            osrel: Some("ID=sample\nNAME=\"Sample\""),
            text: Some("ID=main\nTITLE='As always'"),
        };
        assert_eq!(uki.profile(0), Some(expected));
    }

    #[test]
    fn what_profiles_have_instead_of_the_base() {
        let file = uki();
        let uki = Uki::parse(&Pe::parse(&file).unwrap()).unwrap();
        let profiles: Vec<_> = uki
            .profiles()
            .map(|p| {
                (
                    p.id().unwrap(),
                    p.linux,
                    p.arguments.cmdline.map(|line| line.to_string()),
                    p.arguments.initrd,
                )
            })
            .collect();
        let line = || Some("root=/dev/vda quiet".to_owned());
        let initrd = Some(&b"the initrd"[..]);
        let other = Some(&b"another initrd"[..]);
        let expected = [
            ("main", &b"the kernel"[..], line(), initrd),
            ("rescue", b"the kernel", Some("single".to_owned()), initrd),
            ("other", b"another kernel", line(), other),
        ];
        assert_eq!(profiles, expected);
        assert_eq!((uki.profile_count(), uki.profile(3)), (3, None));
    }

    #[test]
    fn titles_with_any_quotes() {
        let file = uki();
        let uki = Uki::parse(&Pe::parse(&file).unwrap()).unwrap();
        let titles: Vec<_> = uki.profiles().map(|profile| profile.title()).collect();
        assert_eq!(titles, [Some("As always"), Some("To the rescue"), None]);
    }

    #[test]
    fn an_image_without_profiles_as_one() {
        let file = image(&[(".linux", b"kernel"), (".splash", b"picture")]);
        let uki = Uki::parse(&Pe::parse(&file).unwrap()).unwrap();
        let profile = uki.profile(0).unwrap();
        assert_eq!(profile.linux, b"kernel");
        assert_eq!(profile.arguments, Arguments::default());
        assert_eq!(
            (profile.text, profile.id(), profile.osrel),
            (None, None, None)
        );
        assert_eq!((uki.profile_count(), uki.profile(1)), (1, None));
    }

    #[test]
    fn a_kernel_that_profiles_alone_have() {
        let file = image(&[
            (".profile", b"ID=a"),
            (".linux", b"first"),
            (".profile", b"ID=b"),
            (".linux", b"second"),
        ]);
        let uki = Uki::parse(&Pe::parse(&file).unwrap()).unwrap();
        let kernels: Vec<_> = uki.profiles().map(|profile| profile.linux).collect();
        assert_eq!(kernels, [&b"first"[..], b"second"]);
    }

    #[test]
    fn an_empty_section_as_none() {
        let file = image(&[(".linux", b"kernel"), (".cmdline", b"")]);
        let uki = Uki::parse(&Pe::parse(&file).unwrap()).unwrap();
        assert_eq!(uki.profile(0).unwrap().arguments.cmdline, None);
    }

    #[test]
    fn an_empty_section_of_a_profile_as_none_whatever_the_base_has() {
        let file = image(&[
            (".linux", b"kernel"),
            (".cmdline", b"quiet"),
            (".profile", b"ID=a"),
            (".cmdline", b""),
            (".profile", b"ID=b"),
        ]);
        let uki = Uki::parse(&Pe::parse(&file).unwrap()).unwrap();
        let lines: Vec<_> = uki.profiles().map(|p| p.arguments.cmdline).collect();
        assert_eq!(lines, [None, Line::read(b"quiet")]);
    }

    #[test]
    fn sections_without_the_padding_after_them() {
        // VirtualSize says how much of the padded data counts.
        let file = with(&image(&[(".linux", b"kernel+")]), |file| {
            put32(file, SECTION_TABLE + 8, 6);
        });
        let uki = Uki::parse(&Pe::parse(&file).unwrap()).unwrap();
        assert_eq!(uki.profile(0).unwrap().linux, b"kernel");
    }

    #[test]
    fn command_lines_without_what_surrounds_them() {
        assert_eq!(command_line_of(b"a=1 b=\xc3\xa4").unwrap(), "a=1 b=\u{e4}");
        assert_eq!(command_line_of(b" \ta  b \r\n\0 \0\0").unwrap(), "a  b");
        assert_eq!(command_line_of(b"\n\0").unwrap(), "");
        assert_eq!(command_line_of(b"\x01\x7f a\x0b\0\n").unwrap(), "a");
    }

    #[test]
    fn command_lines_with_control_characters_as_systemd_stub_does() {
        let lines: [(&[u8], &str); 5] = [
            (b"root=/dev/vda\nquiet\n", "root=/dev/vda quiet"),
            (b"a\tb\r\nc", "a b  c"),
            (b"a\x1b[2Jb", "a [2Jb"),
            (b"a\x7fb", "a b"),
            (b"\xc3\xa4\n\xc2\x85", "\u{e4} \u{85}"),
        ];
        for (bytes, expected) in lines {
            assert_eq!(command_line_of(bytes).unwrap(), expected);
        }
    }

    #[test]
    fn a_command_line_that_differs_in_white_space_as_the_same() {
        let line = |bytes| Line::read(bytes).unwrap();
        assert_eq!(line(b"a\tb"), line(b" a b\n"));
        assert_eq!(line(b"a\tb"), "a b");
        assert_ne!(line(b"a  b"), line(b"a b"));
        assert!(line(b" \n\0").is_empty() && !line(b"a").is_empty());
    }

    #[test]
    fn an_addon() {
        let file = addon();
        let addon = Addon::parse(&Pe::parse(&file).unwrap()).unwrap();
        assert_eq!(addon.arguments.cmdline, Line::read(b"crashkernel=256M"));
        assert_eq!(addon.arguments.uname, Some("6.1.0-sample"));
        assert_eq!(addon.arguments.initrd, None);
    }
}

mod refuses {
    use super::*;

    #[test]
    fn every_truncation() {
        let file = uki();
        for len in 0..file.len() {
            let uki = Pe::parse(&file[..len]).map(|pe| Uki::parse(&pe));
            assert!(!matches!(uki, Ok(Ok(_))), "{len} bytes");
        }
    }

    #[test]
    fn an_image_without_a_kernel() {
        assert_eq!(error_of(&[(".initrd", b"initrd")]), UkiError::NotOne);
        let file = hybrid();
        let error = Uki::parse(&Pe::parse(&file).unwrap()).unwrap_err();
        assert_eq!(error, UkiError::NotOne);
    }

    #[test]
    fn a_profile_without_a_kernel() {
        let parts: &[Part<'_>] = &[
            (".profile", b"ID=a"),
            (".linux", b"first"),
            (".profile", b"ID=b"),
        ];
        assert_eq!(error_of(parts), UkiError::NoKernel(1));
        assert_eq!(error_of(&[(".linux", b"")]), UkiError::NoKernel(0));
    }

    #[test]
    fn a_section_twice_in_the_base() {
        for name in NAMES {
            let parts: &[Part<'_>] = &[(".linux", b"kernel"), (name, b"one"), (name, b"two")];
            assert_eq!(error_of(parts), UkiError::Twice(name));
            let with_profile: &[Part<'_>] = &[
                (".linux", b"kernel"),
                (name, b""),
                (name, b"two"),
                (".profile", b"ID=a"),
            ];
            assert_eq!(error_of(with_profile), UkiError::Twice(name));
        }
    }

    #[test]
    fn a_section_twice_in_a_profile() {
        for name in NAMES {
            let parts: &[Part<'_>] = &[
                (".linux", b"kernel"),
                (".profile", b"ID=a"),
                (name, b"one"),
                (".profile", b"ID=b"),
                (name, b"one"),
                (name, b"two"),
            ];
            assert_eq!(error_of(parts), UkiError::Twice(name));
        }
    }

    #[test]
    fn command_lines_that_go_on_after_a_nul_or_are_other_than_utf_8() {
        for line in [&b"a\0b"[..], b"\0a", b"\0 \0a", b"a\xff", b"a\0\xff"] {
            assert_eq!(command_line_of(line), Err(UkiError::Text(".cmdline")));
        }
    }

    #[test]
    fn other_text_with_zeros_in_it_or_other_than_utf_8() {
        for name in [".uname", ".osrel"] {
            for bytes in [&b"a\0b"[..], b"\xc0\x80"] {
                let error = error_of(&[(".linux", b"kernel"), (name, bytes)]);
                assert_eq!(error, UkiError::Text(name));
            }
        }
    }

    #[test]
    fn a_bad_profile_though_another_is_good() {
        let parts: &[Part<'_>] = &[
            (".linux", b"kernel"),
            (".profile", b"ID=a"),
            (".profile", b"ID=b"),
            (".cmdline", b"a\0b"),
        ];
        assert_eq!(error_of(parts), UkiError::Text(".cmdline"));
    }

    #[test]
    fn an_addon_with_a_kernel_or_with_nothing() {
        let kernel: &[Part<'_>] = &[(".linux", b"kernel"), (".cmdline", b"a")];
        assert_eq!(addon_error(kernel), UkiError::NotAnAddon);
        let nothing: &[Part<'_>] = &[(".sbat", SBAT), (".uname", b"6.1"), (".cmdline", b"")];
        assert_eq!(addon_error(nothing), UkiError::NotAnAddon);
    }

    #[test]
    fn an_addon_with_profiles_or_sections_twice() {
        let profile: &[Part<'_>] = &[(".profile", b"ID=a"), (".cmdline", b"a")];
        assert_eq!(addon_error(profile), UkiError::ProfileInAddon);
        let twice: &[Part<'_>] = &[(".cmdline", b"a"), (".cmdline", b"b")];
        assert_eq!(addon_error(twice), UkiError::Twice(".cmdline"));
    }
}
