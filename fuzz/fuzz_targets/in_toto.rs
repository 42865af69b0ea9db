#![no_main]
libfuzzer_sys::fuzz_target!(|data: &[u8]| patchwarden_fuzz::report(patchwarden::evidence::Format::InToto, data));
