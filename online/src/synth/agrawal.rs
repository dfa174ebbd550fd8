//! People who ask for a loan.

use serde::{Deserialize, Serialize};

use super::balance::Balance;
use super::example::Column;
use super::random::{Random, Seed};
use super::settings::{Options as _, generator, options};
use super::{Error, Generator};

options! {
    /// Options of [`Agrawal`].
    AgrawalOptions as "agrawal" {
        /// Which of the ten functions, from 0.
        function: usize = 0, in 0..=9;
        /// Whether the classes come in turn.
        balance: bool = false, in ..;
        /// How far numbers are moved after the class has been decided, as a share of their range.
        perturbation: f64 = 0.0, in 0.0..=1.0;
    }
}

/// Nine attributes of people, and ten functions that put them in group A (class 0) or group B (class 1) (Agrawal, Imielinski
/// and Swami, Database mining: a performance perspective, IEEE Transactions on Knowledge and Data Engineering 5(6), 1993).
///
/// Salary is uniform from 20 000 to 150 000; commission from 10 000 to 75 000, or 0 from a salary of 75 000 on; age from 20
/// to 80; level of education from 0 to 4; maker of the car from 1 to 20; zip code from 0 to 8; value of the house from 0.5 to
/// 1.5 times 100 000 · (9 - zip code); years it has been owned from 1 to 30; loan from 0 to 500 000. A perturbation of `p`
/// adds up to `± p / 2` of its range to a number, which stays in it.
///
/// River's rows differ: in functions 0 to 5 class 1 is group A; function 4 looks at the salary in three places where the
/// paper looks at the loan, and has 75 000 for 100 000 in the last; in functions 6 to 9 the limit is 1, not 0; the commission
/// reaches 85 000; houses of zip code 8 are worth nothing; a perturbation moves twice as far, and puts houses out of their
/// range.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Agrawal {
    options: AgrawalOptions,
    seed: Seed,
    random: Random,
    balance: Balance,
}

/// A row in which every attribute has its name.
struct Person {
    salary: f64,
    commission: f64,
    age: f64,
    education: f64,
    house: f64,
    years: f64,
    loan: f64,
}

impl Agrawal {
    /// Starts the generator.
    ///
    /// # Errors
    ///
    /// If an option is out of its range.
    pub fn new(options: AgrawalOptions, seed: Seed) -> Result<Self, Error> {
        options.check()?;
        Ok(Agrawal { options, seed, random: seed.random(), balance: Balance::new(options.balance) })
    }

    /// The class of a row that is not perturbed.
    #[must_use]
    pub fn label(&self, x: &[f64]) -> usize {
        let person =
            Person { salary: x[0], commission: x[1], age: x[2], education: x[3], house: x[6], years: x[7], loan: x[8] };
        let river = self.seed.is_river();
        let function = self.options.function;
        let a = if river && function == 4 { person.river_4() } else { person.in_group_a(function, river) };
        usize::from(a == (river && function < 6))
    }

    fn draw(&mut self, x: &mut Vec<f64>) -> usize {
        let river = self.seed.is_river();
        let start = x.len();
        let random = &mut self.random;
        let salary = 20_000.0 + 130_000.0 * random.uniform();
        let most = if river { 75_000.0 } else { 65_000.0 };
        let commission = if salary >= 75_000.0 { 0.0 } else { 10_000.0 + most * random.uniform() };
        let (age, education) = (20.0 + random.code(61), random.code(5));
        let (car, zipcode) = (1.0 + random.code(20), random.code(9));
        let house = (if river { 8.0 } else { 9.0 } - zipcode) * 100_000.0 * (0.5 + random.uniform());
        let (years, loan) = (1.0 + random.code(30), random.uniform() * 500_000.0);
        x.extend([salary, commission, age, education, car, zipcode, house, years, loan]);
        self.label(&x[start..])
    }

    fn perturb(&mut self, x: &mut [f64]) {
        let river = self.seed.is_river();
        let mut moved = |value: f64, low: f64, high: f64, range: f64| {
            let reach = if river { 2.0 } else { 1.0 };
            let value = value + range * (reach * (self.random.uniform() - 0.5)) * self.options.perturbation;
            // In River's case of houses the lowest is above the highest.
            if value < low { low } else { value.min(high) }
        };
        x[0] = moved(x[0], 20_000.0, 150_000.0, 130_000.0);
        if x[1] > 0.0 {
            x[1] = moved(x[1], 10_000.0, 75_000.0, 65_000.0);
        }
        x[2] = moved(x[2], 20.0, 80.0, 60.0).round_ties_even();
        let base = (9.0 - x[5]) * 100_000.0;
        let (low, high, range) = if river { (base, 0.0, 135_000.0) } else { (0.5 * base, 1.5 * base, base) };
        x[6] = moved(x[6], low, high, range);
        x[7] = moved(x[7], 1.0, 30.0, 29.0).round_ties_even();
        x[8] = moved(x[8], 0.0, 500_000.0, 500_000.0);
    }
}

impl Person {
    fn in_group_a(&self, function: usize, river: bool) -> bool {
        let limit = if river { 1.0 } else { 0.0 };
        let income = 2.0 * (self.salary + self.commission) / 3.0;
        match function {
            0 => self.age < 40.0 || self.age >= 60.0,
            1 => within(self.salary, self.by_age([50, 75, 25])),
            2 => self.is_educated(),
            3 => within(self.salary, self.by_age(if self.is_educated() { [25, 50, 50] } else { [50, 75, 25] })),
            4 => {
                let middling = within(self.salary, self.by_age([50, 75, 25]));
                let from = self.by_age(if middling { [100, 200, 300] } else { [200, 300, 100] });
                (from..=from + 200_000.0).contains(&self.loan)
            }
            5 => within(self.salary + self.commission, self.by_age([50, 75, 25])),
            6 => income - self.loan / 5.0 - 20_000.0 > limit,
            7 => income - 5_000.0 * self.education - 20_000.0 > limit,
            8 => income - 5_000.0 * self.education - self.loan / 5.0 - 10_000.0 > limit,
            _ => {
                let equity = if self.years >= 20.0 { self.house * (self.years - 20.0) / 10.0 } else { 0.0 };
                income - 5_000.0 * self.education + equity / 5.0 - 10_000.0 > limit
            }
        }
    }

    /// Function 4 as it stands in River.
    fn river_4(&self) -> bool {
        let (salary, loan) = (self.salary, self.loan);
        match (within(salary, self.by_age([50, 75, 25])), self.age) {
            (true, age) if age < 40.0 => (100_000.0..=300_000.0).contains(&loan),
            (false, age) if age < 40.0 => (200_000.0..=400_000.0).contains(&salary),
            (true, age) if age < 60.0 => salary >= 200_000.0 && loan <= 400_000.0,
            (false, age) if age < 60.0 => (300_000.0..=500_000.0).contains(&salary),
            (true, _) => (300_000.0..=500_000.0).contains(&loan),
            (false, _) => (75_000.0..=300_000.0).contains(&loan),
        }
    }

    /// The number of thousands for those under 40, for those under 60, and for the others.
    fn by_age(&self, [young, middle, old]: [u32; 3]) -> f64 {
        1_000.0
            * f64::from(if self.age < 40.0 {
                young
            } else if self.age < 60.0 {
                middle
            } else {
                old
            })
    }

    /// Whether the level of education is one of those that functions 2 and 3 have for the age.
    fn is_educated(&self) -> bool {
        let from = self.by_age([0, 1, 2]) / 1_000.0;
        let to = self.by_age([1, 3, 4]) / 1_000.0;
        (from..=to).contains(&self.education)
    }
}

/// Whether the amount is within 50 000 from `low` on.
fn within(amount: f64, low: f64) -> bool {
    (low..=low + 50_000.0).contains(&amount)
}

generator!(Agrawal, AgrawalOptions);

impl Generator for Agrawal {
    fn columns(&self) -> Vec<Column> {
        Column::numbers(&["salary", "commission", "age", "elevel", "car", "zipcode", "hvalue", "hyears", "loan"])
    }

    fn classes(&self) -> usize {
        2
    }

    fn fill(&mut self, x: &mut Vec<f64>) -> f64 {
        let start = x.len();
        let mut balance = self.balance.clone();
        let y = balance.pass(x, |x| self.draw(x));
        self.balance = balance;
        if self.options.perturbation > 0.0 {
            self.perturb(&mut x[start..]);
        }
        y
    }

    fn check(&self) -> Result<(), Error> {
        self.options.check()
    }
}
