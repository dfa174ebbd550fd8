//! One run: a network learns context after context, in batches.

use thalweg_autograd::{Grads, Params, Tape, Var};
use thalweg_nn::{Adam, Optimizer, Step};
use thalweg_online::consolidate::{Consolidation, Teacher};
use thalweg_online::head::{Ncm, Slda};
use thalweg_online::memory::{Buffer, BufferKind, project};
use thalweg_online::{AccuracyMatrix, Task};
use thalweg_tensor::Rng;

use super::data::{Batches, CONTEXTS, Contexts};
use super::losses::{binary, distil};
use super::method::{Method, Scenario, Settings};
use super::network::{Batch, Mlp};

/// A network that learns by one of the methods.
#[derive(Debug)]
pub struct Learner<'a> {
    contexts: &'a Contexts<'a>,
    scenario: Scenario,
    method: Method,
    settings: Settings,
    network: Mlp,
    params: Params<f32>,
    adam: Adam,
    tape: Tape<f32>,
    grads: Grads<f32>,
    /// Of what is replayed: A-GEM.
    aside: Grads<f32>,
    held: Consolidation<Mlp>,
    /// One for each class.
    memory: Vec<Buffer<Kept>>,
    /// The network of the context before: iCaRL.
    teacher: Option<Teacher<Mlp>>,
    /// What says the class instead of the network: iCaRL, SLDA.
    head: Option<Head>,
    rng: Rng,
}

/// An image that is learned again, and what was said of it when it was kept.
#[derive(Clone, Debug, Default)]
struct Kept {
    image: usize,
    said: Vec<f32>,
}

#[derive(Debug)]
enum Head {
    Ncm(Ncm),
    Slda(Slda),
}

impl<'a> Learner<'a> {
    /// Before the first context. Networks of one seed begin alike, whatever the method.
    #[must_use]
    pub fn new(contexts: &'a Contexts<'a>, scenario: Scenario, method: Method, settings: Settings, seed: u64) -> Self {
        let (mut params, mut rng) = (Params::new(), Rng::new(seed));
        let network = Mlp::new(&mut params, contexts.data.pixels, settings.hidden, scenario.outputs(), &mut rng);
        let slda = || Head::Slda(Slda::new(settings.hidden, Slda::SHRINKAGE));
        Learner {
            contexts,
            scenario,
            method,
            settings,
            network,
            adam: Adam::new(settings.rate),
            tape: Tape::new(),
            grads: Grads::like(&params),
            aside: Grads::like(&params),
            held: Consolidation::new(method.consolidation(scenario, settings.strength), seed),
            memory: vec![BufferKind::Reservoir.build(settings.budget); 10],
            teacher: None,
            head: (method == Method::Slda).then(slda),
            params,
            rng,
        }
    }

    /// Learns all contexts, and is asked about the held-out images of each of them after each.
    #[must_use]
    pub fn run(mut self) -> AccuracyMatrix {
        let mut accuracies = AccuracyMatrix::default();
        if self.method == Method::Joint {
            self.learn(0, self.contexts.all(), CONTEXTS * self.settings.iterations);
            accuracies.push(self.accuracies());
            return accuracies;
        }
        for context in 0..CONTEXTS {
            let images = self.contexts.learned(context);
            if self.method == Method::Slda {
                self.count(&images);
            } else {
                let mut shown = images.clone();
                if self.method == Method::Icarl {
                    shown.extend(self.memory.iter().flat_map(Buffer::items).map(|kept| kept.image));
                }
                self.learn(context, shown, self.settings.iterations);
                self.end(context, images);
            }
            accuracies.push(self.accuracies());
        }
        accuracies
    }

    fn learn(&mut self, context: usize, images: Vec<usize>, iterations: usize) {
        let mut batches = Batches::new(images, self.settings.batch);
        for _ in 0..iterations {
            let images = batches.draw(&mut self.rng).to_vec();
            let batch = Batch::new(self.contexts, self.scenario, images.iter().copied());
            self.step(context, batch);
            if self.method == Method::ErAce {
                self.keep(&images);
            }
        }
    }

    fn step(&mut self, context: usize, mut batch: Batch) {
        let remembers = self.memory.iter().any(|buffer| !buffer.items().is_empty());
        let replay = (self.method.replays() && remembers).then(|| self.replay());
        if self.method == Method::ErAce {
            batch.among_its_own();
        }
        let Learner { network, params, adam, tape, grads, aside, held, teacher, scenario, settings, .. } = self;
        let pass = tape.pass(params);
        let logits = network.logits(pass.input(batch.images()));
        if self.method == Method::Icarl {
            binary(logits, &batch.targets, 2 * (context + 1), teacher.as_mut(), batch.images()).backward(grads);
        } else {
            let loss = batch.cross_entropy(logits);
            match &replay {
                None => loss + distil(held, *scenario, context, logits, batch.images()),
                Some((past, said)) => {
                    let logits = network.logits(pass.input(past.images()));
                    let again = past.cross_entropy(logits);
                    let share = 1.0 / (context + 1) as f32;
                    match self.method {
                        Method::AGem => {
                            again.backward(aside);
                            loss
                        }
                        Method::ErAce => loss + again,
                        Method::Der => {
                            let [alpha, beta] = settings.der.map(|factor| factor as f32);
                            loss + past.distance(logits, said) * alpha + again * beta
                        }
                        _ => loss * share + again * (1.0 - share),
                    }
                }
            }
            .backward(grads);
        }
        if self.method == Method::AGem && replay.is_some() {
            project(grads, aside);
        }
        held.before_step(params, grads);
        if adam.step(params, grads) == Step::Taken {
            held.after_step(params, settings.rate);
        }
    }

    /// Images that are kept, of each class as often, and what was said of them.
    fn replay(&mut self) -> (Batch, Vec<f32>) {
        let known: Vec<&Buffer<Kept>> = self.memory.iter().filter(|buffer| !buffer.items().is_empty()).collect();
        let rng = &mut self.rng;
        let drawn: Vec<&Kept> = (0..self.settings.replayed)
            .filter_map(|_| {
                let buffer = known[rng.below(known.len())];
                buffer.draw(rng).map(|place| &buffer.items()[place])
            })
            .collect();
        let said = drawn.iter().flat_map(|kept| &kept.said).copied().collect();
        (Batch::new(self.contexts, self.scenario, drawn.iter().map(|kept| kept.image)), said)
    }

    /// A context has ended: what is to be held of it is held, what is to be kept is kept.
    fn end(&mut self, context: usize, mut images: Vec<usize>) {
        self.rng.shuffle(&mut images);
        let Learner { network, params, tape, held, contexts, scenario, .. } = self;
        for &image in images.iter().take(held.rows_to_look_at()) {
            let pass = tape.pass(params);
            let logits = network.logits(pass.input(contexts.data.image(image)));
            held.look(Task::Classify, logits.slice(0, scenario.active(context)), &[], 1.0);
        }
        held.boundary(params, network, contexts.data.pixels);
        if self.method.remembers() && self.method != Method::ErAce {
            self.keep(&images);
        }
        if self.method == Method::Icarl {
            self.teacher = Some(Teacher::new(&self.network, &self.params, self.contexts.data.pixels));
            let mut ncm = Ncm::normalised(self.settings.hidden);
            let kept: Vec<usize> = self.memory.iter().flat_map(Buffer::items).map(|kept| kept.image).collect();
            for (features, image) in self.features(&kept).chunks_exact(self.settings.hidden).zip(&kept) {
                ncm.learn_one(features, self.contexts.class(*image), 1.0);
            }
            self.head = Some(Head::Ncm(ncm));
        }
    }

    /// Offers images to the memory. ER-ACE does so as they come: what is new must be told from the old by the memory alone.
    fn keep(&mut self, images: &[usize]) {
        let Learner { network, params, tape, memory, contexts, rng, .. } = self;
        for &image in images {
            let class = contexts.class(image);
            if let Some(kept) = memory[class].offer(class, rng) {
                let pass = tape.pass(params);
                let said = network.logits(pass.input(contexts.data.image(image)));
                *kept = Kept { image, said: said.to_tensor().as_slice().to_vec() };
            }
        }
    }

    /// SLDA: each image once.
    fn count(&mut self, images: &[usize]) {
        let features = self.features(images);
        let Some(Head::Slda(slda)) = &mut self.head else { return };
        for (features, &image) in features.chunks_exact(self.settings.hidden).zip(images) {
            slda.learn_one(features, self.scenario.target(self.contexts.class(image)), 1.0);
        }
    }

    fn features(&mut self, images: &[usize]) -> Vec<f32> {
        self.ask(images, Mlp::features)
    }

    /// What the network says of images, row-major.
    fn ask(&mut self, images: &[usize], what: impl for<'p> Fn(&Mlp, Var<'p>) -> Var<'p>) -> Vec<f32> {
        let mut said = Vec::new();
        for images in images.chunks(256) {
            let batch = Batch::new(self.contexts, self.scenario, images.iter().copied());
            let pass = self.tape.pass(&self.params);
            what(&self.network, pass.input(batch.images())).with(|rows| said.extend_from_slice(rows));
        }
        said
    }

    /// The accuracy on the held-out images of each context.
    fn accuracies(&mut self) -> Vec<f64> {
        (0..CONTEXTS).map(|context| self.accuracy(context)).collect()
    }

    fn accuracy(&mut self, context: usize) -> f64 {
        let images = self.contexts.held_out(context);
        let (width, scores) = match self.head.is_some() {
            true => (self.settings.hidden, self.features(&images)),
            false => (self.scenario.outputs(), self.ask(&images, Mlp::logits)),
        };
        let active = self.scenario.active(context);
        let mut right = 0;
        for (&image, row) in images.iter().zip(scores.chunks_exact(width)) {
            let row = match &mut self.head {
                None => row,
                Some(Head::Ncm(head)) => head.predict_one(row),
                Some(Head::Slda(head)) => head.predict_one(row),
            };
            let said = active.clone().filter(|&k| k < row.len()).max_by(|&a, &b| row[a].total_cmp(&row[b]));
            right += usize::from(said == Some(self.scenario.target(self.contexts.class(image))));
        }
        right as f64 / images.len() as f64
    }
}

#[cfg(test)]
mod tests {
    use super::super::data::tests::easy;
    use super::*;
    use clap::ValueEnum;

    const SETTINGS: Settings = Settings {
        hidden: 50,
        iterations: 100,
        batch: 10,
        replayed: 10,
        budget: 5,
        rate: 5e-3,
        der: [0.2, 1.0],
        strength: None,
    };

    fn accuracies(scenario: Scenario, method: Method) -> AccuracyMatrix {
        let data = easy();
        let contexts = Contexts::new(&data, 1);
        Learner::new(&contexts, scenario, method, SETTINGS, 1).run()
    }

    #[test]
    fn one_context_is_forgotten_by_the_next_unless_there_is_a_memory() {
        let none = accuracies(Scenario::Class, Method::None);
        assert!((0..CONTEXTS).all(|k| none.rows()[k][k] > 0.9), "each is learned: {none:?}");
        assert!(none.average_accuracy() < 0.4 && none.forgetting() > 0.6, "{none:?}");
        for method in [Method::Er, Method::ErAce, Method::Der, Method::Icarl, Method::Slda] {
            let kept = accuracies(Scenario::Class, method).average_accuracy();
            assert!(kept > 0.75, "{}: {kept}", method.name());
        }
    }

    #[test]
    fn joint_sees_everything() {
        for &scenario in Scenario::value_variants() {
            let joint = accuracies(scenario, Method::Joint);
            assert!(joint.rows().len() == 1 && joint.rows()[0].iter().all(|accuracy| *accuracy > 0.9), "{joint:?}");
        }
    }

    /// θ after some contexts.
    fn theta(scenario: Scenario, method: Method, contexts: usize) -> Vec<u32> {
        let data = easy();
        let digits = Contexts::new(&data, 1);
        let mut learner = Learner::new(&digits, scenario, method, SETTINGS, 1);
        for context in 0..contexts {
            learner.learn(context, digits.learned(context), 3); // from the second step on θ is off its anchor
            learner.end(context, digits.learned(context));
        }
        learner.params.as_slice().iter().map(|theta| theta.to_bits()).collect()
    }

    /// What holds θ, what is distilled, projected or replayed has no part in the first context, and one in the second.
    #[test]
    fn every_method_acts_from_the_second_context_on() {
        let acting = Method::value_variants()
            .iter()
            .copied()
            .filter(|method| (Method::Ewc..=Method::Der).contains(method) && *method != Method::ErAce);
        for method in acting {
            let [alike, apart] =
                [1, 3].map(|contexts| [method, Method::None].map(|method| theta(Scenario::Class, method, contexts)));
            assert!(alike[0] == alike[1], "{} in the first context", method.name());
            assert!(apart[0] != apart[1], "{} later", method.name());
        }
    }

    #[test]
    fn runs_of_one_seed_are_alike() {
        for method in [Method::Ewc, Method::Er] {
            assert_eq!(accuracies(Scenario::Domain, method), accuracies(Scenario::Domain, method));
        }
    }
}
