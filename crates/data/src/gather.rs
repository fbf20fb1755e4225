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

/// Rows by year, in memory up to a bound and on disk beyond it.
pub(crate) struct Gathered {
    folder: PathBuf,
    years: BTreeMap<Year, Gathering>,
    in_memory: usize,
    most_in_memory: usize,
}

#[derive(Default)]
struct Gathering {
    rows: Vec<Row>,
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

    pub(crate) fn add(&mut self, rows: &[Row]) -> Result<(), DataError> {
        for same in rows.chunk_by(|left, right| left.year().ok() == right.year().ok()) {
            let Some(first) = same.first() else { continue };
            let year = first.year()?;
            let gathering = self.years.entry(year).or_default();
            if gathering.rows.len() + gathering.rows_on_disk + same.len() > MOST_ROWS_A_YEAR {
                return Err(DataError::file(
                    &year.to_string(),
                    format!("more than {MOST_ROWS_A_YEAR} rows in one year are not BACI, which has some 11 million"),
                ));
            }
            gathering.rows.extend_from_slice(same);
            self.in_memory += same.len();
        }
        if self.in_memory > self.most_in_memory && self.years.len() > 1 {
            self.spill()?;
        }
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
                for row in &gathering.rows {
                    out.write_all(&row.to_bytes()).map_err(fail)?;
                }
                out.flush().map_err(fail)?;
            }
            gathering.rows_on_disk += gathering.rows.len();
            gathering.rows = Vec::new();
        }
        self.in_memory = 0;
        Ok(())
    }

    /// All rows of a year.
    pub(crate) fn take(&mut self, year: Year) -> Result<Vec<Row>, DataError> {
        let Some(mut gathering) = self.years.remove(&year) else { return Ok(Vec::new()) };
        self.in_memory -= gathering.rows.len();
        if let Some(mut file) = gathering.spilled {
            let fail = |error: std::io::Error| DataError::unwritable(&self.folder, error);
            gathering.rows.reserve_exact(gathering.rows_on_disk);
            file.seek(SeekFrom::Start(0)).map_err(fail)?;
            let mut reader = std::io::BufReader::with_capacity(1 << 18, file);
            let mut bytes = [0; 24];
            for _ in 0..gathering.rows_on_disk {
                reader.read_exact(&mut bytes).map_err(fail)?;
                gathering.rows.push(Row::from_bytes(&bytes));
            }
        }
        Ok(gathering.rows)
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
            gathered.add(batch).unwrap();
        }
        assert!(gathered.years.values().all(|year| year.rows_on_disk > 50));
        assert_eq!(gathered.years().len(), 3);
        for year in gathered.years() {
            let mut found = gathered.take(year).unwrap();
            found.sort_unstable();
            let expected: Vec<Row> = rows.iter().copied().filter(|row| row.year().unwrap() == year).collect();
            assert_eq!(found, expected);
        }
        assert_eq!((gathered.in_memory, gathered.years().len()), (0, 0));
    }
}
