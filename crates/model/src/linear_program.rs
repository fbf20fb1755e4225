//! The program as solver arrays, and as a file that any solver reads.

use std::fmt::Write;

use crate::Program;

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

impl Program {
    /// Free-format MPS of the unscaled program in units of `1 / scale` dollars: every number is a whole number.
    ///
    /// `names` gives each exporter's column name, without spaces.
    pub fn to_mps(&self, title: &str, names: &[String]) -> String {
        let mut text = format!(
            "* One unit is 1/{} US dollar, one unit of weight 1/{}.\nNAME {title}\nROWS\n N risk\n E imports\nCOLUMNS\n",
            self.scale, self.weight_scale
        );
        // Writing to a String cannot fail.
        for (name, cost) in names.iter().zip(&self.cost) {
            if *cost > 0 {
                let _ = writeln!(text, " {name} risk {cost}");
            }
            let _ = writeln!(text, " {name} imports 1");
        }
        let _ = writeln!(text, "RHS\n RHS imports {}\nBOUNDS", self.total);
        for (position, name) in names.iter().enumerate() {
            let _ = writeln!(text, " LO BND {name} {}\n UP BND {name} {}", self.lower[position], self.upper[position]);
        }
        text.push_str("ENDATA\n");
        text
    }

    /// The same program in CPLEX's LP format.
    pub fn to_lp(&self, title: &str, names: &[String]) -> String {
        let mut text = format!(
            "\\ {title}; one unit is 1/{} US dollar, one unit of weight 1/{}.\nMinimize\n risk:",
            self.scale, self.weight_scale
        );
        // Writing to a String cannot fail.
        let mut none = true;
        for (name, cost) in names.iter().zip(&self.cost).filter(|(_, cost)| **cost > 0) {
            let factor = if *cost == 1 { String::new() } else { format!("{cost} ") };
            let _ = write!(text, "\n + {factor}{name}");
            none = false;
        }
        if let Some(name) = names.first().filter(|_| none) {
            let _ = write!(text, "\n + 0 {name}");
        }
        text.push_str("\nSubject To\n imports:");
        for name in names {
            let _ = write!(text, "\n + {name}");
        }
        let _ = writeln!(text, "\n = {}\nBounds", self.total);
        for (position, name) in names.iter().enumerate() {
            let _ = writeln!(text, " {} <= {name} <= {}", self.lower[position], self.upper[position]);
        }
        text.push_str("End\n");
        text
    }
}
