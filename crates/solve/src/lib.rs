//! The only crate that sees HiGHS: a [`LinearProgram`] in, a [`SolveOutcome`] by name out (step M5 of docs/method.md).
//!
//! One solver object per thread, cold start for every program, no presolve: the same bits on any thread of any pool.

#[cfg(feature = "highs")]
mod highs;

use reorient_model::LinearProgram;

/// Version of the solver that this version of the program is built with, where it is; a test holds it against Cargo.lock.
pub const HIGHS_IN_SOURCE: &str = "1.16.0";

/// Version of the solver that is linked in, if any.
pub const HIGHS_VERSION: Option<&str> = if cfg!(feature = "highs") { Some(HIGHS_IN_SOURCE) } else { None };

/// What the solver said.
#[derive(Debug, Clone, PartialEq)]
pub enum SolveOutcome {
    /// A proven optimum in doubles, still to be checked.
    Optimal {
        /// One value per column, in shares of `T`.
        flows: Vec<f64>,
        /// Dual of the first equality: change of the value per unit of right-hand side.
        multiplier: f64,
    },
    /// No point meets the bounds.
    Infeasible,
    /// Anything else, by the solver's own name for it; never taken for an answer.
    Undecided(&'static str),
}

/// Solves one program.
#[cfg(feature = "highs")]
pub fn solve(program: &LinearProgram) -> SolveOutcome {
    highs::solve(program)
}

/// Built without a solver: nothing is decided.
#[cfg(not(feature = "highs"))]
pub fn solve(_program: &LinearProgram) -> SolveOutcome {
    SolveOutcome::Undecided("built without HiGHS")
}

#[cfg(all(test, feature = "highs"))]
mod tests {
    use super::*;

    fn program(cost: &[f64], lower: &[f64], upper: &[f64]) -> LinearProgram {
        LinearProgram {
            cost: cost.to_vec(),
            lower: lower.to_vec(),
            upper: upper.to_vec(),
            right_hand_side: vec![1.0],
            column_start: (0..=cost.len()).collect(),
            row_index: vec![0; cost.len()],
            value: vec![1.0; cost.len()],
        }
    }

    #[test]
    fn shortage_slack_and_infeasible_are_told_apart() {
        let shortage = solve(&program(&[1.0, 0.0], &[0.0, 0.25], &[0.75, 0.5]));
        assert_eq!(shortage, SolveOutcome::Optimal { flows: vec![0.5, 0.5], multiplier: 1.0 });
        let SolveOutcome::Optimal { flows, multiplier } = solve(&program(&[1.0, 0.0], &[0.0, 0.25], &[0.75, 2.0])) else {
            unreachable!("feasible and bounded")
        };
        assert!(flows[0].abs() < 1e-12 && multiplier.abs() < 1e-12);
        assert_eq!(solve(&program(&[1.0, 0.0], &[0.0, 0.25], &[0.25, 0.5])), SolveOutcome::Infeasible);
        assert_eq!(solve(&program(&[1.0, 0.0], &[0.0, 1.25], &[0.25, 1.5])), SolveOutcome::Infeasible);
    }

    #[test]
    fn no_columns_are_an_answer_only_without_demand() {
        let mut empty = program(&[], &[], &[]);
        assert_eq!(solve(&empty), SolveOutcome::Infeasible);
        empty.right_hand_side = vec![0.0];
        assert_eq!(solve(&empty), SolveOutcome::Optimal { flows: Vec::new(), multiplier: 0.0 });
    }

    #[test]
    fn an_unbounded_program_is_never_an_answer() {
        let outcome = solve(&program(&[-1.0, 0.0], &[0.0, f64::NEG_INFINITY], &[f64::INFINITY, f64::INFINITY]));
        assert!(matches!(outcome, SolveOutcome::Undecided(_)), "{outcome:?}");
    }
}
