//! A CSV table of scenarios: a column per key, a row per scenario.

use std::collections::BTreeSet;
use std::path::Path;

use csv::StringRecord;
use reorient_core::{Text, shown};

use super::file::{BASE, beside};
use crate::scenario::{Scenario, ScenarioError, in_file};

/// The column with a name for the scenario.
const NAME: &str = "name";

/// Longest name of a column, with a country or product in it, that a message quotes.
const LONGEST_KEY: usize = 60;

/// Rows as they stand; an empty field leaves the base's value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Table {
    file: String,
    folder: std::path::PathBuf,
    columns: Vec<String>,
    rows: Vec<(StringRecord, u32)>,
}

/// Refuses what is no table of scenarios. A sweep can come from others and name any file, so nothing of a file is quoted that does
/// not look like the header of such a table.
fn check_header(columns: &[String]) -> Result<(), String> {
    // A key, or nearly one.
    let is_known = |column: &String| match Scenario::default().set(column, "") {
        Err(ScenarioError::UnknownKey { hint, .. }) => column == NAME || !hint.is_empty(),
        _ => true,
    };
    let is_plain = |column: &String| {
        let is_letter = |letter: char| letter.is_ascii_alphanumeric() || matches!(letter, '-' | '_' | '.');
        !column.is_empty() && column.len() <= LONGEST_KEY && column.chars().all(is_letter)
    };
    if !columns.iter().any(is_known) {
        return Err(format!(
            "this is no table of scenarios: its first line must name keys of a scenario, such as year,cap,{NAME}"
        ));
    }
    match columns.iter().position(|column| !is_plain(column)) {
        Some(at) => Err(format!("the name of column {} is no key of a scenario", at + 1)),
        None => Ok(()),
    }
}

impl Table {
    /// Reads a table and holds every value against its key.
    ///
    /// # Errors
    /// [`ScenarioError`] with file and line.
    pub(crate) fn parse(text: &str, path: &Path) -> Result<Self, ScenarioError> {
        let file = path.display().to_string();
        let fault = |line: usize, error: ScenarioError| in_file((file.clone(), line), error);
        let unreadable = |error: &csv::Error| {
            let line = error.position().map_or(1, csv::Position::line);
            fault(usize::try_from(line).unwrap_or(1), ScenarioError::Sweep(format!("this is no CSV: {error}")))
        };
        let text = text.strip_prefix('\u{feff}').unwrap_or(text);
        let mut reader = csv::ReaderBuilder::new().trim(csv::Trim::All).from_reader(text.as_bytes());
        let header = reader.headers().map_err(|error| unreadable(&error))?.clone();
        let columns: Vec<String> = header.iter().map(str::to_owned).collect();
        check_header(&columns).map_err(|problem| fault(1, ScenarioError::Sweep(problem)))?;
        let mut seen = BTreeSet::new();
        if let Some(twice) = columns.iter().find(|column| !seen.insert(column.as_str())) {
            return Err(fault(1, ScenarioError::Sweep(format!("the column `{}` stands twice", shown(twice)))));
        }
        let mut table =
            Self { folder: path.parent().unwrap_or(Path::new("")).to_owned(), file: file.clone(), columns, rows: vec![] };
        for column in table.columns.iter().filter(|column| *column != NAME) {
            // An unknown key is told apart from a value that does not fit.
            match Scenario::default().set(column, "") {
                Err(unknown @ ScenarioError::UnknownKey { .. }) => return Err(fault(1, unknown)),
                _ => continue,
            }
        }
        for record in reader.records() {
            let record = record.map_err(|error| unreadable(&error))?;
            let line = record.position().map_or(0, csv::Position::line);
            table.rows.push((record, u32::try_from(line).unwrap_or(u32::MAX)));
        }
        for row in 0..table.rows.len() {
            let mut scenario = Scenario::default();
            table.set(row, &mut scenario)?;
            let name = table.name(row);
            if let Err(error) = Text::name(name.as_str()) {
                let refused = ScenarioError::Value { key: NAME.to_owned(), value: name, expected: error.to_string() };
                return Err(fault(table.line(row), refused));
            }
            if name == BASE {
                return Err(fault(table.line(row), ScenarioError::Sweep(format!("`{BASE}` is the name of the base scenario"))));
            }
        }
        Ok(table)
    }

    pub(crate) fn len(&self) -> usize {
        self.rows.len()
    }

    pub(crate) fn line(&self, row: usize) -> usize {
        self.rows[row].1 as usize
    }

    pub(crate) fn file(&self) -> &str {
        &self.file
    }

    /// As the table names it, or by its line.
    pub(crate) fn name(&self, row: usize) -> String {
        let at = self.columns.iter().position(|column| column == NAME);
        let name = at.and_then(|at| self.rows[row].0.get(at)).filter(|name| !name.is_empty());
        name.map_or_else(|| format!("line {}", self.line(row)), str::to_owned)
    }

    /// Sets what the row says.
    pub(crate) fn set(&self, row: usize, scenario: &mut Scenario) -> Result<(), ScenarioError> {
        for (key, value) in self.columns.iter().zip(self.rows[row].0.iter()) {
            if key != NAME && !value.is_empty() {
                let set = scenario.set(key, &beside(&self.folder, key, value.to_owned()));
                set.map_err(|error| in_file((self.file.clone(), self.line(row)), error))?;
            }
        }
        Ok(())
    }

    /// Keys that the row sets, for messages.
    pub(crate) fn keys(&self, row: usize) -> impl Iterator<Item = &str> {
        let set = self.columns.iter().zip(self.rows[row].0.iter()).filter(|(key, value)| *key != NAME && !value.is_empty());
        set.map(|(key, _)| key.as_str())
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn nothing_of_another_file_is_quoted() {
        let refused = |text: &str| Table::parse(text, Path::new("t.csv")).unwrap_err().to_string();
        for text in ["root:x:0:0:root:/root:/bin/sh\n", "secret,token\nabc,def\n", "password\n", "\x1b[2J\n", ""] {
            let said = refused(text);
            assert_eq!(
                said,
                "t.csv:1: this is no table of scenarios: its first line must name keys of a scenario, such as year,cap,name"
            );
        }
        assert_eq!(refused("name,ssh-rsa AAAA\nx,1\n"), "t.csv:1: the name of column 2 is no key of a scenario");
        assert!(refused("cpa\n0.1\n").contains("did you mean `cap`?"));
        assert!(refused("name,nonsense\nx,1\n").contains("unknown key `nonsense`"));
        assert_eq!(Table::parse("name,cap\nx,0.1\n", Path::new("t.csv")).unwrap().len(), 1);
    }
}
