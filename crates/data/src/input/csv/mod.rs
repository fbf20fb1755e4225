//! CEPII's CSV, `t,i,j,k,v,q`: quoted or not, padded or not, parsed by blocks of lines on all cores.

mod blocks;
mod careful;
mod fast;

use std::io::Read;
use std::path::Path;
use std::sync::{Mutex, PoisonError};

use rayon::prelude::*;
use reorient_core::{CountryTable, Year};

use self::blocks::{Blocks, LineBlocks};
use self::careful::{Layout, Parsed, parse_block};
use super::hashed::BLOCK;
use super::stream::Packing;
use super::{Batch, Met, Pick, Years};
use crate::DataError;
use crate::claims::{ValueUnit, last_years};
use crate::ingested::FileHash;
use crate::issue::{Issues, Problem};

pub(super) use careful::{not_text, thousandths, value_column};

/// What the rows are held against.
#[derive(Clone, Copy)]
struct Known<'a> {
    /// The last year of each, by number.
    countries: &'a [u16],
    /// The one year that rows may have; none where they may have any.
    year: Option<Year>,
    /// What to say of another one.
    other_year: &'a str,
    /// Whether a row with a bad quantity is kept without it.
    keeps_without_quantity: bool,
}

impl<'a> Known<'a> {
    fn of(reading: &Reading<'_, '_>, countries: &'a [u16], other_year: &'a str) -> Self {
        let keeps_without_quantity = reading.issues.policy().keeps_without_quantity();
        Self { countries, year: reading.years.expected(), other_year, keeps_without_quantity }
    }

    /// A country number that the table lists, of a country that was there in a year.
    fn country(&self, number: u64, year: Year) -> Option<u16> {
        let last = self.countries.get(usize::try_from(number).ok()?)?;
        if *last >= year.get() { u16::try_from(number).ok() } else { None }
    }
}

/// Where rows are read to.
pub(super) struct Reading<'a, 'b> {
    pub(super) name: &'a str,
    pub(super) countries: &'a CountryTable,
    pub(super) years: &'a mut Years,
    /// Of a column whose name tells none.
    pub(super) unit: Option<ValueUnit>,
    pub(super) pick: &'a Pick,
    pub(super) issues: &'a mut Issues<'b>,
    pub(super) sink: &'a mut dyn FnMut(Batch) -> Result<(), DataError>,
}

/// Whether a file has a column of years.
pub(super) fn has_years(path: &Path, packing: Packing, name: &str) -> Result<bool, DataError> {
    let header = match packing {
        Packing::Plain => Blocks::open(path)?.header()?.0,
        packing => LineBlocks::new(name, &mut *super::stream::open(path, packing)?.0).header()?,
    };
    Ok(careful::has_years(&header))
}

/// Reads a plain file: each thread reads, hashes and parses blocks of its own.
pub(super) fn read_file(path: &Path, reading: &mut Reading<'_, '_>) -> Result<Met, DataError> {
    let mut blocks = Blocks::open(path)?;
    if blocks.length() > super::stream::LONGEST {
        return Err(DataError::file(reading.name, "it is longer than 64 GiB"));
    }
    let (header, lines) = blocks.header()?;
    let layout = Layout::new(reading.name, &header, reading.years.of_folder(), reading.unit)?;
    let countries = last_years(reading.countries);
    let mut taken = Taken { reading, first_line: lines + 1, met: Met::default() };
    taken.find_year(&layout, &countries, || {
        let mut buffer = Vec::new();
        Ok(Some(blocks.read(0, &mut buffer)?.text.to_vec()))
    })?;
    let mut hashes = Vec::new();
    // Kept from round to round: memory that is given back and taken again costs more than reading into it.
    let buffers: Mutex<Vec<Vec<u8>>> = Mutex::default();
    // A round bounds the memory of rows that wait for their turn.
    let round = 32 * rayon::current_num_threads() as u64;
    let mut next = 0;
    while next < blocks.count() {
        let end = blocks.count().min(next + round);
        let other_year = taken.reading.years.other_year();
        let known = Known::of(taken.reading, &countries, &other_year);
        let pick = taken.reading.pick;
        let parse = |number| {
            let spare = || buffers.lock().unwrap_or_else(PoisonError::into_inner);
            let mut buffer = spare().pop().unwrap_or_default();
            let lines = blocks.read(number, &mut buffer)?;
            let parsed = (parse_block(lines.text, &layout, &known, pick), lines.hash);
            spare().push(buffer);
            Ok(parsed)
        };
        let parsed: Vec<Result<_, DataError>> = (next..end).into_par_iter().map(parse).collect();
        for (number, block) in (next..).zip(parsed) {
            let (parsed, hash) = block?;
            hashes.push(hash);
            taken.take(parsed, blocks.length().min((number + 1) * BLOCK as u64))?;
        }
        next = end;
    }
    Ok(taken.finish(&layout, Some(blocks.hash(&hashes)?)))
}

/// Reads a stream: blocks are unpacked on this thread while others parse those before. `packed` counts the bytes that went in,
/// where that is how far the reading is measured.
pub(super) fn read_stream(
    reader: &mut dyn Read,
    packed: Option<&dyn Fn() -> u64>,
    reading: &mut Reading<'_, '_>,
) -> Result<Met, DataError> {
    let name = reading.name;
    let mut lines = LineBlocks::new(name, reader);
    let layout = Layout::new(name, &lines.header()?, reading.years.of_folder(), reading.unit)?;
    let countries = last_years(reading.countries);
    let mut taken = Taken { reading, first_line: lines.lines + 1, met: Met::default() };
    let round = |lines: &mut LineBlocks<'_>| -> Result<Vec<Vec<u8>>, DataError> {
        let blocks = std::iter::from_fn(|| lines.next().transpose());
        blocks.take(2 * rayon::current_num_threads()).collect()
    };
    let mut blocks = round(&mut lines)?;
    taken.find_year(&layout, &countries, || Ok(blocks.first().cloned()))?;
    while !blocks.is_empty() {
        let done = packed.map_or(lines.taken, |packed| packed());
        let other_year = taken.reading.years.other_year();
        let known = Known::of(taken.reading, &countries, &other_year);
        let pick = taken.reading.pick;
        let mut parsed: Vec<Parsed> = Vec::new();
        let following = rayon::in_place_scope(|scope| {
            scope.spawn(|_| {
                blocks.par_iter().map(|block| parse_block(block, &layout, &known, pick)).collect_into_vec(&mut parsed)
            });
            round(&mut lines)
        });
        for block in parsed {
            taken.take(block, done)?;
        }
        // What came before a fault of the stream has been told.
        blocks = following?;
    }
    Ok(taken.finish(&layout, None))
}

/// Takes blocks in the order of the file.
struct Taken<'r, 'a, 'b> {
    reading: &'r mut Reading<'a, 'b>,
    first_line: u64,
    met: Met,
}

impl Taken<'_, '_, '_> {
    /// Where the rows are of one year that the name does not tell, it is that of the first row, or of the first of a later
    /// block that has one.
    fn find_year(
        &mut self,
        layout: &Layout,
        countries: &[u16],
        block: impl FnOnce() -> Result<Option<Vec<u8>>, DataError>,
    ) -> Result<(), DataError> {
        if self.reading.years.is_open()
            && let Some(block) = block()?
        {
            let known = Known { countries, year: None, other_year: "", keeps_without_quantity: true };
            let parsed = parse_block(&block, layout, &known, &Pick::all());
            self.reading.years.first = parsed.rows.first().map(crate::Row::year).transpose()?;
        }
        Ok(())
    }

    fn take(&mut self, mut block: Parsed, done: u64) -> Result<(), DataError> {
        self.met.rows += block.met;
        self.met.order.follow(&block.order);
        self.met.outdated.join(std::mem::take(&mut block.outdated));
        for problem in std::mem::take(&mut block.problems) {
            let line = self.first_line + problem.line;
            self.reading.issues.add(self.reading.name, "line", Problem { line, ..problem })?;
        }
        self.first_line += block.lines;
        if !block.year_is_checked {
            for problem in self.reading.years.take(&mut block.rows, |_| self.first_line)? {
                self.reading.issues.add(self.reading.name, "line", problem)?;
            }
        }
        (self.reading.sink)(Batch { rows: block.rows, met: block.met, done })
    }

    fn finish(self, layout: &Layout, hash: Option<FileHash>) -> Met {
        Met { hash, unread: layout.unread, value_unit: layout.value_unit, ..self.met }
    }
}
