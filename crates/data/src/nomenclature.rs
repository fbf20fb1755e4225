//! Which six-digit codes the revisions of the HS have, and which codes of HS 2022 became of them: the correlation tables of
//! the United Nations, chained.

use std::collections::BTreeMap;
use std::sync::OnceLock;

use reorient_core::{HsRevision, ProductCode};

use crate::DataError;

const FILE: &str = "hs2022_descendants.csv";
pub(crate) const CSV: &str = include_str!("../../../data/codes/hs2022_descendants.csv");
/// Under which BACI files all of heading 2710; no revision of the HS has it.
const PETROLEUM: &str = "271000";
/// Goods that nobody specified: a code of the tables, but none of a good.
const NOT_SPECIFIED: &str = "999999";
/// Codes that a message proposes.
const PROPOSED: usize = 3;

/// The rows of the table: the years of the revisions, product, its descendants separated by spaces; ascending by product.
fn rows() -> impl Iterator<Item = (&'static str, &'static str, &'static str)> {
    CSV.lines().skip(1).filter_map(|line| {
        let mut fields = line.splitn(3, ',');
        Some((fields.next()?, fields.next()?, fields.next()?))
    })
}

/// `92` of HS92.
fn short(revision: HsRevision) -> &'static str {
    &revision.name()[2..]
}

/// The products of an older revision with their descendants in HS 2022, both ascending.
pub(crate) fn descendants(revision: HsRevision) -> Result<Vec<(ProductCode, Vec<ProductCode>)>, DataError> {
    let code = |text: &str| text.parse::<ProductCode>().map_err(|error| DataError::file(FILE, error.to_string()));
    rows()
        .filter(|(revisions, ..)| revisions.split(' ').any(|own| own == short(revision)))
        .map(|(_, product, codes)| Ok((code(product)?, codes.split(' ').map(code).collect::<Result<_, _>>()?)))
        .collect()
}

/// Whether a revision has this code for a good; without one, whether any has. BACI's own 271000 counts as one of every
/// revision.
pub fn is_code_of(revision: Option<HsRevision>, code: ProductCode) -> bool {
    if code.as_str() == NOT_SPECIFIED {
        return false;
    }
    let known = code_sets().get(&code).copied().unwrap_or(0);
    revision.map_or(known, |revision| known & bit(revision)) != 0
}

fn bit(revision: HsRevision) -> u8 {
    1 << revision as u8
}

/// For each code a bit per revision that has it.
fn code_sets() -> &'static BTreeMap<ProductCode, u8> {
    static SETS: OnceLock<BTreeMap<ProductCode, u8>> = OnceLock::new();
    SETS.get_or_init(|| {
        let mut sets: BTreeMap<ProductCode, u8> = BTreeMap::new();
        let mut add = |code: &str, bits: u8| {
            // A test reads every code of the table.
            if let Ok(code) = code.parse() {
                *sets.entry(code).or_default() |= bits;
            }
        };
        for (revisions, product, codes) in rows() {
            let of = HsRevision::ALL.into_iter().filter(|revision| revisions.split(' ').any(|own| own == short(*revision)));
            add(product, of.map(bit).sum());
            codes.split(' ').for_each(|code| add(code, bit(HsRevision::Hs22)));
        }
        add(PETROLEUM, HsRevision::ALL.into_iter().map(bit).sum());
        sets
    })
}

/// A code that somebody typed: six digits, or five where the code with a zero before them is one of the HS.
///
/// # Errors
/// What is wrong and what to do; a mistyped code is not made into another one.
pub fn typed_code(text: &str) -> Result<ProductCode, String> {
    let code: ProductCode = text.parse().map_err(|error: reorient_core::CodeError| error.to_string())?;
    if !is_padded(text) || is_code_of(None, code) {
        return Ok(code);
    }
    let digits = text.trim();
    let longer: Vec<String> =
        code_sets().keys().map(ToString::to_string).filter(|known| known.starts_with(digits)).take(PROPOSED).collect();
    let hint = if longer.is_empty() { String::new() } else { format!(": did you mean {}?", longer.join(" or ")) };
    Err(format!("`{digits}` has five digits, and no revision of the HS has {code}: write all six{hint}"))
}

/// Whether the leading zero of a code was left out.
pub(crate) fn is_padded(text: &str) -> bool {
    text.trim().len() == 5
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn code(text: &str) -> ProductCode {
        text.parse().unwrap()
    }

    #[test]
    fn every_revision_has_its_codes() {
        // 271000 is BACI's own but in the two revisions that have it.
        let n_codes = |revision: HsRevision| {
            let own = code_sets().values().filter(|bits| **bits & bit(revision) != 0).count();
            own - usize::from(revision > HsRevision::Hs96)
        };
        assert_eq!(HsRevision::ALL.map(n_codes), [5020, 5113, 5224, 5051, 5206, 5387, 5613]);
        for revision in [HsRevision::Hs92, HsRevision::Hs12, HsRevision::Hs17] {
            let products = descendants(revision).unwrap();
            assert_eq!(products.len(), n_codes(revision));
            assert!(products.windows(2).all(|pair| pair[0].0 < pair[1].0));
            assert!(products.iter().all(|(_, codes)| !codes.is_empty() && codes.windows(2).all(|pair| pair[0] < pair[1])));
        }
        assert!(is_code_of(Some(HsRevision::Hs22), code("854921")) && !is_code_of(Some(HsRevision::Hs17), code("854921")));
        assert!(is_code_of(None, code("854921")) && is_code_of(Some(HsRevision::Hs92), code("271000")));
        assert!(!is_code_of(None, code("999999")));
    }

    #[test]
    fn a_zero_is_put_before_five_digits_only_where_that_is_a_code() {
        for (text, expected) in [("10121", "010121"), (" 010121 ", "010121"), ("280530", "280530"), ("999999", "999999")] {
            assert_eq!(typed_code(text), Ok(code(expected)), "{text}");
        }
        let refused = typed_code("28053").unwrap_err();
        assert!(refused.contains("028053") && refused.ends_with("did you mean 280530?"), "{refused}");
        assert!(typed_code("27090").unwrap_err().ends_with("did you mean 270900?"));
        assert!(typed_code("2709").unwrap_err().contains("six digits"));
    }
}
