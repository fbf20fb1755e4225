//! What the names of folders tell of the files in them: a release, a revision, a year.

use std::path::Path;

use reorient_core::{HsRevision, Year};

use super::{Member, named_in};
use crate::DataError;

/// Folders below the one that was given: a release, then a year.
const DEEPEST: usize = 2;

/// A folder with what its name and those above it tell.
#[derive(Debug, Clone, Default)]
pub(super) struct Context {
    revision: Option<HsRevision>,
    release: Option<String>,
    year: Option<Year>,
    /// Whether the year holds for files that have a column of years.
    year_is_sure: bool,
    /// Folders below the path that was given, each with a slash.
    pub(super) prefix: String,
    depth: usize,
    /// Whether files are looked at as part of a folder.
    pub(super) is_folder: bool,
}

impl Context {
    /// Of a path that was given: a folder tells by its own name, a file by that of its folder, and both by the one above.
    pub(super) fn around(path: &Path, is_folder: bool) -> Self {
        let whole = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
        let names = whole.ancestors().skip(usize::from(!is_folder)).map_while(Path::file_name);
        let mut context = Self { is_folder, ..Self::default() };
        for (level, name) in names.take(2).enumerate() {
            let name = name.to_string_lossy();
            let (revision, release, _) = named_in(&name);
            context.revision = context.revision.or(revision);
            context.release = context.release.or(release);
            if level == 0 {
                // A folder of some project may be called 2023 too; one called t=2023 is no accident.
                (context.year, context.year_is_sure) = (year_of(&name), name.contains('='));
            }
        }
        context
    }

    /// Of a folder below; none for one that is not read.
    pub(super) fn below(&self, name: &str) -> Option<Self> {
        if is_hidden(name) || name.starts_with('_') || self.depth == DEEPEST || self.depth > 0 && self.year.is_some() {
            return None;
        }
        let (revision, release, _) = named_in(name);
        let year = year_of(name);
        let is_release = name.get(..4).is_some_and(|start| start.eq_ignore_ascii_case("baci")) && revision.is_some()
            || name.parse::<HsRevision>().is_ok() && year.is_none();
        (year.is_some() || is_release).then(|| Self {
            revision: revision.or(self.revision),
            release: release.or_else(|| self.release.clone()),
            year,
            year_is_sure: true,
            prefix: format!("{}{name}/", self.prefix),
            depth: self.depth + 1,
            is_folder: true,
        })
    }

    pub(super) const fn is_of_year(&self) -> bool {
        self.year.is_some()
    }

    /// A file of the folder with what the folder tells of it.
    ///
    /// # Errors
    /// [`DataError::File`] when a folder below the path that was given tells something else than the name of the file.
    pub(super) fn member(&self, member: Member) -> Result<Member, DataError> {
        let name = format!("{}{}", self.prefix, member.name);
        let differs = |what: &str, own: &str, of_folder: &str| {
            let problem = format!("its name says {what} {own}, its folder {of_folder}: move or rename it");
            Err(DataError::file(&name, problem))
        };
        let is_below = self.depth > 0;
        match (&member.year, &self.year) {
            (Some(own), Some(year)) if is_below && own != year => return differs("year", &own.to_string(), &year.to_string()),
            _ => {}
        }
        match (&member.revision, &self.revision) {
            (Some(own), Some(revision)) if is_below && own != revision => {
                return differs("revision", own.name(), revision.name());
            }
            _ => {}
        }
        match (&member.release, &self.release) {
            (Some(own), Some(release)) if is_below && own != release => return differs("release", own, release),
            _ => {}
        }
        let is_open = member.year.is_none() && self.year.is_some();
        let takes_year = is_open && (self.year_is_sure || !member.has_years()?);
        Ok(Member {
            revision: member.revision.or(self.revision),
            release: member.release.clone().or_else(|| self.release.clone()),
            year: if takes_year { self.year } else { member.year },
            year_is_of_folder: takes_year,
            name,
            ..member
        })
    }
}

/// What systems and programs leave in folders beside what people put there.
pub(super) fn is_hidden(name: &str) -> bool {
    name.starts_with('.')
}

/// The year of a folder such as `2023`, `Y2023`, `t=2023` or `year=2023`.
fn year_of(name: &str) -> Option<Year> {
    let (key, value) = name.split_once('=').unwrap_or(("t", name));
    let digits = value.strip_prefix(['Y', 'y']).filter(|_| !name.contains('=')).unwrap_or(value);
    let is_year = ["t", "year"].iter().any(|name| key.trim().eq_ignore_ascii_case(name)) && digits.len() == 4;
    is_year.then(|| digits.parse().ok()).flatten()
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn folders_tell_release_and_year() {
        for name in ["2023", "Y2023", "t=2023", "year=2023", "YEAR=2023"] {
            assert_eq!(year_of(name).map(Year::get), Some(2023), "{name}");
        }
        for name in ["23", "20233", "2023-24", "k=2023", "t=Y2023", "results", "0123"] {
            assert_eq!(year_of(name), None, "{name}");
        }
        let root = Context::default();
        let release = root.below("BACI_HS92_V202401b").unwrap();
        assert_eq!((release.revision, release.release.as_deref()), (Some(HsRevision::Hs92), Some("202401b")));
        let year = release.below("t=2023").unwrap();
        assert_eq!(
            (year.revision, year.year.map(Year::get), year.prefix.as_str()),
            (Some(HsRevision::Hs92), Some(2023), "BACI_HS92_V202401b/t=2023/")
        );
        for name in ["notes", "__MACOSX", ".git", "_temporary", "old_HS92"] {
            assert!(root.below(name).is_none(), "{name}");
        }
        assert!(root.below("HS92").is_some() && year.below("2022").is_none());
    }
}
