//! Graphs as pictures.
//!
//! Boxes get their sizes from their text, frames theirs from what stands in them, innermost first; in each frame boxes
//! stand in layers, and lines run between the layers and through slots in them, so that no line crosses a box and no
//! text another.

mod layers;
mod order;
mod page;
mod place;
mod ports;
mod route;
mod settle;
mod shape;
#[cfg(test)]
mod tests;
mod text;
mod write;

use super::Graph;

pub(super) fn draw(graph: &Graph) -> String {
    write::document(graph, &page::page(graph))
}
