//! What models cost, as the host says.

use std::collections::BTreeMap;
use std::ops::AddAssign;
use std::sync::Arc;

use kneo_core::Usage;
use kneo_core::plan::ModelDef;

/// What tokens of models cost.
///
/// Prices are the host's: none is built in, and what has no price has no cost. The cost of a run, an agent or an answer
/// is an attribute of its span (`kneo.cost`), and the metric `kneo.cost` adds up what answers cost.
///
/// ```
/// use kneo_otel::Prices;
///
/// // Per million tokens in, per million tokens out.
/// let prices = Prices::new("USD").model("openai", "gpt-5", 1.25, 10.0).provider("local", 0.0, 0.0);
/// # let _ = prices;
/// ```
#[derive(Clone, Debug)]
pub struct Prices {
    currency: Arc<str>,
    models: BTreeMap<String, ByModel>,
}

#[derive(Clone, Default, Debug)]
struct ByModel {
    named: BTreeMap<String, Price>,
    other: Option<Price>,
}

/// Of a million tokens in, and of a million tokens out.
#[derive(Clone, Copy, Debug)]
struct Price {
    input: f64,
    output: f64,
}

impl Prices {
    /// Prices in a currency, by its code in ISO 4217, such as `EUR`.
    pub fn new(currency: impl Into<Arc<str>>) -> Prices {
        Prices { currency: currency.into(), models: BTreeMap::new() }
    }

    /// The price of a million tokens in and of a million tokens out, of a model by its name in the spec and the name
    /// under which the host registers its provider.
    #[must_use]
    pub fn model(mut self, provider: impl Into<String>, model: impl Into<String>, input: f64, output: f64) -> Prices {
        let models = self.models.entry(provider.into()).or_default();
        models.named.insert(model.into(), Price { input, output });
        self
    }

    /// [`Prices::model`] for each model of a provider that has no price of its own.
    #[must_use]
    pub fn provider(mut self, provider: impl Into<String>, input: f64, output: f64) -> Prices {
        self.models.entry(provider.into()).or_default().other = Some(Price { input, output });
        self
    }

    pub(crate) fn currency(&self) -> &Arc<str> {
        &self.currency
    }

    /// What is wrong with them, if anything is.
    pub(crate) fn problem(&self) -> Option<String> {
        if self.currency.len() != 3 || !self.currency.bytes().all(|byte| byte.is_ascii_uppercase()) {
            return Some(format!("{:?} as their currency", self.currency));
        }
        let mut prices = self.models.values().flat_map(|models| models.named.values().chain(&models.other));
        let wrong = prices.find(|price| ![price.input, price.output].iter().all(|it| it.is_finite() && *it >= 0.0));
        wrong.map(|price| format!("{} and {}", price.input, price.output))
    }

    /// What so many tokens of a model cost.
    fn cost(&self, model: &ModelDef, used: Usage) -> Option<f64> {
        let of = self.models.get(model.provider.as_str())?;
        let named = model.name.as_ref().and_then(|name| of.named.get(&**name));
        let price = named.or(of.other.as_ref())?;
        #[expect(clippy::cast_precision_loss, reason = "a cost is told to a few digits")]
        let [input, output] = [used.input, used.output].map(|tokens| tokens as f64 / 1e6);
        Some(input.mul_add(price.input, output * price.output))
    }
}

/// What was used, and what that cost.
#[derive(Clone, Copy, PartialEq, Default, Debug)]
pub(crate) struct Spent {
    pub(crate) used: Usage,
    /// `None`: nothing that was used has a price.
    pub(crate) cost: Option<f64>,
    /// Something that was used has no price.
    pub(crate) partial: bool,
}

impl Spent {
    pub(crate) fn new(used: Usage, model: Option<&ModelDef>, prices: Option<&Prices>) -> Spent {
        let cost = prices.zip(model).and_then(|(prices, model)| prices.cost(model, used));
        Spent { used, cost, partial: cost.is_none() && !used.is_zero() }
    }
}

impl AddAssign for Spent {
    fn add_assign(&mut self, more: Spent) {
        self.used += more.used;
        self.cost = match (self.cost, more.cost) {
            (Some(cost), Some(more)) => Some(cost + more),
            (cost, more) => cost.or(more),
        };
        self.partial |= more.partial;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn model(provider: &str, name: Option<&str>) -> ModelDef {
        let name = name.map(Arc::from);
        ModelDef { provider: provider.parse().unwrap(), name, temperature: None, token_budget: None, extra: None }
    }

    #[test]
    fn the_price_of_a_model_comes_before_that_of_its_provider() {
        let prices = Prices::new("EUR").model("a", "big", 2.0, 8.0).provider("a", 1.0, 1.0).model("b", "x", 3.0, 3.0);
        let cost = |provider, name| {
            let cost = Spent::new(Usage::new(1_000_000, 500_000), Some(&model(provider, name)), Some(&prices)).cost;
            cost.map(|cost| (cost * 1e6).round() / 1e6)
        };
        assert_eq!(cost("a", Some("big")), Some(6.0));
        assert_eq!(cost("a", Some("small")), Some(1.5));
        assert_eq!(cost("a", None), Some(1.5));
        assert_eq!(cost("b", Some("x")), Some(4.5));
        assert_eq!((cost("b", Some("y")), cost("b", None), cost("c", Some("big"))), (None, None, None));
    }

    #[test]
    fn a_sum_tells_whether_something_is_missing() {
        let prices = Prices::new("EUR").provider("a", 1.0, 1.0);
        let spent = |provider| Spent::new(Usage::new(1, 1), Some(&model(provider, None)), Some(&prices));
        let mut sum = Spent::default();
        assert!(!sum.partial && sum.cost.is_none());
        sum += spent("a");
        assert!(!sum.partial && sum.cost.is_some());
        sum += spent("b");
        assert!(sum.partial && sum.cost == spent("a").cost);
        assert_eq!(sum.used, Usage::new(2, 2));
    }

    #[test]
    fn prices_that_are_none_are_told() {
        assert_eq!(Prices::new("EUR").provider("a", 0.0, 1.0).problem(), None);
        for wrong in [
            Prices::new("euro"),
            Prices::new("eur"),
            Prices::new("EUR").provider("a", -1.0, 1.0),
            Prices::new("EUR").model("a", "b", 1.0, f64::NAN),
            Prices::new("EUR").model("a", "b", f64::INFINITY, 1.0),
        ] {
            assert!(wrong.problem().is_some(), "{wrong:?}");
        }
    }
}
