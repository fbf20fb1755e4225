//! Changes of the question whose effect on the answer is known.
#![allow(clippy::unwrap_used)]

use proptest::prelude::*;
use reorient_core::{CountryIndex, Fraction, Usd};
use reorient_model::{
    CountrySet, ExactAmount, Fill, Interval, Market, Optimum, Policy, Program, Weights, closed_form, declare, formulate,
    intervals, verify,
};
use reorient_testkit::{OptionProduct, option_product};

struct Answer {
    program: Program,
    optimum: Optimum,
    point: Vec<ExactAmount>,
    intervals: Vec<Interval>,
}

fn answer(case: &OptionProduct, market: &Market<'_>, policy: &Policy) -> Option<Answer> {
    let program = formulate(case.code(), market, policy).unwrap();
    let optimum = closed_form(&program).ok()?;
    let point = declare(&program, market, &optimum, &policy.tie_break);
    verify(&program, point.clone(), optimum.unmet, optimum.multiplier()).unwrap();
    let intervals = intervals(&program, &optimum);
    Some(Answer { program, optimum, point, intervals })
}

fn own(case: &OptionProduct) -> Option<Answer> {
    answer(case, &case.market(), &case.policy)
}

/// `left` times `factor` is `right`.
fn is_times(left: ExactAmount, factor: i128, right: ExactAmount) -> bool {
    left.numerator * factor * right.denominator == right.numerator * left.denominator
}

fn set(n: usize, chosen: impl Fn(usize) -> bool) -> CountrySet {
    CountrySet::new(n, (0..n).filter(|at| chosen(*at)).map(|at| CountryIndex(u16::try_from(at).unwrap())))
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 4000, failure_persistence: None, ..ProptestConfig::default() })]

    /// Twice, four or eight times the trade is as many times the answer, to the last digit.
    #[test]
    fn scaled_trade_scales_the_answer(case in option_product(), power in 1_u32..4) {
        let factor = 1_i64 << power;
        let mut scaled = case.clone();
        for amount in scaled.product.imports.iter_mut().chain(&mut scaled.product.world_exports) {
            *amount = Usd::new(amount.get() * factor);
        }
        let (base, scaled) = (own(&case), own(&scaled));
        prop_assert_eq!(base.is_some(), scaled.is_some());
        if let (Some(base), Some(scaled)) = (base, scaled) {
            prop_assert_eq!(base.optimum.risk_total * factor, scaled.optimum.risk_total);
            prop_assert_eq!(base.optimum.unmet * factor, scaled.optimum.unmet);
            prop_assert_eq!(base.optimum.price(), scaled.optimum.price());
            for (left, right) in base.point.iter().zip(&scaled.point) {
                prop_assert!(is_times(*left, factor.into(), *right));
            }
        }
    }

    /// Exporters in another order of codes: the same answer in that order, for rules that do not ask for codes.
    #[test]
    fn permuted_countries_permute_the_answer(case in option_product(), turn in 1_usize..6) {
        let mut case = case;
        if matches!(case.policy.tie_break.fill, Fill::Order(_) | Fill::MinCost) {
            case.policy.tie_break.fill = Fill::MinHhi;
        }
        case.policy.tie_break.drain = reorient_model::Drain::Proportional;
        let n = case.product.exporters.len();
        // Position `at` of the new order holds what was at `of(at)`.
        let of = |at: usize| (at + turn) % n.max(1);
        let mut other = case.clone();
        let old = &case.policy;
        let index = |at: usize| CountryIndex(u16::try_from(at).unwrap());
        for at in 0..n {
            other.product.imports[at] = case.product.imports[of(at)];
            other.product.world_exports[at] = case.product.world_exports[of(at)];
            other.product.risk[at] = case.product.risk[of(at)];
        }
        other.policy = Policy {
            risk: set(n, |at| old.risk.contains(index(of(at)))),
            no_extra: set(n, |at| old.no_extra.contains(index(of(at)))),
            barred: set(n, |at| old.barred.contains(index(of(at)))),
            fixed: set(n, |at| old.fixed.contains(index(of(at)))),
            weights: Weights {
                scale: old.weights.scale,
                of: (0..n).filter_map(|at| Some((index(at), *old.weights.of.get(&index(of(at)))?))).collect(),
            },
            cap_of_country: (0..n).filter_map(|at| Some((index(at), *old.cap_of_country.get(&index(of(at)))?))).collect(),
            ..old.clone()
        };
        let (base, other) = (own(&case), own(&other));
        prop_assert_eq!(base.is_some(), other.is_some());
        if let (Some(base), Some(other)) = (base, other) {
            prop_assert_eq!(&base.optimum, &other.optimum);
            for at in 0..n {
                prop_assert_eq!(base.intervals[of(at)], other.intervals[at]);
                prop_assert!(is_times(base.point[of(at)], 1, other.point[at]));
            }
        }
    }

    /// Without any extra and without a fall, nothing moves.
    #[test]
    fn a_cap_of_zero_moves_nothing(case in option_product()) {
        let policy = Policy::new(case.policy.risk.clone(), Fraction::ZERO);
        let answer = answer(&case, &case.market(), &policy).unwrap();
        for (at, flow) in answer.point.iter().enumerate() {
            prop_assert!(is_times(*flow, 1, ExactAmount::whole(answer.program.baseline[at])));
        }
    }

    /// An exporter in two halves with the same options: the same value, and the halves get what the whole got.
    #[test]
    fn a_split_exporter_is_the_sum_of_its_parts(case in option_product(), which in 0_usize..6) {
        let n = case.product.exporters.len();
        prop_assume!(n > 0);
        // Caps of single countries and ceilings are per exporter: halves have half of what they allow.
        let mut policy = Policy { cap_of_country: std::collections::BTreeMap::new(), ceiling: None, ..case.policy.clone() };
        policy.basis = match policy.basis {
            reorient_model::CapBasis::BlocMarket | reorient_model::CapBasis::WorldMarket => reorient_model::CapBasis::ExporterWorld,
            basis => basis,
        };
        policy.tie_break = reorient_model::TieBreak::default();
        let which = which % n;
        let even = |amounts: &[Usd]| amounts.iter().map(|amount| Usd::new(amount.get() * 2)).collect::<Vec<_>>();
        let (imports, world) = (even(&case.product.imports), even(&case.product.world_exports));
        let exporters = &case.product.exporters;
        let whole = Market { exporters, imports: &imports, world_exports: &world, unit_values: &[] };
        let base = answer(&case, &whole, &policy);

        let last = CountryIndex(u16::try_from(n).unwrap());
        let halved = |amounts: &[Usd]| {
            let half = Usd::new(amounts[which].get() / 2);
            let mut amounts = amounts.to_vec();
            amounts[which] = half;
            amounts.push(half);
            amounts
        };
        let with_last = |members: &CountrySet| {
            set(n + 1, |at| members.contains(exporters[if at == n { which } else { at }]))
        };
        let (exporters_2, imports_2, world_2) = ([exporters.as_slice(), &[last]].concat(), halved(&imports), halved(&world));
        let parts = Market { exporters: &exporters_2, imports: &imports_2, world_exports: &world_2, unit_values: &[] };
        let mut weights = policy.weights.clone();
        if let Some(weight) = weights.of.get(&exporters[which]).copied() {
            weights.of.insert(last, weight);
        }
        let policy_2 = Policy {
            risk: with_last(&policy.risk),
            no_extra: with_last(&policy.no_extra),
            barred: with_last(&policy.barred),
            fixed: with_last(&policy.fixed),
            weights,
            ..policy.clone()
        };
        let split = answer(&case, &parts, &policy_2);
        prop_assert_eq!(base.is_some(), split.is_some());
        if let (Some(base), Some(split)) = (base, split) {
            prop_assert_eq!(base.optimum.risk_total, split.optimum.risk_total);
            prop_assert_eq!(base.optimum.unmet, split.optimum.unmet);
            for at in 0..n {
                let factor = if at == which { 2 } else { 1 };
                prop_assert!(is_times(split.point[at], factor, base.point[at]), "{:?} {:?}", split.point[at], base.point[at]);
            }
        }
    }
}
