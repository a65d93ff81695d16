"""Runs a command that the kernel stops when its parent dies, however it dies (Linux).

`python -I -S leash.py PARENT SIGNAL USER COMMAND…`, where USER is `-` or whom to become. Started as a
program, not imported: between fork and exec of a threaded process nothing may be done in Python.
"""

import ctypes
import os
import pwd
import sys

_PR_SET_PDEATHSIG = 1


def main(arguments: list[str]) -> None:
    """Become the user, ask for the signal, turn into the command."""
    parent, number, user, *command = arguments
    if user != "-":
        account = pwd.getpwnam(user)
        os.setgroups([])
        os.setgid(account.pw_gid)
        os.setuid(account.pw_uid)
    # After the change of user, which would clear it.
    ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, int(number), 0, 0, 0)
    if os.getppid() != int(parent):
        sys.exit("the parent was gone before the command could start")
    os.execv(command[0], command)  # noqa: S606 - the command is the supervisor's own


if __name__ == "__main__":
    main(sys.argv[1:])
