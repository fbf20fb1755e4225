//! The most concentrated optimum (step M8 of docs/method.md): the largest sum of squared flows over the optimal face.
//!
//! In a block with total `M`, write `x = L + y` with `0 <= y <= u = U - L` and `sum y = R = M - sum L`. The gain of a flow is
//! `y^2 + 2 L y`, convex, so every maximum is a vertex: all flows but one are at a bound. That is a knapsack problem, which is
//! hard in general. Two facts make it easy on trade:
//!
//! - *Chord bound.* Over `[0, u]` the gain lies below its chord, of slope `u + 2 L = L + U`. Filling up by falling slope, the
//!   last flow in part, is the most that chords allow. Taken at the chord's end or at the true gain, the same filling is an
//!   upper bound and a vertex; they differ by `y (u - y)` of the flow that is filled in part.
//! - *Dominance.* Let `i` have both bounds at least as high as `j`. Of what the two carry together, giving `i` as much as it
//!   can take makes the larger of the two flows no smaller than any other split, and so their squares. So some maximum leaves
//!   `j` at its lower bound unless `i` is at its upper one.
//!
//! The search branches on the first flow, by falling slope, that is not at its upper bound: it is at its lower bound or the
//! one in between, and whatever it dominates is at its lower bound. Branches whose bound is not above the best vertex are cut.

use std::cmp::Reverse;

use crate::{Block, Optimum, Program};

/// The largest sum of squared flows over the optimal face, in squared units of the program (`1 / scale` dollars).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct SquaresMaximum {
    /// Attained by [`HhiMaximum::flows`].
    pub value: i128,
    /// No optimum has more; equal to `value` when exact.
    pub bound: i128,
    /// Nodes of the search, without the roots.
    pub nodes: u32,
}

impl SquaresMaximum {
    /// Whether the value is proved to be the largest.
    pub const fn is_exact(&self) -> bool {
        self.value == self.bound
    }
}

/// A flow that may move within its block.
#[derive(Debug, Clone, Copy)]
struct Item {
    /// `L + U`.
    slope: i128,
    /// `U - L`, positive.
    room: i128,
    lower: i128,
    upper: i128,
    position: usize,
}

impl Item {
    /// What the squares gain from `amount` above the lower bound.
    const fn gain(&self, amount: i128) -> i128 {
        amount * (amount + 2 * self.lower)
    }

    /// Whether the other, later by slope, may wait until this one is full.
    const fn dominates(&self, other: &Self) -> bool {
        other.lower <= self.lower && other.upper <= self.upper
    }
}

/// Where a search stands: `rest` is left to place on the candidates `lists[start..end]`, and on the flow in between.
#[derive(Debug, Clone, Copy)]
struct Node {
    start: usize,
    end: usize,
    rest: i128,
    /// Gain of what is full.
    gain: i128,
    /// The flow that is in between, if that is decided.
    between: Option<usize>,
}

/// The candidates before `at` are full: what is left, and the gain.
#[derive(Debug, Clone, Copy)]
struct Filling {
    at: usize,
    rest: i128,
    gain: i128,
}

impl Filling {
    const fn add(&mut self, item: Item) {
        self.at += 1;
        self.rest -= item.room;
        self.gain += item.room * item.slope;
    }

    const fn remove(&mut self, item: Item) {
        self.at -= 1;
        self.rest += item.room;
        self.gain -= item.room * item.slope;
    }
}

/// Searches for the most concentrated optimum; keeps its memory from one product to the next.
#[derive(Debug, Clone, Default)]
pub struct HhiMaximum {
    /// Slopes with their positions, falling.
    order: Vec<(Reverse<u64>, usize)>,
    /// By falling slope.
    items: Vec<Item>,
    /// Candidates of the nodes on the current path, ascending.
    lists: Vec<usize>,
    /// What is full on the current path.
    full: Vec<usize>,
    /// What is full, and who takes the rest, at the best vertex of the block.
    best_full: Vec<usize>,
    best_between: Option<usize>,
    best: i128,
    /// The largest bound of a node that was left unexplored.
    open: i128,
    nodes: u32,
    node_limit: u32,
    flows: Vec<i64>,
}

impl HhiMaximum {
    /// The largest sum of squares over the optimal face of a program, with at most `node_limit` nodes for each block.
    ///
    /// Amounts are such as [`formulate`](crate::formulate) leaves: eight times the square of their sum fits an i128.
    pub fn solve(&mut self, program: &Program, optimum: &Optimum, node_limit: u32) -> SquaresMaximum {
        self.flows.clear();
        self.flows.extend_from_slice(&program.lower);
        let mut result = SquaresMaximum::default();
        let mut excess = 0;
        for block in &optimum.blocks {
            excess += self.block(program, block, node_limit);
            result.nodes += self.nodes;
        }
        result.value = self.flows.iter().map(|flow| i128::from(*flow) * i128::from(*flow)).sum();
        result.bound = result.value + excess;
        result
    }

    /// The vertex of the last product, in units of the program.
    pub fn flows(&self) -> &[i64] {
        &self.flows
    }

    /// Sets the flows of a block; returns by how much the bound is above their squares.
    fn block(&mut self, program: &Program, block: &Block, node_limit: u32) -> i128 {
        self.nodes = 0;
        let rest = i128::from(block.total - block.lower);
        if rest == 0 {
            return 0;
        }
        let members = (0..program.len()).filter(|position| program.cost[*position] == block.cost);
        if block.total == block.upper {
            members.for_each(|position| self.flows[position] = program.upper[position]);
            return 0;
        }
        // Keys are sorted in the place of items, which are five times as long.
        self.order.clear();
        self.order.extend(members.filter_map(|position| {
            let (lower, upper) = (program.lower[position], program.upper[position]);
            (lower < upper).then(|| (Reverse(lower.unsigned_abs() + upper.unsigned_abs()), position))
        }));
        self.order.sort_unstable();
        self.items.clear();
        self.items.extend(self.order.iter().map(|&(_, position)| {
            let (lower, upper) = program.bounds(position);
            Item { slope: lower + upper, room: upper - lower, lower, upper, position }
        }));
        self.lists.clear();
        self.lists.extend(0..self.items.len());
        self.full.clear();
        self.best_full.clear();
        (self.best, self.best_between, self.open, self.node_limit) = (-1, None, -1, node_limit);
        self.explore(Node { start: 0, end: self.items.len(), rest, gain: 0, between: None });
        for &item in &self.best_full {
            let position = self.items[item].position;
            self.flows[position] = program.upper[position];
        }
        if let Some(item) = self.best_between {
            // All others of the block are where they stay.
            let position = self.items[item].position;
            let others = (0..program.len()).filter(|at| program.cost[*at] == block.cost && *at != position);
            self.flows[position] = block.total - others.map(|at| self.flows[at]).sum::<i64>();
        }
        (self.open - self.best).max(0)
    }

    /// Keeps a vertex if it is the best: the path and the candidates before `fill.at` are full, and one flow takes the rest.
    fn offer(&mut self, node: Node, fill: Filling, between: usize) {
        let gain = fill.gain + self.items[between].gain(fill.rest);
        if gain > self.best {
            self.best = gain;
            self.best_full.clear();
            self.best_full.extend_from_slice(&self.full);
            self.best_full.extend_from_slice(&self.lists[node.start..fill.at]);
            self.best_between = Some(between);
        }
    }

    /// All vertices below a node.
    fn explore(&mut self, node: Node) {
        match node.between {
            None => self.explore_open(node),
            Some(between) => self.explore_between(node, between),
        }
    }

    /// No flow in between is chosen yet.
    fn explore_open(&mut self, node: Node) {
        let mut fill = Filling { at: node.start, rest: node.rest, gain: node.gain };
        while fill.at < node.end && self.candidate(fill.at).room <= fill.rest {
            fill.add(self.candidate(fill.at));
        }
        if fill.at == node.end {
            // All candidates are full and something is left, which other branches give to a flow in between.
            return;
        }
        let critical = self.candidate(fill.at);
        self.offer(node, fill, self.lists[fill.at]);
        let bound = fill.gain + fill.rest * critical.slope;
        self.branch(node, fill, bound, critical.slope);
    }

    /// One flow is in between and takes the rest; all others are at a bound.
    fn explore_between(&mut self, node: Node, between: usize) {
        let taker = self.items[between];
        let mut fill = Filling { at: node.start, rest: node.rest, gain: node.gain };
        // The chord bound with the taker full, and the slope of the candidate that is then filled in part.
        let mut with_full: Option<(i128, i128)> = None;
        loop {
            if fill.rest <= taker.room {
                self.offer(node, fill, between);
            }
            if fill.at == node.end {
                break;
            }
            let item = self.candidate(fill.at);
            if node.rest >= taker.room && with_full.is_none() && fill.rest - item.room < taker.room {
                let bound = fill.gain + (fill.rest - taker.room) * item.slope + taker.room * taker.slope;
                with_full = Some((bound, item.slope));
            }
            if item.room > fill.rest {
                break;
            }
            fill.add(item);
        }
        // The chord bound with the taker at its lower bound; where all candidates are full it takes what is left.
        let with_empty = (fill.at < node.end).then(|| {
            let critical = self.candidate(fill.at);
            (fill.gain + fill.rest * critical.slope, critical.slope)
        });
        // Between these two ends, and where a candidate becomes full, the taker's convex gain lies below what was offered.
        let bound = with_full.into_iter().chain(with_empty).map(|(bound, _)| bound).max();
        let (Some(bound), Some((end, slope))) = (bound, with_full.or(with_empty)) else { return };
        // Below, candidates are priced at one slope. If the taker cannot be full, it may still take everything.
        let all = if with_full.is_some() { end } else { end - slope * node.rest + taker.gain(node.rest) };
        if fill.at == node.end {
            // All full was offered; a taker with too little room for the rest has nothing below.
            if fill.rest > taker.room {
                return;
            }
            fill.remove(self.candidate(fill.at - 1));
        }
        if bound > self.best {
            self.branch(node, fill, end.max(all), slope);
        }
    }

    /// Branches on the first candidate that is not full, from the one at `fill.at` back to the first. No vertex below has more
    /// than `reach`, with every candidate priced at `slope`.
    fn branch(&mut self, node: Node, mut fill: Filling, reach: i128, slope: i128) {
        let n_full = self.full.len();
        self.full.extend_from_slice(&self.lists[node.start..fill.at]);
        while reach > self.best {
            let first = self.lists[fill.at];
            let item = self.items[first];
            let own = item.room * (item.slope - slope).max(0);
            let mut bound = if node.between.is_some() { reach - own } else { reach };
            let start = self.lists.len();
            for other in fill.at + 1..node.end {
                if bound <= self.best {
                    break;
                }
                let candidate = self.candidate(other);
                if item.dominates(&candidate) {
                    bound -= candidate.room * (candidate.slope - slope).max(0);
                } else {
                    self.lists.push(self.lists[other]);
                }
            }
            let child = Node { start, end: self.lists.len(), rest: fill.rest, gain: fill.gain, between: node.between };
            if node.between.is_none() {
                self.visit(Node { between: Some(first), ..child }, bound);
                bound -= own;
            }
            self.visit(child, bound);
            self.lists.truncate(start);
            if fill.at == node.start {
                break;
            }
            fill.remove(self.candidate(fill.at - 1));
            self.full.pop();
        }
        self.full.truncate(n_full);
    }

    fn candidate(&self, at: usize) -> Item {
        self.items[self.lists[at]]
    }

    /// Explores a child that may hold more than the best, or notes its bound when no node is left.
    fn visit(&mut self, child: Node, bound: i128) {
        if bound <= self.best {
            return;
        }
        // Without candidates there is nothing to search.
        if child.start < child.end {
            if self.nodes == self.node_limit {
                self.open = self.open.max(bound);
                return;
            }
            self.nodes += 1;
        }
        self.explore(child);
    }
}
