use crate::SkipReason;

/// The largest modulus that is worth a stranger's token: verification costs grow with its square.
const MAX_BITS: usize = 8192;
/// `RFC 7518 §3.3`.
const MIN_BITS: usize = 2048;

/// Refuses moduli and exponents that make signatures forgeable or verification expensive.
pub(crate) fn check(modulus: &[u8], exponent: &[u8]) -> Result<(), SkipReason> {
    let bits = bit_length(modulus);
    if bits < MIN_BITS {
        return Err(SkipReason::RsaTooShort { bits });
    }
    let even = |number: &[u8]| number.last().is_none_or(|last| last % 2 == 0);
    // An exponent of 1 makes every message its own signature; one over 32 bits only costs time.
    let exponent_is_fit = bit_length(exponent) > 1 && exponent.len() <= 4 && !even(exponent);
    if bits > MAX_BITS || even(modulus) || !exponent_is_fit {
        return Err(SkipReason::Malformed);
    }
    if has_roca_fingerprint(modulus) {
        return Err(SkipReason::RsaFactorable);
    }
    Ok(())
}

/// The bits of a big-endian number; 0 for a spelling with leading zeros, which `RFC 7518 §6.3.1` forbids.
fn bit_length(number: &[u8]) -> usize {
    match number.first() {
        Some(&first) if first != 0 => number.len() * 8 - first.leading_zeros() as usize,
        _ => 0,
    }
}

/// Whether a modulus comes from the smart-card library whose keys can be factored (ROCA, CVE-2017-15361): modulo each of
/// these primes it is a power of 65537. For any other modulus that is so by a chance of about one in 2^27.
fn has_roca_fingerprint(modulus: &[u8]) -> bool {
    const PRIMES: [u32; 37] = [
        3, 5, 7, 11, 13, 17, 19, 23, 29, 31, 37, 41, 43, 47, 53, 59, 61, 67, 71, 73, 79, 83, 89, 97, 101, 103, 107,
        109, 113, 127, 131, 137, 139, 149, 151, 157, 163,
    ];
    PRIMES.into_iter().all(|prime| {
        let residue = modulus.iter().fold(0, |residue, byte| (residue * 256 + u32::from(*byte)) % prime);
        std::iter::successors(Some(1), |power| Some(power * 65537 % prime))
            .take(prime as usize)
            .any(|power| power == residue)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const F4: &[u8] = &[1, 0, 1];

    /// 65537 to the power of 128: 2049 bits, and of the fingerprint by construction.
    fn power_of_65537() -> Vec<u8> {
        (0..128).fold(vec![1], |number: Vec<u8>, _| {
            let shifted = [number.as_slice(), &[0, 0]].concat();
            let mut carry = 0;
            let mut sum: Vec<u8> = shifted
                .iter()
                .rev()
                .zip(number.iter().rev().copied().chain(std::iter::repeat(0)))
                .map(|(one, other)| {
                    carry += u16::from(*one) + u16::from(other);
                    let [high, low] = carry.to_be_bytes();
                    carry = u16::from(high);
                    low
                })
                .collect();
            sum.reverse();
            sum
        })
    }

    #[test]
    fn a_modulus_of_the_factorable_kind_is_refused_and_its_neighbour_is_not() {
        let mut modulus = power_of_65537();
        assert_eq!(check(&modulus, F4), Err(SkipReason::RsaFactorable));
        modulus[100] ^= 4;
        assert_eq!(check(&modulus, F4), Ok(()));
    }

    #[test]
    fn lengths_count_from_the_first_bit_that_is_set() {
        assert_eq!([&[][..], &[0], &[0, 255], &[1], &[255], &[1, 0]].map(bit_length), [0, 0, 0, 1, 8, 9]);
    }
}
