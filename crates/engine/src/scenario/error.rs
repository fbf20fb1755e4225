//! What is wrong with a question.

use reorient_core::{CountryCode, Year, shown};

/// A question that cannot be asked.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ScenarioError {
    /// Something wrong on a line of a scenario file.
    #[error("{file}:{line}: {source}")]
    InFile {
        /// File name.
        file: String,
        /// Line, from 1.
        line: usize,
        /// What is wrong there.
        source: Box<Self>,
    },
    /// Not TOML: the parser's message.
    #[error("{0}")]
    Toml(String),
    /// Something wrong with a sweep: what it is and what to do.
    #[error("{0}")]
    Sweep(String),
    /// A key that no scenario has.
    #[error("unknown key `{}`{hint}", shown(key))]
    UnknownKey {
        /// As written.
        key: String,
        /// The nearest valid key, ready to print.
        hint: String,
    },
    /// A value that the key does not take.
    #[error("`{} = {}`: {expected}", shown(key), shown(value))]
    Value {
        /// The key.
        key: String,
        /// As written.
        value: String,
        /// What it takes.
        expected: String,
    },
    /// `--set` without `=`.
    #[error("`{}` is no setting: write key=value", shown(.0))]
    Setting(String),
    /// A key set by the same hand before.
    #[error("`{}` is set twice, by `{}` and by `{}`: leave one of them out", shown(key), shown(first), shown(second))]
    Twice {
        /// The key, or an entry of its table.
        key: String,
        /// As written.
        first: String,
        /// As written.
        second: String,
    },
    /// A country in the bloc and among the risk origins.
    #[error("country {0} is both in the bloc and a risk origin")]
    Overlap(CountryCode),
    /// The year is not in the data.
    #[error("year {year} is not in the trade data, which hold {held}")]
    NoSuchYear {
        /// Asked for.
        year: Year,
        /// What there is.
        held: String,
    },
    /// No year chosen among several.
    #[error("the trade data hold {0}: choose one with --year")]
    WhichYear(String),
    /// HiGHS asked for in a build without it.
    #[error("this build has no HiGHS: use `solver = auto` or build with the default features")]
    NoHighs,
}
