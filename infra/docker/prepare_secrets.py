"""Make the secrets of a deployment in containers: `python prepare_secrets.py FOLDER`.

What is there is kept. Only its owner may enter the folder; the files in it are readable, because Compose
mounts each as it is into a container whose user is somebody else.
"""

import os
import sys
from pathlib import Path

from libs.bus.rights import USERS
from libs.runtime.credentials import Credentials
from libs.runtime.nats_config import nats_config, password_variable

IMAGE_USER = 10001
NATS_ADDRESSES = {
    "HEELRISE_NATS_LISTEN": "0.0.0.0:4222",
    "HEELRISE_NATS_MONITOR": "127.0.0.1:8222",
    "HEELRISE_NATS_STORE": "/store",
}


def main(folder: Path) -> None:
    credentials = Credentials(folder)
    credentials.make()
    variables = NATS_ADDRESSES | {password_variable(user): credentials.nats_password(user) for user in USERS}
    lines = "".join(f'{name}: "{value}"\n' for name, value in variables.items())
    # The server takes variables from its file before those of its environment.
    (folder / "nats.conf").write_text(lines + nats_config(), encoding="utf-8")
    for path in folder.iterdir():
        path.chmod(0o444)
    # The issuer takes no key that others can read.
    credentials.issuer_key.chmod(0o400)
    os.chown(credentials.issuer_key, IMAGE_USER, IMAGE_USER)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
