//! The way in which results are computed, known by what it gives: a hash of the figures of made-up products under every option.

/// Part of the key of every result, so that none is taken for one of a program that computes other figures. Its test computes it
/// anew and says what to put here.
pub(crate) const GOLDEN: &str = "86fba1db9aa99324b093731dbbd1041a0c74afc547f56b0f04308e9803ea8e1e";

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use std::collections::{BTreeMap, BTreeSet};

    use reorient_core::{HsRevision, ProductCode};
    use reorient_data::{TradeSource, is_code_of};

    use super::super::key::Key;
    use super::super::record::{SweepOutcome, SweepRecord};
    use super::GOLDEN;
    use crate::{Bench, KEYS, Scenario, Session};

    const PRODUCTS: usize = 200;
    /// Risk origins, members of the bloc, others; 344 may count as 156.
    const EXPORTERS: [u16; 14] = [36, 76, 156, 251, 276, 344, 392, 410, 528, 643, 682, 710, 826, 842];
    const IMPORTERS: [u16; 8] = [124, 156, 251, 276, 344, 392, 528, 842];

    /// A stream of numbers (splitmix64).
    struct Numbers(u64);

    impl Numbers {
        fn below(&mut self, limit: u64) -> u64 {
            self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
            let mut mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
            mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
            (mixed ^ (mixed >> 31)) % limit
        }
    }

    /// Those of the sample, most of which are on the list, and others.
    fn products() -> BTreeSet<ProductCode> {
        let sample = TradeSource::embedded().unwrap();
        let mut products = sample.products(sample.years()[0]).unwrap();
        // From every part of the nomenclature.
        let numbers = (0..990).flat_map(|step| (10_000 + step..999_999).step_by(9_901));
        let others = numbers.filter_map(|number| ProductCode::from_number(number).ok());
        let mut others = others.filter(|product| is_code_of(HsRevision::Hs92, *product));
        while products.len() < PRODUCTS {
            products.extend(others.next());
        }
        products
    }

    /// Few suppliers with small amounts, so that ties, exact needs, empty sides and shares of one are common; some large ones.
    fn rows() -> String {
        let mut numbers = Numbers(20);
        let mut text = "t,i,j,k,v,q\n".to_owned();
        for product in products() {
            let before = text.len();
            let (density, size) =
                (1 + numbers.below(9), [20, 60, 1_000, 5_000_000_000][usize::try_from(numbers.below(4)).unwrap()]);
            for exporter in EXPORTERS.into_iter().filter(|_| numbers.below(10) < density).collect::<Vec<_>>() {
                for importer in IMPORTERS.into_iter().filter(|importer| *importer != exporter) {
                    if numbers.below(10) >= density {
                        continue;
                    }
                    let value = if numbers.below(4) == 0 { 20 } else { 1 + numbers.below(size) };
                    let quantity = match numbers.below(5) {
                        0 => "NA".to_owned(),
                        quantity => quantity.to_string(),
                    };
                    text += &format!("2023,{exporter},{importer},{product},{}.{:03},{quantity}\n", value / 1000, value % 1000);
                }
            }
            if text.len() == before {
                text += &format!("2023,392,276,{product},0.020,1\n");
            }
        }
        text
    }

    /// Every option, some of them together; all but the first few of all products.
    const SCENARIOS: [&[&str]; 47] = [
        &[],
        &["alias=271000", "map=any"],
        &["map=all", "reconstructed=no"],
        &["list=all"],
        &["list=all", "cap=0"],
        &["list=all", "cap=1/3"],
        &["list=all", "cap=1"],
        &["list=all", "cap=13/999983"],
        &["list=all", "bloc=DEU"],
        &["list=all", "bloc=276,528,251,392"],
        &["list=all", "risk=842"],
        &["list=all", "risk=156,36,410"],
        &["list=all", "risk=528", "bloc=DEU"],
        &["list=all", "cap-basis=exporter-extra-bloc"],
        &["list=all", "cap-basis=bloc-flow", "cap=0.5"],
        &["list=all", "cap-basis=bloc-market"],
        &["list=all", "cap-basis=world-market", "cap=0.01"],
        &["list=all", "cap-country=JPN=0.5,KOR=0"],
        &["list=all", "cap-product=270900=0.5,260300=0", "cap-country=AUS=1/7"],
        &["list=all", "floor=free"],
        &["list=all", "floor=symmetric"],
        &["list=all", "floor=symmetric", "cap-basis=bloc-flow", "cap=1/7"],
        &["list=all", "floor=churn:1/4"],
        &["list=all", "ceiling=0.5"],
        &["list=all", "ceiling=2/5", "floor=free"],
        &["list=all", "ceiling=1/10"],
        &["list=all", "bloc-alternatives=no"],
        &["list=all", "exclude=JPN,KOR"],
        &["list=all", "exclude-hard=CHN"],
        &["list=all", "exclude-hard=SAU,JPN,USA", "cap=0.2"],
        &["list=all", "immobile=270900,260300,810110,282520"],
        &["list=all", "weights=CHN=2,RUS=0.5"],
        &["list=all", "weights=CHN=7/3,USA=2", "floor=free", "cap=0.01"],
        &["list=all", "weights=CHN=1000", "exclude-hard=RUS", "ceiling=0.3"],
        &["list=all", "tie-break.drain=order:USA,CHN"],
        &["list=all", "tie-break.drain=order:643", "weights=CHN=2", "cap=0.001"],
        &["list=all", "tie-break.fill=proportional-flow"],
        &["list=all", "tie-break.fill=proportional-flow", "floor=free", "cap=0.3"],
        &["list=all", "tie-break.fill=min-hhi"],
        &["list=all", "tie-break.fill=min-hhi", "floor=free", "cap=1"],
        &["list=all", "tie-break.fill=min-cost"],
        &["list=all", "tie-break.fill=min-cost", "floor=symmetric"],
        &["list=all", "tie-break.fill=order:410,392,36"],
        &["list=all", "tie-break.fill=order:DEU", "tie-break.drain=order:CHN", "floor=free"],
        &["list=all", "hong-kong=with-china"],
        &["list=all", "hong-kong=with-china", "risk=842", "floor=churn:1", "ceiling=0.7"],
        &["list=all", "cap=0.999999", "cap-basis=exporter-extra-bloc", "floor=churn:0", "exclude=682", "bloc-alternatives=no"],
    ];

    /// Without a figure of their own, or reserved, or of the solver alone.
    const WITHOUT_FIGURES: [&str; 4] = ["year", "formulation", "links", "solver"];

    #[test]
    fn figures_are_those_of_the_constant_in_the_key() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("BACI_HS92_Y2023_synthetic.csv");
        std::fs::write(&path, rows()).unwrap();
        let source = TradeSource::open(&path).unwrap();
        assert_eq!(source.products(source.years()[0]).unwrap().len(), PRODUCTS);
        let session = &mut Session::new(&source);
        let mut hasher = blake3::Hasher::new();
        let (mut unmet, mut short) = (0, 0);
        for settings in SCENARIOS {
            let mut scenario = Scenario::default();
            settings.iter().for_each(|setting| scenario.set_from_text(setting).unwrap());
            let prepared = session.prepare(&scenario).unwrap();
            let collection = prepared.summarise(&scenario, &mut Bench::default()).unwrap();
            unmet += collection.headline.infeasible;
            short += collection.headline.in_shortage;
            let outcome = SweepOutcome::Answered(Box::new(collection));
            let record = SweepRecord { question: Key([0; 32]), resolved: BTreeMap::new(), outcome };
            hasher.update(&record.to_document(source.countries()));
        }
        assert!(unmet > 50 && short > 500, "{unmet} products with unmet imports, {short} in shortage");
        let found = hasher.finalize().to_hex();
        assert!(
            found.as_str() == GOLDEN,
            "the figures of a sweep are other ones than before. If that is intended, put\n    \"{found}\"\ninto GOLDEN in {}: stored \
             results of earlier programs are then answered again, and the change belongs into the changelog",
            file!()
        );
    }

    /// A new key is not forgotten.
    #[test]
    fn every_key_is_set_by_a_scenario() {
        let set: BTreeSet<&str> =
            SCENARIOS.iter().flat_map(|all| all.iter()).filter_map(|one| Some(one.split_once('=')?.0)).collect();
        for key in KEYS.iter().map(|key| key.name).filter(|key| !WITHOUT_FIGURES.contains(key)) {
            assert!(set.contains(key), "{key}");
        }
    }
}
