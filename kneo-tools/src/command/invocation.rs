//! One call of a command: its program, arguments and environment with every hole filled.

use std::borrow::Cow;
use std::path::PathBuf;
use std::sync::Arc;

use kneo_core::call::CallContext;
use kneo_core::expr::{Env, ExprError, Meter, Root, StepField, TextPart, TextTemplate};
use kneo_core::launch;
use kneo_core::plan::CommandDef;
use kneo_core::value::Value;
use kneo_process::directory;

use super::Settings;
use super::error::{CommandError, Place};

/// Everything that the operating system is told.
#[derive(Debug)]
pub(super) struct Invocation {
    /// The program as the author wrote it, for people.
    pub(super) name: String,
    pub(super) program: PathBuf,
    pub(super) arguments: Vec<Arc<str>>,
    pub(super) environment: Vec<(String, Arc<str>)>,
    pub(super) directory: PathBuf,
}

/// Checks what can be checked of a command before it is called.
pub(super) fn check(command: &CommandDef, settings: &Settings) -> Result<(), CommandError> {
    let Some(program) = command.argv.first() else {
        return Err(CommandError::Invalid("`argv` is empty; name a program".to_owned()));
    };
    if let Some(name) = program.as_literal() {
        settings.search.find(name, &settings.root)?;
    }
    for (name, template) in &command.env {
        let name = name.as_str();
        if let Some(reason) = launch::refuse_variable(name) {
            return Err(CommandError::Invalid(format!("the variable `{name}` of `env`: {reason}")));
        }
        if launch::steers_code(name) && template.as_literal().is_none() {
            let reason = "it decides which code runs, so its value cannot have holes";
            return Err(CommandError::Invalid(format!("the variable `{name}` of `env`: {reason}")));
        }
    }
    directory::within(&settings.root, command.cwd.as_deref())?;
    Ok(())
}

/// Fills every hole of a command.
pub(super) fn fill(
    command: &CommandDef,
    settings: &Settings,
    input: &Value,
    context: &CallContext,
) -> Result<Invocation, CommandError> {
    let holes = Holes { input, context };
    let mut meter = Meter::new();
    let Some((program, arguments)) = command.argv.split_first() else {
        return Err(CommandError::Invalid("`argv` is empty; name a program".to_owned()));
    };
    let (name, program) = fill_program(program, settings, &holes, &mut meter)?;
    let arguments = fill_arguments(arguments, &holes, &mut meter)?;
    let environment = fill_environment(command, settings, &holes, &mut meter)?;
    let directory = directory::within(&settings.root, command.cwd.as_deref())?;
    let directory = directory::enter(&settings.root, &directory)?;
    Ok(Invocation { name, program, arguments, environment, directory })
}

fn fill_program(
    template: &TextTemplate,
    settings: &Settings,
    holes: &Holes<'_>,
    meter: &mut Meter,
) -> Result<(String, PathBuf), CommandError> {
    let name = fill_text(template, Place::Program, holes, meter)?;
    if template.as_literal().is_none() && (name.contains('/') || name.starts_with('-')) {
        let reason = "a program from a hole must be a bare name; write its path without holes";
        return Err(CommandError::ArgumentRefused { place: Place::Program, reason });
    }
    Ok((name.to_string(), settings.search.find(&name, &settings.root)?))
}

fn fill_arguments(
    templates: &[TextTemplate],
    holes: &Holes<'_>,
    meter: &mut Meter,
) -> Result<Vec<Arc<str>>, CommandError> {
    let mut arguments = Vec::with_capacity(templates.len());
    let mut only_operands = false;
    for (template, at) in templates.iter().zip(1..) {
        let argument = fill_text(template, Place::Argument(at), holes, meter)?;
        if !only_operands && argument.starts_with('-') && !begins_as_written(template) {
            let reason =
                "a hole may not begin it with `-`, which would make it an option; put `--` before it in `argv`";
            return Err(CommandError::ArgumentRefused { place: Place::Argument(at), reason });
        }
        only_operands |= template.as_literal() == Some("--");
        arguments.push(argument);
    }
    Ok(arguments)
}

/// Whether the first character of what a template gives stands in the template itself.
fn begins_as_written(template: &TextTemplate) -> bool {
    match template.parts().first() {
        Some(TextPart::Text(text)) => !text.is_empty(),
        Some(TextPart::Hole(_)) | None => false,
    }
}

/// Later entries win, so that the spec may replace what the host gives, and nobody what Kneo gives.
fn fill_environment(
    command: &CommandDef,
    settings: &Settings,
    holes: &Holes<'_>,
    meter: &mut Meter,
) -> Result<Vec<(String, Arc<str>)>, CommandError> {
    let context = holes.context;
    let mut variables: Vec<(String, Arc<str>)> =
        vec![("PATH".to_owned(), settings.search.to_string().into()), ("LANG".to_owned(), "C.UTF-8".into())];
    variables.extend(settings.variables.iter().map(|(name, value)| (name.clone(), value.as_str().into())));
    for (name, template) in &command.env {
        let value = fill_text(template, Place::Variable(name.to_string()), holes, meter)?;
        variables.push((name.to_string(), value));
    }
    let ours: [(&str, Arc<str>); 5] = [
        ("KNEO_RUN_ID", context.run.run.to_string().into()),
        ("KNEO_PATH", context.path.to_string().into()),
        ("KNEO_STEP", context.place().into()),
        ("KNEO_ATTEMPT", context.attempt.to_string().into()),
        ("KNEO_IDEMPOTENCY_KEY", context.key().as_str().into()),
    ];
    variables.extend(ours.map(|(name, value)| (name.to_owned(), value)));
    Ok(variables)
}

fn fill_text(
    template: &TextTemplate,
    place: Place,
    holes: &Holes<'_>,
    meter: &mut Meter,
) -> Result<Arc<str>, CommandError> {
    match template.eval(holes, meter) {
        Ok(text) if text.contains('\0') => {
            Err(CommandError::ArgumentRefused { place, reason: "it holds a NUL character; send it on standard input" })
        }
        Ok(text) => Ok(text),
        Err(error) => Err(invalid(place, &error)),
    }
}

fn invalid(place: Place, error: &ExprError) -> CommandError {
    CommandError::ArgumentInvalid { place, reason: error.to_string() }
}

/// What the holes of a command see.
struct Holes<'a> {
    input: &'a Value,
    context: &'a CallContext,
}

impl Env for Holes<'_> {
    fn root(&self, root: Root) -> Option<Cow<'_, Value>> {
        match root {
            Root::Input => Some(Cow::Borrowed(self.input)),
            Root::RunId => Some(Cow::Owned(Value::from(self.context.run.run.to_string()))),
            Root::RunStartedAt => Some(Cow::Owned(Value::from(self.context.run_started_at.to_string()))),
            _ => None,
        }
    }

    fn step(&self, _: u32, _: StepField) -> Option<Cow<'_, Value>> {
        None
    }
}
