//! The calls into HiGHS.
//!
//! Making an object and setting its options costs several times what a program of one row does, so each thread keeps one
//! object and hands it one program after the other. Every program starts cold: a new model clears basis and solution, so the
//! answer does not depend on what was solved before. The safe crate cannot give a new model to an object; this module has
//! the one call that can, and the only `unsafe` of the workspace. `benches/year.rs` measures what it earns, and the tests
//! compare reused with fresh objects bit by bit.

use std::cell::RefCell;
use std::os::raw::c_int;

use highs::{HighsModelStatus, HighsStatus, Model, RowProblem, SolvedModel};
use highs_sys::{Highs_passLp, MATRIX_FORMAT_COLUMN_WISE, OBJECTIVE_SENSE_MINIMIZE, STATUS_OK};
use reorient_model::LinearProgram;

use crate::SolveOutcome;

thread_local! {
    /// The object of this thread, once it has solved.
    static SOLVER: RefCell<Option<Solver>> = const { RefCell::new(None) };
}

/// One thread, one object, one answer after the other.
pub(crate) fn solve(program: &LinearProgram) -> SolveOutcome {
    if program.cost.is_empty() {
        // HiGHS calls a model without columns empty whatever its rows demand.
        let demand_is_met = program.right_hand_side.iter().all(|demand| *demand == 0.0);
        let nothing = SolveOutcome::Optimal { flows: Vec::new(), multiplier: 0.0 };
        return if demand_is_met { nothing } else { SolveOutcome::Infeasible };
    }
    SOLVER.with_borrow_mut(|kept| {
        // An object that failed is not used again: only a success puts it back.
        let solver = match kept.take() {
            Some(solver) => Ok(solver),
            None => Solver::new(),
        };
        let Ok(mut solver) = solver else { return SolveOutcome::Undecided("no solver object") };
        if solver.pass(program).is_err() {
            return SolveOutcome::Undecided("model refused");
        }
        let Solver { model, starts, indices } = solver;
        let Ok(solved) = model.try_solve() else { return SolveOutcome::Undecided("run failed") };
        let outcome = outcome(&solved);
        *kept = Some(Solver { model: Model::from(solved), starts, indices });
        outcome
    })
}

/// A solver object with the options of all programs, and memory for their arrays.
struct Solver {
    model: Model,
    starts: Vec<c_int>,
    indices: Vec<c_int>,
}

impl Solver {
    /// The one place where a solver object is made.
    fn new() -> Result<Self, HighsStatus> {
        let mut model = Model::try_new(RowProblem::new())?;
        model.make_quiet();
        for (option, value) in [("presolve", "off"), ("solver", "simplex"), ("parallel", "off")] {
            model.try_set_option(option, value).map_err(|_| HighsStatus::Error)?;
        }
        model.try_set_option("threads", 1).map_err(|_| HighsStatus::Error)?;
        for option in ["primal_feasibility_tolerance", "dual_feasibility_tolerance"] {
            // The tightest that HiGHS takes.
            model.try_set_option(option, 1e-10).map_err(|_| HighsStatus::Error)?;
        }
        Ok(Self { model, starts: Vec::new(), indices: Vec::new() })
    }

    /// Puts a program in the place of the last one.
    fn pass(&mut self, program: &LinearProgram) -> Result<(), HighsStatus> {
        let (n_columns, n_rows) = (program.cost.len(), program.right_hand_side.len());
        let n_entries = program.value.len();
        let fits = program.lower.len() == n_columns
            && program.upper.len() == n_columns
            && program.column_start.len() == n_columns + 1
            && program.column_start.is_sorted()
            && program.column_start.first() == Some(&0)
            && program.column_start.last() == Some(&n_entries)
            && program.row_index.len() == n_entries
            && program.row_index.iter().all(|row| *row < n_rows);
        let integer = |number: usize| c_int::try_from(number).map_err(|_| HighsStatus::Error);
        if !fits {
            return Err(HighsStatus::Error);
        }
        for (target, source) in [(&mut self.starts, &program.column_start), (&mut self.indices, &program.row_index)] {
            target.clear();
            for number in source {
                target.push(integer(*number)?);
            }
        }
        let (columns, rows, entries) = (integer(n_columns)?, integer(n_rows)?, integer(n_entries)?);
        // SAFETY: the pointer is that of a live object which this thread alone uses, and HiGHS copies the arrays before it
        // returns. It reads `columns` costs and bounds, `rows` right-hand sides, `columns + 1` starts and `entries` indices and
        // values; `fits` holds each array to that length, the starts to ascending order up to `entries`, and every index to
        // an existing row. HiGHS answers other faults of the numbers, such as bounds that are no numbers, with a status.
        #[allow(unsafe_code)]
        let status = unsafe {
            Highs_passLp(
                self.model.as_mut_ptr(),
                columns,
                rows,
                entries,
                MATRIX_FORMAT_COLUMN_WISE,
                OBJECTIVE_SENSE_MINIMIZE,
                0.0,
                program.cost.as_ptr(),
                program.lower.as_ptr(),
                program.upper.as_ptr(),
                program.right_hand_side.as_ptr(),
                program.right_hand_side.as_ptr(),
                self.starts.as_ptr(),
                self.indices.as_ptr(),
                program.value.as_ptr(),
            )
        };
        if status == STATUS_OK { Ok(()) } else { Err(HighsStatus::Error) }
    }
}

fn outcome(solved: &SolvedModel) -> SolveOutcome {
    match solved.status() {
        HighsModelStatus::Optimal => {
            let solution = solved.get_solution();
            let multiplier = solution.dual_rows().first().copied().unwrap_or(f64::NAN);
            SolveOutcome::Optimal { flows: solution.columns().to_vec(), multiplier }
        }
        HighsModelStatus::Infeasible => SolveOutcome::Infeasible,
        HighsModelStatus::NotSet => SolveOutcome::Undecided("not set"),
        HighsModelStatus::LoadError => SolveOutcome::Undecided("load error"),
        HighsModelStatus::ModelError => SolveOutcome::Undecided("model error"),
        HighsModelStatus::PresolveError => SolveOutcome::Undecided("presolve error"),
        HighsModelStatus::SolveError => SolveOutcome::Undecided("solve error"),
        HighsModelStatus::PostsolveError => SolveOutcome::Undecided("postsolve error"),
        HighsModelStatus::ModelEmpty => SolveOutcome::Undecided("model empty"),
        HighsModelStatus::UnboundedOrInfeasible => SolveOutcome::Undecided("unbounded or infeasible"),
        HighsModelStatus::Unbounded => SolveOutcome::Undecided("unbounded"),
        HighsModelStatus::ObjectiveBound => SolveOutcome::Undecided("objective bound"),
        HighsModelStatus::ObjectiveTarget => SolveOutcome::Undecided("objective target"),
        HighsModelStatus::ReachedTimeLimit => SolveOutcome::Undecided("time limit"),
        HighsModelStatus::ReachedIterationLimit => SolveOutcome::Undecided("iteration limit"),
        HighsModelStatus::ReachedSolutionLimit => SolveOutcome::Undecided("solution limit"),
        HighsModelStatus::ReachedInterrupt => SolveOutcome::Undecided("interrupted"),
        HighsModelStatus::ReachedMemoryLimit => SolveOutcome::Undecided("memory limit"),
        HighsModelStatus::Unknown => SolveOutcome::Undecided("unknown"),
        // The enum may grow; a status that we have no name for is no answer.
        _ => SolveOutcome::Undecided("a status new to this version"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Programs of different sizes, shortage and slack in turns, some infeasible.
    fn programs() -> Vec<LinearProgram> {
        let mut state = 11_u64;
        let mut next = || {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            f64::from(u32::try_from(state >> 40).unwrap_or(0)) / f64::from(1 << 24)
        };
        let mut programs = Vec::new();
        for number in 0..300 {
            let n_columns = 1 + number % 170;
            let mut program = LinearProgram {
                cost: (0..n_columns).map(|column| if column % 7 == 0 { 1.0 } else { 0.0 }).collect(),
                lower: (0..n_columns).map(|_| 0.4 * next() / 170.0).collect(),
                upper: Vec::new(),
                right_hand_side: vec![1.0],
                column_start: (0..=n_columns).collect(),
                row_index: vec![0; n_columns],
                value: vec![1.0; n_columns],
            };
            program.upper = program
                .lower
                .iter()
                .map(|lower| lower + next() * 2.2 / f64::from(u32::try_from(n_columns).unwrap_or(1)))
                .collect();
            programs.push(program);
        }
        programs
    }

    fn fresh(program: &LinearProgram) -> SolveOutcome {
        SOLVER.set(None);
        solve(program)
    }

    #[test]
    fn a_reused_object_gives_the_bits_of_a_fresh_one_in_any_order() {
        let programs = programs();
        let alone: Vec<SolveOutcome> = programs.iter().map(fresh).collect();
        assert!(alone.iter().any(|outcome| matches!(outcome, SolveOutcome::Infeasible)));
        assert!(alone.iter().filter(|outcome| matches!(outcome, SolveOutcome::Optimal { .. })).count() > 100);
        let one_after_the_other: Vec<SolveOutcome> = programs.iter().map(solve).collect();
        assert!(alone == one_after_the_other);
        let mut backwards: Vec<SolveOutcome> = programs.iter().rev().map(solve).collect();
        backwards.reverse();
        assert!(alone == backwards);
        let on_a_thread = std::thread::spawn(move || programs.iter().map(solve).collect::<Vec<_>>());
        assert!(on_a_thread.join().is_ok_and(|outcomes| outcomes == alone));
    }

    #[test]
    fn arrays_that_do_not_fit_are_refused_before_the_call() {
        let whole = programs().swap_remove(9);
        let broken = |change: fn(&mut LinearProgram)| {
            let mut program = whole.clone();
            change(&mut program);
            solve(&program)
        };
        let refused = SolveOutcome::Undecided("model refused");
        assert_eq!(broken(|program| program.lower.truncate(1)), refused);
        assert_eq!(broken(|program| program.upper.truncate(1)), refused);
        assert_eq!(broken(|program| program.value.truncate(1)), refused);
        assert_eq!(broken(|program| program.row_index[3] = 1), refused);
        assert_eq!(broken(|program| program.column_start[3] = 7), refused);
        assert_eq!(broken(|program| program.column_start[0] = 1), refused);
        assert_eq!(broken(|program| program.lower[2] = f64::NAN), refused);
        assert!(matches!(solve(&whole), SolveOutcome::Optimal { .. } | SolveOutcome::Infeasible), "a new object serves again");
    }
}
