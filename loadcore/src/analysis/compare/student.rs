//! Turns a chance and degrees of freedom into the point of Student's t that is passed by chance so
//! seldom.

/// Degrees of freedom from which on it is all the same to three digits.
const MANY: f64 = 500.0;
/// Steps of the integral.
const STEPS: u32 = 4_000;

/// What |t| exceeds with the probability `chance` (above 0, below 1).
///
/// With t = √f · tan θ the density is cosᶠ⁻¹ θ but for a factor, so that the point is found where the
/// sum from π/2 down to θ is the wanted part of the sum down to 0.
pub(super) fn critical(chance: f64, freedom: f64) -> f64 {
    let freedom = freedom.clamp(1.0, MANY);
    let step = std::f64::consts::FRAC_PI_2 / f64::from(STEPS);
    // Middles of the steps, from π/2 down.
    let weight = |n: u32| ((f64::from(n) + 0.5) * step).sin().powf(freedom - 1.0);
    let wanted = chance * (0..STEPS).map(weight).sum::<f64>();
    let (mut sum, mut n) = (0.0, 0);
    while n < STEPS && sum + weight(n) < wanted {
        sum += weight(n);
        n += 1;
    }
    let passed = f64::from(n) + (wanted - sum) / weight(n.min(STEPS - 1));
    freedom.sqrt() / (passed * step).tan()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Two-sided points of the usual table.
    #[test]
    fn it_is_that_of_the_tables() {
        for (chance, freedom, wanted) in [
            (0.05, 1.0, 12.706),
            (0.05, 2.0, 4.303),
            (0.05, 10.0, 2.228),
            (0.01, 10.0, 3.169),
            (0.001, 10.0, 4.587),
            (0.05, 2.5, 3.575),
            (0.01, 120.0, 2.617),
            (0.05, 1e9, 1.960),
            (0.000_01, 20.0, 5.854),
        ] {
            let found = critical(chance, freedom);
            assert!((found / wanted - 1.0).abs() < 4e-3, "{chance} {freedom}: {found}, {wanted}");
        }
    }
}
