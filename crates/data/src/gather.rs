//! Rows by year while sources are read, in the memory of one year.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{BufWriter, Read, Seek, SeekFrom, Write};
use std::path::PathBuf;

use reorient_core::Year;

use crate::{DataError, Row};

/// Rows kept in memory while a file of many years is split; 24 bytes each.
const ROWS_IN_MEMORY: usize = 16 << 20;
/// No year of BACI has half as many.
const MOST_ROWS_A_YEAR: usize = 40 << 20;

/// Rows that come back from the disk together.
const ROWS_PER_BATCH: usize = 1 << 15;

/// Rows by year, in memory up to a bound and on disk beyond it.
pub(crate) struct Gathered {
    folder: PathBuf,
    years: BTreeMap<Year, Gathering>,
    in_memory: usize,
    most_in_memory: usize,
}

#[derive(Default)]
struct Gathering {
    batches: Vec<Vec<Row>>,
    rows: usize,
    spilled: Option<File>,
    rows_on_disk: usize,
}

impl Gathered {
    /// Rows beyond the bound are spilled into `folder`.
    pub(crate) const fn new(folder: PathBuf) -> Self {
        Self { folder, years: BTreeMap::new(), in_memory: 0, most_in_memory: ROWS_IN_MEMORY }
    }

    /// Years with rows, ascending.
    pub(crate) fn years(&self) -> Vec<Year> {
        self.years.keys().copied().collect()
    }

    /// Takes rows in the order of the file; `year` is theirs where all have one.
    pub(crate) fn add(&mut self, rows: Vec<Row>, year: Option<Year>) -> Result<(), DataError> {
        if let Some(year) = year {
            self.add_to(year, rows)?;
        } else if let [rest @ .., last] = &rows.chunk_by(|left, right| left.same_year(right)).collect::<Vec<_>>()[..] {
            for same in rest {
                self.add_to(same[0].year()?, same.to_vec())?;
            }
            let (year, one) = (last[0].year()?, rest.is_empty());
            let last = if one { None } else { Some(last.to_vec()) };
            self.add_to(year, last.unwrap_or(rows))?;
        }
        if self.in_memory > self.most_in_memory && self.years.len() > 1 {
            self.spill()?;
        }
        Ok(())
    }

    fn add_to(&mut self, year: Year, rows: Vec<Row>) -> Result<(), DataError> {
        if rows.is_empty() {
            return Ok(());
        }
        let gathering = self.years.entry(year).or_default();
        gathering.rows += rows.len();
        self.in_memory += rows.len();
        if gathering.rows + gathering.rows_on_disk > MOST_ROWS_A_YEAR {
            return Err(DataError::file(
                &year.to_string(),
                format!("more than {MOST_ROWS_A_YEAR} rows in one year are not BACI, which has some 11 million"),
            ));
        }
        gathering.batches.push(rows);
        Ok(())
    }

    fn spill(&mut self) -> Result<(), DataError> {
        let fail = |error: std::io::Error| DataError::unwritable(&self.folder, error);
        for gathering in self.years.values_mut() {
            if gathering.spilled.is_none() {
                gathering.spilled = Some(tempfile::tempfile_in(&self.folder).map_err(fail)?);
            }
            if let Some(file) = &mut gathering.spilled {
                let mut out = BufWriter::with_capacity(1 << 18, file);
                for row in gathering.batches.iter().flatten() {
                    out.write_all(&row.to_bytes()).map_err(fail)?;
                }
                out.flush().map_err(fail)?;
            }
            gathering.rows_on_disk += gathering.rows;
            gathering.rows = 0;
            gathering.batches = Vec::new();
        }
        self.in_memory = 0;
        Ok(())
    }

    /// All rows of a year, in the order in which they came.
    pub(crate) fn take(&mut self, year: Year) -> Result<Vec<Vec<Row>>, DataError> {
        let Some(gathering) = self.years.remove(&year) else { return Ok(Vec::new()) };
        self.in_memory -= gathering.rows;
        let mut batches = Vec::new();
        if let Some(mut file) = gathering.spilled {
            let fail = |error: std::io::Error| DataError::unwritable(&self.folder, error);
            file.seek(SeekFrom::Start(0)).map_err(fail)?;
            let mut reader = std::io::BufReader::with_capacity(1 << 18, file);
            let mut bytes = [0; 24];
            for number in 0..gathering.rows_on_disk {
                if number.is_multiple_of(ROWS_PER_BATCH) {
                    batches.push(Vec::with_capacity(ROWS_PER_BATCH.min(gathering.rows_on_disk - number)));
                }
                reader.read_exact(&mut bytes).map_err(fail)?;
                if let Some(batch) = batches.last_mut() {
                    batch.push(Row::from_bytes(&bytes));
                }
            }
        }
        batches.extend(gathering.batches);
        Ok(batches)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use reorient_core::{CountryCode, Usd};

    #[test]
    fn rows_come_back_from_the_disk_as_they_went() {
        let folder = tempfile::tempdir().unwrap();
        let mut gathered = Gathered::new(folder.path().to_owned());
        gathered.most_in_memory = 10;
        let row = |year: u16, exporter: u16| {
            let countries = (CountryCode::new(exporter).unwrap(), CountryCode::literal(8));
            let product = "270900".parse().unwrap();
            Row::new(
                Year::new(year).unwrap(),
                product,
                countries,
                Usd::new(i64::from(exporter)),
                exporter.is_multiple_of(2).then_some(3),
            )
        };
        // Years in turns, so that every batch has several.
        let rows: Vec<Row> = (1..=300).map(|number| row(1995 + number % 3, number)).collect();
        for batch in rows.chunks(7) {
            gathered.add(batch.to_vec(), None).unwrap();
        }
        assert!(gathered.years.values().all(|year| year.rows_on_disk > 50));
        assert_eq!(gathered.years().len(), 3);
        for year in gathered.years() {
            let mut found = gathered.take(year).unwrap().concat();
            found.sort_unstable();
            let expected: Vec<Row> = rows.iter().copied().filter(|row| row.year().unwrap() == year).collect();
            assert_eq!(found, expected);
        }
        assert_eq!((gathered.in_memory, gathered.years().len()), (0, 0));
    }
}
