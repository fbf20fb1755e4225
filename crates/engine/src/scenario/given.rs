//! Settings from one hand: each key once.

use std::collections::BTreeMap;

use reorient_data::typed_code;

use super::ScenarioError;

/// What was set so far, and how it was written.
#[derive(Debug, Clone, Default)]
pub struct Given(BTreeMap<String, String>);

impl Given {
    /// Takes a setting in; `how` is what was written.
    ///
    /// # Errors
    /// [`ScenarioError::Twice`] when the key, or the same entry of a table, was set before: one of both would be lost.
    pub fn take(&mut self, key: &str, value: &str, how: &str) -> Result<(), ScenarioError> {
        let key = key.trim();
        let is_table = matches!(key, "weights" | "cap-country" | "cap-product");
        let mut names = vec![self::name(key)];
        if is_table {
            let entries = value.split(',').filter_map(|pair| pair.split_once('='));
            names.extend(entries.map(|(entry, _)| self::name(&format!("{key}.{}", entry.trim()))));
        }
        // A table that is set whole drops entries that were set before it.
        let dropped = self.0.iter().find(|(own, _)| is_table && own.strip_prefix(key).is_some_and(|rest| rest.starts_with('.')));
        let twice = names.iter().find_map(|name| self.0.get_key_value(name)).or(dropped);
        if let Some((name, first)) = twice {
            return Err(ScenarioError::Twice { key: name.clone(), first: first.clone(), second: how.to_owned() });
        }
        self.0.extend(names.into_iter().map(|name| (name, how.to_owned())));
        Ok(())
    }
}

/// One spelling of a key: entries of tables by their code.
fn name(key: &str) -> String {
    match key.split_once('.') {
        Some(("cap-product", code)) => typed_code(code).map_or_else(|_| key.to_owned(), |code| format!("cap-product.{code}")),
        Some((table @ ("weights" | "cap-country"), country)) => format!("{table}.{}", country.to_uppercase()),
        _ => key.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_set_twice_is_refused_with_both() {
        for (first, second, key) in [
            ("cap=1", "cap=2", "cap"),
            ("weights=CHN=2", "weights=USA=2", "weights"),
            ("weights=CHN=2,USA=1", "weights.usa=3", "weights.USA"),
            ("weights.USA=3", "weights=CHN=2", "weights.USA"),
            ("cap-product.010121=0.1", "cap-product.10121=0.1", "cap-product.010121"),
        ] {
            let mut given = Given::default();
            let mut take = |setting: &str| {
                let (key, value) = setting.split_once('=').unwrap_or_default();
                given.take(key, value, setting)
            };
            assert_eq!(take(first), Ok(()));
            let twice = ScenarioError::Twice { key: key.to_owned(), first: first.to_owned(), second: second.to_owned() };
            assert_eq!(take(second), Err(twice));
        }
        let mut given = Given::default();
        for (key, value) in [("weights", "CHN=2"), ("weights.USA", "3"), ("cap", "0.1"), ("cap-country.CAN", "0.1")] {
            assert_eq!(given.take(key, value, key), Ok(()));
        }
    }
}
