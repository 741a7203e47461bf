//! Making a tree like another: how an address space starts from a template.

use super::entry::Slot;
use super::occupancy::Occupancy;
use super::{
    LEAF_SHIFT, LEVEL_BITS, OutOfTables, PageTables, ROOT_SHIFT, Table, TableSource, table, target,
};

impl PageTables {
    /// Fills the lower half, which is empty, with what `set` makes of every page that `template`
    /// has there. Missing tables come from `source`, which `set` may use too.
    ///
    /// # Errors
    /// As [`update`](Self::update): the pages before the one that failed are there.
    pub fn copy_lower_half<S, E>(
        &mut self,
        template: &Self,
        source: &mut S,
        set: impl FnMut(&mut S, u64, Slot) -> Result<Slot, E>,
    ) -> Result<(), E>
    where
        S: TableSource,
        E: From<OutOfTables>,
    {
        // SAFETY: a table of the template's, which is borrowed.
        let root = unsafe { table(template.window, template.root) };
        Copy { to: self, source, set }.copy(root, ROOT_SHIFT, template.occupancy, 0)
    }
}

/// A copy under way.
struct Copy<'a, S, F> {
    to: &'a mut PageTables,
    source: &'a mut S,
    set: F,
}

impl<S, F> Copy<'_, S, F> {
    /// Copies what lies under `from`, a table whose first entry stands for `start`.
    fn copy<E>(
        &mut self,
        from: &Table,
        shift: u32,
        occupancy: Occupancy,
        start: u64,
    ) -> Result<(), E>
    where
        S: TableSource,
        F: FnMut(&mut S, u64, Slot) -> Result<Slot, E>,
        E: From<OutOfTables>,
    {
        if shift == LEAF_SHIFT {
            let Self { to, source, set } = self;
            let to = to.leaf_table(start, occupancy, *source)?;
            for slot in occupancy.groups().flat_map(|group| occupancy.used(from, group)) {
                let page = start + ((slot as u64) << shift);
                set(source, page, Slot::of(&from[slot]))?.store(&mut to[slot]);
            }
            return Ok(());
        }
        for slot in occupancy.groups().flat_map(|group| occupancy.used(from, group)) {
            let entry = &from[slot];
            // SAFETY: a table of the template's, which is borrowed.
            let below = unsafe { table(self.to.window, target(entry)) };
            let start = start + ((slot as u64) << shift);
            self.copy(below, shift - LEVEL_BITS, Occupancy::of(entry), start)?;
        }
        Ok(())
    }
}
