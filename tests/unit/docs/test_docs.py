# SPDX-License-Identifier: GPL-3.0-or-later
"""The manual says what the programs do: every key with its range and default, every verb and option,
every metric, alarm and message; and the examples are configurations that work."""

import os
import pathlib
import re
import shutil
import subprocess
import tempfile
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[3]
BIN = pathlib.Path(os.environ.get("BEFFROI_BIN", ROOT / "build/dev/bin")).resolve()
MAN = ROOT / "packaging/man"
EXAMPLES = ROOT / "packaging/examples"
OPERATIONS = ROOT / "docs/operations.md"
PAGES = {"beffroi": "beffroi.1", "beffroi-agent": "beffroi-agent.8", "beffroi-collector": "beffroi-collector.8"}


def run(program, *arguments, status=0):
    """What a program prints on standard output (and error, where it is to fail)."""
    done = subprocess.run([BIN / program, *map(str, arguments)], capture_output=True, text=True, timeout=30)
    if done.returncode != status:
        raise AssertionError(f"{program} {arguments}: exit {done.returncode}, not {status}\n{done.stderr}")
    return done.stdout if status == 0 else done.stdout + done.stderr


def keys_of_example(text):
    """(dotted path, "a duration, 1s to 1h; default: 60s") of every key that --print-example explains."""
    above, lists, comments = [], set(), []
    for line in text.splitlines():
        comment = re.match(r" *# (.*)$", line)
        key = re.match(r"( *)#(- )?([a-z_]+):", line)
        if comment:
            comments.append(comment[1])
        elif key:
            column = len(key[1]) + len(key[2] or "")
            above = [part for part in above if part[0] < column]
            above.append((column, key[3]))
            kind = comments[-1].strip("()")
            path = ".".join(part + ("[]" if part in lists else "") for _, part in above[:-1])
            if kind.startswith("a list"):
                lists.add(key[3])
            yield (path + "." if path else "") + key[3], kind
            comments = []


def explained_options(page):
    """The options that a page explains, ".It Fl c Ar FILE , Fl -config Ar FILE", by title of .Sh or .Ss."""
    found, title = {}, ""
    for line in (MAN / page).read_text().splitlines():
        heading = re.match(r"\.S[hs] (.*)", line)
        if heading:
            title = heading[1]
            found[title] = set()
        elif line.startswith(".It "):
            found[title] |= {"-" + name for name in re.findall(r"Fl (-?[a-z][a-z-]*)", line)}
    return found


def items(page):
    """The text of each ".It Ic KEY"."""
    found, key = {}, None
    for line in (MAN / page).read_text().splitlines():
        head = re.match(r"\.It Ic (\S+)$", line)
        if head:
            key = head[1]
            found[key] = ""
        elif line.startswith((".It", ".El")):
            key = None
        elif key:
            found[key] += line + " "
    return found


def verbs():
    found = re.findall(r"^  beffroi ([a-z]+)", run("beffroi", "--help"), re.M)
    assert len(found) >= 5, found
    return found


def option_names(text):
    return set(re.findall(r"(?<![\w-])(--[a-z][a-z-]+|-[a-z])(?![\w-])", text))


def sources(*folders):
    for folder in folders:
        yield from sorted((ROOT / folder).rglob("*.[ch]"))


def literals(path):
    """The C string literals of a file, neighbours joined as the compiler does, PRI… macros as "…"."""
    text = re.sub(r"/\*.*?\*/", "", path.read_text(), flags=re.S)
    joined = re.sub(r'"\s*(?:PRI[a-zA-Z0-9]+)\s*"', "…", text)
    joined = re.sub(r'(?<!\\)"\s*"', "", joined)
    return [literal.replace('\\"', '"') for literal in re.findall(r'"((?:[^"\\\n]|\\.)*)"', joined)]


class Keys(unittest.TestCase):
    def check(self, program):
        explained = items(PAGES[program])
        printed = dict(keys_of_example(run(program, "--print-example")))
        self.assertGreater(len(printed), 15, "the example could not be read")
        for key, kind in printed.items():
            with self.subTest(key=key):
                self.assertIn(key, explained, f"{PAGES[program]} has no \".It Ic {key}\"")
                want = kind[0].upper() + kind[1:] + "."
                self.assertTrue(explained[key].startswith(want),
                                f"{PAGES[program]}: {key} must begin with \"{want}\"")
        self.assertEqual(set(explained) - set(printed), set(), "keys that the program does not have")

    def test_agent(self):
        self.check("beffroi-agent")

    def test_collector(self):
        self.check("beffroi-collector")


class Options(unittest.TestCase):
    def test_verbs(self):
        page = explained_options("beffroi.1")
        for verb in verbs():
            titles = [title for title in page if (title + " ").split(" ")[0] == verb]
            with self.subTest(verb=verb):
                self.assertTrue(titles, f"beffroi.1 has no \".Ss {verb}\"")
                explained = page["DESCRIPTION"].union(*(page[title] for title in titles))
                missing = option_names(run("beffroi", verb, "--help")) - explained
                self.assertEqual(missing, set(), f"beffroi.1 does not explain these options of {verb}")

    def test_actions(self):
        """sla show, sla check, keys new, keys show."""
        page = explained_options("beffroi.1")
        for title in ("sla show", "sla check", "keys new", "keys show"):
            self.assertIn(title, page)
            verb, action = title.split()
            self.assertIn(action, run("beffroi", verb, "--help"))

    def test_cli_sources(self):
        """Options that --help may not tell of, from the tables of the verbs."""
        explained = set().union(*explained_options("beffroi.1").values())
        for path in sources("collector/cli"):
            for name, short in re.findall(r'\{"(--[a-z-]+)", (?:NULL|"(-[a-z])"), &', path.read_text()):
                self.assertIn(name, explained, path.name)
                self.assertTrue(not short or short in explained, f"{path.name}: {short}")

    def test_daemons(self):
        own = {"worker", "part"}  # how they start their own processes
        tables = {"beffroi-agent": "agent/app/options.c", "beffroi-collector": "collector/app/main.c"}
        for program, source in tables.items():
            explained = explained_options(PAGES[program])["DESCRIPTION"]
            table = re.findall(r'\{"([a-z-]+)", (?:no|required)_argument', (ROOT / source).read_text())
            self.assertGreater(len(table), 3)
            wanted = {"--" + name for name in table if name not in own} | {"-c", "-n", "-v", "-h"}
            wanted |= option_names(run(program, "--help"))
            self.assertEqual(wanted - explained, set(), f"{PAGES[program]} does not explain these")

    def test_commands_of_the_agent(self):
        for command in ("poll", "meter"):
            explained = explained_options(PAGES["beffroi-agent"])[command]
            printed = option_names(run("beffroi-agent", command, "--help"))
            table = re.findall(r'\{"([a-z-]+)", (?:no|required)_argument',
                               (ROOT / f"agent/app/{command}_options.c").read_text())
            self.assertGreater(len(table), 4)
            self.assertEqual(({"--" + name for name in table} | printed) - explained, set(), command)
            self.assertEqual({"--" + name for name in table} - printed, set(), "--help does not tell of these")

    def test_exit_codes(self):
        text = (ROOT / "collector/cli/cli.h").read_text()
        page = (MAN / "beffroi.1").read_text().split(".Sh EXIT STATUS")[1]
        codes = re.findall(r"CLI_[A-Z]+ = (\d+),", text)
        self.assertGreater(len(codes), 3)
        for code in codes:
            self.assertIn(f".It {code}\n", page)


class Operations(unittest.TestCase):
    def setUp(self):
        self.text = OPERATIONS.read_text()

    def test_metrics(self):
        named = set()
        for path in sources("agent", "collector", "common"):
            named |= {literal for literal in literals(path) if re.fullmatch(r"beffroi_[a-z0-9_]+", literal)}
        self.assertGreater(len(named), 40)
        rows = set(re.findall(r"^\| `(beffroi_[a-z0-9_]+)", self.text, re.M))
        self.assertEqual(named - rows, set(), "metrics that docs/operations.md has no row for")
        self.assertEqual(rows - named, set(), "metrics that the sources do not have")

    def test_alarms(self):
        source = (ROOT / "collector/query/status.c").read_text()
        body = source.split("list_alarms(const")[1].split("\n}\n")[0]
        sentences = [text for text in re.findall(r'"([A-Z][^"]+)"', body) if " " in text]
        self.assertGreater(len(sentences), 3)
        for sentence in sentences:
            self.assertIn(sentence, self.text)

    def test_messages(self):
        """What the tables say the log says is what it says; "…" stands for what varies."""
        known = []
        for path in sources("agent", "collector", "common", "proto"):
            known += literals(path)
        table = re.findall(r"^\| [a-z/]+ `([a-z/]+: [^`]+)` \|", self.text, re.M)
        self.assertGreater(len(table), 30)
        for message in table:
            pieces = [re.escape(piece) for piece in message.split(": ", 1)[1].split("…")]
            pattern = re.compile(".*".join(pieces))
            self.assertTrue(any(pattern.search(text) for text in known), f"no message says: {message}")


class Examples(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.addCleanup(self.folder.cleanup)
        self.path = pathlib.Path(self.folder.name)
        self.keys = {}
        for who in ("agent", "collector"):
            shown = run("beffroi", "keys", "new", self.path / f"{who}.keys")
            self.keys[who] = dict(re.findall(r'^([a-z_]+): "(.*)"$', shown, re.M))

    def fill(self, name):
        """The example with keys instead of its placeholders, of which it says that they are none."""
        example = EXAMPLES / f"{name}.yaml"
        text = example.read_text()
        places = re.findall(r'"((CURVE|SIGN)_KEY OF THE ([A-Z]+))"', text)
        self.assertTrue(places)
        shutil.copy(EXAMPLES / "city.yaml", self.path / "contract.yaml")
        raw = self.path / "raw.yaml"
        raw.write_text(text)
        refusals = run(f"beffroi-{name}", "-n", "-c", raw, status=1).splitlines()
        self.assertEqual(len(refusals), len(places), "only the placeholders are to be wrong")
        for whole, kind, who in places:
            text = text.replace(whole, self.keys[who.lower()][f"{kind.lower()}_key"])
        filled = self.path / f"{name}.yaml"
        filled.write_text(text)
        return filled

    def test_agent(self):
        filled = self.fill("agent")
        run("beffroi-agent", "-n", "-c", filled)
        self.assertIn("address: ", run("beffroi-agent", "-nv", "-c", filled))

    def test_collector(self):
        filled = self.fill("collector")
        run("beffroi-collector", "-n", "-c", filled)
        self.assertIn(self.keys["agent"]["sign_key"], run("beffroi-collector", "-nv", "-c", filled))

    def test_contract(self):
        run("beffroi", "sla", "check", "--contract", EXAMPLES / "city.yaml")


class Layout(unittest.TestCase):
    def test_man_pages(self):
        """No warning of the formatters that are there."""
        tools = [(["mandoc", "-Tlint", "-Wwarning"], "mandoc"), (["groff", "-ww", "-mdoc", "-Tutf8", "-z"], "groff")]
        present = [command for command, name in tools if shutil.which(name)]
        if not present:
            self.skipTest("neither mandoc nor groff is installed")
        for command in present:
            for page in PAGES.values():
                done = subprocess.run(command + [MAN / page], capture_output=True, text=True, timeout=30)
                # A missing man page of another program is not our fault.
                lines = [line for line in (done.stdout + done.stderr).splitlines() if "outdated mandoc.db" not in line]
                self.assertEqual(lines, [], page)

    def test_units(self):
        if not shutil.which("systemd-analyze"):
            self.skipTest("systemd is not installed")
        for name in ("beffroi-agent", "beffroi-collector"):
            unit = (ROOT / f"packaging/systemd/{name}.service.in").read_text()
            with tempfile.TemporaryDirectory() as folder:
                path = pathlib.Path(folder) / f"{name}.service"
                path.write_text(re.sub(r"@[A-Z_]+@", str(BIN), unit))
                done = subprocess.run(["systemd-analyze", "verify", "--man=no", path], capture_output=True, text=True,
                                      timeout=60)
            # It also reads the machine's other units, and says what is wrong with those.
            lines = [line for line in (done.stdout + done.stderr).splitlines() if name in line]
            self.assertEqual(lines, [])

    def complete(self, *words):
        """What bash offers for the last word."""
        script = ('source "$0"; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); '
                  '$(complete -p "$1" | sed "s/.*-F \\([a-z_]*\\) .*/\\1/") "$1"; printf "%s\\n" "${COMPREPLY[@]}"')
        done = subprocess.run(["bash", "-c", script, ROOT / "packaging/completion/beffroi.bash", *words],
                              capture_output=True, text=True, timeout=30)
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        return set(done.stdout.split())

    def test_completion(self):
        """Every verb, action and option is offered."""
        self.assertEqual(set(verbs()) - self.complete("beffroi", ""), set())
        for verb in verbs():
            offered = self.complete("beffroi", verb, "x", "-")
            self.assertEqual(option_names(run("beffroi", verb, "--help")) - offered, set(), verb)
        self.assertEqual(self.complete("beffroi", "sla", ""), {"show", "check"})
        self.assertEqual(self.complete("beffroi", "keys", ""), {"new", "show"})
        self.assertEqual(self.complete("beffroi", "sla", "show", "--format", "j"), {"json"})
        for program in ("beffroi-agent", "beffroi-collector"):
            wanted = option_names(run(program, "--help"))
            self.assertEqual(wanted - self.complete(program, "-"), set(), program)
        for command in ("poll", "meter"):
            self.assertEqual(self.complete("beffroi-agent", command[:2]), {command})
            wanted = option_names(run("beffroi-agent", command, "--help"))
            self.assertEqual(wanted - self.complete("beffroi-agent", command, "-"), set())
            self.assertEqual(self.complete("beffroi-agent", command, "--format", "j"), {"json"})


if __name__ == "__main__":
    unittest.main()
