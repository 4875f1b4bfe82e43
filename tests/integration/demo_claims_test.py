"""The claims of the demonstration, on one seed that its configuration was not chosen on.

Each bound stands well clear of what was measured with recipes/bigram_backcopy.toml, run.seed=6,
run.threads=1 (torch 2.13.0, CPU, float32):

    arm                        CV      mean gate  effective heads  excess loss  first-token weight
    vanilla         none       0.1506  0.8184     7.82             0.0251       0.182
    vanilla         cv         0.0206  0.8496     8.00             0.0243       0.150
    sink            none       0.4331  0.1902     6.74             0.0178       0.005
    sink            cv         0.0148  0.2713     8.00             0.0183       0.009
    gated_headwise  none       0.5102  0.1729     6.35             0.0195       0.110
    gated_headwise  cv         0.0076  0.3054     8.00             0.0193       0.094
    gated_headwise  open       0.0679  0.8291     7.96             0.0199       0.153
    vanilla, no first token    0.0156  0.9717     8.00             0.0260       0.028
"""

from harness import OK, RECIPES, Case, assignments, main

MECHANISMS = ("vanilla", "sink", "gated_headwise")
ARMS = {
    **{(mechanism, form): {"attention.mechanism": mechanism, "balance.form": form}
       for mechanism in MECHANISMS for form in ("none", "cv")},
    ("gated_headwise", "open"): {"attention.mechanism": "gated_headwise", "balance.form": "open"},
    ("vanilla", "no_bos"): {"attention.mechanism": "vanilla", "task.beginning_token": False},
}


class Claims(Case):
    def setUp(self):
        super().setUp()
        if "final" not in type(self).__dict__:
            type(self).final = {arm: self.train(settings) for arm, settings in ARMS.items()}

    def train(self, settings):
        name = "-".join(str(value) for value in settings.values())
        self.expect(OK, "train", RECIPES / "bigram_backcopy.toml", *assignments({
            **settings, "run.seed": 6, "run.threads": 1, "run.directory": name}))
        return self.load(name, "result.json")["final"]

    def test_balance_more_than_halves_the_cv(self):
        for mechanism in MECHANISMS:
            with self.subTest(mechanism=mechanism):
                base, balanced = self.final[mechanism, "none"], self.final[mechanism, "cv"]
                self.assertLess(balanced["cv"], 0.5 * base["cv"])

    def test_balance_changes_the_excess_loss_by_little(self):
        for mechanism in MECHANISMS:
            with self.subTest(mechanism=mechanism):
                base, balanced = self.final[mechanism, "none"], self.final[mechanism, "cv"]
                self.assertLess(abs(balanced["excess"] - base["excess"]), 0.02)

    def test_every_run_learns_the_task(self):
        for arm, final in self.final.items():
            with self.subTest(arm=arm):
                self.assertLess(final["excess"], 0.06)

    def test_balanced_heads_are_all_in_use_and_not_merely_open(self):
        for mechanism in ("sink", "gated_headwise"):
            with self.subTest(mechanism=mechanism):
                self.assertGreaterEqual(self.final[mechanism, "cv"]["effective_heads"], 7.5)
                self.assertLess(self.final[mechanism, "cv"]["mean_gate"], 0.6)
                self.assertLess(self.final[mechanism, "none"]["effective_heads"], 7.5)

    def test_a_sink_needs_a_first_token(self):
        with_one = self.final["vanilla", "none"]["first_token_weight"]
        without = self.final["vanilla", "no_bos"]["first_token_weight"]
        self.assertGreater(with_one, 0.1)
        self.assertGreater(with_one, 2.5 * without)

    def test_open_gates_reach_a_low_cv_too(self):
        opened = self.final["gated_headwise", "open"]
        self.assertLess(opened["cv"], 0.15)
        self.assertGreater(opened["mean_gate"], 0.7)
        self.assertGreater(opened["mean_gate"], 2 * self.final["gated_headwise", "cv"]["mean_gate"])


if __name__ == "__main__":
    main()
