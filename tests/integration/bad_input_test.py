"""Text and token files that are no text and no token files: refused before anything is written."""

import ctypes
import os
import struct

from harness import BAD_CONFIG, BAD_FILE, OK, RESOURCE, Case, assignments, main

MAGIC_16, MAGIC_32 = 20240520, 20240801
HEADER_BYTES = 1024
# The rows of a tiny run on files: 16 positions, few of everything.
SMALL = {"task.length": 16, "task.validation_rows": 4, "train.steps": 4, "optim.warmup_steps": 1,
         "eval.ablation_rows": 0}


def token_file(ids, magic=MAGIC_16, version=1, count=None, width=2):
    """A token file in llm.c's layout, or something near it."""
    count = len(ids) if count is None else count
    header = struct.pack("<3i", magic, version, count).ljust(HEADER_BYTES, b"\0")
    return header + b"".join(token.to_bytes(width, "little") for token in ids)


def drop_read_override():
    """Makes the next program of a root process obey file modes; ends with 99 where it cannot."""
    bounding_set_drop, dac_override, dac_read_search = 24, 1, 2
    libc = ctypes.CDLL(None)
    for capability in (dac_override, dac_read_search):
        if libc.prctl(bounding_set_drop, capability, 0, 0, 0) != 0:
            os._exit(99)


GOOD_IDS = [i % 50 for i in range(400)]
GOOD_TEXT = "The quick brown fox jumps over the lazy dog.\n" * 20


class Refused(Case):
    def train(self, code, task, files, **settings):
        """Trains on files, requires the exit code, a next step, and that nothing was written."""
        names = ",".join(map(str, files if isinstance(files, (list, tuple)) else [files]))
        given = {"task.name": task, "data.files": names, **SMALL,
                 **{key.replace("__", "."): value for key, value in settings.items()}}
        recipe = self.recipe(**{"task__name": "text"})
        done = self.expect(code, "train", recipe, *assignments(given), timeout=60)
        if code != OK:
            self.assertEqual(done.stdout, "")
            self.assertRegex(done.stderr, r"next: +\S")
            self.assertFalse((self.folder / "run").exists(), "something was written")
        return done.stderr

    def bad_tokens(self, content, *expected, **settings):
        path = self.write("corpus.bin", content)
        self.check(self.train(BAD_FILE, "tokens", path, **settings), path, expected)

    def bad_text(self, content, *expected, **settings):
        path = self.write("corpus.txt", content)
        self.check(self.train(BAD_FILE, "text", path, **settings), path, expected)

    def check(self, message, path, expected):
        for part in (str(path), *expected):
            self.assertIn(part, message)


class TokenFiles(Refused):
    def test_a_good_file_trains(self):
        self.train(OK, "tokens", self.write("a.bin", token_file(GOOD_IDS)))
        self.assertTrue((self.folder / "run" / "result.json").exists())

    def test_a_good_wide_file_trains(self):
        wide = token_file(GOOD_IDS, magic=MAGIC_32, version=7, width=4)
        self.train(OK, "tokens", self.write("a.bin", wide))

    def test_empty(self):
        self.bad_tokens(b"", "0 of 1024 bytes")

    def test_inside_the_header(self):
        self.bad_tokens(token_file(GOOD_IDS)[:1023], "1023 of 1024 bytes")

    def test_wrong_magic(self):
        self.bad_tokens(token_file(GOOD_IDS, magic=1), "magic", "byte 0")

    def test_wrong_version(self):
        self.bad_tokens(token_file(GOOD_IDS, version=2), "version", "byte 4")

    def test_version_of_the_other_width(self):
        self.bad_tokens(token_file(GOOD_IDS, magic=MAGIC_32, version=1, width=4), "version")

    def test_huge_count(self):
        self.bad_tokens(token_file(GOOD_IDS, count=2**31 - 1), "cut short", str(2**31 - 1))

    def test_negative_count(self):
        self.bad_tokens(token_file(GOOD_IDS, count=-1), "count of tokens")

    def test_no_tokens(self):
        self.bad_tokens(token_file([]), "count of tokens")

    def test_truncated(self):
        self.bad_tokens(token_file(GOOD_IDS)[:-200], "cut short")

    def test_odd_byte_count(self):
        self.bad_tokens(token_file(GOOD_IDS)[:-1], "cut short")

    def test_goes_on_after_its_end(self):
        self.bad_tokens(token_file(GOOD_IDS) + b"\0", "goes on after")

    def test_ids_beyond_the_vocabulary(self):
        ids = GOOD_IDS[:300] + [50] + GOOD_IDS[301:]
        self.bad_tokens(token_file(ids), "token 300", "below 50", data__vocabulary=50)

    def test_ids_beyond_int32(self):
        ids = [2**32 - 1] + GOOD_IDS
        self.bad_tokens(token_file(ids, magic=MAGIC_32, version=7, width=4), str(2**32 - 1))

    def test_shorter_than_two_windows(self):
        self.bad_tokens(token_file(GOOD_IDS[:33]), "at least 34", "33 tokens")

    def test_text_in_place_of_tokens(self):
        self.bad_tokens(GOOD_TEXT * 2, "magic")

    def test_big_endian(self):
        self.bad_tokens(struct.pack(">3i", MAGIC_16, 1, 400).ljust(1824, b"\0"), "magic")

    def test_missing(self):
        self.check(self.train(BAD_FILE, "tokens", "absent.bin"), "absent.bin", ["No such file"])

    def test_directory(self):
        self.check(self.train(BAD_FILE, "tokens", self.folder), self.folder, ["directory"])

    def test_bad_held_out_file(self):
        good = self.write("good.bin", token_file(GOOD_IDS))
        bad = self.write("held_out.bin", token_file(GOOD_IDS, magic=1))
        self.check(self.train(BAD_FILE, "tokens", good, data__validation_files=bad), bad, ["magic"])

    def test_second_of_two_files_is_bad(self):
        good = self.write("good.bin", token_file(GOOD_IDS))
        bad = self.write("second.bin", token_file(GOOD_IDS)[:-2])
        self.check(self.train(BAD_FILE, "tokens", [good, bad]), bad, ["cut short"])


class TextFiles(Refused):
    def test_a_good_file_trains(self):
        self.train(OK, "text", self.write("a.txt", GOOD_TEXT))
        self.assertTrue((self.folder / "run" / "result.json").exists())

    def test_bytes_that_are_no_utf8_train(self):
        self.train(OK, "text", self.write("latin.txt", b"caf\xe9 " * 100))

    def test_empty(self):
        self.bad_text(b"", "empty")

    def test_missing(self):
        self.check(self.train(BAD_FILE, "text", "absent.txt"), "absent.txt", ["No such file"])

    def test_directory(self):
        self.check(self.train(BAD_FILE, "text", self.folder), self.folder, ["directory"])

    def test_binary(self):
        self.bad_text(GOOD_TEXT.encode() + b"\0" + GOOD_TEXT.encode(), "binary", "byte 900")

    def test_tokens_in_place_of_text(self):
        self.bad_text(token_file(GOOD_IDS), "binary")

    def test_shorter_than_two_windows(self):
        self.bad_text("x" * 31, "at least 32 bytes", "31 bytes")

    def test_shorter_than_a_window_when_packed(self):
        path = self.write("short.txt", "x" * 10)
        message = self.train(BAD_FILE, "text", path, data__pack=True)
        self.assertIn("shorter than one window", message)

    def test_device(self):
        self.check(self.train(BAD_FILE, "text", "/dev/zero"), "/dev/zero", ["regular file"])

    def test_named_pipe_does_not_hang(self):
        os.mkfifo(self.folder / "pipe")
        self.check(self.train(BAD_FILE, "text", "pipe"), "pipe", ["regular file"])

    def test_line_feeds_in_a_name_stay_on_one_line(self):
        message = self.train(BAD_FILE, "text", "a\x1b[31m\nb.txt")
        self.assertNotIn("\x1b", message)
        self.assertNotIn("\nb.txt", message)

    def test_no_standard_library_where_one_was_named(self):
        folder = self.folder / "lib"
        folder.mkdir()
        given = assignments({**SMALL, "data.standard_library": folder})
        done = self.expect(BAD_FILE, "train", self.recipe(task__name="text"), *given)
        self.assertIn(str(folder), done.stderr)
        self.assertFalse((self.folder / "run").exists())


class Unreadable(Refused):
    def test_forbidden_by_mode(self):
        path = self.write("secret.txt", GOOD_TEXT)
        path.chmod(0)
        hook = drop_read_override if os.geteuid() == 0 else None
        words = assignments({**SMALL, "data.files": path})
        done = self.sinkwise("train", self.recipe(task__name="text"), *words, preexec_fn=hook)
        if done.returncode == 99:
            self.skipTest("root reads everything here and cannot give that up")
        self.assertEqual(done.returncode, BAD_FILE, done.stderr)
        self.check(done.stderr, path, ["Permission denied", "next:"])
        self.assertFalse((self.folder / "run").exists())


class Options(Refused):
    """What the recipe says about good files, and cannot be."""

    def test_share_held_out(self):
        path = self.write("a.txt", GOOD_TEXT)
        for task in ("text", "tokens"):
            for share in (0, 1):
                with self.subTest(task=task, share=share):
                    message = self.train(BAD_CONFIG, task, path, data__validation_fraction=share)
                    self.assertIn("validation_fraction", message)

    def test_tokens_without_a_file(self):
        self.assertIn("files", self.train(BAD_CONFIG, "tokens", ""))

    def test_one_file_twice(self):
        path = self.write("a.txt", GOOD_TEXT)
        self.assertIn(f"{path} twice", self.train(BAD_CONFIG, "text", [path, path]))

    def test_more_text_than_allowed(self):
        path = self.write("a.txt", GOOD_TEXT)
        message = self.train(BAD_CONFIG, "text", path, data__max_bytes=899)
        self.assertIn("900", message)
        self.assertIn("max_bytes", message)

    def test_document_token_beyond_the_vocabulary(self):
        path = self.write("a.bin", token_file(GOOD_IDS))
        message = self.train(BAD_CONFIG, "tokens", path, data__document_token=50)
        self.assertIn("document_token", message)


class Inputs(Case):
    def test_a_run_to_start_from_that_is_none(self):
        done = self.expect(BAD_FILE, "train", self.recipe(train__init_from="nowhere"))
        self.assertIn("nowhere", done.stderr)
        self.assertRegex(done.stderr, r"next: +\S")
        self.assertEqual(self.steps(), [])
        self.assertFalse((self.folder / "run" / "result.json").exists())

    def test_a_run_directory_that_is_a_file(self):
        path = self.write("run", "in the way")
        self.assertIn("run", self.expect(RESOURCE, "train", self.recipe()).stderr)
        self.assertEqual(path.read_text(), "in the way")


if __name__ == "__main__":
    main()
