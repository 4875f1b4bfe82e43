"""What every report must be: report.json as documented, report.html whole in itself."""

import html.parser
import json
import math
import re

from harness import SOURCE

# The embedded Plotly bundle is the one script of megabytes; it names addresses it never asks for.
BUNDLE_BYTES = 1_000_000


def documented_fields():
    """Section of docs/report_schema.md -> names in the first column of its tables."""
    sections = {}
    name = "report"
    for line in (SOURCE / "docs" / "report_schema.md").read_text().splitlines():
        if line.startswith("## "):
            name = line[3:].strip()
        first = re.match(r"\|([^|]*`[^|]*)\|", line)
        if first:
            kind = "figures" if name == "arm" and "figures" in sections else name
            sections.setdefault(kind, set()).update(re.findall(r"`(\w+)`", first[1]))
        if line.startswith("| key of `figures`"):
            sections["figures"] = set()
    return sections


class Links(html.parser.HTMLParser):
    """Collects what the elements of a page point to."""

    def __init__(self):
        super().__init__()
        self.found = []

    def handle_starttag(self, tag, attributes):
        for name, value in attributes:
            if name in ("src", "srcset", "href", "action", "data", "poster"):
                self.found.append(value)


class ReportFiles:
    """Mixed into a test case."""

    def check_report(self, folder):
        """Checks both files and returns what report.json holds."""
        report = json.loads((folder / "report.json").read_text(), parse_constant=self.fail)
        self.check_fields(report)
        self.check_page((folder / "report.html").read_text())
        return report

    def check_fields(self, report):
        fields = documented_fields()
        self.assertEqual(report["schema"], "sinkwise.report/1")
        self.assertEqual(set(report), fields["report"])
        for kind in ("arm", "pair", "verdict"):
            for entry in report[kind + "s"]:
                self.assertEqual(set(entry), fields[kind], kind)
        for entry in report["overhead"]:
            self.assertEqual(set(entry), fields["overhead"])
        for arm in report["arms"]:
            self.check_arm(arm, fields["figures"])
        for pair in report["pairs"]:
            self.check_pair(pair, report["arms"], fields["figures"])
        for verdict in report["verdicts"]:
            self.assertIn(verdict["status"], ("holds", "does_not_hold", "null", "undecided"))
        self.assertTrue(all(isinstance(text, str) for text in report["provenance"].values()))

    def check_arm(self, arm, keys):
        self.assertEqual(arm["seeds"], sorted(arm["seeds"]))
        self.assertEqual(len(arm["directories"]), len(arm["seeds"]))
        self.assertEqual(set(arm["balance"]), {"form", "lambda", "shared_heads"})
        self.assertEqual(set(arm["figures"]), keys)
        groups = [figure for group in arm["groups"].values() for figure in group.values()]
        for figure in [*arm["figures"].values(), *groups, arm["importance_ablation_spearman"]]:
            self.check_figure(figure, len(arm["seeds"]))

    def check_pair(self, pair, arms, keys):
        base, balanced = arms[pair["base_arm"]], arms[pair["balanced_arm"]]
        self.assertEqual(base["balance"]["form"], "none")
        self.assertEqual(balanced["balance"], pair["balance"])
        self.assertEqual(set(pair["change"]), keys)
        for figure in [*pair["change"].values(), *pair["excess_change"].values(), pair["cv_ratio"]]:
            self.check_figure(figure, len(pair["seeds"]))
        if base["seeds"] == balanced["seeds"]:
            for before, after, change in zip(base["figures"]["cv"]["per_seed"],
                                             balanced["figures"]["cv"]["per_seed"],
                                             pair["change"]["cv"]["per_seed"]):
                self.assertAlmostEqual(after - before, change)

    def check_figure(self, figure, seeds):
        self.assertEqual(set(figure), {"per_seed", "mean", "spread"})
        values = figure["per_seed"]
        self.assertEqual(len(values), seeds)
        measured = [value for value in values if value is not None]
        if measured:
            mean = math.fsum(measured) / len(measured)
            self.assertTrue(math.isclose(figure["mean"], mean, rel_tol=1e-9, abs_tol=1e-12))
        else:
            self.assertIsNone(figure["mean"])
        self.assertEqual(figure["spread"] is None, len(measured) < 2)

    def check_page(self, page):
        self.assertIn("Content-Security-Policy", page)
        self.assertIn("default-src 'none'", page)
        scripts = re.findall(r"<script[^>]*>(.*?)</script>", page, re.DOTALL)
        bundles = [script for script in scripts if len(script) > BUNDLE_BYTES]
        self.assertEqual(len(bundles), 1, "one Plotly bundle")
        rest = page.replace(bundles[0], "")
        self.assertEqual(re.findall(r"(?:https?:)?//\w[\w.-]*\.\w+", rest), [])
        links = Links()
        links.feed(rest)
        self.assertEqual([link for link in links.found if not link.startswith(("data:", "#"))], [])
        for heading in ("CV", "mean gate", "first-token weight"):
            self.assertIn(heading.lower(), rest.lower())

    def check_table(self, text):
        """What is printed fits a terminal of 100 columns."""
        for line in text.splitlines():
            if not line.startswith("report: "):
                self.assertLessEqual(len(line), 100, line)
