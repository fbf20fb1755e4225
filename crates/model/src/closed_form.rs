//! Step M5 of docs/method.md: the optimum of one equality over boxes, by two sums.

use crate::program::{Program, Role};

/// No allocation meets the bounds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Infeasible {
    /// The lower bounds alone exceed imports.
    #[error("the least that alternatives must supply exceeds the bloc's imports")]
    FloorsExceedImports,
    /// All upper bounds together fall short of imports.
    #[error("all origins together cannot supply the bloc's imports")]
    CannotSupply,
}

/// What every optimal allocation shares, in units of the program.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Optimum {
    /// Imports left with the risk origins: the optimal value.
    pub risk_total: i128,
    /// Imports from all alternatives.
    pub alternative_total: i128,
    /// Dual of the equality: 1 in a shortage, otherwise 0 (the right derivative at equality).
    pub shadow_price: i128,
}

impl Optimum {
    /// The optimum with this value; the shadow price is the right derivative, so that it does not depend on a solver's
    /// choice where capacity equals the need.
    pub fn with_value(program: &Program, risk_total: i128) -> Self {
        let shadow_price = i128::from(risk_total > program.block_sum(Role::Risk, &program.lower));
        Self { risk_total, alternative_total: program.total - risk_total, shadow_price }
    }
}

/// The optimum: alternatives carry all they can, the rest stays with the risk origins.
///
/// # Errors
/// [`Infeasible`] with the reason.
pub fn closed_form(program: &Program) -> Result<Optimum, Infeasible> {
    let least = program.block_sum(Role::Alternative, &program.lower);
    let most = program.block_sum(Role::Alternative, &program.upper);
    let risk_least = program.block_sum(Role::Risk, &program.lower);
    let risk_most = program.block_sum(Role::Risk, &program.upper);
    if least + risk_least > program.total {
        return Err(Infeasible::FloorsExceedImports);
    }
    let risk_total = (program.total - most).max(risk_least);
    if risk_total > risk_most {
        return Err(Infeasible::CannotSupply);
    }
    Ok(Optimum::with_value(program, risk_total))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn program(risk: &[i128], alternatives: &[(i128, i128)], total: i128) -> Program {
        let n_risk = risk.len();
        let mut role = vec![Role::Risk; n_risk];
        role.extend(vec![Role::Alternative; alternatives.len()]);
        let mut lower = vec![0; n_risk];
        lower.extend(alternatives.iter().map(|bounds| bounds.0));
        let mut upper = risk.to_vec();
        upper.extend(alternatives.iter().map(|bounds| bounds.1));
        Program { scale: 1, total, role, baseline: upper.clone(), lower, upper }
    }

    #[test]
    fn known_optima() {
        let optimum = |program: Program| closed_form(&program).map(|optimum| (optimum.risk_total, optimum.shadow_price));
        assert_eq!(optimum(program(&[10, 20], &[(5, 15)], 35)), Ok((20, 1)), "shortage");
        assert_eq!(optimum(program(&[10, 20], &[(5, 35)], 35)), Ok((0, 0)), "tight");
        assert_eq!(optimum(program(&[10, 20], &[(5, 99)], 35)), Ok((0, 0)), "slack");
        assert_eq!(optimum(program(&[], &[], 0)), Ok((0, 0)), "nothing");
        assert_eq!(optimum(program(&[10], &[], 10)), Ok((10, 1)), "no alternative");
        assert_eq!(optimum(program(&[10], &[(40, 50)], 35)), Err(Infeasible::FloorsExceedImports));
        assert_eq!(optimum(program(&[10], &[(0, 5)], 35)), Err(Infeasible::CannotSupply));
    }
}
