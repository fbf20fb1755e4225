//! Lists of goods, each read once: whoever asks again is given what was read, so that one command cannot answer from two.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use reorient_data::{ReadList, read_goods_list, shipped_goods_list};

use crate::EngineError;
use crate::scenario::{ListChoice, Scenario};

/// The lists of one command, by path; no path for the shipped one.
#[derive(Debug, Default)]
pub(crate) struct Lists(Mutex<BTreeMap<Option<PathBuf>, Arc<ReadList>>>);

impl Lists {
    /// The list that the scenario names, in its own revision; none where the products are those of the data.
    ///
    /// # Errors
    /// [`EngineError::Data`] when it cannot be read or breaks a rule.
    pub(crate) fn of(&self, scenario: &Scenario) -> Result<Option<Arc<ReadList>>, EngineError> {
        let path = match &scenario.list {
            ListChoice::All | ListChoice::One(_) => return Ok(None),
            ListChoice::Critical => None,
            ListChoice::File(path) => Some(path.clone()),
        };
        let mut read = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(list) = read.get(&path) {
            return Ok(Some(Arc::clone(list)));
        }
        let list = Arc::new(path.as_deref().map_or_else(shipped_goods_list, read_goods_list)?);
        read.insert(path, Arc::clone(&list));
        Ok(Some(list))
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn a_list_is_read_once() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("own.csv");
        let text = |code: &str| format!("hs_revision,hs6,sector,subsector,stage,source\nHS22,{code},all,x,all,s\n");
        std::fs::write(&path, text("280530")).unwrap();
        let scenario = Scenario { list: ListChoice::File(path.clone()), ..Scenario::default() };
        let lists = Lists::default();
        let first = lists.of(&scenario).unwrap().unwrap();
        std::fs::write(&path, text("270900")).unwrap();
        assert_eq!(lists.of(&scenario).unwrap().unwrap(), first);
        assert_eq!(first.from.fingerprint.digits(), blake3::hash(text("280530").as_bytes()).to_hex().as_str());
        assert_ne!(Lists::default().of(&scenario).unwrap().unwrap(), first);
        assert!(lists.of(&Scenario { list: ListChoice::All, ..Scenario::default() }).unwrap().is_none());
        assert!(lists.of(&Scenario::default()).unwrap().unwrap().from.verified);
    }
}
