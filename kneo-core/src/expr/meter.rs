use super::ExprError;
use crate::value::Value;

/// The most steps that one [`Meter`] allows.
pub const MAX_STEPS: u32 = 10_000;

/// The largest value, in bytes of [`Value::size`], that an expression may build; what it only reads has no bound.
pub const MAX_BUILT_BYTES: u64 = 1 << 20;

/// The bytes that are read or written for one step.
const BYTES_PER_STEP: u64 = 1024;

/// The steps that are left to one evaluation.
///
/// A node, an iteration of a macro, and each KiB that is compared, searched or built cost a step, so that time and
/// memory are bounded together. A template's holes may share one meter.
#[derive(Debug, Clone)]
pub struct Meter {
    steps_left: u32,
}

impl Default for Meter {
    fn default() -> Meter {
        Meter::new()
    }
}

impl Meter {
    /// A meter with [`MAX_STEPS`] left.
    #[must_use]
    pub fn new() -> Meter {
        Meter { steps_left: MAX_STEPS }
    }

    /// The steps taken so far.
    #[must_use]
    pub fn steps(&self) -> u32 {
        MAX_STEPS - self.steps_left
    }

    #[inline]
    pub(super) fn step(&mut self) -> Result<(), ExprError> {
        self.charge(1)
    }

    /// Pays for work over this many bytes.
    #[inline]
    pub(super) fn bytes(&mut self, bytes: u64) -> Result<(), ExprError> {
        self.charge(u32::try_from(bytes / BYTES_PER_STEP).unwrap_or(u32::MAX))
    }

    /// Pays for a value that was built, and refuses one that is too large.
    #[inline]
    pub(super) fn built(&mut self, value: Value) -> Result<Value, ExprError> {
        let size = value.size();
        if size > MAX_BUILT_BYTES {
            return Err(ExprError::too_large());
        }
        self.bytes(size)?;
        Ok(value)
    }

    #[inline]
    fn charge(&mut self, steps: u32) -> Result<(), ExprError> {
        match self.steps_left.checked_sub(steps) {
            Some(left) => {
                self.steps_left = left;
                Ok(())
            }
            None => {
                self.steps_left = 0;
                Err(ExprError::too_many_steps())
            }
        }
    }
}
