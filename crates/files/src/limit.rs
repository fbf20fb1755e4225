//! How large files can be that are read whole.

/// The most bytes that a file of some kind has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limit {
    bytes: u64,
    of: &'static str,
}

impl Limit {
    /// A manifest lists some hundred files and holds some figures: 100 kB. That of a sweep says a line for each value of an axis.
    pub const MANIFEST: Self = Self::new(16 << 20, "a manifest");
    /// All 5,613 goods of HS 2022 with long names in each of four columns have 5 MB.
    pub const LIST: Self = Self::new(16 << 20, "a list of goods");
    /// A scenario has thirty keys; the longest value is a list of countries.
    pub const SCENARIO: Self = Self::new(1 << 20, "a scenario");
    /// Axes of some hundred values, and scenarios one by one: two million are the most that a sweep answers, in some 50 bytes each.
    pub const SWEEP: Self = Self::new(128 << 20, "a sweep file");
    /// Two million scenarios in rows of some 60 bytes.
    pub const SWEEP_TABLE: Self = Self::new(128 << 20, "a table of scenarios");
    /// Code tables have some ten thousand lines.
    pub const CODE_TABLE: Self = Self::new(16 << 20, "a code table");
    /// Published figures are a page of a report.
    pub const PUBLISHED: Self = Self::new(4 << 20, "a table of published figures");
    /// A row for each product, or for each product and year.
    pub const MARGINALS: Self = Self::new(64 << 20, "a table of world exports by product");
    /// Tables of a result other than its flows; that of the shares of all lists and origins is the longest, with some MB.
    pub const RESULT_TABLE: Self = Self::new(64 << 20, "a table of results");
    /// A row of some 100 bytes for each exporter of each product: at most 1.4 million for all of HS.
    pub const FLOWS: Self = Self::new(512 << 20, "a table of flows");
    /// A plan, or at most 512 results, packed.
    pub const STORED: Self = Self::new(256 << 20, "a file of a store");
    /// The result of a scenario, a line for each origin in each group of goods: 40 kB for the shipped list, more for long lists of risk
    /// origins and subsectors.
    pub const RESULT: Self = Self::new(32 << 20, "a result");
    /// Two million scenarios with a name and a key each.
    pub const PLAN: Self = Self::new(1 << 30, "a plan");

    /// So many bytes; `of` is the kind of file with its article, as in "a manifest".
    pub const fn new(bytes: u64, of: &'static str) -> Self {
        Self { bytes, of }
    }

    /// The most bytes.
    pub const fn bytes(self) -> u64 {
        self.bytes
    }

    /// What has at most so many, as in "a manifest".
    pub const fn of(self) -> &'static str {
        self.of
    }
}

/// A number of bytes as people say it, rounded down: `16 MiB`, `700 bytes`.
pub(crate) fn in_words(bytes: u64) -> String {
    match bytes {
        0..1024 => format!("{bytes} bytes"),
        1024..0x10_0000 => format!("{} KiB", bytes >> 10),
        0x10_0000..0x4000_0000 => format!("{} MiB", bytes >> 20),
        _ => format!("{} GiB", bytes >> 30),
    }
}
