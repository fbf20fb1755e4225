//! Revisions of the Harmonized System.

use std::fmt;
use std::str::FromStr;

use crate::shown;

/// A name that is no HS revision.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{}` is no HS revision: use HS92, HS96, HS02, HS07, HS12, HS17 or HS22", shown(.0))]
pub struct RevisionError(pub String);

/// A revision of the Harmonized System in which BACI is published.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum HsRevision {
    /// HS 1992 (1988 nomenclature).
    Hs92,
    /// HS 1996.
    Hs96,
    /// HS 2002.
    Hs02,
    /// HS 2007.
    Hs07,
    /// HS 2012.
    Hs12,
    /// HS 2017.
    Hs17,
    /// HS 2022.
    Hs22,
}

impl HsRevision {
    /// All, oldest first.
    pub const ALL: [Self; 7] = [Self::Hs92, Self::Hs96, Self::Hs02, Self::Hs07, Self::Hs12, Self::Hs17, Self::Hs22];

    /// BACI's name, such as `HS92`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Hs92 => "HS92",
            Self::Hs96 => "HS96",
            Self::Hs02 => "HS02",
            Self::Hs07 => "HS07",
            Self::Hs12 => "HS12",
            Self::Hs17 => "HS17",
            Self::Hs22 => "HS22",
        }
    }
}

impl fmt::Display for HsRevision {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.pad(self.name())
    }
}

impl FromStr for HsRevision {
    type Err = RevisionError;

    /// `HS92`, `hs92`, `92` or `HS1992`.
    fn from_str(text: &str) -> Result<Self, RevisionError> {
        let digits = text.trim().trim_start_matches(['H', 'h']).trim_start_matches(['S', 's']);
        let means = |revision: &Self| {
            let short = &revision.name()[2..];
            let century = if short > "50" { "19" } else { "20" };
            digits == short || digits.strip_prefix(century) == Some(short)
        };
        Self::ALL.into_iter().find(means).ok_or_else(|| RevisionError(text.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_round_trip() {
        for revision in HsRevision::ALL {
            assert_eq!(revision.name().parse(), Ok(revision));
        }
        assert_eq!("HS2022".parse(), Ok(HsRevision::Hs22));
        assert_eq!("92".parse(), Ok(HsRevision::Hs92));
        for text in ["HS93", "", "HS", "éé22", "aéb", "HS1822", "HS1922"] {
            assert!(text.parse::<HsRevision>().is_err(), "{text}");
        }
    }
}
