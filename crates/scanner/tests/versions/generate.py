#!/usr/bin/env python3
"""Writes order.tsv and scores.tsv anew: pairs of versions with the order that each ecosystem's own implementation gives them,
and CVSS vectors with their scores.

Needs, besides Python: pip install packaging cvss; npm install semver (NODE_PATH); ruby; Debian's composer and php-cli;
Debian's libmaven3-core-java and libcommons-lang3-java. The seed is fixed, so that a change of the file is a change of a rule.
"""
import random
import subprocess
import sys

PAIRS = 400
random.seed(20260101)


def pick(*values):
    return random.choice(values)


def number():
    return str(pick(0, 0, 1, 2, 3, 9, 10, 11, 100))


def dotted(low, high):
    return ".".join(number() for _ in range(random.randint(low, high)))


def semver():
    words = ["alpha", "beta", "rc", "0", "1", "2", "10", "a-b", "x7z92"]
    text = dotted(3, 3)
    if random.random() < 0.6:
        text += "-" + ".".join(pick(*words) for _ in range(random.randint(1, 3)))
    return text + pick("", "", "+build.5")


def pep440():
    text = pick("", "", "", "1!", "v") + dotted(1, 4)
    text += pick("", "", pick("a", "b", "rc", "c", ".beta", "-alpha", "_pre", "preview") + pick("", number(), "." + number()))
    text += pick("", "", "", pick(".post", "-r", "-", "post") + number())
    text += pick("", "", "", pick(".dev", "dev", "-dev") + pick("", number()))
    return text + pick("", "", "", "+" + pick("local", "1", "2.a", "a.2", "ubuntu-1"))


def maven():
    text = number()
    for _ in range(random.randint(0, 4)):
        text += pick(".", ".", "-", "") + pick(
            number(), number(), "alpha", "a1", "b2", "m3", "beta", "rc", "cr", "snapshot", "SNAPSHOT", "final", "ga", "sp", "x", "jre", "Final")
    return text


def gem():
    text = dotted(2, 4)
    return text + pick("", "", ".pre", ".rc1", ".a", ".beta.2", "-1", ".rc.10", "b", ".0.a")


def composer():
    if random.random() < 0.1:
        return dotted(1, 3) + ".x-dev"
    text = pick("", "v") + dotted(1, 4)
    return text + pick("", "", "", "-dev", "-alpha", "-alpha2", "-beta.1", "b2", "-RC1", "RC2", "-p1", "-patch2", "-beta2-dev")


def version_command(command, pairs):
    text = "".join(f"{one}\t{other}\n" for one, other in pairs)
    run = subprocess.run(command, input=text, capture_output=True, text=True, check=True)
    signs = run.stdout.split()
    assert len(signs) == len(pairs), (command, len(signs), run.stderr)
    return signs


def by_packaging(pairs):
    from packaging.version import Version

    def sign(one, other):
        one, other = Version(one), Version(other)
        return "<" if one < other else ">" if one > other else "="

    return [sign(one, other) for one, other in pairs]


NODE = """
const semver = require('semver');
for (const line of require('fs').readFileSync(0, 'utf8').trim().split('\\n')) {
  const [one, other] = line.split('\\t');
  console.log('<=>'[semver.compare(one, other) + 1]);
}"""

RUBY = """
STDIN.each_line do |line|
  one, other = line.chomp.split("\\t").map { |text| Gem::Version.new(text) }
  puts "<=>"[(one <=> other) + 1]
end"""

PHP = """
require '/usr/share/php/Composer/Semver/autoload.php';
use Composer\\Semver\\Comparator;
while ($line = fgets(STDIN)) {
  [$one, $other] = explode("\\t", rtrim($line, "\\n"));
  $parser = new Composer\\Semver\\VersionParser();
  $one = $parser->normalize($one); $other = $parser->normalize($other);
  echo version_compare($one, $other, '<') ? '<' : (version_compare($one, $other, '>') ? '>' : '='), "\\n";
}"""


def by_maven(pairs):
    signs = []
    jars = "/usr/share/maven/lib/maven-artifact-3.x.jar:/usr/share/maven/lib/commons-lang3.jar"
    flat = [version for pair in pairs for version in pair]
    run = subprocess.run(
        ["java", "-cp", jars, "org.apache.maven.artifact.versioning.ComparableVersion", *flat],
        capture_output=True, text=True, check=True)
    lines = [line.split() for line in run.stdout.splitlines() if line.startswith("   ")]
    # Each version is compared with the next one; every other comparison is within a pair.
    for index, (one, other) in enumerate(pairs):
        left, sign, right = lines[2 * index]
        assert (left, right) == (one, other)
        signs.append(sign[0])
    return signs


RANGES = """
const semver = require('semver');
for (const line of require('fs').readFileSync(0, 'utf8').split('\\n').filter(Boolean)) {
  const [range, version] = line.split('\\t');
  console.log(semver.satisfies(version, range) ? 'in' : 'out');
}"""


def npm_range():
    def part():
        partial = pick(number(), dotted(2, 2), semver().split("+")[0], semver().split("+")[0], number() + ".x", dotted(2, 2) + ".*")
        return pick("", "^", "~", ">=", ">", "<", "<=", "=", "~>") + partial

    return pick(part, part, lambda: part() + " " + part(), lambda: part() + " || " + part(),
                lambda: f"{dotted(1, 3)} - {dotted(1, 3)}", lambda: "*", lambda: ">= " + dotted(3, 3))()


def cvss_3():
    def metric(name, letters):
        return f"{name}:{pick(*letters)}"

    base = [("AV", "NALP"), ("AC", "LH"), ("PR", "NLH"), ("UI", "NR"), ("S", "UC"), ("C", "NLH"), ("I", "NLH"), ("A", "NLH")]
    return "/".join(["CVSS:" + pick("3.0", "3.1")] + [metric(*part) for part in base])


def cvss_4():
    base = [("AV", "NALP"), ("AC", "LH"), ("AT", "NP"), ("PR", "NLH"), ("UI", "NPA"),
            ("VC", "HLN"), ("VI", "HLN"), ("VA", "HLN"), ("SC", "HLN"), ("SI", "HLN"), ("SA", "HLN")]
    more = [("E", "XAPU"), ("CR", "XHML"), ("IR", "XHML"), ("AR", "XHML"), ("MAV", "XNALP"), ("MVC", "XHLN"), ("MSI", "XSHLN"), ("MSA", "XSHLN")]
    parts = [f"{name}:{pick(*letters)}" for name, letters in base]
    parts += [f"{name}:{pick(*letters)}" for name, letters in more if random.random() < 0.15]
    return "/".join(["CVSS:4.0"] + parts)


def write_scores(path):
    from cvss import CVSS3, CVSS4

    with open(path, "w") as out:
        for _ in range(PAIRS):
            vector = cvss_3()
            out.write(f"{vector}\t{CVSS3(vector).base_score}\n")
        for _ in range(PAIRS):
            vector = cvss_4()
            out.write(f"{vector}\t{CVSS4(vector).base_score}\n")


def main():
    schemes = [
        ("semver", semver, lambda pairs: version_command(["node", "-e", NODE], pairs)),
        ("pep440", pep440, by_packaging),
        ("maven", maven, by_maven),
        ("gem", gem, lambda pairs: version_command(["ruby", "-e", RUBY], pairs)),
        ("composer", composer, lambda pairs: version_command(["php", "-r", PHP], pairs)),
    ]
    with open(sys.argv[1], "w") as out:
        for name, make, oracle in schemes:
            pairs = [(make(), make()) for _ in range(PAIRS)]
            for (one, other), sign in zip(pairs, oracle(pairs)):
                out.write(f"{name}\t{one}\t{sign}\t{other}\n")
        ranges = [(npm_range(), semver().split("+")[0]) for _ in range(2 * PAIRS)]
        answers = version_command(["node", "-e", RANGES], ranges)
        for (text, version), answer in zip(ranges, answers):
            out.write(f"npm-range\t{text}\t{answer}\t{version}\n")
    write_scores(sys.argv[2])


main()
