//! Scenario files: TOML, each fault with its line.

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::{Given, Scenario, ScenarioError};

impl Scenario {
    /// Takes the settings of a TOML text; `file` is its name in messages.
    ///
    /// # Errors
    /// [`ScenarioError`] with file and line for a text that is no TOML, an unknown key or a value that the key does not take.
    pub fn set_from_toml(&mut self, text: &str, file: &str) -> Result<(), ScenarioError> {
        let place = |start: usize| (file.to_owned(), line_of(text, start));
        let table = DeTable::parse(text).map_err(|error| {
            let start = error.span().map_or(0, |span| span.start);
            in_file(place(start), ScenarioError::Toml(error.message().to_owned()))
        })?;
        self.set_table(table.get_ref(), "", &place, &mut Given::default())
    }

    /// `place` gives file and line of a byte of the text.
    fn set_table(
        &mut self,
        table: &DeTable<'_>,
        prefix: &str,
        place: &dyn Fn(usize) -> (String, usize),
        given: &mut Given,
    ) -> Result<(), ScenarioError> {
        // In the order of the file, so that the first fault is the one that is named.
        let mut entries: Vec<(&Spanned<_>, &Spanned<DeValue<'_>>)> = table.iter().collect();
        entries.sort_by_key(|(key, _)| key.span().start);
        for (key, value) in entries {
            let name = format!("{prefix}{}", key.get_ref());
            match value.get_ref() {
                DeValue::Table(inner) => self.set_table(inner, &format!("{name}."), place, given)?,
                value => {
                    let origin = place(key.span().start);
                    let value = plain(value);
                    let taken = given.take(&name, &value, &format!("{name} = {value}"));
                    taken.and_then(|()| self.set(&name, &value)).map_err(|error| in_file(origin.clone(), error))?;
                    // What only the data can refuse is traced back to its line.
                    self.origins.0.insert(name, origin);
                }
            }
        }
        Ok(())
    }

    /// An error that the data brought to light, with the line of the file that the key was set on, if it was.
    pub(crate) fn located(&self, error: ScenarioError) -> ScenarioError {
        let key = match &error {
            ScenarioError::Value { key, .. } => key.as_str(),
            ScenarioError::Overlap(_) => "risk",
            ScenarioError::NoSuchYear { .. } => "year",
            _ => return error,
        };
        let of_entry = |(name, _): &(&String, &(String, usize))| name.split_once('.').is_some_and(|(table, _)| table == key);
        let found = self.origins.0.get(key).or_else(|| self.origins.0.iter().find(of_entry).map(|(_, origin)| origin));
        match found.cloned() {
            Some(origin) => in_file(origin, error),
            None => error,
        }
    }
}

pub(crate) fn in_file((file, line): (String, usize), error: ScenarioError) -> ScenarioError {
    ScenarioError::InFile { file, line, source: Box::new(error) }
}

/// Numbers as they are written: 0.05 never becomes a binary fraction.
pub(crate) fn plain(value: &DeValue<'_>) -> String {
    match value {
        DeValue::String(text) => text.to_string(),
        DeValue::Integer(number) => match i64::from_str_radix(number.as_str(), number.radix()) {
            Ok(value) => value.to_string(),
            Err(_) => number.as_str().to_owned(),
        },
        // An exponent is written out: the nearest double of a short decimal prints as that decimal.
        DeValue::Float(number) => match number.as_str().parse::<f64>() {
            Ok(value) if number.as_str().contains(['e', 'E', '+']) => value.to_string(),
            _ => number.as_str().to_owned(),
        },
        DeValue::Boolean(true) => "yes".to_owned(),
        DeValue::Boolean(false) => "no".to_owned(),
        DeValue::Datetime(time) => time.to_string(),
        DeValue::Array(items) => items.iter().map(|item| plain(item.get_ref())).collect::<Vec<_>>().join(","),
        DeValue::Table(_) => "(a table)".to_owned(),
    }
}

pub(crate) fn line_of(text: &str, start: usize) -> usize {
    1 + text.as_bytes().iter().take(start).filter(|byte| **byte == b'\n').count()
}
