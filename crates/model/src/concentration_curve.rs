//! The whole curve of risk against concentration of one product (step M8 of docs/method.md): every breakpoint, exactly.
//!
//! With the price as the parameter, level and flows are linear until a flow meets a bound: `level' = sum over free of w / number
//! of free`, so that the total stays. The walk starts from the least concentrated allocation of all at price 0 and goes from
//! bound to bound until the value is the optimum. Exporters of one cost share their level and are walked as one.

use crate::concentration::{ConcentrationError, LeastSquares, optimum_of, price_of};
use crate::rational::{Rational, SquaresSum};
use crate::water::{Basin, level};
use crate::{ExactAmount, Program, Ratio};

/// A point of the curve where its second derivative, or its slope, changes.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct CurvePoint {
    value: Rational,
    squares: SquaresSum,
    /// The lowest and the highest price that choose it, with their levels.
    first: (Rational, Rational),
    last: (Rational, Rational),
}

impl CurvePoint {
    /// Risk imports with their weights, in units of `1 / (scale weight_scale)` dollars.
    pub const fn value(&self) -> ExactAmount {
        self.value.amount()
    }

    /// The least sum of squared flows with at most this value, in squared units of the program.
    pub const fn squares(&self) -> SquaresSum {
        self.squares
    }

    /// Half of what one more unit of value takes off the squares (right derivative).
    pub const fn price_of_more(&self) -> ExactAmount {
        self.first.0.amount()
    }

    /// Half of what one less unit of value adds (left derivative); at the optimum, where less is not possible, the same as for
    /// more.
    pub const fn price_of_less(&self) -> ExactAmount {
        self.last.0.amount()
    }

    /// By how much the Herfindahl-Hirschman index of the product falls for one more dollar of weighed risk imports.
    #[allow(clippy::cast_precision_loss)] // The nearest double is what is asked for, up to the rounding of its parts.
    pub fn marginal_hhi(&self, program: &Program) -> Option<f64> {
        let ExactAmount { numerator, denominator } = self.price_of_more();
        let units = program.scale as f64 * program.weight_scale as f64;
        let total = program.total as f64;
        (program.total > 0).then(|| 2.0 * (numerator as f64 / denominator as f64 / total) * (units / total))
    }
}

/// The least sum of squares against the value, from the optimum to the least concentrated allocation of all.
///
/// Between two neighbouring points flows are linear in the value and the sum of squares is a parabola; it falls, and it is
/// convex. Beyond the last point it is constant.
#[derive(Debug, Clone, PartialEq)]
pub struct ConcentrationCurve {
    total: i64,
    weight_scale: i64,
    points: Vec<CurvePoint>,
}

impl ConcentrationCurve {
    /// Walks the curve of a program, of any weights.
    ///
    /// # Errors
    /// [`ConcentrationError::Unmet`] (see [`Program::served`]), or [`ConcentrationError::Overflow`] where weights and scale are too
    /// fine.
    pub fn new(program: &Program) -> Result<Self, ConcentrationError> {
        let optimum = optimum_of(program)?;
        let least: i128 = optimum.blocks.iter().map(|block| i128::from(block.cost) * i128::from(block.total)).sum();
        let points = walk(program, Rational::whole(least)).ok_or(ConcentrationError::Overflow)?;
        Ok(Self { total: program.total, weight_scale: program.weight_scale, points })
    }

    /// The breakpoints, ascending by value; at least one. The first is the optimum with its flows as even as can be, the last the
    /// least concentrated allocation of all.
    pub fn points(&self) -> &[CurvePoint] {
        &self.points
    }

    /// Value and sum of squares where one unit of `T HHI` is worth as much as `1 / lambda` of value: what
    /// [`at_price`](crate::at_price) finds, without its flows and without searching anew.
    ///
    /// # Errors
    /// [`ConcentrationError::Price`], or [`ConcentrationError::Overflow`].
    pub fn at_price(&self, lambda: Ratio) -> Result<(ExactAmount, SquaresSum), ConcentrationError> {
        let price = price_of(self.total, self.weight_scale, lambda)?;
        // Prices fall along the curve: the first point that a price no higher than this one chooses.
        let chosen = self.points.partition_point(|point| point.first.0 > price).min(self.points.len() - 1);
        let point = self.points[chosen];
        let before = chosen.checked_sub(1).map(|before| self.points[before]).filter(|_| price > point.last.0);
        let Some(before) = before else { return Ok((point.value.amount(), point.squares)) };
        // In between value is linear in the price, and squares fall by the sum of the prices times the step.
        let between = || {
            let part = before.first.0.minus(price)?.over(before.first.0.minus(point.last.0)?)?;
            let step = part.times(point.value.minus(before.value)?)?;
            let fall = before.first.0.plus(price)?.times(step)?;
            Some((before.value.plus(step)?.amount(), before.squares.minus(fall)?))
        };
        between().ok_or(ConcentrationError::Overflow)
    }

    /// The least concentrated allocation with at most this value.
    ///
    /// # Errors
    /// [`ConcentrationError::BelowOptimum`], or [`ConcentrationError::Overflow`].
    pub fn at_value(&self, program: &Program, value: ExactAmount) -> Result<LeastSquares, ConcentrationError> {
        let value = Rational::try_from(value).map_err(|()| ConcentrationError::Overflow)?;
        let after = self.points.partition_point(|point| point.value <= value);
        let before = after.checked_sub(1).map(|before| self.points[before]).ok_or(ConcentrationError::BelowOptimum)?;
        let between = || {
            let Some(next) = self.points.get(after) else { return Some(before.first) };
            if before.value == value {
                return Some(before.first);
            }
            let part = value.minus(before.value)?.over(next.value.minus(before.value)?)?;
            let mix = |from: Rational, to: Rational| from.plus(part.times(to.minus(from)?)?);
            Some((mix(before.first.0, next.last.0)?, mix(before.first.1, next.last.1)?))
        };
        let found = between().and_then(|(price, level)| LeastSquares::at(program, level, price));
        found.ok_or(ConcentrationError::Overflow)
    }
}

/// Where the level of a basin stands: on a stretch, at its lower knot or above it.
#[derive(Debug, Clone, Copy)]
struct Place {
    stretch: usize,
    at_knot: bool,
}

impl Place {
    /// The stretch below.
    const fn below(self) -> usize {
        self.stretch - self.at_knot as usize
    }

    /// The next knot with its stretch, in a direction; none beyond the last.
    fn next(self, basin: &Basin, rises: bool) -> Option<(i128, usize)> {
        if rises {
            basin.knots.get(self.stretch).map(|knot| (*knot, self.stretch + 1))
        } else {
            self.below().checked_sub(1).map(|knot| (basin.knots[knot], self.below()))
        }
    }
}

/// All points, ascending by value; none beyond exact arithmetic.
fn walk(program: &Program, least: Rational) -> Option<Vec<CurvePoint>> {
    let basins = Basin::all(program);
    let bounds = (0..program.len()).map(|at| program.bounds(at));
    let (mut price, mut level) = (Rational::ZERO, level(bounds, program.total.into())?);
    let mut places: Vec<Place> =
        basins.iter().map(|basin| basin.locate(level)).map(|(stretch, at_knot)| Place { stretch, at_knot }).collect();
    let mut points: Vec<CurvePoint> = Vec::new();
    loop {
        let mut point =
            CurvePoint { value: Rational::ZERO, squares: SquaresSum::whole(0), first: (price, level), last: (price, level) };
        for (basin, place) in basins.iter().zip(&places) {
            let cost = Rational::whole(basin.cost);
            let own = level.minus(price.times(cost)?)?;
            point.value = point.value.plus(basin.sum(place.stretch, own)?.times(cost)?)?;
            point.squares = basin.add_squares(place.stretch, own, point.squares)?;
        }
        // The least point of a value is one: only the price has moved.
        match points.last_mut().filter(|last| last.value == point.value) {
            Some(last) => last.last = point.last,
            None => points.push(point),
        }
        if point.value == least {
            break;
        }
        let slope = level_slope(&basins, &places)?;
        let mut step: Option<Rational> = None;
        let mut arrivals = Vec::with_capacity(basins.len());
        for (basin, place) in basins.iter().zip(&places) {
            let cost = Rational::whole(basin.cost);
            let speed = slope.minus(cost)?;
            let next = if speed == Rational::ZERO { None } else { place.next(basin, speed > Rational::ZERO) };
            let arrival = match next {
                Some((knot, stretch)) => {
                    let own = level.minus(price.times(cost)?)?;
                    Some((Rational::whole(knot).minus(own)?.over(speed)?, stretch))
                }
                None => None,
            };
            step = [step, arrival.map(|(after, _)| after)].into_iter().flatten().min();
            arrivals.push((speed, arrival));
        }
        // Nothing left to meet: every price from here on chooses the optimum.
        let Some(step) = step else { break };
        price = price.plus(step)?;
        level = level.plus(slope.times(step)?)?;
        for (place, (speed, arrival)) in places.iter_mut().zip(arrivals) {
            *place = match arrival {
                Some((after, stretch)) if after == step => Place { stretch, at_knot: true },
                _ if speed > Rational::ZERO => Place { at_knot: false, ..*place },
                _ if speed < Rational::ZERO => Place { stretch: place.below(), at_knot: false },
                _ => *place,
            };
        }
    }
    points.reverse();
    Some(points)
}

/// How the level moves per unit of price so that the total stays: the slope `s` with `sum of free (s - w) = 0`, where the flows
/// that are free at a knot depend on whether their own level rises (`s > w`) or falls. The sum grows with `s`.
fn level_slope(basins: &[Basin], places: &[Place]) -> Option<Rational> {
    let free = |at: usize, rises: bool| {
        let stretch = if rises { places[at].stretch } else { places[at].below() };
        basins[at].stretches[stretch].free
    };
    for (at, basin) in basins.iter().enumerate() {
        // Up to here all rise, the others fall.
        let sum_at_cost: i128 = (0..basins.len()).map(|other| free(other, other < at) * (basin.cost - basins[other].cost)).sum();
        if sum_at_cost == 0 {
            return Some(Rational::whole(basin.cost));
        }
        if sum_at_cost > 0 {
            let number: i128 = (0..basins.len()).map(|other| free(other, other < at)).sum();
            let weighed: i128 = (0..basins.len()).map(|other| free(other, other < at) * basins[other].cost).sum();
            return Rational::new(weighed, number);
        }
    }
    // At the highest cost the sum is not negative; without exporters there is no level.
    Some(Rational::ZERO)
}
