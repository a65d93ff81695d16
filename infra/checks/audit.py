"""Ask for known vulnerabilities of what is shipped: `make audit`.

pip-audit says "no known vulnerabilities" of packages that it could not look up, too. Here they count as
failures, like a known vulnerability: what wasn't looked up wasn't audited.
"""

import json
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
        say(f"audit: pip-audit ended with {done.returncode}: {done.stderr.strip()[-300:]}")
        return 1
    return judge(json.loads(done.stdout)["dependencies"])


def judge(packages: list[dict[str, Any]]) -> int:
    """Say what pip-audit found of each package; 0 where all were looked up and nothing was found."""
    unknown = [each["name"] for each in packages if "skip_reason" in each]
    vulnerable = [(each, found) for each in packages for found in each.get("vulns", ())]
    for each, found in vulnerable:
        fixed = ", ".join(found["fix_versions"]) or "nothing yet"
        say(f"audit: {each['name']} {each['version']}: {found['id']}, mended in {fixed}")
    for name in unknown:
        say(f"audit: {name} could not be looked up")
    say(f"audit: {len(packages)} packages, {len(vulnerable)} vulnerabilities, {len(unknown)} not looked up")
    return 1 if vulnerable or unknown else 0


def say(line: str) -> None:
    sys.stdout.write(line + "\n")


if __name__ == "__main__":
    sys.exit(main())
