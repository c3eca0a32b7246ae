//! Why bytes are not SBAT metadata, or not a level.

use core::fmt;

/// What is wrong with SBAT metadata or a level.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SbatError {
    /// Longer than is read: so many bytes.
    TooLong(usize),
    /// Not UTF-8.
    NotText,
    /// The first row isn't about this format, or there is none.
    FirstRow,
    /// The first row's date isn't a number.
    Date,
    /// A row is refused.
    Row {
        /// Its number, from 1.
        number: usize,
        /// Why.
        problem: RowProblem,
    },
}

/// What is wrong with a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RowProblem {
    /// There is a control character in it, such as a NUL.
    ControlCharacter,
    /// Fewer fields than this, or one of them is empty.
    Fields(usize),
    /// The component's name isn't one.
    Name,
    /// The generation isn't one.
    Generation,
}

impl fmt::Display for SbatError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            SbatError::TooLong(len) => write!(
                f,
                "{len} bytes, and {} are the most that are read",
                super::MAX_LEN
            ),
            SbatError::NotText => f.write_str("it isn't text"),
            SbatError::FirstRow => f.write_str("its first row doesn't begin with \"sbat,1\""),
            SbatError::Date => f.write_str("the date in its first row isn't a number"),
            SbatError::Row { number, problem } => write!(f, "in row {number} {problem}"),
        }
    }
}

impl fmt::Display for RowProblem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            RowProblem::ControlCharacter => f.write_str("there is a control character"),
            RowProblem::Fields(count) => {
                write!(f, "there aren't {count} fields, or one of them is empty")
            }
            RowProblem::Name => f.write_str("the component's name isn't printable ASCII"),
            RowProblem::Generation => {
                f.write_str("the generation isn't a number from 1 to 4294967295")
            }
        }
    }
}

impl core::error::Error for SbatError {}
