//! What is counted and measured, in `tests/golden/office_metrics.txt`.

use std::collections::BTreeSet;

use kneo_otel::{OtelObserver, Prices};
use opentelemetry::KeyValue;
use opentelemetry_sdk::metrics::data::{AggregatedMetrics, Metric, MetricData};
use opentelemetry_sdk::metrics::{InMemoryMetricExporter, PeriodicReader, SdkMeterProvider};
use opentelemetry_sdk::trace::Sampler;

use super::scene;
use super::support::{Kept, LONG, Watch, attribute, check, histories};

struct Meters {
    provider: SdkMeterProvider,
    exporter: InMemoryMetricExporter,
}

impl Meters {
    fn new() -> Meters {
        let exporter = InMemoryMetricExporter::default();
        let reader = PeriodicReader::builder(exporter.clone()).build();
        Meters { provider: SdkMeterProvider::builder().with_reader(reader).build(), exporter }
    }

    /// Each point as a line: name, unit, attributes; then the sum, or count and sum.
    fn lines(&self) -> Vec<String> {
        self.provider.force_flush().unwrap();
        let all = self.exporter.get_finished_metrics().unwrap();
        let last = all.last().unwrap();
        let mut lines: Vec<String> = last.scope_metrics().flat_map(|scope| scope.metrics()).flat_map(points).collect();
        lines.sort();
        lines
    }
}

fn points(metric: &Metric) -> Vec<String> {
    let said = |attributes: &mut dyn Iterator<Item = &KeyValue>, what: String| {
        let mut attributes: Vec<String> = attributes.map(|it| format!("{}={}", it.key, it.value)).collect();
        attributes.sort();
        format!("{} [{}] {{{}}} {what}", metric.name(), metric.unit(), attributes.join(", "))
    };
    macro_rules! points {
        ($data:expr) => {
            match $data {
                MetricData::Sum(sum) => {
                    sum.data_points().map(|it| said(&mut it.attributes(), it.value().to_string())).collect()
                }
                MetricData::Histogram(all) => {
                    let point = |it: &opentelemetry_sdk::metrics::data::HistogramDataPoint<_>| {
                        said(&mut it.attributes(), format!("{} of {}", it.sum(), it.count()))
                    };
                    all.data_points().map(point).collect()
                }
                other => panic!("{other:?}"),
            }
        };
    }
    match metric.data() {
        AggregatedMetrics::F64(data) => points!(data),
        AggregatedMetrics::U64(data) => points!(data),
        AggregatedMetrics::I64(data) => panic!("{data:?}"),
    }
}

fn prices() -> Prices {
    Prices::new("EUR").model("clerk", "large", 2.0, 10.0)
}

#[tokio::test(start_paused = true)]
async fn everything_is_counted_and_measured() {
    let meters = Meters::new();
    let watch = Watch::with(|builder| builder.meter_provider(&meters.provider).prices(prices()));
    scene::play(scene::office(), &watch.observer).await;
    let spans = watch.spans();
    check("office_metrics", &(meters.lines().join("\n") + "\n"));
    // Cost is on the spans too: of the answers that have a price, and on the run with a word that others have none.
    let costs = |name: &str| -> BTreeSet<String> {
        let named = spans.iter().filter(|span| span.name == name);
        named
            .filter_map(|span| {
                Some(format!("{} {}", attribute(span, "kneo.cost")?, attribute(span, "kneo.cost.currency")?))
            })
            .collect()
    };
    assert_eq!(costs("chat large"), BTreeSet::from(["0.0025 EUR".into(), "0.00007000000000000001 EUR".into()]));
    assert_eq!(costs("chat"), BTreeSet::new());
    assert_eq!(costs("invoke_agent clerk").len(), 1);
    let partial =
        |name: &str| spans.iter().find(|span| span.name == name).and_then(|it| attribute(it, "kneo.cost.partial"));
    assert_eq!((partial("invoke_agent clerk"), partial("invoke_workflow office")), (None, Some("true".into())));
}

/// A run is counted once, whoever advances it, and the same without spans, or with spans that nobody wants.
#[test]
fn a_run_is_counted_once_whoever_advances_it() {
    for history in histories() {
        let whole = Meters::new();
        let observer = OtelObserver::builder().meter_provider(&whole.provider).build().unwrap();
        history.tell(&observer, &history.records, false);
        let expected = whole.lines();
        for at in 0..=history.records.len() {
            let meters = Meters::new();
            let (before, after) = history.records.split_at(at);
            let first = OtelObserver::builder().meter_provider(&meters.provider).build().unwrap();
            let second = OtelObserver::builder().exporter(Kept::default()).sampler(Sampler::AlwaysOff);
            let second = second.meter_provider(&meters.provider).build().unwrap();
            history.tell(&first, before, false);
            history.tell(&second, before, true);
            history.tell(&second, after, false);
            second.flush_blocking(LONG).unwrap();
            let lines: Vec<String> =
                meters.lines().into_iter().filter(|line| !line.starts_with("kneo.telemetry")).collect();
            assert_eq!(lines.len(), expected.len(), "{} cut at {at}", history.name);
            for (line, expected) in lines.iter().zip(&expected) {
                assert_eq!(rounded(line), rounded(expected), "{} cut at {at}", history.name);
            }
        }
    }
}

/// Sums in another order differ in their last digits.
fn rounded(line: &str) -> String {
    let (labels, value) = line.rsplit_once('}').unwrap();
    let words = value.split(' ').map(|word| word.parse::<f64>().map_or(word.to_owned(), |it| format!("{it:.9}")));
    format!("{labels}}}{}", words.collect::<Vec<_>>().join(" "))
}
