//! Every file in `tests/transcripts/` is a test of its name; see `orbital_tests::transcript`.

include!(concat!(env!("OUT_DIR"), "/transcripts.rs"));
