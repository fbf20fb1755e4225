//! Large random programs whose amounts spread as those of trade do.

use reorient_model::Program;

/// A stream of numbers that needs no crate (splitmix64).
#[derive(Debug, Clone)]
pub struct Numbers(pub u64);

impl Numbers {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }

    /// From 0 to 1.
    #[allow(clippy::cast_precision_loss)] // 53 bits.
    pub fn unit(&mut self) -> f64 {
        (self.next() >> 11) as f64 / (1_u64 << 53) as f64
    }

    /// Below a limit; 0 where that is 0.
    #[allow(clippy::cast_possible_truncation)] // A remainder of the limit.
    pub fn below(&mut self, limit: usize) -> usize {
        (self.next() % (limit as u64).max(1)) as usize
    }

    /// About normal: mean 0, variance 1.
    pub fn normal(&mut self) -> f64 {
        (0..12).map(|_| self.unit()).sum::<f64>() - 6.0
    }

    /// From 0 to an amount.
    #[allow(clippy::cast_precision_loss, clippy::cast_possible_truncation)]
    pub fn up_to(&mut self, amount: i64) -> i64 {
        (amount as f64 * self.unit()) as i64
    }
}

/// A product with three risk origins of these weights and `n_alternatives`, in units of a twentieth of a dollar: exports over
/// many orders of magnitude, capacities of a twentieth of them, risk imports up to a little more than the capacity.
///
/// The floor is today's flow, or with `symmetric` as far down as the capacity reaches up.
#[allow(clippy::cast_precision_loss, clippy::cast_possible_truncation)]
pub fn like_trade(numbers: &mut Numbers, n_alternatives: usize, weights: [i64; 3], symmetric: bool) -> Program {
    let mut program = Program {
        scale: 20,
        weight_scale: 1,
        total: 0,
        cost: weights.to_vec(),
        baseline: vec![0; 3],
        lower: vec![0; 3],
        upper: vec![0; 3],
    };
    let mut room = 0;
    for _ in 0..n_alternatives {
        let world = (14.0 + 3.0 * numbers.normal()).exp() as i64 + 1;
        let share = 1.0 / (1.0 + (2.0 + 2.0 * numbers.normal()).exp());
        let imports = ((world as f64 * share) as i64).min(world);
        let capacity = world.min(20 * (world - imports));
        room += capacity;
        program.cost.push(0);
        program.baseline.push(20 * imports);
        program.lower.push(if symmetric { (20 * imports - world).max(0) } else { 20 * imports });
        program.upper.push(20 * imports + capacity);
    }
    for at in 0..3 {
        let risk = numbers.up_to(room / 2);
        program.baseline[at] = risk;
        program.upper[at] = risk;
    }
    program.total = program.baseline.iter().sum();
    program
}
