//! The timer, and the line that it prints.

use std::hint::black_box;
use std::time::{Duration, Instant};

use rayon::ThreadPoolBuilder;
use serde_json::{Value, json};

/// Repeats timings of batches of calls, each batch long enough for the clock.
#[derive(Debug)]
pub struct Timer {
    repeats: u32,
    shortest: Duration,
}

/// What a measurement is reported in.
#[derive(Clone, Copy, Debug)]
pub enum Unit {
    /// Microseconds a call.
    Microseconds,
    /// 10⁹ operations a second; a call makes so many.
    Gigaflops(f64),
    /// Items a second; a call works on so many.
    Items(f64),
    /// Nanoseconds an item; a call works on so many.
    Nanoseconds(f64),
    /// How many times as long as what takes so many seconds.
    Times(f64),
}

impl Timer {
    /// `repeats` timings of at least `min_ms` milliseconds.
    pub fn new(repeats: u32, min_ms: u32) -> Self {
        Timer { repeats, shortest: Duration::from_millis(min_ms.into()) }
    }

    /// Times `call`, which works on one thread, and prints the line of the measurement.
    pub fn report<R>(&self, workload: &str, params: Value, unit: Unit, call: impl FnMut() -> R) {
        println!("{}", line(workload, params, 1, unit, &self.seconds(call)));
    }

    /// Times `call` in a pool of so many threads, and prints the line of the measurement.
    ///
    /// # Panics
    ///
    /// When the system has no threads to give.
    pub fn report_on<R>(
        &self,
        threads: usize,
        workload: &str,
        params: Value,
        unit: Unit,
        call: impl FnMut() -> R + Send,
    ) {
        let pool = ThreadPoolBuilder::new().num_threads(threads).build();
        let pool = pool.unwrap_or_else(|error| panic!("{threads} threads: {error}"));
        println!("{}", line(workload, params, threads, unit, &pool.install(|| self.seconds(call))));
    }

    /// Calls all of them in turn, twice each, so many times for each repeat, and returns the shortest seconds of each: what is
    /// left when they are compared on a machine that has other work.
    pub fn shortest(&self, times: u32, calls: &mut [Box<dyn FnMut() + '_>]) -> Vec<f64> {
        let mut shortest = vec![f64::INFINITY; calls.len()];
        for _ in 0..times * self.repeats {
            for (call, shortest) in calls.iter_mut().zip(&mut shortest) {
                call(); // wakes caches
                let start = Instant::now();
                call();
                *shortest = shortest.min(start.elapsed().as_secs_f64());
            }
        }
        shortest
    }

    /// Prints the line of a measurement of which the shortest counts.
    pub fn print(&self, workload: &str, params: Value, unit: Unit, shortest: f64) {
        self.print_all(workload, params, unit, &[shortest]);
    }

    /// Prints the line of a measurement: seconds a call, in ascending order.
    pub fn print_all(&self, workload: &str, params: Value, unit: Unit, sorted: &[f64]) {
        println!("{}", line(workload, params, 1, unit, sorted));
    }

    /// Seconds a call, in ascending order.
    fn seconds<R>(&self, mut call: impl FnMut() -> R) -> Vec<f64> {
        self.in_turn(&mut [Box::new(move || {
            black_box(call());
        })])
        .concat()
    }

    /// Repeats timings of all of them in turn, so that a clock that drifts, or somebody else's work, is the same to all: seconds a
    /// call of each, in ascending order.
    pub fn in_turn(&self, calls: &mut [Box<dyn FnMut() + '_>]) -> Vec<Vec<f64>> {
        let batches: Vec<u32> = calls.iter_mut().map(|call| self.batch(call)).collect();
        let mut seconds = vec![Vec::new(); calls.len()];
        for _ in 0..self.repeats {
            for ((call, &batch), seconds) in calls.iter_mut().zip(&batches).zip(&mut seconds) {
                seconds.push(timed(batch, call).as_secs_f64() / f64::from(batch));
            }
        }
        seconds.iter_mut().for_each(|seconds| seconds.sort_by(f64::total_cmp));
        seconds
    }

    /// How many calls last long enough.
    fn batch(&self, call: &mut dyn FnMut()) -> u32 {
        timed(1, call); // grows buffers, wakes caches
        let mut calls = 1;
        loop {
            let elapsed = timed(calls, call);
            if elapsed >= self.shortest {
                return calls;
            }
            let wanted = 1.2 * self.shortest.as_secs_f64() / elapsed.as_secs_f64().max(1e-9) * f64::from(calls);
            // A first batch is short and noisy: grow in steps, and never stand still.
            calls = (wanted as u32).clamp(calls.saturating_mul(2), calls.saturating_mul(64));
        }
    }
}

fn timed(calls: u32, call: &mut dyn FnMut()) -> Duration {
    let start = Instant::now();
    (0..calls).for_each(|_| call());
    start.elapsed()
}

impl Unit {
    fn name(self) -> &'static str {
        match self {
            Unit::Microseconds => "us",
            Unit::Gigaflops(_) => "GFLOP/s",
            Unit::Items(_) => "items/s",
            Unit::Nanoseconds(_) => "ns",
            Unit::Times(_) => "times",
        }
    }

    fn of(self, seconds: f64) -> f64 {
        match self {
            Unit::Microseconds => seconds * 1e6,
            Unit::Gigaflops(operations) => operations / seconds * 1e-9,
            Unit::Items(items) => items / seconds,
            Unit::Nanoseconds(items) => seconds * 1e9 / items,
            Unit::Times(other) => seconds / other,
        }
    }
}

/// `sorted`: seconds a call, ascending, at least one.
fn line(workload: &str, mut params: Value, threads: usize, unit: Unit, sorted: &[f64]) -> Value {
    params["build"] = if cfg!(target_feature = "avx512f") { "native" } else { "default" }.into();
    let [shortest, longest] = [sorted[0], sorted[sorted.len() - 1]].map(|seconds| unit.of(seconds));
    json!({
        "workload": workload,
        "peer": "thalweg",
        "version": env!("CARGO_PKG_VERSION"),
        "params": params,
        "threads": threads,
        "value": unit.of(median(sorted)),
        "unit": unit.name(),
        "repeats": sorted.len(),
        "min": shortest.min(longest),
        "max": shortest.max(longest),
    })
}

/// The middle of sorted numbers, or the mean of the two there.
fn median(sorted: &[f64]) -> f64 {
    let middle = sorted.len() / 2;
    if sorted.len().is_multiple_of(2) { f64::midpoint(sorted[middle - 1], sorted[middle]) } else { sorted[middle] }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_is_in_the_middle() {
        assert_eq!(median(&[3.0]), 3.0);
        assert_eq!(median(&[1.0, 4.0]), 2.5);
        assert_eq!(median(&[1.0, 2.0, 9.0]), 2.0);
        assert_eq!(median(&[1.0, 2.0, 4.0, 9.0]), 3.0);
    }

    #[test]
    fn every_repeat_lasts_as_long_as_asked() {
        let mut calls = 0_u32;
        let start = Instant::now();
        let seconds = Timer::new(3, 2).seconds(|| calls += 1);
        let elapsed = start.elapsed();
        assert!(seconds.len() == 3 && seconds.is_sorted() && calls > 3, "{seconds:?} in {calls} calls");
        assert!(elapsed >= Duration::from_millis(2), "{elapsed:?}");
    }

    #[test]
    fn calls_in_turn_are_timed_apart() {
        let wait = |ms| std::thread::sleep(Duration::from_millis(ms));
        let mut calls: [Box<dyn FnMut()>; 2] = [Box::new(|| wait(8)), Box::new(|| wait(1))];
        let seconds = Timer::new(3, 2).in_turn(&mut calls);
        assert!(seconds.iter().all(|seconds| seconds.len() == 3 && seconds.is_sorted()), "{seconds:?}");
        assert!(median(&seconds[0]) > 2.0 * median(&seconds[1]), "{seconds:?}");
    }

    #[test]
    fn the_shortest_of_each_counts() {
        let (mut slow, mut quick) = (0, 0);
        let wait = |ms| std::thread::sleep(Duration::from_millis(ms));
        let mut calls: [Box<dyn FnMut()>; 2] = [
            Box::new(|| {
                slow += 1;
                wait(if slow == 4 { 4 } else { 30 });
            }),
            Box::new(|| quick += 1),
        ];
        let shortest = Timer::new(3, 1).shortest(2, &mut calls);
        drop(calls);
        assert_eq!((slow, quick), (12, 12));
        assert!((0.004..0.03).contains(&shortest[0]) && shortest[1] < 0.004, "{shortest:?}");
    }

    #[test]
    fn a_line_gives_rates_with_the_smaller_first() {
        let line = line("W1", json!({"n": 10}), 2, Unit::Gigaflops(2e9), &[0.5, 1.0, 2.0]);
        assert_eq!((&line["value"], &line["min"], &line["max"]), (&json!(2.0), &json!(1.0), &json!(4.0)));
        assert_eq!((&line["params"]["n"], &line["threads"], &line["unit"]), (&json!(10), &json!(2), &json!("GFLOP/s")));
    }

    #[test]
    fn a_line_gives_times_in_nanoseconds_an_item() {
        let line = line("W7", json!({"what": "ADWIN"}), 1, Unit::Nanoseconds(100.0), &[1e-6, 2e-6]);
        assert_eq!((&line["value"], &line["unit"], &line["min"]), (&json!(15.0), &json!("ns"), &json!(10.0)));
    }

    #[test]
    fn a_line_gives_times_in_microseconds() {
        let line = line("W3", json!({"d": 8}), 1, Unit::Microseconds, &[1e-6, 2e-6]);
        assert_eq!((&line["value"], &line["unit"], &line["repeats"]), (&json!(1.5), &json!("us"), &json!(2)));
    }
}
