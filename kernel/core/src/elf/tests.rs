//! Files that are accepted, and every field of every header wrong in every way that matters.

mod accepted;
mod builder;
mod fuzz;
mod placed;
mod refused;
mod refused_parts;
mod refused_segments;
