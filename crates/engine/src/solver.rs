//! Step M5 of docs/method.md: one product's optimum, by closed form, by HiGHS, or by both.

use std::fmt;
use std::str::FromStr;

use reorient_core::ProductCode;
use reorient_model::{
    CertifiedAllocation, Drain, Fill, LinearProgram, Optimum, Program, check_vertex, closed_form, declare, dual_bound, verify,
};
use reorient_solve::{SolveOutcome, solve};

use crate::EngineError;

/// Who finds the optimum.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum SolverChoice {
    /// The closed form where it is exact, HiGHS elsewhere.
    #[default]
    Auto,
    /// The closed form.
    ClosedForm,
    /// HiGHS.
    Highs,
}

impl SolverChoice {
    /// Lower-case name, as in scenarios.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Auto => "auto",
            Self::ClosedForm => "closed-form",
            Self::Highs => "highs",
        }
    }
}

impl fmt::Display for SolverChoice {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.pad(self.name())
    }
}

impl FromStr for SolverChoice {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        [Self::Auto, Self::ClosedForm, Self::Highs].into_iter().find(|choice| choice.name() == text).ok_or(())
    }
}

/// What came of one product.
#[derive(Debug)]
pub(crate) enum Answer {
    Certified(Optimum, CertifiedAllocation),
    Infeasible,
    Unsolved(&'static str),
}

/// Solves, declares the point and certifies it.
///
/// HiGHS's vertex is never published: its multiplier proves a bound in integers, the declared point of that value is
/// verified against it, and the vertex itself is checked in doubles.
pub(crate) fn answer(
    product: ProductCode,
    program: &Program,
    choice: SolverChoice,
    cross_check: bool,
) -> Result<Answer, EngineError> {
    let by_formula = choice != SolverChoice::Highs;
    let from_formula = if by_formula || cross_check { Some(formula_answer(product, program)?) } else { None };
    let from_highs = if !by_formula || cross_check { Some(highs_answer(product, program)?) } else { None };
    match (from_formula, from_highs) {
        (Some(formula), Some(highs)) => {
            compare(product, &formula, &highs)?;
            Ok(formula)
        }
        (Some(answer), None) | (None, Some(answer)) => Ok(answer),
        (None, None) => Ok(Answer::Unsolved("no solver was asked")),
    }
}

fn formula_answer(product: ProductCode, program: &Program) -> Result<Answer, EngineError> {
    match closed_form(program) {
        Ok(optimum) => certify(product, program, optimum),
        Err(_) => Ok(Answer::Infeasible),
    }
}

fn highs_answer(product: ProductCode, program: &Program) -> Result<Answer, EngineError> {
    let (flows, multiplier) = match solve(&LinearProgram::new(program)) {
        SolveOutcome::Optimal { flows, multiplier } => (flows, multiplier),
        SolveOutcome::Infeasible => return Ok(Answer::Infeasible),
        SolveOutcome::Undecided(name) => return Ok(Answer::Unsolved(name)),
    };
    let not_certified = |source| EngineError::NotCertified { product, source };
    // Costs are 0 and 1, so a basic dual is too, up to rounding.
    let whole = i128::from(multiplier > 0.5);
    let value = dual_bound(program, whole).map_err(not_certified)?;
    let answer = certify(product, program, Optimum::with_value(program, value))?;
    if let Answer::Certified(_, allocation) = &answer {
        check_vertex(program, &flows, allocation.certificate()).map_err(not_certified)?;
    }
    Ok(answer)
}

fn certify(product: ProductCode, program: &Program, optimum: Optimum) -> Result<Answer, EngineError> {
    let flows = declare(program, &optimum, Drain::Proportional, Fill::ProportionalCapacity);
    let allocation =
        verify(program, flows, optimum.shadow_price).map_err(|source| EngineError::NotCertified { product, source })?;
    Ok(Answer::Certified(optimum, allocation))
}

/// Value and feasibility of both ways must be the same, to the last unit.
fn compare(product: ProductCode, formula: &Answer, highs: &Answer) -> Result<(), EngineError> {
    let reason = match (formula, highs) {
        (Answer::Certified(left, _), Answer::Certified(right, _)) if left.risk_total == right.risk_total => return Ok(()),
        (Answer::Infeasible, Answer::Infeasible) => return Ok(()),
        (Answer::Certified(left, _), Answer::Certified(right, _)) => {
            format!("risk imports {} against {} (units of the program)", left.risk_total, right.risk_total)
        }
        (left, right) => format!("{} against {}", name(left), name(right)),
    };
    Err(EngineError::Disagreement { product, reason })
}

const fn name(answer: &Answer) -> &'static str {
    match answer {
        Answer::Certified(..) => "solved",
        Answer::Infeasible => "infeasible",
        Answer::Unsolved(name) => name,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use reorient_model::Role;

    #[test]
    fn disagreement_fails_loudly() {
        let program = Program {
            scale: 1,
            total: 3,
            role: vec![Role::Risk, Role::Alternative],
            baseline: vec![2, 1],
            lower: vec![0, 1],
            upper: vec![2, 2],
        };
        let product = ProductCode::from_number(1).unwrap_or_else(|_| unreachable!("in range"));
        let certified = |value| {
            Answer::Certified(
                Optimum::with_value(&program, value),
                verify(
                    &program,
                    declare(&program, &Optimum::with_value(&program, 1), Drain::Proportional, Fill::ProportionalCapacity),
                    1,
                )
                .unwrap_or_else(|_| unreachable!("optimal")),
            )
        };
        assert!(compare(product, &certified(1), &certified(1)).is_ok());
        assert!(matches!(compare(product, &certified(1), &certified(2)), Err(EngineError::Disagreement { .. })));
        assert!(matches!(compare(product, &certified(1), &Answer::Infeasible), Err(EngineError::Disagreement { .. })));
        assert!(matches!(compare(product, &certified(1), &Answer::Unsolved("x")), Err(EngineError::Disagreement { .. })));
    }
}
