use aws_lc_rs::constant_time;
use zeroize::Zeroize;

/// A value that must not be seen: no `Debug`, no `Display`, no `Serialize`, zeroized when dropped, compared in constant time.
///
/// A struct that holds one cannot derive `Debug` either; that is meant. Reading the value has to be spoken
/// ([`expose`](Self::expose)), and so has copying it ([`duplicate`](Self::duplicate)).
///
/// ```compile_fail
/// println!("{:?}", bartizan_vault::Secret::new(String::from("hunter2")));
/// ```
/// ```compile_fail
/// println!("{}", bartizan_vault::Secret::new(String::from("hunter2")));
/// ```
pub struct Secret<T: Zeroize>(T);

impl<T: Zeroize> Secret<T> {
    /// Takes charge of `value`. Copies that the caller made before are the caller's to erase.
    pub const fn new(value: T) -> Self {
        Self(value)
    }

    /// The value itself. What is read here must not be stored, printed or sent to a log.
    pub const fn expose(&self) -> &T {
        &self.0
    }

    /// A second holder of the same value. There is no `Clone`, so that no derive copies a secret unseen.
    #[must_use]
    pub fn duplicate(&self) -> Self
    where
        T: Clone,
    {
        Self(self.0.clone())
    }

    /// `value` after `fill` has written it, held as a secret from the first byte, also when `fill` fails half-way.
    pub(crate) fn try_filled<E>(value: T, fill: impl FnOnce(&mut T) -> Result<(), E>) -> Result<Self, E> {
        let mut secret = Self(value);
        fill(&mut secret.0)?;
        Ok(secret)
    }
}

impl<T: Zeroize + AsRef<[u8]>> Secret<T> {
    /// Whether the value equals `candidate`, in a time that depends on their lengths only (CWE-208).
    pub fn matches(&self, candidate: &[u8]) -> bool {
        constant_time::verify_slices_are_equal(self.0.as_ref(), candidate).is_ok()
    }
}

impl<T: Zeroize + AsRef<[u8]>> PartialEq for Secret<T> {
    fn eq(&self, other: &Self) -> bool {
        self.matches(other.0.as_ref())
    }
}

impl<T: Zeroize + AsRef<[u8]>> Eq for Secret<T> {}

impl<T: Zeroize> Drop for Secret<T> {
    fn drop(&mut self) {
        self.0.zeroize();
    }
}

#[cfg(test)]
mod tests {
    use std::{cell::Cell, rc::Rc};

    use super::*;

    #[test]
    fn a_secret_is_zeroized_when_it_is_dropped_and_its_duplicate_lives_on() {
        #[derive(Clone)]
        struct Watched(Rc<Cell<u32>>);
        impl Zeroize for Watched {
            fn zeroize(&mut self) {
                self.0.set(self.0.get() + 1);
            }
        }

        let erased = Rc::new(Cell::new(0));
        let secret = Secret::new(Watched(Rc::clone(&erased)));
        let duplicate = secret.duplicate();
        drop(secret);
        assert_eq!(erased.get(), 1);
        drop(duplicate);
        assert_eq!(erased.get(), 2);
    }

    #[test]
    fn secrets_are_equal_only_byte_for_byte() {
        let secret = Secret::new(String::from("correct horse"));
        assert!(secret.matches(b"correct horse"));
        for other in ["correct horsf", "correct hors", "correct horse ", ""] {
            assert!(!secret.matches(other.as_bytes()), "{other:?}");
            assert!(secret != Secret::new(other.to_owned()), "{other:?}");
        }
    }
}
