//! The bookkeeping against a model, and each way it can be misused.

use super::{FailIn, Frame, Frames, OutOfFrames, Priority, RegionError, Regions, ReleaseError};
use proptest::prelude::{any, prop_assert, prop_assert_eq, proptest};
use std::collections::BTreeSet;
use std::vec;
use std::vec::Vec;

const KIB: u64 = 1024;

/// Runs `test` on the frames of these regions, given as frame numbers.
fn with_frames<R>(regions: &[(u64, u64)], reserve: u64, test: impl FnOnce(Frames<'_>) -> R) -> R {
    let mut all = Regions::new();
    for (start, end) in regions {
        all.add(start * Frame::SIZE, end * Frame::SIZE).unwrap();
    }
    let storage = all.storage();
    let (mut recycled, mut allocated) = (vec![0; storage.recycled], vec![0; storage.allocated]);
    test(Frames::new(all, reserve, &mut recycled, &mut allocated).unwrap())
}

fn drain(frames: &mut Frames<'_>) -> Vec<Frame> {
    core::iter::from_fn(|| frames.allocate(Priority::Reserved).ok()).collect()
}

#[test]
fn every_frame_of_every_region_is_handed_out_once() {
    with_frames(&[(100, 103), (5, 7), (50, 51)], 0, |mut frames| {
        assert_eq!((frames.total(), frames.free()), (6, 6));
        assert_eq!(drain(&mut frames), [5, 6, 50, 100, 101, 102].map(Frame));
        assert_eq!(frames.free(), 0);
        assert_eq!(frames.allocate(Priority::Reserved), Err(OutOfFrames));
    });
}

#[test]
fn a_returned_frame_is_the_next_one_out() {
    with_frames(&[(1, 10)], 0, |mut frames| {
        let first = frames.allocate(Priority::Normal).unwrap();
        frames.allocate(Priority::Normal).unwrap();
        frames.release(first).unwrap();
        assert_eq!(frames.allocate(Priority::Normal), Ok(first));
    });
}

#[test]
fn a_second_release_and_a_fresh_frame_are_refused() {
    with_frames(&[(1, 10)], 0, |mut frames| {
        let frame = frames.allocate(Priority::Normal).unwrap();
        assert!(frames.is_allocated(frame));
        assert_eq!(frames.release(frame), Ok(()));
        assert_eq!(frames.release(frame), Err(ReleaseError::NotAllocated));
        assert_eq!(frames.release(Frame(9)), Err(ReleaseError::NotAllocated));
        assert_eq!(frames.free(), 9);
    });
}

#[test]
fn a_frame_outside_every_region_is_not_ours() {
    with_frames(&[(10, 12), (20, 22)], 0, |mut frames| {
        drain(&mut frames);
        for number in [0, 9, 12, 19, 22, u64::MAX, u64::from(u32::MAX) + 11] {
            assert_eq!(frames.release(Frame(number)), Err(ReleaseError::NotOurs), "{number}");
        }
    });
}

#[test]
fn the_reserve_is_left_to_those_who_may_use_it() {
    with_frames(&[(1, 6)], 2, |mut frames| {
        assert_eq!(frames.available(Priority::Normal), 3);
        for _ in 0..3 {
            frames.allocate(Priority::Normal).unwrap();
        }
        assert_eq!(frames.allocate(Priority::Normal), Err(OutOfFrames));
        assert!(frames.allocate(Priority::Reserved).is_ok());
        assert!(frames.allocate(Priority::Reserved).is_ok());
        assert_eq!(frames.allocate(Priority::Reserved), Err(OutOfFrames));
    });
}

#[test]
fn the_nth_allocation_fails_once_and_loses_nothing() {
    with_frames(&[(1, 10)], 0, |mut frames| {
        frames.fail_nth(3);
        assert!(frames.allocate(Priority::Normal).is_ok());
        assert!(frames.allocate(Priority::Reserved).is_ok());
        assert_eq!(frames.allocate(Priority::Reserved), Err(OutOfFrames));
        assert_eq!(frames.free(), 7);
        assert!(frames.allocate(Priority::Normal).is_ok());
        frames.fail_nth(1);
        frames.fail_nth(0);
        assert!(frames.allocate(Priority::Normal).is_ok());
    });
}

#[test]
fn each_count_of_allocations_is_its_own_and_says_what_is_left() {
    let [mut mine, mut another] = [FailIn::NEVER; 2];
    assert_eq!((mine.arm(2), another.arm(3)), (0, 0));
    assert!(!mine.fails_now());
    assert!(mine.fails_now());
    assert!(!mine.fails_now(), "once");
    assert_eq!(mine.arm(u64::MAX), 0, "it has failed");
    assert_eq!(another.arm(0), 3, "nothing was counted");
    assert!(!another.fails_now());
    assert!(!mine.fails_now());
    assert_eq!(mine.arm(0), u64::MAX - 1);
}

#[test]
fn storage_that_is_too_short_is_refused() {
    let mut regions = Regions::new();
    regions.add(0, 100 * Frame::SIZE).unwrap();
    let needed = regions.storage();
    assert_eq!((needed.recycled, needed.allocated), (100, 2));
    assert!(Frames::new(regions.clone(), 0, &mut [0; 99], &mut [0; 2]).is_err());
    assert!(Frames::new(regions, 0, &mut [0; 100], &mut [0; 1]).is_err());
}

#[test]
fn partial_frames_at_the_ends_of_a_region_are_not_used() {
    let mut regions = Regions::new();
    regions.add(1, 4 * KIB).unwrap();
    regions.add(639 * KIB, 639 * KIB + 1).unwrap();
    assert_eq!(regions.frames(), 0);
    regions.add(10 * KIB, 21 * KIB).unwrap();
    assert_eq!(regions.frames(), 2);
}

#[test]
fn contradictory_and_impossible_regions_are_refused() {
    let mut regions = Regions::new();
    regions.add(0x10_0000, 0x20_0000).unwrap();
    assert_eq!(regions.add(0x1f_f000, 0x30_0000), Err(RegionError::Overlap));
    assert_eq!(regions.add(0, u64::MAX), Err(RegionError::TooHigh));
    for index in 1..64 {
        regions.add(index * 0x100_0000, index * 0x100_0000 + 0x1000).unwrap();
    }
    assert_eq!(regions.add(0x1000, 0x2000), Err(RegionError::TooMany));
    assert_eq!(regions.frames(), 0x100 + 63);
}

#[test]
fn regions_that_touch_are_joined_in_whatever_order_they_come() {
    let mut regions = Regions::new();
    // Every fourth piece, then the odd ones beside them, then those that close the gaps.
    for index in (0..128).step_by(4).chain((1..128).step_by(2)).chain((2..128).step_by(4)) {
        regions.add(Frame(index).address(), Frame(index + 1).address()).unwrap();
    }
    assert_eq!(regions.frames(), 128);
    assert_eq!(regions.carve(127), Some(Frame(1)));
}

#[test]
fn carved_frames_are_contiguous_and_never_handed_out() {
    let mut regions = Regions::new();
    regions.add(Frame(10).address(), Frame(20).address()).unwrap();
    regions.add(Frame(30).address(), Frame(33).address()).unwrap();
    assert_eq!(regions.carve(2), Some(Frame(31)));
    assert_eq!(regions.carve(5), Some(Frame(15)));
    assert_eq!(regions.carve(9), None);
    assert_eq!(regions.frames(), 6);
    let (mut recycled, mut allocated) = ([0; 6], [0; 1]);
    let mut frames = Frames::new(regions, 0, &mut recycled, &mut allocated).unwrap();
    assert_eq!(drain(&mut frames), [10, 11, 12, 13, 14, 30].map(Frame));
}

proptest! {
    #[test]
    fn frames_are_never_handed_out_twice_nor_lost(steps in proptest::collection::vec(any::<u8>(), 0..400)) {
        with_frames(&[(3, 9), (40, 75), (200, 210)], 4, |mut frames| {
            let mut held = BTreeSet::new();
            for step in steps {
                if step % 3 == 0 {
                    let victim = held.iter().nth(usize::from(step) % held.len().max(1)).copied();
                    if let Some(frame) = victim {
                        prop_assert_eq!(frames.release(frame), Ok(()));
                        held.remove(&frame);
                    }
                } else {
                    let priority = if step % 2 == 0 { Priority::Normal } else { Priority::Reserved };
                    let expected = frames.available(priority) > 0;
                    let got = frames.allocate(priority);
                    prop_assert_eq!(got.is_ok(), expected);
                    if let Ok(frame) = got {
                        prop_assert!(held.insert(frame));
                    }
                }
                prop_assert_eq!(frames.free() + held.len() as u64, frames.total());
            }
            for frame in held {
                prop_assert_eq!(frames.release(frame), Ok(()));
            }
            prop_assert_eq!(frames.free(), 51);
            Ok(())
        })?;
    }
}
