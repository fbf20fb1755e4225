//! Which product codes each revision of the Harmonized System has.

use std::sync::OnceLock;

use reorient_core::{HsRevision, ProductCode};

/// Codes by the revisions that have them, made by `scripts/data_codes` from the UN correlation tables.
const CODES_CSV: &str = include_str!("../../../data/codes/hs_codes.csv");
/// BACI has these in every revision: all of heading 2710, and goods that are not specified.
const OF_BACI: [u32; 2] = [271_000, 999_999];

/// Codes, ascending, with a bit for each revision that has them.
static CODES: OnceLock<Vec<(u32, u8)>> = OnceLock::new();

/// Whether a revision has a code: the UN correlation tables name it, or BACI has it in every revision.
pub fn is_code_of(revision: HsRevision, product: ProductCode) -> bool {
    let number = product.number();
    let codes = CODES.get_or_init(codes);
    let found = codes.binary_search_by_key(&number, |(code, _)| *code);
    OF_BACI.contains(&number) || found.is_ok_and(|at| codes[at].1 & bit(revision) != 0)
}

/// Every code that some revision has, ascending.
pub(crate) fn every_code() -> impl Iterator<Item = ProductCode> {
    CODES.get_or_init(codes).iter().filter_map(|(code, _)| ProductCode::from_number(*code).ok())
}

const fn bit(revision: HsRevision) -> u8 {
    1 << revision as u8
}

fn codes() -> Vec<(u32, u8)> {
    let mut codes = Vec::new();
    // A test holds the table against the number of codes of each revision, so nothing in it is passed over.
    for (revisions, members) in CODES_CSV.lines().skip(1).filter_map(|line| line.split_once(',')) {
        let bits = revisions.split(' ').filter_map(|name| name.parse().ok()).map(bit).fold(0, |bits, bit| bits | bit);
        codes.extend(members.split(' ').filter_map(|code| code.parse().ok()).map(|code: u32| (code, bits)));
    }
    codes.sort_unstable();
    codes
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::print_stderr, clippy::disallowed_methods)]
mod tests {
    use super::*;

    #[test]
    fn every_revision_has_the_codes_of_the_un() {
        let counts = [5020, 5113, 5224, 5052, 5206, 5388, 5613];
        for (revision, count) in HsRevision::ALL.into_iter().zip(counts) {
            assert_eq!(codes().iter().filter(|(_, bits)| bits & bit(revision) != 0).count(), count, "{revision}");
        }
        assert!(codes().windows(2).all(|pair| pair[0].0 < pair[1].0));
        let has = |revision, code: &str| is_code_of(revision, code.parse().unwrap());
        assert!(has(HsRevision::Hs22, "810320") && !has(HsRevision::Hs92, "810320"));
        assert!(HsRevision::ALL.into_iter().all(|revision| has(revision, "271000") && has(revision, "999999")));
        assert!(HsRevision::ALL.into_iter().all(|revision| !has(revision, "010100") && !has(revision, "770000")));
    }

    #[test]
    fn the_code_tables_of_cepii_pass_whole() {
        let root = concat!(env!("CARGO_MANIFEST_DIR"), "/../..");
        let tables = [
            (HsRevision::Hs92, format!("{root}/data/codes/product_codes_HS92_V202401b.csv"), 5022),
            (HsRevision::Hs22, format!("{root}/../shared/data/codes/product_codes_HS22_V202501.csv"), 5609),
        ];
        for (revision, path, count) in tables {
            let Ok(text) = std::fs::read_to_string(&path) else {
                eprintln!("skipped: {path} is not there");
                continue;
            };
            let codes: Vec<&str> = text.lines().skip(1).filter_map(|line| line.split(',').next()).collect();
            assert_eq!(codes.len(), count);
            // What no flow bears is no code of six digits.
            for code in codes.into_iter().filter(|code| *code != "9999AA") {
                assert!(is_code_of(revision, code.parse().unwrap()), "{revision} {code}");
            }
        }
    }
}
