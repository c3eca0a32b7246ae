//! Linux's command line, split as the kernel splits it.
//!
//! [`parameters`] follows `next_arg` (lib/cmdline.c), which `parse_args` (kernel/params.c) calls
//! until it meets a lone `--`: what follows that is init's. The rules:
//!
//! - Parameters are separated by white space, which is what `isspace` takes: space, tab, line feed,
//!   vertical tab, form feed, carriage return and 0xa0 (lib/ctype.c).
//! - Between double quotes white space separates nothing. A quote at a parameter's start is dropped
//!   with one at its end; so is one at a value's start with one at its end. Nothing escapes a quote.
//! - The name ends at the first `=` that isn't the first byte.
//!
//! [`words`] is the other reading: what runs before (arch/x86/boot/cmdline.c,
//! arch/x86/lib/cmdline.c) knows of no quotes and no `--`, and takes every byte up to a space for
//! white space. Whoever denies a parameter must look at both.

mod crash;
mod names;
#[cfg(test)]
mod tests;

pub use crash::{CrashLine, MAX_CRASH_PREFIX, RESERVED_FOR_PREFIX};
pub use names::{is_by_beginning, reaches, same_name, starts_with_name};

/// A parameter as the kernel reads it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Parameter<'a> {
    /// Its bytes in the line, quotes included.
    pub raw: &'a [u8],
    /// Where it begins in the line.
    pub offset: usize,
    /// Its name, without quotes.
    pub name: &'a [u8],
    /// Its value, without quotes; `None` if there is no `=`.
    pub value: Option<&'a [u8]>,
}

impl Parameter<'_> {
    /// Whether it is the `--` after which all is init's.
    pub fn ends_kernel_parameters(&self) -> bool {
        self.value.is_none() && self.name == b"--"
    }
}

/// All parameters of a line, in its order; those after a lone `--`, and that itself, too.
pub fn parameters(line: &[u8]) -> Parameters<'_> {
    Parameters { line, at: 0 }
}

/// The line's words as the code that runs before `next_arg` reads them.
pub fn words(line: &[u8]) -> Words<'_> {
    Words { rest: line }
}

/// Iterates over [`Parameter`]s.
#[derive(Clone, Debug)]
pub struct Parameters<'a> {
    line: &'a [u8],
    at: usize,
}

impl<'a> Iterator for Parameters<'a> {
    type Item = Parameter<'a>;

    fn next(&mut self) -> Option<Parameter<'a>> {
        let rest = self.line.get(self.at..)?;
        let start = rest.iter().position(|&byte| !is_space(byte))?;
        let rest = rest.get(start..)?;
        let raw = rest.get(..end(rest))?;
        let offset = self.at.saturating_add(start);
        self.at = offset.saturating_add(raw.len());
        let (name, value) = unquoted(raw);
        Some(Parameter {
            raw,
            offset,
            name,
            value,
        })
    }
}

/// Iterates over words.
#[derive(Clone, Debug)]
pub struct Words<'a> {
    rest: &'a [u8],
}

impl<'a> Iterator for Words<'a> {
    type Item = Parameter<'a>;

    fn next(&mut self) -> Option<Parameter<'a>> {
        let start = self.rest.iter().position(|&byte| byte > b' ')?;
        let rest = self.rest.get(start..)?;
        let end = rest.iter().position(|&byte| byte <= b' ');
        let (word, rest) = rest.split_at_checked(end.unwrap_or(rest.len()))?;
        self.rest = rest;
        Some(split_word(word))
    }
}

/// Where the first parameter of `rest` ends.
fn end(rest: &[u8]) -> usize {
    let mut quoted = false;
    let ends = |&byte: &u8| {
        quoted ^= byte == b'"';
        !quoted && is_space(byte)
    };
    rest.iter().position(ends).unwrap_or(rest.len())
}

fn unquoted(raw: &[u8]) -> (&[u8], Option<&[u8]>) {
    let without_end = |bytes: &[u8]| bytes.len().saturating_sub(1);
    let opened = raw.strip_prefix(b"\"");
    let body = opened.unwrap_or(raw);
    // The quote that is dropped with a value's own is dropped once.
    let (name, value) = split(body);
    let value = value.map(|value| match value.strip_prefix(b"\"") {
        Some(inner) if value.ends_with(b"\"") => inner.get(..without_end(inner)).unwrap_or(inner),
        Some(inner) => inner,
        None if opened.is_some() => value.strip_suffix(b"\"").unwrap_or(value),
        None => value,
    });
    let name = match value {
        None if opened.is_some() => name.strip_suffix(b"\"").unwrap_or(name),
        _ => name,
    };
    (name, value)
}

fn split_word(raw: &[u8]) -> Parameter<'_> {
    let (name, value) = split(raw);
    Parameter {
        raw,
        offset: 0,
        name,
        value,
    }
}

/// At the first `=` that isn't the first byte.
fn split(body: &[u8]) -> (&[u8], Option<&[u8]>) {
    let equals = body.iter().skip(1).position(|&byte| byte == b'=');
    let at = equals.map(|position| position.saturating_add(1));
    match at.and_then(|at| body.split_at_checked(at)) {
        Some((name, value)) => (name, value.get(1..)),
        None => (body, None),
    }
}

/// `isspace` of the kernel (lib/ctype.c).
fn is_space(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t'..=b'\r' | 0xa0)
}
