//! The concentration kernel beside what one would write instead, in cache and out of it, answers checked before timing.
//!
//! Criterion's figures come first. The table at the end times every contender in turn, round after round, so that whatever
//! else the machine does meets all of them, and gives medians, minima and the ratios of medians.
#![allow(clippy::unwrap_used, clippy::print_stdout, clippy::cast_precision_loss, missing_docs)]

use std::hint::black_box;
use std::time::{Duration, Instant};

use arrow::array::{Float64Array, PrimitiveArray};
use arrow::compute::kernels::numeric::mul;
use arrow::datatypes::Float64Type;
use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use reorient_core::Usd;
use reorient_metrics::{Amount, Backend};

/// Exporters of one product: what a dense row of BACI holds.
const N_COLUMNS: usize = 230;
/// Products of a year: 9.2 MB, which the last level of cache holds.
const ROWS_IN_CACHE: usize = 5_000;
/// Products of thirty years: 276 MB, which no cache holds.
const ROWS_OUT_OF_CACHE: usize = 150_000;

type Indices = [Option<f64>];

struct Contender {
    name: String,
    run: Box<dyn FnMut(&mut Indices)>,
}

/// The same amounts in three dresses; whole dollars, so that all of them are exact.
struct Amounts {
    floats: &'static [f64],
    dollars: &'static [Usd],
    array: Float64Array,
}

impl Amounts {
    /// From nothing to a trillion, the smaller the more often, from a fixed generator.
    fn new(n_rows: usize) -> Self {
        let mut state = 1_u64;
        let mut next = || {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            let magnitude = 24 + (state >> 59) % 40;
            i64::try_from((state & 0x00ff_ffff_ffff_ffff) >> (magnitude - 8)).unwrap()
        };
        let dollars: Vec<i64> = (0..n_rows * N_COLUMNS).map(|_| next()).collect();
        let floats: Vec<f64> = dollars.iter().map(|dollars| *dollars as f64).collect();
        let array = Float64Array::from(floats.clone());
        let dollars: Vec<Usd> = dollars.into_iter().map(Usd::new).collect();
        // Lent to boxed closures for as long as the program runs.
        Self { floats: floats.leak(), dollars: dollars.leak(), array }
    }

    fn bytes(&self) -> u64 {
        std::mem::size_of_val(self.floats) as u64
    }

    fn n_rows(&self) -> usize {
        self.floats.len() / N_COLUMNS
    }

    fn contenders(&self) -> Vec<Contender> {
        let floats = self.floats;
        let array = self.array.clone();
        let mut contenders = vec![
            rows("naive", move |row| {
                let sum: f64 = floats[row.clone()].iter().sum();
                let squares: f64 = floats[row].iter().map(|amount| amount * amount).sum();
                (sum > 0.0).then(|| squares / (sum * sum))
            }),
            rows("textbook", move |row| {
                let sum: f64 = floats[row.clone()].iter().sum();
                (sum > 0.0).then(|| floats[row].iter().map(|amount| (amount / sum) * (amount / sum)).sum())
            }),
            rows("arrow", move |row| {
                let amounts: PrimitiveArray<Float64Type> = array.slice(row.start, row.len());
                let squares = mul(&amounts, &amounts).unwrap();
                let squares = squares.as_any().downcast_ref::<Float64Array>().and_then(arrow::compute::sum)?;
                let sum = arrow::compute::sum(&amounts)?;
                (sum > 0.0).then(|| squares / (sum * sum))
            }),
        ];
        for backend in Backend::available() {
            contenders.push(kernel(backend.name(), backend, self.floats));
        }
        for backend in Backend::available() {
            contenders.push(kernel(&format!("{} dollars", backend.name()), backend, self.dollars));
        }
        contenders
    }
}

fn rows(name: &str, index: impl Fn(std::ops::Range<usize>) -> Option<f64> + 'static) -> Contender {
    let run = move |indices: &mut Indices| {
        for (row, slot) in indices.iter_mut().enumerate() {
            *slot = index(black_box(row * N_COLUMNS)..(row + 1) * N_COLUMNS);
        }
    };
    Contender { name: name.to_owned(), run: Box::new(run) }
}

fn kernel<A: Amount>(name: &str, backend: Backend, amounts: &'static [A]) -> Contender {
    let run = move |indices: &mut Indices| backend.hhi_of_rows(black_box(amounts), N_COLUMNS, indices).unwrap();
    Contender { name: name.to_owned(), run: Box::new(run) }
}

/// Only reads: all bits of all amounts, in `STREAMS` places at once.
fn read<const STREAMS: usize>(amounts: &[f64]) -> u64 {
    let mut lanes = [[0_u64; 16]; STREAMS];
    let (blocks, rest) = amounts.as_chunks::<16>();
    let length = blocks.len() / STREAMS;
    let streams: [&[[f64; 16]]; STREAMS] = std::array::from_fn(|stream| &blocks[stream * length..(stream + 1) * length]);
    for at in 0..length {
        for (lanes, stream) in lanes.iter_mut().zip(&streams) {
            for (lane, amount) in lanes.iter_mut().zip(&stream[at]) {
                *lane ^= amount.to_bits();
            }
        }
    }
    let left = blocks[STREAMS * length..].as_flattened().iter().chain(rest);
    left.fold(lanes.as_flattened().iter().fold(0, |all, lane| all ^ lane), |all, amount| all ^ amount.to_bits())
}

fn readers(amounts: &Amounts) -> Vec<Contender> {
    let floats = amounts.floats;
    let expected = floats.iter().fold(0, |all, amount| all ^ amount.to_bits());
    let reader = |name: &str, read: fn(&[f64]) -> u64| {
        assert_eq!(read(floats), expected, "{name}");
        let run = move |_: &mut Indices| {
            black_box(read(black_box(floats)));
        };
        Contender { name: name.to_owned(), run: Box::new(run) }
    };
    vec![reader("read alone", read::<1>), reader("read alone, 4 streams", read::<4>)]
}

/// Every contender must give the index, and all of ours the same bits.
fn check(contenders: &mut [Contender], n_rows: usize) {
    let mut expected: Vec<Option<f64>> = vec![None; n_rows];
    (contenders[0].run)(&mut expected);
    let mut ours: Option<Vec<u64>> = None;
    for contender in contenders {
        let mut indices = vec![None; n_rows];
        (contender.run)(&mut indices);
        let indices: Vec<f64> = indices.into_iter().map(Option::unwrap).collect();
        for (index, expected) in indices.iter().zip(&expected) {
            assert!((index / expected.unwrap() - 1.0).abs() < 1e-13, "{}: {index} is not {expected:?}", contender.name);
        }
        if !["naive", "textbook", "arrow"].contains(&contender.name.as_str()) {
            let bits: Vec<u64> = indices.into_iter().map(f64::to_bits).collect();
            assert_eq!(*ours.get_or_insert_with(|| bits.clone()), bits, "{} has bits of its own", contender.name);
        }
    }
}

/// Times in turn; each contender's times in seconds, ascending.
fn rounds(contenders: &mut [Contender], n_rows: usize, n_rounds: usize) -> Vec<Vec<f64>> {
    let mut indices = vec![None; n_rows];
    let mut times = vec![Vec::with_capacity(n_rounds); contenders.len()];
    for _ in 0..n_rounds {
        for (contender, times) in contenders.iter_mut().zip(&mut times) {
            // Once for the caches, once for the clock.
            (contender.run)(&mut indices);
            let start = Instant::now();
            (contender.run)(&mut indices);
            times.push(start.elapsed().as_secs_f64());
            black_box(&indices);
        }
    }
    for times in &mut times {
        times.sort_by(f64::total_cmp);
    }
    times
}

/// Rates and ratios, of medians and of the best times: the medians are what one gets, the best what the code can do.
fn summary(title: &str, amounts: &Amounts, contenders: &mut [Contender], n_rounds: usize) {
    let times = rounds(contenders, amounts.n_rows(), n_rounds);
    println!("\n{title}: {} x {N_COLUMNS}, {n_rounds} rounds", amounts.n_rows());
    for (which, at) in [("median", n_rounds / 2), ("best", 0)] {
        let seconds: Vec<(&str, f64)> =
            contenders.iter().zip(&times).map(|(contender, times)| (contender.name.as_str(), times[at])).collect();
        let least = |name: &str| {
            let named = seconds.iter().filter(|(contender, _)| contender.starts_with(name));
            named.map(|(_, seconds)| *seconds).fold(f64::INFINITY, f64::min)
        };
        println!("{which:24}{:>10}{:>10}{:>10}{:>10}", "GB/s", "x naive", "x arrow", "of read");
        for (name, seconds) in &seconds {
            let rate = amounts.bytes() as f64 / 1e9 / seconds;
            let (naive, arrow) = (least("naive") / seconds, least("arrow") / seconds);
            println!("{name:24}{rate:>10.1}{naive:>10.2}{arrow:>10.2}{:>8.0} %", 100.0 * least("read") / seconds);
        }
    }
}

fn hhi(criterion: &mut Criterion) {
    let in_cache = Amounts::new(ROWS_IN_CACHE);
    let out_of_cache = Amounts::new(ROWS_OUT_OF_CACHE);
    for (title, amounts, n_rounds) in [("in cache", &in_cache, 100), ("out of cache", &out_of_cache, 15)] {
        let mut contenders = amounts.contenders();
        check(&mut contenders, amounts.n_rows());
        contenders.extend(readers(amounts));
        let mut group = criterion.benchmark_group(title);
        group.throughput(Throughput::Bytes(amounts.bytes()));
        group.sample_size(10).warm_up_time(Duration::from_millis(300)).measurement_time(Duration::from_secs(1));
        let mut indices = vec![None; amounts.n_rows()];
        for Contender { name, run } in &mut contenders {
            group.bench_function(BenchmarkId::from_parameter(name), |bench| bench.iter(|| run(&mut indices)));
        }
        group.finish();
        summary(title, amounts, &mut contenders, n_rounds);
    }
}

criterion_group!(benches, hhi);
criterion_main!(benches);
