//! What is said of a text that stops being YAML somewhere: the mistakes before that, as far as the rest cannot matter.

use crate::diagnostic::{Code, Diagnostic, Diagnostics, Label};
use crate::syntax::Tree;

/// Keeps of what was found in a tree that was cut what would be true whatever followed.
pub(crate) fn keep(found: &Diagnostics, tree: &Tree, cut: usize, sink: &mut Diagnostics) {
    for diagnostic in found {
        let before = |label: &Label| label.span.end() <= cut;
        let is_before = before(&diagnostic.primary) && diagnostic.labels.iter().all(before);
        if is_before && stands(diagnostic, tree) {
            sink.push(diagnostic.clone());
        }
    }
}

/// How far a rule looks.
enum Reach {
    /// At one key or value.
    Value,
    /// At the fields of one construct.
    Construct,
    /// At other parts of the spec.
    Spec,
}

fn stands(diagnostic: &Diagnostic, tree: &Tree) -> bool {
    match reach(diagnostic.code) {
        Reach::Value => true,
        Reach::Construct => tree.is_closed_around(diagnostic.primary.span),
        Reach::Spec => false,
    }
}

fn reach(code: Code) -> Reach {
    match code {
        Code::Version
        | Code::UnknownField
        | Code::UnknownValue
        | Code::WrongType
        | Code::InvalidName
        | Code::NotSupportedYet
        | Code::ExprNeedsQuotes
        | Code::ExprSyntax
        | Code::ExprTooLong
        | Code::ExprTooDeep
        | Code::ExprUnsupported
        | Code::ExprUnknownFunction
        | Code::ExprArguments
        | Code::TemplateUnclosed
        | Code::NoHoles
        | Code::LaunchRefused
        | Code::TlsVerifyDisabled
        | Code::ConstantKey
        | Code::IdMismatch
        | Code::RuntimePreference
        | Code::SecretLiteral
        | Code::SecretSuspected => Reach::Value,
        Code::FieldNotAllowed
        | Code::OutOfRange
        | Code::MissingField
        | Code::TwoSpellings
        | Code::RuntimeMode
        | Code::AsAgentFields
        | Code::AsAgentPrompt
        | Code::AgentToolParameters
        | Code::ToolNoBacking
        | Code::ToolMultipleBackings
        | Code::FunctionNoBacking
        | Code::FunctionMultipleBackings
        | Code::RetryWithoutCount
        | Code::RetryKind
        | Code::FallbackRef
        | Code::OnMaxUnused => Reach::Construct,
        Code::YamlSyntax
        | Code::YamlControlCharacter
        | Code::YamlTooLarge
        | Code::YamlTooDeep
        | Code::YamlTooManyNodes
        | Code::YamlAliasBomb
        | Code::YamlAliasUnknown
        | Code::YamlAliasCycle
        | Code::YamlDuplicateKey
        | Code::YamlMergeKey
        | Code::YamlNonStringKey
        | Code::YamlTag
        | Code::YamlSeveralDocuments
        | Code::YamlIntegerRange
        | Code::YamlNumberNotFinite
        | Code::Internal
        | Code::ExprTooMuch
        | Code::ExprHyphen
        | Code::ExprUnknownRoot
        | Code::ExprUnknownStep
        | Code::ExprUnknownField
        | Code::ExprType
        | Code::LooksLikeExpression
        | Code::ReadMaybeUnrun
        | Code::ReadOptionalOutput
        | Code::ReadAcrossBranches
        | Code::ReadNoDecision
        | Code::NoRoot
        | Code::DuplicateId
        | Code::ComponentRef
        | Code::StepRef
        | Code::ToolRef
        | Code::ServerRef
        | Code::NestedTooDeep
        | Code::Schema
        | Code::SchemaTooMuch
        | Code::SchemaKeyword
        | Code::BuildCycle
        | Code::AgentNoModel
        | Code::UnusedComponent
        | Code::SelectionOptions
        | Code::DefaultOption
        | Code::TimeoutTwice
        | Code::OnTimeoutUnused
        | Code::TemplateOff
        | Code::FallbackTwice
        | Code::FallbackOnly
        | Code::TestName
        | Code::TestRef
        | Code::TestDecision
        | Code::TestInput
        | Code::UnboundedCycle
        | Code::UnreachableNode
        | Code::DeadEnd
        | Code::EdgeNeverTaken
        | Code::RejectionUnhandled
        | Code::FanoutUnstructured
        | Code::JoinUnsatisfiable
        | Code::NoDefaultEdge => Reach::Spec,
    }
}
