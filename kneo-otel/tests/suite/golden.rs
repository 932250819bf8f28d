//! What histories look like as traces, in `tests/golden`.

use super::scene;
use super::support::{Watch, assert_whole, check, histories, tree};

#[test]
fn histories_fold_to_traces() {
    for history in histories() {
        let spans = history.spans();
        assert_whole(&spans);
        check(&history.name, &tree(&spans));
    }
}

#[tokio::test(start_paused = true)]
async fn everything_that_happens_has_a_span() {
    let watch = Watch::new();
    scene::play(scene::office(), &watch.observer).await;
    let spans = watch.spans();
    check("office", &tree(&spans));
    assert_whole(&spans);
    // The run is in the trace of whoever started it.
    let run = spans.iter().find(|span| span.name == "invoke_workflow office").unwrap();
    let (trace, parent) = (run.span_context.trace_id().to_string(), run.parent_span_id.to_string());
    assert_eq!(format!("00-{trace}-{parent}-01"), scene::PARENT);
    assert!(run.parent_span_is_remote);
}
