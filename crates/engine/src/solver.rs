//! Step M5 of docs/method.md: one product's optimum, by closed form, by HiGHS, or by both.

use std::fmt;
use std::str::FromStr;

use reorient_core::ProductCode;
use reorient_model::{
    CertifiedAllocation, ExactAmount, Fill, LinearProgram, Market, Optimum, Program, Role, TieBreak, check_vertex, closed_form,
    declare, declare_into, snap, verify,
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
    Unsolved(&'static str),
}

/// One program and how it is to be answered.
#[derive(Clone, Copy)]
pub(crate) struct Task<'a> {
    pub(crate) product: ProductCode,
    pub(crate) market: &'a Market<'a>,
    pub(crate) program: &'a Program,
    pub(crate) tie_break: &'a TieBreak,
    /// A point to certify in place of the declared one, in shares of `T`.
    pub(crate) point: Option<&'a [f64]>,
}

/// Solves, declares the point and certifies it.
///
/// HiGHS's vertex is published only where the scenario asks for it. Otherwise its multiplier proves the totals of all blocks,
/// the declared point of these totals is verified in integers, and the vertex itself is checked in doubles.
///
/// `memory` is used for the point of the closed form.
pub(crate) fn answer(
    task: Task<'_>,
    choice: SolverChoice,
    cross_check: bool,
    memory: &mut Vec<ExactAmount>,
) -> Result<Answer, EngineError> {
    let by_formula = choice != SolverChoice::Highs;
    let wants_vertex = task.tie_break.fill == Fill::Vertex && task.point.is_none();
    let from_formula = if by_formula || cross_check { Some(formula_answer(task, std::mem::take(memory))?) } else { None };
    let from_highs = if !by_formula || cross_check || wants_vertex { Some(highs_answer(task)?) } else { None };
    match (from_formula, from_highs) {
        (Some(formula), Some(highs)) => {
            compare(task.product, &formula, &highs)?;
            Ok(if wants_vertex { highs } else { formula })
        }
        (Some(answer), None) | (None, Some(answer)) => Ok(answer),
        (None, None) => Ok(Answer::Unsolved("no solver was asked")),
    }
}

fn formula_answer(task: Task<'_>, mut flows: Vec<ExactAmount>) -> Result<Answer, EngineError> {
    let optimum = closed_form(task.program).map_err(|source| EngineError::Floors { product: task.product, source })?;
    declare_into(task.program, task.market, &optimum, task.tie_break, &mut flows);
    if let Some(point) = task.point {
        // A vertex is all the solver's; other rules of the alternatives leave the risk origins to theirs.
        let is_taken = |at: usize| task.tie_break.fill == Fill::Vertex || task.program.role(at) == Role::Alternative;
        let stored = snap(task.program, &optimum, point).into_iter().enumerate();
        stored.filter(|(at, _)| is_taken(*at)).for_each(|(at, flow)| flows[at] = flow);
    }
    certify(task, optimum, flows)
}

#[allow(clippy::cast_precision_loss)] // A dual in doubles is matched to the nearest weight.
fn highs_answer(task: Task<'_>) -> Result<Answer, EngineError> {
    let Task { product, program, .. } = task;
    let (vertex, multiplier) = match solve(&LinearProgram::new(program)) {
        SolveOutcome::Optimal { flows, multiplier } => (flows, multiplier),
        // With a column of unmet imports every program of a policy has an allocation.
        SolveOutcome::Infeasible => return Ok(Answer::Unsolved("infeasible")),
        SolveOutcome::Undecided(name) => return Ok(Answer::Unsolved(name)),
    };
    // A basic dual is the weight of the basic flow, or of the unmet imports, up to rounding.
    let distance = |weight: &i64| (*weight as f64 - multiplier * program.weight_scale as f64).abs();
    let unmet = (program.unmet() > 0).then(|| program.unmet_cost());
    let weights = program.cost.iter().copied().chain(unmet);
    let nearest = weights.min_by(|left, right| distance(left).total_cmp(&distance(right)));
    let Some(optimum) = Optimum::from_multiplier(program, nearest.unwrap_or(0)) else {
        return Ok(Answer::Unsolved("a multiplier that proves no optimum"));
    };
    let flows = match task.tie_break.fill {
        Fill::Vertex => snap(program, &optimum, &vertex),
        _ => declare(program, task.market, &optimum, task.tie_break),
    };
    let answer = certify(task, optimum, flows)?;
    if let Answer::Certified(_, allocation) = &answer {
        check_vertex(program, &vertex, allocation.certificate())
            .map_err(|source| EngineError::NotCertified { product, source })?;
    }
    Ok(answer)
}

fn certify(task: Task<'_>, optimum: Optimum, flows: Vec<ExactAmount>) -> Result<Answer, EngineError> {
    let allocation = verify(task.program, flows, optimum.unmet, optimum.multiplier())
        .map_err(|source| EngineError::NotCertified { product: task.product, source })?;
    Ok(Answer::Certified(optimum, allocation))
}

/// Value and unmet imports of both ways must be the same, to the last unit.
fn compare(product: ProductCode, formula: &Answer, highs: &Answer) -> Result<(), EngineError> {
    let reason = match (formula, highs) {
        (Answer::Certified(left, _), Answer::Certified(right, _)) if left == right => return Ok(()),
        (Answer::Certified(left, _), Answer::Certified(right, _)) => format!(
            "risk imports {} against {}, unmet imports {} against {} (units of the program)",
            left.risk_total, right.risk_total, left.unmet, right.unmet
        ),
        (left, right) => format!("{} against {}", name(left), name(right)),
    };
    Err(EngineError::Disagreement { product, reason })
}

const fn name(answer: &Answer) -> &'static str {
    match answer {
        Answer::Certified(..) => "solved",
        Answer::Unsolved(name) => name,
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn disagreement_fails_loudly() {
        let certified = |capacity: i64| {
            let program = Program {
                scale: 1,
                weight_scale: 1,
                total: 3,
                cost: vec![1, 0],
                baseline: vec![2, 1],
                lower: vec![0, 1],
                upper: vec![2, 1 + capacity],
            };
            let flows = vec![ExactAmount::whole(2 - capacity), ExactAmount::whole(1 + capacity)];
            Answer::Certified(closed_form(&program).unwrap(), verify(&program, flows, 0, 1).unwrap())
        };
        let product = ProductCode::from_number(10_121).unwrap();
        assert!(compare(product, &certified(1), &certified(1)).is_ok());
        for other in [certified(0), Answer::Unsolved("x")] {
            assert!(matches!(compare(product, &certified(1), &other), Err(EngineError::Disagreement { .. })));
        }
    }
}
