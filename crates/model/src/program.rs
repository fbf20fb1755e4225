//! Step M4 of docs/method.md: capacity and bounds of one product, in exact integers.

use reorient_core::{Fraction, Usd};

use crate::{CountrySet, Market, Status};

/// What a run asks of every product.
#[derive(Debug, Clone)]
pub struct Policy {
    /// `R`: origins whose flow shall shrink.
    pub risk: CountrySet,
    /// Alternatives that may not add anything, such as the only member of a bloc.
    pub no_extra: CountrySet,
    /// `beta`: how much the bloc's share in an exporter's own exports may rise.
    pub cap: Fraction,
}

/// Why a market cannot be put as a program.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ProgramError {
    /// An amount beyond exact arithmetic.
    #[error("amounts of this product are too large for exact arithmetic at this cap; use a cap with fewer decimals")]
    Overflow,
    /// The bloc would import more from a country than it exports.
    #[error("exporter at position {0} sells more to the bloc than to the world: the rows are not world x world")]
    NotWorld(usize),
}

/// Which block of the program an exporter belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// A risk origin: cost 1, flow between 0 and today's.
    Risk,
    /// Everyone else: cost 0, flow between today's and today's plus capacity.
    Alternative,
}

/// Minimise the flow from risk origins; flows sum to `total`; each between `lower` and `upper`.
///
/// Parallel vectors over the exporters of the market, in units of `1 / scale` dollars.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Program {
    /// Units in a dollar: the denominator of the cap.
    pub scale: i128,
    /// `T`: the bloc's imports from all origins.
    pub total: i128,
    /// Block of each exporter.
    pub role: Vec<Role>,
    /// `x0`.
    pub baseline: Vec<i128>,
    /// `L`.
    pub lower: Vec<i128>,
    /// `U`.
    pub upper: Vec<i128>,
}

impl Program {
    /// Number of exporters.
    pub fn len(&self) -> usize {
        self.role.len()
    }

    /// Whether nobody exports the product.
    pub fn is_empty(&self) -> bool {
        self.role.is_empty()
    }

    /// Sum of `amounts` over one block.
    pub fn block_sum(&self, role: Role, amounts: &[i128]) -> i128 {
        self.role.iter().zip(amounts).filter(|(own, _)| **own == role).map(|(_, amount)| amount).sum()
    }

    /// Sum over alternatives of `U - x0`: all extra capacity.
    pub fn capacity(&self) -> i128 {
        self.block_sum(Role::Alternative, &self.upper) - self.block_sum(Role::Alternative, &self.baseline)
    }

    /// Classifies the optimum with risk total `risk_after`.
    pub fn status(&self, risk_after: i128) -> Status {
        let need = self.total - self.block_sum(Role::Alternative, &self.upper);
        match (self.block_sum(Role::Risk, &self.baseline), risk_after, need) {
            (0, ..) => Status::NoRisk,
            (_, 1.., _) => Status::Shortage,
            (_, _, 0) => Status::Tight,
            _ => Status::Slack,
        }
    }
}

/// Puts a market under a policy as a program: `c = min(beta W, W - x0)` for alternatives, none for the rest.
///
/// # Errors
/// [`ProgramError::Overflow`] when exact arithmetic would not hold the amounts, [`ProgramError::NotWorld`] when an
/// exporter's flow to the bloc is larger than its exports.
pub fn formulate(market: &Market<'_>, policy: &Policy) -> Result<Program, ProgramError> {
    let scale = i128::from(policy.cap.denominator());
    let beta = i128::from(policy.cap.numerator());
    let total: i128 = market.imports.iter().map(|amount| i128::from(amount.get())).sum::<i128>() * scale;
    // Declared points multiply two amounts; keep room for that here, once.
    if total.checked_mul(total).and_then(|square| square.checked_mul(4)).is_none() {
        return Err(ProgramError::Overflow);
    }
    let n_exporters = market.exporters.len();
    let mut program = Program {
        scale,
        total,
        role: Vec::with_capacity(n_exporters),
        baseline: Vec::with_capacity(n_exporters),
        lower: Vec::with_capacity(n_exporters),
        upper: Vec::with_capacity(n_exporters),
    };
    for (position, &exporter) in market.exporters.iter().enumerate() {
        let dollars = |amount: Usd| i128::from(amount.get());
        let imports = dollars(market.imports[position]);
        let world = dollars(market.world_exports[position]);
        if imports > world {
            return Err(ProgramError::NotWorld(position));
        }
        let baseline = imports * scale;
        let (role, lower, upper) = if policy.risk.contains(exporter) {
            (Role::Risk, 0, baseline)
        } else if policy.no_extra.contains(exporter) {
            (Role::Alternative, baseline, baseline)
        } else {
            let share = beta.checked_mul(world).ok_or(ProgramError::Overflow)?;
            let capacity = share.min((world - imports) * scale);
            (Role::Alternative, baseline, baseline + capacity)
        };
        program.role.push(role);
        program.baseline.push(baseline);
        program.lower.push(lower);
        program.upper.push(upper);
    }
    let extra = program.capacity();
    if extra.checked_mul(total.max(1)).and_then(|product| product.checked_mul(4)).is_none() {
        return Err(ProgramError::Overflow);
    }
    Ok(program)
}
