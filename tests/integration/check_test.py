"""`sinkwise check`: the attention operator on this machine, held against the float64 reference."""

import re

from harness import OK, Case, main


class Check(Case):
    def test_every_row_is_right(self):
        text = self.expect(OK, "check", timeout=800).stdout
        self.assertRegex(text, r"(?m)^\d+ comparisons, 0 failures$")
        rows = re.findall(r"(?m)^(ok|FAIL) +(\S+) +(\S+) +(\S+)", text)
        self.assertEqual({row[0] for row in rows}, {"ok"})
        self.assertEqual({row[2] for row in rows}, {"float64", "float32", "bfloat16"})
        self.assertLessEqual({"reference", "stock"}, {row[1] for row in rows})


if __name__ == "__main__":
    main()
