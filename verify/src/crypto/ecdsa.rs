//! ECDSA signatures (FIPS 186-5, 6.4.2) on the curves P-256 and P-384 (NIST SP 800-186, 3.2.1).

use crate::crypto::montgomery::{self, Modulus, number, sum};
use crate::der::Elements;

/// Enough for a modulus of 384 bits.
const LIMBS: usize = 384 / 64 + 2;

/// A number modulo p or n, or its Montgomery form.
type Number = montgomery::Number<LIMBS>;

/// A curve y² = x³ - 3·x + b over a prime field, all of whose points, a prime number of them, are multiples of
/// one. Big-endian, of the same length.
pub(crate) struct Parameters {
    /// The prime p.
    field: &'static [u8],
    /// How many points there are, n.
    order: &'static [u8],
    b: &'static [u8],
    /// The point G.
    generator: [&'static [u8]; 2],
}

pub(crate) static P256: Parameters = Parameters {
    field: b"\xff\xff\xff\xff\x00\x00\x00\x01\x00\x00\x00\x00\x00\x00\x00\x00\
        \x00\x00\x00\x00\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff",
    order: b"\xff\xff\xff\xff\x00\x00\x00\x00\xff\xff\xff\xff\xff\xff\xff\xff\
        \xbc\xe6\xfa\xad\xa7\x17\x9e\x84\xf3\xb9\xca\xc2\xfc\x63\x25\x51",
    b: b"\x5a\xc6\x35\xd8\xaa\x3a\x93\xe7\xb3\xeb\xbd\x55\x76\x98\x86\xbc\
        \x65\x1d\x06\xb0\xcc\x53\xb0\xf6\x3b\xce\x3c\x3e\x27\xd2\x60\x4b",
    generator: [
        b"\x6b\x17\xd1\xf2\xe1\x2c\x42\x47\xf8\xbc\xe6\xe5\x63\xa4\x40\xf2\
            \x77\x03\x7d\x81\x2d\xeb\x33\xa0\xf4\xa1\x39\x45\xd8\x98\xc2\x96",
        b"\x4f\xe3\x42\xe2\xfe\x1a\x7f\x9b\x8e\xe7\xeb\x4a\x7c\x0f\x9e\x16\
            \x2b\xce\x33\x57\x6b\x31\x5e\xce\xcb\xb6\x40\x68\x37\xbf\x51\xf5",
    ],
};

pub(crate) static P384: Parameters = Parameters {
    field: b"\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\
        \xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xfe\
        \xff\xff\xff\xff\x00\x00\x00\x00\x00\x00\x00\x00\xff\xff\xff\xff",
    order: b"\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\
        \xff\xff\xff\xff\xff\xff\xff\xff\xc7\x63\x4d\x81\xf4\x37\x2d\xdf\
        \x58\x1a\x0d\xb2\x48\xb0\xa7\x7a\xec\xec\x19\x6a\xcc\xc5\x29\x73",
    b: b"\xb3\x31\x2f\xa7\xe2\x3e\xe7\xe4\x98\x8e\x05\x6b\xe3\xf8\x2d\x19\
        \x18\x1d\x9c\x6e\xfe\x81\x41\x12\x03\x14\x08\x8f\x50\x13\x87\x5a\
        \xc6\x56\x39\x8d\x8a\x2e\xd1\x9d\x2a\x85\xc8\xed\xd3\xec\x2a\xef",
    generator: [
        b"\xaa\x87\xca\x22\xbe\x8b\x05\x37\x8e\xb1\xc7\x1e\xf3\x20\xad\x74\
            \x6e\x1d\x3b\x62\x8b\xa7\x9b\x98\x59\xf7\x41\xe0\x82\x54\x2a\x38\
            \x55\x02\xf2\x5d\xbf\x55\x29\x6c\x3a\x54\x5e\x38\x72\x76\x0a\xb7",
        b"\x36\x17\xde\x4a\x96\x26\x2c\x6f\x5d\x9e\x98\xbf\x92\x92\xdc\x29\
            \xf8\xf4\x1d\xbd\x28\x9a\x14\x7c\xe9\xda\x31\x13\xb5\xf0\xb8\xc0\
            \x0a\x60\xb1\xce\x1d\x7e\x81\x9d\x7a\x43\x1d\x7c\x90\xea\x0e\x5f",
    ],
};

/// Whether `signature` is an Ecdsa-Sig-Value of a message with this digest by the key that is this
/// uncompressed point.
pub(crate) fn verifies(curve: &Parameters, point: &[u8], digest: &[u8], signature: &[u8]) -> bool {
    check(curve, point, digest, signature) == Some(true)
}

fn check(parameters: &Parameters, point: &[u8], digest: &[u8], signature: &[u8]) -> Option<bool> {
    let curve = Curve::new(parameters)?;
    let order = Modulus::new(number(parameters.order)?)?;
    let key = curve.key(point, parameters.field.len())?;
    let (r, s) = numbers(signature, &order)?;
    // As many of the digest's leftmost bits as n has: whole bytes on both curves. That is less than 2·n.
    let leftmost = digest.get(..parameters.order.len()).unwrap_or(digest);
    let e = order.reduce(&number(leftmost)?);
    let inverse = order.form_of_inverse(&order.form(&s))?;
    let by = |number| order.multiply(number, &inverse);
    let sum = curve.multiples(&by(&e), &by(&r), &key);
    Some(curve.has_x(&sum, &r, &number(parameters.order)?))
}

/// Ecdsa-Sig-Value (RFC 3279, 2.2.3) and nothing after it: r and s, both from 1 to n - 1.
fn numbers(signature: &[u8], order: &Modulus<LIMBS>) -> Option<(Number, Number)> {
    let mut outer = Elements::new(signature, "Ecdsa-Sig-Value");
    let mut fields = outer.sequence("Ecdsa-Sig-Value").ok()?;
    outer.finish().ok()?;
    let (r, s) = (fields.unsigned().ok()?, fields.unsigned().ok()?);
    fields.finish().ok()?;
    let in_range = |bytes| {
        let number = number(bytes)?;
        (order.is_above(&number) && number != Number::default()).then_some(number)
    };
    Some((in_range(r)?, in_range(s)?))
}

/// The arithmetic of a curve: its parameters in Montgomery form.
struct Curve {
    field: Modulus<LIMBS>,
    b: Number,
    generator: Point,
}

/// The point (x/z, y/z), or, where z is 0, the neutral one; all three in Montgomery form.
#[derive(Clone, Copy)]
struct Point {
    x: Number,
    y: Number,
    z: Number,
}

impl Curve {
    fn new(parameters: &Parameters) -> Option<Self> {
        let field = Modulus::new(number(parameters.field)?)?;
        let [x, y] = parameters.generator;
        Some(Self {
            b: field.form(&number(parameters.b)?),
            generator: affine(&field, x, y)?,
            field,
        })
    }

    /// The point `04 x y` (SEC 1, 2.3.4), each of `len` bytes, if it is on the curve: any such point can be a key.
    fn key(&self, point: &[u8], len: usize) -> Option<Point> {
        let [4, coordinates @ ..] = point else {
            return None;
        };
        let (x, y) = coordinates.split_at_checked(len)?;
        if y.len() != len {
            return None;
        }
        let point = affine(&self.field, x, y)?;
        self.is_on(&point).then_some(point)
    }

    /// Whether y² = x³ - 3·x + b.
    fn is_on(&self, point: &Point) -> bool {
        let field = &self.field;
        let cube = field.multiply(&field.multiply(&point.x, &point.x), &point.x);
        let right = field.subtract(&cube, &self.triple(&point.x));
        field.multiply(&point.y, &point.y) == field.add(&right, &self.b)
    }

    fn triple(&self, number: &Number) -> Number {
        let field = &self.field;
        field.add(&field.add(number, number), number)
    }

    /// `of_generator`·G + `of_key`·`key`, both bit by bit at once.
    fn multiples(&self, of_generator: &Number, of_key: &Number, key: &Point) -> Point {
        let both = self.add(&self.generator, key);
        let mut sum = Point {
            x: Number::default(),
            y: self.generator.z,
            z: Number::default(),
        };
        let limbs = of_generator.iter().zip(of_key).rev();
        for (of_generator, of_key) in limbs.skip_while(|limbs| *limbs == (&0, &0)) {
            for bit in (0..u64::BITS).rev() {
                sum = self.add(&sum, &sum);
                sum = match (of_generator >> bit & 1, of_key >> bit & 1) {
                    (0, 0) => sum,
                    (1, 0) => self.add(&sum, &self.generator),
                    (0, _) => self.add(&sum, key),
                    (_, _) => self.add(&sum, &both),
                };
            }
        }
        sum
    }

    /// Any two points' sum, be they the same, opposite or neutral: algorithm 4 of Renes, Costello, Batina,
    /// "Complete addition formulas for prime order elliptic curves" (EUROCRYPT 2016), which is for curves as these.
    fn add(&self, p: &Point, q: &Point) -> Point {
        let field = &self.field;
        let times = |x: &Number, y: &Number| field.multiply(x, y);
        let plus = |x: &Number, y: &Number| field.add(x, y);
        let minus = |x: &Number, y: &Number| field.subtract(x, y);
        let (xx, yy, zz) = (times(&p.x, &q.x), times(&p.y, &q.y), times(&p.z, &q.z));
        // p.x·q.y + p.y·q.x, and so on.
        let across = |[a, b]: [&Number; 2], [c, d]: [&Number; 2], [ac, bd]: [&Number; 2]| {
            minus(&times(&plus(a, b), &plus(c, d)), &plus(ac, bd))
        };
        let xy = across([&p.x, &p.y], [&q.x, &q.y], [&xx, &yy]);
        let yz = across([&p.y, &p.z], [&q.y, &q.z], [&yy, &zz]);
        let xz = across([&p.x, &p.z], [&q.x, &q.z], [&xx, &zz]);

        let step = self.triple(&minus(&xz, &times(&self.b, &zz)));
        let (below, above) = (minus(&yy, &step), plus(&yy, &step));
        let zz = self.triple(&zz);
        let slope = self.triple(&minus(&minus(&times(&self.b, &xz), &zz), &xx));
        let xx = minus(&self.triple(&xx), &zz);
        Point {
            x: minus(&times(&xy, &above), &times(&yz, &slope)),
            y: plus(&times(&above, &below), &times(&xx, &slope)),
            z: plus(&times(&yz, &below), &times(&xy, &xx)),
        }
    }

    /// Whether a point's x is `r` modulo `order`, which may be less than p.
    fn has_x(&self, point: &Point, r: &Number, order: &Number) -> bool {
        let field = &self.field;
        let is_x = |x: &Number| field.multiply(&field.form(x), &point.z) == point.x;
        let more = sum(r, order);
        point.z != Number::default() && (is_x(r) || (field.is_above(&more) && is_x(&more)))
    }
}

/// The point with these coordinates, if both are less than p.
fn affine(field: &Modulus<LIMBS>, x: &[u8], y: &[u8]) -> Option<Point> {
    let form = |bytes| {
        let number = number(bytes)?;
        field.is_above(&number).then(|| field.form(&number))
    };
    let mut one = Number::default();
    *one.first_mut()? = 1;
    Some(Point {
        x: form(x)?,
        y: form(y)?,
        z: field.form(&one),
    })
}

#[cfg(test)]
mod tests {
    //! Compared with another implementation's curves. Whole signatures are in `key.rs`.

    use alloc::vec::Vec;

    use p256::elliptic_curve::ff::{Field, PrimeField};
    use p256::elliptic_curve::group::{Curve as _, Group};
    use p256::elliptic_curve::point::AffineCoordinates;
    use p256::elliptic_curve::{CurveArithmetic, FieldBytes, Scalar};

    use super::*;

    /// The least, the greatest and some other numbers below n.
    fn scalars<C: CurveArithmetic>() -> Vec<Scalar<C>> {
        let one = Scalar::<C>::ONE;
        let root = Scalar::<C>::ROOT_OF_UNITY;
        let mut all = Vec::from([Scalar::<C>::ZERO, one, one + one, -one, -(one + one)]);
        let mut next = Scalar::<C>::MULTIPLICATIVE_GENERATOR + root;
        for _ in 0..4 {
            next = next * next * next + one;
            all.push(next);
        }
        all
    }

    fn limbs<C: CurveArithmetic>(scalar: &Scalar<C>) -> Number {
        number(scalar.to_repr().as_ref()).unwrap()
    }

    /// x and y; `None` of the neutral point.
    fn coordinates<C: CurveArithmetic>(point: &C::ProjectivePoint) -> Option<[Vec<u8>; 2]>
    where
        C::AffinePoint: AffineCoordinates<FieldRepr = FieldBytes<C>>,
    {
        let affine: C::AffinePoint = point.to_affine();
        let bytes = |repr: FieldBytes<C>| repr.iter().copied().collect();
        (!bool::from(point.is_identity())).then(|| [bytes(affine.x()), bytes(affine.y())])
    }

    fn compare<C: CurveArithmetic>(parameters: &Parameters)
    where
        C::AffinePoint: AffineCoordinates<FieldRepr = FieldBytes<C>>,
    {
        let curve = Curve::new(parameters).unwrap();
        let generator = C::ProjectivePoint::generator();
        for key in scalars::<C>().into_iter().skip(1) {
            let key = generator * key;
            let [x, y] = coordinates::<C>(&key).unwrap();
            let encoded = [&[4], &x[..], &y[..]].concat();
            let ours = curve.key(&encoded, x.len()).unwrap();
            for (a, b) in pairs::<C>() {
                let expected = coordinates::<C>(&(generator * a + key * b));
                let found = curve.multiples(&limbs::<C>(&a), &limbs::<C>(&b), &ours);
                assert_eq!(found.z == Number::default(), expected.is_none());
                for (bytes, ours) in expected.iter().flatten().zip([&found.x, &found.y]) {
                    let form = curve.field.form(&number(bytes).unwrap());
                    assert_eq!(curve.field.multiply(&form, &found.z), *ours, "{a:?} {b:?}");
                }
            }
        }
    }

    fn pairs<C: CurveArithmetic>() -> Vec<(Scalar<C>, Scalar<C>)> {
        let all = scalars::<C>();
        let with_all = |a: &Scalar<C>| all.clone().into_iter().map(|b| (*a, b)).collect::<Vec<_>>();
        all.iter().flat_map(with_all).collect()
    }

    #[test]
    fn adds_multiples_of_any_points_as_another_implementation_does() {
        compare::<p256::NistP256>(&P256);
        compare::<p384::NistP384>(&P384);
    }

    #[test]
    fn takes_a_point_of_the_curve_in_one_form_only() {
        for parameters in [&P256, &P384] {
            let curve = Curve::new(parameters).unwrap();
            let (len, [x, y]) = (parameters.field.len(), parameters.generator);
            let is_key = |form: u8, parts: &[&[u8]]| {
                let point = [&[form], &parts.concat()[..]].concat();
                curve.key(&point, len).is_some()
            };
            assert!(is_key(4, &[x, y]));
            assert!((0..=255).all(|form| form == 4 || !is_key(form, &[x, y])));
            assert!(!is_key(4, &[y, x]) && !is_key(4, &[x, x]));
            assert!(!is_key(4, &[x, y, &[0]]) && !is_key(4, &[&[0], x, y]));
            assert!(!is_key(4, &[x, &y[1..]]) && !is_key(4, &[x]) && !is_key(4, &[]));
            // 0 is less than p, and p the same modulo p.
            let zeros = &[0; 48][..len];
            assert!(!is_key(4, &[zeros, zeros]) && !is_key(4, &[parameters.field, y]));
        }
    }

    /// The x of a point may be n or more, and r is less than n.
    #[test]
    fn finds_an_x_that_is_beyond_the_order() {
        for parameters in [&P256, &P384] {
            let curve = Curve::new(parameters).unwrap();
            let order: Number = number(parameters.order).unwrap();
            let mut one = Number::default();
            one[0] = 1;
            let with_x = |x: &Number| Point {
                x: curve.field.form(x),
                y: Number::default(),
                z: curve.field.form(&one),
            };
            let beyond = sum(&order, &one);
            assert!(curve.has_x(&with_x(&one), &one, &order));
            assert!(curve.has_x(&with_x(&beyond), &one, &order));
            assert!(!curve.has_x(&with_x(&order), &one, &order));
            // p - n + x is beyond p: it would be x again.
            let (most, _) = montgomery::difference(&number(parameters.field).unwrap(), &order);
            assert!(!curve.has_x(&with_x(&Number::default()), &most, &order));
            let neutral = Point {
                z: Number::default(),
                ..with_x(&Number::default())
            };
            assert!(!curve.has_x(&neutral, &Number::default(), &order));
        }
    }
}
