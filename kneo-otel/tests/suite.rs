//! Spans and metrics of runs, from recorded histories and from runs of the real runtime.

#[cfg(test)]
mod suite {
    mod scene;
    mod support;

    mod collector;
    mod content;
    mod environment;
    mod exporter;
    mod golden;
    mod guide;
    mod metrics;
    mod otlp;
    mod prefix;
    mod process;
    mod resume;
}
