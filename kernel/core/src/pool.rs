//! Things with several owners, counted, in a fixed number of places.
//!
//! The tasks of one program share its address space; [`Pool`] keeps it until the last has let go.
//! Like [`Table`](crate::table::Table) it is sized once and allocates nothing afterwards.

use alloc::vec::Vec;

/// Names a thing in a [`Pool`]. Each key is one share: it is given back exactly once.
#[must_use = "a share that is not released keeps its thing for ever"]
#[derive(PartialEq, Eq, Debug)]
pub struct Key(usize);

struct Shared<T> {
    value: Option<T>,
    shares: usize,
    next_free: usize,
}

/// A fixed number of shared things.
pub struct Pool<T> {
    places: Vec<Shared<T>>,
    free: usize,
}

impl<T> Pool<T> {
    /// A pool without room: what a static holds until there is a heap.
    #[must_use]
    pub const fn empty() -> Self {
        Self { places: Vec::new(), free: 0 }
    }

    /// Room for `capacity` things. `None` if there is no memory for it.
    #[must_use]
    pub fn try_new(capacity: usize) -> Option<Self> {
        let mut places = Vec::new();
        places.try_reserve_exact(capacity).ok()?;
        places.extend((1..=capacity).map(|next_free| Shared { value: None, shares: 0, next_free }));
        Some(Self { places, free: 0 })
    }

    /// Takes `value` in, with one share. Gives it back if there is no room.
    pub fn insert(&mut self, value: T) -> Result<Key, T> {
        let at = self.free;
        match self.places.get_mut(at) {
            None => Err(value),
            Some(place) => {
                self.free = place.next_free;
                place.value = Some(value);
                place.shares = 1;
                Ok(Key(at))
            }
        }
    }

    /// One more share of the same thing.
    pub fn share(&mut self, key: &Key) -> Key {
        self.places[key.0].shares += 1;
        Key(key.0)
    }

    /// Gives a share back; the thing itself if it was the last.
    #[must_use = "the last share's thing is to be taken apart"]
    pub fn release(&mut self, key: Key) -> Option<T> {
        let place = &mut self.places[key.0];
        place.shares -= 1;
        if place.shares > 0 {
            return None;
        }
        place.next_free = self.free;
        self.free = key.0;
        place.value.take()
    }
}

impl<T> core::ops::Index<&Key> for Pool<T> {
    type Output = T;

    fn index(&self, key: &Key) -> &T {
        match &self.places[key.0].value {
            Some(value) => value,
            None => unreachable!("a key exists, so its thing does"),
        }
    }
}

impl<T> core::ops::IndexMut<&Key> for Pool<T> {
    fn index_mut(&mut self, key: &Key) -> &mut T {
        match &mut self.places[key.0].value {
            Some(value) => value,
            None => unreachable!("a key exists, so its thing does"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Pool;

    #[test]
    fn the_last_share_gives_the_thing_back() {
        let mut pool = Pool::try_new(2).unwrap();
        let a = pool.insert("a").unwrap();
        let again = pool.share(&a);
        assert_eq!(pool.release(a), None);
        assert_eq!(pool[&again], "a");
        assert_eq!(pool.release(again), Some("a"));
    }

    #[test]
    fn places_are_used_again_and_a_full_pool_gives_the_value_back() {
        let mut pool = Pool::try_new(2).unwrap();
        for round in 0..5 {
            let (a, b) = (pool.insert(round).unwrap(), pool.insert(round + 1).unwrap());
            assert_eq!(pool.insert(99), Err(99));
            assert_eq!((pool[&a], pool[&b]), (round, round + 1));
            assert_eq!(pool.release(b), Some(round + 1));
            assert_eq!(pool.release(a), Some(round));
        }
    }
}
