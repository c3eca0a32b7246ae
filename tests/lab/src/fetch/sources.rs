//! apt's configured sources, read so that others can be derived from them.

use fs_err as fs;
use std::path::Path;

use anyhow::{Result, bail};

/// One source: where packages are, of which releases.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Source {
    uris: String,
    suites: Vec<String>,
    components: String,
    /// Key file or inline key; none for apt's own trusted directory.
    signed_by: Option<String>,
}

impl Source {
    /// The same place, another release.
    pub fn with_suite(&self, suite: &str) -> Source {
        Source {
            suites: vec![suite.to_owned()],
            ..self.clone()
        }
    }

    /// In the format of sources.list(5), DEB822-STYLE.
    pub fn to_text(&self) -> String {
        let mut text = format!(
            "Types: deb\nURIs: {}\nSuites: {}\nComponents: {}\n",
            self.uris,
            self.suites.join(" "),
            self.components
        );
        if let Some(key) = &self.signed_by {
            text.push_str(&format!("Signed-By: {key}\n"));
        }
        text
    }

    /// Whether this is a release itself, and not its updates, security fixes or backports.
    fn is_release(&self) -> bool {
        self.components.split_whitespace().any(|c| c == "main")
            && self
                .suites
                .iter()
                .any(|s| !s.contains('-') && !s.contains('/'))
    }
}

/// Every configured source of binary packages.
pub fn all() -> Result<Vec<Source>> {
    let mut found = Vec::new();
    let list = Path::new("/etc/apt/sources.list");
    if list.is_file() {
        found.extend(parse_list(&fs::read_to_string(list)?));
    }
    if let Ok(parts) = fs::read_dir("/etc/apt/sources.list.d") {
        for part in parts {
            let path = part?.path();
            match path.extension().and_then(|e| e.to_str()) {
                Some("sources") => found.extend(parse_stanzas(&fs::read_to_string(&path)?)),
                Some("list") => found.extend(parse_list(&fs::read_to_string(&path)?)),
                _ => {}
            }
        }
    }
    Ok(found)
}

/// The source of the Debian release that runs here.
pub fn system() -> Result<Source> {
    match all()?.into_iter().find(Source::is_release) {
        Some(source) => Ok(source),
        None => bail!("apt has no Debian release configured: add one to /etc/apt/sources.list"),
    }
}

fn parse_stanzas(text: &str) -> Vec<Source> {
    let lines: Vec<&str> = text.lines().filter(|line| !line.starts_with('#')).collect();
    lines
        .split(|line| line.trim().is_empty())
        .filter_map(parse_stanza)
        .collect()
}

fn parse_stanza(lines: &[&str]) -> Option<Source> {
    let field = |name: &str| {
        let at = lines.iter().position(|line| {
            line.split_once(':')
                .is_some_and(|(key, _)| key.trim().eq_ignore_ascii_case(name))
        })?;
        let (_, first) = lines.get(at)?.split_once(':')?;
        let more = lines
            .get(at + 1..)?
            .iter()
            .take_while(|line| line.starts_with([' ', '\t']));
        Some(
            std::iter::once(first.trim())
                .chain(more.copied())
                .collect::<Vec<_>>()
                .join("\n"),
        )
    };
    let off = field("Enabled").is_some_and(|value| value == "no");
    let binary = field("Types")?.split_whitespace().any(|kind| kind == "deb");
    (binary && !off).then_some(())?;
    Some(Source {
        uris: field("URIs")?,
        suites: field("Suites")?
            .split_whitespace()
            .map(String::from)
            .collect(),
        components: field("Components").unwrap_or_default(),
        signed_by: field("Signed-By"),
    })
}

/// Sources in the one-line format of sources.list(5).
pub fn parse_list(text: &str) -> Vec<Source> {
    text.lines().filter_map(parse_line).collect()
}

/// `deb [option=value …] URI suite component…`
fn parse_line(line: &str) -> Option<Source> {
    let rest = line
        .split('#')
        .next()?
        .trim()
        .strip_prefix("deb ")?
        .trim_start();
    let (options, rest) = match rest.strip_prefix('[') {
        Some(inside) => inside.split_once(']')?,
        None => ("", rest),
    };
    let mut words = rest.split_whitespace();
    Some(Source {
        uris: words.next()?.to_owned(),
        suites: vec![words.next()?.to_owned()],
        components: words.collect::<Vec<_>>().join(" "),
        signed_by: options
            .split_whitespace()
            .find_map(|o| o.strip_prefix("signed-by="))
            .map(String::from),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const STANZAS: &str = "Types: deb\n# a remark\nURIs: http://a/debian\nSuites: bookworm bookworm-updates\n\
        Components: main\nSigned-By: /k.gpg\n\nTypes: deb-src\nURIs: http://b\nSuites: x\nComponents: main\n\n\
        Types: deb\nURIs: http://c\nSuites: bookworm-security\nComponents: main\nEnabled: no\n";

    #[test]
    fn reads_binary_sources_that_are_switched_on() {
        let found = parse_stanzas(STANZAS);
        assert_eq!(found.len(), 1);
        assert!(found[0].is_release());
        assert_eq!(found[0].suites, ["bookworm", "bookworm-updates"]);
    }

    #[test]
    fn derives_another_release_from_a_one_line_source() {
        let source = &parse_list(
            "# x\ndeb [arch=amd64 signed-by=/k.gpg] http://a/debian bookworm main contrib\n",
        )[0];
        let text = source.with_suite("sid").to_text();
        assert_eq!(
            text,
            "Types: deb\nURIs: http://a/debian\nSuites: sid\nComponents: main contrib\nSigned-By: /k.gpg\n"
        );
    }

    #[test]
    fn a_security_source_is_not_the_release() {
        assert!(!parse_list("deb http://a bookworm-security main\n")[0].is_release());
    }
}
