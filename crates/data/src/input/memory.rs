//! Trade in memory: Arrow tables that another program hands over, a year at a time.

use std::collections::{BTreeMap, BTreeSet};

use arrow::array::{Array, AsArray, RecordBatch};
use arrow::datatypes::{DataType, Decimal64Type};
use rayon::prelude::*;
use reorient_core::{CountryIndex, CountryTable, ProductCode, Usd, Year};

use super::cells::{Columns, RowReader, VALUE, has_years};
use super::csv::Reading;
use super::{Batch, Met, Order};
use crate::DataError;
use crate::claims::{Outdated, ValueUnit, last_years};
use crate::ingested::FileHash;
use crate::issue::Problem;
use crate::row::Row;
use crate::table::{Part, UNKNOWN, positions};

/// What messages and manifests call the table.
pub(crate) const NAME: &str = "table";
/// Rows that one thread reads at a time, and that are hashed together.
const CHUNK: usize = 1 << 16;

/// A table with its years.
#[derive(Debug)]
pub(crate) struct MemoryTable {
    batches: Vec<RecordBatch>,
    columns: Columns,
    /// The year of all rows, where no column tells.
    named: Option<Year>,
    /// With the size of all rows as rows of ours, and the hash of the hashes of their chunks as they stand. Empty when no row can
    /// be read.
    pub(crate) years: BTreeMap<Year, FileHash>,
}

impl MemoryTable {
    /// Looks for the columns and the years; bad rows are reported when a year is read.
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
        let mut table = Self { batches, columns, named, years: BTreeMap::new() };
        let known = last_years(countries);
        let chunk = |pieces: &Vec<Piece>| {
            let mut hasher = blake3::Hasher::new();
            let mut years = BTreeSet::new();
            for piece in pieces {
                let rows = table.rows(piece, &known)?.rows;
                for row in &rows {
                    hasher.update(&row.to_bytes());
                }
                for same in rows.chunk_by(Row::same_year) {
                    years.insert(same[0].year()?);
                }
            }
            Ok((years, hasher.finalize()))
        };
        let chunks = table.chunks().par_iter().map(chunk).collect::<Result<Vec<_>, DataError>>()?;
        let mut hasher = blake3::Hasher::new();
        for (_, hash) in &chunks {
            hasher.update(hash.as_bytes());
        }
        let bytes = table.batches.iter().map(|batch| (batch.num_rows() * Row::BYTES) as u64).sum();
        let blake3 = hasher.finalize().to_hex().to_string();
        let hash = FileHash { name: NAME.to_owned(), bytes, blake3, footer_blake3: None };
        table.years = chunks.into_iter().flat_map(|(years, _)| years).map(|year| (year, hash.clone())).collect();
        if table.years.is_empty() {
            // No row is good: the first one says why.
            for rows in table.chunks().iter().flatten().map(|piece| table.rows(piece, &known)) {
                rows?.problems.first().map_or(Ok(()), |problem| Err(value_error(problem)))?;
            }
        }
        Ok(table)
    }

    /// Pieces of batches, by chunks of a fixed number of rows wherever batches end.
    fn chunks(&self) -> Vec<Vec<Piece>> {
        let mut chunks: Vec<Vec<Piece>> = Vec::new();
        let mut before = 0;
        for (batch, rows) in self.batches.iter().map(RecordBatch::num_rows).enumerate() {
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

    /// The rows of a piece, or what is wrong with each.
    fn rows(&self, piece: &Piece, known: &[u16]) -> Result<Read, DataError> {
        let batch = self.batches[piece.batch].slice(piece.start, piece.length);
        let mut reader = RowReader::new(&self.columns, self.named, known, false);
        reader.read(&batch).map_err(|error| DataError::file(NAME, error.to_string()))?;
        let RowReader { rows, mut problems, outdated, .. } = reader;
        problems.iter_mut().for_each(|problem| problem.line += piece.rows_before + 1);
        Ok(Read { rows, problems, outdated })
    }

    /// A column that is left out, as its name tells no unit.
    pub(crate) fn unread(&self) -> Option<&'static str> {
        self.columns.unread
    }

    /// Reads the rows of one year in the order of the table; rows that cannot be read count in every year.
    pub(super) fn read(&self, year: Year, reading: &mut Reading<'_, '_>) -> Result<Met, DataError> {
        let known = last_years(reading.countries);
        let pick = reading.pick;
        let part = |piece: &Piece| {
            let Read { mut rows, problems, outdated } = self.rows(piece, &known)?;
            rows.retain(|row| row.is_of(year));
            let met = (rows.len() + problems.len()) as u64;
            let mut order = Order::new();
            order.meet_all(&rows.iter().map(Row::key).collect::<Vec<_>>());
            rows.retain(|row| pick.takes(row.product_number()));
            Ok((rows, problems, met, order, outdated.in_year(year)))
        };
        let pieces: Vec<Piece> = self.chunks().into_iter().flatten().collect();
        let parts = pieces.par_iter().map(part).collect::<Result<Vec<_>, DataError>>()?;
        let mut all = Met {
            hash: self.years.get(&year).cloned(),
            unread: self.columns.unread,
            value_unit: self.columns.value_unit,
            ..Met::default()
        };
        for (kept, problems, met, order, outdated) in parts {
            problems.into_iter().try_for_each(|problem| reading.issues.add(NAME, "row", problem))?;
            all.order.follow(&order);
            all.outdated.join(outdated);
            all.rows += met;
            (reading.sink)(Batch { rows: kept, met, done: all.rows })?;
        }
        Ok(all)
    }

    /// The rows of the only year as parts of a table that share the values of this one: where values are 64-bit decimals of
    /// thousand USD with three decimals, and rows ascend by product, exporter, importer. Rows of a product that two batches
    /// cut in two are copied. None where anything is otherwise; then [`Self::read`] says what is wrong, if something is.
    pub(crate) fn share(&self, countries: &CountryTable) -> Result<Option<Vec<Part>>, DataError> {
        let is_shared = |batch: &RecordBatch| {
            let value = self.columns.array(batch, VALUE);
            value.is_some_and(|value| matches!(value.data_type(), DataType::Decimal64(_, 3)) && value.null_count() == 0)
        };
        if self.years.len() != 1 || self.columns.unit() != ValueUnit::Kusd || !self.batches.iter().all(is_shared) {
            return Ok(None);
        }
        let known = last_years(countries);
        let positions = positions(countries);
        let pieces: Vec<Piece> = self.chunks().into_iter().flatten().collect();
        let stretches = pieces.par_iter().map(|piece| Stretch::of(&self.rows(piece, &known)?, &positions));
        let Some(stretches) = stretches.collect::<Result<Option<Vec<_>>, DataError>>()? else { return Ok(None) };
        let ascends = stretches.windows(2).all(|pair| pair[0].last.key() < pair[1].first.key());
        if !ascends {
            return Ok(None);
        }
        let mut parts: Vec<Part> = Vec::new();
        let mut stretches = pieces.iter().zip(stretches).peekable();
        for (at, batch) in self.batches.iter().enumerate() {
            let Some(value) = self.columns.array(batch, VALUE) else { return Ok(None) };
            let values = value.as_primitive::<Decimal64Type>().values();
            let mut part = Part::default();
            while let Some((_, stretch)) = stretches.next_if(|(piece, _)| piece.batch == at) {
                stretch.append_to(&mut part);
            }
            // Rows at the start that belong to the last product of the batch before.
            let product = part.products.first().copied();
            let carried = parts.last_mut().zip(product).and_then(|(before, (product, rows))| {
                (before.products.last().map(|(last, _)| *last) == Some(product)).then_some((before, rows))
            });
            let mut start = 0;
            if let Some((before, rows)) = carried {
                let countries = part.exporters.drain(..rows).zip(part.importers.drain(..rows));
                for ((exporter, importer), value) in countries.zip(values.iter()) {
                    before.continue_last(exporter, importer, Usd::new(*value))?;
                }
                part.products.remove(0);
                start = rows;
            }
            part.values = values.slice(start, values.len() - start).into();
            if !part.products.is_empty() {
                // The last product may go on in the next batch: it stands in a part of its own, to be copied if it does.
                let tail = part.split_last();
                parts.extend([part, tail].into_iter().filter(|part| !part.products.is_empty()));
            }
        }
        Ok(Some(parts))
    }
}

/// The rows of a piece, or what is wrong with each.
struct Read {
    rows: Vec<Row>,
    problems: Vec<Problem>,
    /// Those of countries that had ended.
    outdated: Outdated,
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

/// The keys of rows that ascend.
struct Stretch {
    products: Vec<(ProductCode, usize)>,
    exporters: Vec<CountryIndex>,
    importers: Vec<CountryIndex>,
    first: Row,
    last: Row,
}

impl Stretch {
    /// None where a row cannot be read or rows do not ascend.
    fn of(Read { rows, problems, outdated }: &Read, positions: &[u16; 1024]) -> Result<Option<Self>, DataError> {
        let is_good = problems.is_empty() && outdated.is_empty();
        let (Some(first), Some(last), true) = (rows.first(), rows.last(), is_good) else { return Ok(None) };
        let index = |code: u16| CountryIndex(positions.get(usize::from(code)).copied().unwrap_or(UNKNOWN));
        let (mut exporters, mut importers) = (Vec::with_capacity(rows.len()), Vec::with_capacity(rows.len()));
        let mut own = Self { products: Vec::new(), exporters: Vec::new(), importers: Vec::new(), first: *first, last: *last };
        let mut before: Option<&Row> = None;
        for row in rows {
            if before.is_some_and(|before| before.key() >= row.key()) {
                return Ok(None);
            }
            match own.products.last_mut().filter(|_| before.is_some_and(|before| before.product_number() == row.product_number()))
            {
                Some((_, count)) => *count += 1,
                None => own.products.push((row.product()?, 1)),
            }
            exporters.push(index(row.exporter()));
            importers.push(index(row.importer()));
            before = Some(row);
        }
        (own.exporters, own.importers) = (exporters, importers);
        Ok(Some(own))
    }

    fn append_to(self, part: &mut Part) {
        let mut products = self.products.into_iter().peekable();
        if let Some((last, count)) = part.products.last_mut()
            && let Some((_, more)) = products.next_if(|(product, _)| product == last)
        {
            *count += more;
        }
        part.products.extend(products);
        part.exporters.extend(self.exporters);
        part.importers.extend(self.importers);
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
    fn values_stay_where_they_are() {
        let flows: Vec<Flow> =
            (0..36).map(|at| (2023, 10_101 + at / 12, COUNTRIES[at as usize % 12 / 6], COUNTRIES[at as usize % 6], 5)).collect();
        let batches = shared(&flows, 10);
        let inside = |table: &TradeTable| {
            let spans: Vec<_> = batches.iter().map(|batch| batch.column(4).to_data().buffers()[0].as_ptr() as usize).collect();
            let is_inside = |at: usize| spans.iter().any(|start| (*start..start + 10 * 8).contains(&at));
            table.iter().map(|(_, rows)| is_inside(rows.values.as_ptr() as usize)).collect::<Vec<_>>()
        };
        // Batches end within the first, the second and the third product.
        assert_eq!(inside(&table(batches.clone(), 2023)), [false, false, false]);
        let batches = shared(&flows, 24);
        let spans: Vec<_> = batches.iter().map(|batch| batch.column(4).to_data().buffers()[0].as_ptr() as usize).collect();
        let table = table(batches, 2023);
        let starts: Vec<_> = table.iter().map(|(_, rows)| rows.values.as_ptr() as usize).collect();
        assert_eq!(starts, [spans[0], spans[0] + 12 * 8, spans[1]]);
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
