"""Configuration: misspelt keys, wrong values, broken recipes, and what `config show` prints."""

import json
import re

from harness import BAD_CONFIG, OK, RECIPES, TINY, Case, assignments, main

# What people write, and what they meant.
MISSPELT = {
    "optim.lrr": "optim.lr",
    "optim.learning_rate": "optim.lr",
    "optim.beta_1": "optim.beta1",
    "optim.betta2": "optim.beta2",
    "optim.eps": "optim.epsilon",
    "optim.wieght_decay": "optim.weight_decay",
    "optim.weightdecay": "optim.weight_decay",
    "optim.shedule": "optim.schedule",
    "optim.warmup": "optim.warmup_steps",
    "optim.warm_up_steps": "optim.warmup_steps",
    "optim.final_fracton": "optim.final_fraction",
    "optimizer.lr": "optim.lr",
    "optimiser.clip": "optim.clip",
    "train.step": "train.steps",
    "train.batchrows": "train.batch_rows",
    "train.precison": "train.precision",
    "train.init_form": "train.init_from",
    "train.lr": "optim.lr",
    "model.widht": "model.width",
    "model.haeds": "model.heads",
    "model.head_dim": "model.head_size",
    "model.headsize": "model.head_size",
    "model.position": "model.positions",
    "model.rotary_bas": "model.rotary_base",
    "model.tied_embeddings": "model.tied_embedding",
    "model.qknorm": "model.qk_norm",
    "attention.mechansim": "attention.mechanism",
    "attention.sink_int": "attention.sink_init",
    "balance.lamda": "balance.lambda",
    "balance.from": "balance.form",
    "balance.shared_head": "balance.shared_heads",
    "task.lenght": "task.length",
    "task.validation_row": "task.validation_rows",
    "data.file": "data.files",
    "data.validaton_fraction": "data.validation_fraction",
    "run.directroy": "run.directory",
    "run.seeds": "run.seed",
    "run.thread": "run.threads",
    "eval.evrey": "eval.every",
    "checkpoints.every": "checkpoint.every",
}




def variable(key):
    return "SINKWISE_" + key.upper().replace(".", "_")


def line_about(text, name):
    """The one line of a message that names a key."""
    lines = [line for line in text.splitlines() if f" {name}: " in line]
    return lines[0] if len(lines) == 1 else ""


class Misspelt(Case):
    def check_suggestions(self, text, spelling, at_least):
        wrong = []
        for key, meant in MISSPELT.items():
            line = line_about(text, spelling(key))
            self.assertTrue(line, f"{spelling(key)} is not on one line of its own:\n{text}")
            if not line.endswith(f"did you mean {spelling(meant)}?"):
                wrong.append(line)
        self.assertGreaterEqual(len(MISSPELT) - len(wrong), at_least, "\n".join(wrong))

    def test_forty_keys(self):
        self.assertEqual(len(MISSPELT), 40)

    def test_on_the_command_line(self):
        words = assignments({key: 1 for key in MISSPELT})
        text = self.expect(BAD_CONFIG, "train", self.recipe(), *words).stderr
        self.check_suggestions(text, str, at_least=38)
        self.assertFalse((self.folder / "run").exists())

    def test_in_a_recipe(self):
        lines = "".join(f"{key} = 1\n" for key in MISSPELT)
        text = self.expect(BAD_CONFIG, "train", self.write("wrong.toml", lines)).stderr
        self.check_suggestions(text, str, at_least=38)
        for number, key in enumerate(MISSPELT, start=1):
            self.assertIn(f"wrong.toml:{number}: {key}: ", text)

    def test_in_the_environment(self):
        env = {variable(key): "1" for key in MISSPELT}
        text = self.expect(BAD_CONFIG, "train", self.recipe(), env=env).stderr
        # Whole variables are compared here, so that abbreviations find less than above.
        self.check_suggestions(text, variable, at_least=36)

    def test_each_alone(self):
        for key in list(MISSPELT)[::8]:
            with self.subTest(key=key):
                text = self.expect(BAD_CONFIG, "config", "show", "--set", f"{key}=1").stderr
                self.assertIn("one problem", text)
                self.assertIn(f"{key}: unknown key; did you mean {MISSPELT[key]}?", text)


class Wrong(Case):
    def refused(self, *words, recipe=None, env=None):
        recipe = recipe or self.recipe()
        text = self.expect(BAD_CONFIG, "train", recipe, *words, env=env).stderr
        self.assertRegex(text, "next: +.*sinkwise config show")
        self.assertFalse((self.folder / "run").exists())
        return text

    def refused_value(self, **changes):
        words = assignments({key.replace("__", "."): value for key, value in changes.items()})
        text = self.refused(*words)
        self.assertIn("one problem", text)
        return text

    def test_all_errors_at_once(self):
        recipe = self.write("three.toml", "optim.lrr = 1\n[model]\nheds = 2\nwidth = 'wide'\n")
        text = self.refused(recipe=recipe)
        self.assertIn("3 problems", text)
        for place, key in (("1", "optim.lrr"), ("3", "model.heds"), ("4", "model.width")):
            self.assertIn(f"three.toml:{place}: {key}: ", text)

    def test_errors_of_every_source_at_once(self):
        text = self.refused("--set", "train.stepps=1", recipe=self.write("a.toml", "optim.lrr = 1"),
                            env={"SINKWISE_RUN_SEAD": "1"})
        for name in ("optim.lrr", "SINKWISE_RUN_SEAD", "train.stepps"):
            self.assertTrue(line_about(text, name), text)

    def test_types(self):
        for key, value in (("train.steps", "many"), ("train.steps", "1.5"), ("optim.lr", "fast"),
                           ("run.deterministic", "perhaps"), ("model.windowed_layers", "0,b"),
                           ("train.steps", ""), ("train.steps", "99999999999999999999")):
            with self.subTest(key=key, value=value):
                text = self.refused("--set", f"{key}={value}")
                self.assertIn(f"{key}: expected", text)

    def test_choices_are_listed(self):
        text = self.refused_value(attention__mechanism="vanila")
        for word in ("sink", "gated_headwise", "did you mean vanilla?"):
            self.assertIn(word, text)

    def test_ranges(self):
        for key, value in (("train.steps", "0"), ("optim.lr", "0"), ("optim.beta2", "1"),
                           ("optim.lr", "nan"), ("optim.lr", "inf"), ("task.length", "1"),
                           ("data.validation_fraction", "1.5"), ("run.seed", "-1"),
                           ("model.layers", "0"), ("checkpoint.keep", "0")):
            with self.subTest(key=key, value=value):
                self.assertIn(f"{key}: expected", self.refused("--set", f"{key}={value}"))

    def test_sizes_that_contradict_each_other(self):
        for changes, key in (
                ({"model__heads": 5}, "model.heads"),
                ({"model__key_heads": 3}, "model.key_heads"),
                ({"balance__shared_heads": 4}, "balance.shared_heads"),
                ({"model__width": 36, "model__positions": "rotary"}, "model.head_size"),
                ({"model__windowed_layers": 1}, "model.windowed_layers"),
                ({"optim__warmup_steps": 31}, "optim.warmup_steps")):
            with self.subTest(changes=changes):
                self.assertTrue(line_about(self.refused_value(**changes), key))

    def test_contradictions_all_at_once(self):
        words = assignments({"model.heads": 5, "optim.warmup_steps": 31})
        text = self.refused(*words)
        self.assertIn("2 problems", text)
        self.assertTrue(line_about(text, "model.heads"))
        self.assertTrue(line_about(text, "optim.warmup_steps"))

    def test_a_key_set_twice(self):
        self.assertIn("train.steps: set twice",
                      self.refused("--set", "train.steps=1", "--set", "train.steps=2"))

    def test_no_assignment(self):
        self.assertIn("key=value", self.refused("--set", "train.steps"))

    def test_wrong_value_in_the_environment(self):
        text = self.refused(env={"SINKWISE_TRAIN_STEPS": "few"})
        self.assertIn("environment SINKWISE_TRAIN_STEPS: train.steps: expected", text)


class BrokenRecipe(Case):
    def refused(self, recipe):
        text = self.expect(BAD_CONFIG, "train", recipe).stderr
        self.assertIn(str(recipe), text)
        return text

    def test_missing(self):
        self.assertIn("No such file", self.refused("absent.toml"))

    def test_directory(self):
        self.assertIn("directory", self.refused(self.folder))

    def test_not_toml_names_the_line(self):
        broken = self.write("broken.toml", "[train]\nsteps = 3\nbatch_rows = = 4\n")
        self.assertIn("broken.toml:3:", self.refused(broken))

    def test_binary(self):
        self.assertIn("binary", self.refused(self.write("b.toml", b"[train]\n\0\0\0")))

    def test_not_utf8(self):
        self.refused(self.write("latin.toml", b"# caf\xe9\n[train]\nsteps = 1\n"))

    def test_nested_beyond_reason(self):
        self.refused(self.write("deep.toml", "a = " + "[" * 100000))

    def test_key_given_twice_names_the_line(self):
        twice = self.write("twice.toml", "[train]\nsteps = 3\nsteps = 4\n")
        self.assertIn("twice.toml:3:", self.refused(twice))

    def test_a_section_is_no_key(self):
        self.assertIn("optim: ", self.refused(self.write("s.toml", "optim = 1\n")))


class Show(Case):
    def test_lists_every_key_with_default_and_help(self):
        rows = json.loads(self.expect(OK, "config", "show", "--json").stdout)
        text = self.expect(OK, "config", "show").stdout
        self.assertGreater(len(rows), 50)
        for row in rows:
            self.assertTrue(row["help"], row["key"])
            unit = f"  [{row['unit']}]" if row["unit"] else ""
            shown = f"{row['key']} = {row['default']}{unit}\n    {row['help']}\n"
            self.assertIn(shown, text)
            self.assertIn(row["environment"], text)
        self.assertLessEqual(set(TINY), {row["key"] for row in rows})

    def test_says_where_each_value_comes_from(self):
        recipe = self.write("origins.toml", "[train]\nsteps = 60\nbatch_rows = 2\n")
        text = self.expect(OK, "config", "show", recipe, "--set", "optim.lr=0.5",
                           env={"SINKWISE_TRAIN_BATCH_ROWS": "3"}).stdout
        self.assertRegex(text, r"(?m)^steps = 60 +# .*origins\.toml:2$")
        self.assertRegex(text, r"(?m)^batch_rows = 3 +# environment SINKWISE_TRAIN_BATCH_ROWS$")
        self.assertRegex(text, r"(?m)^lr = 0\.5 +# --set$")
        self.assertRegex(text, r"(?m)^width = 64 +# default$")

    def test_what_it_prints_is_a_recipe_of_the_same_values(self):
        for name in ("bigram_backcopy", "text", "trigger_average"):
            with self.subTest(recipe=name):
                words = ["config", "show", RECIPES / f"{name}.toml", "--set", "optim.lr=0.0123",
                         "--set", "run.label=a \"b\" \u00e9 #", "--set", "data.files=a b.txt,c.txt"]
                again = self.write(f"{name}.toml", self.expect(OK, *words).stdout)
                self.assertEqual(json.loads(self.expect(OK, *words, "--json").stdout),
                                 json.loads(self.expect(OK, "config", "show", again,
                                                        "--json").stdout))

    def test_values_of_a_run_are_kept_with_their_origins(self):
        self.expect(OK, "train", self.recipe(), "--set", "train.steps=6")
        kept = (self.folder / "run" / "config.toml").read_text()
        self.assertRegex(kept, r"(?m)^steps = 6 +# --set$")
        self.assertIn("tiny.toml:", kept)
        self.expect(OK, "train", "run/config.toml")  # nothing has changed: finished before


if __name__ == "__main__":
    main()
