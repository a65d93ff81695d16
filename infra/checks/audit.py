"""Ask for known vulnerabilities of what is shipped: `python infra/checks/audit.py`.

pip-audit says "no known vulnerabilities" of packages that it could not look up, too. Here they count:

- a known vulnerability fails, and so does a package that could not be looked up while others could;
- where nothing at all could be looked up there is no advisory data to be reached: that is said, and fails
  only with `HEELRISE_AUDIT=required`. Nobody should take such a run for an audit.
"""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
LOCKS = ROOT / "infra" / "requirements" / "runtime.txt"


def main() -> int:
    command = [
        str(Path(sys.executable).parent / "pip-audit"), "--requirement", str(LOCKS), "--require-hashes",
        "--disable-pip", "--progress-spinner", "off", "--format", "json",
    ]  # fmt: skip
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode not in (0, 1) or not done.stdout.strip():
        return without_data(f"pip-audit ended with {done.returncode}: {done.stderr.strip()[-300:]}")
    return judge(json.loads(done.stdout)["dependencies"])


def judge(packages: list[dict[str, Any]]) -> int:
    """Say what pip-audit found of each package; 0 where all were looked up and nothing was found."""
    unknown = [each["name"] for each in packages if "skip_reason" in each]
    if len(unknown) == len(packages):
        return without_data(f"none of {len(packages)} packages could be looked up")
    vulnerable = [(each, found) for each in packages for found in each.get("vulns", ())]
    for each, found in vulnerable:
        fixed = ", ".join(found["fix_versions"]) or "nothing yet"
        say(f"audit: {each['name']} {each['version']}: {found['id']}, mended in {fixed}")
    for name in unknown:
        say(f"audit: {name} could not be looked up")
    say(f"audit: {len(packages)} packages, {len(vulnerable)} vulnerabilities, {len(unknown)} not looked up")
    return 1 if vulnerable or unknown else 0


def without_data(reason: str) -> int:
    required = os.environ.get("HEELRISE_AUDIT") == "required"
    say(f"audit: NOT AUDITED, no advisory data can be reached here ({reason})")
    return 1 if required else 0


def say(line: str) -> None:
    sys.stdout.write(line + "\n")


if __name__ == "__main__":
    sys.exit(main())
