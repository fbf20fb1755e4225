//! The program as solver arrays, and as a file that any solver reads.

use std::fmt::{self, Write};

use crate::{Bounds, Program};

/// Units of a [`Program`] in 1 of a file. Solvers have absolute tolerances: with numbers beyond 1e12, as whole units are,
/// lp_solve comes to a wrong optimum without a word, and CBC calls a program infeasible that is not.
const UNITS_PER_NUMBER: i64 = 1_000_000;

/// Units as a number of a file, with all its decimals.
struct Decimal(i64);

impl fmt::Display for Decimal {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (whole, rest) = (self.0 / UNITS_PER_NUMBER, self.0 % UNITS_PER_NUMBER);
        if rest == 0 {
            return write!(out, "{whole}");
        }
        let sign = if self.0 < 0 { "-" } else { "" };
        write!(out, "{sign}{}.{}", whole.abs(), format!("{:06}", rest.abs()).trim_end_matches('0'))
    }
}

/// `minimise cost x` subject to equalities and bounds, in shares of `T`: one column per exporter, CSC, and where all of them
/// together cannot supply `T` a last one of the unmet imports. A program has the one row `sum x = 1`; questions about its optimal
/// face add more.
#[derive(Debug, Clone, PartialEq)]
pub struct LinearProgram {
    /// The weight of risk origins, otherwise 0.
    pub cost: Vec<f64>,
    /// Lower bounds, shares of `T`.
    pub lower: Vec<f64>,
    /// Upper bounds, shares of `T`.
    pub upper: Vec<f64>,
    /// Right-hand side of each equality; of the first 1, or 0 where nothing is imported.
    pub right_hand_side: Vec<f64>,
    /// CSC: start of each column, and the number of entries at the end.
    pub column_start: Vec<usize>,
    /// CSC: row of each entry.
    pub row_index: Vec<usize>,
    /// CSC: value of each entry.
    pub value: Vec<f64>,
}

impl LinearProgram {
    /// Scales a program by its total.
    pub fn new(program: &Program) -> Self {
        let scaled = Self::of_exporters(program);
        if program.unmet() > 0 { scaled.with_unmet(program) } else { scaled }
    }

    /// As [`Self::new`], with a column of unmet imports whether it is needed or not.
    pub fn with_explicit_unmet(program: &Program) -> Self {
        Self::of_exporters(program).with_unmet(program)
    }

    #[allow(clippy::cast_precision_loss)] // As below.
    fn with_unmet(mut self, program: &Program) -> Self {
        self.cost.push(program.unmet_cost() as f64 / program.weight_scale as f64);
        self.lower.push(0.0);
        self.upper.push(1.0);
        self.row_index.push(0);
        self.value.push(1.0);
        self.column_start.push(self.value.len());
        self
    }

    #[allow(clippy::cast_precision_loss)] // Solvers work in doubles; answers are certified in integers.
    fn of_exporters(program: &Program) -> Self {
        let n_columns = program.len();
        let unit = program.total.max(1) as f64;
        let share = |amounts: &[i64]| amounts.iter().map(|amount| *amount as f64 / unit).collect();
        Self {
            cost: program.cost.iter().map(|cost| *cost as f64 / program.weight_scale as f64).collect(),
            lower: share(&program.lower),
            upper: share(&program.upper),
            right_hand_side: vec![if program.total == 0 { 0.0 } else { 1.0 }],
            column_start: (0..=n_columns).collect(),
            row_index: vec![0; n_columns],
            value: vec![1.0; n_columns],
        }
    }
}

/// A column of a file.
struct Column<'a> {
    name: &'a str,
    cost: i64,
    lower: i64,
    upper: i64,
}

impl Program {
    /// The exporters, and the unmet imports where there are any.
    fn columns<'a>(&self, names: &'a [String]) -> Vec<Column<'a>> {
        let exporters = names.iter().zip(self.exporters());
        let exporters = exporters.map(|(name, Bounds { cost, lower, upper, .. })| Column { name, cost, lower, upper });
        let unmet = Column { name: "unmet", cost: self.unmet_cost(), lower: 0, upper: self.total };
        exporters.chain((self.unmet() > 0).then_some(unmet)).collect()
    }

    /// Free-format MPS of the unscaled program in units of a million times `1 / scale` dollars, so that numbers have at most
    /// six decimals and none is rounded. It says `FREE`, because some solvers take the columns of any other file for those of fixed
    /// format.
    ///
    /// `names` gives each exporter's column name, without spaces. Where all of them together cannot supply the imports, a last
    /// column `unmet` takes the rest, at a cost above every weight.
    pub fn to_mps(&self, title: &str, names: &[String]) -> String {
        let columns = self.columns(names);
        let mut text = format!(
            "* One unit is {UNITS_PER_NUMBER}/{} US dollars, one unit of weight 1/{}.\nNAME {title} FREE\nROWS\n N risk\n E imports\nCOLUMNS\n",
            self.scale, self.weight_scale
        );
        // Writing to a String cannot fail.
        for Column { name, cost, .. } in &columns {
            if *cost > 0 {
                let _ = writeln!(text, " {name} risk {cost}");
            }
            let _ = writeln!(text, " {name} imports 1");
        }
        let _ = writeln!(text, "RHS\n RHS imports {}\nBOUNDS", Decimal(self.total));
        for Column { name, lower, upper, .. } in &columns {
            // Solvers differ in what an upper bound of 0 says about the lower one.
            let _ = if lower == upper {
                writeln!(text, " FX BND {name} {}", Decimal(*lower))
            } else {
                writeln!(text, " LO BND {name} {}\n UP BND {name} {}", Decimal(*lower), Decimal(*upper))
            };
        }
        text.push_str("ENDATA\n");
        text
    }

    /// The same program in CPLEX's LP format.
    pub fn to_lp(&self, title: &str, names: &[String]) -> String {
        let columns = self.columns(names);
        let mut text = format!(
            "\\ {title}; one unit is {UNITS_PER_NUMBER}/{} US dollars, one unit of weight 1/{}.\nMinimize\n risk:",
            self.scale, self.weight_scale
        );
        // Writing to a String cannot fail.
        let mut none = true;
        for Column { name, cost, .. } in columns.iter().filter(|column| column.cost > 0) {
            let factor = if *cost == 1 { String::new() } else { format!("{cost} ") };
            let _ = write!(text, "\n + {factor}{name}");
            none = false;
        }
        if let Some(Column { name, .. }) = columns.first().filter(|_| none) {
            let _ = write!(text, "\n + 0 {name}");
        }
        text.push_str("\nSubject To\n imports:");
        for Column { name, .. } in &columns {
            let _ = write!(text, "\n + {name}");
        }
        let _ = writeln!(text, "\n = {}\nBounds", Decimal(self.total));
        for Column { name, lower, upper, .. } in &columns {
            let _ = if lower == upper {
                writeln!(text, " {name} = {}", Decimal(*lower))
            } else {
                writeln!(text, " {} <= {name} <= {}", Decimal(*lower), Decimal(*upper))
            };
        }
        text.push_str("End\n");
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn program() -> (Program, Vec<String>) {
        let program = Program {
            scale: 20,
            weight_scale: 2,
            total: 9_000_000_000_001,
            cost: vec![3, 2, 0, 0],
            baseline: vec![8_999_999_000_001, 0, 1_000_000, 0],
            lower: vec![0, 0, 1_000_000, 0],
            upper: vec![8_999_999_000_001, 0, 1_500_000, 9],
        };
        (program, ["x_156", "x_842", "x_4", "x_528"].map(str::to_owned).to_vec())
    }

    #[test]
    fn mps_says_that_it_is_free_and_fixes_what_has_one_value() {
        let (program, names) = program();
        let expected = "* One unit is 1000000/20 US dollars, one unit of weight 1/2.\nNAME HS270900 FREE\nROWS\n N risk\n \
            E imports\nCOLUMNS\n x_156 risk 3\n x_156 imports 1\n x_842 risk 2\n x_842 imports 1\n x_4 imports 1\n \
            x_528 imports 1\nRHS\n RHS imports 9000000.000001\nBOUNDS\n LO BND x_156 0\n UP BND x_156 8999999.000001\n \
            FX BND x_842 0\n LO BND x_4 1\n UP BND x_4 1.5\n LO BND x_528 0\n UP BND x_528 0.000009\nENDATA\n";
        assert_eq!(program.to_mps("HS270900", &names), expected);
    }

    #[test]
    fn lp_says_the_same() {
        let (mut program, names) = program();
        let expected = "\\ HS270900; one unit is 1000000/20 US dollars, one unit of weight 1/2.\nMinimize\n risk:\n + 3 x_156\n \
            + 2 x_842\nSubject To\n imports:\n + x_156\n + x_842\n + x_4\n + x_528\n = 9000000.000001\nBounds\n \
            0 <= x_156 <= 8999999.000001\n x_842 = 0\n 1 <= x_4 <= 1.5\n 0 <= x_528 <= 0.000009\nEnd\n";
        assert_eq!(program.to_lp("HS270900", &names), expected);
        program.cost.fill(0);
        assert!(program.to_lp("HS270900", &names).contains("\n risk:\n + 0 x_156\nSubject To\n"));
    }

    #[test]
    fn what_nobody_can_supply_has_a_column() {
        let (mut program, names) = program();
        program.upper[0] = 0;
        let (mps, lp) = (program.to_mps("HS270900", &names), program.to_lp("HS270900", &names));
        assert!(
            mps.contains(" unmet risk 5\n unmet imports 1\nRHS") && mps.contains(" UP BND unmet 9000000.000001\nENDATA"),
            "{mps}"
        );
        assert!(lp.contains("\n + 5 unmet\n") && lp.contains(" 0 <= unmet <= 9000000.000001\nEnd"), "{lp}");
    }

    #[test]
    fn numbers_keep_every_digit() {
        for (units, text) in [
            (0, "0"),
            (1, "0.000001"),
            (-1, "-0.000001"),
            (1_000_000, "1"),
            (i64::MAX, "9223372036854.775807"),
            (i64::MIN, "-9223372036854.775808"),
        ] {
            assert_eq!(Decimal(units).to_string(), text);
        }
    }
}
