//! ECDSA signatures (FIPS 186-5, 6.4.2) on any curve that there is arithmetic for.

use p256::elliptic_curve::ff::PrimeField;
use p256::elliptic_curve::group::Curve as _;
use p256::elliptic_curve::ops::{Invert, MulByGeneratorVartime, Reduce};
use p256::elliptic_curve::point::AffineCoordinates;
use p256::elliptic_curve::{AffinePoint, CurveArithmetic, FieldBytes, ProjectivePoint, Scalar};

use crate::asn1::Elements;

/// Whether `signature` is an Ecdsa-Sig-Value of a message with this digest by the key that is this
/// uncompressed point.
pub(crate) fn verifies<C: CurveArithmetic>(point: &[u8], digest: &[u8], signature: &[u8]) -> bool {
    check::<C>(point, digest, signature).is_some()
}

#[allow(
    clippy::arithmetic_side_effects,
    reason = "scalars are multiplied modulo the order"
)]
fn check<C: CurveArithmetic>(point: &[u8], digest: &[u8], signature: &[u8]) -> Option<()> {
    let key = ProjectivePoint::<C>::from(key::<C>(point)?);
    let (r, s) = numbers::<C>(signature)?;
    let e = Scalar::<C>::reduce(&leftmost::<C>(digest));
    let inverse = s.invert().into_option()?;
    let sum = ProjectivePoint::<C>::mul_by_generator_and_mul_add_vartime(
        &(e * inverse),
        &(r * inverse),
        &key,
    );
    // Of the point at infinity x is 0, which r isn't.
    (Scalar::<C>::reduce(&sum.to_affine().x()) == r).then_some(())
}

/// The point `04 x y` (SEC 1, 2.3.4), if it is on the curve. Both curves have a prime order: any
/// such point can be a key.
fn key<C: CurveArithmetic>(point: &[u8]) -> Option<AffinePoint<C>> {
    let (form, coordinates) = point.split_first()?;
    let (x, y) = coordinates.split_at_checked(coordinates.len() / 2)?;
    let field = |bytes| FieldBytes::<C>::try_from(bytes).ok();
    let key = AffinePoint::<C>::from_coordinates(&field(x)?, &field(y)?);
    key.into_option().filter(|_| *form == 4)
}

/// Ecdsa-Sig-Value (RFC 3279, 2.2.3) and nothing after it: r and s, both from 1 to the order less 1.
fn numbers<C: CurveArithmetic>(signature: &[u8]) -> Option<(Scalar<C>, Scalar<C>)> {
    let mut outer = Elements::new(signature, "Ecdsa-Sig-Value");
    let mut fields = outer.sequence("Ecdsa-Sig-Value").ok()?;
    outer.finish().ok()?;
    let (r, s) = (fields.unsigned().ok()?, fields.unsigned().ok()?);
    fields.finish().ok()?;
    Some((scalar::<C>(r)?, scalar::<C>(s)?))
}

fn scalar<C: CurveArithmetic>(number: &[u8]) -> Option<Scalar<C>> {
    let scalar = Scalar::<C>::from_repr(padded::<C>(number)?).into_option()?;
    (scalar != Scalar::<C>::default()).then_some(scalar)
}

/// As many of the digest's leftmost bits as the order has: whole bytes on both curves.
fn leftmost<C: CurveArithmetic>(digest: &[u8]) -> FieldBytes<C> {
    let len = FieldBytes::<C>::default().len();
    let kept = digest.get(..len).unwrap_or(digest);
    padded::<C>(kept).unwrap_or_default()
}

/// The big-endian number with zeros before it, if it isn't too long.
fn padded<C: CurveArithmetic>(number: &[u8]) -> Option<FieldBytes<C>> {
    let mut bytes = FieldBytes::<C>::default();
    let start = bytes.len().checked_sub(number.len())?;
    bytes.get_mut(start..)?.copy_from_slice(number);
    Some(bytes)
}
