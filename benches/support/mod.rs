//! What the benchmarks share: their command line.

/// The numbers of options like `--members 1000`, in the order of `known`: those given, or else the
/// defaults beside the names.
pub fn numbers<const N: usize>(known: [(&str, u64); N]) -> [u64; N] {
    let mut numbers = known.map(|(_, default)| default);
    // Cargo says `--bench` itself.
    let mut arguments = std::env::args().skip(1).filter(|name| name != "--bench");
    while let Some(name) = arguments.next() {
        let Some(place) = known.iter().position(|(known, _)| *known == name) else {
            panic!("{name} is no option of this benchmark: see its first lines");
        };
        let value = arguments.next().and_then(|value| value.parse().ok());
        numbers[place] = value.expect("a number after each option");
    }
    numbers
}
