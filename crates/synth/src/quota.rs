//! How many of a seller's importers are members of the EU, so that the shares of rows come out as in BACI.

use crate::plan::Seller;
use crate::world::World;

/// Share of rows whose importer is a member of the EU, BACI HS22.
pub(crate) const ROWS_TO_MEMBERS: f64 = 0.279;
/// Share of rows that go from China, the United States or Russia to the EU.
pub(crate) const ROWS_FROM_RISK_TO_MEMBERS: f64 = 0.0153;

/// Expected members among the importers, by kind of exporter and number of importers.
#[derive(Debug, Clone)]
pub(crate) struct Quotas {
    expected: [Vec<f64>; 3],
}

/// Risk origins, members, all others.
const fn kind(world: &World, exporter: usize) -> usize {
    let party = &world.parties.as_slice()[exporter];
    if party.is_risk {
        0
    } else if party.is_member {
        1
    } else {
        2
    }
}

impl Quotas {
    /// Finds the odds at which all sellers together meet both shares, or come as near as there are importers.
    pub(crate) fn new(world: &World, sellers: &[Vec<Seller>]) -> Self {
        let n_members = world.parties.iter().filter(|party| party.is_member).count();
        let n_all = world.parties.len();
        let mut counts = [(); 3].map(|()| vec![0_u64; n_all]);
        for seller in sellers.iter().flatten() {
            counts[kind(world, seller.exporter)][usize::try_from(seller.partners).unwrap_or(0).min(n_all - 1)] += 1;
        }
        let rows: f64 = sellers.iter().flatten().map(|seller| seller.partners as f64).sum();
        let table = |kind: usize, odds: f64| -> Vec<f64> {
            let members = n_members - usize::from(kind == 1);
            (0..n_all).map(|partners| expected(odds, members, n_all - 1 - members, partners)).collect()
        };
        let sum = |kind: usize, table: &[f64]| -> f64 {
            counts[kind].iter().zip(table).map(|(count, expected)| *count as f64 * expected).sum()
        };
        let solve = |kinds: &[usize], wanted: f64| {
            let (mut low, mut high) = (-9.0, 9.0);
            for _ in 0..36 {
                let middle = 0.5 * (low + high);
                let reached: f64 = kinds.iter().map(|kind| sum(*kind, &table(*kind, libm::exp(middle)))).sum();
                if reached < wanted { low = middle } else { high = middle }
            }
            libm::exp(0.5 * (low + high))
        };
        let risk = solve(&[0], ROWS_FROM_RISK_TO_MEMBERS * rows);
        let others = solve(&[1, 2], (ROWS_TO_MEMBERS - ROWS_FROM_RISK_TO_MEMBERS) * rows);
        Self { expected: [table(0, risk), table(1, others), table(2, others)] }
    }

    /// Members among the importers of a seller: the expected number, rounded up or down by a draw between 0 and 1.
    pub(crate) fn members(&self, world: &World, seller: &Seller, draw: f64) -> usize {
        let [members, others] = &world.pools[seller.exporter];
        let partners = usize::try_from(seller.partners).unwrap_or(0);
        let expected = self.expected[kind(world, seller.exporter)].get(partners).copied().unwrap_or(0.0);
        let rounded = usize::try_from(crate::apportion::whole(expected + draw)).unwrap_or(0);
        rounded.clamp(partners.saturating_sub(others.members.len()), members.members.len().min(partners))
    }
}

/// Of `partners` importers, how many are members when a member is found `odds` times as readily as another.
fn expected(odds: f64, members: usize, others: usize, partners: usize) -> f64 {
    let found = |effort: f64| {
        let share = |rate: f64| 1.0 - libm::exp(-rate * effort);
        (members as f64 * share(odds), others as f64 * share(1.0))
    };
    let (mut low, mut high) = (-20.0, 20.0);
    for _ in 0..36 {
        let middle = 0.5 * (low + high);
        let (in_bloc, outside) = found(libm::exp(middle));
        if in_bloc + outside < partners as f64 { low = middle } else { high = middle }
    }
    found(libm::exp(0.5 * (low + high))).0
}
