//! Names of files within a folder.

use std::borrow::Borrow;
use std::fmt;
use std::ops::Deref;
use std::path::Path;

use serde::{Deserialize, Serialize};

/// The longest name that file systems keep.
const LONGEST: usize = 255;

/// The name of a file directly in a folder: it leads nowhere else, on any system. Manifests are read with it, so that one that was
/// tampered with cannot make the program open other files.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct NameInFolder(String);

/// A text that is no [`NameInFolder`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{}` is no name of a file within a folder", .0.escape_debug())]
pub struct NameError(String);

impl NameInFolder {
    /// # Errors
    /// [`NameError`] for an empty name, `.`, `..`, one of more than 255 bytes, and one with `/`, `\`, `:` or a control character.
    pub fn new(name: impl Into<String>) -> Result<Self, NameError> {
        let name = name.into();
        let leads_elsewhere = |letter: char| matches!(letter, '/' | '\\' | ':') || letter.is_control();
        if name.is_empty() || name.len() > LONGEST || name == "." || name == ".." || name.contains(leads_elsewhere) {
            return Err(NameError(name.chars().take(100).collect()));
        }
        Ok(Self(name))
    }

    /// As text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for NameInFolder {
    type Error = NameError;

    fn try_from(name: String) -> Result<Self, NameError> {
        Self::new(name)
    }
}

impl From<NameInFolder> for String {
    fn from(name: NameInFolder) -> Self {
        name.0
    }
}

impl Deref for NameInFolder {
    type Target = str;

    fn deref(&self) -> &str {
        &self.0
    }
}

impl AsRef<Path> for NameInFolder {
    fn as_ref(&self) -> &Path {
        Path::new(&self.0)
    }
}

impl Borrow<str> for NameInFolder {
    fn borrow(&self) -> &str {
        &self.0
    }
}

impl PartialEq<str> for NameInFolder {
    fn eq(&self, other: &str) -> bool {
        self.0 == other
    }
}

impl PartialEq<&str> for NameInFolder {
    fn eq(&self, other: &&str) -> bool {
        self.0 == *other
    }
}

impl PartialEq<String> for NameInFolder {
    fn eq(&self, other: &String) -> bool {
        self.0 == *other
    }
}

impl fmt::Display for NameInFolder {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn a_name_leads_nowhere_else() {
        for good in ["a.csv", "...", ".hidden", "BACI HS92 é.parquet", &"x".repeat(255)] {
            assert_eq!(NameInFolder::new(good).unwrap(), good);
            let json = serde_json::to_string(good).unwrap();
            assert_eq!(serde_json::from_str::<NameInFolder>(&json).unwrap(), good);
        }
        let long = "x".repeat(256);
        for bad in
            ["", ".", "..", "/", "/dev/zero", "../a", "a/b", "a/", "a\\b", "C:a", "a:stream", "a\0", "a\nb", "a\x1b[2J", &long]
        {
            assert!(NameInFolder::new(bad).is_err(), "{bad:?}");
            let json = serde_json::to_string(bad).unwrap();
            assert!(serde_json::from_str::<NameInFolder>(&json).is_err(), "{bad:?}");
        }
        assert_eq!(NameInFolder::new("a\x1b").unwrap_err().to_string(), "`a\\u{1b}` is no name of a file within a folder");
    }
}
