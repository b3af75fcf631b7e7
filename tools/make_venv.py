"""Set up the virtual environment: `python3 tools/make_venv.py .venv requirements.txt`.

Written so that any Python can run it, if only to say in one sentence which one is needed.
"""

import os
import subprocess
import sys


def stop(sentence):
    sys.stderr.write(sentence + "\n")
    sys.exit(1)


def check_python(version):
    if not (3, 10) <= tuple(version[:2]) <= (3, 13):
        stop(
            "This course needs Python 3.10 to 3.13, and `python3` is %d.%d here: install one of "
            "them, then name it, as in `make lab PYTHON=python3.12`." % tuple(version[:2])
        )


def check_venv():
    try:
        import ensurepip  # noqa: F401
        import venv  # noqa: F401
    except ImportError:
        stop(
            "This Python cannot make virtual environments: install its venv package "
            "(Debian, Ubuntu: `sudo apt install python3-venv`), then run the same command again."
        )


def main(folder, requirements):
    check_python(sys.version_info)
    check_venv()
    print("Setting up %s (the first time this takes a minute or more) ..." % folder)
    sys.stdout.flush()
    if subprocess.call([sys.executable, "-m", "venv", folder]) != 0:
        stop(
            "Could not write %s: see the lines above, delete that folder and run the same "
            "command again." % folder
        )
    python = os.path.join(folder, "Scripts" if os.name == "nt" else "bin", "python")
    install = "-m pip install -q --disable-pip-version-check -r".split()
    if subprocess.call([python] + install + [requirements]) != 0:
        stop(
            "pip could not install %s: check the network and the disk, then run the same "
            "command again." % requirements
        )


if __name__ == "__main__":
    if len(sys.argv) != 3:
        stop("Usage: python3 tools/make_venv.py FOLDER REQUIREMENTS")
    main(*sys.argv[1:])
