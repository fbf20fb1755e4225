//! The call into HiGHS.

use highs::{ColProblem, HighsModelStatus, HighsStatus, Model, Sense};
use reorient_model::LinearProgram;

use crate::SolveOutcome;

/// One object, one thread, one answer.
pub(crate) fn solve(program: &LinearProgram) -> SolveOutcome {
    if program.cost.is_empty() {
        // HiGHS calls a model without columns empty whatever its rows demand.
        let demand_is_met = program.right_hand_side.iter().all(|demand| *demand == 0.0);
        let nothing = SolveOutcome::Optimal { flows: Vec::new(), multiplier: 0.0 };
        return if demand_is_met { nothing } else { SolveOutcome::Infeasible };
    }
    let Ok(model) = model(program) else { return SolveOutcome::Undecided("model refused") };
    let Ok(solved) = model.try_solve() else { return SolveOutcome::Undecided("run failed") };
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

/// The one place where a solver object is made.
fn model(program: &LinearProgram) -> Result<Model, HighsStatus> {
    let mut problem = ColProblem::new();
    let rows: Vec<_> = program.right_hand_side.iter().map(|demand| problem.add_row(*demand..=*demand)).collect();
    for (column, cost) in program.cost.iter().enumerate() {
        let entries = program.column_start[column]..program.column_start[column + 1];
        let factors: Vec<_> = entries.map(|entry| (rows[program.row_index[entry]], program.value[entry])).collect();
        problem.add_column(*cost, program.lower[column]..=program.upper[column], factors);
    }
    let mut model = problem.try_optimise(Sense::Minimise)?;
    model.make_quiet();
    for (option, value) in [("presolve", "off"), ("solver", "simplex"), ("parallel", "off")] {
        model.try_set_option(option, value).map_err(|_| HighsStatus::Error)?;
    }
    model.try_set_option("threads", 1).map_err(|_| HighsStatus::Error)?;
    for option in ["primal_feasibility_tolerance", "dual_feasibility_tolerance"] {
        // The tightest that HiGHS takes.
        model.try_set_option(option, 1e-10).map_err(|_| HighsStatus::Error)?;
    }
    Ok(model)
}
