//! HS6 codes by rule: as many per chapter as HS 2022 has, the codes that must be there first.

use std::collections::BTreeSet;

use reorient_core::ProductCode;

/// Chapters of HS 2022 and the number of their codes with trade; 77 is reserved. A tenth begins with 0.
const CHAPTERS: [(u8, u16); 96] = [
    (1, 34),
    (2, 66),
    (3, 225),
    (4, 33),
    (5, 15),
    (6, 16),
    (7, 73),
    (8, 70),
    (9, 39),
    (10, 26),
    (11, 27),
    (12, 50),
    (13, 11),
    (14, 5),
    (15, 53),
    (16, 42),
    (17, 17),
    (18, 11),
    (19, 19),
    (20, 52),
    (21, 16),
    (22, 24),
    (23, 23),
    (24, 16),
    (25, 67),
    (26, 37),
    (27, 39),
    (28, 180),
    (29, 410),
    (30, 45),
    (31, 24),
    (32, 45),
    (33, 29),
    (34, 24),
    (35, 15),
    (36, 13),
    (37, 30),
    (38, 108),
    (39, 131),
    (40, 80),
    (41, 37),
    (42, 20),
    (43, 12),
    (44, 128),
    (45, 7),
    (46, 11),
    (47, 21),
    (48, 101),
    (49, 18),
    (50, 9),
    (51, 38),
    (52, 124),
    (53, 23),
    (54, 72),
    (55, 110),
    (56, 30),
    (57, 24),
    (58, 37),
    (59, 24),
    (60, 44),
    (61, 106),
    (62, 104),
    (63, 52),
    (64, 25),
    (65, 8),
    (66, 6),
    (67, 8),
    (68, 50),
    (69, 30),
    (70, 71),
    (71, 53),
    (72, 167),
    (73, 124),
    (74, 49),
    (75, 17),
    (76, 35),
    (78, 8),
    (79, 9),
    (80, 5),
    (81, 56),
    (82, 64),
    (83, 36),
    (84, 538),
    (85, 296),
    (86, 23),
    (87, 98),
    (88, 26),
    (89, 25),
    (90, 143),
    (91, 48),
    (92, 17),
    (93, 18),
    (94, 54),
    (95, 39),
    (96, 49),
    (97, 19),
];

/// About 5,600 codes, `wanted` among them, ascending.
///
/// A chapter has its wanted codes and is filled up with `CCHHSS`: heading after heading, subheading `10` of each first.
pub(crate) fn by_rule(wanted: &BTreeSet<ProductCode>) -> BTreeSet<ProductCode> {
    let mut codes = wanted.clone();
    let mut present = [0_u32; 100];
    for code in wanted {
        present[(code.number() / 10_000 % 100) as usize] += 1;
    }
    for (chapter, count) in CHAPTERS {
        let headings = u32::from(count / 6).clamp(2, 85);
        let missing = u32::from(count).saturating_sub(present[usize::from(chapter)]);
        let rule = subheadings().flat_map(|sub| (1..=headings).map(move |heading| (heading, sub)));
        let numbers = rule.map(|(heading, sub)| u32::from(chapter) * 10_000 + heading * 100 + sub);
        let new = numbers.filter_map(|number| ProductCode::from_number(number).ok()).filter(|code| !wanted.contains(code));
        codes.extend(new.take(missing as usize));
    }
    codes
}

/// `10`, `20`, ... `90` as short headings have them, then the finer ones.
fn subheadings() -> impl Iterator<Item = u32> {
    (1..=9).map(|tens| tens * 10).chain((11..=99).filter(|number| number % 10 != 0))
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_as_many_as_in_hs_2022_and_hold_what_is_wanted() {
        let wanted: BTreeSet<ProductCode> = ["271019", "854231", "010121", "999999"].map(|code| code.parse().unwrap()).into();
        let codes = by_rule(&wanted);
        assert!(wanted.is_subset(&codes));
        assert_eq!(codes.len(), 5606 + 1);
        let zero = codes.iter().filter(|code| code.as_str().starts_with('0')).count();
        assert!((0.09..0.11).contains(&(zero as f64 / codes.len() as f64)), "{zero}");
        assert!(codes.iter().all(|code| code.as_str().parse::<ProductCode>().is_ok()));
    }
}
