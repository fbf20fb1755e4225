//! Which codes of HS 2022 became of those of the older revisions: the correlation tables of the United Nations, chained; and codes as
//! people type them.

use reorient_core::{HsRevision, ProductCode};

use crate::DataError;
use crate::hs_codes::{every_code, is_code_of};

const FILE: &str = "hs2022_descendants.csv";
pub(crate) const CSV: &str = include_str!("../../../data/codes/hs2022_descendants.csv");
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
/// revision, 999999 (not specified) as none.
pub fn is_good_of(revision: Option<HsRevision>, code: ProductCode) -> bool {
    let has = |revision| is_code_of(revision, code);
    code.as_str() != NOT_SPECIFIED && revision.map_or_else(|| HsRevision::ALL.into_iter().any(has), has)
}

/// A code that somebody typed: six digits, or five where the code with a zero before them is one of the HS.
///
/// # Errors
/// What is wrong and what to do; a mistyped code is not made into another one.
pub fn typed_code(text: &str) -> Result<ProductCode, String> {
    let code: ProductCode = text.parse().map_err(|error: reorient_core::CodeError| error.to_string())?;
    if !is_padded(text) || is_good_of(None, code) {
        return Ok(code);
    }
    let digits = text.trim();
    let longer: Vec<String> =
        every_code().map(|code| code.to_string()).filter(|known| known.starts_with(digits)).take(PROPOSED).collect();
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
    fn every_product_of_an_older_revision_has_descendants() {
        for revision in [HsRevision::Hs92, HsRevision::Hs12, HsRevision::Hs17] {
            let products = descendants(revision).unwrap();
            assert!(products.iter().all(|(product, _)| is_code_of(revision, *product)));
            assert!(products.windows(2).all(|pair| pair[0].0 < pair[1].0));
            assert!(products.iter().all(|(_, codes)| !codes.is_empty() && codes.windows(2).all(|pair| pair[0] < pair[1])));
        }
        assert!(is_good_of(Some(HsRevision::Hs22), code("854921")) && !is_good_of(Some(HsRevision::Hs17), code("854921")));
        assert!(is_good_of(None, code("854921")) && is_good_of(Some(HsRevision::Hs92), code("271000")));
        assert!(!is_good_of(None, code("999999")));
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
