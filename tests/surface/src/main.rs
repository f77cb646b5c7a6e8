//! Prints the surface as one JSON object. It needs no crate but the generated one, so that a change
//! can be looked at before the hand-written crates follow it.

#![allow(clippy::print_stdout)]

fn main() {
    println!("{:#}", serde_json::json!(creatify_surface::surface()));
}
