//! Powers modulo an odd number of up to 4096 bits, by Montgomery's multiplication (Menezes, van
//! Oorschot, Vanstone: Handbook of Applied Cryptography, 14.3.2). Nothing here is secret, so that
//! the time it takes may depend on all of it.

/// How many limbs a [`Number`] has: two more than 4096 bits need, so that no sum below overflows.
pub(crate) const LIMBS: usize = 4096 / 64 + 2;

/// A number in limbs of 64 bits, the lowest first.
pub(crate) type Number = [u64; LIMBS];

/// An odd modulus m. With b = 2^64, the form of a number x is x·R mod m, where R is b^`width`.
pub(crate) struct Modulus {
    limbs: Number,
    /// Two more than the limbs that m needs.
    width: usize,
    /// -1/m modulo b.
    inverse: u64,
}

impl Modulus {
    /// `None` if it is even, 1, or longer than 4096 bits.
    pub(crate) fn new(limbs: Number) -> Option<Self> {
        let [lowest, ..] = limbs;
        let width = limbs.iter().rposition(|limb| *limb != 0)?.checked_add(3)?;
        let fits = width <= LIMBS && lowest & 1 == 1 && (width > 3 || lowest > 1);
        fits.then(|| Modulus {
            limbs,
            width,
            inverse: inverse(lowest).wrapping_neg(),
        })
    }

    /// `base`, which must be less than m, to the power of `exponent`; `None` if that is 0.
    pub(crate) fn power(&self, base: &Number, exponent: u64) -> Option<Number> {
        let form = self.multiply(base, &self.form_of_r()?);
        let power = self.form_of_power(&form, exponent)?;
        let mut one = [0; LIMBS];
        *one.first_mut()? = 1;
        Some(self.multiply(&power, &one))
    }

    /// Square and multiply, from the exponent's second highest bit down.
    fn form_of_power(&self, base: &Number, exponent: u64) -> Option<Number> {
        let mut result = *base;
        for bit in (0..exponent.checked_ilog2()?).rev() {
            result = self.multiply(&result, &result);
            if exponent >> bit & 1 == 1 {
                result = self.multiply(&result, base);
            }
        }
        Some(result)
    }

    /// b^(`width` - 3), which is less than m, doubled to b·R, which is the form of b. R is a power
    /// of b.
    fn form_of_r(&self) -> Option<Number> {
        let mut form = [0; LIMBS];
        *form.get_mut(self.width.checked_sub(3)?)? = 1;
        for _ in 0..4 * u64::BITS {
            let mut twice = form;
            self.add_product(&mut twice, &form, 1);
            form = self.reduce(twice);
        }
        self.form_of_power(&form, u64::try_from(self.width).ok()?)
    }

    /// x·y/R mod m, for x and y less than m (Handbook of Applied Cryptography, 14.36): the form of
    /// a product, of the forms of its factors. The sum is less than 2·m after each digit of x, and
    /// less than 2·b·m within one.
    fn multiply(&self, x: &Number, y: &Number) -> Number {
        let mut sum = [0; LIMBS];
        for digit in x.iter().take(self.width) {
            self.add_product(&mut sum, y, *digit);
            let [lowest, ..] = sum;
            self.add_product(&mut sum, &self.limbs, lowest.wrapping_mul(self.inverse));
            // The lowest limb is 0 now: this divides by b.
            sum.rotate_left(1);
        }
        self.reduce(sum)
    }

    /// Adds `number`·`digit` to `sum`.
    fn add_product(&self, sum: &mut Number, number: &Number, digit: u64) {
        let mut carry = 0;
        for (limb, factor) in sum.iter_mut().zip(number).take(self.width) {
            (*limb, carry) = factor.carrying_mul_add(digit, *limb, carry);
        }
    }

    /// `number` mod m, if it is less than 2·m.
    fn reduce(&self, number: Number) -> Number {
        let (mut less, mut borrow) = (number, false);
        for (limb, subtrahend) in less.iter_mut().zip(&self.limbs) {
            (*limb, borrow) = limb.borrowing_sub(*subtrahend, borrow);
        }
        if borrow { number } else { less }
    }
}

/// 1/`odd` modulo 2^64, by Newton's iteration: an odd number is its own inverse modulo 8, and each
/// step doubles the bits that are right.
fn inverse(odd: u64) -> u64 {
    let step = |x: u64, _| x.wrapping_mul(2_u64.wrapping_sub(odd.wrapping_mul(x)));
    (0..5).fold(odd, step)
}

#[cfg(test)]
mod tests {
    //! Compared with square and multiply over another implementation's product and remainder.

    use super::*;
    use crypto_bigint::{NonZero, U4096};

    /// Numbers that follow from `self.0` (splitmix64).
    struct Numbers(u64);

    impl Numbers {
        fn limb(&mut self) -> u64 {
            self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
            let mut limb = self.0;
            limb = (limb ^ limb >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
            limb = (limb ^ limb >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
            limb ^ limb >> 31
        }

        /// An odd number of exactly so many bits.
        fn odd(&mut self, bits: usize) -> Number {
            let mut number: Number = core::array::from_fn(|_| self.limb());
            number[bits.div_ceil(64)..].fill(0);
            let top = bits - 1;
            number[top / 64] &= u64::MAX >> (63 - top % 64);
            number[top / 64] |= 1 << (top % 64);
            number[0] |= 1;
            number
        }

        fn below(&mut self, modulus: &Number) -> Number {
            let number = core::array::from_fn(|_| self.limb());
            limbs(&(whole(&number) % NonZero::new(whole(modulus)).unwrap()))
        }
    }

    fn whole(number: &Number) -> U4096 {
        U4096::from_words(*number.first_chunk().unwrap())
    }

    fn limbs(number: &U4096) -> Number {
        let mut limbs = [0; LIMBS];
        limbs[..LIMBS - 2].copy_from_slice(number.as_words());
        limbs
    }

    fn expected(modulus: &Number, base: &Number, exponent: u64) -> Number {
        let modulus = NonZero::new(whole(modulus)).unwrap();
        let base = whole(base);
        let mut result = U4096::ONE;
        for bit in (0..u64::BITS).rev() {
            result = result.mul_mod_vartime(&result, &modulus);
            if exponent >> bit & 1 == 1 {
                result = result.mul_mod_vartime(&base, &modulus);
            }
        }
        limbs(&result)
    }

    /// Compares the powers of numbers at the ends and in the middle.
    fn compare(modulus: &Number, numbers: &mut Numbers) {
        let montgomery = Modulus::new(*modulus).unwrap();
        let small = |number: u64| limbs(&U4096::from(number));
        let mut last = *modulus;
        last[0] -= 1;
        for base in [
            small(0),
            small(1),
            last,
            numbers.below(modulus),
            numbers.below(modulus),
        ] {
            for exponent in [1, 2, 3, 65537, numbers.limb() >> 31 | 1] {
                let power = montgomery.power(&base, exponent).unwrap();
                assert_eq!(power, expected(modulus, &base, exponent));
            }
            assert_eq!(montgomery.power(&base, 0), None);
        }
    }

    #[test]
    fn agrees_with_another_implementation_on_moduli_of_any_length() {
        let mut numbers = Numbers(1);
        for bits in [
            3, 63, 64, 65, 127, 128, 129, 1000, 2047, 2048, 2049, 3071, 3072, 3073, 3100, 4031,
            4032, 4033, 4095, 4096, 4096,
        ] {
            compare(&numbers.odd(bits), &mut numbers);
        }
    }

    #[test]
    fn agrees_with_another_implementation_on_moduli_of_extreme_limbs() {
        let mut numbers = Numbers(2);
        for len in [1, 2, 32, 48, 63, 64] {
            let top = len - 1;
            // All ones.
            let mut modulus = [0; LIMBS];
            modulus[..len].fill(u64::MAX);
            compare(&modulus, &mut numbers);
            // Ones at the top only, and at the bottom only.
            let mut modulus = numbers.odd(len * 64);
            modulus[top] = u64::MAX;
            compare(&modulus, &mut numbers);
            let mut modulus = numbers.odd(len * 64);
            modulus[0] = u64::MAX;
            compare(&modulus, &mut numbers);
            // As few bits as there can be.
            let mut modulus = [0; LIMBS];
            modulus[top] = 1 << 63;
            modulus[0] |= 1;
            compare(&modulus, &mut numbers);
        }
        // The highest limb is 1, all others but the lowest are 0.
        let mut modulus = [0; LIMBS];
        (modulus[63], modulus[0]) = (1, 1);
        compare(&modulus, &mut numbers);
    }

    #[test]
    fn takes_no_modulus_that_is_even_or_1_or_too_long() {
        let mut modulus = [0; LIMBS];
        assert!(Modulus::new(modulus).is_none());
        modulus[0] = 1;
        assert!(Modulus::new(modulus).is_none());
        modulus[0] = 3;
        assert!(Modulus::new(modulus).is_some());
        modulus[63] = 1;
        assert!(Modulus::new(modulus).is_some());
        modulus[0] = 4;
        assert!(Modulus::new(modulus).is_none());
        (modulus[0], modulus[64]) = (1, 1);
        assert!(Modulus::new(modulus).is_none());
    }

    #[test]
    fn inverts_odd_numbers() {
        let mut numbers = Numbers(3);
        for _ in 0..1000 {
            let odd = numbers.limb() | 1;
            assert_eq!(odd.wrapping_mul(inverse(odd)), 1);
        }
    }
}
