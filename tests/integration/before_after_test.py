"""`sinkwise compare` on inspections: a model before and after, and what is refused."""

import json

from harness import BAD_CONFIG, BAD_FILE, OK, SOURCE, Case, main

MODEL = SOURCE / "tests/fixtures/pretrained/llama"


class BeforeAfter(Case):
    def setUp(self):
        super().setUp()
        if "reports" not in type(self).__dict__:
            type(self).reports = {begin: self.inspect(begin) for begin in ("never", "always")}
        for begin, content in self.reports.items():
            self.write(f"{begin}/report.json", content)

    def inspect(self, begin):
        self.write("text.txt", "the cat sat on the mat and the dog sat on the log. " * 40)
        self.expect(OK, "inspect", MODEL, "--text", "text.txt", "--length", "16", "--windows", "4", "--bos", begin,
                    "--out", begin)
        return (self.folder / begin / "report.json").read_bytes()

    def refused(self, code, *words):
        told = self.expect(code, "compare", *words, "--out", "change").stderr
        self.assertRegex(told, r"next: +\S")
        self.assertFalse((self.folder / "change").exists())
        return told

    def test_page_json_and_terminal(self):
        done = self.expect(OK, "compare", "never", "always", "--out", "change")
        self.assertIn("Caution: The token that every window begins with", done.stdout)
        self.assertIn("mean gate, routed heads", done.stdout)
        change = self.load("change", "report.json")
        self.assertEqual(change["schema"], "sinkwise.before_after/1")
        for name in ("before", "after"):
            report = json.loads(self.reports["never" if name == "before" else "always"])
            gates = [gate for layer in report["layers"] for gate in layer["heads"]["importance"]]
            self.assertEqual([head["importance"][name] for head in change["heads"]], gates)
            self.assertEqual(change["figures"]["loss"][name], report["loss"])
        page = (self.folder / "change" / "report.html").read_text()
        self.assertIn("<!DOCTYPE html>", page[:100])

    def test_json_on_stdout_is_the_file(self):
        done = self.expect(OK, "compare", "never", "always", "--json", "--shared-heads", "2", "--out", "change")
        self.assertEqual(done.stdout, (self.folder / "change" / "report.json").read_text())
        self.assertEqual(json.loads(done.stdout)["shared_heads"], 2)

    def test_evaluations(self):
        for name, value in (("never", 0.4), ("always", 0.6)):
            metric = {"name": "accuracy", "value": value, "standard_error": 0.02, "higher_is_better": True}
            task = {"name": "lambada", "kind": "last word", "count": 500, "metrics": [metric]}
            self.write(f"{name}/evaluation.json", json.dumps({"schema": "sinkwise.evaluation/1", "tasks": [task]}))
        self.assertIn("better", self.expect(OK, "compare", "never", "always", "--out", "good").stdout)
        self.assertIn("better", self.expect(OK, "compare", "never", "always", "--out", "again").stdout)
        for other in ({"hash": "f00d"}, {"count": 400}):
            content = {"schema": "sinkwise.evaluation/1", "tasks": [{**task, **other}], "stride": 7,
                       "model": {"path": "elsewhere/other"}}
            self.write("always/evaluation.json", json.dumps(content))
            told = self.expect(OK, "compare", "never", "always", "--out", "other_items").stdout
            self.assertIn("undecided", told)
            self.assertIn("the evaluation of elsewhere/other", " ".join(told.split()))
            change = self.load("other_items", "report.json")
            self.assertEqual([metric["same_items"] for metric in change["metrics"]], [False])
            self.assertIn("other items before than after", (self.folder / "other_items/report.html").read_text())
        self.write("always/evaluation.json", "{}")
        self.assertIn("always/evaluation.json", self.refused(BAD_FILE, "never", "always"))

    def test_nothing_it_reads_is_overwritten(self):
        whole = (self.folder / "never" / "report.json").read_bytes()
        told = self.expect(BAD_CONFIG, "compare", "never", "always", "--out", "never/").stderr
        self.assertIn("would overwrite", told)
        self.assertEqual((self.folder / "never" / "report.json").read_bytes(), whole)
        self.assertIn("nowhere", self.refused(BAD_FILE, "never", "nowhere"))

    def test_what_was_not_measured_has_not_changed(self):
        report = json.loads(self.reports["always"])
        report["loss"] = None
        report["layers"][0]["heads"]["first_token_weight"][0] = None
        report["layers"][0]["cv"] = None
        self.write("gaps/report.json", json.dumps(report))
        told = self.expect(OK, "compare", "gaps", "always", "--out", "change").stdout
        self.assertIn("was not measured on both sides", told)
        figures = self.load("change", "report.json")["figures"]
        self.assertIsNone(figures["sink_heads"]["before"])
        self.assertEqual(figures["cv"]["difference"], 0)

    def test_curves_with_other_points(self):
        report = json.loads(self.reports["always"])
        report["interventions"]["pruning"][1].update(silenced=[1], loss=[5.6], spread=[])
        self.write("short/report.json", json.dumps(report))
        self.expect(OK, "compare", "short", "always", "--out", "ignored")
        self.write("also/report.json", json.dumps(report))
        self.expect(OK, "compare", "short", "also", "--out", "change")
        sentence = next(line for line in self.load("change", "report.json")["summary"] if "Silencing" in line)
        self.assertNotIn("by " + report["interventions"]["pruning"][1]["order"], sentence)
        self.assertIn("by " + report["interventions"]["pruning"][0]["order"], sentence)

    def test_only_two_and_only_inspections(self):
        self.write("run/result.json", "{}")
        self.assertIn("two at a time", self.refused(BAD_CONFIG, "never", "always", "never"))
        self.assertIn("two at a time", self.refused(BAD_CONFIG, "never"))
        self.assertIn("one comparison", self.refused(BAD_CONFIG, "never", "run"))
        self.assertIn("--overhead", self.refused(BAD_CONFIG, "never", "always", "--overhead", "o.json"))
        self.assertIn("--shared-heads", self.refused(BAD_CONFIG, "run", "--shared-heads", "1"))
        self.refused(BAD_CONFIG, "never", "always", "--shared-heads", "99")

    def test_other_sizes_and_other_reports(self):
        report = json.loads(self.reports["always"])
        report["layers"].pop()
        report["model"]["layers"] -= 1
        self.write("shorter/report.json", json.dumps(report))
        self.assertIn("different sizes", self.refused(BAD_CONFIG, "never", "shorter"))
        self.expect(OK, "compare", "never", "always", "--out", "other")
        self.assertIn("sinkwise.before_after/1", self.refused(BAD_FILE, "never", "other"))

    def test_damaged_report(self):
        whole = self.reports["always"]
        for content in (b"", b"{", whole[:-20], b"[]", b"{}", b"\xff\xfe", b"[" * 100000,
                        whole.replace(b'"importance"', b'"weight"'), whole.replace(b'"heads"', b'"hands"')):
            with self.subTest(content=content[:20]):
                self.write("always/report.json", content)
                self.assertIn("always/report.json", self.refused(BAD_FILE, "never", "always"))

    def test_names_that_look_like_markup_stay_text(self):
        report = json.loads(self.reports["always"])
        report["model"]["path"] = "<img src=x>"
        report["interventions"]["pruning"][0]["order"] = "</script><b>"
        for name in ("one", "two"):
            self.write(f"{name}/report.json", json.dumps(report))
        self.expect(OK, "compare", "one", "two", "--out", "change")
        page = (self.folder / "change" / "report.html").read_text()
        self.assertNotIn("<img src=x>", page)
        self.assertNotIn("</script><b>", page)


if __name__ == "__main__":
    main()
