//! Arithmetic modulo an odd number by Montgomery's multiplication (Menezes, van Oorschot, Vanstone:
//! Handbook of Applied Cryptography, 14.3.2): powers for RSA, and the fields of the curves. Nothing here
//! is secret, so that the time it takes may depend on all of it.

/// A number in limbs of 64 bits, the lowest first: two limbs more than what it is taken modulo needs, so that
/// no sum below overflows.
pub(crate) type Number<const N: usize> = [u64; N];

/// The big-endian number that these bytes are, if it has so many limbs.
pub(crate) fn number<const N: usize>(bytes: &[u8]) -> Option<Number<N>> {
    let mut number = [0; N];
    let mut limbs = bytes.rchunks(8);
    for (to, from) in number.iter_mut().zip(&mut limbs) {
        *to = from
            .iter()
            .fold(0, |limb, byte| limb << 8 | u64::from(*byte));
    }
    limbs.next().is_none().then_some(number)
}

/// An odd modulus m. With b = 2^64, the form of a number x is x·R mod m, where R is b^`width`.
pub(crate) struct Modulus<const N: usize> {
    limbs: Number<N>,
    /// Two more than the limbs that m needs.
    width: usize,
    /// -1/m modulo b.
    inverse: u64,
    /// The form of R.
    form_of_r: Number<N>,
}

impl<const N: usize> Modulus<N> {
    /// `None` if it is even, 1, or longer than `N` - 2 limbs.
    pub(crate) fn new(limbs: Number<N>) -> Option<Self> {
        let lowest = *limbs.first()?;
        let width = limbs.iter().rposition(|limb| *limb != 0)?.checked_add(3)?;
        let fits = width <= N && lowest & 1 == 1 && (width > 3 || lowest > 1);
        let mut modulus = Modulus {
            limbs,
            width,
            inverse: inverse(lowest).wrapping_neg(),
            form_of_r: [0; N],
        };
        if !fits {
            return None;
        }
        modulus.form_of_r = modulus.form_of_r()?;
        Some(modulus)
    }

    /// Whether a number is less than m.
    pub(crate) fn is_above(&self, number: &Number<N>) -> bool {
        number.iter().rev().lt(self.limbs.iter().rev())
    }

    /// `base`, which must be less than m, to the power of `exponent`; `None` if that is 0.
    pub(crate) fn power(&self, base: &Number<N>, exponent: u64) -> Option<Number<N>> {
        let power = self.form_of_power(&self.form(base), &[exponent])?;
        let mut one = [0; N];
        *one.first_mut()? = 1;
        Some(self.multiply(&power, &one))
    }

    /// The form of a number less than m.
    pub(crate) fn form(&self, number: &Number<N>) -> Number<N> {
        self.multiply(number, &self.form_of_r)
    }

    /// The form of 1/x, of that of x, which must not be 0; m must be a prime (by Fermat's theorem).
    pub(crate) fn form_of_inverse(&self, form: &Number<N>) -> Option<Number<N>> {
        let mut exponent = self.limbs;
        let lowest = exponent.first_mut()?;
        *lowest = lowest.checked_sub(2)?;
        self.form_of_power(form, &exponent)
    }

    /// Square and multiply, from the exponent's highest bit down. The exponent's lowest limb comes first.
    fn form_of_power(&self, base: &Number<N>, exponent: &[u64]) -> Option<Number<N>> {
        let mut power: Option<Number<N>> = None;
        for limb in exponent.iter().rev() {
            for bit in (0..u64::BITS).rev() {
                power = power.map(|power| self.multiply(&power, &power));
                if limb >> bit & 1 == 1 {
                    power = Some(power.map_or(*base, |power| self.multiply(&power, base)));
                }
            }
        }
        power
    }

    /// b^(`width` - 3), which is less than m, doubled to b·R, which is the form of b. R is a power
    /// of b.
    fn form_of_r(&self) -> Option<Number<N>> {
        let mut form = [0; N];
        *form.get_mut(self.width.checked_sub(3)?)? = 1;
        for _ in 0..4 * u64::BITS {
            form = self.add(&form, &form);
        }
        self.form_of_power(&form, &[u64::try_from(self.width).ok()?])
    }

    /// x·y/R mod m, for x and y less than m (Handbook of Applied Cryptography, 14.36): the form of
    /// a product, of the forms of its factors. The sum is less than 2·m after each digit of x, and
    /// less than 2·b·m within one.
    pub(crate) fn multiply(&self, x: &Number<N>, y: &Number<N>) -> Number<N> {
        let mut sum = [0; N];
        for digit in x.iter().take(self.width) {
            self.add_product(&mut sum, y, *digit);
            let lowest = sum.first().copied().unwrap_or_default();
            self.add_product(&mut sum, &self.limbs, lowest.wrapping_mul(self.inverse));
            // The lowest limb is 0 now: this divides by b.
            sum.rotate_left(1);
        }
        self.reduce(&sum)
    }

    /// x + y mod m, for x and y less than m.
    pub(crate) fn add(&self, x: &Number<N>, y: &Number<N>) -> Number<N> {
        self.reduce(&sum(x, y))
    }

    /// x - y mod m, for x and y less than m.
    pub(crate) fn subtract(&self, x: &Number<N>, y: &Number<N>) -> Number<N> {
        let (negative, _) = difference(&self.limbs, y);
        self.add(x, &negative)
    }

    /// Adds `number`·`digit` to `sum`.
    fn add_product(&self, sum: &mut Number<N>, number: &Number<N>, digit: u64) {
        let mut carry = 0;
        for (limb, factor) in sum.iter_mut().zip(number).take(self.width) {
            (*limb, carry) = factor.carrying_mul_add(digit, *limb, carry);
        }
    }

    /// `number` mod m, if it is less than 2·m.
    pub(crate) fn reduce(&self, number: &Number<N>) -> Number<N> {
        match difference(number, &self.limbs) {
            (_, true) => *number,
            (less, false) => less,
        }
    }
}

/// x + y, which must have no more limbs.
pub(crate) fn sum<const N: usize>(x: &Number<N>, y: &Number<N>) -> Number<N> {
    let (mut sum, mut carry) = (*x, false);
    for (limb, addend) in sum.iter_mut().zip(y) {
        (*limb, carry) = limb.carrying_add(*addend, carry);
    }
    sum
}

/// x - y, and whether that is negative, and so too much by b^`N`.
pub(crate) fn difference<const N: usize>(x: &Number<N>, y: &Number<N>) -> (Number<N>, bool) {
    let (mut less, mut borrow) = (*x, false);
    for (limb, subtrahend) in less.iter_mut().zip(y) {
        (*limb, borrow) = limb.borrowing_sub(*subtrahend, borrow);
    }
    (less, borrow)
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

    /// Enough for 4096 bits.
    const LIMBS: usize = 66;
    type Number = super::Number<LIMBS>;

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
        assert!(Modulus::<LIMBS>::new(modulus).is_none());
        modulus[0] = 1;
        assert!(Modulus::<LIMBS>::new(modulus).is_none());
        modulus[0] = 3;
        assert!(Modulus::<LIMBS>::new(modulus).is_some());
        modulus[63] = 1;
        assert!(Modulus::<LIMBS>::new(modulus).is_some());
        modulus[0] = 4;
        assert!(Modulus::<LIMBS>::new(modulus).is_none());
        (modulus[0], modulus[64]) = (1, 1);
        assert!(Modulus::<LIMBS>::new(modulus).is_none());
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
