//! ECDSA signatures (FIPS 186-5, 6.4.2) on any curve that there is arithmetic for.

use p256::elliptic_curve::bigint::{CheckedAdd, Encoding};
use p256::elliptic_curve::ff::PrimeField;
use p256::elliptic_curve::ops::{MulByGeneratorVartime, Reduce};
use p256::elliptic_curve::point::AffineCoordinates;
use p256::elliptic_curve::{AffinePoint, FieldBytes, ProjectivePoint, Scalar};
use primeorder::PrimeCurveParams as Curve;

use crate::der::Elements;

/// Whether `signature` is an Ecdsa-Sig-Value of a message with this digest by the key that is this
/// uncompressed point.
pub(crate) fn verifies<C: Curve>(point: &[u8], digest: &[u8], signature: &[u8]) -> bool {
    check::<C>(point, digest, signature).is_some()
}

/// FIPS 186-5 computes R = e/s·G + r/s·Q and asks whether its x is r modulo the order. Here both sides
/// are multiplied by s, and R is looked for among the points that have such an x: the verdict is the
/// same, because the order is prime and s isn't 0, and no number must be inverted.
#[allow(
    clippy::arithmetic_side_effects,
    reason = "negating a point can't overflow"
)]
fn check<C: Curve>(point: &[u8], digest: &[u8], signature: &[u8]) -> Option<()> {
    let key = ProjectivePoint::<C>::from(key::<C>(point)?);
    let (r, s) = numbers::<C>(signature)?;
    let e = Scalar::<C>::reduce(&leftmost::<C>(digest));
    let sum = ProjectivePoint::<C>::mul_by_generator_and_mul_add_vartime;
    let expected = sum(&e, &r, &key);
    let is_at = |x: C::Uint| {
        let point = point_at::<C>(x)?;
        let found = sum(&Scalar::<C>::default(), &s, &point);
        (found == expected || -found == expected).then_some(())
    };
    let x: C::Uint = r.into();
    is_at(x).or_else(|| is_at(x.checked_add(&C::ORDER).into_option()?))
}

/// One of the two points with this x; the other one is its negative.
#[allow(
    clippy::arithmetic_side_effects,
    reason = "elements of the field are added and multiplied modulo p"
)]
fn point_at<C: Curve>(x: C::Uint) -> Option<ProjectivePoint<C>> {
    let bytes = padded::<C>(x.to_be_bytes().as_ref())?;
    let x = C::FieldElement::from_repr(bytes).into_option()?;
    let y = root(x * x * x + C::EQUATION_A * x + C::EQUATION_B).to_repr();
    let point = AffinePoint::<C>::from_coordinates(&bytes, &y);
    point.into_option().map(ProjectivePoint::<C>::from)
}

/// A square root, if there is one: `square` to the power of (p + 1)/4, because p is 3 modulo 4 on
/// both curves. As an element of the field that number is 1/4.
#[allow(
    clippy::arithmetic_side_effects,
    reason = "elements of a field are multiplied modulo p"
)]
fn root<F: PrimeField>(square: F) -> F {
    let exponent = F::TWO_INV.square().to_repr();
    let mut root = F::ONE;
    for byte in exponent.as_ref() {
        for bit in (0..u8::BITS).rev() {
            root = root.square();
            if byte >> bit & 1 == 1 {
                root *= square;
            }
        }
    }
    root
}

/// The point `04 x y` (SEC 1, 2.3.4), if it is on the curve. Both curves have a prime order: any
/// such point can be a key.
fn key<C: Curve>(point: &[u8]) -> Option<AffinePoint<C>> {
    let (form, coordinates) = point.split_first()?;
    let (x, y) = coordinates.split_at_checked(coordinates.len() / 2)?;
    let field = |bytes| FieldBytes::<C>::try_from(bytes).ok();
    let key = AffinePoint::<C>::from_coordinates(&field(x)?, &field(y)?);
    key.into_option().filter(|_| *form == 4)
}

/// Ecdsa-Sig-Value (RFC 3279, 2.2.3) and nothing after it: r and s, both from 1 to the order less 1.
fn numbers<C: Curve>(signature: &[u8]) -> Option<(Scalar<C>, Scalar<C>)> {
    let mut outer = Elements::new(signature, "Ecdsa-Sig-Value");
    let mut fields = outer.sequence("Ecdsa-Sig-Value").ok()?;
    outer.finish().ok()?;
    let (r, s) = (fields.unsigned().ok()?, fields.unsigned().ok()?);
    fields.finish().ok()?;
    Some((scalar::<C>(r)?, scalar::<C>(s)?))
}

fn scalar<C: Curve>(number: &[u8]) -> Option<Scalar<C>> {
    let scalar = Scalar::<C>::from_repr(padded::<C>(number)?).into_option()?;
    (scalar != Scalar::<C>::default()).then_some(scalar)
}

/// As many of the digest's leftmost bits as the order has: whole bytes on both curves.
fn leftmost<C: Curve>(digest: &[u8]) -> FieldBytes<C> {
    let len = FieldBytes::<C>::default().len();
    let kept = digest.get(..len).unwrap_or(digest);
    padded::<C>(kept).unwrap_or_default()
}

/// The big-endian number with zeros before it, if it isn't too long.
fn padded<C: Curve>(number: &[u8]) -> Option<FieldBytes<C>> {
    let mut bytes = FieldBytes::<C>::default();
    let start = bytes.len().checked_sub(number.len())?;
    bytes.get_mut(start..)?.copy_from_slice(number);
    Some(bytes)
}
