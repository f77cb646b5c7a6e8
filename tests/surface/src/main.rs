//! Prints the surface as one JSON object. It depends on the generated crate only, so that a
//! change can be reviewed before the hand-written crates follow it.

#![allow(clippy::print_stdout)]

fn main() {
    println!("{:#}", serde_json::json!(creatify_surface::surface()));
}
