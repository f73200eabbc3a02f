//! The loss, its descent, and when it ends.

use std::collections::BTreeMap;

use candle_core::{D, DType, Device, Tensor, Var};
use candle_nn::ops::log_softmax;
use candle_nn::{AdamW, Optimizer, ParamsAdamW};

use super::super::Model;
use super::super::evaluate::{Judge, Tally, View, owned};
use super::super::history::{Purchases, Split};
use super::super::popularity::counts;
use super::super::random::Random;
use super::batch::{Distinct, Example, HIDDEN_ONE_IN, draw};
use super::features::{Vocabulary, attributes};
use super::sums::Sums;
use super::{Settings, TwoTower};

/// How far the first vectors lie from nothing.
const BEGIN: f32 = 0.1;
/// How likely an item is in a batch at least, so that its logarithm stays finite.
const LIKELY_MIN: f64 = 1e-9;
/// Moments that are drawn in an epoch at least: a shop of few customers is gone through several times.
const DRAWN_MIN: usize = 4_096;
/// The period of what is bought of late, days.
const LATELY_HALF_LIFE_DAYS: f32 = 20.0;
/// Epochs between two looks at what is watched.
const LOOK_EVERY: usize = 2;
/// Looks without a better recall that end it.
const PATIENCE: usize = 2;
/// Customers that are looked at, the most recent of them evenly taken.
const WATCHED_MAX: usize = 500;

/// Why nothing could be fitted.
#[derive(Debug, thiserror::Error)]
#[error("the towers cannot be computed")]
pub struct FitError(#[from] candle_core::Error);

/// Fits for as many epochs as the settings say.
///
/// # Errors
/// [`FitError`] on a fault of the tensors' library.
pub fn fit(purchases: &Purchases, settings: Settings, seed: u64) -> Result<TwoTower, FitError> {
    let mut training = Training::begin(purchases, settings, seed)?;
    for _ in 0..settings.epochs {
        training.epoch()?;
    }
    Ok(training.towers()?)
}

/// Fits on what was bought before the split until the recall of new items after it no longer rises. The best towers, and
/// the epochs that they took.
///
/// # Errors
/// [`FitError`] on a fault of the tensors' library.
pub fn fit_watched(
    split: &Split,
    settings: Settings,
    seed: u64,
) -> Result<(TwoTower, usize), FitError> {
    let mut training = Training::begin(&split.before, settings, seed)?;
    let mut best: Option<(f64, TwoTower, usize)> = None;
    let mut worse = 0;
    for epoch in 1..=settings.epochs {
        training.epoch()?;
        if epoch % LOOK_EVERY > 0 {
            continue;
        }
        let towers = training.towers()?;
        let recall = watch(&towers, split);
        if best.as_ref().is_none_or(|(most, ..)| recall > *most) {
            best = Some((recall, towers, epoch));
            worse = 0;
        } else {
            worse += 1;
        }
        if worse == PATIENCE {
            break;
        }
    }
    match best {
        Some((_, towers, epochs)) => Ok((towers, epochs)),
        None => Ok((training.towers()?, settings.epochs)),
    }
}

/// The recall of new items among a part of the customers.
fn watch(towers: &TwoTower, split: &Split) -> f64 {
    let judge = Judge::new(split);
    let customers: Vec<usize> = judge.customers().collect();
    let mut tally = Tally::default();
    let mut scores = vec![0.0; split.before.items.len()];
    for at in customers
        .iter()
        .step_by(customers.len().div_ceil(WATCHED_MAX).max(1))
    {
        towers.score(&split.before.customers[*at].shopper(split.cut), &mut scores);
        let (shown, truth) = judge.shown(*at, View::New, &scores);
        tally.add(&shown, &truth);
    }
    tally
        .figures(judge.sold())
        .map_or(0.0, |figures| figures.recall)
}

struct Training<'a> {
    purchases: &'a Purchases,
    settings: Settings,
    random: Random,
    vocabulary: Vocabulary,
    attributes: BTreeMap<String, u32>,
    bags: Vec<Vec<(u32, f32)>>,
    /// The share of each item among what is bought by whom.
    shares: Vec<f64>,
    /// How much was ever bought of each item, as a logarithm: examples are from all times.
    ever: Vec<f32>,
    /// How much is bought of each item of late, which takes its place where something is recommended.
    lately: Vec<f32>,
    table: Var,
    map: Var,
    added: Var,
    optimizer: AdamW,
}

impl<'a> Training<'a> {
    fn begin(purchases: &'a Purchases, settings: Settings, seed: u64) -> candle_core::Result<Self> {
        let mut random = Random::new(seed);
        let vocabulary = Vocabulary::of(purchases);
        let attributes = attributes(purchases);
        let width = settings.width.max(2);
        let settings = Settings { width, ..settings };
        let mut drawn = |rows: usize, columns: usize| {
            let values: Vec<f32> = (0..rows * columns)
                .map(|_| BEGIN * random.normal())
                .collect();
            Var::from_tensor(&Tensor::from_vec(values, (rows, columns), &Device::Cpu)?)
        };
        let table = drawn(vocabulary.len(), width)?;
        // At first a shopper's vector is what they bought.
        let one = |at: usize| f32::from(u8::from(at / (width - 1) == at % (width - 1)));
        let map: Vec<f32> = (0..(width - 1) * (width - 1)).map(one).collect();
        let map = Var::from_tensor(&Tensor::from_vec(
            map,
            (width - 1, width - 1),
            &Device::Cpu,
        )?)?;
        let added = drawn(attributes.len().max(1), width - 1)?;
        let variables = vec![table.clone(), map.clone(), added.clone()];
        let parameters = ParamsAdamW {
            lr: settings.rate,
            weight_decay: settings.decay,
            ..ParamsAdamW::default()
        };
        let optimizer = AdamW::new(variables, parameters)?;
        let items = purchases.items.iter().zip(0..);
        let bags = items
            .map(|(item, at)| vocabulary.bag(Some(at), item))
            .collect();
        let shares = shares(purchases);
        let ever = amounts(purchases, f32::INFINITY);
        let lately = amounts(purchases, LATELY_HALF_LIFE_DAYS);
        Ok(Self {
            purchases,
            settings,
            random,
            vocabulary,
            attributes,
            bags,
            shares,
            ever,
            lately,
            table,
            map,
            added,
            optimizer,
        })
    }

    /// One pass over the customers, or some if they are few.
    fn epoch(&mut self) -> candle_core::Result<()> {
        let count = self.purchases.customers.len();
        let passes = DRAWN_MIN.div_ceil(count.max(1));
        let mut customers: Vec<usize> = (0..passes).flat_map(|_| 0..count).collect();
        self.random.shuffle(&mut customers);
        let purchases = self.purchases;
        let half_life_days = self.settings.half_life_days;
        let mut examples = Vec::new();
        for at in customers {
            let customer = &purchases.customers[at];
            examples.extend(draw(at, customer, half_life_days, &mut self.random));
            if examples.len() == self.settings.batch {
                self.step(&examples)?;
                examples.clear();
            }
        }
        if examples.len() > 1 {
            self.step(&examples)?;
        }
        Ok(())
    }

    /// One step down the loss: the cross entropy of what each customer bought next among all that is wanted in the
    /// batch, each item's logit lowered by the logarithm of how likely it is among them.
    fn step(&mut self, examples: &[Example]) -> candle_core::Result<()> {
        let mut wanted = Distinct::default();
        let mut targets = Vec::new();
        for (row, example) in examples.iter().enumerate() {
            let each = 1.0 / (example.wanted.len() * examples.len()) as f32;
            let places = example.wanted.iter().map(|item| wanted.place(*item));
            targets.extend(places.map(|column| (row, column, each)));
        }
        let drawn = targets.len() as f64;
        let offsets = wanted.items.iter().map(|item| {
            let share = self.shares[*item as usize];
            let likely = (1.0 - (1.0 - share).powf(drawn)).max(LIKELY_MIN);
            self.ever[*item as usize] - likely.ln() as f32
        });
        let offsets = Tensor::from_iter(offsets, &Device::Cpu)?;
        let targets = dense(examples.len(), wanted.items.len(), &targets)?;

        let shown = wanted.items.iter().map(|item| self.hidden(*item)).collect();
        let items = Sums(shown).of(&self.table)?;
        let logits = self.customers(examples)?.matmul(&items.t()?)?;
        let likelihoods = log_softmax(&logits.broadcast_add(&offsets)?, D::Minus1)?;
        let loss = (likelihoods * targets)?.sum_all()?.neg()?;
        self.optimizer.backward_step(&loss)
    }

    /// The vectors of examples' customers, of what they bought and what is told of them.
    fn customers(&self, examples: &[Example]) -> candle_core::Result<Tensor> {
        let bought = examples.iter().map(|example| {
            let items = example.bought.iter();
            let features = items.flat_map(|(item, of_item)| {
                let bag = self.bags[*item as usize].iter();
                bag.map(move |(feature, weight)| (*feature, of_item * weight))
            });
            features.collect()
        });
        let told = examples.iter().map(|example| {
            let told = &self.purchases.customers[example.customer].attributes;
            let known = told.iter().filter_map(|one| self.attributes.get(one));
            known.map(|at| (*at, 1.0)).collect()
        });
        let bought = Sums(bought.collect()).of(&self.table)?;
        let bought = bought.narrow(1, 0, self.settings.width - 1)?.contiguous()?;
        let told = Sums(told.collect()).of(&self.added)?;
        let one = Tensor::ones((examples.len(), 1), DType::F32, &Device::Cpu)?;
        Tensor::cat(&[(bought.matmul(&self.map)? + told)?, one], 1)
    }

    /// An item's features, now and then without its own.
    fn hidden(&mut self, item: u32) -> Vec<(u32, f32)> {
        let hidden = self.random.below(HIDDEN_ONE_IN) == 0;
        let bag = self.bags[item as usize].iter().copied();
        bag.filter(|(feature, _)| !(hidden && self.vocabulary.is_own(*feature)))
            .collect()
    }

    fn towers(&self) -> candle_core::Result<TwoTower> {
        let mut items = flat(&Sums(self.bags.clone()).of(&self.table.detach())?)?;
        let last = items
            .chunks_exact_mut(self.settings.width)
            .filter_map(|one| one.last_mut());
        for (popularity, lately) in last.zip(&self.lately) {
            *popularity += lately;
        }
        let mut sold: Vec<f32> = self
            .lately
            .iter()
            .copied()
            .filter(|one| *one > 0.0)
            .collect();
        sold.sort_by(f32::total_cmp);
        let added = flat(&self.added)?;
        let added = added.chunks_exact(self.settings.width - 1);
        let attributes = self
            .attributes
            .keys()
            .cloned()
            .zip(added.map(<[f32]>::to_vec));
        Ok(TwoTower {
            width: self.settings.width,
            half_life_days: self.settings.half_life_days,
            vocabulary: self.vocabulary.clone(),
            table: flat(&self.table)?,
            items,
            usual: sold.get(sold.len() / 2).copied().unwrap_or_default(),
            map: flat(&self.map)?,
            attributes: attributes.collect(),
        })
    }
}

/// The logarithm of how much is bought of each item, half a purchase added, beside an item that nobody bought; the
/// likelihoods of a softmax have no other base.
fn amounts(purchases: &Purchases, half_life_days: f32) -> Vec<f32> {
    let now = purchases.last().unwrap_or_default();
    let counts = counts(purchases, now, half_life_days);
    counts
        .iter()
        .map(|count| (1.0 + 2.0 * count).ln())
        .collect()
}

/// The share of each item among all pairs of a customer and an item that they bought.
fn shares(purchases: &Purchases) -> Vec<f64> {
    let mut shares = vec![0.0; purchases.items.len()];
    let mut total = 0.0;
    for customer in &purchases.customers {
        for item in owned(&customer.bought) {
            shares[item as usize] += 1.0;
            total += 1.0;
        }
    }
    shares
        .iter_mut()
        .for_each(|share| *share /= f64::max(total, 1.0));
    shares
}

fn dense(
    rows: usize,
    columns: usize,
    values: &[(usize, usize, f32)],
) -> candle_core::Result<Tensor> {
    let mut all = vec![0f32; rows * columns];
    for (row, column, value) in values {
        all[row * columns + column] += value;
    }
    Tensor::from_vec(all, (rows, columns), &Device::Cpu)
}

fn flat(tensor: &Tensor) -> candle_core::Result<Vec<f32>> {
    tensor.flatten_all()?.to_vec1()
}
