//! What models cost.

use serde::{Deserialize, Serialize};

/// Tokens that model calls used.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct Usage {
    /// Tokens of the requests.
    #[serde(rename = "input_tokens", default)]
    pub input: u64,
    /// Tokens of the answers.
    #[serde(rename = "output_tokens", default)]
    pub output: u64,
}

impl Usage {
    /// Usage of so many tokens in and out.
    #[must_use]
    pub const fn new(input: u64, output: u64) -> Usage {
        Usage { input, output }
    }

    /// All tokens.
    #[must_use]
    pub const fn total(self) -> u64 {
        self.input.saturating_add(self.output)
    }

    /// Whether nothing was used.
    #[must_use]
    pub const fn is_zero(&self) -> bool {
        self.input == 0 && self.output == 0
    }
}

impl std::ops::Add for Usage {
    type Output = Usage;

    fn add(self, other: Usage) -> Usage {
        Usage::new(self.input.saturating_add(other.input), self.output.saturating_add(other.output))
    }
}

impl std::ops::AddAssign for Usage {
    fn add_assign(&mut self, other: Usage) {
        *self = *self + other;
    }
}
