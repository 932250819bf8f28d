//! What may stand in a child's environment, of which nothing is inherited.

/// Why a variable may not have this value, if it may not.
#[must_use]
pub fn refuse_value(value: &str) -> Option<&'static str> {
    value.contains('\0').then_some("a value cannot hold a NUL character")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_those_that_an_environment_can_hold() {
        assert!(refuse_value("a\0b").is_some() && refuse_value("a b\n").is_none());
    }
}
