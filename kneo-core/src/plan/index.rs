use serde::{Deserialize, Serialize};

macro_rules! index_type {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(u32);

        impl $name {
            /// Makes an index.
            #[must_use]
            pub const fn new(index: u32) -> Self {
                Self(index)
            }

            /// The index as a number.
            #[must_use]
            pub const fn as_u32(self) -> u32 {
                self.0
            }

            /// The index as an offset into a list.
            #[must_use]
            pub const fn as_usize(self) -> usize {
                self.0 as usize
            }
        }
    };
}

index_type! {
    /// The place of a node in its plan.
    NodeIx
}
index_type! {
    /// The place of an edge in its plan.
    EdgeIx
}
index_type! {
    /// The place of a scope in its plan.
    ScopeIx
}
index_type! {
    /// The place of an agent in its plan.
    AgentIx
}
index_type! {
    /// The place of a tool in its plan.
    ToolIx
}
index_type! {
    /// The place of a function in its plan.
    FunctionIx
}
index_type! {
    /// The place of an MCP server in its plan.
    ServerIx
}
index_type! {
    /// The place of a human in its plan.
    HumanIx
}
index_type! {
    /// The place of a schema in its plan.
    SchemaIx
}
