//! Risk imports as a function of the cap, exactly and without a solver: the frontier (step M8 of docs/method.md).
//!
//! A product's alternatives reach `base + sum min(beta B, room)`, which is concave and piecewise linear in the cap, so what they
//! leave is `max(0, T - base - sum min(beta B, room))`. The risk origins supply it up to their bounds, and the rest is unmet. Between
//! two breakpoints each sum over products is `A - beta S` with whole `A` and `S`: one sweep over the sorted breakpoints gives every
//! point as an exact fraction.

use std::cmp::Ordering;

use reorient_core::{Fraction, ProductCode};

use crate::amount::{nearest_double, product};
use crate::program::{Extra, Formulation, formulate_into};
use crate::{ExactAmount, Market, Policy, Program, ProgramError};

/// A non-negative fraction without a bound on its denominator, which is positive.
#[derive(Debug, Clone, Copy)]
pub struct Ratio {
    /// Above the bar.
    pub numerator: i128,
    /// Below the bar.
    pub denominator: i128,
}

impl Ratio {
    const ZERO: Self = Self { numerator: 0, denominator: 1 };
    const ONE: Self = Self { numerator: 1, denominator: 1 };

    /// The nearest double, up to the rounding of its two parts.
    pub fn to_f64(self) -> f64 {
        nearest_double(self.numerator) / nearest_double(self.denominator)
    }
}

impl From<Fraction> for Ratio {
    fn from(fraction: Fraction) -> Self {
        Self { numerator: fraction.numerator().into(), denominator: fraction.denominator().into() }
    }
}

impl Ord for Ratio {
    fn cmp(&self, other: &Self) -> Ordering {
        match (product(self.numerator, other.denominator), product(other.numerator, self.denominator)) {
            (Some(left), Some(right)) => left.cmp(&right),
            // Beyond an i128: whole parts first, then the rests upside down, as in a continued fraction.
            _ => {
                let whole = |ratio: &Self| ratio.numerator.div_euclid(ratio.denominator);
                let rest = |ratio: &Self| ratio.numerator.rem_euclid(ratio.denominator);
                whole(self).cmp(&whole(other)).then_with(|| match (rest(self), rest(other)) {
                    (left, 0) => left.cmp(&0),
                    (0, _) => Ordering::Less,
                    (left, right) => Self { numerator: other.denominator, denominator: right }
                        .cmp(&Self { numerator: self.denominator, denominator: left }),
                })
            }
        }
    }
}

impl PartialOrd for Ratio {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Ratio {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl Eq for Ratio {}

/// An alternative that the cap moves: it gains `beta share` up to `room`.
#[derive(Debug, Clone, Copy)]
struct Term {
    share: i64,
    room: i64,
}

impl Term {
    /// Where the cap stops to matter.
    fn saturation(self) -> Ratio {
        Ratio { numerator: self.room.into(), denominator: self.share.into() }
    }
}

/// What the alternatives leave to risk origins and unmet in one product, as a function of the cap; amounts in units of `1 / scale`
/// dollars.
#[derive(Debug, Clone, Default)]
pub struct CapCurve {
    /// Units in a dollar; the same for all curves of a policy.
    pub scale: i64,
    /// `T`.
    pub imports: i64,
    /// `T` less what the alternatives reach at a cap of zero.
    need: i64,
    /// The most that risk origins may carry.
    bearable: i64,
    /// In the order of the exporters.
    terms: Vec<Term>,
    /// At the cap of the scenario: what all terms gain, and the shares of those that are not used up.
    gained: i64,
    slope: i128,
}

/// A curve around the cap of a scenario.
#[derive(Debug, Clone, Copy)]
pub struct AtCap {
    /// Risk and unmet imports that one more unit of the cap would take off, in units of the program: the right derivative's size.
    pub slope: i128,
    /// Risk and unmet imports that one more percentage point takes off, or what is left to 1 of it.
    pub next_point: ExactAmount,
}

impl CapCurve {
    /// The curve of a product. Exporters with a cap of their own do not move.
    ///
    /// # Errors
    /// As [`formulate`](crate::formulate).
    pub fn new(product: ProductCode, market: &Market<'_>, policy: &Policy) -> Result<Self, ProgramError> {
        let (mut program, mut curve) = (Program::default(), Self::default());
        formulate_into(product, market, policy, &mut program, &mut curve)?;
        Ok(curve)
    }

    /// Begins the curve of another product.
    pub(crate) fn start(&mut self, parts: &Formulation<'_>) {
        (self.scale, self.imports, self.need, self.bearable) = (parts.scale, parts.total, parts.total, 0);
        (self.gained, self.slope) = (0, 0);
        self.terms.clear();
        self.terms.reserve(parts.n_exporters());
    }

    /// Takes an exporter in; risk origins have no extra.
    #[inline]
    pub(crate) fn add(&mut self, parts: &Formulation<'_>, position: usize, extra: Option<Extra>) {
        let Some(Extra { reach, gain, is_override }) = extra else {
            self.bearable += parts.risk_upper(position);
            return;
        };
        self.need -= reach.base;
        if is_override {
            self.need -= gain;
        } else if reach.basis > 0 && reach.room > 0 {
            // A basis is no more than the world's trade.
            let share = reach.basis * parts.scale;
            self.gained += gain;
            self.slope += if gain < reach.room { i128::from(share) } else { 0 };
            self.terms.push(Term { share, room: reach.room });
        }
    }

    /// The smallest cap at which the gains of all alternatives together reach `target`.
    ///
    /// Gains are concave in the cap, so the root of a tangent is never beyond the target's cap: from zero, each step takes in
    /// the terms that are saturated by then, until there is none more.
    fn cap_that_gains(&self, target: i64) -> Option<Ratio> {
        if target <= 0 {
            return Some(Ratio::ZERO);
        }
        if self.terms.iter().map(|term| term.room).sum::<i64>() < target {
            return None;
        }
        let shares = self.terms.iter().map(|term| i128::from(term.share)).sum();
        let mut cap = Ratio { numerator: target.into(), denominator: shares };
        let mut n_saturated = 0;
        loop {
            let (mut n, mut rest, mut share) = (0, i128::from(target), 0);
            for term in &self.terms {
                if term.saturation() < cap {
                    n += 1;
                    rest -= i128::from(term.room);
                } else {
                    share += i128::from(term.share);
                }
            }
            if n == n_saturated {
                return Some(cap);
            }
            n_saturated = n;
            cap = Ratio { numerator: rest, denominator: share };
        }
    }

    /// The smallest cap that clears the product of risk imports and of unmet ones; none when no cap does. It may be above 1 where the cap is not a
    /// share of the exporter's own exports.
    pub fn critical_cap(&self) -> Option<Ratio> {
        self.cap_that_gains(self.need)
    }

    /// What the cap of the scenario is worth, which is `cap`.
    pub fn at_own(&self, cap: Fraction) -> AtCap {
        let left = self.need - self.gained;
        if left <= 0 {
            return AtCap { slope: 0, next_point: ExactAmount::whole(0) };
        }
        AtCap { slope: self.slope, next_point: self.next_point(cap, left) }
    }

    /// What one more percentage point takes off the risk and unmet imports that are left at `cap`, in units of the program.
    fn next_point(&self, cap: Fraction, left: i64) -> ExactAmount {
        // The next cap is `percent / whole`. Amounts are below 2^62 and parts of a fraction below 2^40 times 100.
        let whole = i128::from(cap.denominator()) * 100;
        let percent = (i128::from(cap.numerator()) * 100 + i128::from(cap.denominator())).min(whole);
        let gain = |term: &Term| (i128::from(term.share) * percent).min(i128::from(term.room) * whole);
        let after = i128::from(self.need) * whole - self.terms.iter().map(gain).sum::<i128>();
        ExactAmount { numerator: i128::from(left) * whole - after.max(0), denominator: whole }
    }
}

/// One point of the frontier.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FrontierPoint {
    /// The cap.
    pub cap: Ratio,
    /// Imports left with the risk origins, in units of `1 / scale` dollars.
    pub risk: ExactAmount,
    /// Imports that nobody can supply, in the same units.
    pub unmet: ExactAmount,
    /// Products in which imports are unmet.
    pub infeasible: usize,
}

/// Risk and unmet imports of all products against the cap, from 0 to 1: every breakpoint, ascending; linear in between.
///
/// Their sum never rises and is convex. Risk imports never rise either, but are not convex by themselves: as long as something is
/// unmet in a product, more capacity supplies what is missing first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Frontier {
    /// Units in a dollar.
    pub scale: i64,
    /// Imports of all products, in units of `1 / scale` dollars.
    pub imports: i128,
    /// The breakpoints, and the caps that were asked for.
    pub points: Vec<FrontierPoint>,
}

/// `constant - cap slope`.
#[derive(Debug, Clone, Copy, Default)]
struct Line {
    constant: i128,
    slope: i128,
}

impl Line {
    fn add(&mut self, other: Self) {
        self.constant += other.constant;
        self.slope += other.slope;
    }

    fn at(self, cap: Ratio) -> Result<ExactAmount, ProgramError> {
        let times = |amount: i128, factor: i128| amount.checked_mul(factor).ok_or(ProgramError::Overflow);
        let numerator = times(self.constant, cap.denominator)?.checked_sub(times(self.slope, cap.numerator)?);
        Ok(ExactAmount { numerator: numerator.ok_or(ProgramError::Overflow)?, denominator: cap.denominator })
    }
}

/// What changes at a breakpoint.
#[derive(Debug, Clone, Copy, Default)]
struct Change {
    /// Of what alternatives leave.
    left: Line,
    /// Of the part of it that is unmet.
    unmet: Line,
    /// Products that are supplied in full from here on.
    supplied: usize,
}

impl Frontier {
    /// Adds up the curves of one policy; `caps` are given points of their own.
    ///
    /// # Errors
    /// [`ProgramError::Overflow`] when sums over all products leave exact arithmetic.
    pub fn new(curves: &[CapCurve], caps: &[Fraction]) -> Result<Self, ProgramError> {
        let asked = caps.iter().map(|cap| Ratio::from(*cap)).chain([Ratio::ZERO, Ratio::ONE]);
        let mut changes: Vec<(Ratio, Change)> = asked.map(|cap| (cap, Change::default())).collect();
        for curve in curves {
            curve.left_above(0, |cap, left| changes.push((cap, Change { left, ..Change::default() })));
            let supplied = curve.left_above(curve.bearable, |cap, unmet| {
                changes.push((cap, Change { unmet, ..Change::default() }));
            });
            changes.extend(supplied.map(|cap| (cap, Change { supplied: 1, ..Change::default() })));
        }
        changes.retain(|(cap, _)| *cap <= Ratio::ONE);
        changes.sort_unstable_by_key(|(cap, _)| *cap);
        let mut points = Vec::new();
        let mut sum = Change::default();
        for same in changes.chunk_by(|left, right| left.0 == right.0) {
            let cap = same[0].0;
            for (_, change) in same {
                sum.left.add(change.left);
                sum.unmet.add(change.unmet);
                sum.supplied += change.supplied;
            }
            let (left, unmet) = (sum.left.at(cap)?, sum.unmet.at(cap)?);
            points.push(FrontierPoint {
                cap,
                risk: ExactAmount { numerator: left.numerator - unmet.numerator, ..left },
                unmet,
                infeasible: curves.len() - sum.supplied,
            });
        }
        let imports = curves.iter().map(|curve| i128::from(curve.imports)).sum();
        Ok(Self { scale: curves.first().map_or(1, |curve| curve.scale), imports, points })
    }

    /// The value at a cap that was asked for, or is a breakpoint.
    pub fn at(&self, cap: Fraction) -> Option<&FrontierPoint> {
        let cap = Ratio::from(cap);
        let after = self.points.partition_point(|point| point.cap <= cap);
        self.points[..after].last().filter(|point| point.cap == cap)
    }
}

impl CapCurve {
    /// Tells `change` what changes in `max(0, need - above - gains)` at its breakpoints: at zero, where an exporter is used up, and
    /// where nothing is left. Returns that last cap; none when something is left at every cap.
    fn left_above(&self, above: i64, mut change: impl FnMut(Ratio, Line)) -> Option<Ratio> {
        let target = self.need - above;
        let end = self.cap_that_gains(target);
        if target <= 0 {
            return end;
        }
        let mut current = Line { constant: target.into(), slope: self.terms.iter().map(|term| i128::from(term.share)).sum() };
        change(Ratio::ZERO, current);
        for term in &self.terms {
            if end.is_some_and(|end| term.saturation() >= end) {
                continue;
            }
            let used_up = Line { constant: -i128::from(term.room), slope: -i128::from(term.share) };
            change(term.saturation(), used_up);
            current.add(used_up);
        }
        if let Some(end) = end {
            change(end, Line { constant: -current.constant, slope: -current.slope });
        }
        end
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::{CapBasis, CountrySet, closed_form, formulate};
    use reorient_core::{CountryIndex, Usd};

    fn product() -> ProductCode {
        ProductCode::from_number(270_900).unwrap()
    }

    /// Risk origin 0; alternatives with different saturations.
    fn curve(imports: &[i64], world: &[i64]) -> (CapCurve, impl Fn(Fraction) -> Option<i64>) {
        let exporters: Vec<CountryIndex> = (0..u16::try_from(imports.len()).unwrap()).map(CountryIndex).collect();
        let usd = |amounts: &[i64]| amounts.iter().copied().map(Usd::new).collect::<Vec<_>>();
        let (imports, world) = (usd(imports), usd(world));
        let policy = |cap| Policy::new(CountrySet::new(imports.len(), [CountryIndex(0)]), cap);
        let market = Market { exporters: &exporters, imports: &imports, world_exports: &world, unit_values: &[] };
        let curve = CapCurve::new(product(), &market, &policy(Fraction::ZERO)).unwrap();
        let (exporters, imports, world) = (exporters.clone(), imports.clone(), world.clone());
        let risk_at = move |cap: Fraction| {
            let market = Market { exporters: &exporters, imports: &imports, world_exports: &world, unit_values: &[] };
            let policy = Policy::new(CountrySet::new(imports.len(), [CountryIndex(0)]), cap);
            let program = formulate(product(), &market, &policy).unwrap();
            closed_form(&program).ok().map(|optimum| optimum.risk_total)
        };
        (curve, risk_at)
    }

    #[test]
    fn the_frontier_is_the_optimum_at_every_cap() {
        let (curve, risk_at) = curve(&[50, 10, 0, 30], &[60, 30, 40, 31]);
        let caps: Vec<Fraction> = (0..=100).map(|cap| Fraction::new(cap, 100).unwrap()).collect();
        let frontier = Frontier::new(std::slice::from_ref(&curve), &caps).unwrap();
        for cap in caps {
            let point = frontier.at(cap).unwrap();
            let scale = i64::try_from(cap.denominator()).unwrap();
            assert_eq!(
                point.risk.numerator * i128::from(scale),
                i128::from(risk_at(cap).unwrap()) * point.risk.denominator,
                "{cap}"
            );
        }
        // Of 20 + 40 + 1 that can be added, 50 is reached where 1 + 20 + 40 beta = 50.
        assert_eq!(curve.critical_cap(), Some(Ratio { numerator: 29, denominator: 40 }));
        let slope = |cap: Fraction| {
            let (exporters, imports, world) =
                ([0, 1, 2, 3].map(CountryIndex), [50, 10, 0, 30].map(Usd::new), [60, 30, 40, 31].map(Usd::new));
            let market = Market { exporters: &exporters, imports: &imports, world_exports: &world, unit_values: &[] };
            let curve = CapCurve::new(product(), &market, &Policy::new(CountrySet::new(4, [CountryIndex(0)]), cap)).unwrap();
            curve.at_own(cap).slope / i128::from(curve.scale)
        };
        assert_eq!(slope(Fraction::ZERO), 101);
        assert_eq!(slope(Fraction::new(1, 31).unwrap()), 70, "the right derivative at a breakpoint");
        assert_eq!(slope(Fraction::new(7, 10).unwrap()), 40);
        assert_eq!(slope(Fraction::new(29, 40).unwrap()), 0, "and where the product is cleared");
    }

    /// Of 50 at risk, 40.4 can be replaced at 0.1 of 40 beside 1 and 20, and at most 61.
    #[test]
    fn the_next_point_takes_off_no_more_than_is_left() {
        let next = |cap: (u64, u64), world: &[i64]| {
            let (exporters, imports) = ([0, 1, 2, 3].map(CountryIndex), [50, 10, 0, 30].map(Usd::new));
            let world: Vec<Usd> = world.iter().copied().map(Usd::new).collect();
            let market = Market { exporters: &exporters, imports: &imports, world_exports: &world, unit_values: &[] };
            let cap = Fraction::new(cap.0, cap.1).unwrap();
            let curve = CapCurve::new(product(), &market, &Policy::new(CountrySet::new(4, [CountryIndex(0)]), cap)).unwrap();
            let AtCap { next_point: ExactAmount { numerator, denominator }, .. } = curve.at_own(cap);
            Ratio { numerator, denominator: denominator * i128::from(curve.scale) }
        };
        let dollars = |above, below| Ratio { numerator: above, denominator: below };
        assert_eq!(next((7, 10), &[60, 30, 40, 31]), dollars(4, 10), "0.01 of 40, of one dollar that is left");
        assert_eq!(next((18, 25), &[60, 30, 40, 31]), dollars(2, 10), "a fifth is left, and the point could take 0.4");
        assert_eq!(next((3, 4), &[60, 30, 40, 31]), dollars(0, 1), "nothing is left");
        assert_eq!(next((399, 400), &[60, 30, 20, 31]), dollars(5, 100), "to a cap of 1, a quarter of a point");
        assert_eq!(next((1, 1), &[60, 30, 20, 31]), dollars(0, 1), "there is no point beyond 1");
    }

    /// Exporter 0 is at risk, and 1 may sell twice what it sells at a cap of 1, which leaves 40 and room in its exports.
    #[test]
    fn there_is_no_point_beyond_a_cap_of_one() {
        let (exporters, imports, world) = ([0, 1].map(CountryIndex), [50, 10].map(Usd::new), [60, 1000].map(Usd::new));
        let market = Market { exporters: &exporters, imports: &imports, world_exports: &world, unit_values: &[] };
        let next = |cap: Fraction| {
            let policy = Policy { basis: CapBasis::BlocFlow, ..Policy::new(CountrySet::new(2, [CountryIndex(0)]), cap) };
            let curve = CapCurve::new(product(), &market, &policy).unwrap();
            let AtCap { next_point: ExactAmount { numerator, denominator }, .. } = curve.at_own(cap);
            Ratio { numerator, denominator: denominator * i128::from(curve.scale) }
        };
        assert_eq!(next(Fraction::new(1, 2).unwrap()), Ratio { numerator: 1, denominator: 10 });
        assert_eq!(next(Fraction::new(199, 200).unwrap()), Ratio { numerator: 1, denominator: 20 });
        assert_eq!(next(Fraction::ONE), Ratio { numerator: 0, denominator: 1 });
    }

    /// Exporter 0 is at risk, 1 barred, 2 may grow: first it supplies what is missing, then it replaces risk.
    #[test]
    fn unmet_imports_are_supplied_before_risk_is_replaced() {
        let (exporters, imports, world) =
            ([0, 1, 2].map(CountryIndex), [10, 30, 60].map(Usd::new), [100, 100, 160].map(Usd::new));
        let market = Market { exporters: &exporters, imports: &imports, world_exports: &world, unit_values: &[] };
        let policy = Policy {
            barred: CountrySet::new(3, [CountryIndex(1)]),
            ..Policy::new(CountrySet::new(3, [CountryIndex(0)]), Fraction::ZERO)
        };
        let curve = CapCurve::new(product(), &market, &policy).unwrap();
        let caps: Vec<Fraction> = [(0, 1), (1, 8), (3, 16), (7, 32), (1, 4), (1, 2)]
            .map(|(above, below)| Fraction::new(above, below).unwrap())
            .to_vec();
        let frontier = Frontier::new(std::slice::from_ref(&curve), &caps).unwrap();
        let at = |cap: &Fraction| {
            let point = frontier.at(*cap).unwrap();
            let whole = |amount: ExactAmount| amount.numerator / amount.denominator;
            (whole(point.risk), whole(point.unmet), point.infeasible)
        };
        // 160 times the cap is what exporter 2 adds.
        let seen: Vec<_> = caps.iter().map(at).collect();
        assert_eq!(seen, [(10, 30, 1), (10, 10, 1), (10, 0, 0), (5, 0, 0), (0, 0, 0), (0, 0, 0)]);
        assert_eq!(curve.critical_cap(), Some(Ratio { numerator: 1, denominator: 4 }), "clears risk and unmet");
        assert_eq!((frontier.imports, curve.at_own(Fraction::ZERO).slope), (100, 160), "imports are those of all goods");
        assert_eq!(curve.at_own(Fraction::ZERO).next_point, ExactAmount { numerator: 160, denominator: 100 });
        let caps: Vec<Ratio> = frontier.points.iter().map(|point| point.cap).collect();
        assert!(caps.windows(2).all(|pair| pair[0] < pair[1]), "no jumps");
    }

    #[test]
    fn a_product_that_no_cap_clears_has_no_critical_cap() {
        let (curve, _) = curve(&[50, 10, 0], &[60, 30, 20]);
        assert_eq!(curve.critical_cap(), None);
        let frontier = Frontier::new(&[curve], &[]).unwrap();
        let last = frontier.points.last().unwrap();
        assert_eq!((last.cap, last.risk.numerator), (Ratio::ONE, 10 * last.risk.denominator));
    }
}
