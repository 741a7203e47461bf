"""What commands print, as far as no machine is needed for it."""

import unittest

import gdb

from orbital import commands, frames, session


class Names(unittest.TestCase):
    def test_a_crate_is_named_without_its_hash_however_many_digits_that_has(self):
        for digits in ("LCGcyuNN6G_", "gn7SqBRbDRB_"):
            name = f"_RNvNtCs{digits}4ulib2io4read"
            self.assertEqual(session.demangled(name), "ulib::io::read")


class Words(unittest.TestCase):
    def test_too_many_words_are_answered_with_how_it_is_used(self):
        gdb.execute("define-prefix orbital")
        with self.assertRaises(gdb.GdbError) as refused:
            commands.Ps().only(["x"], 0)
        self.assertEqual(str(refused.exception), "usage: orbital ps")


class Frames(unittest.TestCase):
    def test_one_without_a_function_has_question_marks_for_a_name(self):
        class Frame:
            found = None

            def inferior_frame(self):
                return self

            def name(self):
                return self.found

        frame = Frame()
        self.assertEqual(frames.Plain(frame).function(), "??")
        frame.found = "main"
        self.assertEqual(frames.Plain(frame).function(), "main")
