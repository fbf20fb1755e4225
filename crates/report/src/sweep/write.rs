//! The files of a sweep: `scenarios` (CSV and Parquet), `figures.parquet`, `shares.parquet`, `table_a1.parquet`, `summary.csv`,
//! perhaps `diff.csv`, and the manifest.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fs;
use std::io::{self, Write};
use std::path::Path;

use reorient_core::{CountryTable, cell};
use reorient_folder::{Asked, FilesWriter, NewFile, Target, Work, WrittenFile, listed, tidy, write_whole};
use reorient_model::NanoUsd;
use serde::Serialize;

use super::parquet::{Cell, Kind, ParquetTable};
use super::{FIGURES, Figure, SweepComparison, SweepCounts, SweepDifference, SweepEntry, figures};
use crate::csv::{self as sheets, Sheet};
use crate::folder::{FileEntry, MANIFEST, ReportError, write_error};
use crate::manifest::{GENERATOR, InputFile};
use crate::number::{decimal, musd, percent};
use crate::seal::write_sealed;

/// The kind in the manifest of a sweep's folder.
pub const KIND: &str = "sweep";
const DIFF: &str = "diff.csv";
/// The store, which the manifest does not list, and the files that take their names before the manifest does.
pub const SWEEP_WORK: Work<'static> = Work {
    name: "store",
    sign: "store/locks",
    files: &["scenarios.csv", "scenarios.parquet", "summary.csv", "figures.parquet", "shares.parquet", "table_a1.parquet", DIFF],
};

/// What a sweep was made of. It holds no clock: equal sweeps give equal bytes.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub struct SweepManifest {
    /// Version of the program.
    pub version: String,
    /// What the sweep calls itself.
    pub title: String,
    /// Whether the trade data are synthetic.
    pub synthetic: bool,
    /// Label of the trade data.
    pub source: String,
    /// What it asks, in short: the settings of its file, and a hash of all its scenarios.
    pub question: BTreeMap<String, String>,
    /// Files of trade; the hash of a file of ours is that of its footer, which stands for all of it.
    pub inputs: Vec<InputFile>,
}

#[derive(Serialize)]
struct Document<'a> {
    generator: &'static str,
    kind: &'static str,
    complete: bool,
    #[serde(flatten)]
    manifest: &'a SweepManifest,
    counts: Option<&'a SweepCounts>,
    files: &'a [FileEntry],
}

/// What a folder of a sweep holds, when it is complete.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct SweepSummary {
    /// Scenarios by status.
    pub counts: SweepCounts,
    /// Scenarios with the least and with the largest risk share after, in that order.
    pub extremes: Vec<SweepPoint>,
    /// The base, where it is answered.
    pub base: Option<SweepPoint>,
    /// The first scenarios without all figures, with the reason.
    pub without: Vec<(String, String)>,
}

/// A scenario and its headline in short.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct SweepPoint {
    /// From 1.
    pub scenario: usize,
    /// Its name.
    pub name: String,
    /// Risk share before and after, in percent.
    pub risk_before_pct: f64,
    /// The same after.
    pub risk_after_pct: f64,
    /// Share of the imports that nobody can supply, in percent.
    pub unmet_pct: f64,
}

impl SweepPoint {
    /// What is left with risk origins and what nobody supplies, in percent: a restriction never makes this smaller.
    fn left_pct(&self) -> f64 {
        self.risk_after_pct + self.unmet_pct
    }
}

/// Makes the folder, or checks that this sweep may go on in it or take the place of another.
///
/// # Errors
/// [`ReportError`] when it is not free.
pub fn claim_sweep(target: &Target, manifest: &SweepManifest) -> Result<(), ReportError> {
    let claimed = target.claim(&Asked { kind: KIND, question: Some(&manifest.question), work: Some(SWEEP_WORK) })?;
    fs::create_dir_all(&claimed.path).map_err(|source| write_error(&claimed.path, source))
}

/// Makes a claimed folder known as that of a sweep before there is a result in it: the manifest lists no file yet. One that is
/// complete keeps its manifest until the next dataset takes its place. Clears what a killed program left unfinished, if nobody
/// else writes there.
///
/// # Errors
/// [`ReportError`] when the folder cannot be written.
pub fn start_sweep(directory: &Path, manifest: &SweepManifest, alone: bool) -> Result<(), ReportError> {
    if alone {
        tidy(directory)?;
    }
    if listed(directory).is_none() {
        let path = directory.join(MANIFEST);
        document(manifest, None, &[]).and_then(|text| write_whole(&path, &text)).map_err(|source| write_error(&path, source))?;
    }
    Ok(())
}

fn document(manifest: &SweepManifest, counts: Option<&SweepCounts>, files: &[FileEntry]) -> io::Result<Vec<u8>> {
    let document = Document { generator: GENERATOR, kind: KIND, complete: counts.is_some(), manifest, counts, files };
    let mut text = Vec::new();
    write_sealed(&mut text, &document)?;
    text.push(b'\n');
    Ok(text)
}

/// Rows of a row group: few of long texts, more of numbers, so that memory does not grow with the number of scenarios.
const SCENARIOS: usize = 2048;
const ROWS: usize = 16_384;

/// Columns of `scenarios` before the keys of a scenario.
const SCENARIO_COLUMNS: [(&str, Kind); 7] = [
    ("scenario", Kind::Whole),
    ("name", Kind::Text),
    ("status", Kind::Text),
    ("reason", Kind::Text),
    ("same_as", Kind::Whole),
    ("question", Kind::Text),
    ("key", Kind::Text),
];
const FIGURE_COLUMNS: [(&str, Kind); 5] =
    [("scenario", Kind::Whole), ("figure", Kind::Text), ("value", Kind::Real), ("min", Kind::Real), ("max", Kind::Real)];
/// Columns of `shares.csv` and of `table_a1.csv` of a run that are texts or counts; all others are numbers.
const TEXTS: [&str; 7] = ["level", "name", "origin", "iso3", "country", "main_sector", "code"];
const COUNTS: [&str; 2] = ["rank", "code"];

/// Writes the files of a sweep, scenario by scenario in the order of the plan.
pub struct SweepWriter<'a> {
    directory: &'a Path,
    files: FilesWriter,
    countries: &'a CountryTable,
    keys: Vec<String>,
    scenarios: ParquetTable<NewFile>,
    scenarios_csv: ::csv::Writer<NewFile>,
    figures: ParquetTable<NewFile>,
    shares: ParquetTable<NewFile>,
    table_a1: ParquetTable<NewFile>,
    summary_csv: ::csv::Writer<NewFile>,
    summary: SweepSummary,
}

fn kind_of(column: &str) -> Kind {
    if COUNTS.contains(&column) {
        Kind::Whole
    } else if TEXTS.contains(&column) {
        Kind::Text
    } else {
        Kind::Real
    }
}

impl<'a> SweepWriter<'a> {
    /// `keys` are the keys of a scenario, in the order of their columns.
    ///
    /// # Errors
    /// [`ReportError`] when the folder cannot be written.
    pub fn create(directory: &'a Path, countries: &'a CountryTable, keys: &[&str]) -> Result<Self, ReportError> {
        let files = FilesWriter::begin(directory)?;
        let open = |name: &str| files.create(name).map_err(|source| write_error(&directory.join(name), source));
        let empty = reorient_metrics::Collection {
            headline: reorient_metrics::Headline::default(),
            shares: Vec::new(),
            table_a1: Vec::new(),
            products: Vec::new(),
        };
        let fail = |name: &str| {
            let path = directory.join(name);
            move |source: io::Error| write_error(&path, source)
        };
        let table = |name: &str, columns: &[(&str, Kind)], group: usize| {
            ParquetTable::new(open(name)?, columns, group).map_err(fail(name))
        };
        let of_sheet = |sheet: &Sheet| -> Vec<(&'static str, Kind)> {
            let own = sheet.columns.iter().map(|column| (*column, kind_of(column)));
            std::iter::once(("scenario", Kind::Whole)).chain(own).collect()
        };
        let mut columns = SCENARIO_COLUMNS.to_vec();
        columns.extend(keys.iter().map(|key| (*key, Kind::Text)));
        let mut scenarios_csv = ::csv::Writer::from_writer(open("scenarios.csv")?);
        let header = scenarios_csv.write_record(columns.iter().map(|(name, _)| *name));
        header.map_err(|error| fail("scenarios.csv")(error.into()))?;
        let mut summary_csv = ::csv::Writer::from_writer(open("summary.csv")?);
        let header = ["scenario", "name", "status"].into_iter().chain(FIGURES);
        summary_csv.write_record(header).map_err(|error| fail("summary.csv")(error.into()))?;
        Ok(Self {
            directory,
            countries,
            keys: keys.iter().map(|key| (*key).to_owned()).collect(),
            scenarios: table("scenarios.parquet", &columns, SCENARIOS)?,
            scenarios_csv,
            figures: table("figures.parquet", &FIGURE_COLUMNS, ROWS)?,
            shares: table("shares.parquet", &of_sheet(&sheets::shares(&empty, countries)), ROWS)?,
            table_a1: table("table_a1.parquet", &of_sheet(&sheets::table_a1(&empty, countries)), ROWS)?,
            summary_csv,
            summary: SweepSummary::default(),
            files,
        })
    }

    /// Adds the next scenario.
    ///
    /// # Errors
    /// [`ReportError`] when it cannot be written.
    pub fn add(&mut self, entry: &SweepEntry<'_>) -> Result<(), ReportError> {
        let directory = self.directory;
        self.try_add(entry).map_err(|source| write_error(directory, source))
    }

    fn try_add(&mut self, entry: &SweepEntry<'_>) -> io::Result<()> {
        let scenario = whole(entry.scenario);
        let value = |key: &String| entry.resolved.get(key).map(String::as_str);
        let mut cells = vec![
            Cell::Whole(scenario),
            Cell::Text(Some(entry.name)),
            Cell::Text(Some(entry.status)),
            Cell::Text(entry.reason),
            Cell::Whole(entry.same_as.and_then(whole)),
            Cell::Text(Some(entry.question)),
            Cell::Text(Some(entry.key)),
        ];
        cells.extend(self.keys.iter().map(|key| Cell::Text(value(key))));
        self.scenarios.row(&cells)?;
        self.scenarios_csv.write_record(cells.iter().map(text))?;
        let mut record = vec![entry.scenario.to_string(), entry.name.to_owned(), entry.status.to_owned()];
        if let Some(collection) = entry.collection {
            for Figure { name, value, range } in figures(&collection.headline) {
                let end = |at: usize| Cell::Real(range.map(|range| range[at]));
                self.figures.row(&[Cell::Whole(scenario), Cell::Text(Some(name)), Cell::Real(value), end(0), end(1)])?;
                record.push(text(&Cell::Real(value)));
            }
            add_sheet(&mut self.shares, scenario, &sheets::shares(collection, self.countries))?;
            add_sheet(&mut self.table_a1, scenario, &sheets::table_a1(collection, self.countries))?;
        }
        record.resize(3 + FIGURES.len(), String::new());
        self.summary_csv.write_record(&record)?;
        self.count(entry);
        Ok(())
    }

    /// Ends the files and gives them their names, the manifest last; those of an earlier dataset go.
    ///
    /// # Errors
    /// [`ReportError`] when something cannot be written; then the files of an earlier dataset stay as they are.
    pub fn finish(self, manifest: &SweepManifest, comparison: Option<&SweepComparison>) -> Result<SweepSummary, ReportError> {
        let directory = self.directory;
        let fail = |source| write_error(directory, source);
        let end_csv = |csv: ::csv::Writer<NewFile>| csv.into_inner().map_err(|error| io::Error::other(error.to_string()));
        let mut written = Vec::new();
        for file in [
            end_csv(self.scenarios_csv),
            self.scenarios.finish(),
            end_csv(self.summary_csv),
            self.figures.finish(),
            self.shares.finish(),
            self.table_a1.finish(),
        ] {
            written.push(file.and_then(NewFile::finish).map_err(fail)?);
        }
        let write = |name: &str, contents: &dyn Fn(&mut NewFile) -> io::Result<()>| -> io::Result<WrittenFile> {
            let mut file = self.files.create(name)?;
            contents(&mut file)?;
            file.finish()
        };
        if let Some(comparison) = comparison {
            written.push(write(DIFF, &|out| write_diff(out, comparison)).map_err(fail)?);
        }
        let files: Vec<FileEntry> = written.iter().map(|file| file.entry.clone()).collect();
        let text = document(manifest, Some(&self.summary.counts), &files).map_err(fail)?;
        written.push(write(MANIFEST, &|out| out.write_all(&text)).map_err(fail)?);
        // An earlier dataset may have lost its manifest.
        let old = SWEEP_WORK.files.iter().map(|name| (*name).to_owned());
        self.files.publish(&written, old, &document(manifest, None, &[]).map_err(fail)?)?;
        Ok(self.summary)
    }

    fn count(&mut self, entry: &SweepEntry<'_>) {
        const MOST: usize = 5;
        let counts = &mut self.summary.counts;
        counts.scenarios += 1;
        counts.repeated += usize::from(entry.same_as.is_some());
        match entry.status {
            "answered" => counts.answered += 1,
            "open" => counts.open += 1,
            "refused" => counts.refused += 1,
            _ => counts.not_certified += 1,
        }
        if self.summary.without.len() < MOST && entry.status != "answered" {
            let open = || {
                let headline = entry.collection.map(|collection| &collection.headline);
                let counts = headline.map_or((0, 0), |headline| (headline.infeasible, headline.unsolved));
                let unmet = headline.map_or_else(String::new, |headline| musd(headline.unmet));
                format!("{} products cannot be supplied in full ({unmet} M$ unmet), {} unsolved", counts.0, counts.1)
            };
            let reason = entry.reason.map_or_else(open, str::to_owned);
            self.summary.without.push((entry.name.to_owned(), format!("{}: {reason}", entry.status)));
        }
        let Some(collection) = entry.collection.filter(|_| entry.same_as.is_none()) else { return };
        let share =
            |part: NanoUsd| percent(part, collection.headline.imports.into(), 6).and_then(|text| text.parse::<f64>().ok());
        let headline = &collection.headline;
        let shares = [headline.risk_before.into(), headline.risk_after, headline.unmet].map(share);
        let [Some(risk_before_pct), Some(risk_after_pct), Some(unmet_pct)] = shares else { return };
        let (scenario, name) = (entry.scenario, entry.name.to_owned());
        let point = SweepPoint { scenario, name, risk_before_pct, risk_after_pct, unmet_pct };
        if entry.name == "base" {
            self.summary.base = Some(point.clone());
        }
        // The few smallest and the few largest, in one list that stays sorted; of equal ones the first.
        let points = &mut self.summary.extremes;
        let is_known = |own: &SweepPoint| own.left_pct().to_bits() == point.left_pct().to_bits();
        if points.iter().any(is_known) {
            return;
        }
        let at = points.partition_point(|own| own.left_pct() <= point.left_pct());
        points.insert(at, point);
        if points.len() > 2 * MOST {
            points.remove(MOST);
        }
    }
}

fn add_sheet(table: &mut ParquetTable<NewFile>, scenario: Option<i64>, sheet: &Sheet) -> io::Result<()> {
    for row in &sheet.rows {
        let texts: Vec<Cow<'_, str>> = row.iter().map(sheets::Field::text).collect();
        let cell = |(column, text): (&&'static str, &Cow<'_, str>)| match kind_of(column) {
            Kind::Whole => Cell::Whole(text.parse().ok()),
            Kind::Real => Cell::Real(text.parse().ok()),
            Kind::Text => Cell::Text(None),
        };
        let mut cells = vec![Cell::Whole(scenario)];
        for (column, text) in sheet.columns.iter().zip(&texts) {
            cells.push(if kind_of(column) == Kind::Text { Cell::Text(Some(text)) } else { cell((column, text)) });
        }
        table.row(&cells)?;
    }
    Ok(())
}

/// Columns of `diff.csv`.
const DIFF_COLUMNS: [&str; 16] = [
    "rank",
    "change",
    "scenario",
    "name",
    "status_before",
    "status_now",
    "risk_after_pct_before",
    "risk_after_pct_now",
    "change_points",
    "imports_musd_before",
    "imports_musd_now",
    "risk_after_musd_before",
    "risk_after_musd_now",
    "unmet_musd_before",
    "unmet_musd_now",
    "missing_points",
];

fn write_diff(out: impl Write, comparison: &SweepComparison) -> io::Result<()> {
    let mut writer = ::csv::Writer::from_writer(out);
    writer.write_record(DIFF_COLUMNS)?;
    for row in &comparison.rows {
        writer.write_record(diff_fields(row))?;
    }
    writer.flush()
}

/// The fields of a row of `diff.csv`.
pub(super) fn diff_fields(row: &SweepDifference) -> [String; 16] {
    let [old, new] = &row.headline;
    let of = |side: &Option<reorient_metrics::Headline>, pick: fn(&reorient_metrics::Headline) -> Option<String>| {
        side.as_ref().and_then(pick).unwrap_or_default()
    };
    let share = |own: &reorient_metrics::Headline| percent(own.risk_after, own.imports.into(), 6);
    let imports = |own: &reorient_metrics::Headline| Some(musd(own.imports.into()));
    let risk = |own: &reorient_metrics::Headline| Some(musd(own.risk_after));
    let unmet = |own: &reorient_metrics::Headline| Some(musd(own.unmet));
    [
        row.rank.to_string(),
        row.kind.to_owned(),
        row.scenario.map(|own| own.to_string()).unwrap_or_default(),
        row.name.clone(),
        row.status[0].unwrap_or_default().to_owned(),
        row.status[1].unwrap_or_default().to_owned(),
        of(old, share),
        of(new, share),
        row.change_points.map(points).unwrap_or_default(),
        of(old, imports),
        of(new, imports),
        of(old, risk),
        of(new, risk),
        of(old, unmet),
        of(new, unmet),
        row.missing_points.map(points).unwrap_or_default(),
    ]
}

/// Percentage points with six decimals.
#[allow(clippy::cast_possible_truncation)] // Far below the limits of an integer.
fn points(change: f64) -> String {
    decimal((change * 1e9).round() as i128, 1_000_000_000, 6)
}

fn whole(number: usize) -> Option<i64> {
    i64::try_from(number).ok()
}

fn text(value: &Cell<'_>) -> String {
    match value {
        Cell::Text(text) => cell(text.unwrap_or_default()).into_owned(),
        Cell::Whole(whole) => whole.map(|whole| whole.to_string()).unwrap_or_default(),
        Cell::Real(real) => real.map(|real| (real + 0.0).to_string()).unwrap_or_default(),
    }
}
