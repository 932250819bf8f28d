use std::fmt;
use std::sync::Arc;

use super::{MAX_DEPTH, Value, ValueError};

/// Above this many entries a map keeps a sorted index beside them.
const LINEAR: usize = 12;

/// An immutable, shared map from text to values that keeps the author's order.
#[derive(Clone)]
pub struct Map(Arc<MapNode>);

type Entry = (Arc<str>, Value);

struct MapNode {
    // INVARIANT: keys are unique.
    entries: Box<[Entry]>,
    // INVARIANT: empty while there are at most LINEAR entries, else every position, sorted by key.
    index: Box<[u32]>,
    depth: u16,
    size: u64,
}

/// Iterates over the entries of a [`Map`] in the author's order.
pub type MapIter<'a> = std::slice::Iter<'a, (Arc<str>, Value)>;

impl Map {
    /// Builds a map; of two entries with one key the later value wins, in the earlier place.
    ///
    /// # Errors
    /// [`ValueError::TooDeep`] if a value already has the greatest depth.
    pub fn new(entries: Vec<(Arc<str>, Value)>) -> Result<Map, ValueError> {
        let (entries, index) =
            if entries.len() <= LINEAR { (unique_few(entries), Box::default()) } else { unique_many(entries) };
        let mut depth = 0;
        let mut size = 2u64;
        for (key, value) in &entries {
            depth = depth.max(value.depth());
            size = size.saturating_add(value.size()).saturating_add(key.len() as u64 + 4);
        }
        if depth >= MAX_DEPTH {
            return Err(ValueError::TooDeep);
        }
        Ok(Map(Arc::new(MapNode { entries: entries.into_boxed_slice(), index, depth: depth + 1, size })))
    }

    /// The value under a key.
    #[must_use]
    pub fn get(&self, key: &str) -> Option<&Value> {
        let node = &*self.0;
        if node.index.is_empty() {
            return node.entries.iter().find(|(k, _)| &**k == key).map(|(_, value)| value);
        }
        let key_at = |at: &u32| node.entries.get(*at as usize).map_or("", |(k, _)| &**k);
        let found = node.index.binary_search_by(|at| key_at(at).cmp(key)).ok()?;
        node.entries.get(*node.index.get(found)? as usize).map(|(_, value)| value)
    }

    /// The entries, in the author's order.
    pub fn iter(&self) -> MapIter<'_> {
        self.0.entries.iter()
    }

    /// The number of entries.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.entries.len()
    }

    /// Whether there is no entry.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.entries.is_empty()
    }

    pub(super) fn depth(&self) -> u16 {
        self.0.depth
    }

    pub(super) fn size(&self) -> u64 {
        self.0.size
    }
}

fn unique_few(entries: Vec<Entry>) -> Vec<Entry> {
    let mut unique: Vec<Entry> = Vec::with_capacity(entries.len());
    for (key, value) in entries {
        match unique.iter_mut().find(|(k, _)| *k == key) {
            Some(entry) => entry.1 = value,
            None => unique.push((key, value)),
        }
    }
    unique
}

fn unique_many(entries: Vec<Entry>) -> (Vec<Entry>, Box<[u32]>) {
    let mut seen: std::collections::HashMap<Arc<str>, usize> = std::collections::HashMap::with_capacity(entries.len());
    let mut unique: Vec<Entry> = Vec::with_capacity(entries.len());
    for (key, value) in entries {
        match seen.get(&key).and_then(|at| unique.get_mut(*at)) {
            Some(entry) => entry.1 = value,
            None => {
                seen.insert(Arc::clone(&key), unique.len());
                unique.push((key, value));
            }
        }
    }
    if unique.len() <= LINEAR {
        return (unique, Box::default());
    }
    let mut keyed: Vec<(&str, u32)> = unique.iter().zip(0u32..).map(|((key, _), at)| (&**key, at)).collect();
    keyed.sort_unstable();
    let index = keyed.into_iter().map(|(_, at)| at).collect();
    (unique, index)
}

impl PartialEq for Map {
    fn eq(&self, other: &Map) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
            || (self.len() == other.len() && self.iter().all(|(key, value)| other.get(key) == Some(value)))
    }
}

impl fmt::Debug for Map {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_map().entries(self.iter().map(|(k, v)| (k, v))).finish()
    }
}

impl<'a> IntoIterator for &'a Map {
    type Item = &'a (Arc<str>, Value);
    type IntoIter = MapIter<'a>;

    fn into_iter(self) -> MapIter<'a> {
        self.iter()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lookups_agree_below_and_above_the_index_threshold() {
        for count in [0u32, 1, 5, 12, 13, 500] {
            let entries = (0..count).rev().map(|i| (Arc::from(format!("k{i}")), Value::from(i))).collect();
            let map = Map::new(entries).unwrap();
            for i in 0..count {
                assert_eq!(map.get(&format!("k{i}")), Some(&Value::from(i)), "{count} entries");
            }
            assert_eq!(map.get("absent"), None);
            assert_eq!(map.len(), count as usize);
        }
    }

    #[test]
    fn the_later_of_two_equal_keys_wins_in_the_earlier_place() {
        for padding in [0u32, 40] {
            let mut entries = vec![(Arc::from("a"), Value::from(1)), (Arc::from("b"), Value::from(2))];
            entries.extend((0..padding).map(|i| (Arc::from(format!("p{i}")), Value::Null)));
            entries.push((Arc::from("a"), Value::from(3)));
            let map = Map::new(entries).unwrap();
            assert_eq!(map.iter().next().map(|(k, v)| (&**k, v.clone())), Some(("a", Value::from(3))));
            assert_eq!(map.len(), 2 + padding as usize);
        }
    }
}
