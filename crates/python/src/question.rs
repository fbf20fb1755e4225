//! Scenarios from pairs of texts.

use std::collections::BTreeSet;
use std::path::PathBuf;

use pyo3::prelude::*;
use reorient_app::Failure;
use reorient_engine::{Given, KEYS, Scenario};
use reorient_files::Limit;

/// A scenario as Python gives it: a TOML file, then pairs of key and value.
#[derive(Debug, Clone, Default)]
pub(crate) struct Question {
    pub(crate) file: Option<PathBuf>,
    pub(crate) settings: Vec<(String, String)>,
}

impl Question {
    /// Defaults, the file, the settings.
    pub(crate) fn scenario(&self) -> Result<Scenario, Failure> {
        self.on_top_of(Scenario::default())
    }

    /// The same, on top of other defaults.
    pub(crate) fn on_top_of(&self, mut scenario: Scenario) -> Result<Scenario, Failure> {
        if let Some(path) = &self.file {
            let name = path.display().to_string();
            scenario.set_from_toml(&reorient_files::read_text(path, Limit::SCENARIO)?, &name)?;
        }
        let mut given = Given::default();
        for (key, value) in &self.settings {
            given.take(key, value, &format!("{key} = {value}"))?;
            scenario.set(key, value)?;
        }
        Ok(scenario)
    }

    /// Keys that somebody set.
    pub(crate) fn held(&self, scenario: &Scenario) -> BTreeSet<String> {
        let settings = self.settings.iter().map(|(key, _)| key.clone());
        settings.chain(scenario.origins.keys().map(str::to_owned)).collect()
    }
}

/// Every key of a scenario: its name, its default and one sentence.
#[pyfunction]
pub(crate) fn scenario_keys() -> Vec<(&'static str, &'static str, &'static str)> {
    KEYS.iter().map(|key| (key.name, key.default, key.doc)).collect()
}

/// The JSON Schema of a scenario file.
#[pyfunction]
pub(crate) fn scenario_schema() -> String {
    reorient_engine::schema().to_string()
}
