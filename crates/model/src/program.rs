//! Step M4 of docs/method.md: capacity and bounds of one product, in exact integers.

use std::collections::BTreeMap;

use reorient_core::{CountryIndex, Fraction, ProductCode, Usd};

use crate::{CapBasis, CapCurve, CountrySet, Floor, Market, Optimum, Policy, Status};

/// Why a market cannot be put as a program.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ProgramError {
    /// An amount beyond exact arithmetic.
    #[error("amounts of this product are too large for exact arithmetic with these options; use shares with fewer decimals")]
    Overflow,
    /// Amounts that no world trades.
    #[error(
        "the exports of all countries together, {} USD, are too large for exact arithmetic with these options, and beyond the trade of the \
         world; check the unit: values are in thousand USD",
        .0
    )]
    TooLarge(i128),
    /// The bloc would import more from a country than it exports.
    #[error("exporter at position {0} sells more to the bloc than to the world: the rows are not world x world")]
    NotWorld(usize),
}

/// Dollars; all goods of a year together are 2.3 times as much. Where a product of less is too large for exact arithmetic, the options are at
/// fault, and where one of more is, the data are.
const ORDINARY: i128 = 10_000_000_000_000;

/// Which side of the program an exporter is on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// A risk origin: a positive cost, flow between 0 and today's.
    Risk,
    /// Everyone else: cost 0, flow between its floor and today's plus capacity.
    Alternative,
}

/// What a program says of one exporter.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bounds {
    /// `w`.
    pub cost: i64,
    /// `x0`.
    pub baseline: i64,
    /// `L`.
    pub lower: i64,
    /// `U`.
    pub upper: i64,
}

impl Bounds {
    /// Its side.
    #[inline]
    pub const fn role(self) -> Role {
        if self.cost > 0 { Role::Risk } else { Role::Alternative }
    }

    /// The most that it may add; none by risk origins.
    #[inline]
    pub fn room(self) -> i64 {
        match self.role() {
            Role::Risk => 0,
            Role::Alternative => (self.upper - self.baseline).max(0),
        }
    }
}

/// First the least unmet imports, then the least weighted flow from risk origins: flows and unmet imports sum to `total`, each flow
/// is between `lower` and `upper`.
///
/// Parallel vectors over the exporters of the market, in units of `1 / scale` dollars. No sum of them is above 2^62, so sums
/// need no wider integer; products of two do.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Program {
    /// Units in a dollar: the least that makes every bound whole.
    pub scale: i64,
    /// Units in a weight of 1.
    pub weight_scale: i64,
    /// `T`: the bloc's imports from all origins.
    pub total: i64,
    /// `w` of risk origins in units of `1 / weight_scale`, all positive; 0 of alternatives.
    pub cost: Vec<i64>,
    /// `x0`.
    pub baseline: Vec<i64>,
    /// `L`.
    pub lower: Vec<i64>,
    /// `U`.
    pub upper: Vec<i64>,
}

impl Program {
    /// Number of exporters.
    #[inline]
    pub fn len(&self) -> usize {
        self.cost.len()
    }

    /// `L` and `U` of the exporter at a position, ready to be multiplied.
    pub(crate) fn bounds(&self, position: usize) -> (i128, i128) {
        (self.lower[position].into(), self.upper[position].into())
    }

    /// The costs, each once, ascending.
    pub(crate) fn costs(&self) -> Vec<i64> {
        let mut costs = self.cost.clone();
        costs.sort_unstable();
        costs.dedup();
        costs
    }

    /// Whether nobody exports the product.
    pub fn is_empty(&self) -> bool {
        self.cost.is_empty()
    }

    /// All exporters in order.
    #[inline]
    pub fn exporters(&self) -> impl Iterator<Item = Bounds> + '_ {
        let bounds = self.lower.iter().zip(&self.upper);
        let all = self.cost.iter().zip(&self.baseline).zip(bounds);
        all.map(|((cost, baseline), (lower, upper))| Bounds { cost: *cost, baseline: *baseline, lower: *lower, upper: *upper })
    }

    /// The exporter at a position.
    #[inline]
    pub fn exporter(&self, position: usize) -> Bounds {
        let (cost, baseline) = (self.cost[position], self.baseline[position]);
        Bounds { cost, baseline, lower: self.lower[position], upper: self.upper[position] }
    }

    /// The side of the exporter at a position.
    #[inline]
    pub fn role(&self, position: usize) -> Role {
        self.exporter(position).role()
    }

    /// All extra capacity.
    #[inline]
    pub fn capacity(&self) -> i64 {
        self.exporters().map(Bounds::room).sum()
    }

    /// Imports that all exporters together cannot supply: `max(0, T - sum U)`.
    pub fn unmet(&self) -> i64 {
        (self.total - self.upper.iter().sum::<i64>()).max(0)
    }

    /// The same program of what can be supplied: its total is `T` less the unmet imports.
    pub fn served(&self) -> Self {
        Self { total: self.total - self.unmet(), ..self.clone() }
    }

    /// The cost of a unit of unmet imports where a solver needs one: above every weight, so that as little as possible is unmet
    /// before any risk is weighed.
    pub fn unmet_cost(&self) -> i64 {
        self.cost.iter().copied().max().unwrap_or(0) + self.weight_scale.max(1)
    }

    /// Classifies an optimum.
    pub fn status(&self, optimum: &Optimum) -> Status {
        if optimum.unmet > 0 {
            return Status::Infeasible;
        }
        let (mut risk, mut need) = (0, self.total);
        for exporter in self.exporters() {
            match exporter.role() {
                Role::Risk => risk += exporter.baseline,
                Role::Alternative => need -= exporter.upper,
            }
        }
        match (risk, optimum.risk_total, need) {
            (0, ..) => Status::NoRisk,
            (_, 1.., _) => Status::Shortage,
            (_, _, 0) => Status::Tight,
            _ => Status::Slack,
        }
    }
}

/// `U` of an alternative as a function of the cap: `base + min(beta B, room)`, in units of the program.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Reach {
    /// What it reaches without any extra.
    pub(crate) base: i64,
    /// `B` in dollars.
    pub(crate) basis: i64,
    /// The most that it can gain.
    pub(crate) room: i64,
}

impl Reach {
    fn fixed(base: i64) -> Self {
        Self { base, basis: 0, room: 0 }
    }

    /// What it gains at a cap.
    pub(crate) fn gain(self, cap: Step) -> i64 {
        cap.of(self.basis).min(self.room)
    }
}

/// A cap ready to be multiplied with dollars.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Step {
    /// Units of one dollar's cap; whole, as the denominator divides the scale.
    per_dollar: i64,
}

impl Step {
    fn new(cap: Fraction, scale: i64) -> Result<Self, ProgramError> {
        let per_dollar = i128::from(scale) / i128::from(cap.denominator()) * i128::from(cap.numerator());
        i64::try_from(per_dollar).map(|per_dollar| Self { per_dollar }).map_err(|_| ProgramError::Overflow)
    }

    /// The cap's share of an amount, in units of the program; the largest number where it is beyond all that can be gained.
    fn of(self, dollars: i64) -> i64 {
        dollars.saturating_mul(self.per_dollar)
    }
}

/// The amounts of one product that its bounds are made of.
pub(crate) struct Formulation<'a> {
    market: &'a Market<'a>,
    policy: &'a Policy,
    pub(crate) scale: i64,
    pub(crate) total: i64,
    /// `T` and the sum of `W`, in dollars.
    dollars: (i64, i64),
    /// `s T`.
    ceiling: Option<i64>,
    /// The cap of the scenario, of this product, and of single exporters.
    step: Step,
    product_step: Option<Step>,
    own_steps: BTreeMap<CountryIndex, Step>,
    /// Whether who sells none to the bloc today adds none.
    is_immobile: bool,
    /// Whether no option tells one alternative from another, as in most scenarios.
    is_plain: bool,
}

impl<'a> Formulation<'a> {
    /// Checks the market and leaves room for the products of two amounts.
    pub(crate) fn new(product: ProductCode, market: &'a Market<'a>, policy: &'a Policy) -> Result<Self, ProgramError> {
        let scale = policy.scale().ok_or(ProgramError::Overflow)?;
        let (mut imports, mut exports) = (0_i128, 0_i128);
        for (position, (own, all)) in market.imports.iter().zip(market.world_exports).enumerate() {
            if own > all {
                return Err(ProgramError::NotWorld(position));
            }
            imports += i128::from(own.get());
            exports += i128::from(all.get());
        }
        let overflow = || if exports > ORDINARY { ProgramError::TooLarge(exports) } else { ProgramError::Overflow };
        let dollars = |sum: i128| i64::try_from(sum).map_err(|_| overflow());
        let dollars = (dollars(imports)?, dollars(exports)?);
        // No bound is above W, so no sum of bounds is above `world`; rules and curves multiply two such sums.
        let world = exports * i128::from(scale);
        if world.checked_mul(world).and_then(|square| square.checked_mul(8)).is_none() {
            return Err(overflow());
        }
        let total = dollars.0 * scale;
        let ceiling = policy.ceiling.map(|share| share_of(total, share));
        let step = |cap: &Fraction| Step::new(*cap, scale);
        let sets = [&policy.barred, &policy.fixed, &policy.no_extra];
        let is_immobile = policy.immobile.contains(&product);
        let is_plain = ceiling.is_none() && !is_immobile && sets.into_iter().all(CountrySet::is_empty);
        let own_steps = policy.cap_of_country.iter().map(|(country, cap)| Ok((*country, step(cap)?)));
        Ok(Self {
            step: step(&policy.cap)?,
            product_step: policy.cap_of_product.get(&product).map(step).transpose()?,
            own_steps: own_steps.collect::<Result<_, ProgramError>>()?,
            market,
            policy,
            scale,
            total,
            dollars,
            ceiling,
            is_immobile,
            is_plain,
        })
    }

    /// The cap of an exporter, and whether it is one of its own.
    fn step(&self, exporter: CountryIndex) -> (Step, bool) {
        let own = if self.own_steps.is_empty() { None } else { self.own_steps.get(&exporter) };
        match own.copied().or(self.product_step) {
            Some(own) => (own, true),
            None => (self.step, false),
        }
    }

    fn units(&self, amounts: &[Usd], position: usize) -> i64 {
        amounts[position].get() * self.scale
    }

    pub(crate) fn baseline(&self, position: usize) -> i64 {
        self.units(self.market.imports, position)
    }

    fn under_ceiling(&self, amount: i64) -> i64 {
        self.ceiling.map_or(amount, |ceiling| amount.min(ceiling))
    }

    pub(crate) fn n_exporters(&self) -> usize {
        self.market.exporters.len()
    }

    fn exporter(&self, position: usize) -> CountryIndex {
        self.market.exporters[position]
    }

    /// `U` of a risk origin: its flow never rises.
    pub(crate) fn risk_upper(&self, position: usize) -> i64 {
        if self.policy.barred.contains(self.exporter(position)) { 0 } else { self.under_ceiling(self.baseline(position)) }
    }

    /// `B` of an alternative, in dollars.
    fn basis(&self, position: usize) -> i64 {
        let (world, imports) = (self.market.world_exports[position].get(), self.market.imports[position].get());
        match self.policy.basis {
            CapBasis::ExporterWorld => world,
            CapBasis::ExporterExtraBloc => world - imports,
            CapBasis::BlocFlow => imports,
            CapBasis::BlocMarket => self.dollars.0,
            CapBasis::WorldMarket => self.dollars.1,
        }
    }

    /// How `U` of an alternative follows from the cap: `min(x0 + min(beta B, W - x0), s T)`.
    #[inline]
    pub(crate) fn reach(&self, position: usize) -> Reach {
        let exporter = self.exporter(position);
        let imports = self.baseline(position);
        if self.is_plain {
            let room = self.units(self.market.world_exports, position) - imports;
            return Reach { base: imports, basis: self.basis(position), room };
        }
        if self.policy.barred.contains(exporter) {
            return Reach::fixed(0);
        }
        let base = self.under_ceiling(imports);
        let adds_none = self.policy.fixed.contains(exporter) || self.policy.no_extra.contains(exporter);
        if adds_none || base < imports || (self.is_immobile && imports == 0) {
            return Reach::fixed(base);
        }
        let most = self.under_ceiling(self.units(self.market.world_exports, position));
        Reach { base, basis: self.basis(position), room: most - base }
    }

    /// `L` of an alternative, before it is held below `U`.
    #[inline]
    fn floor(&self, position: usize, cap: Step) -> i64 {
        let exporter = self.exporter(position);
        let imports = self.baseline(position);
        if !self.is_plain && self.policy.barred.contains(exporter) {
            return 0;
        }
        if !self.is_plain && self.policy.fixed.contains(exporter) {
            return self.under_ceiling(imports);
        }
        let floor = match self.policy.floor {
            Floor::Additive => imports,
            Floor::Free => 0,
            Floor::Symmetric => (imports - cap.of(self.basis(position))).max(0),
            Floor::Churn(share) => imports - share_of(imports, share),
        };
        self.under_ceiling(floor)
    }
}

/// A share of an amount that the scale makes whole.
fn share_of(amount: i64, share: Fraction) -> i64 {
    // The denominator divides the scale and the scale divides the amount. Parts are of numbers far below 2^63.
    let part = |part: u64| i64::try_from(part).unwrap_or(i64::MAX);
    (amount / part(share.denominator())).saturating_mul(part(share.numerator()))
}

/// Puts a market under a policy as a program.
///
/// An alternative may rise by `c = min(beta B, W - x0)` and fall to its floor; with a ceiling no bound is above `s T`.
///
/// # Errors
/// [`ProgramError::Overflow`] when exact arithmetic would not hold the amounts, [`ProgramError::NotWorld`] when an
/// exporter's flow to the bloc is larger than its exports.
pub fn formulate(product: ProductCode, market: &Market<'_>, policy: &Policy) -> Result<Program, ProgramError> {
    let mut program = Program::default();
    Formulation::new(product, market, policy)?.fill(&mut program, &mut |_, _| {});
    Ok(program)
}

/// As [`formulate`], with the curve of the same product, in memory that is used again.
///
/// # Errors
/// As [`formulate`]; what is in the arguments is then of no use.
pub fn formulate_into(
    product: ProductCode,
    market: &Market<'_>,
    policy: &Policy,
    program: &mut Program,
    curve: &mut CapCurve,
) -> Result<(), ProgramError> {
    let parts = Formulation::new(product, market, policy)?;
    curve.start(&parts);
    parts.fill(program, &mut |position, reach| curve.add(&parts, position, reach));
    Ok(())
}

impl Formulation<'_> {
    /// The bounds of all exporters; `each` is told position and reach with its gain, none of a risk origin.
    fn fill(&self, program: &mut Program, each: &mut impl FnMut(usize, Option<Extra>)) {
        (program.scale, program.weight_scale, program.total) = (self.scale, self.policy.weights.scale, self.total);
        let take = |amounts: &mut Vec<i64>| {
            amounts.clear();
            std::mem::take(amounts)
        };
        let mut columns =
            (take(&mut program.cost), take(&mut program.baseline), take(&mut program.lower), take(&mut program.upper));
        columns.extend(self.market.exporters.iter().enumerate().map(|(position, &exporter)| {
            let baseline = self.baseline(position);
            if self.policy.risk.contains(exporter) {
                each(position, None);
                (self.policy.weights.get(exporter), baseline, 0, self.risk_upper(position))
            } else {
                let (cap, is_override) = self.step(exporter);
                let reach = self.reach(position);
                let gain = reach.gain(cap);
                each(position, Some(Extra { reach, gain, is_override }));
                (0, baseline, self.floor(position, cap), reach.base + gain)
            }
        }));
        (program.cost, program.baseline, program.lower, program.upper) = columns;
    }
}

/// What an alternative gains at its cap, and whether that is a cap of its own.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Extra {
    pub(crate) reach: Reach,
    pub(crate) gain: i64,
    pub(crate) is_override: bool,
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::closed_form;

    /// Exporter 0 is at risk; amounts in dollars, bounds too.
    fn bounds(imports: &[i64], world: &[i64], options: impl Fn(&mut Policy)) -> Result<Vec<(i64, i64)>, ProgramError> {
        program(imports, world, options).map(|program| {
            program.exporters().map(|Bounds { lower, upper, .. }| (lower / program.scale, upper / program.scale)).collect()
        })
    }

    fn program(imports: &[i64], world: &[i64], options: impl Fn(&mut Policy)) -> Result<Program, ProgramError> {
        let exporters: Vec<CountryIndex> = (0_u16..).map(CountryIndex).take(imports.len()).collect();
        let usd = |amounts: &[i64]| amounts.iter().copied().map(Usd::new).collect::<Vec<_>>();
        let (imports, world) = (usd(imports), usd(world));
        let market = Market { exporters: &exporters, imports: &imports, world_exports: &world, unit_values: &[] };
        let mut policy = Policy::new(CountrySet::new(imports.len(), [CountryIndex(0)]), Fraction::new(1, 20).unwrap());
        options(&mut policy);
        formulate(ProductCode::from_number(270_900).unwrap(), &market, &policy)
    }

    #[test]
    fn the_cap_is_a_share_of_its_basis() {
        let upper = |basis| bounds(&[100, 60], &[500, 460], |policy| policy.basis = basis).unwrap()[1].1;
        assert_eq!(upper(CapBasis::ExporterWorld), 60 + 23);
        assert_eq!(upper(CapBasis::ExporterExtraBloc), 60 + 20, "of 460 - 60");
        assert_eq!(upper(CapBasis::BlocFlow), 60 + 3);
        assert_eq!(upper(CapBasis::BlocMarket), 60 + 8);
        assert_eq!(upper(CapBasis::WorldMarket), 60 + 48);
    }

    /// Of imports of 200, nobody may hold more than 80.
    #[test]
    fn whoever_is_above_the_ceiling_falls_to_it() {
        let under = |policy: &mut Policy| policy.ceiling = Some(Fraction::new(2, 5).unwrap());
        assert_eq!(bounds(&[90, 100, 10], &[900, 900, 900], under).unwrap(), [(0, 80), (80, 80), (10, 55)]);
        assert_eq!(bounds(&[50, 71, 79], &[900, 900, 900], under).unwrap(), [(0, 50), (71, 80), (79, 80)]);
        let symmetric = |policy: &mut Policy| {
            under(policy);
            policy.floor = Floor::Symmetric;
        };
        assert_eq!(bounds(&[90, 100, 10], &[100, 100, 900], symmetric).unwrap(), [(0, 80), (80, 80), (0, 55)]);
    }

    #[test]
    fn status_by_hand() {
        let status = |imports: &[i64], world: &[i64]| {
            let program = program(imports, world, |_| {}).unwrap();
            program.status(&closed_form(&program).unwrap())
        };
        assert_eq!(status(&[10, 10], &[10, 210]), Status::Slack);
        assert_eq!(status(&[10, 10], &[10, 200]), Status::Tight, "capacity is the need to the dollar");
        assert_eq!(status(&[10, 10], &[10, 190]), Status::Shortage);
        assert_eq!(status(&[0, 10], &[10, 190]), Status::NoRisk);
    }

    /// Rules and curves multiply two sums of bounds, eight times.
    #[test]
    fn amounts_whose_products_do_not_fit_are_refused() {
        let most = i64::try_from((i128::MAX / 8).isqrt() / 20).unwrap();
        let try_world = |world: i64| bounds(&[0, 10], &[0, world], |_| {}).map(|_| ());
        assert_eq!(try_world(most), Ok(()));
        assert_eq!(try_world(most + 1), Err(ProgramError::TooLarge(i128::from(most) + 1)));
    }
}
