//! Probabilities of Student's t, the same bits on wasm and native.

/// The two-sided probability of Student's t beyond `t`, by the regularized incomplete beta function (Abramowitz and Stegun,
/// 26.7.1).
#[must_use]
pub fn two_sided(t: f64, freedom: f64) -> f64 {
    incomplete_beta(freedom / 2.0, 0.5, freedom / (freedom + t * t))
}

/// The regularized incomplete beta function, by its continued fraction (Abramowitz and Stegun, 26.5.8) in Lentz's form.
fn incomplete_beta(a: f64, b: f64, x: f64) -> f64 {
    if x <= 0.0 || x >= 1.0 {
        return f64::from(x >= 1.0);
    }
    // The fraction converges quickly on this side only.
    if x > (a + 1.0) / (a + b + 2.0) {
        return 1.0 - incomplete_beta(b, a, 1.0 - x);
    }
    let front = a * libm::log(x) + b * libm::log1p(-x) + libm::lgamma(a + b)
        - libm::lgamma(a)
        - libm::lgamma(b);
    let keep = |value: f64| if value.abs() < 1e-300 { 1e-300 } else { value };
    let (mut c, mut d) = (1.0, 1.0 / keep(1.0 - (a + b) * x / (a + 1.0)));
    let mut fraction = d;
    for m in 1..300 {
        let m = f64::from(m);
        let even = m * (b - m) * x / ((a + 2.0 * m - 1.0) * (a + 2.0 * m));
        let odd = -(a + m) * (a + b + m) * x / ((a + 2.0 * m) * (a + 2.0 * m + 1.0));
        let mut change = 1.0;
        for term in [even, odd] {
            d = 1.0 / keep(1.0 + term * d);
            c = keep(1.0 + term / c);
            change = c * d;
            fraction *= change;
        }
        if (change - 1.0).abs() < 1e-15 {
            break;
        }
    }
    libm::exp(front) * fraction / a
}

#[cfg(test)]
mod tests {
    use super::*;

    /// scipy.stats.t.sf(t, df) * 2.
    #[test]
    fn the_probabilities_are_students() {
        for (t, freedom, p) in [
            (0.5, 1.0, 0.704_832_764_699_133_5),
            (2.0, 4.0, 0.116_116_523_516_815_7),
            (3.5, 10.0, 0.005_726_505_429_885_21),
            (0.0, 7.0, 1.0),
            (10.0, 30.0, 4.575_251_408_229_618e-11),
        ] {
            let found = two_sided(t, freedom);
            assert!(
                (found - p).abs() <= 1e-9 * p.max(1e-3),
                "{t} {freedom}: {found}"
            );
        }
    }
}
