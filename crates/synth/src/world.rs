//! Countries of the made-up world: how large they are, where they lie, who buys from whom.
//!
//! Sizes are rounded exports in billion USD of the early 2020s, which nothing but the order of countries depends on; the
//! other countries get one from the seed. Places are drawn: the members of the EU lie together, the others anywhere.

use reorient_core::CountryTable;

use crate::random::{Stage, draws};

/// The 27 members since 2020, by BACI's numbers.
const EU27: [u16; 27] = [
    40, 56, 100, 191, 196, 203, 208, 233, 246, 251, 276, 300, 348, 372, 380, 428, 440, 442, 470, 528, 616, 620, 642, 703, 705,
    724, 752,
];
/// China, the United States, Russia.
const RISK: [u16; 3] = [156, 842, 643];
/// In CEPII's table, but dissolved or without rows in recent years.
const DISSOLVED: [u16; 9] = [58, 200, 278, 280, 530, 711, 736, 810, 891];

const SIZES: [(u16, u16); 90] = [
    (156, 3400),
    (842, 2000),
    (276, 1650),
    (528, 750),
    (392, 720),
    (410, 680),
    (380, 670),
    (251, 640),
    (484, 590),
    (124, 570),
    (826, 470),
    (56, 450),
    (490, 450),
    (699, 430),
    (643, 420),
    (757, 420),
    (784, 400),
    (704, 400),
    (724, 400),
    (616, 370),
    (36, 370),
    (702, 350),
    (76, 340),
    (682, 310),
    (458, 310),
    (764, 290),
    (360, 270),
    (792, 260),
    (203, 250),
    (40, 220),
    (372, 210),
    (752, 195),
    (579, 180),
    (348, 155),
    (208, 130),
    (344, 130),
    (703, 110),
    (710, 110),
    (368, 100),
    (634, 100),
    (642, 95),
    (152, 95),
    (414, 85),
    (246, 80),
    (620, 80),
    (398, 80),
    (608, 75),
    (32, 70),
    (604, 65),
    (376, 60),
    (364, 60),
    (566, 60),
    (512, 60),
    (705, 60),
    (50, 55),
    (300, 50),
    (12, 50),
    (170, 50),
    (100, 45),
    (554, 42),
    (504, 40),
    (818, 40),
    (804, 40),
    (440, 40),
    (24, 40),
    (112, 35),
    (218, 32),
    (586, 30),
    (31, 30),
    (688, 28),
    (191, 25),
    (116, 25),
    (434, 30),
    (188, 20),
    (288, 17),
    (428, 18),
    (233, 18),
    (442, 17),
    (384, 18),
    (788, 19),
    (860, 18),
    (320, 14),
    (144, 13),
    (858, 13),
    (400, 12),
    (214, 12),
    (48, 22),
    (404, 7),
    (196, 4),
    (470, 3),
];

/// A country of the made-up world.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Party {
    /// BACI's number.
    pub(crate) code: u16,
    /// Logarithm of its size.
    pub(crate) size: f64,
    pub(crate) is_member: bool,
    pub(crate) is_risk: bool,
}

/// Importers that one exporter may sell to, with their weights, ascending by position.
#[derive(Debug, Clone, Default)]
pub(crate) struct Pool {
    pub(crate) members: Vec<u16>,
    /// Gravity: larger and nearer ones weigh more.
    pub(crate) weights: Vec<f64>,
    /// Running sums of the weights.
    pub(crate) cumulative: Vec<f64>,
}

/// Everything about countries that does not depend on the product.
#[derive(Debug, Clone)]
pub(crate) struct World {
    /// Ascending by code.
    pub(crate) parties: Vec<Party>,
    /// Per exporter: importers in the EU, and the others; never itself.
    pub(crate) pools: Vec<[Pool; 2]>,
    /// Per exporter, then importer: logarithm of what a flow is worth, spread about zero.
    pub(crate) pull: Vec<Vec<f64>>,
}

impl World {
    pub(crate) fn new(table: &CountryTable, seed: u64) -> Self {
        let codes = table.iter().map(|(_, country)| country.code.get()).filter(|code| !DISSOLVED.contains(code));
        let mut places = Vec::new();
        let parties: Vec<Party> = codes
            .map(|code| {
                let mut draws = draws(seed, Stage::Country, code.into());
                let known = SIZES.iter().find(|(known, _)| *known == code);
                let drawn = 0.5 + 1.9 * draws.normal();
                let size = known.map_or(drawn, |(_, size)| libm::log(f64::from(*size)));
                let is_member = EU27.contains(&code);
                let place = [draws.uniform(), draws.uniform()];
                places.push(if is_member { place.map(|at| 0.5 + 0.16 * (at - 0.5)) } else { place });
                Party { code, size, is_member, is_risk: RISK.contains(&code) }
            })
            .collect();
        let nearness = |one: usize, other: usize| (0.38 - distance(places[one], places[other])) / 0.15;
        let all = 0..parties.len();
        let pools = all.clone().map(|exporter| {
            let mut pools = [Pool::default(), Pool::default()];
            for importer in all.clone().filter(|importer| *importer != exporter) {
                let pool = &mut pools[usize::from(!parties[importer].is_member)];
                let weight = libm::exp(0.33 * parties[importer].size + 0.4 * nearness(exporter, importer));
                pool.members.push(u16::try_from(importer).unwrap_or(u16::MAX));
                pool.weights.push(weight);
                pool.cumulative.push(pool.cumulative.last().unwrap_or(&0.0) + weight);
            }
            pools
        });
        let pull = all.clone().map(|exporter| {
            let of = |importer: usize| 0.22 * (parties[importer].size - 2.0) + 0.3 * nearness(exporter, importer);
            all.clone().map(of).collect()
        });
        Self { pools: pools.collect(), pull: pull.collect(), parties }
    }
}

/// On a map whose edges meet.
fn distance(one: [f64; 2], other: [f64; 2]) -> f64 {
    let along = |axis: usize| {
        let gap = (one[axis] - other[axis]).abs();
        gap.min(1.0 - gap)
    };
    (along(0) * along(0) + along(1) * along(1)).sqrt()
}
