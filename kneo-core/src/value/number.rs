use std::fmt;

use super::ValueError;

const MAX_SAFE: i64 = (1 << 53) - 1;

/// A finite number: an integer within ±(2^53 − 1), or a finite double.
#[derive(Clone, Copy)]
pub struct Number(Repr);

// INVARIANT: `Int` is within ±MAX_SAFE, `Float` is finite.
#[derive(Clone, Copy)]
enum Repr {
    Int(i64),
    Float(f64),
}

impl Number {
    /// An integer.
    ///
    /// # Errors
    /// [`ValueError::IntegerOutOfRange`] beyond ±(2^53 − 1).
    pub fn int(value: i64) -> Result<Number, ValueError> {
        if (-MAX_SAFE..=MAX_SAFE).contains(&value) {
            Ok(Number(Repr::Int(value)))
        } else {
            Err(ValueError::IntegerOutOfRange(value.to_string()))
        }
    }

    /// A floating-point number.
    ///
    /// # Errors
    /// [`ValueError::NotFinite`] for an infinity or NaN.
    pub fn float(value: f64) -> Result<Number, ValueError> {
        if value.is_finite() { Ok(Number(Repr::Float(value))) } else { Err(ValueError::NotFinite) }
    }

    /// The integer, if the number was written as one.
    #[must_use]
    pub fn as_i64(self) -> Option<i64> {
        match self.0 {
            Repr::Int(value) => Some(value),
            Repr::Float(_) => None,
        }
    }

    /// The number as a double; exact for every [`Number`].
    #[must_use]
    #[expect(clippy::cast_precision_loss, reason = "integers are within ±(2^53 − 1), which a double holds exactly")]
    pub fn as_f64(self) -> f64 {
        match self.0 {
            Repr::Int(value) => value as f64,
            Repr::Float(value) => value,
        }
    }
}

impl From<i32> for Number {
    fn from(value: i32) -> Number {
        Number(Repr::Int(i64::from(value)))
    }
}

impl From<u32> for Number {
    fn from(value: u32) -> Number {
        Number(Repr::Int(i64::from(value)))
    }
}

impl PartialEq for Number {
    fn eq(&self, other: &Number) -> bool {
        match (self.0, other.0) {
            (Repr::Int(a), Repr::Int(b)) => a == b,
            _ => self.as_f64() == other.as_f64(),
        }
    }
}

impl PartialOrd for Number {
    fn partial_cmp(&self, other: &Number) -> Option<std::cmp::Ordering> {
        self.as_f64().partial_cmp(&other.as_f64())
    }
}

impl fmt::Debug for Number {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Repr::Int(value) => write!(f, "{value}"),
            Repr::Float(value) => write!(f, "{value:?}"),
        }
    }
}
