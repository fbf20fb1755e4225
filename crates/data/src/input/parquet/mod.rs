//! Parquet of other tools: Polars, DuckDB, pyarrow, pandas; numbers or texts, whole or in fractions.

mod footer;
mod stretch;

use std::collections::BTreeSet;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;

use arrow::error::ArrowError;
use rayon::prelude::*;
use reorient_core::Year;

pub(crate) use self::footer::is_ours;
use self::stretch::{ForeignFile, Stretch, stretches};
use super::cells::{self, RowReader};
use super::csv::Reading;
use super::{Batch, Member, Met, Order, Pick, hashed};
use crate::DataError;
use crate::RowPolicy;
use crate::claims::{Outdated, last_years};
use crate::ingested::FileHash;
use crate::integrity::Integrity;
use crate::issue::Problem;
use crate::row::Row;

/// Rows whose problems are told together.
const SPAN: u64 = 1 << 16;
/// Rows of a round, for each thread.
const ROUND: usize = 1 << 21;

/// What the rows of a stretch are held against.
struct Known<'a> {
    named: Option<Year>,
    /// The last year of each, by number.
    countries: &'a [u16],
    /// The one year that rows may have, where it is known.
    year: Option<Year>,
    /// Whether they may have any.
    many: bool,
    other_year: &'a str,
    pick: &'a Pick,
    policy: &'a RowPolicy,
}

/// One stretch. Lines are rows of the file, from 1.
struct Parsed {
    /// Rows of the products that are asked for.
    rows: Vec<Row>,
    problems: Vec<Waiting>,
    /// Rows of all products, bad ones included.
    met: u64,
    /// Of all good rows.
    order: Order,
    /// Those of countries that had ended.
    outdated: Outdated,
    /// The one year of the rows, where it is known by now.
    year: Option<Year>,
    /// What ended it early.
    ended: Result<(), DataError>,
}

/// A problem that is told when all rows of its span have been read: of a span, rows of another year come last.
struct Waiting {
    span: u64,
    is_other_year: bool,
    problem: Problem,
}

/// Whether a file has a column of years.
pub(super) fn has_years(path: &Path, name: &str) -> Result<bool, DataError> {
    ForeignFile::has_years(path, name)
}

/// Which checksum the pages of the columns that are read have.
pub(super) fn integrity(path: &Path, member: &Member) -> Result<Integrity, DataError> {
    if footer::is_ours(path)? {
        return Ok(Integrity::Blake3);
    }
    ForeignFile::open(path, &member.name, member.year.is_some(), member.unit)?.integrity()
}

/// Reads rows in the order of the file: stretches side by side, in rounds that bound the memory of rows that wait for their turn.
pub(super) fn read(path: &Path, reading: &mut Reading<'_, '_>) -> Result<Met, DataError> {
    let name = reading.name.to_owned();
    footer::footer(path)?;
    let file = ForeignFile::open(path, &name, reading.years.named.is_some(), reading.unit)?;
    let stamp = file.content.stamp()?;
    // Of a file whose name tells no year, the first rows are read alone: they tell it, and may be all that is asked for.
    let head = if reading.years.named.is_some() { 0 } else { SPAN };
    let stretches = stretches(&file.groups, usize::try_from(head).unwrap_or(usize::MAX));
    let countries = last_years(reading.countries);
    let other_year = reading.years.other_year();
    let mut taken = Taken { name: &name, reading, waiting: Vec::new(), met: Met::default() };
    let mut hashes = Vec::new();
    let mut next = 0;
    while next < stretches.len() {
        let years = &taken.reading.years;
        let is_alone = years.is_open() || next == 0 && head > 0;
        let end = if is_alone { next + 1 } else { end_of_round(&stretches, next) };
        let known = Known {
            named: years.named,
            countries: &countries,
            year: years.expected(),
            many: years.many,
            other_year: &other_year,
            pick: taken.reading.pick,
            policy: taken.reading.issues.policy(),
        };
        // As far into the bytes as into the rows.
        let blocks = hashes.len() as u64..hashed::count(file.length()) * end as u64 / stretches.len() as u64;
        let parse = |stretch: &Stretch| known.parse(&name, &file, stretch);
        let (parsed, more): (Vec<Parsed>, Result<Vec<_>, _>) = rayon::join(
            || stretches[next..end].par_iter().map(parse).collect(),
            || blocks.into_par_iter().map(|block| hashed::read(&file.content, block)).collect(),
        );
        for (number, stretch) in (next + 1..).zip(parsed) {
            taken.take(stretch, &file, number == stretches.len())?;
        }
        hashes.extend(more?);
        next = end;
    }
    let hash = FileHash { name: name.clone(), ..hashed::whole(&file.content, &hashes)? };
    // Rows and hash are of two looks at the same file.
    if file.content.stamp()? != stamp {
        return Err(DataError::Changed { file: name.clone() });
    }
    taken.finish(&file, hash)
}

/// Where a round ends that begins with a stretch.
fn end_of_round(stretches: &[Stretch], next: usize) -> usize {
    let most = ROUND.saturating_mul(rayon::current_num_threads());
    let mut rows = 0_usize;
    let fits = stretches[next..].iter().take_while(|stretch| {
        rows = rows.saturating_add(stretch.n_rows());
        rows <= most
    });
    next + fits.count().max(1)
}

impl Known<'_> {
    fn parse(&self, name: &str, file: &ForeignFile, stretch: &Stretch) -> Parsed {
        let keeps = self.policy.keeps_without_quantity();
        let mut reader = RowReader::new(&file.columns, self.named, self.countries, keeps);
        let (rows, problems, order) = (Vec::new(), Vec::new(), Order::new());
        let outdated = Outdated::default();
        let mut parsed = Parsed { rows, problems, met: 0, order, outdated, year: self.year, ended: Ok(()) };
        // Row at which nothing more need be read, as errors enough to stop have been found.
        let mut enough = u64::MAX;
        let mut fatal = 0;
        parsed.ended = file.read(stretch, &mut |batch| {
            let found = parsed.problems.len();
            let fail = |error: ArrowError| DataError::file(name, cells::problem(&error));
            let is_plain = reader.look(&batch).map_err(fail)?;
            if is_plain && (self.many || parsed.year.is_some_and(|year| reader.are_of(year))) {
                parsed.order.meet_all(reader.keys());
                reader.pick(self.pick, &mut parsed.rows);
            } else {
                reader.read(&batch).map_err(fail)?;
                self.take(&mut reader, stretch.start + parsed.met + 1, &mut parsed)?;
            }
            parsed.met += batch.num_rows() as u64;
            for waiting in &parsed.problems[found..] {
                fatal += usize::from(!self.policy.skip.contains(&waiting.problem.reason));
                if fatal == self.policy.max_errors {
                    enough = (waiting.span + 1) * SPAN;
                }
            }
            Ok(stretch.start + parsed.met < enough)
        });
        parsed.outdated = reader.outdated;
        parsed.rows = self.pick.hand_over(parsed.rows);
        parsed
    }

    /// Takes the rows and the problems of a batch in which something is unusual.
    fn take(&self, reader: &mut RowReader<'_>, first_line: u64, parsed: &mut Parsed) -> Result<(), DataError> {
        let waiting = |is_other_year, problem: Problem| {
            let line = first_line + problem.line;
            Waiting { span: (line - 1) / SPAN, is_other_year, problem: Problem { line, ..problem } }
        };
        if !self.many
            && let Some(first) = reader.rows.first()
        {
            let expected = match parsed.year {
                Some(year) => year,
                None => *parsed.year.insert(first.year()?),
            };
            let others = reader.take_other_years(expected, self.other_year)?;
            // What is left out for its year is not kept without its quantity.
            let lines: BTreeSet<u64> = others.iter().map(|problem| problem.line).collect();
            reader.problems.retain(|problem| !lines.contains(&problem.line));
            parsed.problems.extend(others.into_iter().map(|problem| waiting(true, problem)));
        }
        parsed.problems.extend(reader.problems.drain(..).map(|problem| waiting(false, problem)));
        parsed.order.meet_all(&reader.rows.iter().map(Row::key).collect::<Vec<_>>());
        parsed.rows.extend(reader.rows.iter().filter(|row| self.pick.takes(row.product_number())));
        Ok(())
    }
}

/// Takes stretches in the order of the file.
struct Taken<'r, 'a, 'b> {
    name: &'r str,
    reading: &'r mut Reading<'a, 'b>,
    waiting: Vec<Waiting>,
    met: Met,
}

impl Taken<'_, '_, '_> {
    fn take(&mut self, stretch: Parsed, file: &ForeignFile, is_last: bool) -> Result<(), DataError> {
        self.met.rows += stretch.met;
        self.met.order.follow(&stretch.order);
        self.met.outdated.join(stretch.outdated);
        if self.reading.years.is_open() {
            self.reading.years.first = stretch.year;
        }
        self.waiting.extend(stretch.problems);
        let is_end = is_last && stretch.ended.is_ok();
        self.tell(if is_end { u64::MAX } else { self.met.rows / SPAN })?;
        stretch.ended?;
        // As far into the file as into its rows.
        let done = u64::try_from(u128::from(file.length()) * u128::from(self.met.rows) / u128::from(file.rows.max(1)));
        (self.reading.sink)(Batch { rows: stretch.rows, met: stretch.met, done: done.unwrap_or(file.length()) })
    }

    /// Files the problems of spans that are complete.
    fn tell(&mut self, complete: u64) -> Result<(), DataError> {
        if self.waiting.is_empty() {
            return Ok(());
        }
        self.waiting.sort_by_key(|waiting| (waiting.span, waiting.is_other_year, waiting.problem.line));
        let count = self.waiting.partition_point(|waiting| waiting.span < complete);
        self.waiting.drain(..count).try_for_each(|waiting| self.reading.issues.add(self.name, "row", waiting.problem))
    }

    fn finish(self, file: &ForeignFile, hash: FileHash) -> Result<Met, DataError> {
        if self.met.rows != file.rows {
            return Err(damaged(self.name, &format!("it claims {} rows and holds {}", file.rows, self.met.rows)));
        }
        Ok(Met { hash: Some(hash), unread: file.columns.unread, value_unit: file.columns.value_unit, ..self.met })
    }
}

fn damaged(name: &str, error: &dyn std::fmt::Display) -> DataError {
    DataError::damaged(name, error.to_string())
}

/// Lets no panic of the Parquet library pass.
fn isolated<T>(name: &str, action: impl FnOnce() -> Result<T, DataError>) -> Result<T, DataError> {
    catch_unwind(AssertUnwindSafe(action))
        .unwrap_or_else(|_| Err(DataError::damaged(name, "the Parquet library cannot decode it")))
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use std::collections::BTreeSet;
    use std::fs::File;
    use std::sync::Arc;

    use arrow::array::{ArrayRef, Float64Array, Int32Array, RecordBatch, StringArray};
    use parquet::arrow::ArrowWriter;
    use parquet::file::properties::WriterProperties;
    use reorient_core::HsRevision;

    use super::*;
    use crate::codes::{CodeTables, hash_file};
    use crate::input::Input;
    use crate::issue::{Issues, Reason};

    const ROWS: usize = 150_000;
    const YEAR: i32 = 2023;

    /// Rows of two exporters, in CEPII's order; `bad` are rows with another year or, where none is given, without value.
    fn write(path: &Path, n_rows: usize, bad: &[(usize, Option<i32>)], group: Option<usize>, texts: bool) {
        let rows = 0..i32::try_from(n_rows).unwrap();
        let half = rows.end / 2;
        let mut years = vec![YEAR; n_rows];
        let mut values: Vec<Option<f64>> = rows.clone().map(|at| Some(f64::from(at + 1) / 1000.0)).collect();
        for (at, year) in bad {
            match year {
                Some(year) => years[*at] = *year,
                None => values[*at] = None,
            }
        }
        let product = |at: i32| 10_121 + at % half;
        let products: ArrayRef = if texts {
            Arc::new(StringArray::from_iter_values(rows.clone().map(|at| format!("{:06}", product(at)))))
        } else {
            Arc::new(Int32Array::from_iter_values(rows.clone().map(product)))
        };
        let columns: [(&str, ArrayRef); 7] = [
            ("t", Arc::new(Int32Array::from(years))),
            ("i", Arc::new(Int32Array::from_iter_values(rows.clone().map(|at| if at < half { 276 } else { 842 })))),
            ("note", Arc::new(StringArray::from(vec!["no column of ours"; n_rows]))),
            ("j", Arc::new(Int32Array::from(vec![156; n_rows]))),
            ("q", Arc::new(Float64Array::from(vec![None; n_rows]))),
            ("k", products),
            ("v", Arc::new(Float64Array::from(values))),
        ];
        let batch = RecordBatch::try_from_iter_with_nullable(columns.map(|(name, column)| (name, column, true))).unwrap();
        let properties = WriterProperties::builder().set_max_row_group_row_count(group.or(Some(n_rows))).build();
        let mut writer = ArrowWriter::try_new(File::create(path).unwrap(), batch.schema(), Some(properties)).unwrap();
        writer.write(&batch).unwrap();
        writer.close().unwrap();
    }

    /// Values of the rows, the ledger, whether no key can stand twice, and the hash; or what is said.
    type Outcome = Result<(Vec<i64>, Vec<(u64, Reason, String)>, bool, String), String>;

    fn outcome(path: &Path, policy: &RowPolicy, threads: usize) -> Outcome {
        let countries = CodeTables::from_parts(None, None, HsRevision::Hs92).unwrap().countries;
        let input = Input::open(path).unwrap();
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        pool.install(|| {
            let mut issues = Issues::new(policy);
            let mut rows = Vec::new();
            let met = input.members[0].read(&countries, false, &Pick::all(), &mut issues, &mut |batch| {
                rows.extend(batch.rows.iter().map(|row| row.value().get()));
                Ok(())
            });
            let met = met.and_then(|met| issues.finish().map(|()| met)).map_err(|error| error.to_string())?;
            let ledger = issues.ledger.iter().map(|row| (row.line.unwrap(), row.reason, row.what.clone())).collect();
            Ok((rows, ledger, met.order.is_strict(), met.hash.unwrap().blake3))
        })
    }

    #[test]
    fn row_groups_and_threads_change_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let bad = [
            (7, Some(2022)),
            (9, None),
            (70_000, Some(2021)),
            (65_535, None),
            (65_536, Some(2024)),
            (131_071, None),
            (131_072, Some(2020)),
            (149_999, None),
        ];
        // Of 65536 rows each, first those that cannot be read, then those of another year.
        let lines: [u64; 8] = [10, 65_536, 8, 131_072, 65_537, 70_001, 150_000, 131_073];
        for name in ["BACI_HS92_Y2023_V202401b.parquet", "BACI_HS92.parquet"] {
            for (group, texts) in [(None, true), (Some(7_000), true), (Some(70_000), false), (Some(1_000), false)] {
                let path = folder.path().join(name);
                write(&path, ROWS, &bad, group, texts);
                let skip = BTreeSet::from([Reason::BadYear, Reason::BadValue]);
                for threads in [1, 2, 5] {
                    let strict = |max_errors| RowPolicy { max_errors, ..RowPolicy::default() };
                    for max_errors in [1, 3, 4, 8, 9] {
                        let said = outcome(&path, &strict(max_errors), threads).unwrap_err();
                        let at = lines.map(|line| said.find(&format!("row {line},")));
                        assert!(at.is_sorted_by(|one, two| one < two || two.is_none()), "{said}");
                        assert_eq!(at.iter().flatten().count(), max_errors.min(lines.len()), "{said}");
                    }
                    let lenient = RowPolicy { skip: skip.clone(), ..RowPolicy::default() };
                    let (rows, ledger, is_strict, hash) = outcome(&path, &lenient, threads).unwrap();
                    assert_eq!(ledger.iter().map(|row| row.0).collect::<Vec<_>>(), lines);
                    assert_eq!(ledger[2], (8, Reason::BadYear, "t = 2022".to_owned()));
                    let good = (0..ROWS).filter(|at| !bad.iter().any(|(bad, _)| bad == at));
                    assert!(is_strict && rows.into_iter().eq(good.map(|at| i64::try_from(at).unwrap() + 1)));
                    assert_eq!(hash, hash_file(&path).unwrap().blake3);
                }
            }
        }
    }

    #[test]
    fn a_long_row_group_is_cut_and_read_whole() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("BACI_HS92_Y2023_V202401b.parquet");
        let rows = 1_300_000;
        write(&path, rows, &[], None, true);
        for threads in [1, 3] {
            let (read, ledger, is_strict, _) = outcome(&path, &RowPolicy::default(), threads).unwrap();
            assert!(is_strict && ledger.is_empty());
            assert!(read.into_iter().eq(1..=i64::try_from(rows).unwrap()));
        }
    }
}
