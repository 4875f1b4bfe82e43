"""`sinkwise compare`: two mechanisms with and without balance on two seeds, in one report."""

import json
import shutil

from harness import BAD_FILE, OK, Case, assignments, main
from report_files import ReportFiles

MECHANISMS, FORMS, SEEDS = ("vanilla", "sink"), ("none", "cv"), (1, 2)


class Compare(Case, ReportFiles):
    def setUp(self):
        super().setUp()
        if "runs" not in type(self).__dict__:
            type(self).runs = self.train_all()
        for name, content in self.runs.items():
            self.write(name, content)
        self.names = sorted({name.split("/")[0] for name in self.runs})

    def train_all(self):
        """The files of all runs that a comparison reads."""
        recipe = self.recipe()
        for mechanism in MECHANISMS:
            for form in FORMS:
                for seed in SEEDS:
                    self.expect(OK, "train", recipe, *assignments({
                        "attention.mechanism": mechanism, "balance.form": form, "run.seed": seed,
                        "run.directory": f"{mechanism}-{form}-{seed}"}))
        return {str(path.relative_to(self.folder)): path.read_bytes()
                for name in ("result.json", "log.jsonl") for path in self.folder.glob(f"*/{name}")}

    def test_report(self):
        done = self.expect(OK, "compare", *self.names, "--out", "report")
        report = self.check_report(self.folder / "report")
        self.assertEqual(len(report["arms"]), 4)
        self.assertEqual(len(report["pairs"]), 2)
        for arm in report["arms"]:
            self.assertEqual(arm["seeds"], list(SEEDS))
            for seed, name in zip(arm["seeds"], arm["directories"]):
                final = self.load(name, "result.json")["final"]
                for key in ("loss", "cv", "mean_gate", "first_token_weight"):
                    self.assertEqual(arm["figures"][key]["per_seed"][SEEDS.index(seed)], final[key])
        self.check_table(done.stdout)
        page = self.folder / "report" / "report.html"
        self.assertTrue(done.stdout.endswith(f"report: {page.resolve()}\n"), done.stdout)

    def test_same_runs_same_bytes(self):
        for out in ("a", "b"):
            self.expect(OK, "compare", *self.names, "--out", out)
        self.assertEqual(*(self.folder.joinpath(out, "report.json").read_bytes() for out in "ab"))

    def test_default_place(self):
        self.expect(OK, "compare", *self.names)
        self.check_report(self.folder / "comparison")

    def test_one_run(self):
        self.expect(OK, "compare", "sink-cv-1", "--out", "report")
        report = self.check_report(self.folder / "report")
        self.assertEqual((len(report["arms"]), report["pairs"]), (1, []))

    def test_measured_overhead(self):
        words = ("bench", "overhead", self.recipe(balance__form="cv"), "--pairs", "3", "--json")
        self.write("overhead.json", self.expect(OK, *words).stdout)
        self.expect(OK, "compare", *self.names, "--overhead", "overhead.json", "--out", "report")
        report = self.check_report(self.folder / "report")
        self.assertEqual(report["overhead"][0]["pairs"], 3)

    def refused(self, *words):
        told = self.expect(BAD_FILE, "compare", *words, "--out", "report").stderr
        self.assertRegex(told, r"next: +\S")
        self.assertFalse((self.folder / "report").exists())
        return told

    def test_unfinished_run(self):
        (self.folder / "sink-cv-2" / "result.json").unlink()
        told = self.refused(*self.names)
        self.assertIn("sink-cv-2", told)
        self.assertIn("has not finished", told)

    def test_missing_run(self):
        self.assertIn("absent", self.refused(*self.names, "absent"))

    def test_damaged_result(self):
        path = self.folder / "sink-cv-2" / "result.json"
        whole = path.read_bytes()
        for content in (b"", b"{", whole[:-20], b"[]", b"{}", b"\xff\xfe", b"[" * 100000,
                        whole.replace(b"sinkwise.result/1", b"sinkwise.result/9"),
                        whole.replace(b'"mechanism"', b'"machine"'),
                        whole.replace(b'"form": "cv"', b'"form": "cvv"'),
                        whole.replace(b'"layers": [', b'"strata": [')):
            with self.subTest(content=content[:20]):
                path.write_bytes(content)
                self.assertIn("sink-cv-2/result.json", self.refused(*self.names))

    def test_damaged_log(self):
        self.write("sink-cv-2/log.jsonl", b'{"step": 1}\nnot json\n')
        self.assertIn("log.jsonl", self.refused(*self.names))

    def test_overhead_that_is_none(self):
        self.write("overhead.json", "{}")
        told = self.refused(*self.names, "--overhead", "overhead.json")
        self.assertIn("overhead.json", told)

    def test_names_that_look_like_markup_stay_text(self):
        shutil.move(self.folder / "sink-cv-1", self.folder / "<b onclick=x>&")
        config = self.load("<b onclick=x>&", "result.json")
        config["label"] = "<img src=x>"
        self.write("<b onclick=x>&/result.json", json.dumps(config))
        self.expect(OK, "compare", "<b onclick=x>&", "sink-none-1", "--out", "report")
        self.check_report(self.folder / "report")
        page = (self.folder / "report" / "report.html").read_text()
        self.assertNotIn("<b onclick=x>", page)
        self.assertNotIn("<img src=x>", page)


if __name__ == "__main__":
    main()
