//! The code in the documentation is compiled and run.

#[doc = include_str!("../../README.md")]
struct Readme;

#[doc = include_str!("../../docs/guide/host.md")]
struct Host;

#[doc = include_str!("../../docs/guide/mcp.md")]
struct Mcp;

#[doc = include_str!("../../docs/guide/providers.md")]
struct Providers;

#[doc = include_str!("../../docs/guide/bundles.md")]
struct Bundles;
#[doc = include_str!("../../docs/guide/telemetry.md")]
struct Telemetry;
