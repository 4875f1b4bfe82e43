"""The checkers of tools/ find what they are there to find, in small trees made for the purpose."""

import os
import stat
import subprocess
import sys
import tempfile
import textwrap
import unittest
from pathlib import Path

TOOLS = Path(__file__).resolve().parents[2] / "tools"
DEV = "#!/bin/sh\nusage() {\n  cat <<'END'\n  build   builds\n  sinkwise ARGS   runs\nEND\n}\n"
# Stands in for the program: two commands, one of which has a subcommand.
PROGRAM = """#!/bin/sh
case "$*" in
  "config show --json") echo '[{"key": "optim.lr", "choices": []}, {"key": "balance.form", "choices": ["none", "cv"]}]' ;;
  "finetune --keys --json") echo '[{"key": "lora.rank", "choices": []}, {"key": "balance.form", "choices": ["none"]}]' ;;
  "--help") printf 'Subcommands:\\n  train  trains\\n  config  keys\\n' ;;
  "train --help") printf 'Options:\\n  -h,--help  help\\n  --set TEXT ...  a key\\n' ;;
  "config --help") printf 'Subcommands:\\n  show  shows\\n' ;;
  "config show --help") printf 'Options:\\n  --json  for programs\\n' ;;
  "train bad.toml") exit 3 ;;
esac
"""


class Tree:
    def __init__(self, folder):
        self.root = Path(folder)

    def write(self, name, text, executable=False):
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(textwrap.dedent(text))
        if executable:
            path.chmod(path.stat().st_mode | stat.S_IXUSR)
        return path

    def run(self, tool, *words, **environment):
        variables = {k: v for k, v in os.environ.items() if not k.startswith("SINKWISE_")}
        done = subprocess.run([sys.executable, TOOLS / tool, "--root", self.root, *words], text=True,
                              capture_output=True, env=variables | environment)
        return done.returncode, done.stdout


class TreeTest(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.tree = Tree(folder.name)

    def expect(self, result, *faults):
        code, output = result
        self.assertEqual(code, 1 if faults else 0, output)
        for fault in faults:
            self.assertIn(fault, output)
        if faults:
            self.assertEqual(len(output.splitlines()), len(faults), output)


class ArrowsTest(TreeTest):
    def setUp(self):
        super().setUp()
        self.room("core", "")
        self.room("ops", "TORCH SOURCES op.cpp USES core")
        self.room("nn", "TORCH SOURCES layer.cpp USES ops  # not core: reached through ops")
        self.tree.write("src/nn/layer.cpp", '#include "sinkwise/core/error.h"\n#include <torch/torch.h>\n')

    def room(self, name, words):
        self.tree.write(f"src/{name}/CMakeLists.txt", f"sinkwise_add_room({name} {words}\n)\n")
        self.tree.write(f"src/{name}/README.md", f"# {name}\n")

    def check(self, *faults):
        self.expect(self.tree.run("check_arrows.py"), *faults)

    def test_rooms_reached_through_others_may_be_used(self):
        self.check()

    def test_an_include_against_the_arrows(self):
        self.tree.write("include/sinkwise/core/error.h", '\n#include "sinkwise/ops/attention.h"\n')
        self.check("include/sinkwise/core/error.h:2: room core includes ops but USES nothing")

    def test_an_include_with_angle_brackets(self):
        self.tree.write("src/ops/op.cpp", "#include <sinkwise/nn/attention.h>\n")
        self.check("src/ops/op.cpp:1: room ops includes nn but USES core")

    def test_fmt_beside_torch(self):
        self.tree.write("src/ops/op.cpp", "#include <fmt/format.h>\n")
        self.check("src/ops/op.cpp:1: room ops includes fmt/format.h beside torch")

    def test_torch_in_a_room_without_it(self):
        self.tree.write("src/core/error.cpp", "#include <ATen/core/Tensor.h>\n")
        self.check("src/core/error.cpp:1: room core includes ATen/core/Tensor.h but is not marked TORCH")

    def test_a_cycle(self):
        self.room("core", "USES nn")
        code, output = self.tree.run("check_arrows.py")
        self.assertEqual(code, 1)
        for room in ("core", "ops", "nn"):
            self.assertIn(f"room {room} uses itself", output)

    def test_a_room_that_is_none(self):
        self.room("core", "USES cellar")
        self.check("room core USES cellar, which is no room")

    def test_a_room_without_a_sentence(self):
        (self.tree.root / "src/ops/README.md").unlink()
        self.check("room ops has no README.md")

    def test_the_program_may_use_what_it_links(self):
        self.tree.write("apps/CMakeLists.txt", "target_link_libraries(sinkwise PRIVATE sinkwise_core)\n")
        self.tree.write("apps/README.md", "# apps\n")
        self.tree.write("apps/main.cpp", '#include "sinkwise/core/error.h"\n#include "sinkwise/nn/attention.h"\n')
        self.check("apps/main.cpp:2: room apps includes nn but USES core")


class DocsTest(TreeTest):
    def setUp(self):
        super().setUp()
        self.tree.write("dev", DEV)
        self.tree.write("recipes/a.toml", "")
        self.tree.write("docs/page.md", "# A page, with `code`\n\n## Twice\n\n## Twice\n")
        self.program = str(self.tree.write("program", PROGRAM, executable=True))

    def check(self, text, *faults, run=False):
        self.tree.write("README.md", text)
        self.expect(self.tree.run("check_docs.py", *(["--run"] if run else []), SINKWISE_BIN=self.program), *faults)

    def test_links_that_lead_somewhere(self):
        self.check("[a](docs/page.md) [b](docs/page.md#a-page-with-code) [c](docs/page.md#twice-1) "
                   "[d](https://example.org/none)\n")

    def test_links_that_do_not(self):
        self.check("[a](docs/none.md)\n[b](docs/page.md#none)\n", "README.md:1: no such file: docs/none.md",
                   "README.md:2: no such heading: docs/page.md#none")

    def test_links_in_comments_and_code_are_no_links(self):
        self.check("<!-- [a](none.md)\n[a](none.md) --> `[a](none.md)`\n```\n[a](none.md)\n```\n")

    def test_paths_of_the_architecture(self):
        self.tree.write("ARCHITECTURE.md", "`recipes/a.toml` `recipes/*.toml` `docs/none.md`\n")
        self.check("", "ARCHITECTURE.md:1: no such path: docs/none.md")

    def test_commands_that_exist(self):
        self.check("```console\n$ sinkwise train a.toml --set optim.lr=1 \\\n  --set balance.form=cv\nvalidation\n"
                   "$ ./dev sinkwise config show --json | less\n$ ./dev build\n```\n`./dev sinkwise ARGS`\n")

    def test_commands_that_do_not(self):
        self.check("```sh\n./dev destroy\nsinkwise trian a.toml\nsinkwise config list\nsinkwise train --fast a.toml\n"
                   "sinkwise train a.toml --set optim.rl=1\nsinkwise train a.toml --set balance.form=vc\n```\n",
                   "README.md:2: unknown verb: ./dev destroy", "README.md:3: unknown command: sinkwise trian",
                   "README.md:4: unknown command: sinkwise config list",
                   "README.md:5: sinkwise train has no option --fast", "README.md:6: unknown key: optim.rl",
                   "README.md:7: balance.form is one of none, cv, not vc")

    def test_commands_in_prose(self):
        self.check("`sinkwise trian` and `sinkwise train`\n", "README.md:1: unknown command: sinkwise trian")

    def test_keys(self):
        self.check("`optim.lr` `optim.json` `other.key` `balance.form=cv` `optim.rate`\n",
                   "README.md:1: unknown key: optim.rate")

    def test_blocks_that_run(self):
        self.tree.write("README.md", "```console run\n$ sinkwise train recipes/a.toml\n$ test -e recipes/a.toml\n"
                                     "$ ./dev sinkwise train bad.toml\n```\n```console\n$ sinkwise train bad.toml\n```\n")
        code, output = self.tree.run("check_docs.py", "--run", SINKWISE_BIN=self.program)
        self.assertEqual(code, 1)
        self.assertIn("ran  README.md:2", output)
        self.assertIn("ran  README.md:3", output)
        self.assertIn("README.md:4: ./dev sinkwise train bad.toml: exit code 3", output)
        self.assertNotIn("README.md:7", output)

    def test_without_a_program_the_verbs_are_still_checked(self):
        self.tree.write("README.md", "`./dev destroy` `sinkwise trian`\n")
        self.expect(self.tree.run("check_docs.py"), "README.md:1: unknown verb: ./dev destroy")


if __name__ == "__main__":
    unittest.main()
