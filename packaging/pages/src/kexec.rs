//! kexec(8): Baton by the name of kexec-tools' program, made of the tables that `kexec --help` prints.

use baton_cli::kexec::help::{
    ABOUT, BY_DEFAULT, DONE, Described, EXIT_CODES, LIKE, REFUSED_FOR_ELF, letter, refused, types,
    without_effect,
};
use baton_cli::kexec::options::{LONG, Opt};
use roff::{Inline, Roff, bold, italic, roman};

/// The page.
pub fn page() -> String {
    let mut page = Roff::new();
    page.control("TH", ["kexec", "8", "", "Baton", "Baton"]);
    head(&mut page);
    options(&mut page);
    tail(&mut page);
    page.to_roff()
}

fn head(page: &mut Roff) {
    section(page, "NAME");
    page.text([roman("kexec - directly reboot into a new kernel")]);
    section(page, "SYNOPSIS");
    page.text([
        bold("kexec"),
        roman(" ["),
        italic("OPTION"),
        roman("]... ["),
        italic("kernel"),
        roman("]"),
    ]);
    section(page, "DESCRIPTION");
    for text in [
        format!("{ABOUT}."),
        format!(
            "It is baton(1) by another name, with the command line and the exit codes of kexec-tools {LIKE}: options may \
             be abbreviated and bundled as there. A kernel is loaded as baton-load(1) loads it: by the running kernel where \
             that accepts it, and otherwise through the gate. What goes well says nothing; what fails says one line."
        ),
        BY_DEFAULT.to_owned(),
        format!("Types of kernels: {}.", types()),
    ] {
        paragraph(page, &text);
    }
}

fn options(page: &mut Roff) {
    section(page, "OPTIONS");
    for row in DONE {
        item(page, header(row), row.text);
    }
    section(page, "OPTIONS WITHOUT EFFECT");
    paragraph(page, "These are accepted.");
    for (opt, why) in without_effect() {
        item(
            page,
            name(opt, value(opt)),
            &sentence(why.unwrap_or("this changes nothing")),
        );
    }
    section(page, "OPTIONS THAT ARE REFUSED");
    paragraph(page, "Each with the reason, or what to do in its place.");
    for (opt, why) in refused() {
        item(page, name(opt, value(opt)), &sentence(why));
    }
    for opt in REFUSED_FOR_ELF {
        let why = "For ELF kernels, which get their arguments as Linux takes them; without effect for others.";
        item(page, name(opt, value(opt)), why);
    }
}

fn tail(page: &mut Roff) {
    section(page, "EXIT STATUS");
    for (code, why) in EXIT_CODES {
        item(page, vec![bold(code.to_string())], &sentence(why));
    }
    section(page, "ENVIRONMENT");
    let gate = "The gate that is used, in place of the installed one.";
    item(page, vec![bold("BATON_GATE")], gate);
    section(page, "FILES");
    let settings = "The load route, the gate and what else is loaded with a kernel.";
    item(page, vec![italic("/etc/baton/load.toml")], settings);
    section(page, "SEE ALSO");
    page.text([roman("baton(1), baton-load(1), baton-exec(1), baton-unload(1), baton-crash-load(1), kexec_file_load(2)")]);
    paragraph(
        page,
        "Every difference from kexec-tools: /usr/share/doc/baton/kexec-compat.md.",
    );
}

fn section(page: &mut Roff, name: &str) {
    page.control("SH", [name]);
}

fn paragraph(page: &mut Roff, text: &str) {
    page.control("PP", []);
    page.text([roman(text)]);
}

fn item(page: &mut Roff, header: Vec<Inline>, text: &str) {
    page.control("TP", []);
    page.text(header);
    page.text([roman(text)]);
}

/// `-t, --type=TYPE`
fn header(row: &Described) -> Vec<Inline> {
    let mut parts = Vec::new();
    for opt in row.opts {
        if !parts.is_empty() {
            parts.push(roman(", "));
        }
        parts.extend(name(*opt, row.value));
    }
    parts
}

/// `-t, --type=TYPE`, or without `=` where it has no value.
fn name(opt: Opt, value: &'static str) -> Vec<Inline> {
    let mut parts = Vec::new();
    if let Some(letter) = letter(opt) {
        parts.extend([bold(format!("-{letter}")), roman(", ")]);
    }
    parts.push(bold(format!("--{}", opt.name())));
    if !value.is_empty() {
        parts.extend([roman("="), italic(value)]);
    }
    parts
}

/// What the value of an option that does nothing is called, if it has one.
fn value(opt: Opt) -> &'static str {
    let option = LONG.iter().find(|option| option.opt == opt);
    if option.is_some_and(|option| option.takes_value) {
        "VALUE"
    } else {
        ""
    }
}

/// A reason as a sentence of its own.
fn sentence(reason: &str) -> String {
    let mut letters = reason.chars();
    let first = letters.next().map(|first| first.to_uppercase().to_string());
    format!("{}{}.", first.unwrap_or_default(), letters.as_str())
}

#[cfg(test)]
mod tests {
    use super::*;
    use baton_cli::kexec::options::SHORT;

    /// As the page's source has them: hyphens that are no minus signs would be shown as dashes.
    fn escaped(option: &str) -> String {
        option.replace('-', "\\-")
    }

    #[test]
    fn the_page_has_every_option_by_its_name_and_its_letter() {
        let page = page();
        for option in LONG.iter().filter(|option| !option.is_for_tests) {
            let name = escaped(&format!("--{}", option.name));
            assert!(page.contains(&format!("\\fB{name}\\fR")), "{name}");
        }
        for (letter, _, _) in SHORT.iter().filter(|(letter, _, _)| *letter != b'?') {
            let letter = escaped(&format!("-{}", char::from(*letter)));
            assert!(page.contains(&format!("\\fB{letter}\\fR")), "{letter}");
        }
    }

    #[test]
    fn options_of_tests_are_in_no_page() {
        assert!(!page().contains(&escaped("baton-root")));
    }

    #[test]
    fn a_reason_becomes_a_sentence() {
        assert_eq!(sentence("this changes nothing"), "This changes nothing.");
        assert_eq!(sentence("EFI is passed on"), "EFI is passed on.");
    }
}
