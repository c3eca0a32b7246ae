use super::*;
use crate::samples::{SBAT, SBAT_LEVEL};

fn row(problem: RowProblem) -> SbatError {
    SbatError::Row { number: 2, problem }
}

/// Metadata whose second row this is.
fn image_with(row: &str) -> Vec<u8> {
    format!("sbat,1,v,sbat,1,u\n{row}").into_bytes()
}

fn image_error(second: &str) -> SbatError {
    Sbat::parse(&image_with(second)).unwrap_err()
}

fn level_error(text: &str) -> SbatError {
    SbatLevel::parse(text.as_bytes()).unwrap_err()
}

/// Whether an image with this second row is revoked by a level with this one.
fn revoked<'a>(image: &'a [u8], level: &str) -> Option<Revoked<'a>> {
    let level = format!("sbat,1,2025051000\n{level}");
    let level = SbatLevel::parse(level.as_bytes()).unwrap();
    Sbat::parse(image).unwrap().revoked_by(&level)
}

#[test]
fn reads_an_images_components() {
    let sbat = Sbat::parse(SBAT).unwrap();
    let components: Vec<_> = sbat.components().map(|c| (c.name, c.generation)).collect();
    assert_eq!(components, [("sbat", 1), ("sample", 1)]);
    let rest = sbat.components().last().unwrap().rest;
    assert_eq!(rest, Some("Baton,sample,1,-"));
    assert_eq!(sbat.generation("sample"), Some(1));
    assert_eq!(sbat.generation("samples"), None);
}

#[test]
fn reads_a_level_with_its_date() {
    let level = SbatLevel::parse(SBAT_LEVEL).unwrap();
    assert_eq!(level.date(), Some("2025051000"));
    assert_eq!(level.minimum("shim"), Some(4));
    assert_eq!(level.minimum("grub"), Some(5));
    assert_eq!(level.minimum("grub.debian"), None);
    let bare = SbatLevel::parse(b"sbat,1").unwrap();
    assert_eq!((bare.date(), bare.minimum("sbat")), (None, Some(1)));
}

/// The levels that shim has come with: the first one, and one with a distribution's component.
#[test]
fn reads_the_levels_that_are_in_use() {
    for level in [
        "sbat,1,2021030218\n",
        "sbat,1,2024010900\nshim,4\ngrub,3\ngrub.debian,4\n",
        "sbat,1,2025051000\nshim,4\ngrub,5\ngrub.proxmox,2\n",
    ] {
        assert!(SbatLevel::parse(level.as_bytes()).is_ok(), "{level}");
    }
}

#[test]
fn revokes_what_is_below_the_level_and_nothing_else() {
    let image = image_with("grub,4,v,p,1,u\ngrub.debian,5,v,p,1,u\n");
    let expected = Revoked {
        name: "grub",
        generation: 4,
        minimum: 5,
    };
    assert_eq!(revoked(&image, "grub,5\n"), Some(expected));
    for level in ["", "grub,4\n", "grub,3\n", "grub.debian,5\n", "shim,9\n"] {
        assert_eq!(revoked(&image, level), None, "{level}");
    }
    assert!(revoked(&image, "shim,9\ngrub.debian,6\n").is_some());
}

#[test]
fn generations_compare_as_numbers_of_32_bits() {
    let image = image_with("grub,9,v,p,1,u");
    assert!(revoked(&image, "grub,10\n").is_some());
    // shim keeps 16 bits: 65536 is 0 to it.
    assert!(revoked(&image, "grub,65536\n").is_some());
    assert!(revoked(&image, "grub,4294967295\n").is_some());
    let largest = image_with("grub,4294967295,v,p,1,u");
    assert!(revoked(&largest, "grub,4294967295\n").is_none());
}

#[test]
fn of_an_images_doubled_component_the_lowest_generation_counts() {
    for rows in [
        "grub,9,v,p,1,u\ngrub,4,v,p,1,u\n",
        "grub,4,v,p,1,u\ngrub,9,v,p,1,u\n",
    ] {
        let image = image_with(rows);
        assert_eq!(Sbat::parse(&image).unwrap().generation("grub"), Some(4));
        assert_eq!(revoked(&image, "grub,5\n").unwrap().generation, 4);
    }
}

#[test]
fn of_a_levels_doubled_component_the_highest_generation_counts() {
    let image = image_with("grub,4,v,p,1,u\n");
    for level in ["grub,5\ngrub,2\n", "grub,2\ngrub,5\n"] {
        assert_eq!(revoked(&image, level).unwrap().minimum, 5);
    }
}

#[test]
fn component_names_are_the_same_only_to_the_letter() {
    let image = image_with("grub,1,v,p,1,u\n");
    for level in ["GRUB,5\n", "grub.,5\n", "grub2,5\n", "gru,5\n"] {
        assert_eq!(revoked(&image, level), None, "{level}");
    }
}

#[test]
fn zeros_may_follow_and_empty_rows_lie_between() {
    for padding in [&[0; 100][..], b"\0\n", b"\n\0\r\n\0\n"] {
        let padded = [SBAT, padding].concat();
        let sbat = Sbat::parse(&padded).unwrap();
        assert!(
            sbat.components()
                .eq(Sbat::parse(SBAT).unwrap().components())
        );
        assert!(SbatLevel::parse(&[SBAT_LEVEL, padding].concat()).is_ok());
    }
    let spaced = image_with("\n\r\n\ngrub,4,v,p,1,u\r\n\n");
    assert_eq!(Sbat::parse(&spaced).unwrap().generation("grub"), Some(4));
    assert!(Sbat::parse(b"sbat,1,v,sbat,1,u").is_ok());
}

#[test]
fn a_vendors_name_may_have_commas_and_any_letters() {
    let image = image_with("grub,4,Müller, Söhne & Co.,p,1,u\n");
    assert_eq!(Sbat::parse(&image).unwrap().generation("grub"), Some(4));
}

#[test]
fn refuses_metadata_without_its_first_row() {
    for text in [
        "",
        "\n",
        "\0\0",
        "grub,4,v,p,1,u\n",
        "sbat,2,v,sbat,2,u\n",
        "SBAT,1,v,sbat,1,u\n",
        "grub,4,v,p,1,u\nsbat,1,v,sbat,1,u\n",
    ] {
        let error = Sbat::parse(text.as_bytes()).unwrap_err();
        assert_eq!(error, SbatError::FirstRow, "{text:?}");
    }
    for text in ["", "shim,4\n", "sbat,2,2025051000\n"] {
        assert_eq!(level_error(text), SbatError::FirstRow, "{text:?}");
    }
}

#[test]
fn refuses_generations_that_are_no_numbers() {
    for generation in [
        "0",
        "00",
        "04",
        "+4",
        "-4",
        " 4",
        "4 ",
        "4a",
        "a",
        "0x4",
        "4.0",
        "٤",
        "4294967296",
        "99999999999999999999999999",
    ] {
        let image = image_error(&format!("grub,{generation},v,p,1,u\n"));
        assert_eq!(image, row(RowProblem::Generation), "{generation:?}");
        let level = level_error(&format!("sbat,1,2025051000\ngrub,{generation}\n"));
        assert_eq!(level, row(RowProblem::Generation), "{generation:?}");
    }
}

#[test]
fn refuses_names_that_are_not_printable_ascii() {
    for name in ["gr ub", " grub", "grüb"] {
        let image = image_error(&format!("{name},4,v,p,1,u\n"));
        assert_eq!(image, row(RowProblem::Name), "{name:?}");
        let level = level_error(&format!("sbat,1\n{name},4\n"));
        assert_eq!(level, row(RowProblem::Name), "{name:?}");
    }
    // Only one mark of UTF-8 is skipped, and only at the begin.
    let twice = Sbat::parse("\u{feff}\u{feff}sbat,1,v,sbat,1,u\n".as_bytes()).unwrap_err();
    let problem = RowProblem::Name;
    assert_eq!(twice, SbatError::Row { number: 1, problem });
    assert_eq!(image_error("\u{feff}grub,4,v,p,1,u\n"), row(problem));
}

#[test]
fn a_byte_order_mark_may_come_first() {
    let marked = ["\u{feff}".as_bytes(), SBAT].concat();
    assert_eq!(Sbat::parse(&marked), Sbat::parse(SBAT));
    let marked = ["\u{feff}".as_bytes(), SBAT_LEVEL].concat();
    assert_eq!(SbatLevel::parse(&marked), SbatLevel::parse(SBAT_LEVEL));
}

#[test]
fn rows_end_with_either_line_end_or_both() {
    for end in ["\n", "\r", "\r\n", "\n\r", "\r\r\n"] {
        let text = format!("sbat,1,v,sbat,1,u{end}grub,4,v,p,1,u{end}");
        let sbat = Sbat::parse(text.as_bytes()).unwrap();
        assert_eq!(sbat.components().count(), 2, "{end:?}");
        assert_eq!(sbat.generation("grub"), Some(4), "{end:?}");
    }
    // Of two that are one end the row after them is the second.
    assert_eq!(
        Sbat::parse(b"sbat,1,v,sbat,1,u\r\ngrub\r\n"),
        Err(row(RowProblem::Fields(6)))
    );
}

#[test]
fn quotes_are_no_part_of_the_format() {
    assert_eq!(
        image_error("\"grub\",\"4\",v,p,1,u\n"),
        row(RowProblem::Generation)
    );
    let image = image_with("\"grub\",4,v,p,1,u\n");
    assert_eq!(revoked(&image, "grub,5\n"), None, "another name");
}

/// As it is in Memtest86+ 6.10 for EFI, which shim doesn't start under Secure Boot either.
#[test]
fn refuses_a_row_that_lacks_the_package() {
    let row_of_five = "memtest86+,1,Memtest86+,6.0,https://github.com/memtest86plus\n";
    assert_eq!(image_error(row_of_five), row(RowProblem::Fields(6)));
}

#[test]
fn refuses_rows_with_too_few_fields_or_empty_ones() {
    for text in [
        "grub\n",
        "grub,4\n",
        "grub,4,v,p,1\n",
        ",4,v,p,1,u\n",
        "grub,,v,p,1,u\n",
        "grub,4,v,,1,u\n",
        "grub,4,v,p,1,\n",
        ",,,,,\n",
    ] {
        assert_eq!(image_error(text), row(RowProblem::Fields(6)), "{text:?}");
    }
    for text in [
        "sbat,1\ngrub\n",
        "sbat,1\ngrub,\n",
        "sbat,1\n,4\n",
        "sbat,1\n,\n",
    ] {
        assert_eq!(level_error(text), row(RowProblem::Fields(2)), "{text:?}");
    }
}

#[test]
fn refuses_control_characters_and_what_is_no_text() {
    for text in [
        "grub,4\0,v,p,1,u\n",
        "gr\tub,4,v,p,1,u\n",
        "grub,4,v,p,1,u\x0b",
    ] {
        assert_eq!(
            image_error(text),
            row(RowProblem::ControlCharacter),
            "{text:?}"
        );
    }
    // Zeros, and something after them.
    let hidden = [SBAT, b"\0\0grub,1,v,p,1,u\n"].concat();
    assert!(matches!(Sbat::parse(&hidden), Err(SbatError::Row { .. })));
    let latin1 = [&image_with("grub,4,")[..], b"M\xfcller,p,1,u\n"].concat();
    assert_eq!(Sbat::parse(&latin1), Err(SbatError::NotText));
    assert_eq!(
        SbatLevel::parse(b"sbat,1\n\xff,1\n"),
        Err(SbatError::NotText)
    );
}

#[test]
fn refuses_a_date_that_is_no_number() {
    for date in ["soon", "2025-05-10", "02025", " 1", "1 "] {
        assert_eq!(level_error(&format!("sbat,1,{date}\n")), SbatError::Date);
    }
    // Larger than a generation can be.
    assert!(SbatLevel::parse(b"sbat,1,2025051000\n").is_ok());
    assert!(SbatLevel::parse(b"sbat,1,99991231235959\n").is_ok());
}

#[test]
fn refuses_what_is_too_long() {
    let long = image_with(&"x,1,v,p,1,u\n".repeat(MAX_LEN / 12));
    assert_eq!(Sbat::parse(&long), Err(SbatError::TooLong(long.len())));
    let padding = [SBAT, &vec![0; MAX_LEN]].concat();
    assert!(Sbat::parse(&padding).is_ok(), "zeros don't count");
}

/// Nothing says how long a text is. Whoever cuts one takes rows away, or the end of a field.
#[test]
fn every_truncation_is_refused_or_says_no_more_than_the_whole() {
    let level = SbatLevel::parse(SBAT_LEVEL).unwrap();
    for len in 0..SBAT_LEVEL.len() {
        match SbatLevel::parse(&SBAT_LEVEL[..len]) {
            Ok(cut) => assert!(cut.components().zip(level.components()).all(same), "{len}"),
            Err(_) => assert!(!SBAT_LEVEL[..len].ends_with(b"\n") || len == 0, "{len}"),
        }
    }
    let sbat = Sbat::parse(SBAT).unwrap();
    for len in 0..SBAT.len() {
        match Sbat::parse(&SBAT[..len]) {
            Ok(cut) => assert!(cut.components().zip(sbat.components()).all(same), "{len}"),
            Err(_) => assert!(!SBAT[..len].ends_with(b"\n") || len == 0, "{len}"),
        }
    }
    assert_eq!(
        Sbat::parse(&SBAT[..20]),
        Err(SbatError::Row {
            number: 1,
            problem: RowProblem::Fields(6)
        })
    );
}

fn same((cut, whole): (Component<'_>, Component<'_>)) -> bool {
    (cut.name, cut.generation) == (whole.name, whole.generation)
}
