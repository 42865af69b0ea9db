"""The inputs of scripts/bench: reports, zips and policies of a given size, the same bytes every time.

Report texts vary, as real ones do: what repeats too well would be unpacked faster than anything real.
"""
import hashlib
import os
import zipfile

MIB = 1024 * 1024
HEAD = "0123456789abcdef0123456789abcdef01234567"


def junit(path, cases):
    """About 100 bytes a case, all passed."""
    with open(path, "w", encoding="utf-8") as out:
        out.write('<?xml version="1.0" encoding="UTF-8"?>\n<testsuites>\n')
        for start in range(0, cases, 1000):
            suite = start // 1000
            size = min(1000, cases - start)
            out.write(f'<testsuite name="suite_{suite}" tests="{size}" failures="0" errors="0">\n')
            for n in range(start, start + size):
                out.write(f'<testcase classname="package.module_{suite}.TestClass{n % 97}" '
                          f'name="test_case_number_{n:07}" time="0.{n % 1000:03}"/>\n')
            out.write("</testsuite>\n")
        out.write("</testsuites>\n")


def sarif(path, results):
    """About 1,300 bytes a result, as CodeQL and Semgrep write them: messages, regions, snippets, fingerprints."""
    snippet = "    return self.connection.execute(query % (table, value))  # noqa\\n" * 4
    with open(path, "w", encoding="utf-8") as out:
        rules = ",".join('{"id":"rule-%d","shortDescription":{"text":"rule %d"},"defaultConfiguration":'
                         '{"level":"warning"}}' % (n, n) for n in range(50))
        out.write('{"$schema":"https://json.schemastore.org/sarif-2.1.0.json","version":"2.1.0","runs":[{"tool":'
                  '{"driver":{"name":"bench","version":"1.0","rules":[%s]}},"results":[' % rules)
        for n in range(results):
            line = n % 997 + 1
            out.write("," if n else "")
            out.write(
                '{"ruleId":"rule-%d","ruleIndex":%d,"level":"warning","message":{"text":"A query is built from the '
                'parameter `value_%d`, which comes from outside and reaches the database without being checked. Pass '
                'it as a bound parameter instead, or check it against the list of known names."},"locations":[{'
                '"physicalLocation":{"artifactLocation":{"uri":"src/package_%d/module_%d.py","uriBaseId":"%%SRCROOT%%"'
                '},"region":{"startLine":%d,"startColumn":5,"endLine":%d,"endColumn":72,"snippet":{"text":"%s"}},'
                '"contextRegion":{"startLine":%d,"endLine":%d,"snippet":{"text":"%s"}}}}],"partialFingerprints":{'
                '"primaryLocationLineHash":"%s:1","primaryLocationStartColumnFingerprint":"%d"},"properties":{'
                '"precision":"high","tags":["security","correctness"]}}\n'
                % (n % 50, n % 50, n, n % 89, n % 4999, line, line, snippet, line, line + 4, snippet[:140],
                   hashlib.md5(b"%d" % n).hexdigest(), n % 40))
        out.write("]}]}\n")


def noise(path, size):
    """Bytes no compression helps with."""
    with open(path, "wb") as out:
        for block in range(0, size, MIB):
            out.write(hashlib.shake_256(b"%d" % block).digest(min(MIB, size - block)))


def zip_of_reports(path, unpacked, entries, folder):
    """A zip, deflated, of so many JUnit reports and unpacked bytes together."""
    cases = unpacked // entries // 112
    report = os.path.join(folder, "entry.xml")
    junit(report, cases)
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as out:
        for n in range(entries):
            out.write(report, f"reports/part-{n:03}/junit.xml")
    os.remove(report)


def ten_small_reports(folder):
    """Ten artifacts, half of them JUnit of 40 cases, half SARIF without a result, and the policy for them."""
    policy = ["version = 1"]
    evidence = os.path.join(folder, "evidence")
    for n in range(10):
        artifact = os.path.join(evidence, f"a{n}")
        os.makedirs(artifact)
        is_junit = n % 2 == 0
        name, form, kind = ("junit.xml", "junit", "tests") if is_junit else ("lint.sarif", "sarif", "findings")
        report = os.path.join(artifact, name)
        if is_junit:
            junit(report, 40)
        else:
            sarif(report, 4)
        policy += [f"[evidence.e{n}]", f'artifact = "a{n}"', f'path = "{name}"', f'format = "{form}"']
        policy += ["[[gate]]", f'id = "g{n}"', f'kind = "{kind}"', f'evidence = ["e{n}"]']
        if not is_junit:
            policy.append("max = { warning = 10 }")
    path = os.path.join(folder, "policy.toml")
    with open(path, "w", encoding="utf-8") as out:
        out.write("\n".join(policy) + "\n")
    return evidence, path


def stored_zip(path):
    """The file as a zip that does not compress it, beside it."""
    packed = path + ".zip"
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_STORED) as out:
        out.write(path, os.path.basename(path))
    return packed
