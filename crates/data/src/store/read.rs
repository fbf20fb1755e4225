//! Reading the rows of some products: their pages alone, row groups side by side.

use std::collections::BTreeSet;
use std::ops::Range;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use parquet::column::reader::ColumnReaderImpl;
use parquet::data_type::{DataType, Int32Type, Int64Type};
use parquet::errors::ParquetError;
use parquet::file::metadata::ColumnChunkMetaData;
use parquet::file::page_index::offset_index::PageLocation;
use parquet::file::serialized_reader::SerializedPageReader;
use parquet::schema::types::SchemaDescriptor;
use rayon::prelude::*;
use reorient_core::{CountryIndex, CountryTable, ProductCode, Usd};

use super::index::{Block, Group, Index, PAGES, TRADE_PAGES, hash_of};
use super::*;
use crate::claims::{Outdated, last_years};
use crate::table::{Part, UNKNOWN, positions};
use crate::{DataError, TradeTable};

/// Pages with fewer bytes than this between them are read as one: a call costs about as much as copying so many.
const GAP: u64 = 1 << 13;
/// What all row groups are read with.
struct Reading<'a> {
    content: &'a Content,
    name: &'a str,
    index: &'a Index,
    /// By position in [`Index::products`].
    wanted: &'a [bool],
    weigh: bool,
    schema: SchemaDescriptor,
    /// Position in the country table by number, or [`UNKNOWN`].
    countries: [u16; 1024],
    /// Memory of row groups that were read: fresh memory costs more than what is done with it.
    spare: Mutex<Vec<Scratch>>,
}

/// Memory that the next row group uses again.
#[derive(Default)]
struct Scratch {
    /// Of the pages of each column.
    bytes: [Vec<u8>; PAGES],
    codes: [Vec<i32>; 2],
    values: Vec<i64>,
    quantities: Vec<i64>,
    part: Part,
}

/// Reads the wanted products, or all; `weigh` asks for quantities too. Every page is checked against its hash before it is
/// decoded; pages without a wanted product are not read. Each row group becomes a table on the thread that read it, of which
/// `each` makes something; results are in the order of the file.
///
/// # Errors
/// [`DataError`] when the file cannot be read, is damaged, or a value breaks a rule.
pub(crate) fn read_year<T: Send>(
    content: &Content,
    footer: &Footer,
    countries: &CountryTable,
    wanted: Option<&BTreeSet<ProductCode>>,
    weigh: bool,
    each: impl Fn(&TradeTable) -> T + Sync,
) -> Result<Vec<T>, DataError> {
    let year = footer.info.year;
    let (last, known) = (last_years(countries), positions(countries));
    let mut current = known;
    for (position, _) in current.iter_mut().zip(&last).filter(|(_, last)| **last < year.get()) {
        *position = UNKNOWN;
    }
    let read = read_positions(content, footer, current, wanted, weigh, each);
    // A country that had ended is told with all of its rows.
    if matches!(read, Err(DataError::Value { .. })) && current != known {
        let count = |table: &TradeTable| Outdated::of_table(table, countries, &last);
        let mut outdated = Outdated::default();
        for part in read_positions(content, footer, known, wanted, false, count)? {
            outdated.join(part);
        }
        outdated.refuse(&content.name(), countries)?;
    }
    read
}

/// As [`read_year`], with the positions of countries by number.
fn read_positions<T: Send>(
    content: &Content,
    footer: &Footer,
    countries: [u16; 1024],
    wanted: Option<&BTreeSet<ProductCode>>,
    weigh: bool,
    each: impl Fn(&TradeTable) -> T + Sync,
) -> Result<Vec<T>, DataError> {
    let index = &footer.index;
    let name = content.name();
    let mut is_wanted = vec![wanted.is_none(); index.products.len()];
    for product in wanted.into_iter().flatten() {
        if let Ok(at) = index.products.binary_search_by_key(product, |(product, _)| *product) {
            is_wanted[at] = true;
        }
    }
    let schema = isolated(&name, schema)?;
    let reading = Reading { content, name: &name, index, wanted: &is_wanted, weigh, schema, countries, spare: Mutex::default() };
    let wanted = |group: &Group| -> Vec<&Block> {
        let is_wanted = |block: &&Block| is_wanted[block.products.clone()].contains(&true);
        index.blocks[group.blocks.clone()].iter().filter(is_wanted).collect()
    };
    let groups: Vec<Vec<&Block>> = index.groups.iter().map(wanted).filter(|blocks| !blocks.is_empty()).collect();
    let read = |blocks: &Vec<&Block>| {
        let spare = || reading.spare.lock().unwrap_or_else(PoisonError::into_inner);
        let mut scratch = spare().pop().unwrap_or_default();
        let part = reading.group(blocks, &mut scratch)?;
        let table = TradeTable::from_parts(footer.info.year, footer.info.revision, vec![part])?;
        let made = each(&table);
        scratch.part = table.into_part().unwrap_or_default();
        spare().push(scratch);
        Ok(made)
    };
    // In order, so that of several faults the same one is told whatever the number of threads.
    let tables: Vec<Result<T, DataError>> = groups.par_iter().map(read).collect();
    tables.into_iter().collect()
}

impl Reading<'_> {
    /// The wanted rows of the blocks of one row group that hold any.
    fn group(&self, blocks: &[&Block], scratch: &mut Scratch) -> Result<Part, DataError> {
        let mut columns = Vec::with_capacity(PAGES);
        for column in 0..if self.weigh { PAGES } else { TRADE_PAGES } {
            columns.push(self.fetch(blocks, column, std::mem::take(&mut scratch.bytes[column]))?);
        }
        for (at, block) in blocks.iter().enumerate() {
            let page = |column: usize| columns[column].page(at);
            let trade = hash_of(&[page(0), page(1), page(2)]) == block.trade_hash;
            if !trade || self.weigh && hash_of(&[page(3)]) != block.quantity_hash {
                let rows = format!("rows {} to {}", block.rows_before + 1, block.rows_before + block.rows);
                return Err(DataError::damaged(self.name, format!("a page of {rows} does not match its BLAKE3 hash")));
            }
        }
        let (codes, amounts) = (&mut scratch.codes, [&mut scratch.values, &mut scratch.quantities]);
        let [exporters, importers] = codes.each_mut().map(std::mem::take);
        let [values, quantities] = amounts.map(std::mem::take);
        let mut exporters = isolated(self.name, || Pages::<Int32Type>::new(&columns[0], exporters, &self.schema, 1))?;
        let mut importers = isolated(self.name, || Pages::<Int32Type>::new(&columns[1], importers, &self.schema, 2))?;
        let mut values = isolated(self.name, || Pages::<Int64Type>::new(&columns[2], values, &self.schema, 3))?;
        let weighed = columns.get(3);
        let quantities = weighed.map(|pages| isolated(self.name, || Pages::<Int64Type>::new(pages, quantities, &self.schema, 4)));
        let mut quantities = quantities.transpose()?;
        let mut part = self.part_for(blocks, std::mem::take(&mut scratch.part));
        for block in blocks {
            isolated(self.name, || {
                exporters.read(block.rows)?;
                importers.read(block.rows)?;
                values.read(block.rows)
            })?;
            self.append(block, [&exporters.values, &importers.values], &values.values, &mut part)?;
            if let Some(pages) = &mut quantities {
                isolated(self.name, || pages.read(block.rows))?;
                self.append_quantities(block, pages, &mut part)?;
            }
        }
        scratch.codes = isolated(self.name, || Ok([exporters.end()?, importers.end()?]))?;
        scratch.values = isolated(self.name, || values.end())?;
        scratch.quantities = isolated(self.name, || quantities.map_or(Ok(Vec::new()), Pages::end))?;
        for (bytes, column) in scratch.bytes.iter_mut().zip(columns) {
            *bytes = column.bytes.try_into_mut().map(Vec::from).unwrap_or_default();
        }
        Ok(part)
    }

    /// A part with room for the wanted rows, in the memory of another one.
    fn part_for(&self, blocks: &[&Block], mut part: Part) -> Part {
        part.clear();
        let mut rows = 0;
        for at in blocks.iter().flat_map(|block| block.products.clone()).filter(|at| self.wanted[*at]) {
            part.products.push(self.index.products[at]);
            rows += self.index.products[at].1;
        }
        part.exporters.reserve_exact(rows);
        part.importers.reserve_exact(rows);
        part.values.reserve_exact(rows);
        if self.weigh {
            part.quantities.reserve_exact(rows);
        }
        part
    }

    /// Reads the pages of one column into the memory of others.
    fn fetch(&self, blocks: &[&Block], column: usize, mut bytes: Vec<u8>) -> Result<Fetched, DataError> {
        let mut spans: Vec<Range<u64>> = Vec::new();
        for block in blocks {
            let page = &block.pages[column];
            match spans.last_mut().filter(|span| page.start - span.end < GAP) {
                Some(span) => span.end = page.end,
                None => spans.push(page.clone()),
            }
        }
        let too_large = || DataError::file(self.name, "a row group is too large");
        let length = |span: &Range<u64>| usize::try_from(span.end - span.start).map_err(|_| too_large());
        let total = spans.iter().map(length).sum::<Result<usize, _>>()?;
        // What is left of other pages is not looked at, so it need not be cleared.
        bytes.resize(total.max(bytes.len()), 0);
        let mut pages = Vec::with_capacity(blocks.len());
        let mut waiting = blocks.iter().peekable();
        let mut position = 0;
        for span in &spans {
            let end = position + length(span)?;
            self.content.read_into(span.start, &mut bytes[position..end])?;
            while let Some(block) = waiting.next_if(|block| block.pages[column].end <= span.end) {
                let page = &block.pages[column];
                let start = position + length(&(span.start..page.start))?;
                pages.push((start..start + length(page)?, block.rows));
            }
            position = end;
        }
        Ok(Fetched { bytes: Bytes::from(bytes), length: total, pages })
    }

    /// Appends the wanted rows of a block.
    fn append(&self, block: &Block, codes: [&[i32]; 2], values: &[i64], part: &mut Part) -> Result<(), DataError> {
        let mut start = 0;
        for product in block.products.clone() {
            let (code, rows) = self.index.products[product];
            let range = start..start + rows;
            start += rows;
            if !self.wanted[product] {
                continue;
            }
            let (exporters, importers, values) = (&codes[0][range.clone()], &codes[1][range.clone()], &values[range.clone()]);
            // A look at all rows without a branch; which row is at fault is found out afterwards.
            let known = self.append_codes(exporters, &mut part.exporters) & self.append_codes(importers, &mut part.importers);
            let (least, most) =
                values.iter().fold((i64::MAX, i64::MIN), |(least, most), value| (least.min(*value), most.max(*value)));
            part.values.extend(values.iter().copied().map(Usd::new));
            let pairs = |from: usize, to: usize| exporters[from..to].iter().zip(&importers[from..to]);
            let follows = |((i, j), (next_i, next_j))| (i < next_i) | (i == next_i) & (j < next_j);
            let ascending = pairs(0, rows - 1).zip(pairs(1, rows)).fold(true, |ascending, rows| ascending & follows(rows));
            if !known || least <= 0 || most >= FLOW_LIMIT || !ascending {
                return Err(self.fault(code, block.rows_before + range.start, exporters, importers, values));
            }
        }
        Ok(())
    }

    /// Appends the positions of countries in the country table; whether it has them all.
    fn append_codes(&self, codes: &[i32], positions: &mut Vec<CountryIndex>) -> bool {
        let before = positions.len();
        positions.extend(codes.iter().map(|code| CountryIndex(self.countries[(code.cast_unsigned() & 1023) as usize])));
        let beyond = codes.iter().fold(0, |bits, code| bits | code.cast_unsigned() >> 10);
        beyond == 0 && positions[before..].iter().fold(true, |known, position| known & (position.0 != UNKNOWN))
    }

    /// What is wrong with the rows of a product, `before` which there are so many others in the file.
    fn fault(&self, product: ProductCode, before: usize, exporters: &[i32], importers: &[i32], values: &[i64]) -> DataError {
        let fail = |at: usize, column, value: String, problem: &str| DataError::Value {
            file: self.name.to_owned(),
            place: format!("row {}", before + at + 1),
            column,
            value,
            problem: problem.to_owned(),
        };
        let is_unknown =
            |code: &i32| usize::try_from(*code).map_or(true, |at| self.countries.get(at).is_none_or(|at| *at == UNKNOWN));
        if let Some(at) = values.iter().position(|value| *value <= 0) {
            return fail(at, "value_kusd", Usd::new(values[at]).to_string(), "a flow must be more than zero");
        }
        if let Some(at) = values.iter().position(|value| *value >= FLOW_LIMIT) {
            return fail(at, "value_kusd", Usd::new(values[at]).to_string(), TOO_MUCH);
        }
        for (column, codes) in [("exporter", exporters), ("importer", importers)] {
            if let Some(at) = codes.iter().position(is_unknown) {
                return fail(at, column, codes[at].to_string(), "this country is not in the country table");
            }
        }
        let problem = "the rows of this product are not in ascending order of exporter and importer, each once";
        fail(0, "product", product.to_string(), problem)
    }

    /// Appends the quantities of the wanted rows of a block, in kilograms where known.
    fn append_quantities(&self, block: &Block, pages: &Pages<Int64Type>, part: &mut Part) -> Result<(), DataError> {
        let short = || DataError::damaged(self.name, "a column has too few values");
        let mut known = pages.values.iter().copied();
        let mut levels = pages.levels.iter();
        for product in block.products.clone() {
            for _ in 0..self.index.products[product].1 {
                let quantity = if *levels.next().ok_or_else(short)? > 0 { Some(known.next().ok_or_else(short)?) } else { None };
                if self.wanted[product] {
                    part.quantities.push(quantity);
                }
            }
        }
        Ok(())
    }
}

/// Pages of one column, with their places in `bytes` and their rows.
struct Fetched {
    bytes: Bytes,
    /// Bytes that belong to the pages.
    length: usize,
    pages: Vec<(Range<usize>, usize)>,
}

impl Fetched {
    fn page(&self, at: usize) -> &[u8] {
        &self.bytes[self.pages[at].0.clone()]
    }
}

/// Decodes pages one by one; `values` and `levels` are those of the last one.
struct Pages<T: DataType> {
    reader: ColumnReaderImpl<T>,
    values: Vec<T::T>,
    /// 1 for a value, 0 for none; empty for a column without gaps.
    levels: Vec<i16>,
    optional: bool,
}

impl<T: DataType> Pages<T> {
    fn new(fetched: &Fetched, values: Vec<T::T>, schema: &SchemaDescriptor, column: usize) -> Result<Self, ParquetError> {
        let description = schema.column(column);
        let mut locations = Vec::with_capacity(fetched.pages.len());
        let mut rows_before = 0;
        for (range, rows) in &fetched.pages {
            locations.push(PageLocation {
                offset: i64::try_from(range.start)?,
                compressed_page_size: i32::try_from(range.len())?,
                first_row_index: i64::try_from(rows_before)?,
            });
            rows_before += rows;
        }
        // To the reader the pages at hand are the whole column.
        let chunk = ColumnChunkMetaData::builder(description.clone())
            .set_compression(super::encode::compression(column))
            .set_data_page_offset(0)
            .set_total_compressed_size(i64::try_from(fetched.length)?)
            .build()?;
        let pages = SerializedPageReader::new(Arc::new(fetched.bytes.clone()), &chunk, rows_before, Some(locations))?;
        let optional = description.max_def_level() > 0;
        let reader = ColumnReaderImpl::new(description, Box::new(pages));
        Ok(Self { reader, values, levels: Vec::new(), optional })
    }

    fn read(&mut self, rows: usize) -> Result<(), ParquetError> {
        self.values.clear();
        self.levels.clear();
        let levels = self.optional.then_some(&mut self.levels);
        let (records, ..) = self.reader.read_records(rows, levels, None, &mut self.values)?;
        if records == rows { Ok(()) } else { Err(ParquetError::General("a column has too few values".to_owned())) }
    }

    /// Nothing may be left; gives the memory of the values back.
    fn end(mut self) -> Result<Vec<T::T>, ParquetError> {
        let left = self.reader.skip_records(1)?;
        if left == 0 { Ok(self.values) } else { Err(ParquetError::General("a column has too many values".to_owned())) }
    }
}

/// Runs the Parquet library so that neither its errors nor its panics pass: both mean a file it cannot understand.
pub(super) fn isolated<T>(name: &str, action: impl FnOnce() -> Result<T, ParquetError>) -> Result<T, DataError> {
    match catch_unwind(AssertUnwindSafe(action)) {
        Ok(Ok(done)) => Ok(done),
        Ok(Err(error)) => Err(DataError::damaged(name, error.to_string())),
        Err(_) => Err(DataError::damaged(name, "the Parquet library cannot decode it")),
    }
}
