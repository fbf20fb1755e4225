//! Trade in memory: Arrow tables that another program hands over, a year at a time.
//!
//! Their cells are checked, turned into rows of ours and hashed once, when the table is opened. Nothing is read from the memory of the
//! other program afterwards, so that nobody can change what an answer is made of.

use std::collections::{BTreeMap, BTreeSet};

use arrow::array::{Array, RecordBatch};
use rayon::prelude::*;
use reorient_core::{CountryTable, Year};

use super::cells::{self, Columns, RowReader, has_years};
use super::csv::Reading;
use super::{Batch, Met, Order};
use crate::DataError;
use crate::claims::{Outdated, ValueUnit, last_years};
use crate::ingested::FileHash;
use crate::issue::Problem;
use crate::row::Row;
use crate::table::Part;

/// What messages and manifests call the table.
pub(crate) const NAME: &str = "table";
/// Rows that one thread reads at a time, and that are hashed together.
const CHUNK: usize = 1 << 16;
/// Bad rows that are kept to be told; of the others, the number is.
const MOST_TOLD: usize = 4096;

/// A table with its years.
#[derive(Debug)]
pub(crate) struct MemoryTable {
    /// The good rows, in the order of the table.
    rows: Vec<Row>,
    /// What is wrong with the first of the others; the line is the row of the table, from 1.
    problems: Vec<Problem>,
    /// How many others there are.
    n_bad: u64,
    /// Those of countries that had ended.
    outdated: Outdated,
    /// A column that is left out, as its name tells no unit.
    pub(crate) unread: Option<&'static str>,
    /// The unit of a column `value`, where the values stand in one.
    pub(crate) value_unit: Option<ValueUnit>,
    /// With the size of all rows as rows of ours, and the hash of the hashes of their chunks as they stand. Empty when no row can
    /// be read.
    pub(crate) years: BTreeMap<Year, FileHash>,
}

/// The rows of a chunk, and what is wrong with its others.
struct Converted {
    rows: Vec<Row>,
    problems: Vec<Problem>,
    outdated: Outdated,
    years: BTreeSet<Year>,
    hash: blake3::Hash,
}

impl MemoryTable {
    /// Takes the rows over; bad ones are reported when a year is read.
    pub(crate) fn new(
        batches: Vec<RecordBatch>,
        named: Option<Year>,
        unit: Option<ValueUnit>,
        countries: &CountryTable,
    ) -> Result<Self, DataError> {
        let batches: Vec<RecordBatch> = batches.into_iter().filter(|batch| batch.num_rows() > 0).collect();
        let Some(first) = batches.first() else { return Err(DataError::file(NAME, "the table has no rows")) };
        let schema = first.schema();
        let names = || schema.fields().iter().map(|field| field.name().as_str());
        if named.is_none() && !has_years(names()) {
            let problem = "the table has no column of years (`t` or `year`): say which year its rows are of, such as year=2023";
            return Err(DataError::file(NAME, problem));
        }
        let columns = Columns::find(NAME, names(), named.is_some(), unit)?;
        batches.iter().try_for_each(|batch| validate(batch, first))?;
        let known = last_years(countries);
        let convert = |pieces: &Vec<Piece>| Converted::of(&batches, pieces, &columns, named, &known);
        let converted = chunks(&batches).par_iter().map(convert).collect::<Result<Vec<_>, DataError>>()?;
        let mut hasher = blake3::Hasher::new();
        for chunk in &converted {
            hasher.update(chunk.hash.as_bytes());
        }
        let bytes = batches.iter().map(|batch| (batch.num_rows() * Row::BYTES) as u64).sum();
        let blake3 = hasher.finalize().to_hex().to_string();
        let hash = FileHash { name: NAME.to_owned(), bytes, blake3, footer_blake3: None };
        let mut table = Self {
            rows: Vec::with_capacity(converted.iter().map(|chunk| chunk.rows.len()).sum()),
            problems: Vec::new(),
            n_bad: 0,
            outdated: Outdated::default(),
            unread: columns.unread,
            value_unit: columns.value_unit,
            years: BTreeMap::new(),
        };
        for chunk in converted {
            table.rows.extend(chunk.rows);
            table.n_bad += chunk.problems.len() as u64;
            table.problems.extend(chunk.problems.into_iter().take(MOST_TOLD - table.problems.len()));
            table.outdated.join(chunk.outdated);
            table.years.extend(chunk.years.into_iter().map(|year| (year, hash.clone())));
        }
        match table.problems.first() {
            // No row is good: the first one says why.
            Some(problem) if table.years.is_empty() => Err(value_error(problem)),
            _ => Ok(table),
        }
    }

    /// Reads the rows of one year in the order of the table; rows that cannot be read count in every year.
    pub(super) fn read(&self, year: Year, reading: &mut Reading<'_, '_>) -> Result<Met, DataError> {
        let pick = reading.pick;
        let part = |rows: &[Row]| {
            let mut rows: Vec<Row> = rows.iter().filter(|row| row.is_of(year)).copied().collect();
            let met = rows.len() as u64;
            let mut order = Order::new();
            order.meet_all(&rows.iter().map(Row::key).collect::<Vec<_>>());
            rows.retain(|row| pick.takes(row.product_number()));
            (rows, met, order)
        };
        let parts: Vec<_> = self.rows.par_chunks(CHUNK).map(part).collect();
        let mut all = Met {
            rows: self.n_bad,
            hash: self.years.get(&year).cloned(),
            unread: self.unread,
            value_unit: self.value_unit,
            outdated: self.outdated.clone().in_year(year),
            ..Met::default()
        };
        self.problems.iter().try_for_each(|problem| reading.issues.add(NAME, "row", problem.clone()))?;
        for (kept, met, order) in parts {
            all.order.follow(&order);
            all.rows += met;
            (reading.sink)(Batch { rows: kept, met, done: all.rows })?;
        }
        Ok(all)
    }

    /// The rows of the only year as parts of a table, where all are good and ascend by product, exporter, importer. None where anything
    /// is otherwise; then [`Self::read`] puts them in order, or says what is wrong.
    pub(crate) fn ordered(&self, countries: &CountryTable, weigh: bool) -> Result<Option<Vec<Part>>, DataError> {
        let is_plain = self.years.len() == 1 && self.n_bad == 0 && self.outdated.is_empty();
        if !(is_plain && self.rows.par_windows(2).all(|pair| pair[0].key() < pair[1].key())) {
            return Ok(None);
        }
        let products: Vec<&[Row]> = self.rows.chunk_by(|one, next| one.product_number() == next.product_number()).collect();
        let mut rows = 0;
        // A part ends with the product that fills it.
        let is_within = |one: &&[Row], _: &&[Row]| {
            rows = if rows >= CHUNK { one.len() } else { rows + one.len() };
            rows < CHUNK
        };
        let groups: Vec<&[&[Row]]> = products.chunk_by(is_within).collect();
        let parts: Result<Vec<Part>, DataError> = groups.par_iter().map(|group| Part::of(group, countries, weigh)).collect();
        parts.map(Some)
    }
}

/// Holds the columns of a batch against what their types promise, before anything else looks at them: another program made them. All
/// batches have the columns of the first one.
fn validate(batch: &RecordBatch, first: &RecordBatch) -> Result<(), DataError> {
    let (schema, expected) = (batch.schema(), first.schema());
    let same = schema.fields().len() == expected.fields().len()
        && schema
            .fields()
            .iter()
            .zip(expected.fields())
            .all(|(own, other)| (own.name(), own.data_type()) == (other.name(), other.data_type()));
    if !same {
        return Err(DataError::file(NAME, "its columns change from one part to the next; give a table with one schema"));
    }
    let columns: Vec<_> = schema.fields().iter().zip(batch.columns()).collect();
    columns.par_iter().try_for_each(|(field, column)| {
        column.to_data().validate_full().map_err(|error| {
            let name: String = field.name().chars().take(60).collect();
            DataError::file(NAME, format!("column `{name}` is not what its type says: {error}; make the table again"))
        })
    })
}

/// Pieces of batches, by chunks of a fixed number of rows wherever batches end.
fn chunks(batches: &[RecordBatch]) -> Vec<Vec<Piece>> {
    let mut chunks: Vec<Vec<Piece>> = Vec::new();
    let mut before = 0;
    for (batch, rows) in batches.iter().map(RecordBatch::num_rows).enumerate() {
        let mut start = 0;
        while start < rows {
            let within = (before + start) % CHUNK;
            let length = (CHUNK - within).min(rows - start);
            let piece = Piece { batch, start, length, rows_before: (before + start) as u64 };
            match chunks.last_mut().filter(|_| within > 0) {
                Some(chunk) => chunk.push(piece),
                None => chunks.push(vec![piece]),
            }
            start += length;
        }
        before += rows;
    }
    chunks
}

/// Rows of a batch that are read together.
#[derive(Debug)]
struct Piece {
    batch: usize,
    start: usize,
    length: usize,
    /// Rows of the table before it.
    rows_before: u64,
}

impl Converted {
    fn of(
        batches: &[RecordBatch],
        pieces: &[Piece],
        columns: &Columns,
        named: Option<Year>,
        known: &[u16],
    ) -> Result<Self, DataError> {
        let (mut rows, mut problems, mut outdated) = (Vec::new(), Vec::new(), Outdated::default());
        for piece in pieces {
            let batch = batches[piece.batch].slice(piece.start, piece.length);
            let mut reader = RowReader::new(columns, named, known, false);
            reader.read(&batch).map_err(|error| DataError::file(NAME, cells::problem(&error)))?;
            let first = piece.rows_before + 1;
            problems.extend(reader.problems.into_iter().map(|problem| Problem { line: problem.line + first, ..problem }));
            rows.append(&mut reader.rows);
            outdated.join(reader.outdated);
        }
        let mut hasher = blake3::Hasher::new();
        let mut years = BTreeSet::new();
        for row in &rows {
            hasher.update(&row.to_bytes());
        }
        for same in rows.chunk_by(Row::same_year) {
            years.insert(same[0].year()?);
        }
        Ok(Self { rows, problems, outdated, years, hash: hasher.finalize() })
    }
}

fn value_error(problem: &Problem) -> DataError {
    DataError::Value {
        file: NAME.to_owned(),
        place: format!("row {}", problem.line),
        column: problem.column,
        value: problem.value.clone(),
        problem: problem.text.clone(),
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use std::sync::Arc;

    use arrow::array::{ArrayRef, Decimal64Array, Float64Array, Int32Array, RecordBatch, StringArray, UInt16Array};
    use proptest::prelude::*;
    use reorient_core::{HsRevision, Year};

    use super::*;
    use crate::{AboutTable, DataErrorKind, TradeSource, TradeTable};

    type Flow = (u16, u32, u16, u16, i64);

    const COUNTRIES: [u16; 6] = [4, 156, 276, 643, 842, 894];

    fn about(year: Option<u16>) -> AboutTable {
        let year = year.map(|year| Year::new(year).unwrap());
        AboutTable { revision: HsRevision::Hs92, year, synthetic: true, countries: None, products: None, value_unit: None }
    }

    /// In the types that are not converted, in batches of some rows.
    fn shared(flows: &[Flow], size: usize) -> Vec<RecordBatch> {
        let batch = |flows: &[Flow]| {
            let values = Decimal64Array::from_iter_values(flows.iter().map(|flow| flow.4));
            let columns: [(&str, ArrayRef); 5] = [
                ("year", Arc::new(UInt16Array::from_iter_values(flows.iter().map(|flow| flow.0)))),
                ("product", Arc::new(StringArray::from_iter_values(flows.iter().map(|flow| format!("{:06}", flow.1))))),
                ("exporter", Arc::new(UInt16Array::from_iter_values(flows.iter().map(|flow| flow.2)))),
                ("importer", Arc::new(UInt16Array::from_iter_values(flows.iter().map(|flow| flow.3)))),
                ("value_kusd", Arc::new(values.with_precision_and_scale(18, 3).unwrap())),
            ];
            RecordBatch::try_from_iter(columns).unwrap()
        };
        // A column that is missing is no column of nulls.
        flows.chunks(size).map(|flows| with_quantities(&batch(flows))).collect()
    }

    fn with_quantities(batch: &RecordBatch) -> RecordBatch {
        let mut columns: Vec<(String, ArrayRef)> =
            batch.schema().fields().iter().map(|field| field.name().clone()).zip(batch.columns().iter().cloned()).collect();
        columns.push(("q".to_owned(), Arc::new(Float64Array::from(vec![None; batch.num_rows()]))));
        RecordBatch::try_from_iter(columns).unwrap()
    }

    /// As pandas has them.
    fn converted(flows: &[Flow]) -> Vec<RecordBatch> {
        #[allow(clippy::cast_precision_loss)]
        let values = flows.iter().map(|flow| flow.4 as f64 / 1000.0);
        let columns: [(&str, ArrayRef); 5] = [
            ("t", Arc::new(Int32Array::from_iter_values(flows.iter().map(|flow| flow.0.into())))),
            ("i", Arc::new(Int32Array::from_iter_values(flows.iter().map(|flow| flow.2.into())))),
            ("j", Arc::new(Int32Array::from_iter_values(flows.iter().map(|flow| flow.3.into())))),
            ("k", Arc::new(Float64Array::from_iter_values(flows.iter().map(|flow| flow.1.into())))),
            ("v", Arc::new(Float64Array::from_iter_values(values))),
        ];
        vec![with_quantities(&RecordBatch::try_from_iter(columns).unwrap())]
    }

    fn table(batches: Vec<RecordBatch>, year: u16) -> TradeTable {
        let source = TradeSource::from_arrow(batches, about(None)).unwrap();
        source.read(Year::new(year).unwrap(), None).unwrap().table
    }

    fn flows() -> impl Strategy<Value = Vec<Flow>> {
        let flow = (10_101_u32..10_106, 0..COUNTRIES.len(), 0..COUNTRIES.len(), 1_i64..1_000_000_000);
        proptest::collection::btree_map((flow.0, flow.1, flow.2), flow.3, 1..60).prop_map(|flows| {
            let flow = |((product, exporter, importer), value)| (2023, product, COUNTRIES[exporter], COUNTRIES[importer], value);
            flows.into_iter().map(flow).collect()
        })
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(48))]

        #[test]
        fn what_is_shared_equals_what_is_converted(flows in flows(), size in 1_usize..20, swap in any::<prop::sample::Index>()) {
            let whole = table(shared(&flows, flows.len()), 2023);
            prop_assert_eq!(&table(shared(&flows, size), 2023), &whole);
            prop_assert_eq!(&table(converted(&flows), 2023), &whole);
            let mut moved = flows.clone();
            let at = swap.index(moved.len());
            moved.swap(0, at);
            prop_assert_eq!(&table(shared(&moved, size), 2023), &whole);
            // Another year is not in the way.
            let later = flows.iter().map(|flow| (2024, flow.1, flow.2, flow.3, flow.4 + 1));
            let both: Vec<Flow> = flows.iter().copied().chain(later).collect();
            prop_assert_eq!(&table(shared(&both, size), 2023), &whole);
        }
    }

    #[test]
    fn nothing_stays_in_the_memory_of_the_owner() {
        let flows = [(2023, 270_900, 643, 276, 5), (2023, 270_900, 842, 276, 7)];
        let batches = shared(&flows, 2);
        let source = TradeSource::from_arrow(batches.clone(), about(None)).unwrap();
        let start = batches[0].column(4).to_data().buffers()[0].as_ptr() as usize;
        let trade = source.read(source.years()[0], None).unwrap();
        for (_, rows) in trade.table.iter() {
            assert!(!(start..start + 16).contains(&(rows.values.as_ptr() as usize)));
        }
        // With quantities and without, of all rows at once and put in order.
        let weighed = source.read_weighed(source.years()[0], None).unwrap();
        assert_eq!(weighed.inputs, trade.inputs);
        let mut moved = flows;
        moved.swap(0, 1);
        assert_eq!(table(shared(&moved, 2), 2023), trade.table);
    }

    #[test]
    fn malformed_columns_are_named() {
        use arrow::array::{BinaryArray, Decimal256Array, NullArray, TimestampSecondArray};
        let good = shared(&[(2023, 270_900, 643, 276, 5), (2023, 270_900, 842, 276, 7)], 2).remove(0);
        let replaced = |name: &str, column: ArrayRef| {
            let names: Vec<String> = good.schema().fields().iter().map(|field| field.name().clone()).collect();
            let columns = names.into_iter().zip(good.columns().iter().cloned());
            let columns = columns.map(|(own, old)| if own == name { (own, column.clone()) } else { (own, old) });
            RecordBatch::try_from_iter_with_nullable(columns.map(|(name, column)| (name, column, true))).unwrap()
        };
        let refused = |batches: Vec<RecordBatch>, column: &str| {
            let error = TradeSource::from_arrow(batches, about(None)).unwrap_err();
            assert_eq!(error.kind(), DataErrorKind::BadData);
            assert!(error.to_string().contains(&format!("column `{column}`")), "{error}");
        };
        refused(vec![replaced("product", Arc::new(NullArray::new(2)))], "product");
        refused(vec![replaced("value_kusd", Arc::new(TimestampSecondArray::from(vec![1, 2])))], "value_kusd");
        refused(vec![replaced("exporter", Arc::new(BinaryArray::from(vec![b"643".as_slice(), b"842"])))], "exporter");
        let wide = Decimal256Array::from_iter_values([5.into(), 7.into()]);
        refused(vec![replaced("value_kusd", Arc::new(wide))], "value_kusd");
        // Another schema in the middle.
        let other = replaced("exporter", Arc::new(Int32Array::from(vec![643, 842])));
        let error = TradeSource::from_arrow(vec![good.clone(), other], about(None)).unwrap_err().to_string();
        assert!(error.contains("change from one part to the next"), "{error}");
    }

    #[test]
    fn faults_are_named_and_the_source_is_hashed_as_it_stands() {
        let good = vec![(2023, 270_900, 643, 276, 5), (2023, 270_900, 842, 276, 7)];
        let error = |flows: &[Flow]| {
            let source = TradeSource::from_arrow(shared(flows, 9), about(None));
            let error = source.and_then(|source| source.read(source.years()[0], None)).unwrap_err();
            (error.kind(), error.to_string())
        };
        let cases: [(Flow, &str); 4] = [
            ((2023, 270_900, 643, 276, 0), "table, row 3, column `v`: `0.000`"),
            ((2023, 270_900, 999, 276, 5), "table, row 3, column `i`: `999`"),
            ((2023, 9_999, 643, 276, 5), "table, row 3, column `k`: `009999`"),
            ((2023, 270_900, 643, 276, 6), "stand twice (rows 1, 3)"),
        ];
        for (flow, expected) in cases {
            let (kind, text) = error(&[good[0], good[1], flow]);
            assert!(kind == DataErrorKind::BadData && text.contains(expected), "{text}");
        }
        let none = TradeSource::from_arrow(shared(&[(2023, 270_900, 643, 276, -1)], 1), about(None)).unwrap_err();
        assert!(none.to_string().contains("row 1"), "{none}");
        assert!(TradeSource::from_arrow(Vec::new(), about(None)).unwrap_err().to_string().contains("no rows"));

        let hash = |flows: &[Flow], size| {
            let source = TradeSource::from_arrow(shared(flows, size), about(None)).unwrap();
            let (year, trade) = (source.years()[0], source.read(source.years()[0], None).unwrap());
            assert_eq!(trade.inputs[0].fingerprint.digits(), source.fingerprint(year).unwrap().blake3);
            (trade.inputs[0].name.clone(), trade.inputs[0].fingerprint.clone())
        };
        assert_eq!(hash(&good, 1), hash(&good, 2));
        assert_ne!(hash(&good, 2), hash(&[good[0], (2023, 270_900, 842, 276, 8)], 2));
    }
}
