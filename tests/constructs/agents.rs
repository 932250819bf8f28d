//! Agents that others ask, and workflows that play agents.

use kneo::task::TaskCause;
use kneo::testkit::{answer, asks_for};
use kneo::{Decision, Outcome, Value};

use super::support::*;

/// Asks the tool `expert` once, then says what it heard.
fn boss() -> std::sync::Arc<kneo::testkit::ScriptedModel> {
    scripted(|request| match results(request) {
        Some(heard) => Ok(answer(&format!("heard {}", heard.join("; ")))),
        None => {
            let offer = request.tools.first().expect("the tool is offered");
            assert_eq!((&*offer.name, &*offer.description), ("expert", "knows the law"));
            let fixed = r#"{
                "type": "object",
                "properties": {"input": {"type": "string"}},
                "required": ["input"],
                "additionalProperties": false
            }"#;
            assert_eq!(offer.parameters, json(fixed));
            Ok(asks_for([("expert", json(r#"{"input": "why"}"#))]))
        }
    })
}

const ASKS: &str = r#"
version: v1
templates: true
components:
  agents:
    boss: {model: {provider: boss}, tools: [expert]}
    expert: {description: knows the law, model: {provider: expert}, system_prompt: "Asked {{ input }}.", tools: [look]}
tools:
  expert: {agent: expert APPROVAL}
  look: {implementation: look, effect: read}
workflow:
  type: sequential
  steps: [{id: work, kind: agent, ref: boss}]
"#;

fn expert() -> std::sync::Arc<kneo::testkit::ScriptedModel> {
    scripted(|request| match results(request) {
        Some(found) => Ok(answer(&format!("{} says {}", request.messages[0].to_text(), found.join("")))),
        None => Ok(asks_for([("look", json("{}"))])),
    })
}

fn look() -> std::sync::Arc<dyn kneo::tool::Tool> {
    let given = |_: serde_json::Value| async { Ok::<_, std::io::Error>("the book") };
    kneo::tool::tool("look", "looks", given).unwrap()
}

#[tokio::test(start_paused = true)]
async fn an_agent_asks_another_with_its_tools_and_prompt() {
    let harness = harness();
    let builder = harness.builder().provider("boss", boss()).provider("expert", expert()).tool(look());
    let (_runtime, run) = start(builder, &ASKS.replace("APPROVAL", ""), "1").await;
    assert_eq!(completed(&run).await, Value::from("heard Asked why. says the book"));
    let journal = harness.journal(run.id()).await.unwrap();
    assert_eq!((count(&journal, "call_delegated"), count(&journal, "call_returned")), (1, 1));
}

#[tokio::test(start_paused = true)]
async fn a_person_may_have_to_agree_before_an_agent_is_asked() {
    let spec = ASKS.replace("APPROVAL", r#", approval: {when: "input.input == 'why'"}"#);
    let harness = harness();
    let builder = harness.builder().provider("boss", boss()).provider("expert", expert()).tool(look());
    let (runtime, run) = start(builder, &spec, "1").await;
    let Outcome::Blocked(tasks) = run.wait().await.unwrap() else { panic!("nobody is asked") };
    assert!(matches!(&tasks[0].request.cause, TaskCause::Approval { of } if *of == "expert"), "{tasks:?}");
    runtime.decide(tasks[0].task, Decision::reject_because("not now"), ana()).await.unwrap();
    let output = completed(&run).await.to_text();
    assert!(output.contains("error: ") && output.contains("not now"), "{output}");
}

/// A workflow that plays an agent runs wherever the agent is asked: as a step, as a tool, as the whole spec.
#[tokio::test(start_paused = true)]
async fn a_workflow_plays_an_agent() {
    let letters = "
components:
  workflows:
    letters:
      type: sequential
      steps:
        - {id: write, kind: function, ref: {implementation: write}}
        - {id: sign, kind: set, set: {letter: \"{{ steps.write.output }}\", for: \"{{ input }}\"}}
  agents:
    office: {description: knows the law, as_agent: letters}
    boss: {model: {provider: boss}, tools: [expert]}
tools:
  expert: {agent: office}
";
    let write = || gives(|value| Ok(Value::from(format!("dear {}", value.to_text()))));
    let host = || harness().builder().function("write", write()).provider("boss", boss());

    let step = "version: v1\nworkflow: {type: sequential, steps: [{id: ask, kind: agent, ref: office, input: ben}]}\n";
    let found = output(host(), &format!("{step}{letters}"), r#""ana""#).await;
    assert_eq!(found, json(r#"{"letter": "dear ben", "for": "ben"}"#));

    let tool = "version: v1\nworkflow: {type: sequential, steps: [{id: ask, kind: agent, ref: boss}]}\n";
    let found = output(host(), &format!("{tool}{letters}"), r#""ana""#).await.to_text().to_string();
    assert_eq!(found, r#"heard {"letter":"dear why","for":"why"}"#);

    let root = "version: v1\nagent: {name: root, as_agent: letters}\n";
    let found = output(host(), &format!("{root}{letters}"), r#""ana""#).await;
    assert_eq!(found, json(r#"{"letter": "dear ana", "for": "ana"}"#));
}
